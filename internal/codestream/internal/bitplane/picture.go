package bitplane

import (
	"math"
	"math/bits"

	"ditas/internal/codestream/internal/wavelet"
	"ditas/picture"
)

// middle is what is subtracted from luma.
const middle = 128

// Analyse returns the coefficients of p, rounded to 8 bits. A picture without colour has one colour plane.
func Analyse(p *picture.Planes) *Layout {
	n := p.Width * p.Height
	all := make([]int32, 3*n)
	plane := [3][]int32{all[:n], all[n : 2*n], all[2*n:]}
	for c, src := range p.Pix {
		for i, v := range src {
			plane[c][i] = quantize(v)
		}
	}
	wavelet.FromRGB(plane[0], plane[1], plane[2])
	l := New(p.Width, p.Height, needed(plane[1:]))
	for i := range plane[0] {
		plane[0][i] -= middle
	}
	for c := range l.colours {
		l.split(c, plane[c])
	}
	return l
}

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

// needed returns the number of colour planes to code, given those of chroma.
func needed(chroma [][]int32) int {
	for _, plane := range chroma {
		for _, v := range plane {
			if v != 0 {
				return colours
			}
		}
	}
	return 1
}

// split transforms plane, which it overwrites, into the bands of colour c.
func (l *Layout) split(c int, plane []int32) {
	for i, s := range l.levels {
		wavelet.Forward(plane, s.width, s.height)
		for orient := across; orient <= diagonal; orient++ {
			l.take(bandKey{c, i + 1, orient}, plane, s.width)
		}
		for y := 0; y < s.height; y += 2 {
			dst := plane[y/2*((s.width+1)/2):]
			for x := 0; x < s.width; x += 2 {
				dst[x/2] = plane[y*s.width+x]
			}
		}
	}
	top := bandKey{c, len(l.levels), low}
	l.take(top, plane, 2*l.index[top].width)
}

// take copies a band out of the interleaved coefficients of its level, in rows of stride.
func (l *Layout) take(k bandKey, plane []int32, stride int) {
	b := l.index[k]
	if b == nil {
		return
	}
	b.value = make([]int32, len(b.mark))
	start, step := b.place(stride)
	for y := range b.height {
		dst := b.value[b.at(0, y):][:b.width]
		src := plane[start+y*step*stride:]
		for x := range dst {
			v := src[x*step]
			dst[x] = v
			b.largest = max(b.largest, v, -v)
		}
	}
}

// place says where in the interleaved coefficients of its level a band starts, and how far apart they are. The lowest band lies
// packed.
func (b *band) place(stride int) (start, step int) {
	if b.orient == low {
		return 0, 1
	}
	start = b.orient & across
	if b.orient&down != 0 {
		start += stride
	}
	return start, 2
}

// Synthesise returns the picture that is known so far.
func (l *Layout) Synthesise() *picture.Planes {
	n := l.width * l.height
	all := make([]int32, 3*n)
	plane := [3][]int32{all[:n], all[n : 2*n], all[2*n:]}
	for c := range l.colours {
		l.join(c, plane[c])
	}
	for i := range plane[0] {
		plane[0][i] += middle
	}
	wavelet.ToRGB(plane[0], plane[1], plane[2])
	p := picture.New(l.width, l.height)
	for c, src := range plane {
		dst := p.Pix[c]
		for i, v := range src {
			dst[i] = float32(min(max(v, 0), 255)) / 255
		}
	}
	return p
}

// join undoes split.
func (l *Layout) join(c int, plane []int32) {
	top := bandKey{c, len(l.levels), low}
	l.put(top, plane, l.index[top].width)
	for i := len(l.levels) - 1; i >= 0; i-- {
		s := l.levels[i]
		narrow := (s.width + 1) / 2
		for y := (s.height+1)/2 - 1; y >= 0; y-- {
			for x := narrow - 1; x >= 0; x-- {
				plane[2*y*s.width+2*x] = plane[y*narrow+x]
			}
		}
		for orient := across; orient <= diagonal; orient++ {
			l.put(bandKey{c, i + 1, orient}, plane, s.width)
		}
		wavelet.Inverse(plane, s.width, s.height)
	}
}

// put writes the likeliest values of a band into the interleaved coefficients of its level.
func (l *Layout) put(k bandKey, plane []int32, stride int) {
	b := l.index[k]
	if b == nil {
		return
	}
	start, step := b.place(stride)
	for y := range b.height {
		src := b.signed[b.at(0, y):][:b.width]
		dst := plane[start+y*step*stride:]
		for x, v := range src {
			dst[x*step] = likeliest(int32(v))
		}
	}
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

// Uncertainty returns the expected mean square error of Y, Co and Cg, in squared levels of 8 bits.
func (l *Layout) Uncertainty(prior *Prior) (square [3]float64) {
	for _, b := range l.bands {
		var sum float64
		for y := range b.height {
			base := b.at(0, y)
			for x, m := range b.mark[base:][:b.width] {
				if m != 0 {
					step := float64(m & -m)
					sum += (step*step - 1) / 12
					continue
				}
				// The lowest plane that the coefficient was coded in, all planes of a band that has not begun included.
				p := b.open
				if s := int(b.seen[base+x]); s > 0 {
					p = min(p, s-1)
				}
				if p > 0 {
					p = min(p, planes-1)
					sum += math.Ldexp(float64(prior.moments[b.moment(p, b.near[base+x])]), 2*p)
				}
			}
		}
		square[b.colour] += sum * math.Exp2(float64(b.weight()-colourWeight[b.colour])/32)
	}
	for c := range square {
		if square[c] > 0 {
			square[c] = square[c]/float64(l.width*l.height) + rounding
		}
	}
	return square
}
