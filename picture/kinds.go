package picture

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ditas/internal/words"
)

// Kind is a kind of picture files.
type Kind struct {
	Name       string
	Extensions []string // with their dots, in lower case; the usual one first
	MediaType  string   // as in Content-Type; empty if there is none
	Writable   bool     // [Planes.Encode] writes it as Format
	Format     Format
	Advice     string // what to do with files that [Decode] does not read; empty if it does

	marks []string // that files begin with, see begins; none if they begin as TIFF files do
	read  *format  // nil if it is not read
}

// Readable reports whether [Decode] reads files of the kind.
func (k Kind) Readable() bool { return k.read != nil }

// UnreadError is the error of [Decode] for files of a kind that people have and that is not read. It is [ErrFormat] to errors.Is.
type UnreadError struct{ Kind Kind }

func (e *UnreadError) Error() string {
	return e.Kind.Name + " cannot be read by ditas; " + e.Kind.Advice
}

// Is reports whether target is ErrFormat.
func (e *UnreadError) Is(target error) bool { return target == ErrFormat }

// What to do with files that are not read.
const (
	save    = "save the picture as JPEG or PNG"
	export  = "export the drawing as PNG, as large as you want it"
	flatten = "export the picture as PNG from the program that made it"
	develop = "develop it with the camera's program, darktable or RawTherapee, and save that as PNG or TIFF"
)

// kinds are all kinds of pictures that are known, those first that Decode reads. What begins as several do is the first of them.
var kinds = []Kind{
	{"PNG", []string{".png"}, "image/png", true, PNG, "", []string{"\x89PNG\r\n\x1a\n"}, pngFormat},
	{"JPEG", []string{".jpg", ".jpeg"}, "image/jpeg", true, JPEG, "", []string{"\xff\xd8\xff"}, jpegFormat},
	{"GIF", []string{".gif"}, "image/gif", false, 0, "", []string{"GIF87a", "GIF89a"}, gifFormat},
	{"WebP", []string{".webp"}, "image/webp", false, 0, "", []string{"RIFF????WEBP"}, webpFormat},
	{"HEIC", []string{".heic", ".heif", ".hif"}, "image/heic", false, 0, "", []string{"????ftypheic", "????ftypheix", "????ftypheim", "????ftypheis",
		"????ftyphevc", "????ftyphevx", "????ftyphevm", "????ftyphevs", "????ftypmif1", "????ftypmif2", "????ftypmsf1", "????ftypmiaf",
		// Of other codings, which the reader names, and of any (ISO/IEC 23008-12).
		"????ftypavci", "????ftypavcs", "????ftypj2ki", "????ftypj2is", "????ftypvvic", "????ftypvvis",
		"????ftypjpeg", "????ftypjpgs", "????ftypunif", "????ftypheif"}, heicFormat},
	{"AVIF", []string{".avif"}, "image/avif", false, 0, "", []string{"????ftypavif", "????ftypavis"}, avifFormat},
	// With its header's size behind it: many texts begin with these two letters.
	{"BMP", []string{".bmp"}, "image/bmp", true, BMP, "", []string{"BM?????????????\x00\x00\x00"}, bmpFormat},
	{cr2, []string{".cr2"}, "image/x-canon-cr2", false, 0, develop, []string{"II*\x00????CR\x02"}, nil},
	{"TIFF", []string{".tif", ".tiff"}, "image/tiff", true, TIFF, "", []string{"II*\x00", "MM\x00*"}, tiffFormat},

	{"JPEG XL", []string{".jxl"}, "image/jxl", false, 0, save, []string{"\xff\x0a", "????JXL \r\n\x87\n", "????ftypjxl "}, nil},
	{"JPEG 2000", []string{".jp2", ".j2k", ".jpf"}, "image/jp2", false, 0, save, []string{"????jP  \r\n\x87\n", "\xff\x4f\xff\x51"}, nil},
	{"Photoshop's format", []string{".psd", ".psb"}, "image/vnd.adobe.photoshop", false, 0, flatten, []string{"8BPS"}, nil},
	{"GIMP's format", []string{".xcf"}, "image/x-xcf", false, 0, flatten, []string{"gimp xcf "}, nil},
	{"SVG", []string{".svg"}, "image/svg+xml", false, 0, export, []string{"<svg"}, nil},
	{"PDF", []string{".pdf"}, "application/pdf", false, 0, export, []string{"%PDF-"}, nil},
	{"EPS", []string{".eps", ".ps"}, "application/postscript", false, 0, export, []string{"%!PS", "\xc5\xd0\xd3\xc6"}, nil},
	// Truevision's files begin with numbers: no colours in a table, or 256 of 24 or 32 bits, one of six codings, and 8 to 32 bits a pixel.
	{"TGA", []string{".tga", ".icb", ".vda", ".vst"}, "image/x-tga", false, 0, save, tgaMarks, nil},
	{"ICO", []string{".ico", ".cur"}, "image/vnd.microsoft.icon", false, 0, save, []string{"\x00\x00\x01\x00?\x00", "\x00\x00\x02\x00?\x00"}, nil},
	{"OpenEXR", []string{".exr"}, "image/x-exr", false, 0, save, []string{"\x76\x2f\x31\x01"}, nil},
	{"Radiance HDR", []string{".hdr"}, "image/vnd.radiance", false, 0, save, []string{"#?RADIANCE", "#?RGBE"}, nil},
	{"QOI", []string{".qoi"}, "image/qoi", false, 0, save, []string{"qoif"}, nil},
	{"BPG", []string{".bpg"}, "image/bpg", false, 0, save, []string{"BPG\xfb"}, nil},
	{"DDS", []string{".dds"}, "image/vnd-ms.dds", false, 0, save, []string{"DDS |\x00\x00\x00"}, nil},
	{"JPEG XR", []string{".jxr", ".wdp"}, "image/jxr", false, 0, save, []string{"II\xbc\x01"}, nil},
	{"PNM", []string{".ppm", ".pgm", ".pbm", ".pnm", ".pam"}, "image/x-portable-anymap", false, 0, save,
		[]string{"P1\n", "P2\n", "P3\n", "P4\n", "P5\n", "P6\n", "P7\n"}, nil},
	{"PCX", []string{".pcx"}, "image/vnd.zbrush.pcx", false, 0, save, []string{"\x0a\x00\x01", "\x0a\x02\x01", "\x0a\x03\x01", "\x0a\x05\x01"}, nil},
	{"SGI", []string{".sgi", ".rgb", ".bw"}, "image/sgi", false, 0, save, []string{"\x01\xda\x00", "\x01\xda\x01"}, nil},
	{"XPM", []string{".xpm"}, "image/x-xpixmap", false, 0, save, []string{"/* XPM */"}, nil},
	{"ICNS", []string{".icns"}, "image/icns", false, 0, save, []string{"icns"}, nil},
	{"BigTIFF", []string{".tf8", ".btf"}, "image/tiff", false, 0, save, []string{"II+\x00\x08\x00", "MM\x00+\x00\x08"}, nil},

	// Camera raws.
	{"DNG (camera raw)", []string{".dng"}, "image/x-adobe-dng", false, 0, develop, nil, nil},
	{"NEF (camera raw)", []string{".nef", ".nrw"}, "image/x-nikon-nef", false, 0, develop, nil, nil},
	{"ARW (camera raw)", []string{".arw", ".sr2"}, "image/x-sony-arw", false, 0, develop, nil, nil},
	{"PEF (camera raw)", []string{".pef"}, "image/x-pentax-pef", false, 0, develop, nil, nil},
	{"TIFF with camera raw data", []string{".srw", ".3fr", ".erf", ".iiq", ".mos"}, "", false, 0, develop, nil, nil},
	{"CR3 (camera raw)", []string{".cr3"}, "image/x-canon-cr3", false, 0, develop, []string{"????ftypcrx "}, nil},
	{"CRW (camera raw)", []string{".crw"}, "image/x-canon-crw", false, 0, develop, []string{"II\x1a\x00\x00\x00HEAPCCDR"}, nil},
	{"ORF (camera raw)", []string{".orf"}, "image/x-olympus-orf", false, 0, develop, []string{"IIRO", "IIRS", "MMOR"}, nil},
	{"RW2 (camera raw)", []string{".rw2", ".raw"}, "image/x-panasonic-rw2", false, 0, develop, []string{"IIU\x00"}, nil},
	{"RAF (camera raw)", []string{".raf"}, "image/x-fuji-raf", false, 0, develop, []string{"FUJIFILMCCD-RAW"}, nil},
	{"X3F (camera raw)", []string{".x3f"}, "image/x-sigma-x3f", false, 0, develop, []string{"FOVb"}, nil},
}

// tgaMarks are what TGA files begin with, before which may stand the length of a remark (Truevision TGA File Format Specification 2.0).
var tgaMarks = []string{
	"?\x00\x02\x00\x00\x00\x00\x00????????\x18", "?\x00\x02\x00\x00\x00\x00\x00????????\x20", "?\x00\x02\x00\x00\x00\x00\x00????????\x10",
	"?\x00\x0a\x00\x00\x00\x00\x00????????\x18", "?\x00\x0a\x00\x00\x00\x00\x00????????\x20", "?\x00\x0a\x00\x00\x00\x00\x00????????\x10",
	"?\x00\x03\x00\x00\x00\x00\x00????????\x08", "?\x00\x0b\x00\x00\x00\x00\x00????????\x08",
	"?\x01\x01\x00\x00\x00\x01\x18????????\x08", "?\x01\x09\x00\x00\x00\x01\x18????????\x08",
	"?\x01\x01\x00\x00\x00\x01\x20????????\x08", "?\x01\x09\x00\x00\x00\x01\x20????????\x08",
}

// cr2 begins as TIFF does, and what would be read of it as one is small.
const cr2 = "CR2 (camera raw)"

// Known returns all kinds of pictures that are told apart, also those that [Decode] does not read.
func Known() []Kind { return slices.Clone(kinds) }

// Readable returns the kinds of pictures that [Decode] reads.
func Readable() []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k.read == nil })
}

// Writable returns the kinds of pictures that [Planes.Encode] writes.
func Writable() []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return !k.Writable })
}

// kindOf returns the kind whose files have an extension.
func kindOf(extension string) *Kind {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return slices.Contains(k.Extensions, extension) })
	return &kinds[i]
}

// Names returns the names of kinds.
func Names(kinds []Kind) []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}

// Extensions returns the extensions of kinds.
func Extensions(kinds []Kind) []string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.Extensions...)
	}
	return list
}

// Usual returns the usual extension of each of the kinds.
func Usual(kinds []Kind) []string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.Extensions[0])
	}
	return list
}

// FormatOf returns the format that the extension of path stands for, in upper or lower case.
func FormatOf(path string) (Format, error) {
	extension := strings.ToLower(filepath.Ext(path))
	for _, k := range Writable() {
		if slices.Contains(k.Extensions, extension) {
			return k.Format, nil
		}
	}
	return 0, fmt.Errorf("%s: the name of a picture to write must end in %s", path, words.List(Usual(Writable()), "or"))
}

// ExtensionOf returns the usual extension, with its dot, of pictures like the one in a file, and an empty one if [Decode] does not read it.
func ExtensionOf(file []byte) string {
	k, err := sniff(file[:min(HeadSize, len(file))])
	if err != nil {
		return ""
	}
	return k.Extensions[0]
}

// Misnamed returns the name of the kind of picture that a file holds if its name is that of another kind, such as JPEG for one called photo.png, and an
// empty string if not.
func Misnamed(name string, file []byte) string {
	k, err := sniff(file[:min(HeadSize, len(file))])
	extension := strings.ToLower(filepath.Ext(name))
	if err != nil || slices.Contains(k.Extensions, extension) || !slices.Contains(Extensions(kinds), extension) {
		return ""
	}
	return k.Name
}

// Wanted returns a hint for somebody who gave something else: "pictures are PNG, JPEG, … files".
func Wanted() string { return "pictures are " + words.List(Names(Readable()), "or") + " files" }

// HeadSize is how many bytes of a file tell its kind.
const HeadSize = 1024

// Recognize reports whether a file that begins with head, its first [HeadSize] bytes or all of it, is a picture of a kind that is known.
func Recognize(head []byte) bool {
	_, err := sniff(head)
	return err == nil
}
