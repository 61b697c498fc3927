package lattice

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/dsp"
	"ditas/internal/parallel"
)

// lock says where a frame of a recording begins in a channel, and what has become of the amplitude since: a sample
// y was (y − offset)/gain.
type lock struct {
	channel      int
	at           int64
	set, lane, k int
	gain, offset float64
}

// candidate is a lock that may be one, and the evidence for it in nats.
type candidate struct {
	lock
	score float64
}

// falseAlarm is the probability that a recording in which nothing is hidden under a key passes for one in which
// there is.
//
// Each part of the search has a share of it. A part that tries n hypotheses takes one of them for true if its
// evidence exceeds [threshold](n). Of two kinds of evidence both hold for any recording, since pilots' dithers are
// uniform and independent of it:
//
//   - a likelihood ratio, whose mean is 1 if there is nothing, exceeds x with a probability of 1/x at most (Markov),
//     however often one looks at it while it grows (Ville);
//   - the squared length of the sum of n unit vectors over n exceeds x with a probability of about e^−x (Rayleigh), and
//     less where n is small.
const falseAlarm, searchParts = 1e-9, 64

// threshold returns the evidence, in nats, from which on one of n hypotheses is taken for true.
func threshold(n float64) float64 { return math.Log(n * searchParts / falseAlarm) }

// acquirer finds frames by their pilots.
type acquirer struct {
	marker  *marker
	source  *carrier.Host
	workers int
	window  window
	// correlators of the sizes that were needed so far.
	correlators map[int]*dsp.Correlator
	stock       stock
	spectrum    spectrum
	spare       [][]float32 // planes that were given back
	spent       int64       // by searches at unknown places: samples of templates, about
}

func newAcquirer(m *marker, s *carrier.Host, workers int) *acquirer {
	return &acquirer{marker: m, source: s, workers: workers, correlators: make(map[int]*dsp.Correlator)}
}

func (a *acquirer) correlator(points int) *dsp.Correlator {
	if a.correlators[points] == nil {
		c, err := dsp.NewCorrelator(points)
		if err != nil {
			panic("lattice: " + err.Error()) // sizes are our own
		}
		a.correlators[points] = c
	}
	return a.correlators[points]
}

// free forgets all but the window.
func (a *acquirer) free() { a.stock, a.spectrum, a.spare = stock{}, spectrum{}, nil }

// plane returns so many zeros, which are given back by appending them to spare.
func (a *acquirer) plane(points int) []float32 {
	for i, p := range a.spare {
		if len(p) == points {
			a.spare = slices.Delete(a.spare, i, i+1)
			clear(p)
			return p
		}
	}
	return make([]float32, points)
}

// stock holds what the pilots of all sets in the first frames of a lane are made of, since several searches ask for
// them.
type stock struct {
	lane, frames int
	bits         []syncBits // frame by frame, set by set
}

// maxStock is the largest number of frames of a stock, which takes 7 KiB for each.
const maxStock = 1 << 12

// stockUp sees to it that the stock holds so many frames of a lane, or as many as it can.
func (a *acquirer) stockUp(ctx context.Context, lane, frames int) error {
	frames = min(frames, maxStock)
	if a.stock.lane != lane {
		a.stock.lane, a.stock.frames = lane, 0
	}
	from := a.stock.frames
	if frames <= from {
		return nil
	}
	a.stock.bits = slices.Grow(a.stock.bits[:from*sets], (frames-from)*sets)[:frames*sets]
	parallel.Each(a.workers, frames-from, func(_, i int) {
		if ctx.Err() != nil {
			return
		}
		for set := range sets {
			a.marker.syncBits(&a.stock.bits[(from+i)*sets+set], set, lane, from+i)
		}
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	a.stock.frames = frames
	return nil
}

// pilots writes those of frame k of a lane.
func (a *acquirer) pilots(dst *[syncPilots]pilot, l setLane, k int) {
	if l.lane == a.stock.lane && k < a.stock.frames {
		syncOf(dst, &a.stock.bits[k*sets+l.set])
		return
	}
	a.marker.sync(dst, l.set, l.lane, k)
}

// window is a piece of a recording: samples of the first channels in units, NaN where they carry nothing.
type window struct {
	from    int64
	samples [][]float32
}

// A window has at most so many samples of a channel, and of all channels together.
const (
	maxWindow   = 1 << 20
	maxSamples  = 1 << 23
	maxChannels = 8 // that are searched
)

// load makes the window that of the given place.
func (a *acquirer) load(ctx context.Context, from int64) error {
	channels := min(a.source.Channels(), maxChannels)
	return a.fill(ctx, 0, channels, from, min(maxWindow, maxSamples/channels))
}

// stretch makes the window samples of one channel alone.
func (a *acquirer) stretch(ctx context.Context, channel int, from int64, length int) error {
	return a.fill(ctx, channel, 1, from, length)
}

// fill makes the window that of some channels.
func (a *acquirer) fill(ctx context.Context, first, channels int, from int64, most int) error {
	s := a.source
	length := int(max(0, min(int64(most), s.Frames()-from)))
	a.window.from = from
	a.window.samples = a.window.samples[:0]
	for range channels {
		a.window.samples = append(a.window.samples, make([]float32, length))
	}
	const block, margin = 1 << 14, carrier.SilenceRun
	buf, quiet := audio.NewBlock(s.Channels(), block+2*margin), make([]bool, block)
	for at := 0; at < length; at += block {
		if err := errors.Join(s.Read(buf, from+int64(at)-margin), ctx.Err()); err != nil {
			return err
		}
		for c, y := range a.window.samples {
			part := y[at:min(at+block, length)]
			x := buf[first+c]
			carrier.MarkSilence(quiet, x, margin, margin+len(part))
			for i := range part {
				v := float32(x[margin+i] / unit)
				if quiet[i] || v-v != 0 {
					v = float32(math.NaN())
				}
				part[i] = v
			}
		}
	}
	return nil
}

// usable returns the numbers of the first frames of a channel of the window, cut from its first sample on, that are
// not silent, at most so many.
func (w *window) usable(channel, most int) (frames []int) {
	y := w.samples[channel]
	for k := 0; (k+1)*FrameLength <= len(y) && len(frames) < most; k++ {
		count := 0
		for _, v := range y[k*FrameLength:][:FrameLength] {
			if v == v {
				count++
			}
		}
		if count > FrameLength/8 {
			frames = append(frames, k)
		}
	}
	return frames
}

// loudest returns the numbers of the loudest frames of a channel of the window, the loudest first, at most so many.
func (w *window) loudest(channel, most int) []int {
	frames, y := w.usable(channel, maxWindow/FrameLength), w.samples[channel]
	power := make(map[int]float32, len(frames))
	for _, k := range frames {
		for _, v := range y[k*FrameLength:][:FrameLength] {
			if v == v {
				power[k] += v * v
			}
		}
	}
	slices.SortStableFunc(frames, func(a, b int) int { return cmp.Compare(power[b], power[a]) })
	return frames[:min(len(frames), most)]
}

// pair is a channel and a lane that may be in it.
type pair struct{ channel, lane int }

// circle holds the unit vectors of all phases.
var circle = func() (c [phases][2]float32) {
	for p := range c {
		sin, cos := math.Sincos(2 * math.Pi * (float64(p) + 0.5) / phases)
		c[p] = [2]float32{float32(cos), float32(sin)}
	}
	return c
}()

// kinds is the number of densities that pilots' phases may have.
const kinds = 3

// pilotLogs holds log-densities of phases, relative to the uniform one: those of von Mises with the concentrations
// that pilots have in strong noise, in little noise on the strong lattice, and on the fine one.
var pilotLogs = func() (t [phases][kinds + 1]float32) {
	for i, concentration := range [kinds]float64{0.5, 1.3, 4} {
		mean := 0.0
		for p := range t {
			mean += math.Exp(concentration*float64(circle[p][0])) / phases
		}
		for p := range t {
			t[p][i] = float32(concentration*float64(circle[p][0]) - math.Log(mean))
		}
	}
	return t
}()

// trial is what speaks for a set in a pair whose frames lie where they were written.
type trial struct {
	pair
	set, frames int
	// sums are log-likelihood ratios under which the octaves of all frames are one or its neighbour, and as many frames are not there as
	// each entry of absence says.
	sums [len(absence)][octaves][kinds]evidence
}

// evidence is a sum of logarithms, of which those of the last factors have not been taken yet: one of their product takes less time. The zero
// value is a sum of none.
type evidence struct {
	sum     float64
	product float64 // 0 stands for 1
}

// add adds the logarithm of a factor between 1e-50 and 1e100.
func (e *evidence) add(factor float64) {
	if e.product != 0 {
		factor *= e.product
	}
	if e.product = factor; factor > 1e200 || factor < 1e-200 {
		e.sum, e.product = e.total(), 1
	}
}

func (e *evidence) total() float64 {
	if e.product == 0 {
		return 0
	}
	return e.sum + math.Log(e.product)
}

// absence is how likely a frame is not there: hardly ever, but for recordings of which most was left alone since its change would be heard.
var absence = [...]float64{0.05, 0.8}

// extend looks at the next of some frames of y, which begins with frame first of the recording, up to a number of them.
func (t *trial) extend(m *marker, y []float32, first int, frames []int, upto int) {
	for ; t.frames < min(upto, len(frames)); t.frames++ {
		k := frames[t.frames]
		t.look(m, y[k*FrameLength:], first+k)
	}
}

// look looks at frame k.
func (t *trial) look(m *marker, y []float32, k int) {
	var pilots [syncPilots]pilot
	m.sync(&pilots, t.set, t.lane, k)
	var logs [octaves + 1][kinds + 1]float32
	for i := range pilots {
		v := y[pilots[i].at]
		if v != v {
			continue
		}
		w := uint32(int64(float64(v)*(1<<octaves))) - pilots[i].u
		for h := 1; h <= octaves; h++ {
			l, p := &logs[h], &pilotLogs[w<<(octaves-h)>>24]
			l[0] += p[0]
			l[1] += p[1]
			l[2] += p[2]
		}
	}
	for kind := range kinds {
		last := math.Exp(float64(logs[1][kind]))
		for h := 1; h < octaves; h++ {
			next := math.Exp(float64(logs[h+1][kind]))
			for i, absent := range absence {
				t.sums[i][h][kind].add(absent + (1-absent)/2*(last+next))
			}
			last = next
		}
	}
}

// add looks at the frames of a stretch, the first of which is frame k.
func (t *trial) add(l *listener, s *stretch, at *lock, k int) {
	y, quiet := make([]float64, FrameLength), make([]bool, FrameLength)
	x := make([]float32, FrameLength)
	for i := range blockFrames {
		s.frame(y, quiet, at, i)
		for j, v := range y {
			if x[j] = float32(v / unit); quiet[j] {
				x[j] = float32(math.NaN())
			}
		}
		t.look(l.marker, x, k+i)
	}
}

// score returns the logarithm of the mean of all likelihood ratios.
func (t *trial) score() float64 {
	const count = len(absence) * (octaves - 1) * kinds
	totals := make([]float64, 0, count)
	for i := range t.sums {
		for h := 1; h < octaves; h++ {
			for kind := range kinds {
				totals = append(totals, t.sums[i][h][kind].total())
			}
		}
	}
	top, sum := slices.Max(totals), 0.0
	for _, v := range totals {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum/float64(count))
}

// alignedFrames is how many frames the search at known places looks at.
const alignedFrames = 128

// aligned looks for frames that lie where they were written, in pairs, among those frames of the window that choose returns, at most so many. The
// window begins where a frame does. It looks at more and more of them and returns as soon as there is one for sure, and the likeliest ones if
// there is none. The best come first.
func (a *acquirer) aligned(
	ctx context.Context, pairs []pair, choose func(w *window, channel, most int) []int, most int,
) (found []candidate, sure bool, err error) {
	first := int(a.window.from / FrameLength)
	trials := make([]trial, 0, len(pairs)*sets)
	usable := make([][]int, len(a.window.samples))
	for _, p := range pairs {
		if usable[p.channel] == nil {
			usable[p.channel] = choose(&a.window, p.channel, most)
		}
		for set := range sets {
			trials = append(trials, trial{pair: p, set: set})
		}
	}
	limit := threshold(float64(len(trials)))
	for frames := 4; ; frames = min(4*frames, most) {
		parallel.Each(a.workers, len(trials), func(_, i int) {
			if t := &trials[i]; ctx.Err() == nil {
				t.extend(a.marker, a.window.samples[t.channel], first, usable[t.channel], frames)
			}
		})
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		found = found[:0]
		for i := range trials {
			t := &trials[i]
			if frames := usable[t.channel]; len(frames) > 0 {
				k := slices.Min(frames)
				at := a.window.from + int64(k)*FrameLength
				l := lock{channel: t.channel, at: at, set: t.set, lane: t.lane, k: first + k, gain: 1}
				found = append(found, candidate{l, t.score()})
			}
		}
		slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
		if len(found) == 0 {
			return nil, false, nil
		}
		if found[0].score > limit || frames == most {
			return found[:min(len(found), mostCandidates)], found[0].score > limit, nil
		}
	}
}

// mostCandidates is how many of the likeliest locks are worth trying where none is for sure: in noise the right one
// may not stand out, and a header that is right tells.
const mostCandidates = 4

// Samples are looked at, where the gain is unknown, that lie below scaledReach steps, in bins of 1/scaledBins steps.
const (
	scaledReach  = 64
	scaledBins   = 64
	scaledPoints = 2 * scaledReach * scaledBins
	scaledFrames = 128
	// scaledPieces is how many lengths of the beginning of a recording with fewer frames are looked at, each twice the
	// one before, since a piece may be missing behind it.
	scaledPieces = 3
	// alias is how much lower a sum may be than one of which it may be the true one.
	alias = 0.6
	// Gains that are looked for.
	leastGain, mostGain = 1.0 / 16, 8
)

// inverseOctaves are 2^−h.
var inverseOctaves = func() (of [octaves]float64) {
	for h := range of {
		of[h] = math.Exp2(float64(-h))
	}
	return of
}()

// scaled looks for frames that lie where they were written but are louder, fainter, upside down or off zero. A sum
// of unit vectors whose angles are samples times a frequency, less dithers, is long at that of the lattice: for all
// frequencies at once it is a Fourier transform of the dithers' vectors, added up by the samples that they belong
// to. It returns the likeliest locks that are interesting, and how many it tried.
func (a *acquirer) scaled(ctx context.Context, pairs []pair) (found []candidate, tried float64, err error) {
	fft := a.correlator(scaledPoints)
	places := make([]*scaledSums, a.workers)
	results := make([]candidate, len(pairs)*sets)
	usable := make([][]int, len(a.window.samples))
	for _, p := range pairs {
		usable[p.channel] = a.window.usable(p.channel, scaledFrames)
	}
	tried = float64(len(pairs) * sets * octaves * scaledPoints / 2 * scaledPieces)
	limit := math.Log(interesting * tried)
	parallel.Each(a.workers, len(results), func(worker, i int) {
		if ctx.Err() != nil {
			return
		}
		if places[worker] == nil {
			places[worker] = newScaledSums()
		}
		w, p, set := places[worker], pairs[i/sets], i%sets
		frames := usable[p.channel]
		w.clear()
		pieces := scaledPieces
		if len(frames) == scaledFrames {
			pieces = 1
		}
		for piece, from := pieces-1, 0; piece >= 0; piece-- {
			upto := len(frames) >> piece
			a.sumScaled(w, p, set, frames[from:upto])
			from = upto
			if gain, score := a.likeliestGain(w, fft, limit); score > results[i].score {
				at := a.window.from + int64(frames[0])*FrameLength
				results[i] = candidate{lock{p.channel, at, set, p.lane, frames[0], gain, 0}, score}
			}
		}
	})
	for _, r := range results {
		if r.score > 0 {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return found[:min(len(found), mostCandidates)], tried, ctx.Err()
}

// scaledSums are sums over pilots for each octave of steps: entry x has those whose samples are x/scaledBins steps.
type scaledSums struct {
	re, im [octaves][]float32 // nil for octaves that are not tried
	count  [octaves]int       // of pilots
	// transformed is the place for a transform.
	transformed [2][]float32
}

func newScaledSums() *scaledSums {
	w := &scaledSums{transformed: [2][]float32{make([]float32, scaledPoints), make([]float32, scaledPoints)}}
	for h := 2; h < octaves; h++ {
		w.re[h], w.im[h] = make([]float32, scaledPoints), make([]float32, scaledPoints)
	}
	return w
}

func (w *scaledSums) clear() {
	w.count = [octaves]int{}
	for h := range w.re {
		clear(w.re[h])
		clear(w.im[h])
	}
}

// sumScaled adds the pilots of frames, if they are those of a set.
func (a *acquirer) sumScaled(w *scaledSums, p pair, set int, frames []int) {
	y := a.window.samples[p.channel]
	var pilots [syncPilots]pilot
	for _, k := range frames {
		a.pilots(&pilots, setLane{set, p.lane}, k)
		for j := range pilots {
			v := float64(y[k*FrameLength+int(pilots[j].at)])
			for h := octaves - 1; h >= 2; h-- {
				x := v * inverseOctaves[h]
				if !(math.Abs(x) < scaledReach-1) {
					break
				}
				c := &circle[pilots[j].u<<(octaves-h)>>24]
				// Rounded to the nearest bin, the sum being positive.
				bin := int(x*scaledBins+(scaledPoints+0.5)) & (scaledPoints - 1)
				w.re[h][bin] += c[0]
				w.im[h][bin] += c[1]
				w.count[h]++
			}
		}
	}
}

// likeliestGain returns the gain for which sums speak most, and how much: nothing if that is below a limit.
func (a *acquirer) likeliestGain(w *scaledSums, fft *dsp.Correlator, limit float64) (gain, score float64) {
	finest := 2 * carrier.GridOf(a.source.Format()).Step / unit
	for h := 2; h < octaves; h++ {
		if w.count[h] < syncPilots {
			continue
		}
		res, ims := w.transformed[0], w.transformed[1]
		copy(res, w.re[h])
		copy(ims, w.im[h])
		fft.Forward(res, ims)
		least := float32(limit * float64(w.count[h]))
		for at, re := range res {
			im := ims[at]
			if re*re+im*im < least {
				continue
			}
			v := float64(re*re+im*im) / float64(w.count[h])
			k := fft.Bin(at)
			if k > scaledPoints/2 {
				k -= scaledPoints
			}
			tried := scaledPoints / (scaledBins * float64(k))
			g := math.Abs(tried)
			if g < max(leastGain, finest*math.Exp2(float64(-h))) || g > mostGain {
				continue
			}
			// Samples that are multiples of something have such sums at higher frequencies as well.
			need := score
			switch last := math.Abs(gain); {
			case last > 0 && g > 1.4*last:
				need *= alias
			case last > 1.4*g:
				need /= alias
			}
			if v > need {
				gain, score = tried, v
			}
		}
	}
	return gain, score
}
