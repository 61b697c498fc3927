package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

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

// mostScans is how many scans of a JPEG are decoded. Each may take ten bytes, and as much time as the whole picture; no program writes more than some
// thirty.
const mostScans = 200

// jpegScans refuses JPEG files of more scans than that.
func jpegScans(data []byte) error {
	const fill, restart0, end, scan = 0xff, 0xd0, 0xd9, 0xda // end and scan come behind the eight restart markers and the start
	scans := 0
	for at := 2; at+4 <= len(data); {
		marker := data[at+1]
		switch {
		case data[at] != fill || marker == 0 || marker >= restart0 && marker < end: // of what is coded
			next := bytes.IndexByte(data[at+1:], fill)
			if next < 0 {
				return nil
			}
			at += 1 + next
			continue
		case marker == fill:
			at++
			continue
		case marker == end:
			return nil
		case marker == scan:
			if scans++; scans > mostScans {
				return limit(fmt.Sprintf("JPEG of more than %d scans", mostScans))
			}
		}
		at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
	}
	return nil
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
	case kind == 0xc9 || kind == 0xca:
		return "arithmetically coded JPEG"
	case kind > 0xc2:
		return "JPEG of a rare kind (lossless or hierarchical)"
	case len(body) > 0 && body[0] != 8:
		return fmt.Sprintf("JPEG with %d bits a channel", body[0])
	}
	return ""
}

// bmpLimits refuses kinds of BMP files that golang.org/x/image/bmp does not decode.
func bmpLimits(data []byte) error {
	if len(data) < 34 {
		return nil
	}
	bits := binary.LittleEndian.Uint16(data[28:])
	switch compression := binary.LittleEndian.Uint32(data[30:]); {
	case compression == 1 || compression == 2:
		return limit(fmt.Sprintf("BMP compressed by run lengths (RLE%d)", bits))
	case compression == 4 || compression == 5:
		return limit("BMP with a JPEG or PNG inside")
	case bits == 16:
		return limit("BMP with 16 bits a pixel")
	case compression == 3 && bits != 32:
		return limit(fmt.Sprintf("BMP with bit masks of %d bits", bits))
	}
	return nil
}

// tiffCodings are ways of compression that are not read (TIFF 6.0, section 22, and its supplements; numbers as in libtiff).
var tiffCodings = map[uint32]string{
	6: "JPEG", 7: "JPEG", 34661: "JBIG", 34676: "LogLuv", 34677: "LogLuv", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA",
	50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}

// tiffFirst returns the first number of a tag in the first directory of TIFF data, 0 if it is not there.
func tiffFirst(data []byte, tag uint16) uint32 {
	const short = 3
	at, order := firstDirectory(data)
	e := entry(data, order, at, tag)
	switch {
	case e == nil:
		return 0
	case order.Uint16(e[2:]) != short:
		return order.Uint32(e[8:])
	case order.Uint32(e[4:]) <= 2:
		return uint32(order.Uint16(e[8:]))
	}
	if at := uint64(order.Uint32(e[8:])); at+2 <= uint64(len(data)) {
		return uint32(order.Uint16(data[at:]))
	}
	return 0
}

// tiffLimits refuses kinds of TIFF files that golang.org/x/image/tiff does not decode, or decodes wrongly: camera raws among them, of which
// it would decode a small preview.
func tiffLimits(data []byte) error {
	const bitsPerSample, compression, fillOrder, samplesPerPixel, planarConfiguration, sampleFormat = 258, 259, 266, 277, 284, 339
	if kind := isRaw(data); kind != "" {
		return rawError(kind)
	}
	coding := tiffFirst(data, compression)
	if name, ok := tiffCodings[coding]; ok {
		return limit("TIFF compressed by " + name)
	}
	switch depth := tiffFirst(data, bitsPerSample); {
	case tiffFirst(data, sampleFormat) == 3:
		return limit("TIFF with floating-point samples")
	case depth > 16:
		return limit(fmt.Sprintf("TIFF with %d bits a channel", depth))
	}
	if _, planar, _ := tiffTag(data, planarConfiguration); planar == 2 && tiffFirst(data, samplesPerPixel) > 1 {
		return limit("TIFF with its channels one behind the other (planar)")
	}
	if _, order, ok := tiffTag(data, fillOrder); ok && order == 2 && (coding < 2 || coding > 4) {
		return limit("TIFF with the bits of each byte in reverse order (FillOrder 2)")
	}
	if _, colours, ok := tiffTag(data, photometric); ok {
		switch colours {
		case 5:
			return limit("TIFF in CMYK")
		case 6:
			return limit("TIFF in YCbCr")
		case 8, 9, 10:
			return limit("TIFF in CIELAB")
		}
	}
	return nil
}
