package dsp

import (
	"fmt"
	"math"
	"math/bits"
)

// MaxPoints is the largest size of an [FFT].
const MaxPoints = 1 << 20

// FFT is the discrete Fourier transform of N complex values,
//
//	X[k] = Σ_n x[n] exp(−2πi·kn/N),  0 ≤ n < N,
//
// without scale, by decimation in time (Cooley and Tukey 1965). An FFT has no state and may be shared between goroutines.
//
// Two real signals a and b fit into one transform as a + ib: their spectra are (X[k] + X*[N−k])/2 and (X[k] − X*[N−k])/2i.
type FFT[T float32 | float64] struct {
	points int
	root   []T     // cos and sin of −2πn/N in pairs, 0 ≤ n < N/2
	swaps  []int32 // pairs of places that exchange their values before
}

// NewFFT returns the transform of a number of points: a power of two up to [MaxPoints].
func NewFFT[T float32 | float64](points int) (*FFT[T], error) {
	if points < 1 || points > MaxPoints || points&(points-1) != 0 {
		return nil, fmt.Errorf("fft of %d points: want a power of two up to %d", points, MaxPoints)
	}
	f := &FFT[T]{points: points}
	for n := range points / 2 {
		sin, cos := math.Sincos(-2 * math.Pi * float64(n) / float64(points))
		f.root = append(f.root, T(cos), T(sin))
	}
	shift := bits.LeadingZeros64(uint64(points)) + 1
	for i := range points {
		if r := int(bits.Reverse64(uint64(i)) >> shift); r > i {
			f.swaps = append(f.swaps, int32(i), int32(r))
		}
	}
	return f, nil
}

// Points returns the number of points N.
func (f *FFT[T]) Points() int { return f.points }

// Forward replaces the N values with real parts re and imaginary parts im by their transform. With the two slices exchanged it
// computes the inverse, times N. It panics if one of them has not N values.
func (f *FFT[T]) Forward(re, im []T) {
	if len(re) != f.points || len(im) != f.points {
		panic(fmt.Sprintf("dsp: %d real and %d imaginary parts for an FFT of %d points", len(re), len(im), f.points))
	}
	for i := 0; i+1 < len(f.swaps); i += 2 {
		a, b := f.swaps[i], f.swaps[i+1]
		re[a], re[b] = re[b], re[a]
		im[a], im[b] = im[b], im[a]
	}
	for size := 2; size <= f.points; size *= 2 {
		half, step := size/2, 2*(f.points/size)
		for start := 0; start < f.points; start += size {
			pr, pi := re[start:][:half], im[start:][:half]
			qr, qi := re[start+half:][:half], im[start+half:][:half]
			for j := range pr {
				c, s := f.root[j*step], f.root[j*step+1]
				tr, ti := qr[j]*c-qi[j]*s, qr[j]*s+qi[j]*c
				qr[j], qi[j] = pr[j]-tr, pi[j]-ti
				pr[j], pi[j] = pr[j]+tr, pi[j]+ti
			}
		}
	}
}
