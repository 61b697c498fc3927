package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"ditas/picture/internal/heif"
)

// Located reports whether a picture's file says where it was taken: by a latitude in its Exif data, by a latitude or the name of a place in its XMP,
// or by the name of a place among what newspapers note in a JPEG (IPTC).
func Located(file []byte) bool {
	k, err := sniff(file[:min(HeadSize, len(file))])
	if err != nil {
		return false
	}
	if k.read != nil && k.read.exif != nil && hasLatitude(k.read.exif(file)) {
		return true
	}
	named := func(place string) bool { return bytes.Contains(file, []byte(place)) }
	return slices.ContainsFunc(xmpPlaces, named) || k.Name == "JPEG" && hasPlace(jpegIPTC(file))
}

// xmpPlaces are what XMP calls places, in every kind of file (XMP part 2, sections 1.1 and 3.3, and IPTC Core 1.3).
var xmpPlaces = []string{
	"GPSLatitude", "photoshop:City", "photoshop:State", "photoshop:Country", "Iptc4xmpCore:Location", "Iptc4xmpCore:CountryCode", "Iptc4xmpExt:Location",
}

// jpegIPTC returns the data sets of IPTC in a JPEG file, nil if there are none: a resource of Photoshop, which lie in segments APP13 (Adobe
// Photoshop File Formats, "Image resource blocks").
func jpegIPTC(data []byte) []byte {
	const app13, iptc = 0xed, 0x0404
	var resources []byte // which may be longer than a segment
	jpegSegments(data, func(marker byte, body []byte) {
		if part, ok := bytes.CutPrefix(body, []byte("Photoshop 3.0\x00")); ok && marker == app13 {
			resources = append(resources, part...)
		}
	})
	for len(resources) >= 7 && string(resources[:4]) == "8BIM" {
		kind, name := binary.BigEndian.Uint16(resources[4:]), 1+int(resources[6])
		head := 6 + name + name%2
		if head+4 > len(resources) {
			break
		}
		size := uint64(binary.BigEndian.Uint32(resources[head:]))
		resources = resources[head+4:]
		if size > uint64(len(resources)) {
			break
		}
		if kind == iptc {
			return resources[:size]
		}
		resources = resources[min(size+size%2, uint64(len(resources))):]
	}
	return nil
}

// hasPlace reports whether data sets of IPTC (IIM 4.2, chapters 3 and 6) name a city, a part of it, a state, or a country by code or name.
func hasPlace(iptc []byte) bool {
	const mark, application = 0x1c, 2
	places := []byte{90, 92, 95, 100, 101}
	for len(iptc) >= 5 && iptc[0] == mark {
		size := int(binary.BigEndian.Uint16(iptc[3:]))
		if size > len(iptc)-5 { // also those of more than 32767 bytes, which no name takes
			return false
		}
		if iptc[1] == application && bytes.IndexByte(places, iptc[2]) >= 0 && len(bytes.TrimSpace(iptc[5:5+size])) > 0 {
			return true
		}
		iptc = iptc[5+size:]
	}
	return false
}

// hasLatitude reports whether TIFF data, which is what Exif data are, have a directory of positions (Exif 2.32, section 4.6.3, tag 34853) with a
// latitude in it (section 4.6.6, tag 2).
func hasLatitude(exif []byte) bool {
	const directory, latitude = 34853, 2
	first, order := firstDirectory(exif)
	gps := entry(exif, order, first, directory)
	return gps != nil && entry(exif, order, uint64(order.Uint32(gps[8:])), latitude) != nil
}

// ErrUnstripped reports a kind of file of which [Strip] does not know what to leave out.
var ErrUnstripped = errors.New("what this kind of file says besides its pixels cannot be left out: save it as JPEG or PNG")

// Strip returns a picture's file without what it says besides its pixels: where, when and with what it was taken, by whom, thumbnails, pictures or films
// behind the first one. Colour profiles and which way is up stay. It leaves the pixels as they are coded. It knows JPEG, PNG, WebP, TIFF, HEIC and
// AVIF, and of the latter three leaves other pictures in the file, such as pages; of other kinds, and of rare ones among these, the error
// wraps [ErrUnstripped], and of files that make no sense [ErrTruncated].
func Strip(file []byte) ([]byte, error) {
	k, err := sniff(file[:min(HeadSize, len(file))])
	if err != nil {
		return nil, err
	}
	switch k.Name {
	case "JPEG":
		return stripJPEG(file, orientation(jpegExif(file)))
	case "PNG":
		return stripPNG(file, orientation(pngExif(file)))
	case "WebP":
		return stripWebP(file, orientation(webpExif(file)))
	case "TIFF":
		return stripTIFF(file)
	case "HEIC", "AVIF":
		return stripHEIF(file, k.Name)
	}
	return nil, fmt.Errorf("%s: %w", k.Name, ErrUnstripped)
}

// stripHEIF is heif.Strip. What it does not understand is not sure to be stripped.
func stripHEIF(file []byte, kind string) ([]byte, error) {
	out, err := heif.Strip(file)
	switch {
	case errors.Is(err, heif.ErrTruncated):
		return nil, fmt.Errorf("%s: %w", kind, ErrTruncated)
	case err != nil:
		return nil, fmt.Errorf("%s: %w (%w)", kind, ErrUnstripped, err)
	}
	return out, nil
}

// upright returns Exif data that say nothing but an orientation.
func upright(orientation int) []byte {
	return []byte{'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 274 >> 8, 274 & 255, 0, 3, 0, 0, 0, 1, 0, byte(orientation), 0, 0, 0, 0, 0, 0}
}

// stripJPEG leaves out all application segments but those that colours depend on, comments, and what follows the picture (ITU-T T.81, annex B).
func stripJPEG(file []byte, orientation int) ([]byte, error) {
	const (
		fill, restart0, restart7, start, end, scan, app0, app2, app14, app15, comment = 0xff, 0xd0, 0xd7, 0xd8, 0xd9, 0xda, 0xe0, 0xe2, 0xee, 0xef, 0xfe
	)
	short := fmt.Errorf("JPEG: %w", ErrTruncated)
	out := []byte{fill, start}
	if orientation > 1 {
		exif := append(slices.Clone(exifHeader), upright(orientation)...)
		out = append(out, fill, 0xe1, 0, byte(2+len(exif)))
		out = append(out, exif...)
	}
	for at := 2; at+1 < len(file); {
		marker := file[at+1]
		switch {
		case file[at] != fill:
			return nil, short
		case marker == fill: // of any length
			at++
			continue
		case marker == end:
			return append(out, fill, end), nil
		case at+4 > len(file):
			return nil, short
		}
		size := 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		if size < 4 || at+size > len(file) {
			return nil, short
		}
		segment := file[at : at+size]
		at += size
		switch keeps := marker == app0 && bytes.HasPrefix(segment[4:], []byte("JFIF\x00")) || marker == app14 ||
			marker == app2 && bytes.HasPrefix(segment[4:], []byte("ICC_PROFILE\x00")); {
		case marker == comment, marker >= app0 && marker <= app15 && !keeps:
			continue
		}
		out = append(out, segment...)
		if marker != scan {
			continue
		}
		// What is coded goes on up to a marker that is not one of its own.
		from := at
		for at+1 < len(file) && (file[at] != fill || file[at+1] == 0 || file[at+1] == fill || file[at+1] >= restart0 && file[at+1] <= restart7) {
			at++
		}
		if at+1 >= len(file) {
			return nil, short
		}
		out = append(out, file[from:at]...)
	}
	return nil, short
}

// keptChunks are those of PNG files that how the pixels look depends on, besides those whose names begin with a capital letter.
var keptChunks = []string{"tRNS", "cICP", "iCCP", "gAMA", "cHRM", "sRGB", "sBIT", "bKGD", "pHYs", "mDCV", "cLLI", "acTL", "fcTL", "fdAT"}

// stripPNG leaves out the chunks of a PNG file that do not matter for how it looks, and what follows it.
func stripPNG(file []byte, orientation int) ([]byte, error) {
	out, ended := slices.Clone(file[:min(8, len(file))]), false
	pngChunks(file, func(name string, chunk []byte) {
		if ended {
			return
		}
		if name[0]&0x20 == 0 || slices.Contains(keptChunks, name) {
			out = append(out, chunk...)
		}
		if name == "IHDR" && orientation > 1 {
			from, exif := len(out), upright(orientation)
			out = binary.BigEndian.AppendUint32(out, uint32(len(exif)))
			out = append(append(out, "eXIf"...), exif...)
			out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from+4:]))
		}
		ended = name == "IEND"
	})
	if !ended {
		return nil, fmt.Errorf("PNG: %w", ErrTruncated)
	}
	return out, nil
}

// stripWebP leaves out the chunks of a WebP file, and of its frames, that are no part of the picture, and what follows it.
func stripWebP(file []byte, orientation int) ([]byte, error) {
	const head, frameHead, xmp, exif = 12, 16, 1 << 2, 1 << 3 // the latter two are flags of the file
	short := fmt.Errorf("WebP: %w", ErrTruncated)
	if len(file) < head {
		return nil, short
	}
	end := 8 + uint64(binary.LittleEndian.Uint32(file[4:]))
	if end > uint64(len(file))+1 { // the last chunk may lack its padding
		return nil, short
	}
	out, pictures := slices.Clone(file[:head]), 0
	add := func(name string, body ...[]byte) {
		chunk := slices.Concat(body...)
		out = append(binary.LittleEndian.AppendUint32(append(out, name...), uint32(len(chunk))), chunk...)
		out = append(out, make([]byte, len(chunk)%2)...)
	}
	rest := webpChunks(file[head:max(head, min(end, uint64(len(file))))], func(name string, body []byte) {
		switch name {
		case "VP8X":
			flags := slices.Clone(body)
			if len(flags) > 0 {
				if flags[0] &^= xmp | exif; orientation > 1 {
					flags[0] |= exif
				}
			}
			add(name, flags)
		case "ANMF":
			if len(body) < frameHead {
				return
			}
			from := len(out)
			add(name, body[:frameHead])
			webpChunks(body[frameHead:], func(name string, body []byte) {
				if name == "ALPH" || name == "VP8 " || name == "VP8L" {
					add(name, body)
				}
			})
			binary.LittleEndian.PutUint32(out[from+4:], uint32(len(out)-from-8))
			pictures++
		case "VP8 ", "VP8L":
			pictures++
			add(name, body)
		case "ICCP", "ANIM", "ALPH":
			add(name, body)
		}
	})
	if pictures == 0 || len(rest) >= 8 {
		return nil, short
	}
	if orientation > 1 {
		add("EXIF", upright(orientation))
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}
