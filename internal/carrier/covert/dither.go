package covert

import (
	"context"
	"errors"
	"math"

	"ditas/audio"
	"ditas/internal/fec/syndrome"
	"ditas/internal/keystream"
)

// ditherRate is how many bits are told by a sample at most, of those that may be changed. Dither has some 0.9, which no code reaches.
const ditherRate = 0.7

// roundings are the numbers of samples by how far they lie from the next point: numbers of equal parts of 0 to ½ step, the last of which includes ½.
type roundings [32]int64

// add counts a sample, which has to be finite.
func (r *roundings) add(x float64) {
	r[min(len(r)-1, int(math.Abs(x-math.RoundToEven(x))*2*float64(len(r))))]++
}

// drawn returns a distance that is as frequent as among the samples.
func (r *roundings) drawn(random *keystream.Stream) float64 {
	total := int64(0)
	for _, n := range r {
		total += n
	}
	if total == 0 {
		return 0
	}
	at := int64(random.Dither() * float64(total))
	for i, n := range r {
		if at -= n; at < 0 {
			if i == 0 {
				return 0 // most of these lie on a point
			}
			return (float64(i) + random.Dither()) / float64(2*len(r))
		}
	}
	return 0.5
}

// ditherVariance is that of the error of usual dither, in square steps.
const ditherVariance = 0.25

// leaving returns with which probability usual dither has a sample become another point than the next one, which is at a distance of g: TPDF dither, the sum of two numbers
// that are spread evenly over a step, moves it to the point beyond with the probability (½+g)²/2, and to that on the other side with (½−g)²/2 (Lipshitz,
// Wannamaker and Vanderkooy, "Quantization and dither: a theoretical survey", J. Audio Eng. Soc. 40, 1992).
func leaving(g float64) float64 { return 0.25 + g*g }

// ditherer rounds samples as dither does, and leaves room for flips. A flip has a sample leave the next point, or stay there. If flips have the
// probability f and the sample leaves the point without them with (l−f)/(1−2f), then it does so in l of all cases, as with usual dither, whatever is told.
type ditherer struct {
	stream *keystream.Stream
	flips  flipping
	scale  float64
}

// flipping says how often samples are flipped that dither has leave a point with a probability l: in share·l of all cases by their prices, and in
// start+slope·l in fact.
type flipping struct{ share, start, slope float64 }

func (f flipping) price(l float64) float32 { return float32(math.Log(1/(f.share*l) - 1)) }

func (f flipping) probability(l float64) float64 { return min(l, max(0, f.start+f.slope*l)) }

// round returns what a sample may become. Nothing is told by second lowest bits here.
func (d *ditherer) round(x float64) choice {
	near := math.RoundToEven(x)
	g := x - near
	l := leaving(g)
	side := near - 1
	if d.stream.Dither()*2*l < (0.5+g)*(0.5+g) {
		side = near + 1
	}
	if !(max(near, side) <= d.scale-1 && min(near, side) >= -d.scale) {
		return d.plainly(x)
	}
	c, f := choice{x: x, point: near, other: side}, d.flips.probability(l)
	if d.stream.Dither() < (l-f)/(1-2*f) {
		c.point, c.other = side, near
	}
	c.cost[0] = syndrome.Wet
	if d.flips.share > 0 {
		c.cost[0] = d.flips.price(l)
	}
	return c
}

// plainly rounds a sample that is not to be changed.
func (d *ditherer) plainly(x float64) choice {
	point := max(-d.scale, min(d.scale-1, math.RoundToEven(x)))
	return choice{x, point, point, [layers]float32{syndrome.Wet, syndrome.Wet}}
}

// Trials of a code are long enough to tell its flips to some part in a hundred.
const (
	trialSamples = 1 << 16
	trials       = 4
)

// flippingFor returns how samples are flipped where so many bits are told by each, of which a share is dry. How much more a code flips than the bound has it
// is tried: no formula is as good as that, and what is hidden where a recording has nothing but dither is found if there is a part in a hundred too much of it.
func flippingFor(ctx context.Context, r *roundings, bits, dry float64) (f flipping, err error) {
	stream := keystream.New(keystream.Key{}, "covert trial")
	leave := make([]float64, trialSamples) // of each sample, negative for wet ones
	for i := range leave {
		if leave[i] = leaving(r.drawn(stream)); stream.Dither() >= dry {
			leave[i] = -1
		}
	}
	told := func(share float64) (bits float64) {
		for _, l := range leave {
			if l > 0 {
				bits += entropy(share * l)
			}
		}
		return bits / trialSamples
	}
	low, high := 0.0, 1.0
	for range 24 {
		if mid := (low + high) / 2; efficiency*told(mid) < bits {
			low = mid
		} else {
			high = mid
		}
	}
	f.share = high
	message := make([]byte, max(1, int(math.Round(bits*trialSamples))))
	n := min(trialSamples, len(message)*mostWidth)
	code, err := syndrome.New(height, n, len(message))
	if err != nil {
		return f, err
	}
	word, stego, cost, encoder := make([]byte, n), make([]byte, n), make([]float32, n), syndrome.NewEncoder(code)
	var count, flips, sum, squares, products float64 // of leave and flips
	for range trials {
		for i := range n {
			word[i], cost[i] = byte(stream.Below(2)), syndrome.Wet
			if l := leave[i]; l > 0 {
				cost[i] = f.price(l) * jitter(stream)
			}
		}
		// A message that cannot be told is tried with other bits.
		for range 1 << maskBits {
			for i := range message {
				message[i] = byte(stream.Below(2))
			}
			if _, err = encoder.Embed(ctx, stego, word, cost, message); !errors.Is(err, syndrome.ErrWet) {
				break
			}
		}
		if err != nil {
			return f, err
		}
		// Beyond the samples that the code has, none is flipped.
		for i, l := range leave {
			if l < 0 {
				continue
			}
			count, sum, squares = count+1, sum+l, squares+l*l
			if i < n && word[i] != stego[i] {
				flips, products = flips+1, products+l
			}
		}
	}
	count, flips = max(1, count), flips/max(1, count)
	if mean := sum / count; squares/count-mean*mean > 1e-6 {
		f.slope = (products/count - flips*mean) / (squares/count - mean*mean)
		f.start = flips - f.slope*mean
	} else {
		f.start = flips
	}
	return f, nil
}

// jitter returns a factor near 1. Of samples that cost the same a code would prefer some, always in the same way.
func jitter(random *keystream.Stream) float32 { return float32(0.9 + 0.2*random.Dither()) }

// entropy returns how many bits something tells that happens with a probability p.
func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}

// unrounded returns what a recording was before it was rounded to the samples that its file has, or nil if there is no such thing.
func unrounded(f audio.File) audio.File {
	if r, ok := audio.As[interface{ Unrounded() audio.File }](f); ok {
		return r.Unrounded()
	}
	return nil
}
