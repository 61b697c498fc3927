package durable

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/keystream"
	"ditas/metric"
	"ditas/report"
)

const (
	// leastBlocks is how many blocks a recording has at least.
	leastBlocks = 3
	maxChannels = 64
	// sideways is by how much less power than the channels' mean the mean of the channels has, from which on their difference is used.
	sideways = 1.0 / 32
)

// Strength is chosen by a few excerpts, which is what PEAQ can be asked in the time that hiding may take.
const (
	excerpts      = 3
	excerptLength = 3 // seconds
	wantedODG     = -0.45
	usualLevel    = 10 - loudest
	excerptBlocks = 8 // of a recording that would hold an excerpt
	mostTries     = 4
)

// loudness is what a survey knows of a second.
type loudness struct{ channels, mean, difference float64 }

// newSurvey goes through a cover once, and then tries strengths on excerpts.
func newSurvey(ctx context.Context, f audio.File, aim Aim, progress func(done, total int)) (*surveyedCover, error) {
	host, err := carrier.NewHost(ctx, f)
	if err != nil {
		return nil, err
	}
	if host.Channels() > maxChannels {
		return nil, fmt.Errorf("durable: a recording with %d channels, more than %d", host.Channels(), maxChannels)
	}
	rate := f.Format().Rate
	rates, err := newRates(rate)
	if err != nil {
		return nil, err
	}
	total := int(host.Frames()/int64(rate)) + 3*excerpts
	tell := func(done int) {
		if progress != nil {
			progress(done, total)
		}
	}
	seconds, err := listenThrough(ctx, host, tell)
	if err != nil {
		return nil, err
	}
	low := lowLength(host.Frames(), rate)
	blocks := roundBlocks(int(max(0, low/hop-1) / blockFrames))
	if blocks < leastBlocks {
		need := time.Duration((leastBlocks*blockFrames + 2) * hop * int64(time.Second) / ear.Rate)
		return nil, &report.TooShortError{Need: need, Have: f.Format().Duration(host.Frames())}
	}
	var all loudness
	for _, s := range seconds {
		all.channels, all.mean, all.difference = all.channels+s.channels, all.mean+s.mean, all.difference+s.difference
	}
	if all.channels == 0 {
		return nil, carrier.ErrSilent
	}
	s := &surveyedCover{cover: f, rates: rates, plan: plan{aim: aim, samples: host.Frames(), blocks: blocks, scale: middleScale}}
	if all.mean < sideways*all.channels && host.Channels() == 2 {
		s.plan.projection = difference
	}
	t := &trial{survey: s, host: host, tell: func(n int) { tell(total - 3*excerpts + n) }}
	if err := t.run(ctx, seconds); err != nil {
		return nil, err
	}
	tell(total)
	return s, nil
}

// listenThrough measures every second of a recording.
func listenThrough(ctx context.Context, h *carrier.Host, tell func(done int)) ([]loudness, error) {
	rate := h.Format().Rate
	var seconds []loudness
	block := audio.NewBlock(h.Channels(), rate)
	var mean, side []float64
	for from := int64(0); from < h.Frames(); from += int64(rate) {
		if err := errors.Join(h.Read(block, from), ctx.Err()); err != nil {
			return nil, err
		}
		var l loudness
		for _, x := range block {
			l.channels += power(finite(x)) / float64(len(block))
		}
		mean = sum.project(mean, block)
		l.mean = power(mean)
		if len(block) == 2 {
			side = difference.project(side, block)
			l.difference = power(side)
		}
		seconds = append(seconds, l)
		tell(len(seconds) - 1)
	}
	if err := errors.Join(h.Finish(), ctx.Err()); err != nil {
		return nil, err
	}
	return seconds, h.Cut()
}

func power(x []float64) (sum float64) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// trial tries strengths on excerpts of a recording.
type trial struct {
	survey *surveyedCover
	host   *carrier.Host
	pieces [][][]float64 // excerpt, channel, sample
	marks  *modulator
	tries  int
	tell   func(done int)
}

// run chooses the strongest level that is not heard.
func (t *trial) run(ctx context.Context, seconds []loudness) error {
	if err := t.choose(ctx, seconds); err != nil {
		return err
	}
	p := t.survey.plan
	p.blocks = excerptBlocks
	j := &job{plan: p, payload: make([]byte, room(p.aim, p.blocks, p.scale)), key: keystream.Public()}
	var err error
	if t.marks, err = j.modulator(); err != nil {
		return err
	}
	fine, loud := levels-1, -1 // the strongest level known to be inaudible, and the weakest known to be heard
	known := false
	level := usualLevel
	for fine-loud > 1 && t.tries < mostTries {
		v, err := t.try(ctx, level)
		if err != nil {
			return err
		}
		if v.fine {
			fine, known = level, true
			t.survey.snr = v.snr
		} else {
			loud = level
		}
		// The grade falls by some 0.17 for each dB near the limit.
		move := int(math.Round((v.odg - wantedODG) / 0.17))
		if v.fine {
			move = max(1, move)
		} else {
			move = min(-1, move)
		}
		level = max(loud+1, min(fine-1, level-move))
	}
	if !known { // the level that the last try points to
		fine, t.survey.snr = level, 20
	}
	t.survey.plan.level = fine
	return nil
}

// choose reads the excerpts: the loudest seconds of equal parts of the recording.
func (t *trial) choose(ctx context.Context, seconds []loudness) error {
	rate := t.host.Format().Rate
	length := min(int64(excerptLength*rate), t.host.Frames())
	count := int(min(excerpts, t.host.Frames()/length))
	for i := range count {
		from, to := i*len(seconds)/count, max(i*len(seconds)/count+1, (i+1)*len(seconds)/count-excerptLength+1)
		best := from
		var most float64
		for s := from; s < to; s++ {
			var sum float64
			for _, l := range seconds[s:min(len(seconds), s+excerptLength)] {
				sum += l.channels
			}
			if sum > most {
				best, most = s, sum
			}
		}
		at := min(int64(best*rate), t.host.Frames()-length)
		block := audio.NewBlock(t.host.Channels(), int(length))
		if err := errors.Join(t.host.Read(block, at), ctx.Err()); err != nil {
			return err
		}
		for c := range block {
			block[c] = finite(block[c])
		}
		if most > 0 || len(t.pieces) == 0 && i == count-1 {
			t.pieces = append(t.pieces, block)
		}
	}
	return nil
}

// verdict is what a trial says of a level.
type verdict struct {
	fine     bool
	odg, snr float64
}

// try marks all excerpts at a level, and judges them.
func (t *trial) try(ctx context.Context, level int) (verdict, error) {
	t.tries++
	format := t.host.Format()
	c, err := metric.NewComparisonWithPEAQ(format.Rate, format.Channels)
	if err != nil {
		return verdict{}, err
	}
	t.marks.set(level)
	for _, x := range t.pieces {
		mixer := newMixer(format, t.marks, t.survey.plan.projection, t.survey.rates)
		for at := 0; at < len(x[0]); at += embedBlock {
			if ctx.Err() != nil {
				return verdict{}, ctx.Err()
			}
			part := make([][]float64, len(x))
			for i := range x {
				part[i] = x[i][at:min(len(x[i]), at+embedBlock)]
			}
			if err := c.Add(mixer.add(part)); err != nil {
				return verdict{}, err
			}
		}
		if err := c.Add(mixer.end()); err != nil {
			return verdict{}, err
		}
	}
	t.tell(min(3*excerpts-1, t.tries*len(t.pieces)))
	return judge(c.Figures()), ctx.Err()
}

// judge applies criterion Q, with a margin for what is not among the excerpts.
func judge(f metric.Figures) verdict {
	q := metric.CriterionQ()
	q.NMR, q.FrameNMR, q.Share, q.LeastODG = q.NMR-0.5, q.FrameNMR-0.5, 0.985, wantedODG
	v := verdict{odg: wantedODG, snr: f.SNR}
	failures, err := q.Failures(f)
	v.fine = err != nil || len(failures) == 0
	if f.PEAQ != nil && !f.PEAQ.Marked && !math.IsNaN(f.PEAQ.ODG) {
		v.odg = f.PEAQ.ODG
	} else if !math.IsNaN(f.NMR) {
		v.odg = wantedODG - 0.17*(f.NMR-q.NMR)
	}
	if slices.ContainsFunc(failures, func(s string) bool { return s[0] != 'O' }) {
		v.odg = min(v.odg, wantedODG-0.17)
	}
	return v
}
