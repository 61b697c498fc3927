package durable

import (
	"math"

	"ditas/internal/keystream"
)

// receiver turns frames into log-likelihoods. It hears them block by block, several blocks at a time, and learns from the pilots how much noise
// there is in each band.
type receiver struct {
	pilots *pilots
	tables *likelihoods
	layout *layout
	header *headerCode

	pilotLevel int
	gain       [bands]float64   // by which what is read is multiplied
	heard      coherence        // of all blocks so far
	headerSums [forms][]float32 // if the header has a form

	// What follows is of the recording, once its header is known.
	key        keystream.Key
	level      int
	form       form
	gatherer   *gatherer
	units      *units
	at         []int // of each stage's coded bits
	layouts    []block
	field      noiseField
	densities  *densities
	headerBits []byte // in the code
}

// coherence is the sum over pilots of the cosine of their phase, and their number.
type coherence struct{ sum, count [bands]float64 }

func (c *coherence) add(d *coherence, weight float64) {
	for b := range c.sum {
		c.sum[b] += weight * d.sum[b]
		c.count[b] += weight * d.count[b]
	}
}

// score returns the coherence of all bands together, in standard deviations of what there is by chance.
func (c *coherence) score() float64 {
	var sum, count float64
	for b := range c.sum {
		sum += weights[b] * c.sum[b]
		count += weights[b] * weights[b] * c.count[b]
	}
	if count == 0 {
		return 0
	}
	return sum / math.Sqrt(count/2)
}

// periods returns how many periods' worth of pilots there were.
func (c *coherence) periods() (n float64) {
	for _, count := range c.count {
		n += count / bands
	}
	return n / (period * 3 / 4)
}

func newReceiver(p *pilots, t *likelihoods, l *layout, h *headerCode, pilotLevel int) *receiver {
	r := &receiver{pilots: p, tables: t, layout: l, header: h, pilotLevel: pilotLevel}
	for f := range r.headerSums {
		r.headerSums[f] = make([]float32, h.code.Len())
	}
	for b := range r.gain {
		r.gain[b] = 1
	}
	return r
}

// pilot returns where the pilot of a band lies, in steps.
func (r *receiver) pilot(y *frame, band int) float64 {
	at := pilotAt(band)
	where := [2]uint8{uint8(at), uint8(at + 1)}
	return r.gain[band] * project(y, where[:], r.pilots.signs[band]) / pilotStep(r.pilotLevel)
}

// listen returns the coherence of the pilots of a block whose first frame has a number, modulo a period.
func (r *receiver) listen(y []frame, first int, numbers *[blockFrames][bands]float32) (c coherence) {
	for i := range y {
		t := first + i
		for b := range bands {
			phase := r.pilots.phase[t%period][b]
			if isNumber(t, b) {
				if numbers == nil {
					continue
				}
				phase = numbers[i][b]
			}
			u := r.pilot(&y[i], b)
			if u == 0 {
				continue
			}
			c.sum[b] += math.Cos(2 * math.Pi * (u - float64(phase)))
			c.count[b]++
		}
	}
	return c
}

// noise returns, for each band, the variance of what is added to a coefficient, in units of what the ear bears, from the pilots of a block and
// its neighbours, with those of the whole recording as far as these are few.
func (r *receiver) noise(near *coherence) (n [bands]float64) {
	step := pilotStep(r.pilotLevel)
	for b := range n {
		const prior = 60
		all := (r.heard.sum[b] + 1) / (r.heard.count[b] + 10)
		rho := (near.sum[b] + prior*all) / (near.count[b] + prior)
		n[b] = max(0.0005, varianceOf(rho)-ownNoise(pilotShare)) * step * step
	}
	return n
}

// spreadOf is by how much, relative to what the ear bears, sender and receiver differ in that.
const spreadOf = 0.03

// excess is by how much more noise symbols have than those of pilots let expect: codecs spoil some coefficients wholly, which symbols of
// several coefficients suffer from most, and those whose steps are so large that they would bear more noise.
func excess(length int, share float64) float64 {
	if length == 1 {
		return 0.95
	}
	return (0.8 + 0.15*float64(length)) * pilotShare / share
}

// symbolReader reads the symbols of one length in one band.
type symbolReader struct {
	tables             *likelihoods
	step, gain         float64
	variance, relative float64
}

// kind is what symbols of one kind have in common: how far below the mask they lie, their length, and the share of the way that they are moved.
type kind struct {
	db     float64
	length int
	share  float64
}

func (r *receiver) reader(k kind, band int, noise float64) symbolReader {
	step := stepOf(k.db, k.length, k.share)
	return symbolReader{r.tables, step, r.gain[band] / step, excess(k.length, k.share)*noise/(step*step) + ownNoise(k.share), spreadOf * spreadOf}
}

// read returns the log-likelihood of a symbol.
func (s *symbolReader) read(y *frame, at []uint8, signs uint8, dither float32) float32 {
	u := project(y, at, signs) * s.gain
	if u == 0 {
		return 0
	}
	return s.tables.at(u-float64(dither), s.variance+s.relative*u*u)
}

// smoothed returns the coherence of each of several blocks in a row with its neighbours.
func smoothed(list []coherence) []coherence {
	out := make([]coherence, len(list))
	for i := range list {
		out[i] = list[i]
		if i > 0 {
			out[i].add(&list[i-1], 0.7)
		}
		if i < len(list)-1 {
			out[i].add(&list[i+1], 0.7)
		}
	}
	return out
}

// readHeader adds what frames say about the header. The first one begins a block, and has a number modulo a period.
func (r *receiver) readHeader(y []frame, first int) {
	var list []coherence
	for at := 0; at+blockFrames <= len(y); at += blockFrames {
		c := r.listen(y[at:at+blockFrames], first+at, nil)
		list = append(list, c)
		r.heard.add(&c, 1)
	}
	for i, near := range smoothed(list) {
		noise, number := r.noise(&near), (first/blockFrames+i)%periodBlocks
		for f := range forms {
			r.readHeaderBlock(f, y[i*blockFrames:][:blockFrames], number, &noise)
		}
	}
}

// readHeaderBlock adds what the frames of a block, which has a number in a period, say about a header of a form.
func (r *receiver) readHeaderBlock(f form, y []frame, number int, noise *[bands]float64) {
	var readers [headerBands]symbolReader
	for b, length := range headerLengths[f] {
		readers[b] = r.reader(kind{pilotLevels[r.pilotLevel], length, headerShare}, b, noise[b])
	}
	code, symbol := &r.layout.headers[f][number], number*headerSymbols(f)
	for t := range code {
		for g := range headerBands * groupsOfBand {
			p := &code[t][g]
			if p.class != classHeader {
				continue
			}
			length := headerLengths[f][g/groupsOfBand]
			for j := range groupSize / length {
				at, signs := places[g][j*length:][:length], p.signs>>(j*length)
				r.headerSums[f][r.header.position(symbol)] += readers[g/groupsOfBand].read(&y[t], at, signs, p.dither[j])
				symbol++
			}
		}
	}
}

// open prepares for reading the payload.
func (r *receiver) open(h *header, key keystream.Key) {
	r.key, r.level = h.nonce.key(key), h.level
	stages := ladder(h.aim, h.blocks, h.scale, h.payload)
	r.layout.of(r.key, h.aim)
	r.gatherer = newGatherer(stages)
	r.form, r.units, r.at, r.densities = formOf(h.aim), r.newUnits(), make([]int, len(stages)), newDensities()
	r.headerBits = r.header.encode(h.marshal(key))
	r.heard = coherence{}
}

// readPayload adds what frames say about the payload. The first one begins a block with a number.
func (r *receiver) readPayload(y []frame, number int) []coherence {
	var list []coherence
	var all coherence
	for at := 0; at+blockFrames <= len(y); at += blockFrames {
		n := number + at/blockFrames
		phases := numbering(r.key, n)
		c := r.listen(y[at:at+blockFrames], n*blockFrames, &phases)
		list = append(list, c)
		all.add(&c, 1)
		r.heard.add(&c, 1)
	}
	for len(r.layouts) < len(list) {
		r.layouts = append(r.layouts, block{})
	}
	r.field.reset(len(list) * blockFrames)
	for i := range list {
		r.layout.fill(&r.layouts[i], number+i)
		r.walk(y[i*blockFrames:][:blockFrames], number+i, &r.layouts[i], func(t int, s *symbol) {
			evidence, table := &r.field.evidence[i*blockFrames+t][s.band], &r.densities.unknown
			if s.stage < 0 {
				table = &r.densities.known
			}
			for k, n := range &s.unit.noise {
				evidence[k] += table[row(s.variance+n)][s.phase]
			}
		})
	}
	noise := r.noise(&all)
	r.field.settle(&noise)
	for i := range list {
		r.walk(y[i*blockFrames:][:blockFrames], number+i, &r.layouts[i], func(t int, s *symbol) {
			if s.stage < 0 {
				return
			}
			one := float32(0)
			for k, w := range &r.field.weights[i*blockFrames+t][s.band] {
				one += w * r.densities.one[row(s.variance+s.unit.noise[k])][s.phase]
			}
			r.gatherer.add(s.stage, s.position, float32(math.Log(float64(one/(1-one)))))
		})
	}
	return list
}

// unit says how the variance of the phase of symbols of a kind follows from that of coefficients.
type unit struct {
	gain     float32          // from what is read to steps
	own      float32          // variance that the sender left
	noise    [classes]float32 // variance that noise of each class adds
	relative float32          // by how much more there is, relative to the symbol's square
}

// unit returns the unit of symbols of a kind in a band.
func (r *receiver) unit(k kind, band int) (s unit) {
	step := stepOf(k.db, k.length, k.share)
	s.gain, s.own, s.relative = float32(r.gain[band]/step), float32(ownNoise(k.share)), spreadOf*spreadOf
	for i := range s.noise {
		s.noise[i] = float32(k.spoilt() * math.Exp2(float64(leastClass+i)) / (step * step))
	}
	return s
}

// spoilt is by how much more noise symbols have than those of one coefficient let expect: codecs spoil some coefficients wholly, which symbols
// of several suffer from most, and those whose steps are so large that they would bear more noise.
func (k kind) spoilt() float64 { return (0.9 + 0.1*float64(k.length)) * usualShare(k.length) / k.share }

// units are those of all symbols of a recording, by band.
type units struct {
	pilot   [bands]unit
	header  [headerBands]unit
	payload [][bands]unit // by stage
}

func (r *receiver) newUnits() *units {
	stages := r.gatherer.stages
	s := &units{payload: make([][bands]unit, len(stages))}
	for b := range bands {
		s.pilot[b] = r.unit(kind{pilotLevels[r.pilotLevel], 2, pilotShare}, b)
		if b < headerBands {
			s.header[b] = r.unit(kind{pilotLevels[r.pilotLevel], headerLengths[r.form][b], headerShare}, b)
		}
		for i := range stages {
			length := stages[i].lengths[b]
			s.payload[i][b] = r.unit(kind{below(r.level) - stages[i].raised, length, stages[i].share(length)}, b)
		}
	}
	return s
}

// symbol is one that was read.
type symbol struct {
	stage    int // −1 for pilots and the header, whose bits are known
	position int // of the stage's coded bits
	band     int
	unit     *unit
	phase    int     // in steps/phases from the point of a 0, or of the known bit
	variance float32 // without noise
}

// read reads a symbol. It is of no use if ok is false.
func (s *symbol) read(y *frame, at []uint8, signs uint8, dither float32) (ok bool) {
	u := float32(project(y, at, signs)) * s.unit.gain
	if u == 0 || !(u < 1e6 && u > -1e6) {
		return false
	}
	p := u - dither
	p -= float32(math.Floor(float64(p)))
	s.phase, s.variance = int(p*phases)&(phases-1), s.unit.own+s.unit.relative*u*u
	return true
}

// walk reads the symbols of a block.
func (r *receiver) walk(y []frame, number int, layout *block, do func(t int, s *symbol)) {
	stages := r.gatherer.stages
	for i := range stages {
		if r.at[i] = 0; stages[i].size > 0 {
			r.at[i] = stages[i].begin(number)
		}
	}
	numbers, coded := numbering(r.key, number), number%periodBlocks*headerSymbols(r.form)
	var s symbol
	for t := range layout {
		s.stage = -1
		for b := range bands {
			dither := r.pilots.phase[(number*blockFrames+t)%period][b]
			if isNumber(t, b) {
				dither = numbers[t][b]
			}
			where := [2]uint8{uint8(pilotAt(b)), uint8(pilotAt(b) + 1)}
			if s.band, s.unit = b, &r.units.pilot[b]; s.read(&y[t], where[:], r.pilots.signs[b], dither) {
				do(t, &s)
			}
		}
		for g := range layout[t] {
			code := &layout[t][g]
			s.stage, s.band = int(code.class), g/groupsOfBand
			var length int
			switch {
			case s.stage < 0:
				s.unit, length = &r.units.header[s.band], headerLengths[r.form][s.band]
			case stages[s.stage].size == 0:
				continue
			default:
				s.unit, length = &r.units.payload[s.stage][s.band], stages[s.stage].lengths[s.band]
			}
			for j := range groupSize / length {
				dither := code.dither[j]
				if s.stage < 0 {
					dither += float32(r.headerBits[r.header.position(coded)]) / 2
					coded++
				} else {
					s.position = r.next(s.stage)
				}
				if s.read(&y[t], places[g][j*length:][:length], code.signs>>(j*length), dither) {
					do(t, &s)
				}
			}
		}
	}
}

// next returns which coded bit the next symbol of a stage carries.
func (r *receiver) next(stage int) int {
	at := r.at[stage]
	if r.at[stage]++; r.at[stage] == r.gatherer.stages[stage].positions() {
		r.at[stage] = 0
	}
	return at
}

// invert makes the receiver read a recording that is upside down.
func (r *receiver) invert() {
	for b := range r.gain {
		r.gain[b] = -r.gain[b]
	}
}
