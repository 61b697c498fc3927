package durable

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

// Carrier is the durable way of hiding as a [carrier.Carrier]. Recordings tell by themselves what they were made for, so Aim
// is of use in hiding alone.
type Carrier struct{ Aim Aim }

// surveyedCover is a cover and what a survey has found.
type surveyedCover struct {
	plan  plan
	rates *rates
	cover audio.File
	snr   float64
}

// Survey measures a cover.
func (c Carrier) Survey(ctx context.Context, cover audio.File, o carrier.Options) (carrier.Survey, error) {
	if c.Aim >= aims {
		return nil, fmt.Errorf("durable: aim %d is unknown", c.Aim)
	}
	s, err := newSurvey(ctx, cover, c.Aim, o.Phase(report.Surveying))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Room tells how much fits. The strength is the recording's own, whatever s is.
func (s *surveyedCover) Room(carrier.Strength) carrier.Room {
	bytes := room(s.plan.aim, s.plan.blocks, s.plan.scale)
	var stages []carrier.Protection
	for _, stage := range ladder(s.plan.aim, s.plan.blocks, s.plan.scale, bytes) {
		if stage.size > 0 {
			stages = append(stages, carrier.Protection{Bytes: stage.size, Survives: stage.survives})
		}
	}
	return carrier.Room{Stages: stages, Bytes: bytes, Robust: bytes, SNR: s.snr, Cover: s.cover.Format().Duration(s.plan.samples)}
}

// fit returns the plan for a payload: one that leaves room is protected better.
func (s *surveyedCover) fit(size int) plan {
	p := s.plan
	for p.scale > 0 && size <= room(p.aim, p.blocks, p.scale-1) {
		p.scale--
	}
	return p
}

// Divide tells how large the stages of a payload are, as far as there are any.
func (s *surveyedCover) Divide(_ carrier.Strength, size int) (stages []int) {
	p := s.fit(size)
	for _, stage := range ladder(p.aim, p.blocks, p.scale, size) {
		if stage.size > 0 {
			stages = append(stages, stage.size)
		}
	}
	return stages
}

// spooled is the number of samples of all channels up to which a recording is written only when it has turned out to give everything back.
const spooled = 1 << 23

// attempts is how often a short recording is tried, with another nonce each time.
const attempts = 2

// Embed writes the cover with a payload in it.
func (s *surveyedCover) Embed(
	ctx context.Context, dst io.Writer, _ carrier.Strength, payload []byte, key keystream.Key, random io.Reader, o carrier.Options,
) (*carrier.Report, error) {
	cover, ok := s.cover.(audio.Rewriter)
	if !ok {
		return nil, fmt.Errorf("durable: %w: a recording of this kind cannot be written", errors.ErrUnsupported)
	}
	plan := s.fit(len(payload))
	if most := room(plan.aim, plan.blocks, plan.scale); len(payload) > most || len(payload) == 0 {
		return nil, fmt.Errorf("durable: a payload of %d bytes, room for %d", len(payload), most)
	}
	j := &job{plan: plan, rates: s.rates, payload: payload, key: key, workers: max(1, o.Workers), progress: forward(o.Phase(report.Embedding))}
	if plan.samples*int64(cover.Format().Channels) > spooled {
		return j.write(ctx, dst, cover, random)
	}
	var lost *carrier.LostError
	for range attempts {
		kept := &carrier.Spool{}
		r, err := j.try(ctx, kept, cover, random)
		if errors.As(err, &lost) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w, err := cover.Rewrite(dst)
		if err != nil {
			return nil, err
		}
		return r, kept.CopyTo(w)
	}
	return nil, lost
}

// write writes a recording that is too long to be kept.
func (j *job) write(ctx context.Context, dst io.Writer, cover audio.Rewriter, random io.Reader) (*carrier.Report, error) {
	w, err := cover.Rewrite(dst)
	if err != nil {
		return nil, err
	}
	r, err := j.try(ctx, w, cover, random)
	var lost *carrier.LostError
	if errors.As(err, &lost) {
		lost.Written = true
	}
	if err != nil {
		return nil, err
	}
	return r, w.Close()
}

// try embeds the payload once, under the next nonce.
func (j *job) try(ctx context.Context, w audio.Writer, cover audio.File, random io.Reader) (*carrier.Report, error) {
	var err error
	if j.nonce, err = newNonce(random); err != nil {
		return nil, err
	}
	r, err := j.run(ctx, w, cover)
	if err != nil {
		return nil, err
	}
	if len(r.Payload) < len(j.payload) {
		return nil, &carrier.LostError{Arrived: len(r.Payload), Size: len(j.payload)}
	}
	return r, nil
}

// forward returns progress that never goes back.
func forward(progress func(done, total int)) func(done, total int) {
	most := 0
	return func(done, total int) {
		if progress != nil && done >= most {
			most = done
			progress(done, total)
		}
	}
}

// Find looks for a payload.
func (Carrier) Find(ctx context.Context, stego *carrier.Host, key keystream.Key, o carrier.Options) (carrier.Found, error) {
	l, err := newListener(stego, key, o.Workers)
	if err != nil {
		return nil, err
	}
	l.thorough, l.progress = o.Thorough, forward(o.Phase(report.Searching))
	find := l.find
	if o.Quick {
		find = l.findUntouched
	}
	k, err := find(ctx)
	if err != nil {
		return nil, err
	}
	return &found{l, k}, nil
}

// Score returns the best score of a search, in standard deviations of what there is by chance, whether or not something is found. The tail
// of the scores of innocent recordings tells how often the search is in doubt; a find takes the tag of a header beside.
func (Carrier) Score(ctx context.Context, h *carrier.Host, key keystream.Key, o carrier.Options) (float64, error) {
	l, err := newListener(h, key, o.Workers)
	if err != nil {
		return 0, err
	}
	l.thorough, l.progress = o.Thorough, forward(o.Phase(report.Searching))
	if _, err := l.find(ctx); err != nil && !errors.Is(err, carrier.ErrNotFound) && !errors.Is(err, carrier.ErrVersion) {
		return 0, err
	}
	return l.best, nil
}

// found is where a payload was found.
type found struct {
	listener *listener
	lock     *lock
}

func (f *found) Read(ctx context.Context, o carrier.Options) (*carrier.Message, error) {
	f.listener.progress = forward(o.Phase(report.Reading))
	return f.listener.read(ctx, f.lock)
}
