package metric

import (
	"math"

	"ditas/internal/dsp"
)

// Ear tells, frame by frame, how audible noise would be in a recording. It uses the model of [Masking] the other way round: before
// there is an error, and for noise that is independent of the recording.
type Ear struct {
	m                                    *Masking
	half                                 *dsp.FFT[float64] // of even samples and, as imaginary parts, odd ones
	re, im, power                        []float64
	twiddle                              []float64 // cos and sin of −2πk/N in pairs
	pattern, spread, scratch, excitation []float64
	bands                                []region
	weights                              [EarPoints]float64
}

// EarPoints is the number of frequencies at which an [Ear] weighs noise, evenly spaced from 0 to half the rate.
const EarPoints = 129

// region is what a band gets of white noise of variance 1 from the points of the spectrum, first and following.
type region struct {
	first  int
	energy []float64
}

// NewEar returns an Ear that has not heard anything yet.
func (m *Masking) NewEar() *Ear {
	e := &Ear{
		m: m, re: make([]float64, m.fft.Points()/2), im: make([]float64, m.fft.Points()/2),
		power:   make([]float64, m.bins),
		pattern: make([]float64, len(m.bands)), spread: make([]float64, len(m.bands)),
		scratch: make([]float64, len(m.bands)), excitation: make([]float64, len(m.bands)),
	}
	var window float64
	for _, v := range m.window {
		window += v * v
	}
	// The number of points is a power of two.
	e.half, _ = dsp.NewFFT[float64](len(e.re))
	for k := range m.bins {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / float64(m.fft.Points()))
		e.twiddle = append(e.twiddle, cos, sin)
	}
	const last = EarPoints - 1
	perBin := 2 * last / float64(m.fft.Points())
	for i := range m.bands {
		var points [EarPoints]float64
		b := &m.bands[i]
		for k, w := range b.weights {
			// Each bin reaches half of a bin to both sides, as each point does.
			from, to := (float64(b.bin+k)-0.5)*perBin, (float64(b.bin+k)+0.5)*perBin
			for p := max(0, int(from+0.5)); p <= last && float64(p)-0.5 < to; p++ {
				part := min(to, float64(p)+0.5) - max(from, float64(p)-0.5)
				// Of an error that is small and independent, half the energy changes magnitudes and half phases.
				points[p] += window / 2 * w * max(0, part) / perBin
			}
		}
		r := region{first: last}
		for p, v := range points {
			if v > 0 {
				r.first = min(r.first, p)
				r.energy = points[r.first : p+1 : p+1]
			}
		}
		e.bands = append(e.bands, r)
	}
	return e
}

// Hop returns the number of samples from one frame to the next, and Window the length of a frame in samples.
func (m *Masking) Hop() int    { return m.hop }
func (m *Masking) Window() int { return len(m.window) }

// Reset forgets the frames heard so far, which would mask the next ones for a while.
func (e *Ear) Reset() { clear(e.excitation) }

// Listen hears the next frame, x, and returns what noise of variance 1 around each of [EarPoints] frequencies adds to the mean
// noise-to-mask ratio. Noise with the power density s (v everywhere for white noise of variance v) has the ratio
// Σ weights[k]·s[k]. A frame shorter than Window is filled up with zeros. The slice is valid until the next call.
func (e *Ear) Listen(x []float64) (weights []float64) {
	m := e.m
	// The transform of N real samples from one of N/2 complex ones: its even and odd parts, E and O, are the transforms of the even
	// and of the odd samples, and X[k] = E[k] + exp(−2πik/N)·O[k].
	clear(e.re)
	clear(e.im)
	for i, v := range x {
		if v-v != 0 { // not finite
			continue
		}
		if i&1 == 0 {
			e.re[i/2] = m.window[i] * v
		} else {
			e.im[i/2] = m.window[i] * v
		}
	}
	e.half.Forward(e.re, e.im)
	last := len(e.re) - 1
	for k := range e.power {
		at, mirror := k&last, (len(e.re)-k)&last
		er, ei := (e.re[at]+e.re[mirror])/2, (e.im[at]-e.im[mirror])/2
		or, oi := (e.im[at]+e.im[mirror])/2, (e.re[mirror]-e.re[at])/2
		c, s := e.twiddle[2*k], e.twiddle[2*k+1]
		re, im := er+or*c-oi*s, ei+or*s+oi*c
		e.power[k] = re*re + im*im
	}
	for i := range m.bands {
		e.pattern[i] = m.bands[i].energy(e.power) + m.bands[i].internal
	}
	m.spread(e.spread, e.pattern, e.scratch)
	clear(e.weights[:])
	for i := range m.bands {
		b := &m.bands[i]
		e.excitation[i] = b.decay*e.excitation[i] + (1-b.decay)*e.spread[i]
		factor := 1 / (b.offset * max(e.excitation[i], e.spread[i]) * float64(len(m.bands)))
		for k, v := range e.bands[i].energy {
			e.weights[e.bands[i].first+k] += factor * v
		}
	}
	return e.weights[:]
}
