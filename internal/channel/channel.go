// Package channel is what happens to a recording between the one who hides and the one who reveals: noise, gain, loss, a change
// of format, rate or speed, a filter, a compressor, a room. Package set below it names a choice of them, and lossy codecs.
//
//	heard := channel.Gain(channel.Cut(stego, 16411, 16384), -6)
//
// Every function returns a recording of its own and leaves its argument alone. Samples are those that the channel makes, which may
// lie between the steps of the recording's format: writing to a file rounds them, and so does [Convert].
package channel

import (
	"math"
	"math/rand/v2"
	"slices"

	"ditas/audio"
	"ditas/audio/resample"
)

// Noise adds white Gaussian noise of the given standard deviation, full scale being 1, drawn from source channel by channel.
func Noise(r *audio.Recording, deviation float64, source rand.Source) *audio.Recording {
	rng := rand.New(source)
	return each(r, func(v float64) float64 { return v + deviation*rng.NormFloat64() })
}

// NoiseBelow adds white Gaussian noise whose power is a number of dB below the recording's, over all channels and frames.
func NoiseBelow(r *audio.Recording, dB float64, source rand.Source) *audio.Recording {
	var power float64
	for _, x := range r.Samples {
		for _, v := range x {
			power += v * v
		}
	}
	n := max(1, len(r.Samples)*r.Frames())
	return Noise(r, math.Sqrt(power/float64(n)*math.Pow(10, -dB/10)), source)
}

// Gain amplifies by a number of dB.
func Gain(r *audio.Recording, dB float64) *audio.Recording {
	factor := math.Pow(10, dB/20)
	return each(r, func(v float64) float64 { return factor * v })
}

// Invert turns the polarity.
func Invert(r *audio.Recording) *audio.Recording {
	return each(r, func(v float64) float64 { return -v })
}

// Offset adds a constant, full scale being 1.
func Offset(r *audio.Recording, constant float64) *audio.Recording {
	return each(r, func(v float64) float64 { return v + constant })
}

// Convert rounds to what a file of another encoding holds.
func Convert(r *audio.Recording, encoding audio.Encoding) *audio.Recording {
	format := r.Format
	format.Encoding, format.ValidBits = encoding, 0
	c := each(r, format.Quantize)
	c.Format = format
	return c
}

// Round rounds to samples of the given number of bits, 1 to 32, and leaves the format as it is: a file of 16 bits may hold samples
// of 12.
func Round(r *audio.Recording, bits int) *audio.Recording {
	return each(r, audio.Format{Encoding: audio.Int32, ValidBits: bits}.Quantize)
}

// Resample converts to another rate in Hz and back, as a file of r's encoding holds it in between. What lies above either
// Nyquist frequency is lost, and some of what lies below, as package resample tells; nothing is delayed.
func Resample(r *audio.Recording, rate int) (*audio.Recording, error) {
	there, err := resample.Recording(r, rate)
	if err != nil {
		return nil, err
	}
	return back(r, Convert(there, r.Format.Encoding))
}

// LowPass suppresses what lies above a frequency in Hz, by 100 dB, and passes what lies below 92 % of it within 0.002 dB, without
// delay: it is what a rate of twice the frequency holds. From half the recording's rate on it leaves everything.
func LowPass(r *audio.Recording, frequency int) (*audio.Recording, error) {
	there, err := resample.Recording(r, min(2*frequency, r.Format.Rate))
	if err != nil {
		return nil, err
	}
	return back(r, there)
}

// back brings version, made from r, back to the rate and the number of frames of r.
func back(r, version *audio.Recording) (*audio.Recording, error) {
	c, err := resample.Recording(version, r.Format.Rate)
	if err != nil {
		return nil, err
	}
	return Keep(c, 0, r.Frames()), nil
}

// Zero silences n frames from frame from on, as far as there are any.
func Zero(r *audio.Recording, from, n int) *audio.Recording {
	c := each(r, func(v float64) float64 { return v })
	from, to := bounds(r, from, n)
	for _, x := range c.Samples {
		clear(x[from:to])
	}
	return c
}

// Cut takes n frames from frame from on out, as far as there are any.
func Cut(r *audio.Recording, from, n int) *audio.Recording {
	c := &audio.Recording{Format: r.Format}
	from, to := bounds(r, from, n)
	for _, x := range r.Samples {
		c.Samples = append(c.Samples, slices.Concat(x[:from], x[to:]))
	}
	return c
}

// Keep returns the n frames from frame from on alone, as far as there are any.
func Keep(r *audio.Recording, from, n int) *audio.Recording {
	c := &audio.Recording{Format: r.Format}
	from, to := bounds(r, from, n)
	for _, x := range r.Samples {
		c.Samples = append(c.Samples, slices.Clone(x[from:to]))
	}
	return c
}

// Pick returns the named channels of a recording, in that order: Pick(r, 1, 0) swaps two. It panics if one is not there.
func Pick(r *audio.Recording, channels ...int) *audio.Recording {
	c := &audio.Recording{Format: r.Format}
	c.Format.Channels = len(channels)
	for _, i := range channels {
		c.Samples = append(c.Samples, slices.Clone(r.Samples[i]))
	}
	return c
}

// Mute silences one channel. It panics if it is not there.
func Mute(r *audio.Recording, channel int) *audio.Recording {
	c := each(r, func(v float64) float64 { return v })
	clear(c.Samples[channel])
	return c
}

// each returns r with f of every sample.
func each(r *audio.Recording, f func(v float64) float64) *audio.Recording {
	c := &audio.Recording{Format: r.Format, Samples: audio.NewBlock(len(r.Samples), r.Frames())}
	for i, x := range r.Samples {
		for j, v := range x {
			c.Samples[i][j] = f(v)
		}
	}
	return c
}

// bounds limits a stretch to the frames that there are.
func bounds(r *audio.Recording, from, n int) (int, int) {
	from = max(0, min(from, r.Frames()))
	return from, from + max(0, min(n, r.Frames()-from))
}
