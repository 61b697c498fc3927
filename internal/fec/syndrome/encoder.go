package syndrome

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrWet reports a message that cannot be told without flipping wet bits.
var ErrWet = errors.New("too many of the bits must not be changed")

// MaxCost is above all costs: bits that cost as much or more are wet.
const MaxCost = 256

// Wet is the cost of bits that must not be flipped.
const Wet float32 = MaxCost

// Path costs are integers, so that results are the same everywhere. After blocks that have added up to mostAdded the least is 0 again, and none is
// above mostCost; then the MaxWidth bits of another block cannot bring them beyond 31 bits.
const (
	unit      = 1024
	wetCost   = unit * MaxCost
	mostCost  = 1 << 29
	mostAdded = 1<<31 - 1 - mostCost - MaxWidth*wetCost
)

// uncheckedBits is after how many bits an encoder looks again whether it is to stop.
const uncheckedBits = 1 << 12

// Encoder finds the words that tell messages. It keeps 2^(height−3) bytes to each cover bit, in which it is not safe for concurrent use.
type Encoder struct {
	code *Code
	// cost is the least cost of all words so far that lead to each state, which is how the next message bits stand; before is that of the block before.
	cost, before []int32
	// taken tells for each bit but the first of its block, and each state, whether the best word that leads there has the bit set. It comes in words of
	// 64 states, the states of the upper half in the order of those that they differ from by the bit's column.
	taken   []uint64
	trellis trellis
}

// NewEncoder returns an Encoder of a code.
func NewEncoder(code *Code) *Encoder {
	states := 1 << code.height
	return &Encoder{
		code: code, cost: make([]int32, states), before: make([]int32, states),
		taken: make([]uint64, (code.bits-code.message)*(states/64)), trellis: fastest(),
	}
}

// Reset makes e an Encoder of another code of the same height, and keeps its memory if that is enough.
func (e *Encoder) Reset(code *Code) {
	if code.height != e.code.height {
		*e = *NewEncoder(code)
		return
	}
	e.code = code
	n := (code.bits - code.message) * (len(e.cost) / 64)
	if cap(e.taken) < n {
		e.taken = make([]uint64, n)
	}
	e.taken = e.taken[:n]
}

// Embed writes to stego the word that tells message and differs from cover at the least cost, and returns that cost. Bits are the lowest of each
// byte; costs are at least 0. stego may be cover. The error wraps [ErrWet], or is that of ctx. Embed panics if the lengths are not those of
// the code.
func (e *Encoder) Embed(ctx context.Context, stego, cover []byte, costs []float32, message []byte) (float64, error) {
	c := e.code
	if len(stego) != c.bits || len(cover) != c.bits || len(costs) != c.bits || len(message) != c.message {
		panic(fmt.Sprintf("syndrome: words of %d and %d bits, %d costs and a message of %d bits, want %d and %d",
			len(stego), len(cover), len(costs), len(message), c.bits, c.message))
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	for s := range e.cost {
		e.cost[s] = mostCost
	}
	e.cost[0] = 0
	words := len(e.cost) / 64
	at, from, checked := 0, 0, 0
	var last byte // message bit; that of the block before the first is 0
	added := int64(0)
	for i, bit := range message {
		to := c.start(i + 1)
		if to-checked > uncheckedBits {
			if checked = to; ctx.Err() != nil {
				return 0, ctx.Err()
			}
		}
		e.cost, e.before = e.before, e.cost
		for j, column := range c.columns(to - from) {
			zero, one := price(costs[from+j]), int32(0)
			added += int64(zero)
			if cover[from+j]&1 == 0 {
				zero, one = one, zero
			}
			if j == 0 {
				e.trellis.first(e.cost, e.before, uint32(column), last, zero, one)
				continue
			}
			e.trellis.next(e.cost, e.taken[at:at+words], uint32(column), zero, one)
			at += words
		}
		if last, from = bit&1, to; added > mostAdded {
			level(e.cost)
			added = 0
		}
	}
	state := int(last)
	for s := state; s < len(e.cost); s += 2 {
		if e.cost[s] < e.cost[state] {
			state = s
		}
	}
	return e.trace(stego, cover, costs, message, state)
}

// level subtracts the least of all costs, and limits what is left.
func level(cost []int32) {
	least := slices.Min(cost)
	for s, v := range cost {
		cost[s] = min(v-least, mostCost)
	}
}

// trace goes back from the last state, whose lowest bit is that of the message, and writes the word that leads there.
func (e *Encoder) trace(stego, cover []byte, costs []float32, message []byte, state int) (float64, error) {
	half, words := len(e.cost)/2, len(e.cost)/64
	at, to := len(e.taken), len(stego)
	wet := false
	var total int64
	for i := len(message) - 1; i >= 0; i-- {
		from := e.code.start(i)
		columns := e.code.columns(to - from)
		for j := len(columns) - 1; j >= 0; j-- {
			var set byte
			column := int(columns[j])
			if j == 0 {
				set = byte(state / half)
			} else {
				at -= words
				low, upper := state, 0
				if state >= half {
					low, upper = state^column, words/2
				}
				set = byte(e.taken[at+upper+low>>6] >> (low & 63) & 1)
			}
			if set == 1 {
				state ^= column
			}
			if set != cover[from+j]&1 {
				p := price(costs[from+j])
				wet = wet || p == wetCost
				total += int64(p)
			}
			stego[from+j] = cover[from+j]&^1 | set
		}
		if to = from; i > 0 {
			state = state<<1 | int(message[i-1]&1)
		}
	}
	if wet || state != 0 { // the latter costs more than any word but one with very many wet bits
		return 0, fmt.Errorf("syndrome: %w to tell %d bits by %d", ErrWet, len(message), len(stego))
	}
	return float64(total) / unit, nil
}

// price returns a cost as an integer.
func price(cost float32) int32 {
	if cost >= MaxCost {
		return wetCost
	}
	return int32(cost*unit + 0.5)
}

// trellis computes the costs of all states.
type trellis interface {
	// first computes those after the first bit of a block from those before it, of which only the ones with the last message bit can be. zero and one are
	// what it costs that the block's bit is so.
	first(cost, before []int32, column uint32, last byte, zero, one int32)
	// next computes those after a further bit, and which of two ways leads there.
	next(cost []int32, taken []uint64, column uint32, zero, one int32)
}

// portable is a trellis in plain Go.
type portable struct{}

func (portable) first(cost, before []int32, column uint32, last byte, zero, one int32) {
	half := len(cost) / 2
	for s := range half {
		v := before[2*s+int(last)]
		cost[s] = v + zero
		cost[uint32(s)^column] = v + one
	}
}

func (portable) next(cost []int32, taken []uint64, column uint32, zero, one int32) {
	half := len(cost) / 2
	lowTaken, highTaken := taken[:half/64], taken[half/64:half/32]
	inner := column & 63
	for w := range lowTaken {
		low := (*[64]int32)(cost[64*w:])
		high := (*[64]int32)(cost[(uint32(64*w)^column)&^63:])
		var lowBits, highBits uint64
		for k := range low {
			a, b := low[k], high[uint32(k)^inner&63]
			// A difference below 0 means that the way with the bit set costs less.
			d := b + one - a - zero
			e := a + one - b - zero
			low[k] = a + zero + d&(d>>31)
			high[uint32(k)^inner&63] = b + zero + e&(e>>31)
			lowBits |= uint64(uint32(d)>>31) << k
			highBits |= uint64(uint32(e)>>31) << k
		}
		lowTaken[w], highTaken[w] = lowBits, highBits
	}
}
