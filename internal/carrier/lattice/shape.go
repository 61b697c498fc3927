package lattice

import (
	"math"

	"ditas/internal/dsp"
	"ditas/metric"
)

// Shaping is how much the error gives way to hearing. White noise w that the lattice leaves becomes e = F(z)·w, F being a filter of
// power density S(f) whose logarithm is 0 on average, so that steps remain as they are. What is heard of it is Σ W(f)·S(f), W being
// the weights of [metric.Ear]; of all S with a given power, S ∝ 1/(μ + W) makes it least. Shaping is W's mean over μ: 0 leaves the
// error white, and the more there is of it, the less is heard and the more power the error has at equal steps.
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

// shaper is the filter of one channel, all-pole.
type shaper struct {
	shaping float64
	gain    float64 // by which the filter raises the power of white noise
	fft     *dsp.FFT[float64]
	re, im  [shapePoints]float64

	den [shapeOrder + 1]float64
	// The last values of e, doubled so that a run of shapeOrder of them always lies in one piece.
	e  [2 * shapeOrder]float64
	at int
}

func newShaper(s Shaping) *shaper {
	fft, err := dsp.NewFFT[float64](shapePoints)
	if err != nil {
		panic(err) // the number is a power of two
	}
	return &shaper{shaping: float64(s), gain: 1, fft: fft, den: [shapeOrder + 1]float64{1}}
}

// fit sets the filter for what an ear hears, and returns the variance that the noise before it may have to be just below what is heard:
// +Inf where the ear tells nothing.
func (s *shaper) fit(weights []float64) (tolerance float64) {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	s.den, s.gain = [shapeOrder + 1]float64{1}, 1
	if !(sum > 0) || math.IsInf(sum, 1) { // samples beyond all bounds
		return math.Inf(1)
	}
	if s.shaping > 0 {
		// The correlation that belongs to the density, whose all-pole model is the filter.
		factor := s.shaping * float64(len(weights)) / sum
		last := len(weights) - 1
		for k, w := range weights {
			s.re[k] = 1 / (1 + factor*w)
			s.re[(shapePoints-k)%shapePoints] = s.re[k]
		}
		clear(s.im[:])
		s.fft.Forward(s.re[:], s.im[:])
		dsp.LPC(s.den[:], s.re[:shapeOrder+1])
		clear(s.re[:])
		clear(s.im[:])
		copy(s.re[:], s.den[:])
		s.fft.Forward(s.re[:], s.im[:])
		sum, s.gain = 0, 0
		for k, w := range weights {
			density := 1 / (s.re[k]*s.re[k] + s.im[k]*s.im[k])
			sum += w * density
			if k == 0 || k == last {
				density /= 2
			}
			s.gain += density / float64(last)
		}
	}
	return 1 / sum
}

// predict returns the part of the next error that follows from the past ones.
func (s *shaper) predict() float64 {
	e, den := s.e[s.at:][:shapeOrder], s.den[1:][:shapeOrder]
	var sum float64
	for i, v := range e {
		sum -= den[i] * v
	}
	return sum
}

// push notes the error of a sample.
func (s *shaper) push(e float64) {
	s.at--
	if s.at < 0 {
		s.at = shapeOrder - 1
	}
	s.e[s.at], s.e[s.at+shapeOrder] = e, e
}
