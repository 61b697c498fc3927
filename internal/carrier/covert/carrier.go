package covert

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/report"
)

// Carrier is the covert way of hiding as a [carrier.Carrier].
type Carrier struct{}

// Survey measures a cover, which has at most 16 bits a sample.
func (Carrier) Survey(ctx context.Context, cover audio.File, o carrier.Options) (carrier.Survey, error) {
	s, err := newSurvey(ctx, cover, max(1, o.Workers), o.Phase(report.Surveying))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Dither writes a cover as [survey.Embed] does that dithers, with nothing hidden in it: of 16 bits, rounded with usual dither, the randomness that
// key gives. The error is an *[audio.TruncatedError] if the cover is cut off. Such a recording looks like those in which something is hidden, and so do those of whoever dithers all that they publish.
func Dither(ctx context.Context, dst io.Writer, cover audio.Rewriter, key keystream.Key, o carrier.Options) error {
	format := cover.Format()
	if format.Encoding.IsFloat() || format.Bits() != 16 {
		return fmt.Errorf("covert: %w: a file of %v, want 16 bits", errors.ErrUnsupported, format)
	}
	s := &survey{shape: shapeOf(format, cover.Frames()), cover: cover, source: cover, dithered: true}
	precise, err := s.compare(ctx)
	if err != nil {
		return err
	}
	if precise {
		s.source = unrounded(cover)
	}
	host, err := carrier.NewHost(ctx, s.source)
	if err != nil {
		return err
	}
	e := &embedding{
		survey: s, body: newBody(s.shape, key, nil, 0, 0), workers: max(1, o.Workers), pieces: newPieces(host, s.shape),
		flipped: newFlips(s.samples()), dither: &ditherer{scale: s.scale()},
	}
	e.headDither = e.dither
	e.prepare()
	progress, done := phase(o, report.Embedding), 0
	e.progress = func() {
		done++
		progress(done, len(e.body.order))
	}
	w, err := cover.Rewrite(dst)
	if err != nil {
		return err
	}
	if _, err := e.write(ctx, w); err != nil {
		return err
	}
	if err := host.Finish(); err != nil {
		return err
	}
	if err := host.Cut(); err != nil {
		return err
	}
	return w.Close()
}

// quickSamples is how many samples, of all channels, a quick search reads at most: six minutes of stereo at 44.1 kHz.
const quickSamples = 1 << 25

// Find looks for a payload. A search takes one pass over the recording, whatever is found, so that none is quick in a long one.
func (Carrier) Find(ctx context.Context, stego *carrier.Host, key keystream.Key, o carrier.Options) (carrier.Found, error) {
	if o.Quick && stego.Frames()*int64(stego.Channels()) > quickSamples {
		return nil, carrier.ErrNotFound
	}
	f, err := find(ctx, stego, key, phase(o, report.Searching))
	if err != nil {
		return nil, err
	}
	return f, nil
}
