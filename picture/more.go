package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// What files hold besides the picture that is read. Losses tells of further pictures, pages and frames. It does not of what programs keep
// beside a picture to show or to edit it, such as previews, gain maps, depth maps and notes: none of that is seen when the picture is opened.

// firstOf says that of so many only the first was read, and nothing if there are no more.
func firstOf(n int, what string) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("only the first of its %d %s was read", n, what)
}

// gifFrames tells of the frames of an animated GIF (GIF89a, section 20).
func gifFrames(data []byte) string {
	const image, extension = 0x2c, 0x21
	if len(data) < 13 {
		return ""
	}
	table := func(flags byte) int {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	frames, at := 0, 13+table(data[10])
	for at < len(data) {
		switch kind := data[at]; {
		case kind == extension:
			at += 2
		case kind == image && at+10 < len(data):
			frames++
			at += 11 + table(data[at+9])
		default:
			return firstOf(frames, "frames")
		}
		for at < len(data) && data[at] != 0 {
			at += 1 + int(data[at])
		}
		at++
	}
	return firstOf(frames, "frames")
}

// pngFrames tells of the frames of an animated PNG (PNG, third edition, section 11.3.6).
func pngFrames(data []byte) string {
	frames, first, seen := uint32(0), false, false
	pngChunks(data, func(name string, chunk []byte) {
		switch {
		case seen:
		case name == "acTL" && len(chunk) == 20 && pngSum(chunk):
			frames = binary.BigEndian.Uint32(chunk[8:])
		case name == "fcTL":
			first = true
		case name == "IDAT":
			seen = true
		}
	})
	switch {
	case first:
		return firstOf(int(min(frames, 1<<30)), "frames")
	case frames > 0:
		return fmt.Sprintf("its animation was dropped, of %d frames", frames)
	}
	return ""
}

// jpegPictures tells of further pictures in a file of several (CIPA DC-007, section 5.2.3): of views and panoramas, not of previews, nor of
// what has no kind there, such as gain maps.
func jpegPictures(data []byte) (more string) {
	const app2 = 0xe2
	seen := false
	jpegSegments(data, func(marker byte, body []byte) {
		if marker == app2 && !seen && bytes.HasPrefix(body, []byte("MPF\x00")) {
			seen, more = true, firstOf(views(body[4:]), "pictures")
		}
	})
	return more
}

// views counts the pictures that are views of one scene in the index of a file of several.
func views(index []byte) int {
	const entries, view, primary = 0xb002, 0x02, 0x030000
	list, _, ok := tiffTag(index, entries)
	if !ok {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if index[0] == 'M' {
		order = binary.BigEndian
	}
	n := 0
	for i := 0; len(list) >= 16; i, list = i+1, list[16:] {
		kind := order.Uint32(list) & 0xffffff
		if kind>>16 == view || i == 0 && kind == primary {
			n++
		}
	}
	return n
}

// directory is one of a TIFF file.
type directory struct {
	at      uint32
	small   bool // a preview of another one, or a mask
	preview bool
}

// mostDirectories bounds how many of a TIFF file are looked at, and entries how many of them in all: directories may overlap.
const (
	mostDirectories = 1 << 16
	mostEntries     = 1 << 20
)

// Tags of directories, and what they say.
const (
	newSubfileType = 254
	subfileType    = 255
	photometric    = 262
	cameraMaker    = 271
	subdirectories = 330
	dngVersion     = 50706

	reducedImage = 1
	mask         = 4
	filterArray  = 32803 // what a camera's sensor sees
)

// directories returns those of a TIFF file (TIFF 6.0, sections 2 and 8).
func directories(data []byte) []directory {
	if len(data) < 8 {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	var list []directory
	seen := map[uint32]bool{}
	entries := 0
	for at := order.Uint32(data[4:]); at >= 8 && !seen[at] && len(list) < mostDirectories && entries < mostEntries; {
		seen[at] = true
		if uint64(at)+2 > uint64(len(data)) {
			break
		}
		n := int(order.Uint16(data[at:]))
		entries += n
		end := uint64(at) + 2 + 12*uint64(n)
		if end > uint64(len(data)) {
			break
		}
		d := directory{at: at}
		for e := data[at+2 : end]; len(e) > 0; e = e[12:] {
			switch order.Uint16(e) {
			case newSubfileType:
				kind := order.Uint32(e[8:])
				d.small = d.small || kind&(reducedImage|mask) != 0
				d.preview = d.preview || kind&(reducedImage|mask) == reducedImage
			case subfileType:
				d.small = d.small || order.Uint16(e[8:]) == 2
				d.preview = d.preview || order.Uint16(e[8:]) == 2
			}
		}
		list = append(list, d)
		if end+4 > uint64(len(data)) {
			break
		}
		at = order.Uint32(data[end:])
	}
	return list
}

// tiffPages tells of the pages of a TIFF file.
func tiffPages(data []byte) string {
	pages := 0
	for _, d := range directories(data) {
		if !d.small {
			pages++
		}
	}
	return firstOf(pages, "pages")
}

// tiffPage returns a TIFF file that begins with its first page, where that comes behind a preview.
func tiffPage(data []byte) []byte {
	list := directories(data)
	i := slices.IndexFunc(list, func(d directory) bool { return !d.small })
	if i <= 0 || isRaw(data) != "" {
		return data
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	page := slices.Clone(data)
	order.PutUint32(page[4:], list[i].at)
	return page
}

// rawError is the error of a camera's raw data that begin as a TIFF file does: the extension of their kind.
type rawError string

func (e rawError) Error() string { return string(e) + " files are a camera's raw data" }

// isRaw returns the extension of a camera's raw data that begin as a TIFF file does, and nothing if they are none.
func isRaw(data []byte) string {
	_, _, dng := tiffTag(data, dngVersion)
	_, _, others := tiffTag(data, subdirectories)
	_, kind, _ := tiffTag(data, newSubfileType)
	_, colours, _ := tiffTag(data, photometric)
	maker, _, _ := tiffTag(data, cameraMaker)
	made := strings.ToUpper(string(maker))
	switch {
	case dng:
		return ".dng"
	case colours != filterArray && !(others && kind&reducedImage != 0):
		return ""
	case strings.HasPrefix(made, "NIKON"):
		return ".nef"
	case strings.HasPrefix(made, "SONY"):
		return ".arw"
	case strings.HasPrefix(made, "PENTAX"), strings.HasPrefix(made, "RICOH"):
		return ".pef"
	}
	return ".srw"
}
