package picture

import (
	"bytes"
	"encoding/binary"
)

// orientation returns the value of the orientation tag in the first directory of TIFF data, which is what Exif data are: 1 to 8
// (Exif 2.32, section 4.6.4, tag 274), or 1 (upright) if there is none or the data make no sense.
func orientation(data []byte) int {
	const tag, short = 274, 3
	at, order := firstDirectory(data)
	e := entry(data, order, at, tag)
	if e == nil || order.Uint16(e[2:]) != short || order.Uint32(e[4:]) != 1 {
		return 1
	}
	if o := int(order.Uint16(e[8:])); o >= 1 && o <= 8 {
		return o
	}
	return 1
}

// firstDirectory returns where the first directory of TIFF data begins, and their byte order.
func firstDirectory(data []byte) (uint64, binary.ByteOrder) {
	if len(data) >= 8 {
		switch string(data[:4]) {
		case "II*\x00":
			return uint64(binary.LittleEndian.Uint32(data[4:])), binary.LittleEndian
		case "MM\x00*":
			return uint64(binary.BigEndian.Uint32(data[4:])), binary.BigEndian
		}
	}
	return 1 << 63, binary.BigEndian // nowhere
}

// entry returns the 12 bytes of a tag in the directory of TIFF data at a position, nil if it is not there.
func entry(data []byte, order binary.ByteOrder, at uint64, tag uint16) []byte {
	if at+2 > uint64(len(data)) {
		return nil
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < 12 {
			return nil
		}
		if order.Uint16(entries) == tag {
			return entries[:12]
		}
		entries = entries[12:]
	}
	return nil
}

var exifHeader = []byte("Exif\x00\x00")

// jpegSegments calls do with the marker of every segment before the first scan of a JPEG file, and with what is in it (ITU-T T.81, annex B).
func jpegSegments(data []byte, do func(marker byte, body []byte)) {
	const fill, sos = 0xff, 0xda
	for data = data[min(2, len(data)):]; len(data) >= 4 && data[0] == fill; {
		marker := data[1]
		if marker == fill {
			data = data[1:]
			continue
		}
		size := 2 + int(binary.BigEndian.Uint16(data[2:]))
		if marker == sos || size < 4 || size > len(data) {
			return
		}
		do(marker, data[4:size])
		data = data[size:]
	}
}

// jpegExif returns the Exif data of a JPEG file: the first APP1 segment that begins with exifHeader. It returns nil if there is none.
func jpegExif(data []byte) (exif []byte) {
	const app1 = 0xe1
	jpegSegments(data, func(marker byte, body []byte) {
		if found, ok := bytes.CutPrefix(body, exifHeader); ok && marker == app1 && exif == nil {
			exif = found
		}
	})
	return exif
}

// pngExif returns the content of a PNG file's first eXIf chunk, or nil.
func pngExif(data []byte) (exif []byte) {
	pngChunks(data, func(name string, chunk []byte) {
		if name == "eXIf" && exif == nil {
			exif = chunk[8 : len(chunk)-4]
		}
	})
	return exif
}

// webpExif returns the content of a WebP file's first EXIF chunk, or nil. Some writers begin it as in JPEG.
func webpExif(data []byte) (exif []byte) {
	webpChunks(data[min(12, len(data)):], func(name string, body []byte) {
		if name == "EXIF" && exif == nil {
			exif = bytes.TrimPrefix(body, exifHeader)
		}
	})
	return exif
}

// orient turns p, stored with orientation o, upright.
func (p *Planes) orient(o int) {
	if o < 2 || o > 8 {
		return
	}
	w, h := p.Width, p.Height
	if o >= 5 {
		p.Width, p.Height = h, w
	}
	// Upright pixel (x, y) is stored at start + x·across + y·down.
	var start, across, down int
	switch o {
	case 2: // mirrored left to right
		start, across, down = w-1, -1, w
	case 3: // upside down
		start, across, down = w*h-1, -1, -w
	case 4: // mirrored top to bottom
		start, across, down = w*(h-1), 1, -w
	case 5: // rows are columns
		start, across, down = 0, w, 1
	case 6: // to be turned a quarter clockwise
		start, across, down = w*(h-1), -w, 1
	case 7: // rows are columns, both from their ends
		start, across, down = w*h-1, -w, -1
	case 8: // to be turned a quarter counterclockwise
		start, across, down = w-1, w, -1
	}
	// One new plane serves all three: each is free once it has been read.
	free := make([]float32, w*h)
	for c, stored := range p.Pix {
		for y := range p.Height {
			at := start + y*down
			row := free[y*p.Width:][:p.Width]
			for x := range row {
				row[x] = stored[at]
				at += across
			}
		}
		p.Pix[c], free = free, stored
	}
}
