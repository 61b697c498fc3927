package covert

import (
	"math"

	"ditas/audio"
	"ditas/internal/fec/syndrome"
	"ditas/internal/keystream"
)

// ditherRate is how many bits are told by a sample at most, of those that may be changed.
const ditherRate = 0.55

// totalVariance is that of the error of usual dither, of a triangular distribution two steps wide, in square steps: 1/6 of the dither and 1/12 of
// rounding (Lipshitz, Wannamaker and Vanderkooy, "Quantization and dither: a theoretical survey", J. Audio Eng. Soc. 40, 1992).
const totalVariance = 0.25

// ditherer rounds samples with dither: less than is usual, since flips add to it.
type ditherer struct {
	stream *keystream.Stream
	width  float64 // of each of the two uniform numbers whose sum is the dither, in steps
	moved  float64 // share of the samples that lie on a point already and are moved to one of its neighbours
	scale  float64
}

// newDitherer returns that of a recording in which so many bits are told by a sample.
func newDitherer(rate, scale float64) ditherer {
	p := flipShare(rate)
	return ditherer{
		width: math.Sqrt(6 * max(0, totalVariance-1./12-flipVariance(rate))),
		// Dither moves a sample on a point by one step at most, in totalVariance of all cases, and so does a flip, or it moves it back.
		moved: max(0, (totalVariance-p)/(1-2*p)), scale: scale,
	}
}

// round returns what a sample may become. Nothing is told by second lowest bits here.
func (d *ditherer) round(x float64) choice {
	u := d.stream.Dither()
	c := choice{x: x}
	if x == math.RoundToEven(x) {
		side := math.Copysign(1, d.stream.Dither()-0.5)
		if c.point, c.other = x, x+side; u < d.moved {
			c.point, c.other = c.other, c.point
		}
		c.cost[0] = 0.5
	} else {
		dithered := x + d.width*(u+d.stream.Dither()-1)
		c.point = math.RoundToEven(dithered)
		c.other = c.point + math.Copysign(1, dithered-c.point)
		c.cost[0] = float32(1 - 2*math.Abs(dithered-c.point))
	}
	if max(c.point, c.other) > d.scale-1 || min(c.point, c.other) < -d.scale {
		return d.plainly(x)
	}
	return c
}

// plainly rounds a sample that is not to be changed.
func (d *ditherer) plainly(x float64) choice {
	point := max(-d.scale, min(d.scale-1, math.RoundToEven(x)))
	return choice{x, point, point, [layers]float32{syndrome.Wet, syndrome.Wet}}
}

// flipShare returns which share of samples flips where so many bits are told by each, at the same cost for all.
func flipShare(rate float64) float64 {
	low, high := 0.0, 0.5
	for range 48 {
		mid := (low + high) / 2
		if entropy(mid) < rate {
			low = mid
		} else {
			high = mid
		}
	}
	return low / efficiency
}

// entropy returns how many bits something tells that happens with a probability p.
func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}

// flipVariance returns how much flips add to the variance of rounding where so many bits are told by a sample: a sample with the rounding error e
// costs 1−2|e|, which is spread evenly from 0 to 1, and flips with the probability 1/(1+exp(λ(1−2|e|))).
func flipVariance(rate float64) float64 {
	if rate <= 0 {
		return 0
	}
	const steps = 512
	at := func(lambda float64) (told, cost float64) {
		for i := range steps {
			rho := (float64(i) + 0.5) / steps
			p := 1 / (1 + math.Exp(lambda*rho))
			told += entropy(p) / steps
			cost += p * rho / steps
		}
		return told, cost
	}
	low, high := 0.0, 600.0
	for range 48 {
		mid := (low + high) / 2
		if told, _ := at(mid); told > rate {
			low = mid
		} else {
			high = mid
		}
	}
	_, cost := at(high)
	return cost / efficiency
}

// unrounded returns what a recording was before it was rounded to the samples that its file has, or nil if there is no such thing.
func unrounded(f audio.File) audio.File {
	if r, ok := audio.As[interface{ Unrounded() audio.File }](f); ok {
		return r.Unrounded()
	}
	return nil
}
