package lattice

import (
	"cmp"
	"context"
	"math"
	"slices"

	"ditas/internal/carrier"
	"ditas/internal/dsp"
	"ditas/internal/parallel"
)

// lock says where a frame begins in a recording, which word it has, and what has become of the amplitude since: a sample y was
// (y − offset)/gain.
type lock struct {
	channel      int
	at           int64
	word         int
	gain, offset float64
}

// acquirer finds frames by their synchronisation words. What it looks at is the sum of unit vectors whose angles are the phases
// of pilots: long where everything fits, a random walk elsewhere. It looks at lengths only, so that a constant offset of the
// samples, which turns all vectors alike, does no harm.
type acquirer struct {
	words   *[words]word
	workers int
	fft     *dsp.FFT[float32]
	// template[w] is the conjugate spectrum of the unit vectors of word w in their places.
	re, im [words][]float32
}

const window = 2 * FrameLength

func newAcquirer(w *[words]word, workers int) (*acquirer, error) {
	fft, err := dsp.NewFFT[float32](window)
	if err != nil {
		return nil, err
	}
	return &acquirer{words: w, workers: workers, fft: fft}, nil
}

// prepare computes the templates once they are needed.
func (a *acquirer) prepare() {
	if a.re[0] != nil {
		return
	}
	for i := range a.words {
		re, im := make([]float32, window), make([]float32, window)
		for _, p := range a.words[i].sync {
			sin, cos := math.Sincos(2 * math.Pi * p.dither)
			re[p.at], im[p.at] = float32(cos), float32(sin)
		}
		a.fft.Forward(re, im)
		for k := range im {
			im[k] = -im[k]
		}
		a.re[i], a.im[i] = re, im
	}
}

// Steps of strong symbols that are tried, as quarters of an octave above 2 units, and the finer ones for recordings whose gain has
// changed: a hundredth apart, and up to 12 dB beyond on both sides.
const (
	lowestStrong, highestStrong = 6, 60
	gainRange                   = 9
	gainSteps                   = 40
	// smallest bounds the samples that are looked at while the gain is uncertain, in steps: a gain that is wrong by half a
	// hundredth turns larger ones too far.
	smallest = 40
)

// circle holds the unit vectors of all phases.
var circle = func() (c [phases][2]float32) {
	for p := range c {
		sin, cos := math.Sincos(2 * math.Pi * (float64(p) + 0.5) / phases)
		c[p] = [2]float32{float32(cos), float32(sin)}
	}
	return c
}()

// length returns the squared length of the sum of a word's vectors over their number, which is 1 on average where there is
// nothing. Samples beyond bound, or that are silent, are left out; sign turns the polarity. It is 0 if too few are left.
func length(y []float64, w *word, inverse, bound, sign float64) float64 {
	var re, im float32
	n := 0
	for _, p := range w.sync {
		v := y[p.at]
		if v == 0 || v > bound || v < -bound {
			continue
		}
		c := circle[phase(v*inverse, sign*p.dither)]
		re += c[0]
		im += c[1]
		n++
	}
	if n < syncPilots/3 {
		return 0
	}
	return float64(re*re+im*im) / float64(n)
}

// alignedFrames is how many frames the search at known places looks at.
const alignedFrames = 96

// nothing and spread are mean and standard deviation of the largest of a number of lengths where there is nothing: lengths are
// exponentially distributed, so that the largest of n is ln n + 0.58 ± 1.28 (Gumbel's distribution).
func nothing(n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	return math.Log(float64(n)) + 0.5772
}

const spread = 1.2825

// aligned looks for frames that begin where they were written: at multiples of their length. With scales set it looks for changed
// gain and polarity as well. It returns the likeliest locks, the best first, with their scores.
func (a *acquirer) aligned(ctx context.Context, s *carrier.Host, scales bool) ([]candidate, error) {
	n := int(min(alignedFrames, s.Frames()/FrameLength))
	if n == 0 {
		return nil, nil
	}
	buf := make([][]float64, s.Channels())
	for c := range buf {
		buf[c] = make([]float64, n*FrameLength)
	}
	if err := s.Read(buf, 0); err != nil {
		return nil, err
	}
	fractions, beyond, signs, bound := 1, 0, []float64{1}, 0.0
	if scales {
		fractions, beyond, signs, bound = gainSteps, gainRange, []float64{1, -1}, smallest
	}
	// The first frames that are not silent.
	first := make([]int, s.Channels())
	for c := range first {
		for first[c] < n-1 && usual(buf[c][first[c]*FrameLength:][:FrameLength]) == 0 {
			first[c]++
		}
	}
	results := make([][words]candidate, s.Channels()*fractions*len(signs))
	parallel.Each(a.workers, len(results), func(_, task int) {
		if ctx.Err() != nil {
			return
		}
		c, f, sign := task%s.Channels(), task/s.Channels()%fractions, signs[task/s.Channels()/fractions]
		steps := highestStrong - lowestStrong + 2*beyond
		// How far the largest length of each frame and word is above what it is where there is nothing, NaN if unknown.
		scores := make([][words]float64, n)
		for k := range n {
			y := buf[c][k*FrameLength:][:FrameLength]
			for w := range words {
				best, tried := 0.0, 0
				for q := range steps {
					step := quarters(lowestStrong-beyond+q) * 2 * unit * math.Exp2(float64(f)/(4*gainSteps))
					limit := math.Inf(1)
					if bound > 0 {
						limit = bound * step
					}
					if v := length(y, &a.words[w], 1/step, limit, sign); v > 0 {
						best = max(best, v)
						tried++
					}
				}
				scores[k][w] = best - nothing(tried)
			}
		}
		// Frames may become weaker; any beginning of the recording may be the best one to judge by.
		for start := range words {
			r := &results[task][start]
			r.score = math.Inf(-1)
			sum, count := 0.0, 0
			for k := range n {
				if v := scores[k][(start+k)%words]; v == v {
					sum += v
					count++
				}
				if count < 4 || count&(count-1) != 0 && k != n-1 {
					continue
				}
				score := sum / (spread * math.Sqrt(float64(count)))
				if score > r.score {
					r.score = score
					r.lock = lock{channel: c, at: int64(first[c]) * FrameLength, word: (start + first[c]) % words, gain: sign * math.Exp2(float64(f)/(4*gainSteps))}
				}
			}
		}
	})
	var found []candidate
	for i := range results {
		found = append(found, results[i][:]...)
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return found[:min(len(found), mostCandidates)], ctx.Err()
}

// candidate is a lock that may be one, and by how many standard deviations it stands out.
type candidate struct {
	lock
	score float64
}

// mostCandidates is how many candidates are worth trying: as many as there are words, since in noise the right one may be any.
const mostCandidates = words

// accepted is the score from which on a lock is worth much effort. A header that is right says whether it was one.
const accepted = 4.5

// searchFrames is how many frames in a row the search at unknown places looks at, and shortFrames how many have to do where a
// piece is short.
const (
	searchFrames = 8
	shortFrames  = 3
)

// search looks for frames that begin anywhere in one channel from frame from on, among the first searchFrames+1 frames. It
// returns the best lock and by how much it stands out. y was normalised by the gain and offset of like.
func (a *acquirer) search(ctx context.Context, s *carrier.Host, like lock, from int64) (lock, float64, error) {
	a.prepare()
	buf := make([][]float64, s.Channels())
	for c := range buf {
		buf[c] = make([]float64, (searchFrames+1)*FrameLength)
	}
	if err := s.Read(buf, from); err != nil {
		return lock{}, 0, err
	}
	y := buf[like.channel]
	for i, v := range y {
		if v != 0 {
			y[i] = (v - like.offset) / like.gain
		}
	}
	const steps = highestStrong - lowestStrong
	// best[q][w][o] is the largest length, over all steps, of word w at offset o of frame q.
	best := make([][words][FrameLength]float32, searchFrames)
	type scratch struct{ zr, zi, re, im []float32 }
	places := make([]scratch, a.workers)
	parallel.Each(a.workers, searchFrames, func(at, q int) {
		p := &places[at]
		if p.zr == nil {
			*p = scratch{make([]float32, window), make([]float32, window), make([]float32, window), make([]float32, window)}
		}
		x := y[q*FrameLength:][:window]
		if usual(x) == 0 {
			return
		}
		for step := range steps {
			if ctx.Err() != nil {
				return
			}
			inverse := 1 / (quarters(lowestStrong+step) * 2 * unit)
			for i, v := range x {
				p.zr[i], p.zi[i] = 0, 0
				if v != 0 {
					c := &circle[phase(v*inverse, 0)]
					p.zr[i], p.zi[i] = c[0], c[1]
				}
			}
			a.fft.Forward(p.zr, p.zi)
			for w := range words {
				tr, ti := a.re[w], a.im[w]
				for k, r := range p.zr {
					i := p.zi[k]
					p.re[k] = r*tr[k] - i*ti[k]
					p.im[k] = r*ti[k] + i*tr[k]
				}
				a.fft.Forward(p.im, p.re) // the inverse, times the number of points
				b := &best[q][w]
				for o := range b {
					if v := p.re[o]*p.re[o] + p.im[o]*p.im[o]; v > b[o] {
						b[o] = v
					}
				}
			}
		}
	})
	const scale = 1.0 / (window * float64(window) * syncPilots)
	found, top := lock{}, math.Inf(-1)
	for w := range words {
		for o := range FrameLength {
			for _, run := range []int{shortFrames, searchFrames} {
				for q := 0; q+run <= searchFrames; q++ {
					sum := 0.0
					for i := range run {
						sum += float64(best[q+i][(w+i)%words][o])
					}
					score := (sum*scale - float64(run)*nothing(steps)) / (spread * math.Sqrt(float64(run)))
					if score > top {
						top = score
						found = like
						found.at, found.word = from+int64(q*FrameLength+o), w
					}
				}
			}
		}
	}
	return found, top, ctx.Err()
}

// refine finds a lock's gain and offset exactly, from the frames that follow it: those that turn the pilots' phases alike, for
// samples that may be larger and larger.
func (a *acquirer) refine(s *carrier.Host, l lock) (lock, error) {
	n := int(min(alignedFrames, (s.Frames()-l.at)/FrameLength))
	buf := make([][]float64, s.Channels())
	for c := range buf {
		buf[c] = make([]float64, n*FrameLength)
	}
	if err := s.Read(buf, l.at); err != nil {
		return l, err
	}
	sign := math.Copysign(1, l.gain)
	y := buf[l.channel]
	for i := range y {
		y[i] *= sign
	}
	gain := math.Abs(l.gain)
	steps := make([]float64, n) // of the strong symbols of each frame, before the gain
	levels := func(bound float64) {
		for k := range n {
			best := -1.0
			for q := lowestStrong - gainRange; q < highestStrong+gainRange; q++ {
				step := quarters(q) * 2 * unit
				v := length(y[k*FrameLength:][:FrameLength], &a.words[(l.word+k)%words], 1/(step*gain), bound*step*gain, 1)
				if v > best {
					best, steps[k] = v, step
				}
			}
		}
	}
	total := func(gain, bound float64) float64 {
		sum := 0.0
		for k, step := range steps {
			sum += length(y[k*FrameLength:][:FrameLength], &a.words[(l.word+k)%words], 1/(step*gain), bound*step*gain, 1)
		}
		return sum
	}
	reach := 0.0025
	for bound := float64(smallest); ; bound *= 3 {
		levels(bound)
		around, best, top := gain, gain, -1.0
		for i := -24; i <= 24; i++ {
			g := around * (1 + reach*float64(i)/24)
			if v := total(g, bound); v > top {
				best, top = g, v
			}
		}
		gain = best
		if bound > 1e5 {
			break
		}
		reach /= 2.5
	}
	// Levels are quarters of an octave apart in both: the gain is known but for a number of them, which the fine lattice
	// settles. Here it is only brought into the range that is possible.
	l.gain = sign * gain

	offset, top := 0.0, -1.0
	finest := math.Inf(1)
	for _, step := range steps {
		finest = min(finest, step)
	}
	const farthest = 0.05
	around := func(v float64) {
		re := 0.0
		for k, step := range steps {
			w := &a.words[(l.word+k)%words]
			for _, p := range w.sync {
				if x := y[k*FrameLength+int(p.at)]; x != 0 {
					re += float64(circle[phase((x-v)/(step*gain), p.dither)][0])
				}
			}
		}
		// The nearer to none, the likelier.
		re -= math.Abs(v) * 1e-3
		if re > top {
			offset, top = v, re
		}
	}
	for v := 0.0; v < farthest; v += finest * gain / 24 {
		around(v)
		around(-v)
	}
	for d, v := finest*gain/48, offset; d > finest*gain/1000; d /= 2 {
		around(v - d)
		around(v + d)
		v = offset
	}
	if math.Abs(offset) < finest*gain/64 {
		offset = 0
	}
	l.offset = sign * offset
	return l, nil
}
