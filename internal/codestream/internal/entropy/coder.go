// Package entropy codes binary decisions: an arithmetic coder whose streams may be cut anywhere, and adaptive probabilities with
// what it takes to mix them. Everything is integer arithmetic, so that all platforms agree.
//
//	c := entropy.NewEncoder(0)           // or entropy.NewDecoder(stream)
//	bit = c.Code(bit, cell.P())          // codes bit, or reads and returns one
//	cell.Update(bit, 250)
//	stream, complete := c.Finish()       // of an encoder
//
// The same code drives encoder and decoder: what Code is given as the bit matters to the encoder only.
package entropy

// Coder codes bits, or decodes them, by the carryless binary arithmetic coder of PAQ (Mahoney, Adaptive weighing of context
// models for lossless data compression, 2005, section 2.1): the interval [low, high] of 32-bit numbers is divided in proportion
// to the probabilities, and leading bytes that both ends share are shifted out.
type Coder struct {
	// Done says that there is no more to do: the encoder has reached its limit, or the decoder the last bit that is certain,
	// whatever would have followed the prefix that it has.
	Done bool

	low, high uint32
	decoding  bool

	out   []byte // of an encoder
	limit int
	coded int      // decisions
	known []uint32 // how many decisions each prefix tells
	// middles are where the decisions since the third last byte that was written have divided the interval; those since the last byte begin
	// at since[0], those since the one before at since[1].
	middles []uint32
	since   [2]int

	in   []byte // of a decoder
	at   int    // how many bytes of it have been shifted in, those missing included
	code uint32 // the last four of these bytes, those missing as zeros
	open uint32 // the bits of code that the present prefix lacks

	stops []int // the lengths of prefixes that are still to come, the present one first
	pause func() bool
}

// NewEncoder returns a coder that writes at most limit bytes, any number if limit is 0 or less.
func NewEncoder(limit int) *Coder {
	return &Coder{high: 1<<32 - 1, limit: limit}
}

// Known returns how many decisions a decoder takes that has the first n bytes of an encoder's stream, n at least 1. Of the last four bytes and
// beyond it is all of them.
func (c *Coder) Known(n int) int {
	if n > len(c.known) {
		return c.coded
	}
	return int(c.known[n-1])
}

// NewDecoder returns a coder that reads a prefix of a stream.
func NewDecoder(prefix []byte) *Coder { return NewPrefixes(prefix, []int{len(prefix)}, nil) }

// NewPrefixes returns a coder that reads several prefixes of a stream at once, given their lengths, which must not fall and
// be at most that of the stream. Where a decoder of a prefix other than the last would be Done, it calls pause and then goes on,
// unless pause returns false.
func NewPrefixes(stream []byte, lengths []int, pause func() bool) *Coder {
	c := &Coder{high: 1<<32 - 1, decoding: true, in: stream[:lengths[len(lengths)-1]], stops: lengths, pause: pause}
	for range 4 {
		c.next()
	}
	return c
}

// next shifts a byte in.
func (c *Coder) next() {
	c.code <<= 8
	c.open <<= 8
	if c.at < len(c.in) {
		c.code |= uint32(c.in[c.at])
	}
	if c.at >= c.stops[0] {
		c.open |= 0xff
	}
	c.at++
}

// Code codes bit, or decodes one, and returns it. Its probability of being 1 is p of 65536, 0 < p < 65536. A decoder returns 0
// once it is Done.
func (c *Coder) Code(bit int, p uint32) int {
	low, high := c.low, c.high
	middle := low + uint32(uint64(high-low)*uint64(p)>>16)
	if c.decoding {
		if c.open != 0 && !c.certain(middle) {
			return 0
		}
		bit = 0
		if c.code <= middle {
			bit = 1
		}
	} else {
		c.middles = append(c.middles, middle)
	}
	if bit != 0 {
		high = middle
	} else {
		low = middle + 1
	}
	c.low, c.high = low, high
	c.coded++
	if (low^high)>>24 == 0 {
		c.shift()
	}
	return bit
}

// Zeros codes decisions by one cell, its probability at least 32 of 65536 either way: zeros, up to n, and a 1 as the decision numbered first,
// counted from 0, after which it returns. It returns how many zeros there were, and whether a 1 followed. It does what Code and Update do in
// turn, in less time; where a decoder comes near the end of a prefix or an encoder is Done it returns early.
func (c *Coder) Zeros(cell *Cell, n, first int) (zeros int, one bool) {
	v, low, high := *cell, c.low, c.high
	for zeros < n && c.open == 0 {
		p := min(max(v.P(), 32), 65536-32)
		middle := low + uint32(uint64(high-low)*uint64(p)>>16)
		if c.decoding {
			one = c.code <= middle
		} else {
			one = zeros == first
			c.middles = append(c.middles, middle)
		}
		if one {
			high = middle
			v.Update(1)
		} else {
			low = middle + 1
			v.Update(0)
			zeros++
		}
		c.coded++
		if (low^high)>>24 == 0 {
			c.low, c.high = low, high
			if c.shift(); c.Done {
				break
			}
			low, high = c.low, c.high
		}
		if one {
			break
		}
	}
	*cell, c.low, c.high = v, low, high
	return zeros, one
}

// shift shifts out the bytes that are settled.
func (c *Coder) shift() {
	for (c.low^c.high)>>24 == 0 {
		if c.decoding {
			c.next()
		} else {
			c.put(byte(c.high >> 24))
			c.note()
		}
		c.low <<= 8
		c.high = c.high<<8 | 0xff
	}
}

// note notes how many decisions the bytes tell that have been written: those before the first that the bits beyond them could have turned.
func (c *Coder) note() {
	known := func() int {
		// The bytes that decide began with the last j when there were j fewer.
		for j, end := 3, 0; j > 0; j-- {
			from := end
			if end = len(c.middles); j > 1 {
				end = c.since[j-2]
			}
			if len(c.out) < j {
				continue
			}
			var last uint32
			for _, b := range c.out[len(c.out)-j:] {
				last = last<<8 | uint32(b)
			}
			open := 32 - 8*j
			least, all := last<<open, uint32(1)<<open-1
			for i, m := range c.middles[from:end] {
				if m-least < all { // least ≤ m < least + all
					return c.coded - len(c.middles) + from + i
				}
			}
		}
		return c.coded
	}
	c.known = append(c.known, uint32(known()))
	drop := c.since[1]
	c.middles = c.middles[:copy(c.middles, c.middles[drop:])]
	c.since = [2]int{len(c.middles), c.since[0] - drop}
}

// certain reports whether the next bit is, given the end of the interval that stands for a 1. Prefixes that do not tell it end.
func (c *Coder) certain(middle uint32) bool {
	for !c.Done {
		least := c.code &^ c.open
		if least > middle || least|c.open <= middle {
			return true
		}
		c.end()
	}
	return false
}

// end ends the present prefix.
func (c *Coder) end() {
	if len(c.stops) == 1 || !c.pause() {
		c.Done = true
		return
	}
	c.stops = c.stops[1:]
	c.open = 0
	for i := range 4 {
		if c.at-1-i >= c.stops[0] {
			c.open |= 0xff << (8 * i)
		}
	}
}

// perByte is more than the number of decisions that a byte can tell, at the least that one takes: that of a mix, 22 of 65536.
const perByte = 1 << 14

// Afford ends the prefixes that have fewer bytes than least, or are too short to tell as many decisions. Whoever takes memory for each of
// them asks first.
func (c *Coder) Afford(decisions, least int) {
	for c.decoding && !c.Done && (least > c.stops[0] || decisions/perByte > max(c.stops[0]-c.at, 0)+8) {
		c.end()
	}
}

func (c *Coder) put(b byte) {
	if !c.Done {
		c.out = append(c.out, b)
		c.Done = len(c.out) == c.limit
	}
}

// Written returns how many bytes an encoder has written.
func (c *Coder) Written() int { return len(c.out) }

// Read returns how many bytes a decoder has looked at.
func (c *Coder) Read() int { return min(c.at, len(c.in)) }

// Finish ends the stream of an encoder with the fewest bytes, at least one, that decide all bits whatever follows them. It
// returns the stream, up to the limit, and whether that is all of it.
func (c *Coder) Finish() (stream []byte, complete bool) {
	for n := uint(1); ; n++ {
		// The first number in the interval whose last bytes are zero, and all that share its first n bytes.
		rest := uint32(uint64(1)<<(32-8*n) - 1)
		v := (uint64(c.low) + uint64(rest)) &^ uint64(rest)
		if v|uint64(rest) > uint64(c.high) {
			continue // with n of 4, rest is 0 and v is low
		}
		for i := range n {
			if c.Done {
				return c.out, false
			}
			c.put(byte(v >> (24 - 8*i)))
		}
		return c.out, true
	}
}
