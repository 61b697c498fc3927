package picture

import (
	"context"
	"errors"
	"fmt"
	"image"

	"ditas/picture/internal/heif"
)

// mostBeyond is how many pixels more than a picture has may be decoded for it: its last tiles may go beyond it.
const mostBeyond = 1 << 24

// readHEIF reads a file of the High Efficiency Image File Format.
func readHEIF(ctx context.Context, f *format, data []byte, maxPixels int) (*Planes, error) {
	h, err := heif.Parse(data)
	if err != nil {
		return nil, f.heifFailure(ctx, err)
	}
	if err := f.fits(h.Width, h.Height, maxPixels, len(data)); err != nil {
		return nil, err
	}
	width, height := h.Coded()
	if err := f.fits(width, height, maxPixels+mostBeyond, len(data)); err != nil {
		return nil, err
	}
	m, err := h.Decode(ctx)
	if err != nil {
		return nil, f.heifFailure(ctx, err)
	}
	p := fromHEIF(m)
	p.lose(firstOf(h.Frames, "frames"))
	if h.Pictures > 1 {
		p.lose(fmt.Sprintf("only the main one of its %d pictures was read", h.Pictures))
	}
	if h.Depth > 8 {
		p.lose(fmt.Sprintf("%d bits a channel became 8", h.Depth))
	}
	if m.Alpha != nil && m.Premultiplied {
		p.divide(m.Alpha)
	}
	if len(h.Profile) > 0 && !isHDR(h.Transfer) {
		p.manage(icc(func([]byte) []byte { return h.Profile })(nil))
	} else {
		p.manage(codedProfile("nclx", h.Primaries, h.Transfer))
	}
	if m.Alpha != nil && p.overWhite(m.Alpha) { // of sRGB: that of high dynamic range would outshine the picture
		p.lose(lostTransparency)
	}
	for _, t := range h.Transforms {
		if t.Crop.Empty() {
			p.orient(t.Orientation)
		} else {
			p.crop(t.Crop)
		}
	}
	return p, nil
}

// heifFailure turns an error into one that says what to do.
func (f *format) heifFailure(ctx context.Context, err error) error {
	switch stopped := ctx.Err(); {
	case stopped != nil:
		return stopped
	case errors.Is(err, heif.ErrTruncated):
		return f.truncated()
	}
	return fmt.Errorf("reading %s: %w; open the picture in another program and save it as PNG", f.name, err)
}

// fromHEIF converts a decoded picture as if it were opaque.
func fromHEIF(m *heif.Picture) *Planes {
	k := coefficients(m.Matrix, m.Full)
	switch c := m.Image.(type) {
	case *heif.Deep:
		return fromDeep(c, k, m.Full)
	case *image.YCbCr:
		if k == (yuv{}) {
			return fromGBR(c, m.Full)
		}
		return fromYCbCr(c, k)
	case image.Image:
		return FromImage(c)
	}
	return New(0, 0)
}

// fromDeep converts samples of more than 8 bits, of which full range has twice as many for each bit more, less one, and studio range as many
// (ITU-T H.273, section 8.3).
func fromDeep(m *heif.Deep, k yuv, full bool) *Planes {
	p := New(m.Width, m.Height)
	unit := float32(int(1) << (m.Bits - 8))
	middle := 128 * unit
	black, gain, chroma := 16*unit, 1/(219*unit), 1/(255*unit) // k has 255/224 in it
	if full {
		most := float32(int(1)<<m.Bits - 1)
		black, gain, chroma = 0, 1/most, 1/most
	}
	limited := func(v float32) float32 { return min(max(v, 0), 1) }
	for i, y := range m.Planes[0] {
		l := gain * (float32(y) - black)
		switch {
		case m.Planes[1] == nil:
			p.Pix[0][i] = limited(l)
			p.Pix[1][i], p.Pix[2][i] = p.Pix[0][i], p.Pix[0][i]
		case k == (yuv{}):
			p.Pix[0][i] = limited(gain * (float32(m.Planes[2][i]) - black))
			p.Pix[1][i] = limited(l)
			p.Pix[2][i] = limited(gain * (float32(m.Planes[1][i]) - black))
		default:
			u, w := chroma*(float32(m.Planes[1][i])-middle), chroma*(float32(m.Planes[2][i])-middle)
			p.Pix[0][i] = limited(l + k.redCr*w)
			p.Pix[1][i] = limited(l + k.greenCb*u + k.greenCr*w)
			p.Pix[2][i] = limited(l + k.blueCb*u)
		}
	}
	return p
}

// divide takes back that colours were multiplied by their opacity.
func (p *Planes) divide(alpha *image.Gray) {
	for i := range p.Pix[0] {
		if a := alpha.Pix[i/p.Width*alpha.Stride+i%p.Width]; a != 0 && a != 255 {
			for c := range p.Pix {
				p.Pix[c][i] = min(p.Pix[c][i]/level[a], 1)
			}
		}
	}
}

// overWhite lays the picture over white, and reports whether anything was transparent.
func (p *Planes) overWhite(alpha *image.Gray) (transparent bool) {
	for i := range p.Pix[0] {
		a := alpha.Pix[i/p.Width*alpha.Stride+i%p.Width]
		if a == 255 {
			continue
		}
		transparent = true
		for c := range p.Pix {
			p.Pix[c][i] = 1 + level[a]*(p.Pix[c][i]-1)
		}
	}
	return transparent
}

// crop leaves a part of the picture.
func (p *Planes) crop(r image.Rectangle) {
	q := New(r.Dx(), r.Dy())
	for c, plane := range p.Pix {
		for y := range q.Height {
			copy(q.Pix[c][y*q.Width:][:q.Width], plane[(r.Min.Y+y)*p.Width+r.Min.X:])
		}
	}
	p.Width, p.Height, p.Pix = q.Width, q.Height, q.Pix
}
