package dsp

import (
	"fmt"
	"math"
	"math/bits"
)

// Correlator is the discrete Fourier transform of N complex values for products of spectra: its bins are in an order of
// its own, which saves the time that it takes to bring them into another. It has no state and may be shared between goroutines.
//
// Forward is by decimation in frequency and Inverse by decimation in time, both in radix 4 (Gentleman and Sande 1966).
type Correlator struct {
	points int
	// roots[k] holds the twiddle factors of a stage of 2^k points, for each j < 2^k/4.
	roots [bits.UintSize][]roots
}

// roots are cos and sin of −2πj/n, −4πj/n and −6πj/n.
type roots struct{ ar, ai, br, bi, cr, ci float32 }

// NewCorrelator returns the transform of a number of points: a power of two from 4 up to [MaxPoints].
func NewCorrelator(points int) (*Correlator, error) {
	if points < 4 || points > MaxPoints || points&(points-1) != 0 {
		return nil, fmt.Errorf("correlation of %d points: want a power of two from 4 to %d", points, MaxPoints)
	}
	c := &Correlator{points: points}
	for n := points; n > 4; n /= 4 {
		table := make([]roots, n/4)
		for j := range table {
			root := func(m int) (float32, float32) {
				sin, cos := math.Sincos(-2 * math.Pi * float64(m*j) / float64(n))
				return float32(cos), float32(sin)
			}
			w := &table[j]
			w.ar, w.ai = root(1)
			w.br, w.bi = root(2)
			w.cr, w.ci = root(3)
		}
		c.roots[bits.TrailingZeros(uint(n))] = table
	}
	return c, nil
}

// Points returns the number of points N.
func (c *Correlator) Points() int { return c.points }

// inCache is the number of points up to which a transform is done stage by stage, since it stays in the processor's
// cache.
const inCache = 1 << 12

// Forward replaces N values by their spectrum. It panics if one of the slices has not N values.
func (c *Correlator) Forward(re, im []float32) {
	c.check(re, im)
	c.forward(re, im)
}

func (c *Correlator) check(re, im []float32) {
	if len(re) != c.points || len(im) != c.points {
		panic(fmt.Sprintf("dsp: %d real and %d imaginary parts for a correlator of %d points", len(re), len(im), c.points))
	}
}

func (c *Correlator) forward(re, im []float32) {
	n := len(re)
	if n > inCache {
		c.split(re, im)
		for i := range 4 {
			c.forward(re[i*n/4:][:n/4], im[i*n/4:][:n/4])
		}
		return
	}
	size := n
	for ; size > 4; size /= 4 {
		for at := 0; at < n; at += size {
			c.split(re[at:][:size], im[at:][:size])
		}
	}
	if size == 4 {
		fours(re, im)
	} else {
		pairs(re, im)
	}
}

// fours is the stage of four points, in which Forward has no factors.
func fours(re, im []float32) {
	for len(re) >= 4 && len(im) >= 4 {
		r, i := (*[4]float32)(re), (*[4]float32)(im)
		sr, si := r[0]+r[2], i[0]+i[2]
		tr, ti := r[0]-r[2], i[0]-i[2]
		ur, ui := r[1]+r[3], i[1]+i[3]
		vr, vi := i[1]-i[3], r[3]-r[1] // −i times the difference
		r[0], i[0] = sr+ur, si+ui
		r[1], i[1] = tr+vr, ti+vi
		r[2], i[2] = sr-ur, si-ui
		r[3], i[3] = tr-vr, ti-vi
		re, im = re[4:], im[4:]
	}
}

// inverseFours is that of Inverse.
func inverseFours(re, im []float32) {
	for len(re) >= 4 && len(im) >= 4 {
		r, i := (*[4]float32)(re), (*[4]float32)(im)
		sr, si := r[0]+r[2], i[0]+i[2]
		tr, ti := r[0]-r[2], i[0]-i[2]
		ur, ui := r[1]+r[3], i[1]+i[3]
		vr, vi := i[3]-i[1], r[1]-r[3] // i times the difference
		r[0], i[0] = sr+ur, si+ui
		r[1], i[1] = tr+vr, ti+vi
		r[2], i[2] = sr-ur, si-ui
		r[3], i[3] = tr-vr, ti-vi
		re, im = re[4:], im[4:]
	}
}

// pairs is the stage of two points.
func pairs(re, im []float32) {
	for len(re) >= 2 && len(im) >= 2 {
		r, i := (*[2]float32)(re), (*[2]float32)(im)
		r[0], r[1] = r[0]+r[1], r[0]-r[1]
		i[0], i[1] = i[0]+i[1], i[0]-i[1]
		re, im = re[2:], im[2:]
	}
}

// split is a stage of Forward: the transforms of the four quarters that it leaves are the bins congruent to 0, 1, 2
// and 3.
func (c *Correlator) split(re, im []float32) {
	w := c.roots[bits.TrailingZeros(uint(len(re)))]
	q := len(w)
	ar, br, cr, dr := re[:q], re[q:][:q], re[2*q:][:q], re[3*q:][:q]
	ai, bi, ci, di := im[:q], im[q:][:q], im[2*q:][:q], im[3*q:][:q]
	for j := range w {
		w := &w[j]
		sr, si := ar[j]+cr[j], ai[j]+ci[j]
		tr, ti := ar[j]-cr[j], ai[j]-ci[j]
		ur, ui := br[j]+dr[j], bi[j]+di[j]
		vr, vi := bi[j]-di[j], dr[j]-br[j] // −i times the difference
		ar[j], ai[j] = sr+ur, si+ui
		xr, xi := tr+vr, ti+vi
		br[j], bi[j] = xr*w.ar-xi*w.ai, xr*w.ai+xi*w.ar
		xr, xi = sr-ur, si-ui
		cr[j], ci[j] = xr*w.br-xi*w.bi, xr*w.bi+xi*w.br
		xr, xi = tr-vr, ti-vi
		dr[j], di[j] = xr*w.cr-xi*w.ci, xr*w.ci+xi*w.cr
	}
}

// Inverse replaces a spectrum by N times the values that it is of.
func (c *Correlator) Inverse(re, im []float32) {
	c.check(re, im)
	c.inverse(re, im)
}

func (c *Correlator) inverse(re, im []float32) {
	n := len(re)
	if n > inCache {
		for i := range 4 {
			c.inverse(re[i*n/4:][:n/4], im[i*n/4:][:n/4])
		}
		c.join(re, im)
		return
	}
	size := 4
	if bits.TrailingZeros(uint(n))%2 == 1 {
		pairs(re, im)
		size = 2
	} else {
		inverseFours(re, im)
	}
	for size *= 4; size <= n; size *= 4 {
		for at := 0; at < n; at += size {
			c.join(re[at:][:size], im[at:][:size])
		}
	}
}

// join undoes split, times 4.
func (c *Correlator) join(re, im []float32) {
	w := c.roots[bits.TrailingZeros(uint(len(re)))]
	q := len(w)
	ar, br, cr, dr := re[:q], re[q:][:q], re[2*q:][:q], re[3*q:][:q]
	ai, bi, ci, di := im[:q], im[q:][:q], im[2*q:][:q], im[3*q:][:q]
	for j := range w {
		w := &w[j]
		xr, xi := br[j]*w.ar+bi[j]*w.ai, bi[j]*w.ar-br[j]*w.ai
		yr, yi := cr[j]*w.br+ci[j]*w.bi, ci[j]*w.br-cr[j]*w.bi
		zr, zi := dr[j]*w.cr+di[j]*w.ci, di[j]*w.cr-dr[j]*w.ci
		sr, si := ar[j]+yr, ai[j]+yi
		tr, ti := ar[j]-yr, ai[j]-yi
		ur, ui := xr+zr, xi+zi
		vr, vi := zi-xi, xr-zr // i times the difference
		ar[j], ai[j] = sr+ur, si+ui
		br[j], bi[j] = tr+vr, ti+vi
		cr[j], ci[j] = sr-ur, si-ui
		dr[j], di[j] = tr-vr, ti-vi
	}
}

// Bin returns which bin Forward leaves at a position.
func (c *Correlator) Bin(position int) (bin int) {
	scale := 1
	n := c.points
	for ; n >= 4; n /= 4 {
		bin += scale * (position / (n / 4))
		position %= n / 4
		scale *= 4
	}
	return bin + scale*position
}
