package durable

import (
	"ditas/internal/keystream"
)

// modulator says what is written to each frame.
type modulator struct {
	pilots     *pilots
	layout     *layout
	key        keystream.Key // of the recording
	level      int
	pilotLevel int
	header     *headerCode
	headerBits []byte // in the code
	stages     []stage
	coded      [][]byte
	kept       [2]keptBlock

	headerSteps [groupSize + 1]float64 // of symbols of each length
	steps       [][groupSize + 1]float64
}

// keptBlock is what is written to a block.
type keptBlock struct {
	number  int
	filled  bool
	numbers [blockFrames][bands]float32
	layout  block
	bits    [blockFrames][groups]uint8 // of each group's symbols
}

// set sets the level.
func (m *modulator) set(level int) {
	m.level, m.pilotLevel = level, pilotLevelOf(level)
	m.steps = make([][groupSize + 1]float64, len(m.stages))
	for _, n := range []int{1, 2, 3, 6} {
		m.headerSteps[n] = stepOf(pilotLevels[m.pilotLevel], n, headerShare)
		for i := range m.stages {
			m.steps[i][n] = stepOf(below(level)-m.stages[i].raised, n, m.stages[i].share(n))
		}
	}
}

// block returns block number n.
func (m *modulator) block(n int) *keptBlock {
	k := &m.kept[n&1]
	if k.filled && k.number == n {
		return k
	}
	k.number, k.filled, k.numbers = n, true, numbering(m.key, n)
	m.layout.fill(&k.layout, n)
	symbol, at := n%periodBlocks*headerSymbols(formOf(m.layout.aim)), make([]int, len(m.stages))
	for i := range m.stages {
		if m.stages[i].size > 0 {
			at[i] = m.stages[i].begin(n)
		}
	}
	for t := range k.layout {
		for g := range k.layout[t] {
			code := &k.layout[t][g]
			k.bits[t][g] = 0
			if code.class == classHeader {
				for j := range groupSize / headerLengths[formOf(m.layout.aim)][g/groupsOfBand] {
					k.bits[t][g] |= m.headerBits[m.header.position(symbol)] << j
					symbol++
				}
				continue
			}
			s := &m.stages[code.class]
			if s.size == 0 {
				continue
			}
			for j := range groupSize / s.lengths[g/groupsOfBand] {
				k.bits[t][g] |= m.coded[code.class][at[code.class]] << j
				if at[code.class]++; at[code.class] == s.positions() {
					at[code.class] = 0
				}
			}
		}
	}
	return k
}

// change computes the change to frame t, y, both in units of what the ear bears.
func (m *modulator) change(dst, y *frame, t int) {
	*dst = frame{}
	k, i := m.block(t/blockFrames), t%blockFrames
	step := pilotStep(m.pilotLevel)
	for b := range bands {
		phase := m.pilots.phase[t%period][b]
		if isNumber(t, b) {
			phase = k.numbers[i][b]
		}
		where := [2]uint8{uint8(pilotAt(b)), uint8(pilotAt(b) + 1)}
		u := project(y, where[:], m.pilots.signs[b])
		move(dst, where[:], m.pilots.signs[b], u, lattice{float64(phase), step, pilotShare})
	}
	for g := range places {
		code, bits, band := &k.layout[i][g], k.bits[i][g], g/groupsOfBand
		var length int
		var l lattice
		if code.class == classHeader {
			length = headerLengths[formOf(m.layout.aim)][band]
			l.step, l.share = m.headerSteps[length], headerShare
		} else {
			s := &m.stages[code.class]
			if s.size == 0 {
				continue
			}
			length = s.lengths[band]
			l.step, l.share = m.steps[code.class][length], s.share(length)
		}
		for j := range groupSize / length {
			at, signs := places[g][j*length:][:length], code.signs>>(j*length)
			u := project(y, at, signs)
			l.phase = float64(code.dither[j]) + float64(bits>>j&1)/2
			move(dst, at, signs, u, l)
		}
	}
}
