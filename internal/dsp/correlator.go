package dsp

import (
	"fmt"
	"math"
	"math/bits"
)

// Correlator is the discrete Fourier transform of N complex values for products of spectra: its bins are in an order of its own,
// which saves the time that it takes to bring them into another. It has no state and may be shared between goroutines.
//
// Forward is by decimation in frequency and Inverse by decimation in time, both in radix 4 (Gentleman and Sande 1966).
type Correlator struct {
	points int
	// root[n] holds the twiddle factors of a stage of n points: cos and sin of −2πj/n, −4πj/n and −6πj/n for each j < n/4.
	root map[int][]float32
}

// NewCorrelator returns the transform of a number of points: a power of two from 4 up to [MaxPoints].
func NewCorrelator(points int) (*Correlator, error) {
	if points < 4 || points > MaxPoints || points&(points-1) != 0 {
		return nil, fmt.Errorf("correlation of %d points: want a power of two from 4 to %d", points, MaxPoints)
	}
	c := &Correlator{points: points, root: make(map[int][]float32)}
	for n := points; n >= 4; n /= 4 {
		table := make([]float32, 0, 6*(n/4))
		for j := range n / 4 {
			for m := 1; m <= 3; m++ {
				sin, cos := math.Sincos(-2 * math.Pi * float64(m*j) / float64(n))
				table = append(table, float32(cos), float32(sin))
			}
		}
		c.root[n] = table
	}
	return c, nil
}

// Points returns the number of points N.
func (c *Correlator) Points() int { return c.points }

// inCache is the number of points from which on a transform is done stage by stage, since it stays in the processor's cache.
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
	for size := n; size >= 4; size /= 4 {
		for at := 0; at < n; at += size {
			c.split(re[at:][:size], im[at:][:size])
		}
	}
	if bits.TrailingZeros(uint(n))%2 == 1 {
		pairs(re, im)
	}
}

// pairs is the stage of two points.
func pairs(re, im []float32) {
	for i := 0; i+1 < len(re); i += 2 {
		re[i], re[i+1] = re[i]+re[i+1], re[i]-re[i+1]
		im[i], im[i+1] = im[i]+im[i+1], im[i]-im[i+1]
	}
}

// split is a stage of Forward: the transforms of the four quarters that it leaves are the bins congruent to 0, 1, 2 and 3.
func (c *Correlator) split(re, im []float32) {
	q := len(re) / 4
	w := c.root[len(re)][:6*q]
	ar, br, cr, dr := re[:q], re[q:][:q], re[2*q:][:q], re[3*q:][:q]
	ai, bi, ci, di := im[:q], im[q:][:q], im[2*q:][:q], im[3*q:][:q]
	for j := range ar {
		sr, si := ar[j]+cr[j], ai[j]+ci[j]
		tr, ti := ar[j]-cr[j], ai[j]-ci[j]
		ur, ui := br[j]+dr[j], bi[j]+di[j]
		vr, vi := bi[j]-di[j], dr[j]-br[j] // −i times the difference
		w := w[6*j:][:6]
		ar[j], ai[j] = sr+ur, si+ui
		xr, xi := tr+vr, ti+vi
		br[j], bi[j] = xr*w[0]-xi*w[1], xr*w[1]+xi*w[0]
		xr, xi = sr-ur, si-ui
		cr[j], ci[j] = xr*w[2]-xi*w[3], xr*w[3]+xi*w[2]
		xr, xi = tr-vr, ti-vi
		dr[j], di[j] = xr*w[4]-xi*w[5], xr*w[5]+xi*w[4]
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
		size = 8
	}
	for ; size <= n; size *= 4 {
		for at := 0; at < n; at += size {
			c.join(re[at:][:size], im[at:][:size])
		}
	}
}

// join undoes split, times 4.
func (c *Correlator) join(re, im []float32) {
	q := len(re) / 4
	w := c.root[len(re)][:6*q]
	ar, br, cr, dr := re[:q], re[q:][:q], re[2*q:][:q], re[3*q:][:q]
	ai, bi, ci, di := im[:q], im[q:][:q], im[2*q:][:q], im[3*q:][:q]
	for j := range ar {
		w := w[6*j:][:6]
		xr, xi := br[j]*w[0]+bi[j]*w[1], bi[j]*w[0]-br[j]*w[1]
		yr, yi := cr[j]*w[2]+ci[j]*w[3], ci[j]*w[2]-cr[j]*w[3]
		zr, zi := dr[j]*w[4]+di[j]*w[5], di[j]*w[4]-dr[j]*w[5]
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
