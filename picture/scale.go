package picture

import (
	"context"
	"math"
)

// Resize returns p scaled to width×height pixels, both at least 1. Where a direction shrinks, a new pixel is the
// average over the area that it covers, weighted by how much of each old pixel that is. Where it grows, Resize interpolates
// with the Catmull-Rom spline (Keys 1981, a = −½) and clamps the result to [0, 1].
func (p *Planes) Resize(width, height int) *Planes {
	q, _ := p.ResizeContext(context.Background(), width, height) // which never ends
	return q
}

// ResizeContext is [Planes.Resize], with ctx's error when ctx ends.
func (p *Planes) ResizeContext(ctx context.Context, width, height int) (*Planes, error) {
	across, down := taps(p.Width, width), taps(p.Height, height)
	out := New(width, height)
	narrow := make([]float32, width*p.Height)
	sum := make([]float64, width)
	clamp := width > p.Width || height > p.Height
	for c, src := range p.Pix {
		for y := range p.Height {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			row := src[y*p.Width:][:p.Width]
			dst := narrow[y*width:][:width]
			if width == p.Width {
				copy(dst, row)
				continue
			}
			for x, t := range across {
				var s float64
				for i, v := range row[t.first:][:len(t.weight)] {
					s += t.weight[i] * float64(v)
				}
				dst[x] = float32(s)
			}
		}
		for y, t := range down {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			clear(sum)
			for i, w := range t.weight {
				for x, v := range narrow[(t.first+i)*width:][:width] {
					sum[x] += w * float64(v)
				}
			}
			dst := out.Pix[c][y*width:][:width]
			for x, s := range sum {
				if clamp {
					s = min(max(s, 0), 1)
				}
				dst[x] = float32(s)
			}
		}
	}
	return out, nil
}

// tap says how a new sample is made: the sum of weight[i] times old sample first+i.
type tap struct {
	first  int
	weight []float64
}

// taps returns how from samples become to samples.
func taps(from, to int) []tap {
	all := make([]tap, to)
	for i := range all {
		if to <= from {
			all[i] = areaTap(i, from, to)
		} else {
			all[i] = splineTap(i, from, to)
		}
	}
	return all
}

// areaTap is the average over the stretch that new sample i covers. In units of 1/to old samples everything is an integer.
func areaTap(i, from, to int) tap {
	low, high := i*from, (i+1)*from
	t := tap{first: low / to}
	for j := t.first; j*to < high; j++ {
		covered := min(high, (j+1)*to) - max(low, j*to)
		t.weight = append(t.weight, float64(covered)/float64(from))
	}
	return t
}

// splineTap interpolates between the four old samples around the centre of new sample i. At an edge, where some of them are
// missing, the others make up for them.
func splineTap(i, from, to int) tap {
	centre := (float64(i)+0.5)*float64(from)/float64(to) - 0.5
	base := int(math.Floor(centre))
	t := tap{first: max(base-1, 0)}
	var sum float64
	for j := t.first; j <= min(base+2, from-1); j++ {
		w := catmullRom(math.Abs(centre - float64(j)))
		t.weight = append(t.weight, w)
		sum += w
	}
	for j := range t.weight {
		t.weight[j] /= sum
	}
	return t
}

// catmullRom is Keys's cubic convolution kernel for a = −½ at distance x from its centre (Keys, Cubic convolution interpolation
// for digital image processing, 1981, equation 15).
func catmullRom(x float64) float64 {
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// Fit returns p scaled down in proportion to at most maxWidth×maxHeight pixels, or p itself if it is no larger.
func (p *Planes) Fit(maxWidth, maxHeight int) *Planes {
	q, _ := p.FitContext(context.Background(), maxWidth, maxHeight) // which never ends
	return q
}

// FitContext is [Planes.Fit], with ctx's error when ctx ends.
func (p *Planes) FitContext(ctx context.Context, maxWidth, maxHeight int) (*Planes, error) {
	if p.Width <= maxWidth && p.Height <= maxHeight {
		return p, nil
	}
	scale := min(float64(maxWidth)/float64(p.Width), float64(maxHeight)/float64(p.Height))
	side := func(n, most int) int { return max(min(int(math.Round(float64(n)*scale)), most), 1) }
	return p.ResizeContext(ctx, side(p.Width, maxWidth), side(p.Height, maxHeight))
}

// CropSquare returns the largest square in the middle of p, or p itself if it is square. Where the middle falls between two
// pixels it takes the one nearer to the upper left.
func (p *Planes) CropSquare() *Planes {
	n := min(p.Width, p.Height)
	if p.Width == p.Height {
		return p
	}
	left, top := (p.Width-n)/2, (p.Height-n)/2
	q := New(n, n)
	for c, plane := range p.Pix {
		for y := range n {
			copy(q.Pix[c][y*n:][:n], plane[(top+y)*p.Width+left:])
		}
	}
	return q
}

// Thumbnail returns the middle square of p scaled to size×size pixels. Thumbnail(64) makes the secret of the unit experiment.
func (p *Planes) Thumbnail(size int) *Planes { return p.CropSquare().Resize(size, size) }
