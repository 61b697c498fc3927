package lattice

import (
	"errors"
	"math"

	"ditas/internal/parallel"
)

// amplitude finds out what a recording was multiplied with and what was added to it, once its header is known. Strong symbols
// tell the gain but for a number of levels, since the strength of all frames is not known either; the fine symbols of weak
// frames, which carry fewer bits, tell the number. Of what fits alike it takes that which has changed the recording least.
func (l *listener) amplitude(h *header, k lock) (lock, error) {
	m, err := l.newMeter(h, k)
	if err != nil {
		return k, err
	}
	untouched := k
	untouched.gain, untouched.offset = 1, 0
	refined, err := l.acquire.refine(l.source, k)
	if err != nil {
		return k, err
	}
	plain := m.fit(untouched)
	best := higher(m.fit(refined), m.fit(k))
	if !plain.clear() {
		// A header can be read with the help of samples near zero alone, and then the gain is another one.
		others, err := l.acquire.aligned(l.ctx, l.source, true)
		if err != nil {
			return k, err
		}
		for _, c := range others {
			away := int((k.at - c.at) / FrameLength)
			if c.at%FrameLength != k.at%FrameLength || c.channel != k.channel || c.score < accepted || (c.word+away%words+words)%words != k.word {
				continue
			}
			if c.lock, err = l.acquire.refine(l.source, c.lock); err != nil {
				return k, err
			}
			c.at, c.word = k.at, k.word
			best = higher(best, m.fit(c.lock))
			break
		}
	}
	if plain.score > best.score-max(20, 0.02*best.score) {
		// Of so many gains and offsets, chance makes some fit a little better.
		return untouched, nil
	}
	return m.shift(best).lock, nil
}

// meter holds what is known of the frames behind a lock, as it was read.
type meter struct {
	tables  *tables
	shape   *shape
	workers int
	frames  []known
}

// known are the symbols of a frame that are known. Their samples are those of the file.
type known struct {
	strong []knownSymbol
	fine   []knownFine
}

// meterFrames is how many frames a meter looks at.
const meterFrames = 4 * blockFrames

func (l *listener) newMeter(h *header, k lock) (*meter, error) {
	r := newReader(h.profile, l.tables[h.profile])
	m := &meter{tables: r.tables, shape: r.shape, workers: l.workers}
	coded := l.code.encode(h.marshal(l.key))
	t := l.newStretch(blockFrames)
	raw := lock{channel: k.channel, gain: 1}
	y := make([]float64, FrameLength)
	for from := 0; from < meterFrames; from += blockFrames {
		if err := errors.Join(t.load(l.source, k.at+int64(from)*FrameLength), l.ctx.Err()); err != nil {
			return nil, err
		}
		for i := range blockFrames {
			t.frame(y, r.quiet[:], &raw, i)
			word := (k.word + from + i) % words
			r.know(y, nil, &l.words[word], word, &l.code, coded)
			r.knowFine(y, &l.words[word], word, &l.code, coded)
			m.frames = append(m.frames, known{append([]knownSymbol(nil), r.strong...), append([]knownFine(nil), r.fine...)})
		}
	}
	return m, nil
}

// fitted is how well a gain and an offset fit: under them, the levels of the frames, −1 for those that say nothing, and the noise.
type fitted struct {
	lock
	levels []int
	noise  int
	score  float64 // evidence of all frames
	strong int     // symbols
}

// clear reports whether strong symbols fit as well as they do where there is little noise.
func (f *fitted) clear() bool { return f.score > 0.5*float64(f.strong) }

// fit finds the levels and the noise that fit best.
func (m *meter) fit(g lock) *fitted {
	f := &fitted{lock: g, levels: make([]int, len(m.frames))}
	r := reader{shape: m.shape, tables: m.tables}
	levels := make([][noiseIndices]int, len(m.frames))
	each := make([][noiseIndices]float64, len(m.frames))
	var sums [noiseIndices]float64
	for i := range m.frames {
		r.strong, r.fine = r.strong[:0], r.fine[:0]
		for _, s := range m.frames[i].strong {
			s.sample = (s.sample - g.offset) / g.gain
			r.strong = append(r.strong, s)
		}
		for _, s := range m.frames[i].fine {
			s.sample = (s.sample - g.offset) / g.gain
			r.fine = append(r.fine, s)
		}
		f.strong += len(r.strong)
		for level := range Levels {
			var e [noiseIndices]float64
			r.evidences(&e, level)
			for n, v := range e {
				if v > each[i][n] {
					each[i][n], levels[i][n] = v, level
				}
			}
		}
		for n, v := range each[i] {
			sums[n] += v
		}
	}
	for n, v := range sums {
		if v > f.score {
			f.score, f.noise = v, n
		}
	}
	for i := range f.levels {
		f.levels[i] = levels[i][f.noise]
		if each[i][f.noise] < sure {
			f.levels[i] = -1
		}
	}
	return f
}

// evidence returns that of all frames.
func (m *meter) evidence(f *fitted) float64 {
	var sum float32
	for i, level := range f.levels {
		index := ratioIndex(f.noise, level)
		if level < 0 || index >= ratios {
			continue
		}
		inverse := 1 / (fineStep(level) * f.gain)
		bits := fineBits(level)
		for j := range m.frames[i].fine {
			s := &m.frames[i].fine[j]
			sum += m.tables.knownFine[phase((s.sample-f.offset)*inverse, s.at[bits])][index]
		}
		inverse /= m.shape.strong
		for _, s := range m.frames[i].strong {
			sum += m.tables.knownStrong[phase((s.sample-f.offset)*inverse, s.at)][index]
		}
	}
	return float64(sum)
}

// shift finds by how many levels the gain is off, and then all of its digits. It tries the offset that was found and none: steps of
// several strengths nearly fit into some large offsets, to which a gain that is not yet exact may lead.
func (m *meter) shift(f *fitted) *fitted {
	const most = 2 * gainRange
	var fits [2 * (2*most + 1)]*fitted
	parallel.Each(m.workers, len(fits), func(_, i int) {
		g := f.lock
		g.gain *= quarters(i/2 - most)
		if i%2 == 1 {
			g.offset = 0
		}
		fits[i] = m.polish(m.fit(g))
	})
	best := fits[0]
	for _, g := range fits {
		best = higher(best, g)
	}
	top, least := best.score, math.Inf(1)
	for _, g := range fits {
		if change := math.Abs(math.Log2(math.Abs(g.gain))); g.score > top-alike && change < least {
			best, least = g, change
		}
	}
	return m.nearest(best)
}

// alike is by how much the evidence of fits may differ that are taken to be as good as each other.
const alike = 4

// nearest finds the least offset. Where all frames have one strength, or some that have a step in common, an offset by that step fits as
// well as none.
func (m *meter) nearest(f *fitted) *fitted {
	best := f
	for _, level := range f.levels {
		if level < 0 {
			continue
		}
		step := fineStep(level) * m.shape.strong * math.Abs(f.gain)
		g := *f
		g.offset = math.Remainder(f.offset, step)
		if math.Abs(g.offset) < math.Abs(best.offset) && m.evidence(&g) > f.score-alike {
			best = &g
		}
	}
	return best
}

// higher returns that of the two which fits better, the first one if they do alike.
func higher(a, b *fitted) *fitted {
	if b.score > a.score {
		return b
	}
	return a
}

// polish finds gain and offset to the last digit, around what strong symbols have told, and then nearer and nearer, as if there
// were less and less noise, while that fits.
func (m *meter) polish(f *fitted) *fitted {
	finest := math.Inf(1)
	for _, level := range f.levels {
		if level >= 0 {
			finest = min(finest, fineStep(level))
		}
	}
	best := *f
	if math.IsInf(finest, 1) {
		return &best
	}
	top := m.evidence(&best)
	try := func(gain, offset float64) {
		g := best
		g.gain, g.offset = gain, offset
		if v := m.evidence(&g); v > top {
			best, top = g, v
		}
	}
	step := finest * math.Abs(f.gain)
	for i := -40; i <= 40; i++ {
		for j := -10; j <= 10; j++ {
			try(f.gain*(1+float64(i)*3e-5), f.offset+float64(j)/6*step)
		}
	}
	for d := 1.0; d > 1e-3; d /= 1.4 {
		for range 2 {
			g := best
			for _, turn := range []float64{-d, d} {
				try(g.gain*(1+turn*2e-5), g.offset)
				try(g.gain, g.offset+turn/6*step)
				try(g.gain*(1+turn*1e-5), g.offset+turn/12*step)
				try(g.gain*(1+turn*1e-5), g.offset-turn/12*step)
			}
		}
		if quieter := best; quieter.noise > 0 {
			quieter.noise--
			if v := m.evidence(&quieter); v >= top {
				best, top = quieter, v
			}
		}
	}
	best.score = top
	return &best
}
