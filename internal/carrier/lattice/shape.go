package lattice

import (
	"math"

	"ditas/audio"
	"ditas/metric"
)

// Shaping is how much the error gives way to hearing. White noise w that the lattice leaves becomes e = F(z)·w, F being a filter of
// power density S(f) whose logarithm is 0 on average, so that steps remain as they are. What is heard of it is Σ W(f)·S(f), W being
// the weights of [metric.Ear]; of all S with a given power, S ∝ 1/(μ + W) makes it least. Shaping is W's mean over μ: 0 leaves the
// error white, and the more there is of it, the less is heard and the more power the error has at equal steps.
//
// Where the recording has nothing but the rounding of its samples, W is next to nothing and the error would gather there, as in all that a lossy
// codec left out: nobody hears it, but a spectrogram shows it at once. So S is lowered there by up to 30 dB.
//
// The embedder may shape because every point of the lattice carries the symbol; a receiver need not know. (Atal and Schroeder,
// "Predictive coding of speech signals and subjective error criteria", IEEE Trans. ASSP 27, 1979.)
type Shaping float64

// DefaultShaping raises the power of the error in speech by half a decibel.
const DefaultShaping Shaping = 1.5

const (
	shapeOrder  = 16
	shapePoints = 2 * (metric.EarPoints - 1) // of the transform
)

const (
	// emptiest is the highest power density of what counts as nothing, over that of rounding: what remains of rounding with dither, give or take.
	emptiest = 6
	// roundedBits are how many bits a sample has whose rounding this is, at most: what has more was often made of such samples.
	roundedBits = 16
	// spared and raised, in dB: by how much the density is lowered where there is nothing, and what it may be raised by elsewhere, since its logarithm
	// remains 0 on average.
	spared, raised = 30, 8
	// sparing is how far, in dB, a moment has to be above rounding before anything is lowered. Below that the finest steps leave an error as strong as rounding,
	// which all of the spectrum has.
	sparing = 50
)

// contour is a filter in the form in which it is kept: its reflection coefficients in 2⁻¹⁵, of which every set makes a stable filter.
type contour [shapeOrder]int16

const reflectionUnit = 1 << 15

// roundingOf returns the variance of the rounding of a recording of some format.
func roundingOf(f audio.Format) float64 {
	step := math.Ldexp(1, 1-roundedBits)
	if !f.Encoding.IsFloat() {
		step = max(step, f.Step())
	}
	return step * step / 12
}

// shaper is the filter of one channel, all-pole.
type shaper struct {
	shaping  float64
	rounding float64 // variance
	contour  contour
	gain     float64     // by which the filter raises the power of white noise
	cosines  [][]float64 // [lag][point] cos(2π·lag·point/shapePoints)

	den [shapeOrder + 1]float64
	// The last values of e, doubled so that a run of shapeOrder of them always lies in one piece, the newest first.
	e  [2 * shapeOrder]float64
	at int
}

func newShaper(s Shaping, rounding float64) *shaper {
	f := &shaper{shaping: float64(s), rounding: rounding, gain: 1, den: [shapeOrder + 1]float64{1}}
	for lag := range shapeOrder + 1 {
		f.cosines = append(f.cosines, make([]float64, shapePoints/4+1))
		for k := range f.cosines[lag] {
			f.cosines[lag][k] = math.Cos(2 * math.Pi * float64(lag*k) / shapePoints)
		}
	}
	return f
}

// fit sets the filter for what an ear hears and what there is, both by frequency, and returns the variance that the noise before it may have to be
// just below what is heard, and the one at which it is as strong as the recording, in the mean of the ratio of their densities. Both are +Inf where the ear tells nothing.
func (s *shaper) fit(weights, densities []float64) (tolerance, cover float64) {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	s.set(contour{})
	s.gain = 1
	if !(sum > 0) || math.IsInf(sum, 1) { // samples beyond all bounds
		return math.Inf(1), math.Inf(1)
	}
	var response [metric.EarPoints]float64 // its inverse
	for k := range response {
		response[k] = 1
	}
	if s.shaping > 0 {
		// The correlation that belongs to the density, whose all-pole model is the filter.
		factor := s.shaping * float64(len(weights)) / sum
		var density [metric.EarPoints]float64
		for k, w := range weights {
			density[k] = 1 / (1 + float64(factor*w))
		}
		s.spare(&density, densities)
		var r [shapeOrder + 1]float64
		density[0] /= 2
		density[len(density)-1] /= 2
		s.correlate(&r, &density)
		s.set(levinson(&r))
		s.respond(&response)
		s.gain = 0
	}
	heard, seen := 0.0, 0.0
	last := len(weights) - 1
	for k, w := range weights {
		d := 1 / response[k]
		heard += float64(w * d)
		if s.shaping > 0 {
			if k == 0 || k == last {
				d /= 2
			}
			s.gain += d / float64(last)
		}
	}
	for k, d := range densities {
		seen += 1 / (response[k] * max(d, s.rounding))
	}
	return 1 / heard, float64(len(weights)) / seen
}

// spare lowers the density of the error where there is nothing. No densities are no reason to.
func (s *shaper) spare(density *[metric.EarPoints]float64, densities []float64) {
	empty, mean := 0, 0.0
	for _, d := range densities {
		if mean += d / metric.EarPoints; d <= emptiest*s.rounding {
			empty++
		}
	}
	depth := min(spared, raised*metric.EarPoints/float64(empty), 10*math.Log10(mean/s.rounding)-sparing)
	if empty == 0 || !(depth > 0) {
		return
	}
	least := math.Pow(10, -depth/10)
	for k, d := range densities {
		if d <= emptiest*s.rounding {
			density[k] *= least
		}
	}
}

// match sets the filter so that the error follows the spectrum of a recording, of which the power density is given by frequency, and returns the variance
// that noise has before the filter when it has the power of the recording behind it: that of what linear prediction leaves over. Where there is nothing
// to follow the filter is flat, and the variance 0.
func (s *shaper) match(densities []float64) (variance float64) {
	s.set(contour{})
	s.gain = 1
	mean := 0.0
	for _, d := range densities {
		mean += d / metric.EarPoints
	}
	if !(mean > 0) || math.IsInf(mean, 1) {
		return 0
	}
	var density [metric.EarPoints]float64
	for k, d := range densities {
		density[k] = d + matchFloor*mean
	}
	density[0] /= 2
	density[len(density)-1] /= 2
	var r [shapeOrder + 1]float64
	s.correlate(&r, &density)
	s.set(levinson(&r))
	for _, k := range s.contour {
		c := float64(k) / reflectionUnit
		s.gain /= 1 - float64(c*c)
	}
	return mean / s.gain
}

// matchFloor is the power of the white noise beside which a spectrum is followed, as a share of it: beyond, filters ring.
const matchFloor = 1e-7

// correlate sets the lags of the correlation of a density, to a factor: its cosine transform. Cosines of even lags are the same on both
// sides of the middle, and those of odd ones have the other sign.
func (s *shaper) correlate(r *[shapeOrder + 1]float64, density *[metric.EarPoints]float64) {
	const last, middle = shapePoints / 2, shapePoints / 4
	var halves [2][middle + 1]float64
	for k := range middle {
		halves[0][k], halves[1][k] = density[k]+density[last-k], density[k]-density[last-k]
	}
	halves[0][middle] = density[middle]
	for lag := range r {
		half, c := &halves[lag&1], s.cosines[lag][:middle+1]
		var even, odd float64
		for k := 0; k < middle; k += 2 {
			even += float64(c[k] * half[k])
			odd += float64(c[k+1] * half[k+1])
		}
		r[lag] = even + odd + float64(c[middle]*half[middle])
	}
}

// respond sets the squared magnitudes of the denominator's response at the points of an ear.
func (s *shaper) respond(power *[metric.EarPoints]float64) {
	const last, middle = shapePoints / 2, shapePoints / 4
	var halves [2][middle + 1]float64
	for lag := range shapeOrder + 1 {
		var sum float64
		for i, v := range s.den[lag:] {
			sum += float64(v * s.den[i])
		}
		if lag > 0 {
			sum *= 2
		}
		half := &halves[lag&1]
		for k, c := range s.cosines[lag] {
			half[k] += float64(sum * c)
		}
	}
	for k := range middle + 1 {
		power[k], power[last-k] = halves[0][k]+halves[1][k], halves[0][k]-halves[1][k]
	}
}

// levinson returns the filter that predicts best what has a correlation (Levinson's recursion; Makhoul, "Linear prediction: a tutorial
// review", Proc. IEEE 63, 1975).
func levinson(r *[shapeOrder + 1]float64) (c contour) {
	var a, before [shapeOrder + 1]float64
	a[0] = 1
	e := r[0]
	for i := 1; i <= shapeOrder && e > 0; i++ {
		sum := r[i]
		for j := 1; j < i; j++ {
			sum += float64(a[j] * r[i-j])
		}
		k := -sum / e
		if !(k > -1 && k < 1) {
			break
		}
		c[i-1] = int16(max(1-reflectionUnit, min(reflectionUnit-1, math.RoundToEven(k*reflectionUnit))))
		before = a
		for j := 1; j < i; j++ {
			a[j] += float64(k * before[i-j])
		}
		a[i] = k
		e *= 1 - float64(k*k)
	}
	return c
}

// set sets the filter.
func (s *shaper) set(c contour) {
	s.contour = c
	s.den = [shapeOrder + 1]float64{1}
	for i, reflection := range c {
		k := float64(reflection) / reflectionUnit
		before := s.den
		for j := 1; j <= i; j++ {
			s.den[j] += float64(k * before[i+1-j])
		}
		s.den[i+1] = k
	}
}

// predict returns the part of the next error that follows from the past ones. Only the newest of them has to be waited for.
func (s *shaper) predict() float64 {
	e, den := (*[shapeOrder]float64)(s.e[s.at:]), &s.den
	a := float64(den[16]*e[15]) + float64(den[15]*e[14]) + float64(den[14]*e[13]) + float64(den[13]*e[12])
	b := float64(den[12]*e[11]) + float64(den[11]*e[10]) + float64(den[10]*e[9]) + float64(den[9]*e[8])
	c := float64(den[8]*e[7]) + float64(den[7]*e[6]) + float64(den[6]*e[5]) + float64(den[5]*e[4])
	d := float64(den[4]*e[3]) + float64(den[3]*e[2]) + float64(den[2]*e[1])
	return -(a + b + c + d + float64(den[1]*e[0]))
}

// push notes the error of a sample.
func (s *shaper) push(e float64) {
	s.at--
	if s.at < 0 {
		s.at = shapeOrder - 1
	}
	s.e[s.at], s.e[s.at+shapeOrder] = e, e
}
