package lattice

import (
	"context"
	"errors"
	"math"
	"slices"

	"ditas/audio"
)

// refineFrames is how many frames behind a lock tell gain and offset.
const refineFrames = 96

// refine finds a lock's gain and offset, the gain being known to a half percent, from the pilots of the frames
// behind it: gains first, by samples that may be larger and larger, without regard to an offset, which turns all
// phases alike.
func (l *listener) refine(ctx context.Context, k lock) (lock, error) {
	n := int(min(refineFrames, (l.source.Frames()-k.at)/FrameLength))
	if n <= 0 {
		return k, nil
	}
	buf := audio.NewBlock(l.source.Channels(), n*FrameLength)
	if err := errors.Join(l.source.Read(buf, k.at), ctx.Err()); err != nil {
		return k, err
	}
	var read []knownPilot // in units
	var pilots [syncPilots]pilot
	for i := range n {
		l.marker.sync(&pilots, k.set, k.lane, k.k+i)
		for _, p := range pilots {
			if v := buf[k.channel][i*FrameLength+int(p.at)]; v != 0 && v-v == 0 {
				read = append(read, knownPilot{v / unit, p.u})
			}
		}
	}
	// vector returns the sum of unit vectors on the lattice of step 2^h units, of samples below so many steps.
	vector := func(gain float64, h int, bound float64) (re, im float64, n int) {
		inverse := math.Exp2(float64(-h)) / gain
		for i := range read {
			x := read[i].sample * inverse
			if x > bound || x < -bound {
				continue
			}
			c := &circle[(uint32(int64(x*(1<<32)))-read[i].u<<(octaves-h))>>24]
			re, im, n = re+float64(c[0]), im+float64(c[1]), n+1
		}
		return re, im, n
	}
	// What chance makes of the length of a sum is left out.
	const chance = 8
	fits := func(gain, bound float64) (sum float64) {
		for h := 1; h < octaves; h++ {
			if re, im, n := vector(gain, h, bound); n > 0 {
				sum += max(0, (re*re+im*im)/float64(n)-chance)
			}
		}
		return sum
	}
	reach := 0.006
	for bound := float64(scaledReach); bound < 1<<17; bound *= 4 {
		around, top := k.gain, 0.0
		for i := -20; i <= 20; i++ {
			if err := ctx.Err(); err != nil {
				return k, err
			}
			g := around * (1 + reach*float64(i)/20)
			if v := fits(g, bound); v > top {
				k.gain, top = g, v
			}
		}
		reach /= 3
	}
	// The widest lattices tell the offset modulo their step, finer ones its digits.
	offset, widest := 0.0, 0
	for h := octaves - 1; h >= 1; h-- {
		re, im, n := vector(k.gain, h, math.Inf(1))
		if n == 0 || (re*re+im*im)/float64(n) < 3*chance {
			continue
		}
		step := math.Exp2(float64(h))
		at := math.Atan2(im, re) / (2 * math.Pi) * step
		if widest == 0 {
			offset, widest = at, h
		} else {
			offset = at + step*math.Round((offset-at)/step)
		}
	}
	k.offset = 0
	if widest > 0 && math.Abs(offset) > math.Exp2(float64(widest))/256 {
		k.offset = l.farOffset(ctx, k, buf[k.channel], offset*k.gain*unit, math.Exp2(float64(widest))*math.Abs(k.gain)*unit)
	}
	return k, nil
}

// farOffset returns which of the offsets that differ by a step the pilots of the frames' own levels speak for: the
// least of those that they do alike. x is the frames behind a lock.
func (l *listener) farOffset(ctx context.Context, k lock, x []float64, offset, step float64) float64 {
	const farthest, most, frames = 0.05, 24, 24
	best, top := offset, math.Inf(-1)
	y := make([]float64, FrameLength)
	var m marks
	for n := range 2*most + 1 {
		v := offset + step*float64((n+1)/2)*float64(1-n%2*2)
		if math.Abs(v) > farthest || ctx.Err() != nil {
			continue
		}
		for p := range profiles {
			r := newReader(p, l.tables[p])
			var sums [noiseIndices]float64
			for i := range min(frames, len(x)/FrameLength) {
				for j, s := range x[i*FrameLength:][:FrameLength] {
					y[j] = (s - v) / k.gain
				}
				l.marker.frame(&m, k.set, k.lane, k.k+i)
				r.know(y, &m, k.lane, k.k+i, nil, nil)
				var most [noiseIndices]float64
				r.eachLevel(func(_ int, e *[noiseIndices]float64) {
					for n, v := range e {
						most[n] = max(most[n], v)
					}
				})
				for n, v := range most {
					sums[n] += v
				}
			}
			for _, e := range sums {
				if e > top+alike {
					best, top = v, e
				}
			}
		}
	}
	return best
}

// amplitude finds out what a recording was multiplied with and what was added to it, once its header is known. Of
// what fits alike it takes that which has changed the recording least.
func (l *listener) amplitude(ctx context.Context, h *header, k lock) (lock, error) {
	m, err := l.newMeter(ctx, h, k)
	if err != nil {
		return k, err
	}
	untouched := k
	untouched.gain, untouched.offset = 1, 0
	plain := m.fit(untouched)
	if k == untouched && plain.clear() {
		return k, nil
	}
	refined, err := l.refine(ctx, k)
	if err != nil {
		return k, err
	}
	best := higher(m.fit(refined), m.fit(k))
	if plain.score > best.score-max(20, 0.02*best.score) {
		// Of so many gains and offsets, chance makes some fit a little better.
		return untouched, nil
	}
	// Steps of several strengths nearly fit into some large offsets, to which a gain that is not yet exact may lead.
	none := best.lock
	none.offset = 0
	polished := m.polish(ctx, best)
	if other := m.polish(ctx, m.fit(none)); other.score > polished.score-alike {
		polished = other
	}
	return m.nearest(polished).lock, ctx.Err()
}

// meter holds what is known of the frames behind a lock, as it was read.
type meter struct {
	tables *tables
	shape  *shape
	frames []known
}

// known are the symbols of a frame that are known. Their samples are those of the file.
type known struct {
	sync   []knownPilot
	strong []knownSymbol
	fine   []knownFine
}

// meterFrames is how many frames a meter looks at.
const meterFrames = 4 * blockFrames

func (l *listener) newMeter(ctx context.Context, h *header, k lock) (*meter, error) {
	r := newReader(h.profile, l.tables[h.profile])
	m := &meter{tables: r.tables, shape: r.shape}
	coded := l.code.encode(h.marshal(l.key))
	t := l.newStretch(blockFrames)
	raw := lock{channel: k.channel, gain: 1}
	y := make([]float64, FrameLength)
	var marks marks
	for from := 0; from < meterFrames; from += blockFrames {
		if err := errors.Join(t.load(l.source, k.at+int64(from)*FrameLength), ctx.Err()); err != nil {
			return nil, err
		}
		for i := range blockFrames {
			t.frame(y, r.quiet[:], &raw, i)
			l.marker.frame(&marks, k.set, k.lane, k.k+from+i)
			r.know(y, &marks, k.lane, k.k+from+i, &l.code, coded)
			m.frames = append(m.frames, known{slices.Clone(r.sync), slices.Clone(r.strong), slices.Clone(r.fine)})
		}
	}
	return m, nil
}

// fitted is how well a gain and an offset fit: under them, the levels of the frames, −1 for those that say nothing,
// and the noise.
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
		r.sync, r.strong, r.fine = r.sync[:0], r.strong[:0], r.fine[:0]
		for _, s := range m.frames[i].sync {
			s.sample = (s.sample - g.offset) / g.gain
			r.sync = append(r.sync, s)
		}
		for _, s := range m.frames[i].strong {
			s.sample = (s.sample - g.offset) / g.gain
			r.strong = append(r.strong, s)
		}
		for _, s := range m.frames[i].fine {
			s.sample = (s.sample - g.offset) / g.gain
			r.fine = append(r.fine, s)
		}
		f.strong += len(r.strong) + len(r.sync)
		r.eachLevel(func(level int, e *[noiseIndices]float64) {
			for n, v := range e {
				if v > each[i][n] {
					each[i][n], levels[i][n] = v, level
				}
			}
		})
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

// alike is by how much the evidence of fits may differ that are taken to be as good as each other.
const alike = 4

// nearest finds the least offset. Where all frames have one strength, or some that have a step in common, an offset
// by that step fits as well as none.
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

// polish finds gain and offset to the last digit, around what strong symbols have told, and then nearer and nearer,
// as if there were less and less noise, while that fits. It ends early with the context.
func (m *meter) polish(ctx context.Context, f *fitted) *fitted {
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
	for i := -40; i <= 40 && ctx.Err() == nil; i++ {
		for j := -10; j <= 10; j++ {
			try(f.gain*(1+float64(i)*3e-5), f.offset+float64(j)/6*step)
		}
	}
	for d := 1.0; d > 1e-3 && ctx.Err() == nil; d /= 1.4 {
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
