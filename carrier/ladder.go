package carrier

import "math"

// rung says which symbols of each frame carry a stage, and how much of the payload.
type rung struct {
	strong, medium, fine int // bits in a frame
	// weight is how much of the payload a frame carries at scale 1, and more and most what comes to that from there to scale 2 and
	// with every scale beyond, all in sixteenths of a bit.
	weight, more, most int
}

// ladders say, for each profile, how the payload is divided into stages, the most protected first. The payload has to be a
// stream of which every beginning is of use, as package codestream makes it.
var ladders = [profiles][]rung{
	// Under white noise of the power of the whole change, in decibels below it, the stages arrive from about −6, 0, 7, 17, 17 and
	// 27 dB on. The first four stay as they are until there is more to carry than the others can take.
	Robust: {
		{strong: 52, fine: 60, weight: 50},
		{strong: 36, medium: 240, fine: 150, weight: 205},
		{medium: 584, fine: 800, weight: 1180},
		{fine: 1050, weight: 3050, most: 4900},
		{fine: 1035, weight: 3050, more: 4800, most: 4000},
		{fine: 953, weight: 7200, most: 3600},
	},
	Lean: {
		{fine: 200, weight: 160, more: 160, most: 160},
		{fine: 600, weight: 2200, more: 2200, most: 2200},
		{fine: 3248, weight: 16000, more: 16000, most: 16000},
	},
}

// Samples of a frame whose coarse symbols are medium ones, and bits of fine symbols, that carry the payload.
const (
	mediumSlots = FrameLength - syncPilots - headerStrong - framePilots - maxData
	fineSlots   = maxFineBits * (FrameLength - headerFine)
)

// maxScale is the largest scale of a ladder: scale s stands for 2^((s−128)/16).
const maxScale = 255

// scaled returns the bytes of payload that a rung takes in so many frames at a scale.
func (r rung) scaled(frames, scale int) int {
	const one = 1 << 20
	octave, step := (scale-128)>>4, (scale-128)&15
	factor := uint64(math.Round(math.Exp2(float64(step)/16) * one))
	if octave < 0 {
		factor >>= -octave
	} else {
		factor <<= octave
	}
	v := uint64(r.weight) * min(factor, one)
	if factor > one {
		v += uint64(r.more) * min(factor-one, one)
	}
	if factor > 2*one {
		v += uint64(r.most) * (factor - 2*one)
	}
	return int(v >> 12 * uint64(frames) >> (20 - 12 + 4 + 3))
}

// Blocks of the code carry at most maxBlock bits, check included.
const (
	maxBlock  = 8192
	checkSize = 3 // bytes
	// leastBlock is the least number of bytes of payload for which there is a code; zeros fill it up.
	leastBlock = 2
)

// stage is a part of the payload in its code.
type stage struct {
	rung
	first, size int // bytes of the payload
	blocks      int
	block       int // bytes of each block's payload; the last ones may have less
	bits        int // of information in a block
	length      int // coded bits of a block
	stride      int
}

// perFrame returns the coded bits in each frame.
func (s *stage) perFrame() int { return s.strong + s.medium + s.fine }

// positions returns the coded bits of all blocks: position p belongs to block p mod blocks.
func (s *stage) positions() int { return s.blocks * s.length }

// begin returns where the first coded bit of frame number f lies; those that follow are a stride apart.
func (s *stage) begin(f int) int {
	n := s.positions()
	return int(uint64(f) * uint64(s.perFrame()) % uint64(n) * uint64(s.stride) % uint64(n))
}

// span returns which bytes of the payload block b holds.
func (s *stage) span(b int) (from, to int) {
	from = s.first + b*s.block
	return min(from, s.first+s.size), min(from+s.block, s.first+s.size)
}

// ladder returns the stages of a payload. Those that would be empty have a size of 0.
func (h *header) ladder() []stage {
	rungs := ladders[h.profile]
	stages := make([]stage, len(rungs))
	at := 0
	for i, r := range rungs {
		s := &stages[i]
		s.rung, s.first, s.size = r, at, h.payload-at
		if i < len(rungs)-1 {
			s.size = min(s.size, r.scaled(h.frames, h.scale))
		}
		at += s.size
		if s.size == 0 {
			continue
		}
		s.blocks = (8*s.size + maxBlock - 8*checkSize - 1) / (maxBlock - 8*checkSize)
		s.block = max(leastBlock, (s.size+s.blocks-1)/s.blocks)
		s.bits = 8 * (s.block + checkSize)
		// A long payload is sent at rate ½ and repeated rather than at a lower rate, for the sake of memory.
		s.length = 5*s.bits + 18
		if h.payload > longPayload {
			s.length = min(s.length, 2*s.bits)
		}
		s.length = min(s.length, h.frames*r.slots()/s.blocks)
		if s.length < s.bits {
			s.length = s.bits
		}
		s.stride = goldenStride(s.positions())
	}
	return stages
}

func (r rung) slots() int { return r.strong + r.medium + r.fine }

const longPayload = 400 << 10
