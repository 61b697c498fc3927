package lattice

import (
	"context"
	"errors"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// ErrNotFound reports a recording in which nothing is found: there is nothing, it has another key, or too little is left.
var ErrNotFound = errors.New("lattice: nothing found: either there is nothing, or it has another passphrase, or too little of it is left")

// listener finds what is hidden in a recording and reads it.
type listener struct {
	ctx     context.Context
	key     keystream.Key
	workers int
	source  *carrier.Host
	words   *[words]word
	acquire *acquirer
	code    headerCode
	tables  [profiles]*tables
}

func newListener(ctx context.Context, f audio.File, key keystream.Key, workers int) (*listener, error) {
	l := &listener{ctx: ctx, key: key, workers: max(1, workers), words: newWords(key)}
	var err error
	if l.code, err = newHeaderCode(); err != nil {
		return nil, err
	}
	if l.acquire, err = newAcquirer(l.words, l.workers); err != nil {
		return nil, err
	}
	if l.source, err = carrier.NewHost(ctx, f); err != nil {
		return nil, err
	}
	for p := range profiles {
		l.tables[p] = newTables(p)
	}
	return l, nil
}

// find returns the header and where a frame with its word lies.
func (l *listener) find() (*header, lock, error) {
	var later error
	// try reads the header behind a lock, and behind what refining makes of it.
	try := func(c candidate) (*header, lock, error) {
		k := c.lock
		most := mostHeaderFrames
		if c.score < accepted {
			most = 2 * alignedFrames
		}
		h, err := l.header(k, most)
		if h == nil && err == nil && c.score >= accepted {
			var fine lock
			if fine, err = l.acquire.refine(l.source, k); err != nil {
				return nil, k, err
			}
			// The fine symbols of weak frames depend on the level, so a gain that is off by some levels may not do.
			for i := 0; i < 2*gainRange+1 && h == nil && err == nil; i++ {
				shift := (i + 1) / 2
				if i%2 == 0 {
					shift = -shift
				}
				k = fine
				k.gain *= quarters(shift)
				h, err = l.header(k, most)
			}
		}
		if errors.Is(err, ErrVersion) {
			later, h, err = err, nil, nil
		}
		if h == nil || err != nil {
			return nil, k, err
		}
		// What is left of a recording may be little, but not next to nothing.
		if int64(h.frames) > mostLost*(l.source.Frames()*int64(l.source.Channels())/FrameLength+1) {
			return nil, k, nil
		}
		k, err = l.amplitude(h, k)
		return h, k, err
	}
	locks, err := l.acquire.aligned(l.ctx, l.source, false)
	if err != nil {
		return nil, lock{}, err
	}
	// Where there is much noise the right one may not stand out, but there are few.
	for _, c := range locks {
		if h, k, err := try(c); h != nil || err != nil {
			return h, k, err
		}
	}
	// As it was written, but louder, fainter or upside down.
	if locks, err = l.acquire.aligned(l.ctx, l.source, true); err != nil {
		return nil, lock{}, err
	}
	for _, c := range locks {
		if c.score < accepted {
			break
		}
		if h, k, err := try(c); h != nil || err != nil {
			return h, k, err
		}
	}
	// Somewhere else in the recording: near its beginning, which may have been cut off, then farther and farther on.
	const places = 4
	for i := range int64(places) {
		from := i * max(FrameLength*(shortFrames+1), l.source.Frames()/places)
		for c := range min(l.source.Channels(), 2) {
			from, err := l.sound(c, from)
			if err != nil {
				return nil, lock{}, err
			}
			if from+shortFrames*FrameLength > l.source.Frames() {
				continue
			}
			k, score, err := l.acquire.search(l.ctx, l.source, lock{channel: c, gain: 1}, from)
			if err != nil {
				return nil, lock{}, err
			}
			if score < accepted {
				continue
			}
			if h, k, err := try(candidate{k, score}); h != nil || err != nil {
				return h, k, err
			}
		}
	}
	if later != nil {
		return nil, lock{}, later
	}
	return nil, lock{}, ErrNotFound
}

// mostLost bounds how many frames a recording may have had for each that is there: what follows takes time in proportion.
const mostLost = 256

// sound returns the first place from a given one on where a channel is not silent.
func (l *listener) sound(channel int, from int64) (int64, error) {
	buf := audio.NewBlock(l.source.Channels(), FrameLength)
	for at := from; at < l.source.Frames(); at += FrameLength {
		if err := errors.Join(l.source.Read(buf, at), l.ctx.Err()); err != nil {
			return from, err
		}
		if usual(buf[channel]) > 0 {
			for i, v := range buf[channel] {
				if v != 0 {
					return at + int64(i), nil
				}
			}
		}
	}
	return from, nil
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
	// levels is how likely each level of each frame is; the sum falls short of 1 by how likely the frame is not there at all.
	levels, mixed [blockFrames][Levels]float64
	likelihoods   [blockFrames][Levels][noiseIndices]float64 // relative to those of noise alone
}

// level returns the likeliest level of frame i.
func (j *judgement) level(i int) (best int) {
	for level, v := range j.levels[i] {
		if v > j.levels[i][best] {
			best = level
		}
	}
	return best
}

// judge sets the judgement of a block whose frames know is to make known one by one. A frame's few symbols may not tell its level in
// noise, so how common levels are among all frames has a say (expectation maximisation of a mixture; Dempster, Laird and
// Rubin, "Maximum likelihood from incomplete data via the EM algorithm", J. Royal Statistical Society B 39, 1977).
func (j *judgement) judge(r *reader, frames int, know func(i int)) {
	// before is how likely a frame is there before anything is known; its level may be any.
	const before = 0.95
	var promise [noiseIndices]float64
	for i := range frames {
		know(i)
		var mean [noiseIndices]float64
		for level := range Levels {
			e := &j.likelihoods[i][level]
			clear(e[:])
			r.evidences(e, level)
			for n, v := range e {
				e[n] = math.Exp(min(v, 300))
				mean[n] += e[n] / Levels
			}
		}
		for n, v := range mean {
			promise[n] += math.Log(1 - before + before*v)
		}
	}
	// A closer look at the noises that promise most without regard to how common levels are, and that are not next to each other.
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

// header tries to read the header from the frames that follow a lock, at most so many. A header whose tag is right comes with an error if it
// cannot be used.
func (l *listener) header(k lock, most int) (*header, error) {
	t := l.newStretch(blockFrames)
	y := make([]float64, FrameLength)
	j := new(judgement)
	for p := range profiles {
		r := newReader(p, l.tables[p])
		sum := make([]float32, l.code.code.Len())
		// The frame before may be there in part.
		k := k
		if k.at > 0 {
			k.at -= FrameLength
			k.word = (k.word + words - 1) % words
		}
		count := int((l.source.Frames() - k.at + FrameLength - 1) / FrameLength)
		for at, blocks := 0, 1; at < count; blocks++ {
			frames := min(blockFrames, count-at)
			if err := errors.Join(t.load(l.source, k.at+int64(at)*FrameLength), l.ctx.Err()); err != nil {
				return nil, err
			}
			j.judge(r, frames, func(i int) {
				t.frame(y, r.quiet[:], &k, i)
				r.know(y, nil, &l.words[(k.word+at+i)%words], 0, nil, nil)
			})
			for i := range frames {
				t.frame(y, r.quiet[:], &k, i)
				word := (k.word + at + i) % words
				for level, likely := range j.levels[i] {
					if likely > 0.01 {
						r.addHeader(sum, y, &l.words[word], word, &l.code, level, j.noise, float32(likely))
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
