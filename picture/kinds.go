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
	MediaType  string   // as in Content-Type
	Writable   bool     // [Planes.Encode] writes it as Format
	Format     Format
}

// kinds are what Decode reads.
var kinds = []Kind{
	{"PNG", []string{".png"}, "image/png", true, PNG},
	{"JPEG", []string{".jpg", ".jpeg"}, "image/jpeg", true, JPEG},
	{"GIF", []string{".gif"}, "image/gif", false, 0},
	{"WebP", []string{".webp"}, "image/webp", false, 0},
	{"BMP", []string{".bmp"}, "image/bmp", true, BMP},
	{"TIFF", []string{".tif", ".tiff"}, "image/tiff", true, TIFF},
}

// Readable returns the kinds of pictures that [Decode] reads.
func Readable() []Kind { return slices.Clone(kinds) }

// Writable returns the kinds of pictures that [Planes.Encode] writes.
func Writable() []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return !k.Writable })
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

// Wanted returns a hint for somebody who gave something else: "pictures are PNG, JPEG, … files".
func Wanted() string { return "pictures are " + words.List(Names(kinds), "or") + " files" }

// Recognize reports whether a file that begins with head, its first 32 bytes or more, is a picture of a kind that [Decode]
// reads, or HEIC or AVIF, which Decode does not read.
func Recognize(head []byte) bool {
	_, err := sniff(head)
	return err != ErrFormat // an error that wraps it tells more
}
