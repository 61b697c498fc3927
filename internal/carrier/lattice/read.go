package lattice

import "math"

// reader reads frames under one profile.
type reader struct {
	shape  *shape
	tables *tables
	quiet  [FrameLength]bool
	// What is known of a frame, for levels to be tried.
	sync   []knownPilot
	strong []knownSymbol
	fine   []knownFine
}

// knownPilot is the reading of a pilot of synchronisation.
type knownPilot struct {
	sample float64
	u      uint32
}

// knownSymbol is the reading of a strong symbol that is known: the sample, and where its symbol stands, in steps.
type knownSymbol struct {
	sample, at float64
}

// knownFine is the reading of a fine symbol whose bits are known: the sample, its dither, and where the symbol of
// so many bits stands.
type knownFine struct {
	sample float64
	at     [maxFineBits + 1]float64
}

func newReader(p Profile, t *tables) *reader { return &reader{shape: &shapes[p], tables: t} }

// know notes which symbols of frame k of a lane are known. y is the frame in units of full scale. With a header's
// code, its symbols are known too.
func (r *reader) know(y []float64, m *marks, lane, k int, c *headerCode, coded []byte) {
	r.sync, r.strong, r.fine = r.sync[:0], r.strong[:0], r.fine[:0]
	for _, p := range m.sync {
		if !r.quiet[p.at] {
			r.sync = append(r.sync, knownPilot{y[p.at], p.u})
		}
	}
	for _, p := range m.level {
		if !r.quiet[p.at] {
			r.strong = append(r.strong, knownSymbol{y[p.at], p.dither})
		}
	}
	if coded == nil {
		return
	}
	for i, p := range m.strong[:r.shape.header] {
		if !r.quiet[p.at] {
			r.strong = append(r.strong, knownSymbol{y[p.at], p.dither + coarseSymbol(coded[c.position(lane, k, i)])})
		}
	}
	for i, p := range m.fine {
		if r.quiet[p.at] {
			continue
		}
		known := knownFine{sample: y[p.at]}
		var part [maxFineBits]byte
		for j := range part {
			part[j] = coded[c.position(lane, k, headerStrong+maxFineBits*i+j)]
		}
		for n := 1; n <= maxFineBits; n++ {
			known.at[n] = p.dither + fineSymbol(label(part[:], n), n)
		}
		r.fine = append(r.fine, known)
	}
}

// pilotPhase returns the phase of a pilot of synchronisation on the lattice of step 2^h units.
func pilotPhase(sample float64, u uint32, h int) int {
	return int((uint32(int64(sample*(1<<(32-1)))) - u) << (octaves - h) >> 24)
}

// pilotRatio returns the table to use for pilots of synchronisation at a level under a noise index.
func pilotRatio(noise, level int) int { return ratioIndex(noise, 4*(octave(level)-1)) }

// likeliest returns the level under which there is most evidence for a noise index, the lowest of those that have as
// much, and that evidence: the log-likelihood ratio of the symbols that are known to noise alone. It tries guess first
// and gives up those that cannot reach what was found.
func (r *reader) likeliest(noise, guess int) (best int, top float64) {
	best, top = -1, math.Inf(-1)
	r.bound(guess, noise, &best, &top)
	for level := range Levels {
		if level != guess {
			r.bound(level, noise, &best, &top)
		}
	}
	return best, top
}

// bound updates the likeliest level.
func (r *reader) bound(level, noise int, best *int, top *float64) {
	least := float32(*top)
	sum := float32(0)
	if k := pilotRatio(noise, level); k < ratios {
		h := octave(level) + r.shape.rise
		for i := range r.sync {
			sum += r.tables.pilots[pilotPhase(r.sync[i].sample, r.sync[i].u, h)][k]
		}
	}
	if k := ratioIndex(noise, level); k < ratios {
		inverse := 1 / fineStep(level)
		n := fineBits(level)
		for i := range r.fine {
			f := &r.fine[i]
			sum += r.tables.knownFine[phase(f.sample*inverse, f.at[n])][k]
		}
		inverse /= r.shape.strong
		// Half a nat more than what is left can add makes up for rounding.
		most := r.tables.mostStrong[k]
		for i := 0; i < len(r.strong); {
			if sum+most*float32(len(r.strong)-i)+0.5 < least {
				return
			}
			for last := min(i+8, len(r.strong)); i < last; i++ {
				s := &r.strong[i]
				sum += r.tables.knownStrong[phase(s.sample*inverse, s.at)][k]
			}
		}
	}
	if v := float64(sum); v > *top || v == *top && level < *best {
		*best, *top = level, v
	}
}

// syncEvidences returns the same of pilots of synchronisation alone, for every ratio of noise at the octave of a level.
func (r *reader) syncEvidences(level int) (of [ratios]float32) {
	h := octave(level) + r.shape.rise
	for i := range r.sync {
		for k, v := range &r.tables.pilots[pilotPhase(r.sync[i].sample, r.sync[i].u, h)] {
			of[k] += v
		}
	}
	return of
}

// evidences adds to sums the same for every noise index at one level, sync being what pilots of synchronisation say
// at its octave.
func (r *reader) evidences(sums *[noiseIndices]float64, level int, sync *[ratios]float32) {
	// Of each ratio; noise beyond the last one tells nothing.
	var of [ratios]float32
	inverse := 1 / (fineStep(level) * r.shape.strong)
	for _, s := range r.strong {
		known := &r.tables.knownStrong[phase(s.sample*inverse, s.at)]
		for k, v := range known {
			of[k] += v
		}
	}
	inverse = 1 / fineStep(level)
	bits := fineBits(level)
	for i := range r.fine {
		f := &r.fine[i]
		known := &r.tables.knownFine[phase(f.sample*inverse, f.at[bits])]
		for k, v := range known {
			of[k] += v
		}
	}
	for n := range sums {
		if k := ratioIndex(n, level); k < ratios {
			sums[n] += float64(of[k])
		}
		if k := pilotRatio(n, level); k < ratios {
			sums[n] += float64(sync[k])
		}
	}
}

// eachLevel calls do with the evidence of every level for all noise indices, valid until the next one.
func (r *reader) eachLevel(do func(level int, e *[noiseIndices]float64)) {
	var sync [ratios]float32
	last := -1
	for level := range Levels {
		if h := octave(level); h != last {
			sync, last = r.syncEvidences(level), h
		}
		var e [noiseIndices]float64
		r.evidences(&e, level, &sync)
		do(level, &e)
	}
}

// read writes the log-likelihoods of a frame's payload.
func (r *reader) read(b *bits[float32], y []float64, f *frame, level, noise int) {
	k := ratioIndex(noise, level)
	if k >= ratios {
		*b = bits[float32]{}
		return
	}
	fine := r.tables.fineTable(level, noise)
	coarse := &r.tables.medium[k]
	inverse := 1 / fineStep(level)
	mediumInverse := 0.0
	if r.shape.medium > 0 {
		mediumInverse = inverse / r.shape.medium
	}
	medium, at := 0, 0
	for i, v := range y[:FrameLength] {
		use, lost := f.use[i], r.quiet[i]
		if (use == useMedium || use == useHeader) && mediumInverse > 0 {
			b.medium[medium] = 0
			if !lost {
				b.medium[medium] = coarse[phase(v*mediumInverse, f.coarse[i])]
			}
			medium++
		}
		if use == useMedium || use == useStrong {
			l := b.fine[at:][:maxFineBits]
			if lost {
				clear(l)
			} else {
				copy(l, fine[phase(v*inverse, f.fine[i])][:])
			}
			at += maxFineBits
		}
	}
	strong := &r.tables.strong[k]
	inverse /= r.shape.strong
	for i, p := range f.data {
		b.strong[i] = 0
		if !r.quiet[p.at] {
			b.strong[i] = strong[phase(y[p.at]*inverse, p.dither)]
		}
	}
}

// reading is how a frame is read: at a level, under a noise index, with a weight.
type reading struct {
	level, noise int
	weight       float32
}

// addHeader adds the log-likelihoods of the header's bits that a frame carries, times a weight.
func (r *reader) addHeader(sum []float32, y []float64, m *marks, c headerSymbols, as reading) {
	ratio := ratioIndex(as.noise, as.level)
	if ratio >= ratios {
		return
	}
	inverse := 1 / (fineStep(as.level) * r.shape.strong)
	for i, p := range m.strong[:r.shape.header] {
		if !r.quiet[p.at] {
			sum[c.position(i)] += as.weight * r.tables.strong[ratio][phase(y[p.at]*inverse, p.dither)]
		}
	}
	n := fineBits(as.level)
	fine := r.tables.fineTable(as.level, as.noise)
	inverse = 1 / fineStep(as.level)
	for i, p := range m.fine {
		if r.quiet[p.at] {
			continue
		}
		l := &fine[phase(y[p.at]*inverse, p.dither)]
		for j := range n {
			sum[c.position(headerStrong+maxFineBits*i+j)] += as.weight * l[j]
		}
	}
}
