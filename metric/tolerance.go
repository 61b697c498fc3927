package metric

import (
	"math"

	"ditas/dsp"
)

// Tolerance tells, frame by frame, how strong noise may be before it stands out of what a recording masks. It is the
// model of [Masking] asked the other way round, before there is an error, for noise that is independent of the recording.
type Tolerance struct {
	m                                           *Masking
	half                                        *dsp.FFT[float64] // of even samples and, as imaginary parts, odd ones
	re, im, power                               []float64
	twiddle                                     []float64 // cos and sin of −2πk/N in pairs
	pattern, spread, scratch, excitation, shape []float64
	filter                                      [2][filterPoints]float64
	coarse                                      *dsp.FFT[float64] // of filters
	energy                                      float64           // of the window
}

// filterPoints is the number of points of a filter's response that are computed: between them it is taken to be constant.
const filterPoints = 256

// NewTolerance returns a Tolerance that stands before the first frame of a recording.
func (m *Masking) NewTolerance() *Tolerance {
	t := &Tolerance{
		m: m, re: make([]float64, m.fft.Points()/2), im: make([]float64, m.fft.Points()/2),
		power: make([]float64, m.bins), shape: make([]float64, m.bins),
		pattern: make([]float64, len(m.bands)), spread: make([]float64, len(m.bands)),
		scratch: make([]float64, len(m.bands)), excitation: make([]float64, len(m.bands)),
	}
	for _, v := range m.window {
		t.energy += v * v
	}
	// The numbers of points are powers of two.
	t.coarse, _ = dsp.NewFFT[float64](filterPoints)
	t.half, _ = dsp.NewFFT[float64](len(t.re))
	for k := range m.bins {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / float64(m.fft.Points()))
		t.twiddle = append(t.twiddle, cos, sin)
	}
	return t
}

// Hop returns the number of samples from frame to frame, and Window that of a frame.
func (m *Masking) Hop() int    { return m.hop }
func (m *Masking) Window() int { return len(m.window) }

// Next returns the variance that white noise may have in the next frame, x, so that after the all-pole filter 1/A(z) it has
// a mean noise-to-mask ratio of 1. a holds the coefficients of z⁰, z⁻¹, … of A. A frame shorter than Window is filled up with
// zeros.
func (t *Tolerance) Next(x, a []float64) float64 {
	m := t.m
	// The transform of N real samples out of one of N/2 complex ones: those of the even and of the odd samples are its even and odd
	// parts, E and O, and X[k] = E[k] + exp(−2πik/N)·O[k].
	clear(t.re)
	clear(t.im)
	for i, v := range x {
		if v-v != 0 { // not finite
			continue
		}
		if i&1 == 0 {
			t.re[i/2] = m.window[i] * v
		} else {
			t.im[i/2] = m.window[i] * v
		}
	}
	t.half.Forward(t.re, t.im)
	last := len(t.re) - 1
	for k := range t.power {
		at, mirror := k&last, (len(t.re)-k)&last
		er, ei := (t.re[at]+t.re[mirror])/2, (t.im[at]-t.im[mirror])/2
		or, oi := (t.im[at]+t.im[mirror])/2, (t.re[mirror]-t.re[at])/2
		c, s := t.twiddle[2*k], t.twiddle[2*k+1]
		re, im := er+or*c-oi*s, ei+or*s+oi*c
		t.power[k] = re*re + im*im
	}
	// The filter is short, so its transform need not be a long one.
	re, im := t.filter[0][:], t.filter[1][:]
	clear(re)
	clear(im)
	copy(re, a)
	t.coarse.Forward(re, im)
	points := m.fft.Points()
	for k := range t.shape {
		at := k * filterPoints / points
		t.shape[k] = 1 / (re[at]*re[at] + im[at]*im[at])
	}
	for i := range m.bands {
		t.pattern[i] = m.bands[i].energy(t.power) + m.bands[i].internal
	}
	m.spread(t.spread, t.pattern, t.scratch)
	var sum float64
	for i := range m.bands {
		b := &m.bands[i]
		t.excitation[i] = b.decay*t.excitation[i] + (1-b.decay)*t.spread[i]
		// Of an error that is small and independent, half the energy changes magnitudes and half phases.
		noise := t.energy / 2 * b.energy(t.shape)
		sum += noise / (b.offset * max(t.excitation[i], t.spread[i]))
	}
	return float64(len(m.bands)) / sum
}
