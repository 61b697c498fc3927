package picture

import (
	"encoding/binary"
	"fmt"
)

// mark is what files of a kind have at a place.
type mark struct {
	at    int
	bytes string
}

// unread are kinds of pictures that people have and that are not read.
var unread = []struct {
	name  string
	marks []mark
}{
	{"HEIC", []mark{{4, "ftypheic"}, {4, "ftypheix"}, {4, "ftypheim"}, {4, "ftypheis"}, {4, "ftyphevc"}, {4, "ftyphevx"}, {4, "ftyphevm"}, {4, "ftyphevs"}}},
	{"AVIF", []mark{{4, "ftypavif"}, {4, "ftypavis"}}},
	{"JPEG XL", []mark{{0, "\xff\x0a"}, {4, "JXL \r\n\x87\n"}, {4, "ftypjxl "}}},
	{"HEIC and AVIF", []mark{{4, "ftypmif1"}, {4, "ftypmif2"}, {4, "ftypmsf1"}, {4, "ftypmiaf"}}},
	{"JPEG 2000", []mark{{4, "jP  \r\n\x87\n"}, {0, "\xff\x4f\xff\x51"}}},
	{"Photoshop's format", []mark{{0, "8BPS"}}},
	{"SVG", []mark{{0, "<svg"}}},
	{"PDF", []mark{{0, "%PDF-"}}},
}

// jpegLimits names what image/jpeg does not decode of what browsers do.
func jpegLimits(data []byte) string {
	progressive, restarts := false, false
	for data = data[min(2, len(data)):]; len(data) >= 4 && data[0] == 0xff; {
		const fill, sof2, sos, dri = 0xff, 0xc2, 0xda, 0xdd
		if data[1] == fill {
			data = data[1:]
			continue
		}
		kind, size := data[1], 2+int(binary.BigEndian.Uint16(data[2:]))
		if size < 4 || size > len(data) {
			return ""
		}
		switch body := data[4:size]; {
		case kind == dri && len(body) == 2:
			restarts = binary.BigEndian.Uint16(body) > 0
		case kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc:
			if why := samplings(kind, body); why != "" {
				return why
			}
			progressive = kind == sof2
		case kind == sos:
			if progressive && restarts && data[4] != 0 {
				return jpegRestarts(data)
			}
			return ""
		}
		data = data[size:]
	}
	return ""
}

// jpegRestarts names progressive pictures with restart markers, if there are any behind the first scan's header.
func jpegRestarts(data []byte) string {
	for i := 0; i+1 < len(data); i++ {
		if data[i] == 0xff && data[i+1] >= 0xd0 && data[i+1] <= 0xd7 {
			return "progressive JPEG with restart markers"
		}
	}
	return ""
}

// samplings names what a frame header asks for that is not decoded.
func samplings(kind byte, body []byte) string {
	switch {
	case kind > 0xc2:
		return "JPEG of a rare kind (lossless, hierarchical or arithmetically coded)"
	case len(body) > 0 && body[0] != 8:
		return fmt.Sprintf("JPEG with %d bits a channel", body[0])
	}
	return ""
}

// bmpLimits names kinds of BMP files that golang.org/x/image/bmp does not decode.
func bmpLimits(data []byte) string {
	if len(data) < 34 {
		return ""
	}
	bits := binary.LittleEndian.Uint16(data[28:])
	switch compression := binary.LittleEndian.Uint32(data[30:]); {
	case compression == 1 || compression == 2:
		return fmt.Sprintf("BMP compressed by run lengths (RLE%d)", bits)
	case compression == 4 || compression == 5:
		return "BMP with a JPEG or PNG inside"
	case bits == 16:
		return "BMP with 16 bits a pixel"
	case compression == 3 && bits != 32:
		return fmt.Sprintf("BMP with bit masks of %d bits", bits)
	}
	return ""
}

// tiffLimits names kinds of TIFF files that golang.org/x/image/tiff does not decode, or decodes wrongly.
func tiffLimits(data []byte) string {
	const compression, photometric, fillOrder = 259, 262, 266
	_, coding, _ := tiffTag(data, compression)
	if _, order, ok := tiffTag(data, fillOrder); ok && order == 2 && (coding < 2 || coding > 4) {
		return "TIFF with the bits of each byte in reverse order (FillOrder 2)"
	}
	if _, colours, ok := tiffTag(data, photometric); ok {
		switch colours {
		case 5:
			return "TIFF in CMYK"
		case 6:
			return "TIFF in YCbCr"
		case 8, 9, 10:
			return "TIFF in CIELAB"
		}
	}
	return ""
}
