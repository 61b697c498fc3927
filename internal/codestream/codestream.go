// Package codestream codes pictures so that every prefix of the stream holds the whole picture, the better the longer it is, and
// the complete stream holds it without loss.
//
// [Encode] makes a stream, or the first bytes of it; [Decode] makes a picture of as much of a stream as has arrived. Nothing in a
// stream says where it ends or that it is one: whoever carries it knows.
//
//	stream, complete, err := codestream.Encode(photo, 500)
//	photo, info, err := codestream.Decode(stream[:200], 1<<26)
//
// The codec turns RGB into luma and chroma and these into wavelet coefficients, both reversibly (internal/wavelet), and codes the
// coefficients bit plane by bit plane in the order of what they are worth (internal/bitplane) with an adaptive
// arithmetic coder (internal/entropy) that starts from what photographs have in common. All of it is integer arithmetic: every
// platform writes the same stream and reads the same picture, of prefixes too.
//
// Streams can be read by the version of ditas that wrote them and by all whose tests pass the golden streams in testdata.
package codestream

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"ditas/internal/codestream/internal/bitplane"
	"ditas/internal/codestream/internal/entropy"
	"ditas/picture"
)

// ErrShort reports a prefix that ends before the size of the picture is known.
var ErrShort = errors.New("stream ends within its header: give more of it")

// ErrSize reports a picture of a size that a stream cannot hold, or larger than the caller allows.
var ErrSize = errors.New("picture size out of bounds")

// MaxSide is the largest width and height, in pixels.
const MaxSide = 1<<16 - 1

// Info says what a prefix holds.
type Info struct {
	Width, Height int
	Grey          bool // red, green and blue are the same everywhere
	Complete      bool // the picture is exact
	// Error is the root mean square error to be expected of luma, Co and Cg (see internal/wavelet), full scale being 1: that of
	// photographs of which as much is known, within a factor of two. All are 0 of a complete picture.
	Error [3]float32
}

// Encode returns the first limit bytes of the stream of p, all of it if limit is 0 or less, and whether that is all of it.
// Values of p are rounded to 8 bits. It takes about 50 bytes of memory a pixel. The error is that p is empty or larger than
// MaxSide.
func Encode(p *picture.Planes, limit int) (prefix []byte, complete bool, err error) {
	if p.Width < 1 || p.Height < 1 || p.Width > MaxSide || p.Height > MaxSide {
		return nil, false, fmt.Errorf("%w: %d×%d; scale it to 1 to %d pixels each way", ErrSize, p.Width, p.Height, MaxSide)
	}
	l := bitplane.Analyse(p)
	c := entropy.NewEncoder(limit)
	header{p.Width, p.Height, l.Colours() == 1}.code(c)
	l.Run(c, bitplane.Learnt())
	prefix, complete = c.Finish()
	return prefix, complete, nil
}

// Decode returns the picture that a prefix of a stream holds. Any bytes are a prefix of some stream; those beyond its end are
// ignored. It takes about 40 bytes of memory a pixel. Errors wrap [ErrShort], or [ErrSize] for more than maxPixels pixels.
func Decode(prefix []byte, maxPixels int) (*picture.Planes, Info, error) {
	c := entropy.NewDecoder(prefix)
	h := header{}.code(c)
	if c.Done {
		return nil, Info{}, ErrShort
	}
	if h.width > maxPixels/h.height {
		return nil, Info{}, fmt.Errorf("%w: %d×%d, and at most %d pixels are allowed", ErrSize, h.width, h.height, maxPixels)
	}
	info := Info{Width: h.width, Height: h.height, Grey: h.grey}
	colours := 3
	if h.grey {
		colours = 1
	}
	l := bitplane.New(h.width, h.height, colours)
	prior := bitplane.Learnt()
	if info.Complete = l.Run(c, prior); !info.Complete {
		for i, v := range l.Uncertainty(prior) {
			info.Error[i] = float32(math.Sqrt(v) / 255)
		}
	}
	return l.Synthesise(), info, nil
}

// header is what a stream starts with.
type header struct {
	width, height int
	grey          bool
}

// Probabilities, of 65536, of decisions in the header.
const (
	greyOdds   = 65536 / 16
	commonOdds = 65536 / 2 // that width and height are commonSide
	squareOdds = 65536 / 4 // that they are the same
	evenOdds   = 65536 / 2
)

// commonSide is the width and height of the pictures that most streams hold. A header takes 1.1 bits for these in colour.
const commonSide = 64

// code codes h, or reads and returns one.
func (h header) code(c *entropy.Coder) header {
	flag := func(v bool, odds uint32) bool {
		bit := 0
		if v {
			bit = 1
		}
		return c.Code(bit, odds) != 0
	}
	h.grey = flag(h.grey, greyOdds)
	if flag(h.width == commonSide && h.height == commonSide, commonOdds) {
		h.width, h.height = commonSide, commonSide
		return h
	}
	square := flag(h.width == h.height, squareOdds)
	h.width = codeSide(c, h.width)
	if square {
		h.height = h.width
	} else {
		h.height = codeSide(c, h.height)
	}
	return h
}

// codeSide codes a number from 1 to MaxSide, or reads and returns one: in four bits how many bits follow the highest one, and
// these.
func codeSide(c *entropy.Coder, side int) int {
	field := func(v, n int) (got int) {
		for i := n - 1; i >= 0; i-- {
			got = got<<1 | c.Code(v>>i&1, evenOdds)
		}
		return got
	}
	n := field(max(bits.Len(uint(side))-1, 0), 4)
	return 1<<n | field(side, n)
}
