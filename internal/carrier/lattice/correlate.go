package lattice

import (
	"cmp"
	"context"
	"math"
	mathbits "math/bits"
	"slices"

	"ditas/internal/parallel"
)

// hypothesis is what a search at unknown places takes for granted: which lattice pilots stand on in a channel whose
// gain and offset are known, and which frames of which sets and lanes may be there.
type hypothesis struct {
	channel      int
	gain, offset float64
	octave       int // the lattice's step is 2^octave units
	// bound, if not 0, is the number of steps beyond which samples are left out, where the gain is not known exactly.
	bound float64
	// coherence is what is expected of the square of the mean of pilots' vectors; 0 stands for that in little noise.
	coherence   float64
	sets, lanes []int
	first, last int // frames
}

// Peaks of correlations are expected to reach wanted where everything fits, and are verified from interesting on,
// at most mostPeaks of them.
const (
	wanted      = 36
	coherence   = 0.6 // of pilots, squared, in little noise
	mostPeaks   = 24
	leastPoints = 1 << 12
	// mostPoints bounds the points of all transforms of one search, twice as many if they are small. A piece of a
	// recording is looked for in one that was at least longest samples long, or reachFactor times as long as the
	// piece, unless that exceeds it.
	mostPoints  = 1 << 21
	smallPoints = 1 << 14
	longest     = 1 << 21
	reachFactor = 4
)

// peak is a place at which a correlation is high: that of a group of templates.
type peak struct {
	group, lag int
	score      float64
}

// group is what is correlated with a window at once: templates of several sets and lanes, from sample first up to
// last of the written recording, added up, and folded into as many points as the transform has. In place of one
// high peak there is a lower one, high enough still, for a fraction of the work.
type group struct {
	lanes       []setLane
	first, last int64
}

type setLane struct{ set, lane int }

// search is one search at unknown places.
type search struct {
	*acquirer
	hypothesis
	y      []float32 // of the channel, gain and offset undone, in units
	count  int       // of the pilots that are expected in all of y
	points int
	groups []group
	reach  int64 // the number of places that are looked at
	peaks  []peak
}

// correlate looks in length samples of the window, from sample from of it on, for frames that may have been written
// anywhere. It returns the likeliest lock, whose at is that of the file, and whether it is sure.
func (a *acquirer) correlate(ctx context.Context, h hypothesis, from, length int) (candidate, bool, error) {
	s := search{acquirer: a, hypothesis: h}
	whole := a.window.samples[h.channel]
	from = min(from, len(whole))
	length = min(length, len(whole)-from, maxWindow)
	if !s.prepare(whole[from:][:length]) {
		return candidate{}, false, nil
	}
	defer func() { s.spare = append(s.spare, s.y) }()
	s.divide()
	if len(h.sets) == sets && len(h.lanes) == 1 && h.first == 0 {
		last := s.groups[len(s.groups)-1].last
		if err := s.stockUp(ctx, h.lanes[0], int(last/FrameLength)); err != nil {
			return candidate{}, false, err
		}
	}
	if err := s.correlate(ctx); err != nil {
		return candidate{}, false, err
	}
	best, sure, err := s.verify(ctx)
	best.at += a.window.from + int64(from)
	return best, sure, err
}

// prepare undoes gain and offset, and reports whether enough is left.
func (s *search) prepare(y []float32) bool {
	s.points = max(leastPoints, 1<<mathbits.Len(uint(len(y)-1)))
	s.y = s.plane(len(y))
	inverse, offset := float32(1/s.gain), float32(s.offset/unit)
	bound := float32(math.Inf(1))
	if s.bound > 0 {
		bound = float32(s.bound * math.Exp2(float64(s.octave)))
	}
	count := 0
	for i, v := range y {
		v = (v - offset) * inverse
		if v > bound || v < -bound {
			v = float32(math.NaN())
		}
		if s.y[i] = v; v == v {
			count++
		}
	}
	s.count = count * syncPilots / FrameLength
	return s.count >= syncPilots
}

// divide decides what is correlated together.
func (s *search) divide() {
	expected := coherence
	if s.coherence > 0 {
		expected = s.coherence
	}
	most := max(1, int(expected*float64(s.count)/wanted)) // templates in a group
	all := make([]setLane, 0, len(s.sets)*len(s.lanes))
	for _, lane := range s.lanes {
		for _, set := range s.sets {
			all = append(all, setLane{set, lane})
		}
	}
	// As far as the time allows that there is.
	n := len(s.y)
	budget := int64(mostPoints)
	if s.points <= smallPoints {
		budget *= 2
	}
	reach := max(2*int64(n), min(max(longest, reachFactor*int64(n)), budget*int64(most)/int64(len(all))))
	first := int64(s.first) * FrameLength
	total := min(reach, int64(s.last-s.first)*FrameLength)
	s.reach = total + int64(n)
	folds := int((total + int64(s.points) - 1) / int64(s.points))
	if folds > most && most <= 2 && s.points*4 <= maxWindow {
		s.points *= 4
		folds = int((total + int64(s.points) - 1) / int64(s.points))
	}
	span := min(folds, most)
	each := min(len(all), max(1, most/span)) // sets and lanes in a group
	step := int64((span*s.points - n) &^ (FrameLength - 1))
	if span == folds {
		step = total
	} else if step < int64(s.points)/2 {
		// What is correlated at once has to be longer than the window.
		span++
		step = int64((span*s.points - n) &^ (FrameLength - 1))
	}
	for at := int64(0); at < total; at += step {
		last := min(total, at+int64(span*s.points))
		for i := 0; i < len(all); i += each {
			s.groups = append(s.groups, group{all[i:min(len(all), i+each)], first + at, first + last})
		}
	}
	const transform = 8 // times the work of a sample of a template, for each point
	for _, g := range s.groups {
		s.spent += (g.last-g.first)*int64(len(g.lanes)) + transform*int64(s.points)
	}
}

// spectrum is the transform of a group of templates at an octave.
type spectrum struct {
	points, octave int
	group          group
	re, im         []float32
	count          int // of pilots
}

// holds reports whether p is the spectrum of a group.
func (p *spectrum) holds(points, octave int, g *group) bool {
	return p.points == points && p.octave == octave && p.group.first == g.first && p.group.last == g.last &&
		slices.Equal(p.group.lanes, g.lanes)
}

// correlate correlates the window with all groups, and notes the highest peaks. Where there is one group only, its
// spectrum is kept for the next search, which may be for the same one.
func (s *search) correlate(ctx context.Context) error {
	fft := s.correlator(s.points)
	zr, zi := s.plane(s.points), s.plane(s.points)
	scale := math.Exp2(float64(32 - s.octave))
	for i, v := range s.y {
		if v == v {
			c := &circle[uint32(int64(float64(v)*scale))>>24]
			zr[i], zi[i] = c[0], c[1]
		}
	}
	fft.Forward(zr, zi)
	if len(s.groups) == 1 && !s.spectrum.holds(s.points, s.octave, &s.groups[0]) {
		if s.spectrum.re != nil {
			s.spare = append(s.spare, s.spectrum.re, s.spectrum.im)
		}
		p := &s.spectrum
		*p = spectrum{s.points, s.octave, s.groups[0], s.plane(s.points), s.plane(s.points), 0}
		if p.count = s.template(ctx, p.re, p.im, &s.groups[0]); ctx.Err() != nil {
			*p = spectrum{}
			return ctx.Err()
		}
		fft.Forward(p.re, p.im)
	}
	places := make([][2][]float32, min(s.workers, len(s.groups)))
	for i := range places {
		places[i] = [2][]float32{s.plane(s.points), s.plane(s.points)}
	}
	peaks := make([][]peak, len(s.groups))
	parallel.Each(len(places), len(s.groups), func(worker, i int) {
		if ctx.Err() == nil {
			peaks[i] = s.peaksOf(ctx, i, zr, zi, places[worker])
		}
	})
	s.spare = append(s.spare, zr, zi)
	for _, p := range places {
		s.spare = append(s.spare, p[:]...)
	}
	for _, h := range peaks {
		s.peaks = append(s.peaks, h...)
	}
	s.peaks = highest(s.peaks, mostPeaks)
	return ctx.Err()
}

// peaksOf returns the highest peaks of a group's correlation with a window whose spectrum is given.
func (s *search) peaksOf(ctx context.Context, group int, zr, zi []float32, place [2][]float32) (peaks []peak) {
	fft := s.correlator(s.points)
	re, im := place[0], place[1]
	tr, ti, count := s.spectrum.re, s.spectrum.im, s.spectrum.count
	if len(s.groups) > 1 {
		clear(re)
		clear(im)
		count = s.template(ctx, re, im, &s.groups[group])
		if ctx.Err() != nil {
			return nil
		}
		fft.Forward(re, im)
		tr, ti = re, im
	}
	if ctx.Err() != nil {
		return nil
	}
	ti, zr, zi, re, im = ti[:len(tr)], zr[:len(tr)], zi[:len(tr)], re[:len(tr)], im[:len(tr)]
	for k, tr := range tr {
		ti, r, m := ti[k], zr[k], zi[k]
		re[k] = r*tr + m*ti
		im[k] = r*ti - m*tr
	}
	fft.Inverse(re, im)
	share := float64(s.count) * FrameLength / syncPilots / float64(s.points) // of the points that are there
	norm := float32(1 / (float64(s.points) * float64(s.points) * max(1, float64(count)*share)))
	least := float32(math.Log(float64(len(s.groups))*float64(s.points)/mostPeaks)) / norm
	for lag, r := range re {
		if v := r*r + im[lag]*im[lag]; v > least {
			peaks = append(peaks, peak{group, lag, float64(v * norm)})
		}
	}
	if len(peaks) > 4*mostPeaks {
		peaks = highest(peaks, mostPeaks)
	}
	return peaks
}

func highest(peaks []peak, most int) []peak {
	slices.SortStableFunc(peaks, func(a, b peak) int { return cmp.Compare(b.score, a.score) })
	return peaks[:min(len(peaks), most)]
}

// template adds the pilots of a group to a folded template, and returns how many there are. It ends early with the
// context.
func (s *search) template(ctx context.Context, re, im []float32, g *group) (count int) {
	mask := int64(s.points - 1)
	var pilots [syncPilots]pilot
	// All that comes to lie on each other in turn.
	for first := g.first; first < min(g.last, g.first+int64(s.points)); first += FrameLength {
		if ctx.Err() != nil {
			return count
		}
		to := first & mask
		re, im := re[to:][:FrameLength], im[to:][:FrameLength]
		for at := first; at < g.last; at += int64(s.points) {
			for _, l := range g.lanes {
				s.acquirer.pilots(&pilots, l, int(at/FrameLength))
				for i := range pilots {
					c := &circle[pilots[i].u<<(octaves-s.octave)>>24]
					re[pilots[i].at] += c[0]
					im[pilots[i].at] += c[1]
				}
				count += syncPilots
			}
		}
	}
	return count
}

// verify finds out for each peak which set, lane and place it is of, if any, and returns the best.
func (s *search) verify(ctx context.Context) (candidate, bool, error) {
	// Of every place there are some runs for each frame.
	runs := 4 * float64(len(s.y)/FrameLength+1)
	hypotheses := float64(len(s.sets)*len(s.lanes)) * float64(s.reach) * runs
	limit := threshold(hypotheses)
	results := make([]candidate, len(s.peaks))
	parallel.Each(s.workers, len(s.peaks), func(_, i int) {
		if ctx.Err() == nil {
			results[i] = s.examine(s.peaks[i], limit)
		}
	})
	var top candidate
	for _, r := range results {
		if r.score > top.score {
			top = r
		}
	}
	return top, top.score > limit, ctx.Err()
}

// examine returns the best lock of a peak.
func (s *search) examine(h peak, limit float64) (top candidate) {
	g := &s.groups[h.group]
	points := int64(s.points)
	folds := (g.last - g.first + points - 1) / points
	// A peak tells how much evidence there is in all, if it is one; some of the frames are enough to see that.
	frames := len(s.y)/FrameLength + 1
	evidence := h.score * float64(len(g.lanes)) * float64(folds)
	stride := max(1, min(int(evidence/(2*limit)), frames/24))
	start := int64(h.lag) + g.first/points*points - points
	for ; start < g.last; start += points {
		if start <= g.first-int64(len(s.y)) {
			continue
		}
		for _, l := range g.lanes {
			if stride > 1 && s.sum(start, l, stride) < limit/4 {
				continue
			}
			if c := s.locate(start, l); c.score > top.score {
				top = c
			}
		}
	}
	return top
}

// each calls do with the number of every stride-th frame that lies in the window, if only in part, where that
// begins at sample start of the recording, and with the sum of its pilots' vectors and their number.
func (s *search) each(start int64, l setLane, stride int, do func(k int, re, im float64, n int)) {
	var pilots [syncPilots]pilot
	scale := math.Exp2(float64(32 - s.octave))
	for k := int(max(0, start) / FrameLength); ; k += stride {
		at := int64(k)*FrameLength - start
		if at >= int64(len(s.y)) {
			return
		}
		s.acquirer.pilots(&pilots, l, k)
		var re, im float32
		n := 0
		for i := range pilots {
			to := at + int64(pilots[i].at)
			if to < 0 || to >= int64(len(s.y)) || s.y[to] != s.y[to] {
				continue
			}
			c := &circle[(uint32(int64(float64(s.y[to])*scale))-pilots[i].u<<(octaves-s.octave))>>24]
			re += c[0]
			im += c[1]
			n++
		}
		do(k, float64(re), float64(im), n)
	}
}

// sum returns the evidence of every stride-th frame.
func (s *search) sum(start int64, l setLane, stride int) float64 {
	var re, im float64
	count := 0
	s.each(start, l, stride, func(_ int, r, i float64, n int) {
		re, im, count = re+r, im+i, count+n
	})
	return (re*re + im*im) / float64(max(1, count))
}

// locate returns the run of frames with the most evidence, among those whose length is all frames divided by a
// power of two, and that begin at multiples of half of it.
func (s *search) locate(start int64, l setLane) (top candidate) {
	type sums struct {
		re, im float64
		n      int
	}
	all := []sums{{}}
	first := -1
	s.each(start, l, 1, func(k int, r, i float64, n int) {
		if first < 0 {
			first = k
		}
		last := all[len(all)-1]
		all = append(all, sums{last.re + r, last.im + i, last.n + n})
	})
	frames := len(all) - 1
	for run := frames; run >= min(frames, 2) && run > 0; run = run * 2 / 3 {
		for from := 0; from+run <= frames; from += max(1, run/4) {
			a, b := all[from], all[from+run]
			if b.n == a.n {
				continue
			}
			re, im := b.re-a.re, b.im-a.im
			if v := (re*re + im*im) / float64(b.n-a.n); v > top.score {
				k := first + from
				top = candidate{lock{s.channel, int64(k)*FrameLength - start, l.set, l.lane, k, s.gain, s.offset}, v}
				if top.at < 0 { // there in part
					top.at, top.k = top.at+FrameLength, k+1
				}
			}
		}
	}
	return top
}

// gridGains returns gains that a recording may have had whose samples were multiples of a unit before, the
// likeliest first, or none if it still has them. The mean of unit vectors whose angles are samples times 1/gain is
// long then, and shorter by a known factor if they were rounded to multiples of a step again.
func (a *acquirer) gridGains(channel int) []float64 {
	const points = 1 << 16
	step := a.source.Format().Step() / unit
	if a.source.Format().Encoding.IsFloat() || step < 1 {
		step = 0
	}
	width := step
	if width == 0 {
		width = 1.0 / 32
	}
	y := a.window.samples[channel]
	fft := a.correlator(points)
	re, im := make([]float32, points), make([]float32, points)
	count := 0
	for _, v := range y {
		if b := math.Floor(float64(v)/width + 0.5); math.Abs(b) < points/2 {
			re[int(b)&(points-1)]++
			count++
		}
	}
	if count < FrameLength {
		return nil
	}
	fft.Forward(re, im)
	// What a smooth distribution has at low frequencies is no peak.
	top, at := 0.0, 0
	for i, r := range re {
		k := fft.Bin(i)
		f := float64(k) / (points * width)
		if k > points/2 || f < 0.1 || step == 0 && f > 8 {
			continue
		}
		if v := float64(r*r+im[i]*im[i]) / float64(count); v > top {
			top, at = v, k
		}
	}
	if top < threshold(points) {
		return nil
	}
	mean := func(f float64) float64 {
		var re, im float64
		stride := max(1, len(y)>>16)
		n := 0
		for i := 0; i < len(y); i += stride {
			if v := float64(y[i]); math.Abs(v) < points/2*width {
				c := &circle[phase(v*f, 0)]
				re, im = re+float64(c[0]), im+float64(c[1])
				n++
			}
		}
		return math.Hypot(re, im) / float64(max(1, n))
	}
	f := float64(at) / (points * width)
	height := mean(f)
	for d := 0.5 / (points * width); d > 1e-9; d *= 0.6 {
		for _, g := range []float64{f - d, f + d} {
			if v := mean(g); v > height {
				f, height = g, v
			}
		}
	}
	if step == 0 {
		if math.Abs(f-1) < 1e-4 {
			return nil
		}
		return []float64{1 / f}
	}
	// Frequencies are known modulo 1/step, and but for their sign.
	var gains []float64
	for n := range 5 {
		for _, f := range []float64{float64(n)/step - f, float64(n)/step + f} {
			if f > 1.0/mostGain && 1/f > leastGain {
				gains = append(gains, 1/f)
			}
		}
	}
	off := func(g float64) float64 { return math.Abs(math.Log(math.Abs(sinc(step/g)) / height)) }
	slices.SortFunc(gains, func(a, b float64) int { return cmp.Compare(off(a), off(b)) })
	return gains[:min(len(gains), 2)]
}
