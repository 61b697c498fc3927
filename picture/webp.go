package picture

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"slices"
)

// readWebP reads a WebP file, and of an animated one the first frame.
func readWebP(ctx context.Context, f *format, data []byte, maxPixels int) (*Planes, error) {
	const animated = 2
	if len(data) < 30 || string(data[12:16]) != "VP8X" || data[20]&animated == 0 {
		return stillWebP.planes(ctx, data, maxPixels)
	}
	width, height := 1+int(uint24(data[24:])), 1+int(uint24(data[27:]))
	if err := f.fits(width, height, maxPixels, len(data)); err != nil {
		return nil, err
	}
	frame, frames := webpFrame(data)
	if frame == nil {
		return nil, f.truncated()
	}
	at := image.Pt(2*int(uint24(frame)), 2*int(uint24(frame[3:])))
	still := webpStill(frame)
	if still == nil {
		return nil, f.truncated()
	}
	p, err := stillWebP.planes(ctx, still, maxPixels)
	if err != nil {
		return nil, err
	}
	screen := image.Rect(0, 0, width, height)
	part := image.Rect(0, 0, p.Width, p.Height).Add(at)
	if !part.In(screen) {
		return nil, errors.New("reading WebP: a frame does not fit into the picture; open the picture in another program and save it as PNG")
	}
	p.Losses = slices.Concat([]string{firstOf(frames, "frames")}, p.Losses)
	if frames < 2 {
		p.Losses = p.Losses[1:]
	}
	if part != screen {
		p = p.on(screen, at)
	}
	p.manage(icc(webpProfile)(data))
	p.orient(orientation(webpExif(data)))
	return p, nil
}

// uint24 reads a number of 24 bits.
func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// webpFrame returns what is in the first chunk ANMF of a file, 16 bytes at least, and how many there are.
func webpFrame(data []byte) (frame []byte, frames int) {
	webpChunks(data[12:], func(name string, body []byte) {
		if name == "ANMF" && len(body) >= 16 {
			if frames++; frames == 1 {
				frame = body
			}
		}
	})
	return frame, frames
}

// webpStill makes a file of what is in a chunk ANMF (WebP container specification, "Animation"), nil if there is no
// picture in it.
func webpStill(frame []byte) []byte {
	var alpha, picture []byte
	webpChunks(frame[16:], func(name string, body []byte) {
		chunk := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
		chunk = append(chunk, body...)
		if len(body)%2 == 1 {
			chunk = append(chunk, 0)
		}
		switch {
		case name == "ALPH" && alpha == nil:
			alpha = chunk
		case (name == "VP8 " || name == "VP8L") && picture == nil:
			picture = chunk
		}
	})
	if picture == nil {
		return nil
	}
	var head []byte
	if alpha != nil && string(picture[:4]) == "VP8 " {
		const transparent = 0x10
		head = append([]byte("VP8X\x0a\x00\x00\x00"), transparent, 0, 0, 0)
		head = append(head, frame[6:12]...) // the frame's width and height, less one each
		head = append(head, alpha...)
	}
	body := slices.Concat([]byte("WEBP"), head, picture)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// webpChunks calls do with every whole chunk, and returns what is behind them.
func webpChunks(b []byte, do func(name string, body []byte)) (rest []byte) {
	for len(b) >= 8 {
		size := uint64(binary.LittleEndian.Uint32(b[4:]))
		if size+8 > uint64(len(b)) {
			break
		}
		do(string(b[:4]), b[8:8+size])
		b = b[min(8+size+size&1, uint64(len(b))):]
	}
	return b
}

// on returns the picture at a place of a white, transparent screen.
func (p *Planes) on(screen image.Rectangle, at image.Point) *Planes {
	q := New(screen.Dx(), screen.Dy())
	q.Losses = p.Losses
	if !slices.Contains(q.Losses, lostTransparency) {
		q.lose(lostTransparency)
	}
	for c, plane := range q.Pix {
		for i := range plane {
			plane[i] = 1
		}
		for y := range p.Height {
			copy(plane[(at.Y+y)*q.Width+at.X:], p.Pix[c][y*p.Width:][:p.Width])
		}
	}
	return q
}
