// Package resample changes the rate of recordings.
//
// A [Converter] filters with a sinc under a Kaiser window, evaluated at the exact positions of the new samples. It passes
// what lies below 92 % of the lower of both Nyquist frequencies within 0.001 dB, suppresses what lies above that Nyquist
// frequency by 100 dB, has linear phase and no delay, and gives the same bits on every call.
package resample

import (
	"fmt"
	"math"

	"ditas/audio"
)

const (
	attenuation = 100.0 // of the stop band and of the ripple, dB
	passband    = 0.92  // of the lower Nyquist frequency, which is where the stop band begins
	// maxTable is how many filter coefficients are kept. Pairs of rates that need more, since they have no useful common
	// divisor, have them computed on the fly.
	maxTable = 1 << 21
)

// Converter converts from one rate to another. It may be used by several goroutines at once.
type Converter struct {
	up, down int64 // the ratio of the rates in lowest terms
	half     int   // input samples that the filter reaches to either side
	cutoff   float64
	table    [][]float64 // coefficients for each of the up phases, nil if there are too many
}

// New returns the Converter from one rate to another, both in Hz.
func New(from, to int) (*Converter, error) {
	if from < 1 || to < 1 || from > math.MaxInt32 || to > math.MaxInt32 {
		return nil, fmt.Errorf("cannot convert from %d Hz to %d Hz", from, to)
	}
	divisor := gcd(from, to)
	c := &Converter{up: int64(to / divisor), down: int64(from / divisor)}
	if c.up == c.down {
		return c, nil
	}
	nyquist := min(1, float64(c.up)/float64(c.down)) // the lower one, in units of the input's
	c.cutoff = nyquist * (1 + passband) / 2
	// Kaiser's estimate of the length of a filter: (A - 7.95) / (2.285 Δω), Oppenheim and Schafer, Discrete-Time Signal
	// Processing, section 7.5.
	c.half = int(math.Ceil((attenuation - 7.95) / (2.285 * math.Pi * nyquist * (1 - passband)) / 2))
	if c.up*int64(2*c.half) <= maxTable {
		c.table = make([][]float64, c.up)
		for phase := range c.table {
			row := make([]float64, 2*c.half)
			for k := range row {
				row[k] = c.tap(int64(phase), k)
			}
			c.table[phase] = row
		}
	}
	return c, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// beta is the shape of the Kaiser window for the attenuation, after the same source.
const beta = 0.1102 * (attenuation - 8.7)

var peak = bessel(beta) // of the window

// tap returns the weight of input sample i-half+1+k in an output sample that lies at i + phase/up.
func (c *Converter) tap(phase int64, k int) float64 {
	t := float64(k-c.half+1) - float64(phase)/float64(c.up)
	r := t / float64(c.half)
	if math.Abs(r) >= 1 {
		return 0
	}
	window := bessel(beta*math.Sqrt(1-r*r)) / peak
	x := math.Pi * c.cutoff * t
	if x == 0 {
		return c.cutoff * window
	}
	return c.cutoff * window * math.Sin(x) / x
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

// Length returns how many samples Convert makes of n: as many as begin within the time that n samples take.
func (c *Converter) Length(n int) int {
	return int((int64(n)*c.up + c.down - 1) / c.down)
}

// Convert returns x at the new rate. Sample j of the result lies at the time j/to, and x is silent outside its bounds.
// Values may exceed those of x by the overshoot of the filter.
func (c *Converter) Convert(x []float64) []float64 {
	y := make([]float64, c.Length(len(x)))
	if c.up == c.down {
		copy(y, x)
		return y
	}
	for j := range y {
		at := int64(j) * c.down
		first, phase := int(at/c.up)-c.half+1, at%c.up
		from, to := max(0, -first), min(2*c.half, len(x)-first)
		in := x[first+from : first+to]
		if c.table != nil {
			y[j] = dot(in, c.table[phase][from:to])
			continue
		}
		for k, v := range in {
			y[j] += v * c.tap(phase, from+k)
		}
	}
	return y
}

// dot is the inner product of a and b, which are equally long, in four sums that the processor can form side by side.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// Recording returns rec at the given rate in Hz. The samples of the result may lie between the steps of its format.
func Recording(rec *audio.Recording, rate int) (*audio.Recording, error) {
	c, err := New(rec.Format.Rate, rate)
	if err != nil {
		return nil, err
	}
	out := &audio.Recording{Format: rec.Format, Samples: make([][]float64, len(rec.Samples))}
	out.Format.Rate = rate
	for i, channel := range rec.Samples {
		out.Samples[i] = c.Convert(channel)
	}
	return out, nil
}
