package lattice

import "math"

// reader reads frames under one profile.
type reader struct {
	shape  *shape
	tables *tables
	quiet  [FrameLength]bool
	// What is known of a frame, for levels to be tried.
	strong []knownSymbol
	pilots []knownSymbol // those of the strong ones that tell which frame it is
	fine   []knownFine
}

// knownSymbol is the reading of a strong symbol that is known: the sample, and where its symbol stands, in steps.
type knownSymbol struct {
	sample, at float64
}

// knownFine is the reading of a fine symbol whose bits are known: the sample, its dither, and where the symbol of so many bits
// stands.
type knownFine struct {
	sample float64
	at     [maxFineBits + 1]float64
}

func newReader(p Profile, t *tables) *reader { return &reader{shape: &shapes[p], tables: t} }

// know notes which symbols of a frame are known. y is the frame in units of full scale. With a header's code, its symbols and
// the frame's pilots are known too.
func (r *reader) know(y []float64, f *frame, w *word, wordIndex int, c *headerCode, coded []byte) {
	r.strong, r.pilots, r.fine = r.strong[:0], nil, r.fine[:0]
	add := func(known *[]knownSymbol, p place, symbol float64) {
		if !r.quiet[p.at] {
			*known = append(*known, knownSymbol{y[p.at], p.dither + symbol})
		}
	}
	for _, p := range w.sync {
		add(&r.strong, p, 0)
	}
	if coded == nil {
		return
	}
	for i, p := range w.strong[:r.shape.header] {
		add(&r.strong, p, coarseSymbol(coded[c.position(wordIndex, i)]))
	}
	if f != nil {
		first := len(r.strong)
		for _, p := range f.pilots {
			add(&r.strong, p, 0)
		}
		r.pilots = r.strong[first:]
	}
}

// knowFine notes the fine symbols of the header.
func (r *reader) knowFine(y []float64, w *word, wordIndex int, c *headerCode, coded []byte) {
	r.fine = r.fine[:0]
	for i, p := range w.fine {
		if r.quiet[p.at] {
			continue
		}
		known := knownFine{sample: y[p.at]}
		var part [maxFineBits]byte
		for j := range part {
			part[j] = coded[c.position(wordIndex, headerStrong+maxFineBits*i+j)]
		}
		for n := 1; n <= maxFineBits; n++ {
			known.at[n] = p.dither + fineSymbol(label(part[:], n), n)
		}
		r.fine = append(r.fine, known)
	}
}

// evidence returns the log-likelihood ratio of the symbols that are known, at a level and a noise index, to noise alone.
func (r *reader) evidence(level, noise int) float64 {
	k := ratioIndex(noise, level)
	if k >= ratios {
		return 0
	}
	inverse := 1 / fineStep(level)
	n := fineBits(level)
	var sum float32
	for i := range r.fine {
		f := &r.fine[i]
		sum += r.tables.knownFine[phase(f.sample*inverse, f.at[n])][k]
	}
	return float64(sum) + r.strongEvidence(r.strong, level, noise)
}

// strongEvidence is evidence of some strong symbols alone.
func (r *reader) strongEvidence(symbols []knownSymbol, level, noise int) float64 {
	k := ratioIndex(noise, level)
	if k >= ratios {
		return 0
	}
	inverse := 1 / (fineStep(level) * r.shape.strong)
	var sum float32
	for _, s := range symbols {
		sum += r.tables.knownStrong[phase(s.sample*inverse, s.at)][k]
	}
	return float64(sum)
}

// evidences adds to sums the same for every noise index at one level.
func (r *reader) evidences(sums *[noiseIndices]float64, level int) {
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
		if use != useStrong && mediumInverse > 0 {
			b.medium[medium] = 0
			if !lost {
				b.medium[medium] = coarse[phase(v*mediumInverse, f.coarse[i])]
			}
			medium++
		}
		if use != useHeader {
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

// addHeader adds the log-likelihoods of the header's bits that a frame carries, times a weight.
func (r *reader) addHeader(sum []float32, y []float64, w *word, wordIndex int, c *headerCode, level, noise int, weight float32) {
	k := ratioIndex(noise, level)
	if k >= ratios {
		return
	}
	inverse := 1 / (fineStep(level) * r.shape.strong)
	for i, p := range w.strong[:r.shape.header] {
		if !r.quiet[p.at] {
			sum[c.position(wordIndex, i)] += weight * r.tables.strong[k][phase(y[p.at]*inverse, p.dither)]
		}
	}
	n := fineBits(level)
	fine := r.tables.fineTable(level, noise)
	inverse = 1 / fineStep(level)
	for i, p := range w.fine {
		if r.quiet[p.at] {
			continue
		}
		l := &fine[phase(y[p.at]*inverse, p.dither)]
		for j := range n {
			sum[c.position(wordIndex, headerStrong+maxFineBits*i+j)] += weight * l[j]
		}
	}
}

// usual returns the square root of the mean square of y.
func usual(y []float64) float64 {
	var sum float64
	for _, v := range y {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(y)))
}
