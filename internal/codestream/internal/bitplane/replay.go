package bitplane

import (
	"context"
	"math/bits"

	"ditas/internal/codestream/internal/entropy"
)

// replay takes decisions that were coded before, and counts them.
type replay struct {
	taken int
	stops []int // how many decisions are taken before each pause that is still to come
	pause func() bool
}

// take reports whether the next decision is to be taken: unless it is after the last pause, or pause does not want to go on. Then the coder
// is Done.
func (p *replay) take(c *entropy.Coder) bool {
	for !c.Done && p.taken >= p.stops[0] {
		p.stops = p.stops[1:]
		c.Done = !p.pause() || len(p.stops) == 0
	}
	p.taken++
	return !c.Done
}

// zeros takes the decisions on those of eight columns that are to do if none of the eight is significant in this plane and no pause comes
// between, and reports whether it did.
func (p *replay) zeros(s *site, start int, todo uint64) bool {
	n := bits.OnesCount64(todo)
	if p.taken+n > p.stops[0] {
		return false
	}
	var any int16
	for _, v := range (*[8]int16)(s.value[s.base+start:]) {
		any |= max(v, -v)
	}
	if any>>s.plane != 0 {
		return false
	}
	p.taken += n
	return true
}

// Replay goes once more through what Run has coded, from the beginning and in a fraction of the time, and calls pause when as many decisions
// have been taken as each of stops says, which must not fall, for as long as pause returns true. What is known of l is then what a decoder of
// as many decisions knows.
func (l *Layout) Replay(ctx context.Context, stops []int, pause func() bool) error {
	if len(stops) == 0 {
		return nil
	}
	for _, b := range l.bands {
		b.forget()
	}
	r := &run{model: &model{coder: entropy.NewEncoder(0), prior: Learnt()}, replay: &replay{stops: stops, pause: pause}}
	complete, err := l.run(ctx, r, nil)
	for more := complete && err == nil; more && len(r.replay.stops) > 0; r.replay.stops = r.replay.stops[1:] {
		more = pause()
	}
	return err
}
