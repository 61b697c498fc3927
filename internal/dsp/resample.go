package dsp

import (
	"fmt"
	"math"
)

// Resampler changes the rate of signals. It filters with a sinc under a Kaiser window, evaluated at the exact
// positions of the new samples: it passes what lies below 92 % of the lower of both Nyquist frequencies within
// 0.001 dB, suppresses what lies above that Nyquist frequency by 100 dB, has linear phase and no delay, and gives
// the same bits on every call. It may be used by several goroutines at once.
type Resampler struct {
	up, down int64 // the ratio of the rates in lowest terms
	half     int   // input samples that the filter reaches to either side
	cutoff   float64
	table    [][]float64 // coefficients for each of the up phases, nil if there are too many
}

const (
	attenuation = 100.0 // of the stop band and of the ripple, dB
	passband    = 0.92  // of the lower Nyquist frequency, which is where the stop band begins
	// maxTable is how many filter coefficients are kept. Pairs of rates that need more, since they have no useful
	// common divisor, have them computed on the fly.
	maxTable = 1 << 21
)

// NewResampler returns the Resampler from one rate to another, both in Hz.
func NewResampler(from, to int) (*Resampler, error) {
	return newResampler(from, to, (1+passband)/2)
}

// NewWideResampler returns a Resampler that loses less at the upper end and lets some of what it folds through: its
// filter has its 6 dB at the lower Nyquist frequency itself, and reaches 100 dB 8 % above that.
func NewWideResampler(from, to int) (*Resampler, error) {
	return newResampler(from, to, 1)
}

// newResampler takes the cutoff frequency in units of the lower Nyquist frequency.
func newResampler(from, to int, cutoff float64) (*Resampler, error) {
	if from < 1 || to < 1 || from > math.MaxInt32 || to > math.MaxInt32 {
		return nil, fmt.Errorf("cannot convert from %d Hz to %d Hz", from, to)
	}
	divisor := gcd(from, to)
	r := &Resampler{up: int64(to / divisor), down: int64(from / divisor)}
	if r.up == r.down {
		return r, nil
	}
	nyquist := min(1, float64(r.up)/float64(r.down)) // the lower one, in units of the input's
	r.cutoff = nyquist * cutoff
	// Kaiser's estimate of the length of a filter: (A - 7.95) / (2.285 Δω), Oppenheim and Schafer, Discrete-Time Signal
	// Processing, section 7.5.
	r.half = int(math.Ceil((attenuation - 7.95) / (2.285 * math.Pi * nyquist * (1 - passband)) / 2))
	if r.up*int64(2*r.half) <= maxTable {
		r.table = make([][]float64, r.up)
		for phase := range r.table {
			row := make([]float64, 2*r.half)
			for k := range row {
				row[k] = r.tap(int64(phase), k)
			}
			r.table[phase] = row
		}
	}
	return r, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// kaiserBeta is the shape of the Kaiser window for the attenuation, after the same source.
const kaiserBeta = 0.1102 * (attenuation - 8.7)

var kaiserPeak = bessel(kaiserBeta) // of the window

// tap returns the weight of input sample i-half+1+k in an output sample that lies at i + phase/up.
func (r *Resampler) tap(phase int64, k int) float64 {
	t := float64(k-r.half+1) - float64(phase)/float64(r.up)
	u := t / float64(r.half)
	if math.Abs(u) >= 1 {
		return 0
	}
	window := bessel(kaiserBeta*math.Sqrt(1-u*u)) / kaiserPeak
	x := math.Pi * r.cutoff * t
	if x == 0 {
		return r.cutoff * window
	}
	return r.cutoff * window * math.Sin(x) / x
}

// bessel is the modified Bessel function of the first kind and order zero, by its power series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*0x1p-54; k++ {
		term *= x / 2 / k * (x / 2 / k)
		sum += term
	}
	return sum
}

// Length returns how many samples Convert makes from n: all that begin within the time that n samples last.
func (r *Resampler) Length(n int) int {
	return int((int64(n)*r.up + r.down - 1) / r.down)
}

// Convert returns x at the new rate. Sample j of the result lies at the time j/to, and x is silent outside its bounds.
// Values may exceed the largest of x by the overshoot of the filter.
func (r *Resampler) Convert(x []float64) []float64 {
	y := make([]float64, r.Length(len(x)))
	if r.up == r.down {
		copy(y, x)
		return y
	}
	for j := range y {
		at := int64(j) * r.down
		y[j] = r.at(x, int(at/r.up)-r.half+1, at%r.up)
	}
	return y
}

// Span returns which samples of the input, from first up to but not including end, n samples of the output from number from on are made of.
func (r *Resampler) Span(from int64, n int) (first, end int64) {
	if r.up == r.down {
		return from, from + int64(n)
	}
	last := floorDiv((from+int64(n)-1)*r.down, r.up)
	return floorDiv(from*r.down, r.up) - int64(r.half) + 1, last + int64(r.half) + 1
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ConvertPart fills dst with the samples of the output from number from on, as Convert computes them but for rounding. x holds the samples of
// the input from number first on, and is taken to be silent outside its bounds: those that Span tells should be in it.
func (r *Resampler) ConvertPart(dst []float64, from int64, x []float64, first int64) {
	for j := range dst {
		at := (from + int64(j)) * r.down
		i := floorDiv(at, r.up)
		if r.up == r.down {
			dst[j] = 0
			if k := i - first; k >= 0 && k < int64(len(x)) {
				dst[j] = x[k]
			}
			continue
		}
		dst[j] = r.at(x, int(i-first)-r.half+1, at-i*r.up)
	}
}

// at returns an output sample for which the filter begins at a sample of x.
func (r *Resampler) at(x []float64, first int, phase int64) float64 {
	from, to := max(0, -first), min(2*r.half, len(x)-first)
	if from >= to {
		return 0
	}
	in := x[first+from : first+to]
	if r.table != nil {
		return Dot(in, r.table[phase][from:to])
	}
	var sum float64
	for k, v := range in {
		sum += v * r.tap(phase, from+k)
	}
	return sum
}

// ResamplerStream changes the rate of one signal that comes block by block. It makes of all blocks what
// [Resampler.Convert] makes of the whole, bit for bit.
type ResamplerStream struct {
	r       *Resampler
	pending []float64 // the last samples
	start   int64     // the number of the first of them
	next    int64     // the number of the next output sample
}

// Stream returns a ResamplerStream before the first sample.
func (r *Resampler) Stream() *ResamplerStream { return &ResamplerStream{r: r} }

// Add takes the next samples and appends to dst what can be said of the output so far.
func (s *ResamplerStream) Add(dst, x []float64) []float64 {
	if s.r.up == s.r.down {
		return append(dst, x...)
	}
	s.pending = append(s.pending, x...)
	end := s.start + int64(len(s.pending))
	for ; s.next*s.r.down/s.r.up+int64(s.r.half) < end; s.next++ {
		dst = append(dst, s.sample())
	}
	// A block of a few samples should not move all others.
	if first := s.next*s.r.down/s.r.up - int64(s.r.half) + 1 - s.start; first > int64(len(s.pending)/2) {
		first = min(first, int64(len(s.pending)))
		s.pending = s.pending[:copy(s.pending, s.pending[first:])]
		s.start += first
	}
	return dst
}

// End appends the rest of the output to dst. Nothing can be added afterwards.
func (s *ResamplerStream) End(dst []float64) []float64 {
	if s.r.up == s.r.down {
		return dst
	}
	for last := int64(s.r.Length(int(s.start) + len(s.pending))); s.next < last; s.next++ {
		dst = append(dst, s.sample())
	}
	return dst
}

func (s *ResamplerStream) sample() float64 {
	at := s.next * s.r.down
	return s.r.at(s.pending, int(at/s.r.up-s.start)-s.r.half+1, at%s.r.up)
}
