package channel

import (
	"fmt"
	"math"

	"ditas/audio"
)

// reach is how many samples an interpolation takes from either side, and phases in how many places between two samples its filter is
// tabulated. Between these it is a straight line, which is 105 dB away from the filter at most.
const (
	reach  = 32
	phases = 512
)

// sinc tabulates a low-pass of a cutoff in units of the Nyquist frequency under a Hann window: row p holds the weights of the samples around
// a place p/phases behind a sample.
func sinc(cutoff float64) [][2 * reach]float64 {
	table := make([][2 * reach]float64, phases+1)
	for p := range table {
		sum := 0.0
		for k := range table[p] {
			t := float64(k-reach+1) - float64(p)/phases
			w := math.Cos(math.Pi * t / (2 * reach))
			v := cutoff * w * w
			if a := math.Pi * cutoff * t; a != 0 {
				v *= math.Sin(a) / a
			}
			if math.Abs(t) >= reach {
				v = 0
			}
			table[p][k] = v
			sum += v
		}
		for k := range table[p] {
			table[p][k] /= sum
		}
	}
	return table
}

// at returns x at a place between its samples, silent outside its bounds.
func at(x []float64, place float64, table [][2 * reach]float64) float64 {
	whole := math.Floor(place)
	phase := (place - whole) * phases
	p := min(int(phase), phases-1)
	part := phase - float64(p)
	first := int(whole) - reach + 1
	a, b := &table[p], &table[p+1]
	var sum, next float64
	for k := max(0, -first); k < min(2*reach, len(x)-first); k++ {
		v := x[first+k]
		sum += v * a[k]
		next += v * b[k]
	}
	return sum + part*(next-sum)
}

// Speed plays a recording faster by a factor, from 0.5 to 2: 1.01 makes it 1 % shorter and its pitch 1 % higher, as a tape or a clock that
// runs too fast does. What would lie above the Nyquist frequency is lost.
func Speed(r *audio.Recording, factor float64) (*audio.Recording, error) {
	if !(factor >= 0.5 && factor <= 2) {
		return nil, fmt.Errorf("a speed of %g: want 0.5 to 2", factor)
	}
	return places(r, 0, factor, int(float64(r.Frames())/factor)), nil
}

// CutFront takes a number of frames, not necessarily whole, from the beginning, as far as there are any: what is left begins between two
// samples. Above 94 % of the Nyquist frequency it grows weaker.
func CutFront(r *audio.Recording, frames float64) *audio.Recording {
	frames = max(0, min(frames, float64(r.Frames())))
	return places(r, frames, 1, int(float64(r.Frames())-frames))
}

// places returns n frames of r, of which frame i lies at first + i·step.
func places(r *audio.Recording, first, step float64, n int) *audio.Recording {
	table := sinc(min(1, 1/step))
	c := &audio.Recording{Format: r.Format, Samples: audio.NewBlock(len(r.Samples), n)}
	for i, x := range r.Samples {
		for j := range c.Samples[i] {
			c.Samples[i][j] = at(x, first+float64(j)*step, table)
		}
	}
	return c
}

// Lengths of [Stretch], in seconds: of a piece, and how far it is looked for to either side.
const (
	stretchWindow = 0.04
	stretchSearch = 0.01
)

// Stretch plays a recording faster by a factor, from 0.5 to 2, at the pitch that it has, as players and editors do: it puts overlapping
// pieces together that are taken from where they continue the piece before best (WSOLA: W. Verhelst and M. Roelands, ICASSP 1993).
// All channels are cut at the same places.
func Stretch(r *audio.Recording, factor float64) (*audio.Recording, error) {
	if !(factor >= 0.5 && factor <= 2) {
		return nil, fmt.Errorf("a stretch by %g: want 0.5 to 2", factor)
	}
	hop := int(stretchWindow/2*float64(r.Format.Rate)) + 1
	search := int(stretchSearch * float64(r.Format.Rate))
	n := int(float64(r.Frames()) / factor)
	c := &audio.Recording{Format: r.Format, Samples: audio.NewBlock(len(r.Samples), n)}
	mix := r.Mono().Samples[0]
	from := 0 // where in r the piece before was taken
	for start := 0; start < n; start += hop {
		if start > 0 {
			from = continues(mix, from+hop, int(float64(start)*factor), hop, search)
		}
		for i := range min(2*hop, n-start) {
			w := math.Sin(math.Pi * (float64(i) + 0.5) / float64(2*hop))
			weight := w * w
			if start == 0 && i < hop {
				weight = 1
			}
			if from+i < 0 || from+i >= len(mix) {
				continue
			}
			for k, x := range r.Samples {
				c.Samples[k][start+i] += weight * x[from+i]
			}
		}
	}
	return c, nil
}

// continues returns the place within some samples of one aimed at whose next samples are most like those at another, by their normalised
// correlation: every fourth place and sample first, then all around the best.
func continues(x []float64, like, aim, n, search int) int {
	likeness := func(place, stride int) float64 {
		var product, power float64
		for i := 0; i < n; i += stride {
			if a, b := like+i, place+i; a >= 0 && a < len(x) && b >= 0 && b < len(x) {
				product += x[a] * x[b]
				power += x[b] * x[b]
			}
		}
		return product / math.Sqrt(power+1e-12)
	}
	best, top := aim, likeness(aim, 4)
	for d := -search; d <= search; d += 4 {
		if v := likeness(aim+d, 4); v > top {
			best, top = aim+d, v
		}
	}
	around := best
	top = likeness(best, 1)
	for d := -3; d <= 3; d++ {
		if v := likeness(around+d, 1); v > top {
			best, top = around+d, v
		}
	}
	return best
}
