package covert

import (
	"math"

	"ditas/internal/carrier"
	"ditas/internal/dsp"
)

// The recording is measured in frames of several lengths, each of which overlap by half: long ones tell what is between sounds, and short ones what is
// after them. A piece is measured with margin samples on both sides of it.
var windows = [...]int{1024, 256}

const (
	smoothing = 9 // bins
	margin    = 1024
	predicted = 1024 // samples of which a filter of linear prediction is made
	hop       = predicted / 2
	order     = 24 // of the filter
	local     = 33 // samples of its error whose power counts
)

// Powers are told in classes of classDB dB, from leastPower on, in square steps. Class 0 is wet: silence, what is clipped, and what has less power.
const (
	classes    = 192
	classDB    = 0.5
	leastPower = 0.5
)

// powerOf returns the power in the middle of a class.
func powerOf(class int) float64 {
	return leastPower * math.Pow(10, classDB*(float64(class)-0.5)/10)
}

// classOf returns the class of a power.
func classOf(power float64) uint8 {
	if !(power >= leastPower) {
		return 0
	}
	return uint8(min(classes-1, 1+int(10*math.Log10(power/leastPower)/classDB)))
}

// power measures how much power of the recording's own a change has around it: the power of white noise beside which a change would be found as easily.
//
// Moving a share p of a frame's samples by a step adds p to every bin S(f) of its spectrum, in square steps a sample, and a likelihood-ratio test finds that
// by a deflection that grows with the mean of (p/S(f))². That of a white spectrum would be (p/w)² with
//
//	w = (mean of S(f)⁻²)^(−½),
//
// so the emptiest bands decide. A sample has the lowest one of the frames that it lies in, or the variance that linear prediction leaves around it, if
// that is less: this knows better where in a frame it is quiet.
type power struct {
	spectra [len(windows)]*spectrum
	taper   [predicted]float64
	tapered [predicted]float64
	auto    [order + 1]float64
	filter  [order + 1]float64
	left    []float64 // what prediction leaves, then its running sum
	silent  []bool
}

func newPower() *power {
	p := &power{}
	for i, window := range windows {
		p.spectra[i] = newSpectrum(window)
	}
	hann(p.taper[:])
	return p
}

// classify sets the class of each sample, and returns how many of them are never changed. x has them in steps, with margin samples on both sides; limit is the
// largest sample that can be.
func (p *power) classify(dst []uint8, x []float64, limit float64) (still int64) {
	n := len(dst)
	for _, s := range p.spectra {
		s.measure(x, n)
	}
	p.left = grown(p.left, n+local+1)
	p.predict(x, n)
	still = p.still(n, x, limit)
	for i := range dst {
		if dst[i] = 0; !p.silent[i] {
			least := (p.left[i+local] - p.left[i]) / local
			for _, s := range p.spectra {
				least = min(least, s.least[i/s.hop])
			}
			dst[i] = classOf(least)
		}
	}
	return still
}

// still marks the samples that are never changed, those of digital silence and those at the ends of the range, and returns how many there are.
func (p *power) still(n int, x []float64, limit float64) (count int64) {
	p.silent = grown(p.silent, n)
	carrier.MarkSilence(p.silent, x, margin, margin+n)
	for i := range p.silent {
		if v := x[margin+i]; v >= limit || v <= -limit {
			p.silent[i] = true
		}
		if p.silent[i] {
			count++
		}
	}
	return count
}

// spectrum measures frames of one length.
type spectrum struct {
	window, hop int
	transform   *dsp.Power
	taper       []float64
	energy      float64 // of the taper
	tapered     []float64
	power       []float64 // of each bin
	least       []float64 // of the two frames in which each hop of samples lies
}

func newSpectrum(window int) *spectrum {
	transform, err := dsp.NewPower(window)
	if err != nil {
		panic(err) // a power of two
	}
	s := &spectrum{
		window: window, hop: window / 2, transform: transform,
		taper: make([]float64, window), tapered: make([]float64, window), power: make([]float64, window/2+1),
	}
	hann(s.taper)
	s.energy = dsp.Dot(s.taper, s.taper)
	return s
}

// hann sets a window of von Hann.
func hann(w []float64) {
	for i := range w {
		v := math.Sin(math.Pi * (float64(i) + 0.5) / float64(len(w)))
		w[i] = v * v
	}
}

// measure sets s.least for n samples of x from margin on.
func (s *spectrum) measure(x []float64, n int) {
	s.least = grown(s.least, (n+s.hop-1)/s.hop)
	before := s.whiteness(frameAt(x, margin-s.hop, s.window))
	for i := range s.least {
		next := s.whiteness(frameAt(x, margin+i*s.hop, s.window))
		s.least[i] = min(before, next)
		before = next
	}
}

// frameAt returns the frame of n samples that begins at x[i], which may go on behind the end.
func frameAt(x []float64, i, n int) []float64 { return x[min(i, len(x)):min(i+n, len(x))] }

// whiteness returns the power of white noise beside which a change would be found as easily as in a frame.
func (s *spectrum) whiteness(x []float64) float64 {
	clear(s.tapered)
	for i, v := range x {
		s.tapered[i] = v * s.taper[i]
	}
	for i := 0; i < s.window; i += 2 {
		s.transform.Set(i/2, s.tapered[i], s.tapered[i+1])
	}
	s.transform.Compute(s.power)
	sum, inverse, bins := 0.0, 0.0, len(s.power)
	for k := range smoothing / 2 {
		sum += s.power[k]
	}
	for k := range bins {
		count := smoothing
		if at := k + smoothing/2; at < bins {
			sum += s.power[at]
		} else {
			count -= at - bins + 1
		}
		if at := k - smoothing/2 - 1; at >= 0 {
			sum -= s.power[at]
		}
		if at := k - smoothing/2; at < 0 {
			count += at
		}
		v := max(sum/(float64(count)*s.energy), 1e-9)
		inverse += 1 / (v * v)
	}
	return 1 / math.Sqrt(inverse/float64(bins))
}

// predict sets p.left to the running sum of the squared errors of linear prediction, for the samples from local/2 before the first one on.
func (p *power) predict(x []float64, n int) {
	const ahead = local / 2
	sum := 0.0
	p.left[0] = 0
	for from := 0; from < n+local; from += hop {
		at := margin - ahead + from // the first sample that is predicted
		p.fit(x[max(0, at-(predicted-hop)/2):min(len(x), at+(predicted+hop)/2)])
		for i := from; i < min(from+hop, n+local); i++ {
			e, past := 0.0, x[margin-ahead+i-order:margin-ahead+i+1]
			for k, a := range p.filter {
				e += a * past[order-k]
			}
			sum += e * e
			p.left[i+1] = sum
		}
	}
}

// fit computes the filter that predicts a frame best.
func (p *power) fit(x []float64) {
	for i, v := range x {
		p.tapered[i] = v * p.taper[i]
	}
	t := p.tapered[:len(x)]
	for k := range p.auto {
		late := t[min(k, len(t)):]
		p.auto[k] = dsp.Dot(late, t[:len(late)])
	}
	p.auto[0] += 1e-9 * (p.auto[0] + 1)
	dsp.LPC(p.filter[:], p.auto[:])
}

// grown returns a slice of n values, which may be those of s.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
