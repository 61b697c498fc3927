package lattice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/report"
)

// Carrier is the lattice as a [carrier.Carrier].
type Carrier struct{}

// Survey measures a cover.
func (Carrier) Survey(ctx context.Context, cover audio.File, o carrier.Options) (carrier.Survey, error) {
	s, err := NewSurvey(ctx, cover, DefaultShaping, o.Workers, o.Phase(report.Surveying))
	if errors.Is(err, ErrTooShort) {
		format := cover.Format()
		return nil, &report.TooShortError{Need: format.Duration(LeastLength), Have: format.Duration(max(0, cover.Frames()))}
	}
	if err != nil {
		return nil, err
	}
	return &surveyedCover{survey: s, cover: cover}, nil
}

// surveyedCover is a cover and what a survey of it has found.
type surveyedCover struct {
	survey *Survey
	cover  audio.File

	mu       sync.Mutex
	strength carrier.Strength // of the last plans
	last     []*Plan
}

// plans returns the plans for a strength, the one that is to be preferred first, and the one with the most room last.
func (c *surveyedCover) plans(s carrier.Strength) []*Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil || c.strength != s {
		c.strength, c.last = s, c.plan(s)
	}
	return c.last
}

func (c *surveyedCover) plan(s carrier.Strength) []*Plan {
	switch {
	case s.Faint:
		return c.survey.Faint()
	case s.Below > 0:
		return []*Plan{c.survey.Matched(s.Below)}
	}
	mse := c.survey.MSE(s.SNR)
	plan := func(p Profile, mse float64) *Plan { return c.survey.Unheard(p, mse, math.Inf(-1)) }
	if s.Audible {
		plan = c.survey.Plan
	}
	robust, lean := plan(Robust, mse), plan(Lean, mse)
	if !s.Asked {
		robust.missed, lean.missed = mostMissed, mostMissed
	}
	switch {
	case s.Asked && lean.SNR() > robust.SNR() && robust.SNR() < s.SNR-slightlyMissed && lean.Room() > 0:
		return []*Plan{lean} // whose coarse steps are finer
	case lean.Room() <= robust.Room():
		return []*Plan{robust}
	}
	return []*Plan{robust, lean}
}

func (c *surveyedCover) Room(s carrier.Strength) carrier.Room {
	plans := c.plans(s)
	most, first := plans[len(plans)-1], plans[0]
	if first.Room() == 0 {
		first = most
	}
	r := carrier.Room{Bytes: most.Room(), SNR: first.SNR(), Least: c.survey.format.Duration(LeastLength), Cover: c.survey.Duration(), TooQuiet: most.Check()}
	if plans[0].profile == Robust {
		r.Robust = plans[0].Room()
	}
	return r
}

// best returns the plans for size bytes, which are to be tried one after the other: the first one that has room, or the one with the most room, and before it the
// one like it that is harder to find, if there is one.
func (c *surveyedCover) best(s carrier.Strength, size int) []*Plan {
	plans := c.plans(s)
	for _, p := range plans {
		if size > p.Room() {
			continue
		}
		if usual := s == (carrier.Strength{SNR: s.SNR}); usual {
			if q := c.hidden(p, size); q != nil {
				return []*Plan{q, p}
			}
		}
		return []*Plan{p}
	}
	return plans[len(plans)-1:]
}

// beneath are the numbers of dB that a change may stay below the recording, the one that makes it hardest to find first. Chosen by what 10 of them cost:
// some tenths of a dB of picture where noise is as strong as the change.
var beneath = []float64{10, 8, 6, 4, 2, 0}

const (
	// promised is the share of a recording that may be lost, if there is room for it.
	promised = 1. / 3
	// negligible is a share of which a payload that survives no more of it is taken to survive none.
	negligible = 1. / 8
	// weaker is the ratio of the errors, 3 dB, by which a change may be weaker on the whole than it would be otherwise: less noise is enough to destroy it.
	weaker = 2
)

// hidden returns the plan like p that is hardest to find of those from which a payload of size bytes survives as much loss as from p, up to what is promised, or nil if
// there is none.
func (c *surveyedCover) hidden(p *Plan, size int) *Plan {
	least := min(promised, p.withstands(size))
	if least < negligible {
		if c.survey.Frames() > spooled(c.survey.format) { // too long to be tried: what has nothing to spare keeps all there is
			return nil
		}
		least = 0
	}
	for _, below := range beneath {
		q := c.survey.Unheard(p.profile, p.mse, below)
		q.missed = p.missed
		if size <= q.Room() && weaker*q.room.mse >= p.room.mse && q.withstands(size) >= least {
			return q
		}
	}
	return nil
}

func (c *surveyedCover) Divide(s carrier.Strength, size int) (stages []int) {
	if h := c.best(s, size)[0].fit(size); h != nil {
		for _, stage := range h.ladder() {
			if stage.size > 0 {
				stages = append(stages, h.payloadOf(&stage))
			}
		}
	}
	return stages
}

// Embed uses the first plan that has room for the payload and gives all of it back.
func (c *surveyedCover) Embed(
	ctx context.Context, dst io.Writer, s carrier.Strength, payload []byte, key keystream.Key, nonce io.Reader, o carrier.Options,
) (r *carrier.Report, err error) {
	cover, ok := c.cover.(audio.Rewriter)
	if !ok {
		return nil, fmt.Errorf("lattice: %w: a recording of this kind cannot be written", errors.ErrUnsupported)
	}
	for _, p := range c.best(s, len(payload)) {
		r, err = Hide(ctx, dst, cover, p, payload, HideOptions{Key: key, Nonce: nonce, Workers: o.Workers, Progress: o.Phase(report.Embedding)})
		var lost *carrier.LostError
		if again := errors.Is(err, carrier.ErrUnfound) || errors.As(err, &lost) && !lost.Written; !again {
			break
		}
	}
	return r, err
}

// Find looks for a payload.
func (Carrier) Find(ctx context.Context, stego *carrier.Host, key keystream.Key, o carrier.Options) (carrier.Found, error) {
	l, err := newListener(stego, key, o.Workers)
	if err != nil {
		return nil, err
	}
	l.progress, l.quick = o.Phase(report.Searching), o.Quick
	h, k, err := l.search(ctx)
	if err != nil {
		return nil, err
	}
	return &found{l, h, k}, nil
}

// found is where a payload was found.
type found struct {
	listener *listener
	header   *header
	lock     lock
}

func (f *found) Read(ctx context.Context, o carrier.Options) (*carrier.Message, error) {
	f.listener.searched, f.listener.progress = 0, o.Phase(report.Reading)
	return f.listener.read(ctx, f.header, f.lock)
}
