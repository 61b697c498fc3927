package durable

import (
	"cmp"
	"context"
	"math"
	"slices"

	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// Thresholds, in standard deviations.
//
// The dithers of the key make the phases of pilots that are not there uniform and independent, whatever the recording. So scores are normal:
// of the 2.1 million of a piece the best exceeds s with a probability of at most 2.1e6·Q(s), which is 1 in 45 for 5.6 and less than 1 in 10^7
// for 7.5. TestScoresByChance measures it.
const (
	// worthTrying is the score from which on a candidate is looked at more closely. It costs time alone: only the tag of a header, of 64 bits,
	// makes a candidate a find. With at most 50 pieces and drifts, and two forms of a header in each of a candidate's pieces, that is
	// one innocent recording in 10^17. A target of 10^-6 without tags would take a score of 7.6.
	worthTrying = 5.6
	// certain is the score that nothing has by chance, not even one of a million: it has a probability of 10^-19.
	certain = 9.0
	// sure is the score from which on a piece that does not follow the one before has been found again, among the places of one level and
	// polarity. No tag confirms it: by the tail above, one piece in 10^7 gets there by chance.
	sure = 7.5
)

// mostPieces is the number of pieces that are searched.
const mostPieces = 8

// listener finds what is hidden in a recording and reads it.
type listener struct {
	key      keystream.Key
	workers  int
	thorough bool // other speeds are looked for, too
	host     *carrier.Host
	low      *lowHost
	searcher *searcher
	aligned  *aligned
	pilots   *pilots
	tables   *likelihoods
	layout   *layout
	code     *headerCode
	frames   []frame
	evidence *evidence // scratch
	progress func(done, total int)
	version  error
	best     float64 // score of all candidates
}

func newListener(h *carrier.Host, key keystream.Key, workers int) (*listener, error) {
	low, err := newLowHost(h)
	if err != nil {
		return nil, err
	}
	l := &listener{key: key, workers: max(1, workers), host: h, low: low, pilots: newPilots(key), layout: newLayout(key)}
	l.searcher = newSearcher(low, l.pilots)
	l.aligned = &aligned{low: low, interpolator: low.between, transform: newTransform()}
	l.tables, l.code = newLikelihoods(), newHeaderCode(key)
	l.frames = make([]frame, period)
	return l, nil
}

// lock is what was found.
type lock struct {
	header     *header
	projection projection
	level      int // of pilotLevels
	inverted   bool
	bent       bool // frames jump now and then
	// line is the one of the first frame of a piece, a period whose first frame has a number that is a multiple of a period.
	line line
}

// find looks for the pilots and reads the header.
func (l *listener) find(ctx context.Context) (*lock, error) {
	all, one := newEvidence(), newEvidence()
	l.evidence = newEvidence()
	pieces := min(int((l.low.length()/hop+period-1)/period), mostPieces)
	straight := int(projections) * pieces
	total := straight + drifts
	if l.thorough {
		total += speedPieces*speeds + bendPieces
	}
	for p := range projections {
		if p == difference && (l.host.Channels() != 2 || !l.low.sideways()) {
			break
		}
		l.low.projection = p
		for i := range pieces {
			from := int64(i) * period * hop
			frames := int(min(period, (l.low.length()-from)/hop))
			if frames < 32 {
				break
			}
			l.tell(int(p)*pieces+i, total)
			if err := l.searcher.load(ctx, from, frames); err != nil {
				return nil, err
			}
			if err := l.searcher.scan(ctx, one); err != nil {
				return nil, err
			}
			all.add(one)
			for _, e := range []*evidence{one, all} {
				c := e.best(from)
				l.best = max(l.best, c.score)
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
	found, err := l.findDrifting(ctx, straight, total)
	if err == nil && found == nil && l.thorough {
		found, err = l.findStretch(ctx, straight+drifts, total)
	}
	if err == nil && found == nil && l.thorough {
		found, err = l.findSpeed(ctx, total-speedPieces*speeds, total)
	}
	switch {
	case err != nil || found != nil:
		return found, err
	case l.version != nil:
		return nil, l.version
	}
	l.tell(total, total)
	return nil, carrier.ErrNotFound
}

// untouchedPieces is how many pieces of a recording are looked at where only one that nothing happened to is to be found: its beginning may be silent.
const untouchedPieces = 2

// findUntouched looks for pilots where a recording has them that nothing happened to since.
func (l *listener) findUntouched(ctx context.Context) (*lock, error) {
	for p := range projections {
		if p == difference && (l.host.Channels() != 2 || !l.low.sideways()) {
			break
		}
		l.low.projection = p
		for i := range untouchedPieces {
			from := int64(i) * period * hop
			if l.low.length() < from+period*hop/2 && i > 0 {
				break
			}
			if err := l.searcher.load(ctx, from, int(min(period, (l.low.length()-from)/hop))); err != nil {
				return nil, err
			}
			best := candidate{}
			for level := range pilotLevels {
				c := candidate{line: line{at: float64(from), rate: 1}, level: level}
				sum, count := l.searcher.coherence(&c, from, 0, l.searcher.grid.frames)
				if c.score = sum / math.Sqrt(max(1, count/2)); c.score > best.score {
					best = c
				}
			}
			if best.score < worthTrying {
				continue
			}
			found, err := l.header(ctx, &lock{projection: p, level: best.level, line: best.line})
			if err != nil || found != nil {
				return found, err
			}
			break
		}
	}
	if l.version != nil {
		return nil, l.version
	}
	return nil, carrier.ErrNotFound
}

// driftFrames is the length of the piece that is searched for a clock that drifts, driftStep between the drifts that are tried, and
// mostDrift the largest one.
const (
	driftFrames = 128
	driftStep   = 24e-6
	mostDrift   = 120e-6
	drifts      = 2*mostDrift/driftStep + 1
)

// findDrifting looks for pilots whose frames follow each other faster or slower than they were written: in the loudest piece, which is short
// enough for half a sample to matter little. It tells steps of total from base on.
func (l *listener) findDrifting(ctx context.Context, base, total int) (*lock, error) {
	l.low.projection = sum
	loud, err := l.loudest(ctx, driftFrames, 1)
	if err != nil || len(loud) == 0 {
		return nil, err
	}
	from := loud[0]
	if err := l.searcher.load(ctx, from, driftFrames+2); err != nil {
		return nil, err
	}
	one := newEvidence()
	for i := range int(drifts) {
		drift := driftStep*float64(i) - mostDrift
		l.tell(base+i, total)
		if math.Abs(drift) < driftStep/2 {
			continue
		}
		if err := l.searcher.scanLine(ctx, one, driftFrames, drift); err != nil {
			return nil, err
		}
		c := one.best(from)
		l.best = max(l.best, c.score)
		c.line.rate += drift
		if c.score < worthTrying {
			continue
		}
		found, err := l.try(ctx, c, from)
		if err != nil || found != nil {
			return found, err
		}
		if err := l.searcher.load(ctx, from, driftFrames+2); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// loudest returns where the loudest pieces of so many frames begin, in the first minute: at most count of them, and none that is silent.
func (l *listener) loudest(ctx context.Context, frames, count int) ([]int64, error) {
	type place struct {
		at    int64
		power float64
	}
	var all []place
	x := make([]float64, frames*hop)
	n := int64(len(x))
	for at := int64(0); at+n <= min(l.low.length(), mostPieces*period*hop); at += n {
		if err := l.low.read(ctx, x, at); err != nil {
			return nil, err
		}
		if p := power(x); p > 0 {
			all = append(all, place{at, p})
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(b.power, a.power) })
	var best []int64
	for _, p := range all[:min(count, len(all))] {
		best = append(best, p.at)
	}
	return best, nil
}

// try reads the header where a candidate lies in the loaded piece, which begins at sample from.
func (l *listener) try(ctx context.Context, c candidate, from int64) (*lock, error) {
	l.searcher.straighten(&c, from)
	k := &lock{projection: l.low.projection, level: c.level, inverted: c.inverted, line: c.line}
	k.line.at = k.line.frameAt(-c.frame)
	return l.header(ctx, k)
}

// header reads the header of what a lock may have found.
func (l *listener) header(ctx context.Context, k *lock) (*lock, error) {
	r := newReceiver(l.pilots, l.tables, l.layout, l.code, k.level)
	if k.inverted {
		r.invert()
	}
	var found *lock
	err := l.walk(ctx, k, false, func(p piece) (bool, error) {
		if err := l.readPiece(ctx, l.frames, &p); err != nil {
			return false, err
		}
		r.readHeader(l.frames, 0)
		// What was there by chance is not there in the next pieces.
		if n := r.heard.periods(); n > 1 && r.heard.score() < 0.75*worthTrying*math.Sqrt(n) {
			return false, nil
		}
		for f := range forms {
			h, ok, err := l.code.decode(f, r.headerSums[f], l.key)
			if ok && err != nil {
				l.version = err
				return false, nil
			}
			if ok {
				k.header, k.line, found = &h, p.line, k
				return false, nil
			}
		}
		return true, nil
	})
	return found, err
}

// settledDrift is by how much the lines of pieces that follow each other may differ.
const settledDrift = 2e-6

// piece is a period of a recording.
type piece struct {
	line  line      // of its first frame, whose number is a multiple of a period
	path  []float64 // where its frames begin, if that is not along the line
	score float64
	fresh bool // it does not follow the one before it
	back  bool // it lies before the one that was found first
}

// walk goes through the pieces of a recording, from the one of a lock to the end and from there back to the beginning, keeping to the line
// along which they lie, or searching for those that do not if again is set. It ends early when do returns false.
func (l *listener) walk(ctx context.Context, k *lock, again bool, do func(piece) (more bool, err error)) error {
	at, settled := k.line, false
	for _, step := range []int{period, -period} {
		at := at
		if step < 0 {
			at.at = at.frameAt(step)
		}
		for l.reaches(at) {
			var p piece
			var err error
			switch {
			case !k.bent:
				p, err = l.align(ctx, k, at, settled, again)
			case step > 0:
				p, err = l.bend(ctx, k, 0, at.at)
			default:
				p, err = l.bend(ctx, k, period, at.frameAt(period))
			}
			if err != nil {
				return err
			}
			p.back = step < 0
			settled = settled || l.inside(at) >= period/2
			more, err := do(p)
			if err != nil || !more {
				return err
			}
			at = p.line
			at.at = at.frameAt(step)
			if k.bent && step > 0 {
				at.at = p.path[period-1] + hop
			}
		}
	}
	return nil
}

// reaches tells whether a piece reaches into the recording.
func (l *listener) reaches(at line) bool {
	return at.frameAt(period) > 0 && at.at < float64(l.low.length())
}

// inside returns how many frames of a piece lie in the recording.
func (l *listener) inside(at line) int {
	from, to := max(0, at.at), min(float64(l.low.length()), at.frameAt(period))
	return int((to - from) / hop)
}

// align finds the line of a piece, which should be near to at: very near if the line has been settled by a piece before. If it is not, because
// something was cut out or put in, it is searched for anywhere if again is set.
func (l *listener) align(ctx context.Context, k *lock, at line, settled, again bool) (piece, error) {
	from := int64(math.Floor(at.at)) - 2
	if err := l.searcher.load(ctx, from, period+1); err != nil {
		return piece{}, err
	}
	c := candidate{line: at, level: k.level, inverted: k.inverted}
	if settled {
		l.searcher.refine(&c, from, 0.5, settledDrift)
	} else {
		l.searcher.straighten(&c, from)
	}
	if c.score > worthTrying {
		return piece{line: c.line, score: c.score}, nil
	}
	p := piece{line: at, score: c.score}
	if !again || at.at < 0 || math.Abs(at.rate-1) > driftStep/4 {
		return p, nil
	}
	from += 2
	if err := l.searcher.load(ctx, from, period); err != nil {
		return p, err
	}
	if err := l.searcher.scan(ctx, l.evidence); err != nil {
		return p, err
	}
	found := l.evidence.best(from)
	if found.score < max(sure, 1.5*c.score) || found.level != k.level || found.inverted != k.inverted {
		return p, nil
	}
	l.searcher.refine(&found, from, 0.5, settledDrift)
	found.line.at = found.line.frameAt(-found.frame)
	return piece{line: found.line, score: found.score, fresh: true}, nil
}
