// Package set is the table of what may happen to a recording that people share: the channels that training, evaluation, the command and the
// page have in common.
//
//	for _, c := range set.All() {
//		received, err := c.Pass(ctx, stego, seed)
//		…
//	}
//
// Parameters are those of the strict set of RAW-Bench where it has them (Y. Özer et al., A comprehensive real-world assessment of audio
// watermarking algorithms: will they survive neural codecs?, Interspeech 2025, arXiv 2505.19663; its neural codecs, masked spectrograms,
// expansion and recorded noises are left out). Where a parameter has a range it is drawn evenly from the seed.
//
// Receivers are blind: nothing undoes a codec's delay, a cut or a change of rate.
package set

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/ffmpeg"
)

// Kind groups channels.
type Kind string

// The kinds of channels.
const (
	Codec    Kind = "codec"    // lossy formats, once or twice
	Format   Kind = "format"   // other rates, and fewer bits
	Level    Kind = "level"    // volume, polarity, mixing of channels
	Filter   Kind = "filter"   // some frequencies are weaker
	Dynamics Kind = "dynamics" // loud is made less loud
	Room     Kind = "room"     // reverb
	Noise    Kind = "noise"    // white noise
	Time     Kind = "time"     // another speed
	Cut      Kind = "cut"      // parts are missing
)

// Channel is one row of the table.
type Channel struct {
	Name        string // for flags, files and JSON: small letters, digits and hyphens
	Title       string // for people
	Description string // what it does, in numbers with units
	Kind        Kind
	NeedsFFmpeg bool // cannot be passed without the program ffmpeg
	pass        pass
}

// pass is a function of a recording and random numbers, in which nothing else counts.
type pass func(ctx context.Context, r *audio.Recording, rng *rand.Rand) (*audio.Recording, error)

// Pass returns what arrives of a recording, rounded to 16 bits. The argument stays as it is. What is random is drawn from the seed and the
// channel's name: the same three give the same samples, those of codecs with the same build of ffmpeg. Without the program the error wraps
// [ffmpeg.ErrMissing].
func (c Channel) Pass(ctx context.Context, r *audio.Recording, seed uint64) (*audio.Recording, error) {
	hash := fnv.New64a()
	hash.Write([]byte(c.Name))
	rng := rand.New(rand.NewPCG(seed, hash.Sum64()))
	received, err := r, ctx.Err()
	if err == nil {
		received, err = c.pass(ctx, channel.Convert(r, audio.Int16), rng)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", c.Name, err)
	}
	return channel.Convert(received, audio.Int16), nil
}

// Available returns nil if the channel can be passed, and otherwise what is missing.
func (c Channel) Available() error {
	if !c.NeedsFFmpeg {
		return nil
	}
	_, err := ffmpeg.Find()
	return err
}

// Chain returns a channel that is some others one after another.
func Chain(name, title string, links ...Channel) Channel {
	c := Channel{Name: name, Title: title}
	var words []string
	for _, l := range links {
		words = append(words, l.Description)
		c.Kind = l.Kind
		c.NeedsFFmpeg = c.NeedsFFmpeg || l.NeedsFFmpeg
	}
	c.Description = strings.Join(words, "; then ")
	c.pass = func(ctx context.Context, r *audio.Recording, rng *rand.Rand) (*audio.Recording, error) {
		for _, l := range links {
			var err error
			if r, err = l.Pass(ctx, r, rng.Uint64()); err != nil {
				return nil, err
			}
		}
		return r, nil
	}
	return c
}

// All returns the table.
func All() []Channel {
	return slices.Concat(codecs(), formats(), levels(), filters(), times(), cuts())
}

// Named returns the channel of a name.
func Named(name string) (Channel, error) {
	all := All()
	i := slices.IndexFunc(all, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		names := make([]string, len(all))
		for k, c := range all {
			names[k] = c.Name
		}
		return Channel{}, fmt.Errorf("there is no channel %q, only %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}

// Handled is what targets are measured after, before any other channel: at least 5 and up to 10 % are cut off the front, at a fraction of a
// frame, and the volume changes by up to 6 dB either way, but not beyond full scale.
func Handled() Channel {
	return Channel{
		Name: "handled", Title: "front cut, other volume", Kind: Cut,
		Description: "the first 5 to 10 % are cut off at a fraction of a frame, and a gain of −6 to 6 dB up to full scale",
		pass: func(_ context.Context, r *audio.Recording, rng *rand.Rand) (*audio.Recording, error) {
			r = channel.CutFront(r, between(rng, 0.05, 0.1)*float64(r.Frames()))
			return channel.Gain(r, min(between(rng, -6, 6), max(0, headroom(r)))), nil
		},
	}
}

func between(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

// either draws from one of two ranges.
func either(rng *rand.Rand, low, high, otherLow, otherHigh float64) float64 {
	if rng.IntN(2) == 0 {
		return between(rng, low, high)
	}
	return between(rng, otherLow, otherHigh)
}

// drawn makes a pass of a function that needs neither a context nor an error.
func drawn(f func(r *audio.Recording, rng *rand.Rand) *audio.Recording) pass {
	return func(_ context.Context, r *audio.Recording, rng *rand.Rand) (*audio.Recording, error) {
		return f(r, rng), nil
	}
}
