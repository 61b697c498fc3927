package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// Located reports whether a picture's file says where it was taken: by a latitude in its Exif data, or in its XMP.
func Located(file []byte) bool {
	k, err := sniff(file[:min(HeadSize, len(file))])
	if err != nil {
		return false
	}
	if k.read != nil && k.read.exif != nil && hasLatitude(k.read.exif(file)) {
		return true
	}
	return bytes.Contains(file, []byte("GPSLatitude")) // as XMP names it, in every kind of file
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
// behind the first one. Colour profiles and which way is up stay. It leaves the pixels as they are coded. It knows JPEG and PNG; of
// others the error wraps [ErrUnstripped], and of files that make no sense [ErrTruncated].
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
	}
	return nil, fmt.Errorf("%s: %w", k.Name, ErrUnstripped)
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
