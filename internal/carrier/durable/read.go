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
	pieces   []piece // in the order of the recording
	runs     []run
}

// run is a number of pieces that follow each other as they were written.
type run struct {
	first, end int // pieces
	period     int // of the recording as it was written that the first one is
}

// read reads what a lock has found.
func (l *listener) read(ctx context.Context, k *lock) (*carrier.Message, error) {
	l.low.projection = k.projection
	r := newReceiver(l.pilots, l.tables, l.layout, l.code, k.level)
	if k.inverted {
		r.invert()
	}
	r.open(k.header, l.key)
	r.gatherer.bound(2 * (int(l.low.length()/blockSamples) + periodBlocks)) // pieces of it may overlap
	g := &reading{listener: l, lock: k, receiver: r}
	if err := g.follow(ctx); err != nil {
		return nil, err
	}
	for i := range g.runs {
		if err := g.number(ctx, &g.runs[i]); err != nil {
			return nil, err
		}
	}
	return g.message(ctx)
}

// follow finds the lines of all pieces, and the runs that they form.
func (g *reading) follow(ctx context.Context) error {
	n := int(g.low.length()/(period*hop)) + 2
	var ahead, back []piece
	err := g.walk(ctx, g.lock, true, func(p piece) (bool, error) {
		if p.back {
			back = append(back, p)
		} else {
			ahead = append(ahead, p)
		}
		g.tell(min(n, len(ahead)+len(back)), 3*n)
		return true, nil
	})
	// What follows a piece on the way back does so the other way round.
	breaks := false
	for i := len(back) - 1; i >= 0; i-- {
		p := back[i]
		p.fresh, breaks = breaks, p.fresh
		g.pieces = append(g.pieces, p)
	}
	if len(ahead) > 0 && breaks {
		ahead[0].fresh = true
	}
	g.pieces = append(g.pieces, ahead...)
	for i, p := range g.pieces {
		if i == 0 || p.fresh {
			g.runs = append(g.runs, run{first: i})
		}
		g.runs[len(g.runs)-1].end = i + 1
	}
	return err
}

func (l *listener) tell(done, total int) {
	if l.progress != nil {
		l.progress(done, total)
	}
}

// mostNumbered is how many pieces of a run are asked which period they are, some two minutes: what these do not tell, others hardly do.
const mostNumbered = 16

// number finds out which period of the recording as it was written a run begins with.
func (g *reading) number(ctx context.Context, r *run) error {
	most := (g.lock.header.blocks*33/32+2)/periodBlocks + 2
	sums := make([]float64, most+1) // the first piece may begin before the recording did
	for i := r.first; i < min(r.end, r.first+mostNumbered); i++ {
		if err := g.readPiece(ctx, g.frames, &g.pieces[i]); err != nil {
			return err
		}
		own := g.numberPilots()
		for p := range sums {
			if p&15 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if n := p - 1 + i - r.first; n >= 0 {
				sums[p] += g.compare(own, n)
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
		r.period = best - 1
		deviation := math.Sqrt(float64(i+1-r.first) * squaredWeights * period / 8)
		if (sums[best]-sums[second])/deviation > certain {
			break
		}
	}
	return nil
}

// numberPilots returns where the pilots that tell periods lie in the frames that were read, in steps.
func (g *reading) numberPilots() *[period][bands]float32 {
	var own [period][bands]float32
	for t := range own {
		for b := range bands {
			if u := g.receiver.pilot(&g.frames[t], b); isNumber(t, b) && math.Abs(u) < most {
				own[t][b] = float32(u)
			}
		}
	}
	return &own
}

// compare tells how well the pilots of a piece agree with those of a period.
func (g *reading) compare(own *[period][bands]float32, number int) (sum float64) {
	for block := range periodBlocks {
		phases := numbering(g.receiver.key, number*periodBlocks+block)
		for t := range phases {
			for b := range bands {
				if u := own[block*blockFrames+t][b]; u != 0 {
					sum += weights[b] * float64(g.searcher.table.at(u - phases[t][b])[0])
				}
			}
		}
	}
	return sum
}

// message reads the pieces.
func (g *reading) message(ctx context.Context) (*carrier.Message, error) {
	n := int(g.low.length()/(period*hop)) + 2
	m := &carrier.Message{Size: g.lock.header.payload, Robust: true, Gain: 1, Map: make([][]bool, 1)}
	if g.lock.inverted {
		m.Gain = -1
	}
	for _, r := range g.runs {
		for i, p := range g.pieces[r.first:r.end] {
			if r.period+i < 0 { // less than a frame of it is there
				continue
			}
			if err := g.readPiece(ctx, g.frames, &p); err != nil {
				return nil, err
			}
			for _, c := range g.receiver.readPayload(g.frames, (r.period+i)*periodBlocks) {
				found := c.score() > 4
				m.Map[0] = append(m.Map[0], found)
				m.Frames++
				if found {
					m.Arrived++
				}
			}
			g.tell(min(2*n, n+r.first+i+1), 3*n)
		}
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
