package bitplane

import (
	"ditas/internal/codestream/internal/entropy"
)

// Tables of cells: the first cell of each, by input, and the sizes.
var (
	closeBase  [6]int
	lonelyBase [4]int
	signBase   [5]int
	refineBase [4]int
	lateBase   [1]int
	silentBase [1]int
	startBase  [1]int
	cellCount  int
)

// Sets of weights of mixing.
const (
	closeSets  = 0
	lonelySets = closeSets + 9*4
	signSets   = lonelySets + 9*4
	refineSets = signSets + colours*orientations
	setCount   = refineSets + 9*2
)

// inputs is the most that a mix has, its bias included.
const inputs = 7

func init() {
	for _, t := range []struct {
		base []int
		size []int
	}{
		{closeBase[:], []int{
			classes * planes * 16, 3 * 2 * 7 * 7 * 7, 9 * 4 * 24, 9 * 5 * 5 * 8, 3 * 4 * 4 * 5 * 5 * 5, 3 * 2 * 81 * 4 * 4,
		}},
		{lonelyBase[:], []int{classes * planes * 4, 9 * 4 * 24, 9 * 4 * 4 * 4, 3 * 4 * 4 * 5 * 5}},
		{signBase[:], []int{3 * 4 * 81, classes * 27, classes * 15, 3 * 4 * 81, 3 * 15 * 5}},
		{refineBase[:], []int{classes * planes * 2, 9 * 2 * 16, 9 * 2 * 16, 9 * 5 * 5 * 5}},
		{lateBase[:], []int{classes * planes}},
		{silentBase[:], []int{classes * planes}},
		{startBase[:], []int{classes * planes * 3}},
	} {
		for i, n := range t.size {
			t.base[i] = cellCount
			cellCount += n
		}
	}
}

// learning is the rate at which weights of mixing learn, in units of 2^-20.
const learning = 14

// A cell is named by 16 bits. The tables leave hardly any of these names free, so looking one up needs no check.
const cellSpace = 1 << 16

// model turns contexts into probabilities, and learns.
type model struct {
	coder   *entropy.Coder
	prior   *Prior
	cells   *[cellSpace]entropy.Cell
	weights [setCount][inputs]int32 // of 65536
	rate    int64
	observe func(bit int, p uint32, cells ...uint16) // where set, is told of every decision
}

func newModel(coder *entropy.Coder, prior *Prior) *model {
	m := &model{coder: coder, prior: prior, rate: learning, cells: new([cellSpace]entropy.Cell)}
	copy(m.cells[:], prior.cells)
	copy(m.weights[:], prior.weights)
	return m
}

// alone codes a bit by one cell.
func (m *model) alone(cell uint16, bit int) int {
	c := &m.cells[cell]
	p := min(max(c.P(), 32), 65536-32)
	bit = m.coder.Code(bit, p)
	if m.observe != nil {
		m.observe(bit, p, cell)
	}
	c.Update(bit)
	return bit
}

// The mixes are written out, since most of the time goes into them.

// decide4 codes a bit by a mix of four cells: their probabilities, as log odds, are summed with the weights w (Mahoney 2005,
// section 2.3), and the weights move along the gradient of the cost.
func (m *model) decide4(w *[inputs]int32, bit int, a0, a1, a2, a3 uint16) int {
	c0, c1, c2, c3 := &m.cells[a0], &m.cells[a1], &m.cells[a2], &m.cells[a3]
	s0, s1, s2, s3 := c0.Odds(), c1.Odds(), c2.Odds(), c3.Odds()
	sum := int64(w[0])*s0 + int64(w[1])*s1 + int64(w[2])*s2 + int64(w[3])*s3 + int64(w[inputs-1])<<8
	p := entropy.Squash(sum >> 16)
	bit = m.coder.Code(bit, p)
	if m.observe != nil {
		m.observe(bit, p, a0, a1, a2, a3)
	}
	miss := int64(bit<<16-int(p)) * m.rate
	w[0] += shift20(s0 * miss)
	w[1] += shift20(s1 * miss)
	w[2] += shift20(s2 * miss)
	w[3] += shift20(s3 * miss)
	w[inputs-1] += shift20(miss << 8)
	c0.Update(bit)
	c1.Update(bit)
	c2.Update(bit)
	c3.Update(bit)
	return bit
}

// decide5 is decide4 for five cells.
func (m *model) decide5(w *[inputs]int32, bit int, a0, a1, a2, a3, a4 uint16) int {
	c0, c1, c2, c3, c4 := &m.cells[a0], &m.cells[a1], &m.cells[a2], &m.cells[a3], &m.cells[a4]
	s0, s1, s2, s3, s4 := c0.Odds(), c1.Odds(), c2.Odds(), c3.Odds(), c4.Odds()
	sum := int64(w[0])*s0 + int64(w[1])*s1 + int64(w[2])*s2 + int64(w[3])*s3 + int64(w[4])*s4 + int64(w[inputs-1])<<8
	p := entropy.Squash(sum >> 16)
	bit = m.coder.Code(bit, p)
	if m.observe != nil {
		m.observe(bit, p, a0, a1, a2, a3, a4)
	}
	miss := int64(bit<<16-int(p)) * m.rate
	w[0] += shift20(s0 * miss)
	w[1] += shift20(s1 * miss)
	w[2] += shift20(s2 * miss)
	w[3] += shift20(s3 * miss)
	w[4] += shift20(s4 * miss)
	w[inputs-1] += shift20(miss << 8)
	c0.Update(bit)
	c1.Update(bit)
	c2.Update(bit)
	c3.Update(bit)
	c4.Update(bit)
	return bit
}

// decide6 is decide4 for six cells.
func (m *model) decide6(w *[inputs]int32, bit int, a0, a1, a2, a3, a4, a5 uint16) int {
	c0, c1, c2, c3, c4, c5 := &m.cells[a0], &m.cells[a1], &m.cells[a2], &m.cells[a3], &m.cells[a4], &m.cells[a5]
	s0, s1, s2, s3, s4, s5 := c0.Odds(), c1.Odds(), c2.Odds(), c3.Odds(), c4.Odds(), c5.Odds()
	sum := int64(w[0])*s0 + int64(w[1])*s1 + int64(w[2])*s2 + int64(w[3])*s3 + int64(w[4])*s4 + int64(w[5])*s5 +
		int64(w[inputs-1])<<8
	p := entropy.Squash(sum >> 16)
	bit = m.coder.Code(bit, p)
	if m.observe != nil {
		m.observe(bit, p, a0, a1, a2, a3, a4, a5)
	}
	miss := int64(bit<<16-int(p)) * m.rate
	w[0] += shift20(s0 * miss)
	w[1] += shift20(s1 * miss)
	w[2] += shift20(s2 * miss)
	w[3] += shift20(s3 * miss)
	w[4] += shift20(s4 * miss)
	w[5] += shift20(s5 * miss)
	w[inputs-1] += shift20(miss << 8)
	c0.Update(bit)
	c1.Update(bit)
	c2.Update(bit)
	c3.Update(bit)
	c4.Update(bit)
	c5.Update(bit)
	return bit
}

func shift20(v int64) int32 { return int32((v + 1<<19) >> 20) }
