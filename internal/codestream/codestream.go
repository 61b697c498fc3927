// Package codestream codes pictures so that every prefix of the stream holds the whole picture, the better the longer it is, and
// the complete stream holds it without loss.
//
// [Encode] makes a stream, or the first bytes of it; [Decode] makes a picture of as much of a stream as has arrived, and
// [Prefixes] makes pictures of several prefixes for the price of one. Nothing in a stream says where it ends or that it is one:
// whoever carries it knows.
//
//	stream, complete, err := codestream.Encode(ctx, photo, codestream.EncodeOptions{Limit: 500})
//	photo, info, err := codestream.Decode(ctx, stream[:200], codestream.DecodeOptions{})
//
// The codec turns RGB into luma and chroma and these into wavelet coefficients, both reversibly (package wavelet), and codes the
// coefficients bit plane by bit plane in the order of what they are worth (package bitplane) with an adaptive
// arithmetic coder (package entropy) that starts from what photographs have in common; all three are in internal/codestream/internal. All of it is integer arithmetic: every
// platform writes the same stream and reads the same picture, of prefixes too.
//
// Streams can be read by the version of ditas that wrote them and by all whose tests pass the golden streams in testdata.
package codestream

import (
	"cmp"
	"context"
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

// ErrNoPicture reports a stream that holds no picture, as [None] does.
var ErrNoPicture = errors.New("there is no picture in this stream")

// ErrSize reports a picture of a size that a stream cannot hold, or larger than the caller allows.
var ErrSize = errors.New("picture size out of bounds")

// MaxSide is the largest width and height, in pixels.
const MaxSide = 1<<16 - 1

// Info says what a prefix holds, and of a picture that was made of it how much to trust it.
type Info struct {
	Width, Height int  // of the picture that was encoded
	Grey          bool // red, green and blue are the same everywhere
	Complete      bool // the prefix holds the picture exactly, and is long enough for as many pixels (see Allowed)
	End           int  // bytes after which the stream ends by its own word, 0 if it does not say
	// Halvings is how many times the picture that was made is smaller, each time by two, rounded up.
	Halvings int
	// Error is the expected root mean square error of luma, Co and Cg (see package wavelet), where full scale is 1. It is measured on
	// photographs known to the same depth, and holds within a factor of two. All are 0 for a complete picture.
	Error [3]float32
}

// EncodeOptions are what else Encode can be told. The zero value encodes all of the picture.
type EncodeOptions struct {
	Limit int // of the prefix in bytes, none if it is 0 or less
	// Ends has the stream say that it ends after Limit bytes, at least LeastEnd, and appends zeros up to there, so that something else can follow.
	Ends bool
	// Progress, where set, is called with how much is done of a total, which it reaches.
	Progress func(done, total int)
	// Show, where set, is called for each of the lengths that Lengths returns, which must not fall, once the stream and its length are
	// known: with its number and with what a prefix of that length tells, but for the few decisions that its last bits leave open. An
	// error that Show returns ends Encode.
	Show    func(i int, v *View) error
	Lengths func(size int, complete bool) []int
}

// Allowed returns the number of pixels, in all, up to which a prefix of a number of bytes is decoded at its full size: a million, and 16
// for each byte.
func Allowed(bytes int) int { return bitplane.Allowed(bytes) }

// Encode returns the first bytes of the stream of p, and whether they are all of it. Bit planes beyond the limit are not coded.
// A stream that is too short for its pixels, as that of a large empty picture would be, ends in zeros (see [Allowed]).
// Values of p are rounded to 8 bits. It takes up to 34 bytes of memory a pixel. The error is ctx's, or that p is empty or
// larger than MaxSide, or comes from Show.
func Encode(ctx context.Context, p *picture.Planes, o EncodeOptions) (prefix []byte, complete bool, err error) {
	if p.Width < 1 || p.Height < 1 || p.Width > MaxSide || p.Height > MaxSide {
		return nil, false, fmt.Errorf("%w: %d×%d; scale it to 1 to %d pixels each way", ErrSize, p.Width, p.Height, MaxSide)
	}
	h := header{width: p.Width, height: p.Height}
	if o.Ends {
		if o.Limit < LeastEnd || o.Limit > maxEnd {
			return nil, false, fmt.Errorf("%w: a stream that ends after %d bytes; give it %d to %d", ErrSize, o.Limit, LeastEnd, maxEnd)
		}
		h.end = o.Limit
	}
	r := reporter{report: o.Progress}
	r.at(0, 1)
	l, err := bitplane.Analyse(ctx, p)
	if err != nil {
		return nil, false, err
	}
	r.begin, r.share = progressTotal/4, progressTotal*3/4
	c := entropy.NewEncoder(o.Limit)
	h.grey = l.Colours() == 1
	h.code(c)
	before := c.Known(math.MaxInt)
	_, err = l.Run(ctx, c, bitplane.Learnt(), func(done, total int) {
		if o.Limit > 0 && float64(c.Written())/float64(o.Limit) > float64(done)/float64(total) {
			done, total = c.Written(), o.Limit
		}
		r.at(done, total)
	})
	if err != nil {
		return nil, false, err
	}
	prefix, complete = c.Finish()
	if complete {
		prefix, complete = pad(prefix, bitplane.LeastBytes(p.Width*p.Height), o.Limit)
	}
	if o.Ends {
		prefix = append(prefix, make([]byte, o.Limit-len(prefix))...)
	}
	if o.Show != nil {
		if err := show(ctx, l, c, before, o.Lengths(len(prefix), complete), o.Show); err != nil {
			return nil, false, err
		}
	}
	r.at(1, 1)
	return prefix, complete, nil
}

// pad appends zeros, which decoders ignore, until a stream has so many bytes, and reports whether the limit let it.
func pad(stream []byte, least, limit int) ([]byte, bool) {
	if limit > 0 && least > limit {
		return stream, len(stream) >= least
	}
	return append(stream, make([]byte, max(0, least-len(stream)))...), true
}

// show shows what prefixes of what c has coded of l tell. The first decisions, before in number, are those of the header.
func show(ctx context.Context, l *bitplane.Layout, c *entropy.Coder, before int, lengths []int, to func(i int, v *View) error) error {
	stops := make([]int, len(lengths))
	for i, n := range lengths {
		stops[i] = c.Known(max(n, 1)) - before
	}
	width, height := l.Reduced(0)
	shown, failed := 0, error(nil)
	err := l.Replay(ctx, stops, func() bool {
		if stops[shown] >= 0 { // the size of the picture is known
			failed = to(shown, &View{Width: width, Height: height, Grey: l.Colours() == 1, layout: l, bytes: lengths[shown]})
		}
		shown++
		return failed == nil
	})
	return cmp.Or(failed, err)
}

// None returns the stream of no picture at all, which something else can follow.
func None() []byte {
	c := entropy.NewEncoder(0)
	header{end: LeastEnd, none: true}.code(c)
	stream, _ := c.Finish()
	return append(stream, make([]byte, LeastEnd-len(stream))...)
}

// End returns after how many bytes a stream ends by its own word, which may be more than there are, and 0 if it does not say. picture is false if
// there is no picture in it.
func End(stream []byte) (end int, picture bool) {
	c := entropy.NewDecoder(stream)
	h := header{}.code(c)
	if c.Done {
		return 0, true
	}
	return h.end, !h.none
}

// DecodeOptions are what decoding is told.
type DecodeOptions struct {
	// MaxPixels is the size up to which a picture is decoded; 0 means picture.MaxPixels.
	MaxPixels int
	// Progress, where set, is called with how much is done of a total, which it reaches.
	Progress func(done, total int)
}

// Decode returns the picture that a prefix of a stream holds. Any bytes are a prefix of some stream; those beyond its end are
// ignored. Errors wrap [ErrShort], [ErrSize] for more than MaxPixels pixels, or are ctx's. See [View.Picture] for pictures that
// are too large for what is known of them.
func Decode(ctx context.Context, prefix []byte, o DecodeOptions) (p *picture.Planes, info Info, err error) {
	err = Prefixes(ctx, prefix, []int{len(prefix)}, o, func(_ int, v *View) error {
		p, info, err = v.Picture(ctx, v.Width*v.Height)
		return err
	})
	return p, info, err
}

// Prefixes decodes several prefixes of a stream in one go: show is called for each of the lengths, which must not fall, with its
// number and with what the prefix tells, as long as show does not return an error. Lengths beyond the end of the stream count
// as the whole stream. A prefix that ends before the size of the picture is known is left out. Errors come from show, or are as for [Decode].
func Prefixes(ctx context.Context, stream []byte, lengths []int, o DecodeOptions, show func(i int, v *View) error) error {
	stops := make([]int, len(lengths))
	end, isPicture := End(stream)
	if !isPicture {
		return ErrNoPicture
	}
	if end > 0 {
		stream = stream[:min(end, len(stream))]
	}
	for i, n := range lengths {
		stops[i] = max(min(n, len(stream)), 0)
		if i > 0 && n < lengths[i-1] {
			return fmt.Errorf("lengths of prefixes fall from %d to %d: sort them", lengths[i-1], n)
		}
	}
	if len(stops) == 0 {
		return nil
	}
	r := reporter{report: o.Progress, share: progressTotal}
	r.at(0, 1)
	var v *View
	var failed error
	shown := 0
	next := func() bool {
		if v != nil {
			v.bytes = stops[shown]
			failed = show(shown, v)
		}
		shown++
		return failed == nil
	}
	c := entropy.NewPrefixes(stream, stops, next)
	h := header{}.code(c)
	switch most := cmp.Or(o.MaxPixels, picture.MaxPixels); {
	case c.Done:
		return ErrShort
	case h.width > most/h.height:
		return fmt.Errorf("%w: %d×%d, and at most %d pixels are allowed", ErrSize, h.width, h.height, most)
	}
	v = &View{Width: h.width, Height: h.height, Grey: h.grey, End: h.end}
	colours := 3
	if h.grey {
		colours = 1
	}
	v.layout = bitplane.New(h.width, h.height, colours)
	last := max(stops[len(stops)-1], 1)
	complete, err := v.layout.Run(ctx, c, bitplane.Learnt(), func(done, total int) {
		if read := min(c.Read(), last); float64(read)/float64(last) > float64(done)/float64(total) {
			done, total = read, last
		}
		r.at(done, total)
	})
	if err != nil {
		return err
	}
	v.Complete = complete && h.width <= Allowed(last)/h.height
	for failed == nil && shown < len(stops) {
		next()
	}
	if failed == nil {
		r.at(1, 1)
	}
	return failed
}

// View is what a prefix tells. It is of use only until the function that it was shown to returns.
type View struct {
	Width, Height  int  // of the picture that was encoded
	Grey, Complete bool // see Info
	End            int

	layout *bitplane.Layout
	bytes  int // of the prefix
}

// Info returns what is known of the stream itself.
func (v *View) Info() Info {
	return Info{Width: v.Width, Height: v.Height, Grey: v.Grey, Complete: v.Complete, End: v.End}
}

// Picture returns the picture, halved until it has at most the given number of pixels, at least 1, and what is known of it.
//
// A few bytes can claim a picture of any size: what has more pixels than [Allowed] says is halved. It takes up to 34 bytes of memory for each pixel that
// is made. The error is ctx's.
func (v *View) Picture(ctx context.Context, maxPixels int) (*picture.Planes, Info, error) {
	info := v.Info()
	info.Halvings = v.halvings(maxPixels)
	if !v.Complete {
		square, err := v.layout.Uncertainty(ctx, bitplane.Learnt(), info.Halvings)
		if err != nil {
			return nil, Info{}, err
		}
		for i, e := range square {
			info.Error[i] = float32(math.Sqrt(e) / 255)
		}
	}
	p, err := v.layout.Synthesise(ctx, info.Halvings)
	return p, info, err
}

// Distance returns the mean square error, full scale being 1, of the picture at its full size, given the one that was encoded.
func (v *View) Distance(ctx context.Context, original *picture.Planes) (float64, error) {
	return v.layout.Distance(ctx, original)
}

// halvings returns how often the picture is halved.
func (v *View) halvings(maxPixels int) (n int) {
	for {
		width, height := v.layout.Reduced(n)
		size := width * height
		if size == 1 || size <= min(maxPixels, Allowed(v.bytes)) {
			return n
		}
		n++
	}
}

// progressTotal is the total that progress is reported of.
const progressTotal = 1000

// reporter reports progress that never falls.
type reporter struct {
	report             func(done, total int)
	begin, share, last int // the present part begins there and has that share of the total
}

func (r *reporter) at(done, total int) {
	now := r.begin + int(int64(r.share)*int64(done)/int64(total))
	if r.report != nil && (now > r.last || done == 0) {
		r.last = now
		r.report(now, progressTotal)
	}
}

// header is what a stream starts with.
type header struct {
	width, height int
	grey          bool
	end           int  // bytes after which the stream ends, 0 if it does not say
	none          bool // there is no picture
}

// Probabilities, of 65536, of decisions in the header.
const (
	greyOdds   = 65536 / 16
	commonOdds = 65536 / 2 // that width and height are commonSide
	squareOdds = 65536 / 4 // that they are the same
	evenOdds   = 65536 / 2
)

// commonSide is the width and height of the pictures that most streams hold. A header takes 1.1 bits for these in colour. A picture of that size
// has no need to spell it out; a stream that does says where it ends, and then begins anew.
const commonSide = 64

// A stream that says where it ends takes LeastEnd bytes at least, and maxEnd at most.
const (
	LeastEnd = 16
	maxEnd   = 1<<endBits - 1
	endBits  = 31
)

// code codes h, or reads and returns one.
func (h header) code(c *entropy.Coder) header {
	h.grey = decide(c, h.grey, greyOdds)
	width, height := h.width, h.height
	if h.end > 0 {
		width, height = 0, 0
	}
	if width, height = codeSize(c, width, height); width != 0 {
		h.width, h.height = width, height
		return h
	}
	h.none = decide(c, h.none, evenOdds)
	h.end = field(c, h.end, endBits)
	if !h.none {
		h.width, h.height = codeSize(c, h.width, h.height)
		if h.width == 0 {
			h.width, h.height = commonSide, commonSide
		}
	}
	return h
}

// codeSize codes a size, or reads and returns one. Zeros are commonSide, spelled out.
func codeSize(c *entropy.Coder, width, height int) (int, int) {
	if decide(c, width == commonSide && height == commonSide, commonOdds) {
		return commonSide, commonSide
	}
	square := decide(c, width == height, squareOdds)
	if width == 0 {
		width = commonSide
	}
	width = codeSide(c, width)
	switch {
	case square && width == commonSide:
		return 0, 0
	case square:
		return width, width
	}
	return width, codeSide(c, height)
}

// decide codes a decision, or reads and returns one.
func decide(c *entropy.Coder, v bool, odds uint32) bool {
	bit := 0
	if v {
		bit = 1
	}
	return c.Code(bit, odds) != 0
}

// field codes a number of so many bits, or reads and returns one.
func field(c *entropy.Coder, v, n int) (got int) {
	for i := n - 1; i >= 0; i-- {
		got = got<<1 | c.Code(v>>i&1, evenOdds)
	}
	return got
}

// codeSide codes a number from 1 to MaxSide, or reads and returns one: in four bits how many bits follow the highest one, and
// these.
func codeSide(c *entropy.Coder, side int) int {
	n := field(c, max(bits.Len(uint(side))-1, 0), 4)
	return 1<<n | field(c, side, n)
}
