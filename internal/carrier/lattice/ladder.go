package lattice

import (
	"math"
	"sort"
)

// rung says which symbols of each frame carry a stage.
type rung struct {
	strong, medium int              // symbols
	fine           [maxFineBits]int // bits of fine symbols, by their place in the symbol
	// bears is the white noise that the stage is made to bear, as the ratio in dB of the whole change to it; +Inf for none. lost is
	// the share of the recording that may be lost if there is no noise.
	bears, lost float64
	// yields is the backoff in dB from which on a payload that is too large weakens what the stage bears, and most up to which it does.
	yields, most float64
	// weight is how much of the payload a frame carries at the middle scale and share, in sixteenths of a bit. It is 0 for the last rung,
	// which takes the rest.
	weight int
}

// maxStages is the largest number of stages.
const maxStages = 6

// ladders say, for each profile, how the payload is divided into stages, the most protected first. The payload should be
// an embedded stream, whose every prefix decodes, as package codestream makes it.
//
// The bits of a fine symbol differ in what they bear, the first two of them by far the most, so each stage has those that suit it. The
// last ones are of use only where there is little noise, and there they help the first stages when most of the recording is lost.
var ladders = [profiles][]rung{
	Robust: {
		{strong: 44, fine: [maxFineBits]int{0, 0, 0, 60}, bears: -6, lost: third, weight: 32},
		{strong: 44, medium: 240, fine: [maxFineBits]int{0, 0, 0, 200}, bears: -0.5, lost: third, weight: 240},
		{medium: 584, fine: [maxFineBits]int{0, 0, 0, 400}, bears: 6.6, lost: third, yields: 12, most: lossBackoff, weight: 1600},
		{fine: [maxFineBits]int{fineSamples, 0, 0, 0}, bears: 15.5, lost: third, most: mostBackoff, weight: 4000},
		{fine: [maxFineBits]int{0, fineSamples, 0, 0}, bears: 16.7, lost: third, most: mostBackoff, weight: 6400},
		{fine: [maxFineBits]int{0, 0, fineSamples, fineSamples - 660}, bears: 27, lost: third, most: mostBackoff},
	},
	Lean: {
		{fine: [maxFineBits]int{100, 100, 0, 0}, bears: math.Inf(1), lost: 0.7, weight: 1280},
		{fine: [maxFineBits]int{300, 300, 0, 0}, bears: math.Inf(1), lost: 0.5, weight: 4800},
		{fine: [maxFineBits]int{fineSamples - 400, fineSamples - 400, 0, 0}, bears: math.Inf(1), lost: third, weight: 12800},
		{fine: [maxFineBits]int{0, 0, fineSamples, fineSamples}, bears: math.Inf(1)},
	},
}

const third = 1.0 / 3

// Samples of a frame whose coarse symbols are medium ones, samples whose fine symbols carry the payload, and the bits of those.
const (
	mediumSlots = FrameLength - syncPilots - levelPilots - headerStrong - maxData
	fineSamples = FrameLength - syncPilots - headerFine
	fineSlots   = maxFineBits * fineSamples
)

// division says how large the stages of a payload are, but for the last one: a scale for all of them, and a share for each. A stage
// whose share is 0 is empty.
type division struct {
	scale  int
	shares [maxStages - 1]int
}

// middle is the scale at which weights hold, and scaleBits the number of bits of a scale.
const (
	middleScale = 24
	scaleBits   = 5
	maxScale    = 1<<scaleBits - 1
)

// shareBits is the number of bits of each stage's share.
var shareBits = [maxStages - 1]int{4, 4, 4, 5, 5}

// middleShare returns the share of stage i with which a rung's weight holds.
func middleShare(i int) int { return 1<<(shareBits[i]-1) + 1 }

// takes returns the bytes of payload that stage i, which is not the last one, takes in so many frames: weight sixteenths of a bit in
// each at the middle scale and share, twice as many with every step of the scale and with every eight steps of the share.
func takes(rungs []rung, i, frames int, d division) int64 {
	share := d.shares[i]
	if share == 0 {
		return 0
	}
	const one = 1 << 20
	e := 16*(d.scale-middleScale) + 2*(share-middleShare(i))
	factor := uint64(math.Round(math.Exp2(float64(e&15)/16) * one))
	if octave := e >> 4; octave < 0 {
		factor >>= -octave
	} else {
		factor <<= octave
	}
	return int64(uint64(rungs[i].weight) * factor >> 12 * uint64(frames) >> (20 - 12 + 4 + 3))
}

// divide returns the division whose stages take as much as they can of the given sizes in bytes without exceeding them.
func divide(rungs []rung, frames int, sizes []int) (best division) {
	most := int64(-1)
	for scale := range maxScale + 1 {
		d, total := division{scale: scale}, int64(0)
		for i := range rungs[:len(rungs)-1] {
			// The first of all shares, 0, takes nothing.
			d.shares[i] = sort.Search(1<<shareBits[i], func(share int) bool {
				d.shares[i] = share
				return takes(rungs, i, frames, d) > int64(sizes[i])
			}) - 1
			total += takes(rungs, i, frames, d)
		}
		if total > most {
			best, most = d, total
		}
	}
	return best
}

// Blocks of the code carry at most maxBlock bits, check included.
const (
	maxBlock  = 8192
	checkSize = 8 // bytes, behind each block
)

// stage is a part of the payload in its code.
type stage struct {
	rung
	first, size int // bytes of the sealed payload
	blocks      int
	block       int // bytes of each block's payload; the last ones may have less
	bits        int // of information in a block
	length      int // coded bits of a block
}

// perFrame returns the coded bits in each frame.
func (r *rung) perFrame() int {
	n := r.strong + r.medium
	for _, f := range r.fine {
		n += f
	}
	return n
}

// positions returns the coded bits of all blocks: position p belongs to block p mod blocks.
func (s *stage) positions() int { return s.blocks * s.length }

// begin returns where the first coded bit of frame number f lies; the others follow it.
func (s *stage) begin(f int) int {
	return int(uint64(f) * uint64(s.perFrame()) % uint64(s.positions()))
}

// span returns which bytes of the payload block b holds.
func (s *stage) span(b int) (from, to int) {
	from = s.first + b*s.block
	return min(from, s.first+s.size), min(from+s.block, s.first+s.size)
}

// split returns into how many blocks the bytes of a stage, at least one, are divided, and how many bytes each has.
func split(size int) (blocks, block int) {
	blocks = (8*size + maxBlock - 8*checkSize - 1) / (maxBlock - 8*checkSize)
	return blocks, (size + blocks - 1) / blocks
}

// ladder returns the stages of a sealed payload. Those that would be empty have a size of 0.
func (h *header) ladder() []stage {
	rungs := ladders[h.profile]
	stages := make([]stage, len(rungs))
	at := 0
	for i := range rungs {
		s := &stages[i]
		s.rung, s.first, s.size = rungs[i], at, h.sealed-at
		if i < len(rungs)-1 {
			s.size = int(min(int64(s.size), takes(rungs, i, h.frames, h.division)))
		}
		at += s.size
		if s.size == 0 {
			continue
		}
		s.blocks, s.block = split(s.size)
		s.bits = 8 * (s.block + checkSize)
		s.length = int(min(int64(codeLength(s.bits, h.sealed > longPayload)), int64(h.frames)*int64(s.perFrame())/int64(s.blocks)))
		if s.length < s.bits {
			s.length = s.bits
		}
	}
	return stages
}

// payloadOf returns how many bytes of the payload a stage holds: those that are not its tag's.
func (h *header) payloadOf(s *stage) int { return max(0, min(s.first+s.size, h.payload())-s.first) }

// longPayload is the number of bytes from which on a sealed payload is sent at rate ½ and repeated rather than at a lower rate, for the sake of
// memory.
const longPayload = 400 << 10

// codeLength returns how many coded bits there are at most for a block of so many bits.
func codeLength(bits int, long bool) int {
	if long {
		return 2 * bits
	}
	return 5*bits + 18
}
