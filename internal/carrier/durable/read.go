package durable

import (
	"context"
	"math"

	"ditas/internal/carrier"
)

// reading is a payload that is being read.
type reading struct {
	*listener
	lock     *lock
	receiver *receiver
	pieces   []piece
	period   int // that the first piece is, in the recording as it was written
}

// read reads what a lock has found.
func (l *listener) read(ctx context.Context, k *lock) (*carrier.Message, error) {
	l.low.projection = k.projection
	r := newReceiver(l.pilots, l.tables, l.layout, l.code, k.level)
	if k.inverted {
		r.invert()
	}
	r.open(k.header, l.key)
	l.last = r
	r.trace = l.trace
	g := &reading{listener: l, lock: k, receiver: r}
	if err := g.follow(ctx); err != nil {
		return nil, err
	}
	if err := g.number(ctx); err != nil {
		return nil, err
	}
	return g.message(ctx)
}

// follow finds the line of every piece, each near to where the one before leads.
func (g *reading) follow(ctx context.Context) error {
	n := g.listener.pieces(g.lock.start)
	at := g.lock.start
	g.pieces = make([]piece, n)
	for i := range n {
		from := int64(math.Floor(at.at)) - 2
		if err := g.searcher.load(ctx, from, period+1); err != nil {
			return err
		}
		c := candidate{line: at, level: g.lock.level, inverted: g.lock.inverted}
		g.searcher.refine(&c, from, 0.5, 4e-6)
		g.pieces[i] = piece{line: at, score: c.score}
		if c.score > worthTrying {
			// What one piece says of the rate is uncertain, and what is between two of them is not.
			g.pieces[i].line = c.line
			at = c.line
		}
		at.at = at.frameAt(period)
		g.tell(i+1, 3*n)
	}
	return nil
}

func (l *listener) tell(done, total int) {
	if l.progress != nil {
		l.progress(done, total)
	}
}

// number finds out which period of the recording as it was written the first piece is.
func (g *reading) number(ctx context.Context) error {
	n := len(g.pieces)
	most := (g.lock.header.blocks*33/32+2)/periodBlocks + 1
	sums := make([]float64, most)
	for i := range n {
		if err := g.aligned.read(ctx, g.frames, g.pieces[i].line, 0); err != nil {
			return err
		}
		var own [period][bands]float64
		for t := range own {
			for b := range bands {
				if isNumber(t, b) {
					own[t][b] = g.receiver.pilot(&g.frames[t], b)
				}
			}
		}
		for p := range sums {
			if p&15 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			for block := range periodBlocks {
				phases := numbering(g.receiver.key, (p+i)*periodBlocks+block)
				for t := range phases {
					for b := range bands {
						if u := own[block*blockFrames+t][b]; u != 0 && math.Abs(u) < 64 {
							sums[p] += float64(g.searcher.table.at(float32(u) - phases[t][b])[0])
						}
					}
				}
			}
		}
		best, second := 0, -1
		for p, s := range sums {
			if s > sums[best] {
				best, second = p, best
			} else if p != best && (second < 0 || s > sums[second]) {
				second = p
			}
		}
		g.period = best
		deviation := math.Sqrt(float64(i+1) * bands * period / 8)
		if second < 0 || (sums[best]-sums[second])/deviation > certain {
			break
		}
	}
	return nil
}

// message reads the pieces.
func (g *reading) message(ctx context.Context) (*carrier.Message, error) {
	n := len(g.pieces)
	m := &carrier.Message{Size: g.lock.header.payload, Robust: true, Gain: 1, Map: make([][]bool, 1)}
	if g.lock.inverted {
		m.Gain = -1
	}
	for i, p := range g.pieces {
		if err := g.aligned.read(ctx, g.frames, p.line, 0); err != nil {
			return nil, err
		}
		for _, c := range g.receiver.readPayload(g.frames, (g.period+i)*periodBlocks) {
			found := c.score() > 4
			m.Map[0] = append(m.Map[0], found)
			m.Frames++
			if found {
				m.Arrived++
			}
		}
		g.tell(n+i+1, 3*n)
	}
	var arrived []int
	var err error
	m.Payload, arrived, err = g.receiver.gatherer.decode(ctx, g.receiver.key, g.workers, func(done, total int) {
		g.tell(2*n+n*done/total, 3*n)
	})
	if err != nil {
		return nil, err
	}
	for i, s := range g.receiver.gatherer.stages {
		if s.size > 0 {
			m.Stages = append(m.Stages, carrier.Arrival{Bytes: s.size, Blocks: s.blocks, Arrived: arrived[i]})
		}
	}
	if err := g.host.Finish(); err != nil {
		return nil, err
	}
	m.Cut = g.host.Cut()
	return m, nil
}
