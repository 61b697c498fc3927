package durable

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/dsp"
	"ditas/internal/keystream"
	"ditas/metric"
	"ditas/report"
)

const (
	// leastBlocks is how many blocks a recording has at least.
	leastBlocks = 3
	// sideways is by how much less power than the channels' mean the mean of the channels has, from which on their difference is used.
	sideways = 1.0 / 32
)

// Strength is chosen by a few excerpts, which is what PEAQ can be asked in the time that hiding may take.
const (
	excerpts      = 3
	excerptLength = 3     // seconds
	silent        = 0.002 // of the energy of the loudest excerpt: what has less is as good as silent
	excerptBlocks = 8     // of a recording that would hold an excerpt
	usualLevel    = (10 - loudest) / levelStep
	mostTries     = 3
	// wantedIndex is the distortion index of excerpts with which the ODG of whole recordings is −0.5 in the mean, and usualSlope what a dB
	// of the level adds to it. The index is nearly linear in the level, as the grade is not, so two tries tell most levels.
	wantedIndex = 1.54
	usualSlope  = 0.28
	// gradedRate is the least rate whose recordings can have the bandwidth without which PEAQ's grade does not count.
	gradedRate = 16219
)

// loudness is what a survey knows of a second.
type loudness struct{ channels, mean, difference float64 }

// newSurvey goes through a cover once, and then tries strengths on excerpts.
func newSurvey(ctx context.Context, f audio.File, aim Aim, progress func(done, total int)) (*surveyedCover, error) {
	host, err := carrier.NewHost(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := carrier.CheckChannels(host.Channels()); err != nil {
		return nil, err
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
	s := &surveyedCover{cover: f, rates: rates, plan: plan{aim: aim, samples: host.Frames(), blocks: blocks, scale: scales - 1}}
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
	format audio.Format // in which excerpts are compared
	rates  *rates       // of it
	pieces []excerpt
	marks  *modulator
	tries  int
	tell   func(done int)
}

// excerpt is a part of a recording, of each channel: in the trial's format and at 16 kHz.
type excerpt struct {
	samples, low [][]float64
	quiet        bool // judged by its noise-to-mask ratios alone, since PEAQ's grade is more lenient the quieter a recording is
}

// standardRate is the rate of PEAQ. Recordings that have all of its bands are compared at it: so excerpts need to be resampled once, and
// not at each try.
const (
	standardRate = 48000
	standardBand = 36000 // the least rate that has all bands
)

// compareAt chooses the format in which excerpts are compared.
func (t *trial) compareAt() (err error) {
	t.format, t.rates = t.host.Format(), t.survey.rates
	if t.format.Rate < standardBand || t.format.Rate == standardRate {
		return nil
	}
	t.format.Rate = standardRate
	if t.format.Encoding != audio.Int8 {
		// Without the noise of rounding all noise would count as bandwidth where there is nothing at the upper end.
		t.format.Encoding, t.format.ValidBits = audio.Int16, 0
	}
	t.rates, err = newRates(standardRate)
	return err
}

// run chooses the strongest level that is not heard.
func (t *trial) run(ctx context.Context, seconds []loudness) error {
	if err := errors.Join(t.compareAt(), ctx.Err()); err != nil {
		return err
	}
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
	level, slope := int(usualLevel), usualSlope
	var last verdict
	for t.tries < mostTries {
		v, err := t.try(ctx, level)
		if err != nil {
			return err
		}
		if v.judged && last.judged && level != last.level {
			slope = max(usualSlope/2, min((v.index-last.index)/(levelStep*float64(level-last.level)), 2*usualSlope))
		}
		spare := v.spare
		if v.judged {
			spare = min(spare, (v.index-wantedIndex)/slope)
		}
		next := max(0, min(level-int(math.Floor(spare/levelStep)), levels-1))
		t.survey.plan.level, t.survey.snr = next, v.snr+levelStep*float64(next-level)
		if math.Abs(float64(next-level))*levelStep <= 1 {
			break // near enough to tell without a try
		}
		level, last = next, v
	}
	return nil
}

// choose reads the excerpts: the loudest seconds of equal parts of the recording, and the quietest ones that are not silent.
func (t *trial) choose(ctx context.Context, seconds []loudness) error {
	rate := t.host.Format().Rate
	length := min(int64(excerptLength*rate), t.host.Frames())
	count, most := int(min(excerpts, t.host.Frames()/length)), 0.0
	for i := range count {
		from, to := i*len(seconds)/count, max(i*len(seconds)/count+1, (i+1)*len(seconds)/count-excerptLength+1)
		best := from
		for s := from; s < to; s++ {
			if energy(seconds, s) > energy(seconds, best) {
				best = s
			}
		}
		if energy(seconds, best) > 0 || len(t.pieces) == 0 && i == count-1 {
			if err := t.read(ctx, best, length, false); err != nil {
				return err
			}
		}
		most = max(most, energy(seconds, best))
	}
	if len(seconds) < (excerpts+1)*excerptLength {
		return nil
	}
	quiet, least := -1, most
	for s := range len(seconds) - excerptLength {
		if e := energy(seconds, s); e < least && e > silent*most {
			quiet, least = s, e
		}
	}
	if quiet < 0 {
		return nil
	}
	return t.read(ctx, quiet, length, true)
}

// energy returns that of the seconds of an excerpt.
func energy(seconds []loudness, from int) (sum float64) {
	for _, l := range seconds[from:min(len(seconds), from+excerptLength)] {
		sum += l.channels
	}
	return sum
}

// read reads an excerpt of a length in samples.
func (t *trial) read(ctx context.Context, second int, length int64, quiet bool) error {
	at := min(int64(second*t.host.Format().Rate), t.host.Frames()-length)
	block := audio.NewBlock(t.host.Channels(), int(length))
	if err := errors.Join(t.host.Read(block, at), ctx.Err()); err != nil {
		return err
	}
	for c := range block {
		block[c] = finite(block[c])
	}
	e, err := t.excerpt(ctx, block)
	if err != nil {
		return err
	}
	e.quiet = quiet
	t.pieces = append(t.pieces, e)
	return nil
}

// excerpt brings samples to the rates at which they are needed.
func (t *trial) excerpt(ctx context.Context, block [][]float64) (e excerpt, err error) {
	e.samples = block
	for _, x := range block {
		e.low = append(e.low, t.survey.rates.down.Convert(x))
		if ctx.Err() != nil {
			return e, ctx.Err()
		}
	}
	if t.format.Rate == t.host.Format().Rate {
		return e, nil
	}
	r, err := dsp.NewWideResampler(int(nominal(t.host.Format().Rate)), t.format.Rate) // as PEAQ does
	if err != nil {
		return e, err
	}
	for c, x := range block {
		y := r.Convert(x)
		for i, v := range y {
			y[i] = t.format.Quantize(v)
		}
		if block[c] = y; ctx.Err() != nil {
			return e, ctx.Err()
		}
	}
	return e, nil
}

// verdict is what a trial says of a level.
type verdict struct {
	level  int
	spare  float64 // dB by which noise may be stronger, by all noise-to-mask ratios
	index  float64 // distortion index of PEAQ, if the recording can be judged by it
	judged bool
	snr    float64
}

// try marks all excerpts at a level, and judges them.
func (t *trial) try(ctx context.Context, level int) (verdict, error) {
	t.tries++
	compare := metric.NewComparisonWithPEAQ
	if t.format.Rate < gradedRate {
		compare = metric.NewComparison
	}
	loud, err := compare(t.format.Rate, t.format.Channels)
	if err != nil {
		return verdict{}, err
	}
	quiet, err := metric.NewComparison(t.format.Rate, t.format.Channels)
	if err != nil {
		return verdict{}, err
	}
	t.marks.set(level)
	for _, e := range t.pieces {
		c := loud
		if e.quiet {
			c = quiet
		}
		mixer := newMixer(t.format, t.marks, t.survey.plan.projection, t.rates)
		for done, size := 0, len(e.samples[0]); done < size; done += embedBlock {
			if ctx.Err() != nil {
				return verdict{}, ctx.Err()
			}
			low := len(e.low[0])
			x := part(e.samples, done, min(size, done+embedBlock))
			y := part(e.low, low*done/size, low*min(size, done+embedBlock)/size)
			if err := c.Add(mixer.take(x, y)); err != nil {
				return verdict{}, err
			}
		}
		if err := c.Add(mixer.finish(part(e.low, 0, 0))); err != nil {
			return verdict{}, err
		}
	}
	t.tell(min(3*excerpts-1, t.tries*len(t.pieces)))
	f := loud.Figures()
	f.Moments = append(f.Moments, quiet.Figures().Moments...) // the grade is the loud ones'
	v := judge(f)
	v.level = level
	return v, ctx.Err()
}

// part returns samples from to to of all channels.
func part(x [][]float64, from, to int) [][]float64 {
	p := make([][]float64, len(x))
	for c := range x {
		p[c] = x[c][from:to]
	}
	return p
}

// judge applies criterion Q, with a margin for what is not among the excerpts.
func judge(f metric.Figures) (v verdict) {
	q := metric.CriterionQ()
	var means, peaks []float64
	for _, channel := range f.Moments {
		for _, m := range channel {
			means, peaks = append(means, m.Mean), append(peaks, m.Max)
		}
	}
	v.snr = f.SNR
	if len(means) > 0 {
		slices.Sort(means)
		slices.Sort(peaks)
		at := int(math.Ceil(q.Share*float64(len(means)))) - 1
		v.spare = min(q.NMR-0.5-f.NMR, q.FrameNMR-0.5-means[at], q.BandNMR-peaks[at])
	}
	v.spare = max(-levels*levelStep, min(v.spare, levels*levelStep)) // it is infinite for what is equal
	if p := f.PEAQ; p != nil && !p.Marked && !math.IsNaN(p.DI) {
		v.index, v.judged = p.DI, true
	}
	return v
}
