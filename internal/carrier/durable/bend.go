package durable

import (
	"context"
	"math"
)

// A recording that is played faster or slower at the pitch that it has consists of pieces of it as they were, some tenths of a second long,
// between which something is missing or comes twice. So frames follow each other as they were written, but for jumps now and then: they lie
// along a bent line, the best of all in the sense of Viterbi (1967).
const (
	bendFrames = 16 // of a piece that is searched, so that many lie between two jumps
	bendPieces = 48
	// worthBending is the score from which on a piece is followed, as one of 14 is by chance.
	worthBending = 5.4
	mostBent     = 8 // pieces that are followed in vain

	bendJump    = 2 * 352 // half samples of the farthest jump
	bendStretch = 0.055   // by how much frames are farther apart, or less far, on average
	bendPenalty = 6.0     // what a jump has to be worth
	bendMargin  = 32      // frames, by which those of a period may lie beside their places
)

// findStretch looks for pilots of a recording that is played at another speed with its own pitch. It tells steps of total from base on.
func (l *listener) findStretch(ctx context.Context, base, total int) (*lock, error) {
	l.low.projection = sum
	loud, err := l.loudest(ctx, bendFrames, bendPieces)
	if err != nil {
		return nil, err
	}
	one, tries := newEvidence(), 0
	for i, from := range loud {
		l.tell(base+i, total)
		if err := l.searcher.load(ctx, from, bendFrames); err != nil {
			return nil, err
		}
		if err := l.searcher.scan(ctx, one); err != nil {
			return nil, err
		}
		c := one.best(from)
		if c.score < worthBending || tries == mostBent {
			continue
		}
		tries++
		path, err := l.searcher.follow(ctx, &c, c.frame)
		if err != nil {
			return nil, err
		}
		k := &lock{projection: sum, level: c.level, inverted: c.inverted, bent: true, line: line{path[0], 1}}
		found, err := l.header(ctx, k)
		if err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// bend finds the line of a piece, of which frame number anchor is expected at a sample.
func (l *listener) bend(ctx context.Context, k *lock, anchor int, at float64) (piece, error) {
	c := candidate{line: line{at, 1}, level: k.level, inverted: k.inverted}
	path, err := l.searcher.follow(ctx, &c, anchor)
	return piece{line: line{path[0], 1}, score: c.score, path: path}, err
}

// readPiece computes the frames of a piece.
func (l *listener) readPiece(ctx context.Context, dst []frame, p *piece) error {
	if p.path == nil {
		return l.aligned.read(ctx, dst, p.line, 0)
	}
	for i := 0; i < len(dst); {
		n := 1
		for i+n < len(dst) && p.path[i+n] == p.path[i]+float64(n*hop) {
			n++
		}
		if err := l.aligned.read(ctx, dst[i:i+n], line{p.path[i], 1}, 0); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// bent is a search for a bent line: the best sum of the frames up to one for each deviation of that from a straight line, in half samples.
type bent struct {
	width     int // deviations go from −width to width
	best, now []float32
	from      [][]int16 // for each frame and deviation, by how much the frame before deviates more
	queue     []int
}

// follow finds the places of a period's frames in the recording, of which frame number anchor lies near to where the candidate's line begins.
// It loads the piece, and sets the candidate's score.
func (s *searcher) follow(ctx context.Context, c *candidate, anchor int) ([]float64, error) {
	start := math.Floor(c.line.at) - float64(anchor*hop)
	from := int64(start) - bendMargin*hop
	path := make([]float64, period)
	for t := range path {
		path[t] = start + float64(t*hop)
	}
	if err := s.load(ctx, from, period+2*bendMargin); err != nil {
		return path, err
	}
	if s.rotations == nil {
		for o := range offsets {
			s.rotations = append(s.rotations, rotationAt(float64(o)/2))
		}
	}
	b := &bent{width: bendJump + int(math.Ceil(2*bendStretch*period*hop))}
	b.best, b.now, b.queue = make([]float32, 2*b.width+1), make([]float32, 2*b.width+1), make([]int, 2*b.width+1)
	for t := range period {
		if ctx.Err() != nil {
			return path, ctx.Err()
		}
		near := min(b.width, bendJump+int(2*bendStretch*hop*math.Abs(float64(t-anchor))))
		b.step(near, t == 0)
		for d := -near; d <= near; d++ {
			b.now[d+b.width] += s.agreement(c, t, 2*(bendMargin+t)*hop+d)
		}
		b.best, b.now = b.now, b.best
	}
	last := 0
	for d, v := range b.best {
		if v > b.best[last] {
			last = d
		}
	}
	c.score = float64(b.best[last]) / math.Sqrt(0.75*period*squaredWeights/2)
	for t := period - 1; t >= 0; t-- {
		path[t] += float64(last-b.width) / 2
		last += int(b.from[t][last])
	}
	return path, nil
}

// never is less than any sum.
const never = -1e9

// step begins the next frame, which deviates by at most near: with the best sums of the frames before.
func (b *bent) step(near int, first bool) {
	from := make([]int16, len(b.best))
	b.from = append(b.from, from)
	for i := range b.now {
		b.now[i] = never
	}
	low, high := b.width-near, b.width+near
	if first {
		clear(b.now[low : high+1])
		return
	}
	// The queue holds places in falling order of their sums: its front is the best within a jump.
	head, tail, next := 0, 0, max(0, low-bendJump)
	for i := low; i <= high; i++ {
		for ; next <= min(len(b.best)-1, i+bendJump); next++ {
			for tail > head && b.best[b.queue[tail-1]] <= b.best[next] {
				tail--
			}
			b.queue[tail] = next
			tail++
		}
		for b.queue[head] < i-bendJump {
			head++
		}
		b.now[i] = b.best[i]
		if j := b.queue[head]; b.best[j]-bendPenalty > b.best[i] {
			b.now[i], from[i] = b.best[j]-bendPenalty, int16(j-i)
		}
	}
}

// agreement returns the sum over the pilots of frame t, at a place in half samples of the loaded piece, of the cosine of their phase.
func (s *searcher) agreement(c *candidate, t, place int) (sum float32) {
	grid, o := place/offsets, place%offsets
	if place < 0 || grid >= s.grid.frames {
		return 0
	}
	var u [bands]float32
	s.grid.read(&u, grid, o/(2*gridStep), float32(o%(2*gridStep))/(2*gridStep), &s.rotations[o][grid&3])
	steps := float32(1 / stepOf(pilotLevels[c.level], 2, pilotShare))
	for b := range searchedBands {
		v := u[b] * steps
		if v == 0 || v < -most || v > most || isNumber(t, b) {
			continue
		}
		if c.inverted {
			v = -v
		}
		sum += float32(weights[b]) * s.table.at(v - s.pilots.phase[t][b])[0]
	}
	return sum
}
