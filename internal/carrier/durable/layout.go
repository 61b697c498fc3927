package durable

import (
	"strconv"

	"ditas/internal/keystream"
)

// pilots are known to everyone with the key: signs that are the same in all frames, and for each frame of a period the phase in steps by which
// the lattice is shifted.
type pilots struct {
	signs [bands]uint8
	phase [period][bands]float32
}

func newPilots(key keystream.Key) *pilots {
	p, s := new(pilots), keystream.New(key, "durable pilots")
	for b := range p.signs {
		p.signs[b] = uint8(s.Below(4))
	}
	for t := range p.phase {
		for b := range p.phase[t] {
			p.phase[t][b] = float32(s.Dither())
		}
	}
	return p
}

// isNumber tells whether the pilot of a band in a frame tells which period it is in. A quarter of them do, by phases that are the
// recording's own and do not repeat.
func isNumber(t, band int) bool { return (t+band)&3 == 0 }

// numbering returns the phases of the pilots that tell periods, for the frames of a block.
func numbering(key keystream.Key, block int) (phase [blockFrames][bands]float32) {
	s := keystream.New(key, "durable numbers "+strconv.Itoa(block))
	for t := range phase {
		for b := range phase[t] {
			phase[t][b] = float32(s.Dither())
		}
	}
	return phase
}

// class says what a group of coefficients carries: a stage, from 0, or the header.
type class int8

const classHeader class = -1

// slotsOfBand is how many groups a band has in a block.
const slotsOfBand = blockFrames * groupsOfBand

// group is what is known of a group of one frame before it is read.
type group struct {
	class  class
	signs  uint8
	dither [groupSize]float32
}

// block is what is known of the groups of a block.
type block [blockFrames][groups]group

// layout makes blocks.
type layout struct {
	headers [forms][periodBlocks]block // of the key; groups that are not the header's are of class 0
	aim     Aim
	key     keystream.Key // of the recording
	order   [slotsOfBand]uint32
}

// newLayout returns the part of the layout that needs no more than the key.
func newLayout(key keystream.Key) *layout {
	l := new(layout)
	for f := range forms {
		for i := range periodBlocks {
			l.placeHeader(key, f, i)
		}
	}
	return l
}

// placeHeader makes the header's part of block i of a period.
func (l *layout) placeHeader(key keystream.Key, f form, i int) {
	s := keystream.New(key, "durable header "+headerNames[f]+" "+strconv.Itoa(i))
	for b, length := range headerLengths[f] {
		s.Permute(l.order[:])
		for _, slot := range l.order[:headerSlots[f]] {
			g := &l.headers[f][i][slot/groupsOfBand][b*groupsOfBand+int(slot%groupsOfBand)]
			g.class, g.signs = classHeader, uint8(s.Below(1<<groupSize))
			for j := range groupSize / length {
				g.dither[j] = float32(s.Dither())
			}
		}
	}
}

// of sets the recording's key and aim.
func (l *layout) of(key keystream.Key, aim Aim) { l.key, l.aim = key, aim }

// fill makes the layout of block i.
func (l *layout) fill(to *block, i int) {
	*to = l.headers[formOf(l.aim)][i%periodBlocks]
	stages := ladders[l.aim]
	s := keystream.New(l.key, "durable block "+strconv.Itoa(i))
	for b := range bands {
		s.Permute(l.order[:])
		stage, left := 0, stages[0].slots[b]
		for _, slot := range l.order {
			g := &to[slot/groupsOfBand][b*groupsOfBand+int(slot%groupsOfBand)]
			if g.class == classHeader {
				continue
			}
			for left == 0 && stage < len(stages)-1 {
				stage++
				left = stages[stage].slots[b]
			}
			left--
			g.class = class(stage)
			bits := s.Uint64()
			g.signs = uint8(bits & (1<<groupSize - 1))
			for j := 0; j < groupSize/stages[stage].lengths[b]; j++ {
				g.dither[j] = float32(s.Dither())
			}
		}
	}
}
