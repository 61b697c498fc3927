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
	gain       [bands]float64 // by which what is read is multiplied
	heard      coherence      // of all blocks so far
	headerSums []float32

	// What follows is of the recording, once its header is known.
	key        keystream.Key
	level      int
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

func newReceiver(p *pilots, t *likelihoods, l *layout, h *headerCode, pilotLevel int) *receiver {
	r := &receiver{pilots: p, tables: t, layout: l, header: h, pilotLevel: pilotLevel, headerSums: make([]float32, h.code.Len())}
	for b := range r.gain {
		r.gain[b] = 1
	}
	return r
}

// pilot returns where the pilot of a band lies, in steps.
func (r *receiver) pilot(y *frame, band int) float64 {
	at := pilotAt(band)
	where := [2]uint8{uint8(at), uint8(at + 1)}
	return r.gain[band] * project(y, where[:], r.pilots.signs[band]) / stepOf(pilotLevels[r.pilotLevel], 2)
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
	step := stepOf(pilotLevels[r.pilotLevel], 2)
	for b := range n {
		const prior = 60
		all := (r.heard.sum[b] + 1) / (r.heard.count[b] + 10)
		rho := (near.sum[b] + prior*all) / (near.count[b] + prior)
		n[b] = max(0.0005, varianceOf(rho)-ownNoise(share(2))) * step * step
	}
	return n
}

// spreadOf is by how much, relative to what the ear bears, sender and receiver differ in that.
const spreadOf = 0.03

// excess is by how much more noise symbols of several coefficients have than those of two let expect: codecs spoil some coefficients wholly.
func excess(length int) float64 { return 0.8 + 0.15*float64(length) }

// symbolReader reads the symbols of one length in one band.
type symbolReader struct {
	tables             *likelihoods
	step, gain         float64
	variance, relative float64
}

func (r *receiver) reader(db float64, length, band int, noise float64) symbolReader {
	step := stepOf(db, length)
	return symbolReader{r.tables, step, r.gain[band] / step, excess(length)*noise/(step*step) + ownNoise(share(length)), spreadOf * spreadOf}
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
	var readers [headerBands]symbolReader
	for i, near := range smoothed(list) {
		noise := r.noise(&near)
		for b := range readers {
			readers[b] = r.reader(pilotLevels[r.pilotLevel], headerLength, b, noise[b])
		}
		number := (first/blockFrames + i) % periodBlocks
		code, symbol := &r.layout.header[number], number*headerBlock
		for t := range code {
			for g := range headerBands * groupsOfBand {
				if p := &code[t][g]; p.class == classHeader {
					for j := range groupSize / headerLength {
						at, signs := places[g][j*headerLength:][:headerLength], p.signs>>(j*headerLength)
						v := readers[g/groupsOfBand].read(&y[i*blockFrames+t], at, signs, p.dither[j])
						r.headerSums[r.header.position(symbol)] += v
						symbol++
					}
				}
			}
		}
	}
}

// open prepares for reading the payload.
func (r *receiver) open(h *header, key keystream.Key) {
	r.key, r.level = h.nonce.key(key), h.level
	stages := ladder(h.aim, h.blocks, h.scale, h.payload)
	r.layout.of(r.key, ladders[h.aim])
	r.gatherer = newGatherer(stages)
	r.units, r.at, r.densities, r.headerBits = r.newUnits(), make([]int, len(stages)), newDensities(), r.header.encode(h.marshal(key))
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

// unit returns the unit of symbols of a length in a band, db below what the ear bears.
func (r *receiver) unit(db float64, length, band int) (s unit) {
	step := stepOf(db, length)
	s.gain, s.own, s.relative = float32(r.gain[band]/step), float32(ownNoise(share(length))), spreadOf*spreadOf
	for k := range s.noise {
		s.noise[k] = float32(spoilt(length) * math.Exp2(float64(leastClass+k)) / (step * step))
	}
	return s
}

// spoilt is by how much more noise symbols of several coefficients have than those of one let expect: codecs spoil some coefficients wholly.
func spoilt(length int) float64 { return 0.9 + 0.1*float64(length) }

// units are those of all symbols of a recording, by band.
type units struct {
	pilot, header [bands]unit
	payload       [][bands]unit // by stage
}

func (r *receiver) newUnits() *units {
	stages := r.gatherer.stages
	s := &units{payload: make([][bands]unit, len(stages))}
	for b := range bands {
		s.pilot[b] = r.unit(pilotLevels[r.pilotLevel], 2, b)
		s.header[b] = r.unit(pilotLevels[r.pilotLevel], headerLength, b)
		for i := range stages {
			s.payload[i][b] = r.unit(float64(loudest+r.level), stages[i].lengths[b], b)
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
	numbers, coded := numbering(r.key, number), number%periodBlocks*headerBlock
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
			length := headerLength
			if s.unit = &r.units.header[s.band]; s.stage >= 0 {
				if stages[s.stage].size == 0 {
					continue
				}
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
