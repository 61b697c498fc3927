package syndrome

import "fmt"

// The heights of codes: the higher the closer to what is possible, and the longer it takes, twice as long each.
const (
	MinHeight = 7
	MaxHeight = 12
)

// MaxWidth is the largest number of cover bits to one of the message.
const MaxWidth = 1 << 12

// Code says which message every word tells. It has no state and may be shared between goroutines.
type Code struct {
	height         int
	bits, message  int
	narrow, wide   []uint16 // the columns of blocks of bits/message bits, rounded down, and of one more
	narrowestWidth int
}

// New returns the code of a height by which bits cover bits tell message bits. There has to be at least one cover bit to each of the
// message, and at most [MaxWidth].
func New(height, bits, message int) (*Code, error) {
	switch {
	case height < MinHeight || height > MaxHeight:
		return nil, fmt.Errorf("syndrome: a height of %d: want %d to %d", height, MinHeight, MaxHeight)
	case message < 1 || bits < message || bits/message >= MaxWidth:
		return nil, fmt.Errorf("syndrome: %d bits for a message of %d: want 1 to %d to each", bits, message, MaxWidth)
	}
	width := bits / message
	return &Code{height, bits, message, columns(height, width), columns(height, width+1), width}, nil
}

// Bits returns the number of cover bits.
func (c *Code) Bits() int { return c.bits }

// Message returns the number of message bits.
func (c *Code) Message() int { return c.message }

// start returns the first bit of a block.
func (c *Code) start(block int) int { return int(uint64(block) * uint64(c.bits) / uint64(c.message)) }

// columns returns the submatrix of a block of a width.
func (c *Code) columns(width int) []uint16 {
	if width == c.narrowestWidth {
		return c.narrow
	}
	return c.wide
}

// Extract writes the message that a word tells, a bit to each byte, as the word has it. It panics if the lengths are not those of the code.
func (c *Code) Extract(message, word []byte) {
	if len(word) != c.bits || len(message) != c.message {
		panic(fmt.Sprintf("syndrome: a word of %d bits and a message of %d, want %d and %d", len(word), len(message), c.bits, c.message))
	}
	var state uint16
	from := 0
	for i := range message {
		to := c.start(i + 1)
		for j, column := range c.columns(to - from) {
			state ^= column & -uint16(word[from+j]&1)
		}
		message[i] = byte(state & 1)
		state >>= 1
		from = to
	}
}
