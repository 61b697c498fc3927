package metric

import (
	"math"

	"ditas/internal/dsp"
)

// Ear tells, frame by frame, how audible noise would be in a recording. It uses the model of [Masking] the other way round: before
// there is an error, and for noise that is independent of the recording.
type Ear struct {
	m                                     *Masking
	transform                             *dsp.Power
	spectrum                              []float64
	pattern, smeared, scratch, excitation []float64
	bands                                 []region
	weights                               [EarPoints]float64
	densities                             [EarPoints]float64
	energy                                float64 // of the window
}

// EarPoints is the number of frequencies at which an [Ear] weighs noise, evenly spaced from 0 to half the rate.
const EarPoints = 129

// region is what a band gets of white noise of variance 1 from the points of the spectrum, first and following.
type region struct {
	first   int
	energy  []float64
	slope   float64 // log2 of the band's upward spread
	through float64 // 1 over the number of bands and the offset of the mask
}

// NewEar returns an Ear that has not heard anything yet.
func (m *Masking) NewEar() *Ear {
	e := &Ear{
		m: m, spectrum: make([]float64, m.fft.Points()/2+1),
		pattern: make([]float64, len(m.bands)), smeared: make([]float64, len(m.bands)),
		scratch: make([]float64, len(m.bands)), excitation: make([]float64, len(m.bands)),
	}
	for _, v := range m.window {
		e.energy += v * v
	}
	// The number of points is a power of two, at least 64.
	e.transform, _ = dsp.NewPower(m.fft.Points())
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
				points[p] += e.energy / 2 * w * max(0, part) / perBin
			}
		}
		r := region{first: last, slope: math.Log2(b.upward), through: 1 / (b.offset * float64(len(m.bands)))}
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
	x = x[:min(len(x), len(m.window))]
	for i := range m.fft.Points() / 2 {
		var pair [2]float64
		for j := range pair {
			if n := 2*i + j; n < len(x) && x[n]-x[n] == 0 { // finite
				pair[j] = m.window[n] * x[n]
			}
		}
		e.transform.Set(i, pair[0], pair[1])
	}
	e.transform.Compute(e.spectrum)
	clear(e.weights[:])
	for i := range m.bands {
		e.pattern[i] = m.bands[i].energy(e.spectrum) + m.bands[i].internal
		if !(e.pattern[i] < 1e100) { // samples beyond all bounds
			return e.weights[:]
		}
	}
	e.spread()
	for i := range m.bands {
		b, r := &m.bands[i], &e.bands[i]
		e.excitation[i] = float64(b.decay*e.excitation[i]) + float64((1-b.decay)*e.smeared[i])
		factor := r.through / max(e.excitation[i], e.smeared[i])
		to := e.weights[r.first:][:len(r.energy)]
		for k, v := range r.energy {
			to[k] += float64(factor * v)
		}
	}
	return e.weights[:]
}

// Densities returns the power density of the frame that was heard last around each of [EarPoints] frequencies, v everywhere for white noise of
// variance v. The slice is valid until the next call.
func (e *Ear) Densities() []float64 {
	bins := len(e.spectrum) - 1
	for p := range e.densities {
		const twice = 2 * (EarPoints - 1)
		from := max(0, (2*p-1)*bins/twice)
		to := min(bins, max(from, (2*p+1)*bins/twice-1)) + 1
		sum := 0.0
		for _, v := range e.spectrum[from:to] {
			sum += v
		}
		e.densities[p] = sum / (float64(to-from) * e.energy)
	}
	return e.densities[:]
}

// spread is [Masking.spread] of the pattern, with powers to nine digits and sums of powers in closed form.
func (e *Ear) spread() {
	m, dst := e.m, e.smeared
	clear(dst)
	for i, energy := range e.pattern {
		level := log2(energy)
		slope := e.bands[i].slope + float64(0.2*resolution*level)
		upward, above := exp2(slope), float64(len(dst)-1-i)
		total := m.bands[i].downward
		if math.Abs(slope) > 1e-6 {
			total += upward * (1 - exp2(float64(slope*above))) / (1 - upward)
		} else {
			total += above
		}
		at := exp2(float64(compression * (level - log2(total))))
		e.scratch[i] = at
		ratio := exp2(float64(compression * slope))
		accumulate(dst[i:], at, ratio)
	}
	downward := math.Pow(10, -2.7*resolution*compression)
	var above float64
	for i := len(dst) - 1; i >= 0; i-- {
		v := dst[i] + above
		dst[i] = m.bands[i].norm * (v * v) * math.Sqrt(v) // to the power of 1/compression
		above = downward * (above + e.scratch[i])
	}
}

// accumulate adds v, v·ratio, v·ratio², … to dst: four at a time, since each product has to wait for the one before.
func accumulate(dst []float64, v, ratio float64) {
	a, b := v, v*ratio
	square := ratio * ratio
	c, d := a*square, b*square
	fourth := square * square
	for ; len(dst) >= 4; dst = dst[4:] {
		dst[0] += a
		dst[1] += b
		dst[2] += c
		dst[3] += d
		a *= fourth
		b *= fourth
		c *= fourth
		d *= fourth
	}
	for i, v := range [3]float64{a, b, c} {
		if i < len(dst) {
			dst[i] += v
		}
	}
}

// log2 returns the binary logarithm of a normal number above 0, with an error below 1e−9, by the series of the area hyperbolic tangent.
func log2(x float64) float64 {
	b := math.Float64bits(x)
	exponent := int(b>>52) - 1023
	m := math.Float64frombits(b&(1<<52-1) | 1023<<52)
	t := (m - math.Sqrt2) / (m + math.Sqrt2)
	s := t * t
	series := float64(s*(1.0/11)) + 1.0/9
	series = float64(s*series) + 1.0/7
	series = float64(s*series) + 1.0/5
	series = float64(s*series) + 1.0/3
	series = float64(s*series) + 1
	return float64(exponent) + 0.5 + float64(2*math.Log2E*t*series)
}

// exp2 returns 2 to the power of x with a relative error below 1e−8, 0 where that is less than 2^−1000, and +Inf above 2^1000.
func exp2(x float64) float64 {
	if x < -1000 {
		return 0
	}
	if x > 1000 {
		return math.Inf(1)
	}
	n := math.Floor(x + 0.5)
	t := (x - n) * math.Ln2
	series := float64(t*(1.0/5040)) + 1.0/720
	series = float64(t*series) + 1.0/120
	series = float64(t*series) + 1.0/24
	series = float64(t*series) + 1.0/6
	series = float64(t*series) + 1.0/2
	series = float64(t*series) + 1
	series = float64(t*series) + 1
	return series * math.Float64frombits(uint64(int64(n)+1023)<<52)
}
