// Package dsp holds the transforms that networks and carriers compute with. They are linear, orthonormal where that is
// possible, and exact inverses of each other, so that an error keeps its power on the way through:
//
//	m, err := dsp.NewMDCT[float32](256)
//	m.Forward(spectrum, signal) // frames of 256 bands
//	m.Inverse(signal, spectrum)
//
// Beside them are linear prediction ([LPC]) and the filter that changes rates ([Resampler]).
package dsp

import (
	"fmt"
	"math"
)

// MaxBands is the largest number of bands of an [MDCT].
const MaxBands = 2048

// MDCT is the modified discrete cosine transform with a sine window on a circular signal (Princen, Johnson and Bradley
// 1987): frame f of M bands sees the 2M samples from f·M on, wrapping round at the end,
//
//	X[f][k] = √(2/M) Σ_n sin(π(n+½)/2M) x[f·M+n] cos(π/M (n+½+M/2)(k+½)),  0 ≤ n < 2M.
//
// Critically sampled and orthonormal: as many coefficients as samples, and the inverse is the transpose. An MDCT has no
// state and may be shared between goroutines.
type MDCT[T float32 | float64] struct {
	bands   int
	window  []T // rising half: sin(π(n+½)/2M), 0 ≤ n < M
	twiddle []T // cos and sin of −π(8n+1)/8M in pairs, with the scale of the orthonormal DCT-IV folded in twice: (2/M)^¼
	fft     *FFT[T]
}

// NewMDCT returns the transform for a number of bands: a power of two from 4 to [MaxBands].
func NewMDCT[T float32 | float64](bands int) (*MDCT[T], error) {
	if bands < 4 || bands > MaxBands || bands&(bands-1) != 0 {
		return nil, fmt.Errorf("mdct with %d bands: want a power of two from 4 to %d", bands, MaxBands)
	}
	fft, err := NewFFT[T](bands / 2)
	if err != nil {
		return nil, err
	}
	m := &MDCT[T]{bands: bands, fft: fft}
	scale := math.Pow(2/float64(bands), 0.25)
	for n := range bands {
		m.window = append(m.window, T(math.Sin(math.Pi*(float64(n)+0.5)/float64(2*bands))))
	}
	for n := range bands / 2 {
		a := -math.Pi * float64(8*n+1) / float64(8*bands)
		m.twiddle = append(m.twiddle, T(scale*math.Cos(a)), T(scale*math.Sin(a)))
	}
	return m, nil
}

// Bands returns the number of bands M.
func (m *MDCT[T]) Bands() int { return m.bands }

// Forward computes the frames of src, len(src)/M of them, one after the other into dst, which must not overlap src. It
// panics if the length of src is not a multiple of M or dst is shorter.
func (m *MDCT[T]) Forward(dst, src []T) {
	M, half := m.bands, m.bands/2
	frames := m.frames(src)
	var buf [MaxBands]T
	u := buf[:M]
	for f := range frames {
		// The quarters a, b, c, d of the windowed frame fold into (−c_r − d, a − b_r), whose DCT-IV is the MDCT.
		first := src[f*M:][:M]
		second := src[(f+1)%frames*M:][:M]
		for n := range half {
			u[n] = -m.window[half+n]*second[half-1-n] - m.window[half-1-n]*second[half+n]
			u[half+n] = m.window[n]*first[n] - m.window[M-1-n]*first[M-1-n]
		}
		m.dct4(dst[f*M:][:M], u)
	}
}

// Inverse computes the signal whose frames are src, into dst, which must not overlap src. It panics like Forward.
func (m *MDCT[T]) Inverse(dst, src []T) {
	M, half := m.bands, m.bands/2
	frames := m.frames(src)
	clear(dst[:len(src)])
	var buf [MaxBands]T
	u := buf[:M]
	for f := range frames {
		m.dct4(u, src[f*M:][:M])
		first := dst[f*M:][:M]
		second := dst[(f+1)%frames*M:][:M]
		for n := range half {
			first[n] += m.window[n] * u[half+n]
			first[M-1-n] -= m.window[M-1-n] * u[half+n]
			second[half-1-n] -= m.window[half+n] * u[n]
			second[half+n] -= m.window[half-1-n] * u[n]
		}
	}
}

func (m *MDCT[T]) frames(src []T) int {
	if len(src) == 0 || len(src)%m.bands != 0 {
		panic(fmt.Sprintf("dsp: signal of %d samples is not a whole number of frames of %d", len(src), m.bands))
	}
	return len(src) / m.bands
}

// dct4 computes the orthonormal DCT-IV of x, its own inverse, by a complex FFT of half the length.
func (m *MDCT[T]) dct4(y, x []T) {
	M, half := m.bands, m.bands/2
	var reals, imaginaries [MaxBands / 2]T
	re, im := reals[:half], imaginaries[:half]
	for n := range half {
		a, b := x[2*n], x[M-1-2*n]
		c, s := m.twiddle[2*n], m.twiddle[2*n+1]
		re[n], im[n] = a*c-b*s, a*s+b*c
	}
	m.fft.Forward(re, im)
	for k := range half {
		c, s := m.twiddle[2*k], m.twiddle[2*k+1]
		y[2*k] = re[k]*c - im[k]*s
		y[M-1-2*k] = -(re[k]*s + im[k]*c)
	}
}
