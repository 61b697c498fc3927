package durable

import (
	"context"
	"math"

	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// Thresholds, in standard deviations.
const (
	// worthTrying is the score from which on a candidate is looked at more closely.
	worthTrying = 5.6
	// certain is the score that nothing has by chance: one in 10^12 of some million.
	certain = 9.0
)

// listener finds what is hidden in a recording and reads it.
type listener struct {
	key      keystream.Key
	workers  int
	host     *carrier.Host
	low      *lowHost
	searcher *searcher
	aligned  *aligned
	pilots   *pilots
	tables   *likelihoods
	layout   *layout
	code     *headerCode
	frames   []frame
	progress func(done, total int)
	version  error
	last     *receiver
	trace    func(stage, band, position int, l float32)
}

func newListener(h *carrier.Host, key keystream.Key, workers int) (*listener, error) {
	low, err := newLowHost(h)
	if err != nil {
		return nil, err
	}
	l := &listener{key: key, workers: max(1, workers), host: h, low: low, pilots: newPilots(key), layout: newLayout(key)}
	l.searcher = newSearcher(low, l.pilots)
	l.aligned = &aligned{low: low, interpolator: newInterpolator(), transform: newTransform()}
	l.tables, l.code = newLikelihoods(), newHeaderCode(key)
	l.frames = make([]frame, period)
	return l, nil
}

// piece is a period of a recording, with the line along which its frames lie. Its first frame has a number that is a multiple of a period.
type piece struct {
	line  line // of frame 0 of the piece
	score float64
}

// lock is what was found.
type lock struct {
	header     *header
	projection projection
	level      int // of pilotLevels
	inverted   bool
	// start is the line of the recording's first frame whose number is a multiple of a period.
	start line
}

// find looks for the pilots and reads the header.
func (l *listener) find(ctx context.Context) (*lock, error) {
	all, one := newEvidence(), newEvidence()
	pieces := int((l.low.length()/hop + period - 1) / period)
	for p := range projections {
		if p == difference && l.host.Channels() != 2 {
			break
		}
		l.low.projection = p
		for i := range min(pieces, 8) {
			from := int64(i) * period * hop
			frames := int(min(period, (l.low.length()-from)/hop))
			if frames < 32 {
				break
			}
			if err := l.searcher.load(ctx, from, frames); err != nil {
				return nil, err
			}
			if err := l.searcher.scan(ctx, one); err != nil {
				return nil, err
			}
			all.add(one)
			for _, e := range []*evidence{one, all} {
				c := e.best(from)
				if c.score < worthTrying || e == all && i == 0 {
					continue
				}
				found, err := l.try(ctx, c, from)
				if err != nil || found != nil {
					return found, err
				}
			}
		}
	}
	if l.version != nil {
		return nil, l.version
	}
	return nil, carrier.ErrNotFound
}

// try reads the header where a candidate lies in the loaded piece, which begins at sample from.
func (l *listener) try(ctx context.Context, c candidate, from int64) (*lock, error) {
	l.searcher.refine(&c, from, 0.5, 12e-6)
	k := &lock{projection: l.low.projection, level: c.level, inverted: c.inverted}
	r := newReceiver(l.pilots, l.tables, l.layout, l.code, c.level)
	if c.inverted {
		r.invert()
	}
	k.start = l.first(c.line, c.frame)
	n := l.pieces(k.start)
	line := c.line
	line.at = line.frameAt(-c.frame)
	at := int(math.Round((line.at - k.start.at) / (line.rate * period * hop)))
	// The piece of the candidate first, then those behind, then those before it.
	order := make([]int, 0, n)
	for i := at; i < n; i++ {
		order = append(order, i)
	}
	for i := at - 1; i >= 0; i-- {
		order = append(order, i)
	}
	for _, i := range order {
		from := line
		from.at = line.frameAt((i - at) * period)
		if err := l.aligned.read(ctx, l.frames, from, 0); err != nil {
			return nil, err
		}
		r.readHeader(l.frames, 0)
		h, ok, err := l.code.decode(r.headerSums, l.key)
		if ok && err != nil {
			l.version = err
			return nil, nil
		}
		if ok {
			k.header = &h
			return k, nil
		}
	}
	return nil, nil
}

// first returns the line of the first frame of the first piece that reaches into the recording, given the line of a frame with a number.
func (l *listener) first(at line, number int) line {
	at.at = at.frameAt(-number)
	n := math.Ceil((at.at + at.rate*period*hop) / (at.rate * period * hop))
	at.at = at.frameAt(-int(n-1) * period)
	return at
}

// pieces returns the number of pieces from a line on.
func (l *listener) pieces(at line) int {
	return int(math.Ceil((float64(l.low.length()) - at.at) / (at.rate * period * hop)))
}
