package ditas

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"ditas/audio"
	"ditas/internal/carrier/covert"
	"ditas/internal/keystream"
	"ditas/report"
)

// DitherOptions say how to dither. The zero value is a good choice.
type DitherOptions struct {
	// Random is the source of randomness; nil means the system's.
	Random io.Reader
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers  int
	Progress report.Progress // of the phase [report.Embedding]
}

// Dither writes a recording to dst as one of 16 bits, with dither of a triangular distribution, in its own format if it has 16 bits, and as FLAC or WAV otherwise. That is what
// [Covert] makes of recordings that are more precise, or have been through a lossy codec, but that nothing is hidden. Who dithers all recordings does
// not stand out with those in which something is hidden. The error is an *[audio.TruncatedError] if the recording is cut off, and what was written to
// dst is useless then.
func Dither(ctx context.Context, dst io.Writer, recording audio.File, o DitherOptions) error {
	m, err := method(Covert)
	if err != nil {
		return err
	}
	cover, err := rewriter(recording, m)
	if err != nil {
		return err
	}
	random := o.Random
	if random == nil {
		random = rand.Reader
	}
	var key keystream.Key
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return fmt.Errorf("random numbers for the dither: %w", err)
	}
	return covert.Dither(ctx, dst, cover, key, options(o.Workers, o.Progress))
}
