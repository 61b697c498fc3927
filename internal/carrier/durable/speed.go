package durable

import (
	"context"
	"math"
)

// A recording that is played faster or slower, by more than clocks differ, is looked for at one speed after the other, in short pieces: these
// bear a speed that is off by half a step, which moves their ends by a quarter of a sample.
const (
	speedFrames = 32
	speedStep   = 1.0 / (speedFrames * hop)
	speeds      = 2 * 436 // up to 5.3 %, since what is played 5 % slower takes that
	speedPieces = 2

	// worthRefining is the score from which on a candidate is looked at in speedContext frames, as one of the 2·10⁹ of a piece is by chance, and
	// worthTuning the one that it has to have there.
	worthRefining = 6.2
	worthTuning   = 7.0
	speedContext  = 128
)

// strideOf returns the samples at 16 kHz from one sample to the next at speed number i, the smallest changes first.
func strideOf(i int) float64 {
	n := float64(i/2 + 1)
	if i&1 != 0 {
		n = -n
	}
	return 1 + n*speedStep
}

// findSpeed looks for pilots of a recording that is played at another speed. It tells steps of total from base on.
func (l *listener) findSpeed(ctx context.Context, base, total int) (*lock, error) {
	l.low.projection = sum
	loud, err := l.loudest(ctx, speedFrames, speedPieces)
	if err != nil {
		return nil, err
	}
	one := newEvidence()
	for p, at := range loud {
		for i := range speeds {
			l.tell(base+p*speeds+i, total)
			l.low.stride = strideOf(i)
			from := int64(float64(at) / l.low.stride)
			if err := l.searcher.load(ctx, from, speedFrames); err != nil {
				return nil, err
			}
			if err := l.searcher.scan(ctx, one); err != nil {
				return nil, err
			}
			c := one.best(from)
			if c.score < worthRefining {
				continue
			}
			found, err := l.trySpeed(ctx, c)
			if err != nil || found != nil {
				return found, err
			}
		}
	}
	l.low.stride = 1
	return nil, nil
}

// trySpeed finds out the speed of a candidate more closely, in a longer piece, and reads the header.
func (l *listener) trySpeed(ctx context.Context, c candidate) (*lock, error) {
	around := func(c candidate, frames int) (candidate, int64) {
		before := (frames - speedFrames) / 2
		c.line.at = c.line.frameAt(-before)
		c.frame = ((c.frame-before)%period + period) % period
		return c, int64(math.Floor(c.line.at)) - 1
	}
	d, from := around(c, speedContext)
	if err := l.searcher.load(ctx, from, speedContext); err != nil {
		return nil, err
	}
	if l.searcher.refine(&d, from, 0.5, speedStep*3/4); d.score < worthTuning {
		return nil, nil
	}
	before := (speedContext - speedFrames) / 2
	l.low.stride *= d.line.rate
	d.line = line{d.line.frameAt(before) / d.line.rate, 1}
	d.frame = c.frame
	d, from = around(d, period)
	if err := l.searcher.load(ctx, from, period); err != nil {
		return nil, err
	}
	return l.try(ctx, d, from)
}
