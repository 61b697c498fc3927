// Package convolutional is the code of the networks' header: a convolutional code with soft decisions.
package convolutional

import "math/bits"

// The code: rate 1/2, constraint length 7, generators 133 and 171 (octal), free distance 10, the code of
// the Voyager probes and of many standards since (Odenwalder 1970; CCSDS 131.0-B). Each bit of the message, the most
// significant bit of a byte first, yields a symbol of generator 133 and one of generator 171; six zero bits end it.
// Memory is the number of bits that the code remembers, and of zeros that end it.
const Memory = 6

const (
	states     = 1 << Memory
	generatorA = 0o133
	generatorB = 0o171
)

// Len returns the number of symbols that n bytes become.
func Len(n int) int { return 2 * (8*n + Memory) }

// Encode returns the symbols of message, one bit in each byte.
func Encode(message []byte) []byte {
	out := make([]byte, 0, Len(len(message)))
	var register uint // the current bit in front, the oldest last
	push := func(bit byte) {
		register = register>>1 | uint(bit)<<Memory
		out = append(out, parity(register&generatorA), parity(register&generatorB))
	}
	for _, b := range message {
		for i := 7; i >= 0; i-- {
			push(b >> i & 1)
		}
	}
	for range Memory {
		push(0)
	}
	return out
}

func parity(x uint) byte { return byte(bits.OnesCount(x) & 1) }

// Log-likelihoods enter the decoder as integers, metricScale to the unit, at most maxMetric. Two path metrics never differ
// by more than 2·Memory·2·maxMetric, so they may wrap around as long as only differences are looked at.
const metricScale, maxMetric = 64, 1 << 16

// branches holds, for the butterfly that joins states 2i and 2i+1 with states i and i+32, the pair of symbols sent when
// bit 0 follows state 2i, generator 133 in bit 0 of the pair and 171 in bit 1.
var branches = func() (table [states / 2]uint8) {
	for i := range table {
		r := uint(2 * i)
		table[i] = parity(r&generatorA) | parity(r&generatorB)<<1
	}
	return table
}()

// Decode returns the message most likely sent, given the log-likelihood ln P(1)/P(0) of each symbol, 0 for a lost one:
// Viterbi's algorithm over the whole message (Viterbi 1967; Heller and Jacobs 1971). len(likelihoods) is Len of its
// length in bytes.
func Decode(likelihoods []float32) []byte {
	steps := len(likelihoods) / 2
	survivors := make([]uint64, steps) // bit s: state s came from the odd one of its two predecessors
	var a, b [states]int32
	old, now := &a, &b
	for s := 1; s < states; s++ {
		old[s] = -1 << 28 // the register starts with zeros
	}
	for t := range survivors {
		x, y := metric(likelihoods[2*t]), metric(likelihoods[2*t+1])
		gains := [4]int32{-x - y, x - y, y - x, x + y}
		var low, high uint64
		for i := range states / 2 {
			// Both generators look at the newest and at the oldest bit, so that changing either one inverts both symbols
			// and one gain serves all four branches.
			g := gains[branches[i]&3]
			even, odd := old[2*i], old[2*i+1]
			e0, o0 := even+g, odd-g
			e1, o1 := even-g, odd+g
			// d is all ones if the odd one is better.
			d := (e0 - o0) >> 31
			now[i] = e0 ^ (e0^o0)&d
			low |= uint64(d&1) << i
			d = (e1 - o1) >> 31
			now[i+states/2] = e1 ^ (e1^o1)&d
			high |= uint64(d&1) << i
		}
		survivors[t] = low | high<<(states/2)
		old, now = now, old
	}

	message := make([]byte, (steps-Memory)/8)
	state := uint(0)
	for t := steps - 1; t >= 0; t-- {
		if bit := state >> (Memory - 1); bit != 0 && t < 8*len(message) {
			message[t/8] |= 0x80 >> (t % 8)
		}
		state = state<<1&(states-1) | uint(survivors[t]>>state)&1
	}
	return message
}

func metric(likelihood float32) int32 {
	return int32(max(-maxMetric, min(maxMetric, likelihood*metricScale)))
}
