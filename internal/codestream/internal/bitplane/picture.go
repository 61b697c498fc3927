package bitplane

import (
	"context"
	"math"
	"math/bits"
	"slices"

	"ditas/internal/codestream/internal/wavelet"
	"ditas/picture"
)

// middle is what is subtracted from luma.
const middle = 128

// Analyse returns the coefficients of p, rounded to 8 bits. A picture without colour has one colour plane.
func Analyse(ctx context.Context, p *picture.Planes) (*Layout, error) {
	n := p.Width * p.Height
	plane, scratch := make([]int32, n), make([]int32, max(quarter(p.Width, p.Height), 3*p.Width))
	chroma := [2][]int16{make([]int16, n), make([]int16, n)}
	coloured := false
	for y := range p.Height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from, to := y*p.Width, (y+1)*p.Width
		row := [3][]int32{scratch[:p.Width], scratch[p.Width:][:p.Width], scratch[2*p.Width:][:p.Width]}
		for c, src := range p.Pix {
			dst := row[c]
			for i, v := range src[from:to] {
				dst[i] = quantize(v)
			}
		}
		wavelet.FromRGB(row[0], row[1], row[2])
		var any int32
		luma, orange, green := plane[from:to], chroma[0][from:to], chroma[1][from:to]
		for i, v := range row[0] {
			luma[i], orange[i], green[i] = v-middle, int16(row[1][i]), int16(row[2][i])
			any |= row[1][i] | row[2][i]
		}
		coloured = coloured || any != 0
	}
	l := New(p.Width, p.Height, 1)
	if coloured {
		l = New(p.Width, p.Height, colours)
	}
	for c := range l.colours {
		if c > 0 {
			for i, v := range chroma[c-1] {
				plane[i] = int32(v)
			}
		}
		if err := l.split(ctx, c, plane, scratch); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// quarter is the number of samples of the next level of a picture.
func quarter(width, height int) int { return (width + 1) / 2 * ((height + 1) / 2) }

// quantize returns the 8-bit value nearest to v, as package picture does: 0 for NaN.
func quantize(v float32) int32 {
	switch {
	case v >= 1:
		return 255
	case v > 0:
		return int32(float32(v*255) + 0.5) // the conversion keeps platforms from fusing the operations
	}
	return 0
}

// split transforms plane into the bands of colour c. It overwrites plane and scratch, which holds a quarter of it.
func (l *Layout) split(ctx context.Context, c int, plane, scratch []int32) error {
	for i, s := range l.levels {
		bands := [2][2]*band{{nil, l.index[bandKey{c, i + 1, across}]}, {l.index[bandKey{c, i + 1, down}], l.index[bandKey{c, i + 1, diagonal}]}}
		narrow := (s.width + 1) / 2
		err := wavelet.Forward(plane, s.width, s.height, func(y int, row []int32) error {
			pair := bands[y&1]
			if y&1 == 0 {
				dst := scratch[y/2*narrow:][:narrow]
				for x := range dst {
					dst[x] = row[2*x]
				}
			} else {
				pair[0].take(y/2, row)
			}
			pair[1].take(y/2, row[min(1, len(row)):])
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		plane, scratch = scratch, plane
	}
	top := l.index[bandKey{c, len(l.levels), low}]
	for y := range top.height { // it is one sample
		top.take(y, plane[y*top.width:])
	}
	return nil
}

// take copies every second coefficient of a row into row y of the band, if there is one.
func (b *band) take(y int, row []int32) {
	if b == nil {
		return
	}
	if b.value == nil {
		b.value = make([]int16, b.size())
	}
	dst, largest := b.value[b.at(0, y):][:b.width], b.largest
	for x := range dst {
		v := row[2*x]
		dst[x] = int16(v)
		largest = max(largest, v, -v)
	}
	b.largest = largest
}

// Reduced returns the size of the picture after some halvings.
func (l *Layout) Reduced(halvings int) (width, height int) {
	if halvings >= len(l.levels) {
		return 1, 1
	}
	s := l.levels[halvings]
	return s.width, s.height
}

// Synthesise returns the picture that is known so far, halved some times: that is, without the bands of the first levels.
func (l *Layout) Synthesise(ctx context.Context, halvings int) (*picture.Planes, error) {
	p := picture.New(l.Reduced(halvings))
	err := l.rows(ctx, halvings, func(y int, rgb [3][]int32) {
		for c, src := range rgb {
			dst := p.Pix[c][y*p.Width:][:p.Width]
			for i, v := range src {
				dst[i] = level[v&255]
			}
		}
	})
	return p, err
}

// Distance returns the mean square error, full scale being 1, between the picture that is known so far and another one of its size.
func (l *Layout) Distance(ctx context.Context, p *picture.Planes) (float64, error) {
	var sum float64
	err := l.rows(ctx, 0, func(y int, rgb [3][]int32) {
		for c, src := range rgb {
			sum += distance(src, p.Pix[c][y*p.Width:][:p.Width])
		}
	})
	return sum / float64(3*p.Width*p.Height), err
}

// distance returns the sum of the squared differences between 8-bit values and as many others, of which 1 is full scale. It is formed
// in four sums that a processor can form side by side.
func distance(of []int32, from []float32) float64 {
	from = from[:len(of)]
	var sums [4]float64
	for ; len(of) >= 4 && len(from) >= 4; of, from = of[4:], from[4:] {
		for i := range sums {
			e := float64(level[of[i]&255]) - float64(from[i])
			sums[i] += float64(e * e) // the conversion keeps platforms from fusing the operations
		}
	}
	for i, v := range of {
		e := float64(level[v&255]) - float64(from[i])
		sums[i] += float64(e * e)
	}
	return (sums[0] + sums[1]) + (sums[2] + sums[3])
}

// rows calls do with every row of the picture that is known so far, halved some times: 8-bit values of red, green and blue.
func (l *Layout) rows(ctx context.Context, halvings int, do func(y int, rgb [3][]int32)) error {
	halvings = min(halvings, len(l.levels))
	width, height := l.Reduced(halvings)
	n := width * height
	l.scratch = slices.Grow(l.scratch[:0], n+quarter(width, height))[:n+quarter(width, height)]
	for c := range l.chroma {
		if l.colours > 1 {
			l.chroma[c] = slices.Grow(l.chroma[c][:0], n)[:n]
			plane, err := l.join(ctx, 1+c, halvings, l.scratch[:n], l.scratch[n:])
			if err != nil {
				return err
			}
			for i, v := range plane {
				l.chroma[c][i] = int16(min(max(v, math.MinInt16), math.MaxInt16)) // beyond, the colour is as far off as it can be
			}
		}
	}
	luma, err := l.join(ctx, 0, halvings, l.scratch[:n], l.scratch[n:])
	if err != nil {
		return err
	}
	rgb := [3][]int32{make([]int32, width), make([]int32, width), make([]int32, width)}
	for y := range height {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, v := range luma[y*width:][:width] {
			rgb[0][i] = v + middle
		}
		if l.colours == 1 {
			copy(rgb[1], rgb[0])
			copy(rgb[2], rgb[0])
		} else {
			for c, chroma := range l.chroma {
				dst := rgb[1+c]
				for i, v := range chroma[y*width:][:width] {
					dst[i] = int32(v)
				}
			}
			wavelet.ToRGB(rgb[0], rgb[1], rgb[2])
		}
		for _, row := range rgb {
			for i, v := range row {
				row[i] = min(max(v, 0), 255)
			}
		}
		do(y, rgb)
	}
	return nil
}

// level holds the values of 8-bit samples.
var level = func() (t [256]float32) {
	for v := range t {
		t[v] = float32(v) / 255
	}
	return t
}()

// join undoes split, but for the last halvings. It returns plane, which it fills, and overwrites scratch.
func (l *Layout) join(ctx context.Context, c, halvings int, plane, scratch []int32) ([]int32, error) {
	// The levels take turns, so that the last fills plane.
	dst, src := plane, scratch
	if (len(l.levels)-halvings)&1 != 0 {
		dst, src = src, dst
	}
	dst[0] = l.index[bandKey{c, len(l.levels), low}].likeliest(0, 0)
	dst, src = src, dst
	for i := len(l.levels) - 1; i >= halvings; i-- {
		s := l.levels[i]
		bands := [2][2]*band{{nil, l.index[bandKey{c, i + 1, across}]}, {l.index[bandKey{c, i + 1, down}], l.index[bandKey{c, i + 1, diagonal}]}}
		narrow := (s.width + 1) / 2
		err := wavelet.Inverse(dst[:s.width*s.height], s.width, s.height, func(y int, row []int32) error {
			pair := bands[y&1]
			if y&1 == 0 {
				for x, v := range src[y/2*narrow:][:narrow] {
					row[2*x] = v
				}
			} else {
				pair[0].put(y/2, row)
			}
			pair[1].put(y/2, row[min(1, len(row)):])
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		dst, src = src, dst
	}
	return src, nil
}

// put writes the likeliest values of row y of the band into every second sample of a row.
func (b *band) put(y int, row []int32) {
	if b == nil {
		return
	}
	if b.mark == nil {
		for x := range b.width {
			row[2*x] = 0
		}
		return
	}
	for x, v := range b.signed[b.at(0, y):][:b.width] {
		if v == 0 {
			row[2*x] = 0
		} else {
			row[2*x] = likeliest(int32(v))
		}
	}
}

// likeliest returns the likeliest value of a coefficient.
func (b *band) likeliest(x, y int) int32 {
	if b.mark == nil {
		return 0
	}
	return likeliest(int32(b.signed[b.at(x, y)]))
}

// likeliest returns the coefficient that minimises the expected error, given its mark with the sign. Within their interval, small
// magnitudes are likelier than large ones, most so where the interval is the first above zero.
func likeliest(mark int32) int32 {
	if mark == 0 {
		return 0
	}
	m := max(mark, -mark)
	p := bits.TrailingZeros32(uint32(m))
	v := (m - 1) >> 1
	if m>>p == 3 {
		v -= 1 << p >> 3
	} else {
		v -= 1 << p >> 4
	}
	if mark < 0 {
		return -v
	}
	return v
}

// rounding is the mean square error that inexact coefficients cause by the roundings of the inverse transform, in each plane.
const rounding = 0.4

// shares is the number of shares of a band's coefficients that are told apart, octaves from less than 1/64 to more than 1/2.
const shares = 7

// momentCount is the number of mean squares in a prior.
const momentCount = classes*planes + 9*shares*2

// moment is where a prior keeps the mean square, in steps, of coefficients that are not significant in any plane down to the
// one given. In a band with nothing significant the plane and the class tell most; otherwise the share that is significant
// does, and whether something is near.
func (b *band) moment(plane int, near uint8) int {
	if b.found == 0 {
		return b.class()*planes + plane
	}
	share := min(bits.Len(uint(b.width*b.height/b.found)), shares) - 1
	return classes*planes + (int(b.group().shape)*shares+share)*2 + int(min(near, 1))
}

// Uncertainty returns the expected mean square error of Y, Co and Cg, in squared levels of 8 bits, of the picture after some
// halvings.
func (l *Layout) Uncertainty(ctx context.Context, prior *Prior, halvings int) (square [colours]float64, err error) {
	for _, b := range l.bands {
		if b.level <= halvings && b.orient != low {
			continue
		}
		n, err := b.census(ctx)
		if err != nil {
			return square, err
		}
		// Conversions keep platforms from fusing operations.
		var sum float64
		for p, count := range n.known {
			step := math.Ldexp(1, p)
			sum += float64(float64(count) * (step*step - 1) / 12)
		}
		for p, both := range n.open {
			for near, count := range both {
				if p > 0 && count > 0 {
					square := float64(prior.moments[b.moment(min(p, planes-1), uint8(near))])
					sum += float64(float64(count) * math.Ldexp(square, 2*min(p, planes-1)))
				}
			}
		}
		square[b.colour] += float64(sum * math.Exp2(float64(b.norms(max(b.level-halvings, 0)))/32))
	}
	width, height := l.Reduced(halvings)
	for c := range square {
		if square[c] > 0 {
			square[c] = square[c]/(float64(width)*float64(height)) + rounding
		}
	}
	return square, nil
}

// census counts the coefficients of a band: those that are known to be other than zero by the lowest bit of their mark, the
// others by the lowest plane that they were coded in, or all planes in a band that has not begun, and by whether something is
// near.
type census struct {
	known [planes + 2]int
	open  [planes + 1][2]int
}

func (b *band) census(ctx context.Context) (n census, err error) {
	if b.mark == nil {
		n.open[b.open][0] = b.width * b.height
		return n, nil
	}
	for y := range b.height {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		base := b.at(0, y)
		near, mark := b.near[base:][:b.width], b.mark[base:][:b.width]
		for x, s := range b.seen[base:][:b.width] {
			if s == significant {
				n.known[bits.TrailingZeros16(mark[x])]++
			} else {
				n.open[min(b.open, planes-int(s))][min(near[x], 1)]++
			}
		}
	}
	return n, nil
}
