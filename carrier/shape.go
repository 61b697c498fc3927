package carrier

import (
	"math"

	"ditas/dsp"
)

// The error that embedding makes is shaped like the recording's own spectrum, where it hides best: white noise w that the
// lattice leaves becomes e = F(z)·w with F(z) = A(z/γ₁)/A(z/γ₂), A being the recording's linear predictor. The embedder may
// do so because every point of the lattice carries the symbol; a receiver need not know. (Atal and Schroeder, "Predictive
// coding of speech signals and subjective error criteria", IEEE Trans. ASSP 27, 1979.)
const (
	shapeOrder = 16
	shapeBlock = 512  // samples for which one filter holds
	shapeReach = 1024 // samples of the window that it is computed from
)

// shaper is the filter of one channel.
type shaper struct {
	zeros, poles float64 // γ₁ and γ₂
	window       [shapeReach]float64
	scratch      [shapeReach]float64
	lag          [shapeOrder + 1]float64

	num, den [shapeOrder + 1]float64
	// The last values of w and e, doubled so that a run of shapeOrder of them always lies in one piece.
	w, e [2 * shapeOrder]float64
	at   int
}

func newShaper(zeros, poles float64) *shaper {
	s := &shaper{zeros: zeros, poles: poles}
	for i := range s.window {
		s.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/shapeReach)
	}
	for i := range s.lag {
		// A window over lags: 40 Hz at 16 kHz; and white noise 60 dB below, so that the filter stays tame.
		s.lag[i] = math.Exp(-0.5 * math.Pow(2*math.Pi*40/16000*float64(i), 2))
	}
	s.lag[0] = 1 + 1e-6
	s.num[0], s.den[0] = 1, 1
	return s
}

// fit sets the filter for what a window of shapeReach samples holds.
func (s *shaper) fit(x []float64) {
	for i, v := range x[:shapeReach] {
		s.scratch[i] = v * s.window[i]
	}
	var r, a [shapeOrder + 1]float64
	dsp.Autocorrelation(r[:], s.scratch[:])
	for i := range r {
		r[i] *= s.lag[i]
	}
	// Nothing is shaped by what lies below the step of 16 bits.
	r[0] += shapeReach * 0.375 * unit * unit
	dsp.LPC(a[:], r[:])
	z, p := 1.0, 1.0
	for i := range a {
		s.num[i], s.den[i] = a[i]*z, a[i]*p
		z *= s.zeros
		p *= s.poles
	}
}

// gain returns by how much the filter raises the power of white noise.
func (s *shaper) gain() float64 {
	var w, e [shapeOrder + 1]float64
	sum := 0.0
	w[0] = 1
	for range 96 {
		v := 0.0
		for i := range s.num {
			v += s.num[i] * w[i]
		}
		for i := 1; i <= shapeOrder; i++ {
			v -= s.den[i] * e[i]
		}
		sum += v * v
		e[0] = v
		copy(e[1:], e[:shapeOrder])
		copy(w[1:], w[:shapeOrder])
		w[0] = 0
	}
	return sum
}

// predict returns the part of the next error that follows from the past ones.
func (s *shaper) predict() float64 {
	w, e := s.w[s.at:][:shapeOrder], s.e[s.at:][:shapeOrder]
	num, den := s.num[1:][:shapeOrder], s.den[1:][:shapeOrder]
	var sum float64
	for i, v := range w {
		sum += num[i]*v - den[i]*e[i]
	}
	return sum
}

// push notes what became of a sample: its new noise w and whole error e.
func (s *shaper) push(w, e float64) {
	s.at--
	if s.at < 0 {
		s.at = shapeOrder - 1
	}
	s.w[s.at], s.w[s.at+shapeOrder] = w, w
	s.e[s.at], s.e[s.at+shapeOrder] = e, e
}
