package lattice

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// listener finds what is hidden in a recording and reads it.
type listener struct {
	key     keystream.Key
	workers int
	source  *carrier.Host
	marker  *marker
	acquire *acquirer
	// progress, if set, is told how far the search and, behind it, reading are, in thousandths.
	progress func(done, total int)
	quick    bool // only what was not changed is found
	searched int
	code     headerCode
	tables   [profiles]*tables
}

func newListener(h *carrier.Host, key keystream.Key, workers int) (*listener, error) {
	l := &listener{key: key, workers: max(1, workers), source: h, marker: newMarker(key)}
	var err error
	if l.code, err = newHeaderCode(); err != nil {
		return nil, err
	}
	l.acquire = newAcquirer(l.marker, l.source, l.workers)
	for p := range profiles {
		l.tables[p] = newTables(p)
	}
	return l, nil
}

// find returns the header and where a frame of the recording lies. It tries what is likely and cheap first.
func (l *listener) find(ctx context.Context) (*header, lock, error) {
	s := &finder{listener: l}
	defer l.acquire.free()
	steps := []func(context.Context) (bool, error){s.untouched, s.cut, s.louder, s.changed, s.sparse, s.moved, s.noisy, s.later}
	if l.quick {
		steps = steps[:1]
	}
	for _, step := range steps {
		found, err := step(ctx)
		if err != nil {
			return nil, lock{}, err
		}
		if found {
			return s.header, s.lock, nil
		}
	}
	if s.progress != nil {
		s.progress(1000, 1000)
	}
	if s.version != nil {
		return nil, lock{}, s.version
	}
	return nil, lock{}, carrier.ErrNotFound
}

// finder is a search, and what it has found.
type finder struct {
	*listener
	version error // of a header that a later version wrote
	// channels are those that are not silent, of which main is the first.
	channels []int
	main     int
	likely   []candidate // that are not sure, with their evidence for each lock that was tried
	grid     []float64   // gains
	steps    int
	// from and length are the piece of the window in which frames are searched for anywhere.
	from, length int

	header *header
	lock   lock
}

// fewHeaderFrames is how many frames the header of a lock that is not sure is read from.
const fewHeaderFrames = 128

// try reads the header behind a lock, and behind what refining makes of it.
func (s *finder) try(ctx context.Context, k lock, sure bool) (bool, error) {
	most := fewHeaderFrames
	if sure {
		most = mostHeaderFrames
	}
	h, err := s.listener.header(ctx, k, most)
	if h == nil && err == nil && sure {
		if k, err = s.refine(ctx, k); err == nil {
			h, err = s.listener.header(ctx, k, most)
		}
	}
	if errors.Is(err, carrier.ErrVersion) {
		s.version = err
		return false, nil
	}
	// What is left of a recording may be little, but not next to nothing.
	if h == nil || err != nil || int64(h.frames) > mostLost*(s.source.Frames()*int64(s.source.Channels())/FrameLength+1) {
		return false, err
	}
	if h.nonce.set() != k.set {
		return false, nil
	}
	s.header = h
	s.lock, err = s.amplitude(ctx, h, k)
	return true, err
}

// mostLost bounds how many frames a recording may have had for each that is there: what follows takes time in
// proportion.
const mostLost = 256

// step reports that a step of the search is done. There are some twenty in all, of which the first ones take the
// least time.
func (s *finder) step() {
	s.steps++
	s.searched = min(900, 45*s.steps)
	if s.progress != nil {
		s.progress(s.searched, 1000)
	}
}

// aligned tries pairs whose frames lie where they were written, of which choose returns some.
func (s *finder) aligned(
	ctx context.Context, pairs []pair, choose func(w *window, channel, most int) []int, frames int,
) (bool, error) {
	found, sure, err := s.acquire.aligned(ctx, pairs, choose, frames)
	if err != nil {
		return false, err
	}
	if sure {
		return s.try(ctx, found[0].lock, true)
	}
	for _, c := range found {
		if c.score -= math.Log(float64(len(pairs) * sets)); c.score > math.Log(interesting) {
			s.likely = append(s.likely, c)
		}
	}
	return false, nil
}

// untouched tries frames where they were written: each lane in its own channel, then in others.
func (s *finder) untouched(ctx context.Context) (bool, error) {
	if err := s.acquire.load(ctx, 0); err != nil {
		return false, err
	}
	s.step()
	for c := range s.acquire.window.samples {
		if len(s.acquire.window.usable(c, 1)) > 0 {
			s.channels = append(s.channels, c)
		}
	}
	if len(s.channels) == 0 {
		return false, nil
	}
	s.main = s.channels[0]
	var own, near []pair
	for _, c := range s.channels {
		own = append(own, pair{c, c})
		for lane := range max(2*len(s.channels), 4) {
			if lane != c {
				near = append(near, pair{c, lane})
			}
		}
	}
	if ok, err := s.aligned(ctx, own, (*window).usable, alignedFrames); ok || err != nil {
		return ok, err
	}
	s.step()
	return s.aligned(ctx, near, (*window).usable, fewFrames)
}

// sparse tries the loudest frames of the window: where they were written, in a recording of which little more than these was changed.
func (s *finder) sparse(ctx context.Context) (bool, error) {
	var own []pair
	for _, c := range s.channels {
		own = append(own, pair{c, c})
	}
	s.step()
	return s.aligned(ctx, own, (*window).loudest, alignedFrames)
}

// moved tries all lanes in all channels.
func (s *finder) moved(ctx context.Context) (bool, error) {
	var far []pair
	for _, c := range s.channels {
		for lane := range MaxChannels {
			if lane != c {
				far = append(far, pair{c, lane})
			}
		}
	}
	if ok, err := s.aligned(ctx, far, (*window).usable, fewFrames/3); ok || err != nil {
		return ok, err
	}
	s.step()
	return s.scaled(ctx, s.channels[min(1, len(s.channels)):])
}

// fewFrames is how many frames tell a lane where there is little noise.
const fewFrames = 12

// louder tries frames where they were written, of another gain and offset.
func (s *finder) louder(ctx context.Context) (bool, error) {
	return s.scaled(ctx, s.channels[:min(1, len(s.channels))])
}

// scaled does so in some channels.
func (s *finder) scaled(ctx context.Context, channels []int) (bool, error) {
	var pairs []pair
	for _, c := range channels {
		pairs = append(pairs, pair{c, c})
	}
	found, tried, err := s.acquire.scaled(ctx, pairs)
	if err != nil {
		return false, err
	}
	s.step()
	for _, c := range found {
		if c.lock, err = s.refine(ctx, c.lock); err != nil {
			return false, err
		}
		if c.score < threshold(tried) {
			c.score -= math.Log(tried)
			s.likely = append(s.likely, c)
			continue
		}
		if ok, err := s.try(ctx, c.lock, true); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

var allSets = func() (all []int) {
	for set := range sets {
		all = append(all, set)
	}
	return all
}()

// anywhere tries frames of any set anywhere in a piece of a channel.
func (s *finder) anywhere(ctx context.Context, h hypothesis, from, length int) (bool, error) {
	h.sets, h.last, h.octave = allSets, maxFrames, min(h.octave, octaves-1)
	c, sure, err := s.acquire.correlate(ctx, h, from, length)
	s.step()
	if err != nil || !sure {
		return false, err
	}
	return s.try(ctx, c.lock, true)
}

// cut tries frames anywhere, from the first sample that is not silent on.
func (s *finder) cut(ctx context.Context) (bool, error) {
	if len(s.channels) == 0 {
		return false, nil
	}
	y := s.acquire.window.samples[s.main]
	from := 0
	for from < len(y) && y[from] != y[from] {
		from++
	}
	length := len(y) - from
	s.from, s.length = from, length
	s.grid = s.acquire.gridGains(s.main)
	var plans []plan
	for _, more := range []int{-1, 1} {
		for _, g := range s.grid {
			plans = append(plans, plan{s.main, s.main, g, more, 0, 0})
		}
	}
	return s.follow(ctx, append(plans, plan{s.main, s.main, 1, 0, 0, 0}))
}

// plan is a search anywhere in a channel.
type plan struct {
	channel, lane int
	gain          float64
	more          int // octaves above the finest one
	// bound and coherence are those of a hypothesis.
	bound, coherence float64
}

// changed tries frames anywhere under less likely circumstances: in noise, fainter, upside down, in other lanes and
// channels.
func (s *finder) changed(ctx context.Context) (bool, error) {
	if len(s.channels) == 0 {
		return false, nil
	}
	// Those that share templates follow each other, the first those of cut.
	var plans []plan
	if len(s.grid) == 0 {
		plans = append(plans, plan{s.main, s.main, -1, 0, 0, 0})
	}
	plans = append(plans, plan{s.main, s.main, 1, 2, 0, 0}, plan{s.main, s.main, 1, 4, 0, 0})
	if len(s.grid) == 0 {
		// Of 0.5 and −6 dB, and of a quarter and −12 dB, nothing is to be seen in what is rounded.
		plans = append(plans, plan{s.main, s.main, 0.5006, 0, 120, 0}, plan{s.main, s.main, 0.2506, -1, 120, 0.35})
	}
	other := s.main + 1
	plans = append(plans, plan{s.main, other, 1, 1, 0, 0})
	if other < len(s.acquire.window.samples) {
		plans = append(plans, plan{other, other, 1, 1, 0, 0})
	}
	return s.follow(ctx, plans)
}

// follow goes through plans until something is found.
func (s *finder) follow(ctx context.Context, plans []plan) (bool, error) {
	for _, p := range plans {
		h := hypothesis{
			channel: p.channel, gain: p.gain, octave: s.finest(p.gain) + p.more, bound: p.bound, coherence: p.coherence,
			lanes: []int{p.lane},
		}
		if ok, err := s.anywhere(ctx, h, s.from, s.length); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// finest returns the octave of the finest lattice whose points are still told from each other in a file of a format
// if its gain has changed: four of its steps apart.
func (l *listener) finest(gain float64) int {
	step := carrier.GridOf(l.source.Format()).Step / unit
	return min(octaves-3, int(math.Ceil(math.Log2(4*max(1, step/math.Abs(gain)))-0.01)))
}

// interesting is the likelihood ratio, for each lock that was tried, from which on one that is not sure is worth a
// look at its header: of recordings in which there is nothing, one in twenty at most has such a lock.
const interesting = 20

// noisy tries the likeliest of the locks that are not sure.
func (s *finder) noisy(ctx context.Context) (bool, error) {
	slices.SortStableFunc(s.likely, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	for _, c := range s.likely[:min(len(s.likely), mostCandidates)] {
		if ok, err := s.try(ctx, c.lock, false); ok || err != nil {
			return ok, err
		}
		s.step()
	}
	return false, nil
}

// later tries frames anywhere farther on in a long recording.
func (s *finder) later(ctx context.Context) (bool, error) {
	const places = 4
	length := int64(len(s.acquire.window.samples[s.main]))
	for i := int64(1); i < places; i++ {
		from := s.source.Frames() * i / places / FrameLength * FrameLength
		if s.source.Frames() <= length || from >= s.source.Frames() {
			break
		}
		if err := s.acquire.load(ctx, from); err != nil {
			return false, err
		}
		if ok, err := s.sparse(ctx); ok || err != nil {
			return ok, err
		}
		gain := 1.0
		if len(s.grid) > 0 {
			gain = s.grid[0]
		}
		h := hypothesis{channel: s.main, gain: gain, octave: s.finest(gain), lanes: []int{s.main}}
		if ok, err := s.anywhere(ctx, h, 0, int(length)); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// stretch holds some frames of all channels with what lies carrier.SilenceRun before and behind them.
type stretch struct {
	from    int64
	samples [][]float64
}

func (l *listener) newStretch(frames int) *stretch {
	return &stretch{samples: audio.NewBlock(l.source.Channels(), frames*FrameLength+2*carrier.SilenceRun)}
}

func (t *stretch) load(s *carrier.Host, from int64) error {
	t.from = from
	return s.Read(t.samples, from-carrier.SilenceRun)
}

// frame writes frame i of a channel, its gain and offset undone, to y, and marks what is silent.
func (t *stretch) frame(y []float64, quiet []bool, k *lock, i int) {
	x := t.samples[k.channel]
	from := carrier.SilenceRun + i*FrameLength
	carrier.MarkSilence(quiet, x, from, from+FrameLength)
	inverse := 1 / k.gain
	for j, v := range x[from : from+FrameLength] {
		y[j] = (v - k.offset) * inverse
	}
}

// blockFrames is the number of frames over which noise is taken to be the same.
const blockFrames = 16

// judgement is what the frames of a block are taken for.
type judgement struct {
	noise int
	// levels is how likely each level of each frame is; the sum falls short of 1 by how likely the frame is not
	// there at all.
	levels, mixed [blockFrames][Levels]float64
	likelihoods   [blockFrames][Levels][noiseIndices]float64 // relative to those of noise alone
}

// judge sets the judgement of a block whose frames know is to make known one by one. A frame's few symbols may not
// tell its level in noise, so how common levels are among all frames has a say (expectation maximisation of a
// mixture; Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm", J. Royal
// Statistical Society B 39, 1977).
func (j *judgement) judge(r *reader, frames int, know func(i int)) {
	// before is how likely a frame is there before anything is known; its level may be any.
	const before = 0.95
	var promise [noiseIndices]float64
	for i := range frames {
		know(i)
		var mean [noiseIndices]float64
		r.eachLevel(func(level int, sums *[noiseIndices]float64) {
			e := &j.likelihoods[i][level]
			for n, v := range sums {
				e[n] = math.Exp(min(v, 300))
				mean[n] += e[n] / Levels
			}
		})
		for n, v := range mean {
			promise[n] += math.Log(1 - before + before*v)
		}
	}
	// A closer look at the noises that promise most without regard to how common levels are, and that are not next
	// to each other.
	const closer = 10
	top := math.Inf(-1)
	for range closer {
		n := 0
		for i, v := range promise {
			if v > promise[n] {
				n = i
			}
		}
		for i := max(0, n-1); i < min(noiseIndices, n+2); i++ {
			promise[i] = math.Inf(-1)
		}
		if v := j.mix(n, frames, before); v > top {
			top, j.noise, j.levels = v, n, j.mixed
		}
	}
}

// mix finds out how common levels are under a noise index, and sets mixed. It returns the log-likelihood of all frames.
func (j *judgement) mix(n, frames int, before float64) (sum float64) {
	const turns, enough = 24, 0.01
	var common [Levels]float64
	for level := range common {
		common[level] = before / Levels
	}
	absent := 1 - before
	for turn := range turns {
		var counts [Levels]float64
		last := sum
		sum = 0
		for i := range frames {
			all := absent
			levels := &j.mixed[i]
			for level, c := range common {
				v := c * j.likelihoods[i][level][n]
				levels[level] = v
				all += v
			}
			sum += math.Log(all)
			inverse := 1 / all
			for level := range levels {
				levels[level] *= inverse
				counts[level] += levels[level]
			}
		}
		if turn > 0 && sum-last < enough {
			break
		}
		absent = 1
		for level, c := range counts {
			common[level] = (c + before/Levels) / float64(frames+1)
			absent -= common[level]
		}
	}
	return sum
}

// mostHeaderFrames is how many frames at most a header is read from.
const mostHeaderFrames = 4096

// header tries to read the header from the frames that follow a lock, at most so many. A header whose tag is right
// comes with an error if it cannot be used.
func (l *listener) header(ctx context.Context, k lock, most int) (*header, error) {
	t := l.newStretch(blockFrames)
	y := make([]float64, FrameLength)
	j := new(judgement)
	var m marks
	for p := range profiles {
		r := newReader(p, l.tables[p])
		sum := make([]float32, l.code.code.Len())
		// The frame before may be there in part.
		k := k
		if k.at > 0 && k.k > 0 {
			k.at -= FrameLength
			k.k--
		}
		count := int((l.source.Frames() - k.at + FrameLength - 1) / FrameLength)
		for at, blocks := 0, 1; at < count; blocks++ {
			frames := min(blockFrames, count-at)
			if err := errors.Join(t.load(l.source, k.at+int64(at)*FrameLength), ctx.Err()); err != nil {
				return nil, err
			}
			j.judge(r, frames, func(i int) {
				t.frame(y, r.quiet[:], &k, i)
				l.marker.frame(&m, k.set, k.lane, k.k+at+i)
				r.know(y, &m, k.lane, k.k+at+i, nil, nil)
			})
			for i := range frames {
				t.frame(y, r.quiet[:], &k, i)
				l.marker.frame(&m, k.set, k.lane, k.k+at+i)
				for level, likely := range j.levels[i] {
					if likely > 0.01 {
						r.addHeader(sum, y, &m, l.code.symbols(k.lane, k.k+at+i), reading{level, j.noise, float32(likely)})
					}
				}
			}
			at += frames
			// Once may be enough; later attempts get rarer.
			if blocks&(blocks-1) == 0 || at >= count {
				if h, ok, err := l.code.decode(sum, l.key); ok {
					return &h, err
				}
			}
			if at >= most {
				break
			}
		}
	}
	return nil, nil
}
