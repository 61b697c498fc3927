package carrier

import (
	"math"

	"ditas/dsp"
)

// The error that embedding makes is shaped like the recording's own spectrum, where it hides best: white noise w that the
// lattice leaves becomes e = F(z)·w with F(z) = 1/A(z/γ), A being the recording's linear predictor. The embedder may do so because every point of the lattice carries the symbol; a receiver need not know. (Atal and Schroeder, "Predictive
// coding of speech signals and subjective error criteria", IEEE Trans. ASSP 27, 1979.)
const (
	shapeOrder = 16
	shapeBlock = 512  // samples for which one filter holds
	shapeReach = 1024 // samples of the window that it is computed from
)

// shaper is the filter of one channel.
type shaper struct {
	limit   float64 // of gain
	gain    float64 // by which the filter raises the power of white noise
	window  [shapeReach]float64
	scratch [shapeReach]float64
	lag     [shapeOrder + 1]float64

	den [shapeOrder + 1]float64 // A(z/γ)
	// The last values of e, doubled so that a run of shapeOrder of them always lies in one piece.
	e  [2 * shapeOrder]float64
	at int
}

func newShaper(limit Shaping) *shaper {
	s := &shaper{limit: float64(limit), gain: 1}
	for i := range s.window {
		s.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/shapeReach)
	}
	for i := range s.lag {
		// A window over lags: 40 Hz at 16 kHz; and white noise 60 dB below, so that the filter stays tame.
		s.lag[i] = math.Exp(-0.5 * math.Pow(2*math.Pi*40/16000*float64(i), 2))
	}
	s.lag[0] = 1 + 1e-6
	s.den[0] = 1
	return s
}

// fit sets the filter for what a window of shapeReach samples holds.
func (s *shaper) fit(x []float64) {
	for i, v := range x[:shapeReach] {
		s.scratch[i] = v * s.window[i]
	}
	var r, a [shapeOrder + 1]float64
	dsp.Autocorrelation(r[:], s.scratch[:])
	if r[0]-r[0] != 0 { // some sample is not finite
		clear(s.den[1:])
		s.gain = 1
		return
	}
	for i := range r {
		r[i] *= s.lag[i]
	}
	// Nothing is shaped by what lies below the step of 16 bits.
	r[0] += shapeReach * 0.375 * unit * unit
	dsp.LPC(a[:], r[:])
	for _, gamma := range strengths {
		p := 1.0
		for i := range a {
			s.den[i] = a[i] * p
			p *= gamma
		}
		if s.gain = s.power(); s.gain <= s.limit {
			return
		}
	}
}

// strengths are the values of γ that are tried, the strongest first.
var strengths = []float64{0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0}

// power returns the energy of the impulse response, or of the beginning of it if that is more than the limit.
func (s *shaper) power() float64 {
	var e [shapeOrder]float64 // the newest first
	sum, v := 1.0, 1.0
	for range 64 {
		copy(e[1:], e[:])
		e[0] = v
		v = 0
		for i, a := range s.den[1:] {
			v -= a * e[i]
		}
		if sum += v * v; sum > s.limit {
			break
		}
	}
	return sum
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
