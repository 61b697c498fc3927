package dsp

import (
	"fmt"
	"math"
)

// Power computes the power spectrum of N real values,
//
//	P[k] = |Σ_n x[n] exp(−2πi·kn/N)|²,  0 ≤ k ≤ N/2,
//
// by a complex transform of half as many points: the even values are its real parts and the odd ones its imaginary parts
// (Cooley, Lewis and Welch, "The fast Fourier transform algorithm", J. Sound Vib. 12, 1970). The transform sorts itself and works in
// fours (Stockham 1966). A Power keeps scratch memory and is not safe for concurrent use. Its results are the same on every machine.
type Power struct {
	half    int    // points of the complex transform
	a, b    []pair // values, and where a pass puts them
	twiddle []pair // exp(−2πi·k/N), 0 ≤ k ≤ N/2
	roots   []pair // exp(−2πi·k/half), 0 ≤ k < half
}

// pair is a complex number whose products are rounded one by one, as those of complex128 need not be.
type pair struct{ re, im float64 }

func (x pair) plus(y pair) pair  { return pair{x.re + y.re, x.im + y.im} }
func (x pair) minus(y pair) pair { return pair{x.re - y.re, x.im - y.im} }
func (x pair) times(y pair) pair {
	return pair{float64(x.re*y.re) - float64(x.im*y.im), float64(x.re*y.im) + float64(x.im*y.re)}
}

// NewPower returns the transform of a number of points: a power of two from 4 to 2·[MaxPoints].
func NewPower(points int) (*Power, error) {
	if points < 4 || points > 2*MaxPoints || points&(points-1) != 0 {
		return nil, fmt.Errorf("power spectrum of %d points: want a power of two from 4 to %d", points, 2*MaxPoints)
	}
	p := &Power{half: points / 2, a: make([]pair, points/2), b: make([]pair, points/2)}
	root := func(k, n int) pair {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		return pair{cos, sin}
	}
	for k := range p.half + 1 {
		p.twiddle = append(p.twiddle, root(k, points))
	}
	for k := range p.half {
		p.roots = append(p.roots, root(k, p.half))
	}
	return p, nil
}

// Set sets the values x[2i] and x[2i+1].
func (p *Power) Set(i int, even, odd float64) { p.a[i] = pair{even, odd} }

// Compute writes the first values of the power spectrum, at most N/2+1 of them, to dst. The values that were set are lost.
func (p *Power) Compute(dst []float64) {
	x, y := p.a, p.b
	n, s := p.half, 1 // length of the transforms that are left, and their number
	if n >= 4 {
		p.first(y, x)
		x, y = y, x
		n, s = n/4, 4
	}
	for ; n >= 4; n, s = n/4, 4*s {
		p.pass(y, x, n, s)
		x, y = y, x
	}
	if n == 2 {
		for q := range s {
			a, b := x[q], x[q+s]
			y[q], y[q+s] = a.plus(b), a.minus(b)
		}
		x = y
	}
	last := p.half - 1
	for k := range dst {
		v, m := x[k&last], x[(p.half-k)&last]
		w := p.twiddle[k]
		er, ei := (v.re+m.re)/2, (v.im-m.im)/2
		or, oi := (v.im+m.im)/2, (m.re-v.re)/2
		re := er + (float64(or*w.re) - float64(oi*w.im))
		im := ei + (float64(or*w.im) + float64(oi*w.re))
		dst[k] = float64(re*re) + float64(im*im)
	}
}

// first is the pass with a single transform.
func (p *Power) first(y, x []pair) {
	quarter := len(x) / 4
	x0, x1, x2, x3 := x[:quarter], x[quarter:][:quarter], x[2*quarter:][:quarter], x[3*quarter:][:quarter]
	r1, r2, r3 := p.roots[:quarter], p.roots[:2*quarter], p.roots[:3*quarter]
	for k, a := range x0 {
		b, c, d := x1[k], x2[k], x3[k]
		ac, bd := a.plus(c), b.plus(d)
		amc, bmd := a.minus(c), b.minus(d)
		jbd := pair{bmd.im, -bmd.re} // −i·(b−d)
		o := y[4*k:][:4]
		o[0] = ac.plus(bd)
		o[1] = amc.plus(jbd).times(r1[k])
		o[2] = ac.minus(bd).times(r2[2*k])
		o[3] = amc.minus(jbd).times(r3[3*k])
	}
}

// pass makes s transforms of n points ones of a quarter of n.
func (p *Power) pass(y, x []pair, n, s int) {
	quarter := n / 4
	for k := range quarter {
		x0, x1, x2, x3 := x[s*k:][:s], x[s*(k+quarter):][:s], x[s*(k+2*quarter):][:s], x[s*(k+3*quarter):][:s]
		y0, y1, y2, y3 := y[4*s*k:][:s], y[s*(4*k+1):][:s], y[s*(4*k+2):][:s], y[s*(4*k+3):][:s]
		if k == 0 { // the roots are 1
			for q, a := range x0 {
				b, c, d := x1[q], x2[q], x3[q]
				ac, bd := a.plus(c), b.plus(d)
				amc, bmd := a.minus(c), b.minus(d)
				jbd := pair{bmd.im, -bmd.re}
				y0[q], y1[q], y2[q], y3[q] = ac.plus(bd), amc.plus(jbd), ac.minus(bd), amc.minus(jbd)
			}
			continue
		}
		w1, w2, w3 := p.roots[k*s], p.roots[2*k*s], p.roots[3*k*s]
		for q, a := range x0 {
			b, c, d := x1[q], x2[q], x3[q]
			ac, bd := a.plus(c), b.plus(d)
			amc, bmd := a.minus(c), b.minus(d)
			jbd := pair{bmd.im, -bmd.re}
			y0[q] = ac.plus(bd)
			y1[q] = amc.plus(jbd).times(w1)
			y2[q] = ac.minus(bd).times(w2)
			y3[q] = amc.minus(jbd).times(w3)
		}
	}
}
