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
	if m.Alpha != nil && p.overWhite(m.Alpha, m.Premultiplied) {
		p.lose(lostTransparency)
	}
	if len(h.Profile) > 0 {
		p.manage(icc(func([]byte) []byte { return h.Profile })(nil))
	} else {
		p.manage(codedProfile("nclx", h.Primaries, h.Transfer))
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
	c, ok := m.Image.(*image.YCbCr)
	if !ok {
		return FromImage(m.Image)
	}
	k := coefficients(m.Matrix, m.Full)
	if k == (yuv{}) {
		return fromGBR(c, m.Full)
	}
	return fromYCbCr(c, k)
}

// overWhite lays the picture over white, and reports whether anything was transparent.
func (p *Planes) overWhite(alpha *image.Gray, premultiplied bool) (transparent bool) {
	for i := range p.Pix[0] {
		a := alpha.Pix[i/p.Width*alpha.Stride+i%p.Width]
		if a == 255 {
			continue
		}
		transparent = true
		for c := range p.Pix {
			v := &p.Pix[c][i]
			if premultiplied {
				*v = min(*v+1-level[a], 1)
			} else {
				*v = 1 + level[a]*(*v-1)
			}
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
