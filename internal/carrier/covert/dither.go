package covert

import (
	"context"
	"errors"
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

// newDitherer returns that of samples among which flips are made.
func newDitherer(f effect, scale float64) *ditherer {
	return &ditherer{
		width: math.Sqrt(6 * max(0, totalVariance-1./12-f.variance)),
		// Dither moves a sample on a point by one step at most, in totalVariance of all cases, and so does a flip, or it moves it back.
		moved: max(0, (totalVariance-f.share)/(1-2*f.share)), scale: scale,
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
		c.cost[0] = coarseCost
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

// entropy returns how many bits something tells that happens with a probability p.
func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}

// effect is what a code does to dithered samples.
type effect struct {
	variance float64 // what flips add to that of rounding, where errors are spread evenly: a flip makes e² of the error e (1−|e|)²
	share    float64 // of the samples that are flipped, where all cost the same
}

// Trials of a code are long enough to tell its flips to a part in some hundred.
const (
	trialSamples = 1 << 16
	trials       = 4
)

// tryCode measures what a code does that tells so many bits by a sample, of which a share may be changed. What is hidden in a hole that holds nothing but dither is
// found if the variance is wrong by a part in a hundred, and no formula for codes is as good as that.
func tryCode(ctx context.Context, bits, dry float64) (f effect, err error) {
	message := make([]byte, max(1, int(math.Round(bits*trialSamples))))
	word, told, cost := make([]byte, trialSamples), make([]byte, trialSamples), make([]float32, trialSamples)
	n := min(trialSamples, len(message)*mostWidth)
	code, err := syndrome.New(height, n, len(message))
	if err != nil {
		return f, err
	}
	stream, encoder := keystream.New(keystream.Key{}, "covert trial"), syndrome.NewEncoder(code)
	for trial := range 2 * trials {
		free := 0
		for i := range n {
			word[i], cost[i] = byte(stream.Below(2)), float32(stream.Dither())
			if trial%2 == 1 {
				cost[i] = coarseCost * jitter(stream)
			}
			if stream.Dither() >= dry {
				cost[i] = syndrome.Wet
			} else {
				free++
			}
		}
		// A message that cannot be told is tried with other bits.
		for range 1 << maskBits {
			for i := range message {
				message[i] = byte(stream.Below(2))
			}
			if _, err = encoder.Embed(ctx, told[:n], word[:n], cost[:n], message); !errors.Is(err, syndrome.ErrWet) {
				break
			}
		}
		if err != nil {
			return f, err
		}
		// Beyond the samples that the code has, none is flipped.
		weight := float64(n) / trialSamples / float64(max(1, free)) / trials
		for i := range n {
			switch {
			case word[i] == told[i]:
			case trial%2 == 1:
				f.share += weight
			default:
				f.variance += weight * float64(cost[i])
			}
		}
	}
	return f, nil
}

// coarseCost is what it costs to flip a sample that lies on a point already.
const coarseCost = 0.5

// jitter returns a factor near 1. Of samples that cost the same a code would prefer some, always in the same way.
func jitter(random *keystream.Stream) float32 { return float32(0.9 + 0.2*random.Dither()) }

// unrounded returns what a recording was before it was rounded to the samples that its file has, or nil if there is no such thing.
func unrounded(f audio.File) audio.File {
	if r, ok := audio.As[interface{ Unrounded() audio.File }](f); ok {
		return r.Unrounded()
	}
	return nil
}
