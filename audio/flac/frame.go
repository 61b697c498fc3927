package flac

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"slices"
)

// header is what a frame says about itself.
type header struct {
	variable bool  // frames may be of any length, and number counts the first sample, not the frame
	number   int64 // 36 bits
	samples  int   // of each channel
	stereo   stereo
}

// stereo is how two channels are coded.
type stereo uint8

const (
	independent stereo = iota
	leftSide           // left, left-right
	sideRight          // left-right, right
	midSide            // (left+right)/2, left-right
)

const maxHeader = 16 // bytes

// Codes of header fields. 0 in them means that STREAMINFO says it.
var (
	sizeCodes = [16]int{1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608,
		8: 256, 9: 512, 10: 1024, 11: 2048, 12: 4096, 13: 8192, 14: 16384, 15: 32768}
	rateCodes = [16]int{1: 88200, 2: 176400, 3: 192000, 4: 8000, 5: 16000, 6: 22050, 7: 24000, 8: 32000,
		9: 44100, 10: 48000, 11: 96000}
	bitsCodes = [8]int{1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
)

// Codes that announce a number at the end of the header.
const (
	size8     = 6
	size16    = 7
	rate8k    = 12 // in kHz
	rate16    = 13
	rate16x10 = 14
	rateNone  = 15
	bitsNone  = 3
	sideCode  = 8 // of leftSide; the others follow
)

// What may be wrong with a header. These are many where frames are searched for.
var (
	errNoFrame   = damaged("there is no frame where one ought to be")
	errHeader    = damaged("an impossible header of a frame")
	errHeaderSum = damaged("the header of a frame does not match its checksum")
	errChange    = damaged("the rate, channels or bits of a frame are not those that the header tells")
)

// isSync reports whether b may be the first two bytes of a frame.
func isSync(b []byte) bool { return b[0] == 0xFF && b[1]&0xFE == 0xF8 }

// parse reads a header of the stream from the first bytes of b, which holds maxHeader bytes, and returns its size.
func (h *header) parse(b []byte, info *streamInfo) (size int, err error) {
	if !isSync(b) {
		return 0, errNoFrame
	}
	sizeCode, rateCode := b[2]>>4, b[2]&15
	channelCode, bitsCode := int(b[3]>>4), b[3]>>1&7
	*h = header{variable: b[1]&1 == 1}

	// A number as in UTF-8, but of up to 36 bits.
	at := 5
	first := b[4]
	more := bits.LeadingZeros8(^first)
	if more == 1 || more == 8 || b[3]&1 != 0 {
		return 0, errHeader
	}
	h.number = int64(first)
	if more > 0 {
		h.number = int64(first & (0x7F >> more))
		for range more - 1 {
			h.number = h.number<<6 | int64(b[at]&0x3F)
			if b[at]>>6 != 2 {
				return 0, errHeader
			}
			at++
		}
	}

	h.samples = sizeCodes[sizeCode]
	switch sizeCode {
	case size8:
		h.samples = int(b[at]) + 1
		at++
	case size16:
		h.samples = int(binary.BigEndian.Uint16(b[at:])) + 1
		at += 2
	}
	rate := rateCodes[rateCode]
	switch rateCode {
	case rate8k:
		rate = int(b[at]) * 1000
		at++
	case rate16:
		rate = int(binary.BigEndian.Uint16(b[at:]))
		at += 2
	case rate16x10:
		rate = int(binary.BigEndian.Uint16(b[at:])) * 10
		at += 2
	}
	if checksum8(b[:at+1]) != 0 {
		return 0, errHeaderSum
	}
	channels := channelCode + 1
	if channelCode >= sideCode {
		h.stereo = stereo(channelCode-sideCode) + leftSide
		channels = 2
	}
	switch {
	case h.samples == 0 || h.samples > maxFrame || rateCode == rateNone || bitsCode == bitsNone || h.stereo > midSide:
		return 0, errHeader
	case channels != info.channels || rateCode != 0 && rate != info.rate || bitsCode != 0 && bitsCodes[bitsCode] != info.bits:
		return 0, errChange
	}
	return at + 1, nil
}

// append appends the header of a frame to an empty slice.
func (h *header) append(b []byte, info *streamInfo) []byte {
	be := binary.BigEndian
	var tail []byte
	sizeCode := slices.Index(sizeCodes[:], h.samples)
	switch {
	case sizeCode > 0:
	case h.samples <= 256:
		sizeCode, tail = size8, append(tail, byte(h.samples-1))
	default:
		sizeCode, tail = size16, be.AppendUint16(tail, uint16(h.samples-1))
	}
	rateCode := slices.Index(rateCodes[:], info.rate)
	switch {
	case rateCode > 0:
	case info.rate%1000 == 0 && info.rate < 256_000:
		rateCode, tail = rate8k, append(tail, byte(info.rate/1000))
	case info.rate < 1<<16:
		rateCode, tail = rate16, be.AppendUint16(tail, uint16(info.rate))
	case info.rate%10 == 0 && info.rate < 10<<16:
		rateCode, tail = rate16x10, be.AppendUint16(tail, uint16(info.rate/10))
	default:
		rateCode = 0
	}
	channelCode := info.channels - 1
	if h.stereo != independent {
		channelCode = sideCode + int(h.stereo-leftSide)
	}
	bitsCode := max(0, slices.Index(bitsCodes[:], info.bits))
	strategy := byte(0xF8)
	if h.variable {
		strategy = 0xF9
	}
	b = append(b, 0xFF, strategy, byte(sizeCode<<4|rateCode), byte(channelCode<<4|bitsCode<<1))
	if h.number < 0x80 {
		b = append(b, byte(h.number))
	} else {
		more := (bits.Len64(uint64(h.number)) - 2) / 5 // continuation bytes of 6 bits; the first byte holds 6-more
		b = append(b, byte(0xFF<<(7-more)|h.number>>(6*more)))
		for more--; more >= 0; more-- {
			b = append(b, byte(0x80|h.number>>(6*more)&0x3F))
		}
	}
	b = append(b, tail...)
	return append(b, checksum8(b))
}

// decoder restores the samples of frames.
type decoder struct {
	bitReader
	info   *streamInfo
	header           // of the last frame
	where  span      // it lies
	codes  [][]int64 // its samples as integers, channel by channel
	failed int64     // bytes, and samples of all channels, that find has decoded in vain
}

func (f *File) decoder() *decoder {
	return &decoder{
		bitReader: newBitReader(f.r, f.size),
		info:      &f.info,
		codes:     make([][]int64, f.info.channels),
	}
}

// head reads the header of a frame.
func (d *decoder) head() error {
	d.where.start = d.offset()
	d.seek(d.where.start)
	n, err := d.header.parse(d.peek(maxHeader), d.info)
	if err != nil && d.where.start+maxHeader > d.size { // not all of what was parsed is there
		if d.fail != nil {
			return d.fail
		}
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	d.pos += n
	return d.err()
}

// next decodes the next frame. The error is io.ErrUnexpectedEOF if the file ends before the frame does.
func (d *decoder) next() error {
	if err := d.head(); err != nil {
		return err
	}
	err := d.body()
	if e := d.err(); e != nil {
		return e
	}
	if err != nil {
		return err
	}
	sum := d.checksum()
	want := d.unsigned(16)
	d.where.end = d.offset()
	if err := d.err(); err != nil {
		return err
	}
	if uint64(sum) != want {
		return damaged("a frame does not match its checksum")
	}
	return nil
}

// find decodes the first frame that begins in [from, to), and returns false if there is none, or if too many
// places look like a frame and are not.
func (d *decoder) find(from, to int64) (bool, error) {
	d.seek(from)
	for d.failed < maxFailed {
		d.peek(maxHeader)
		b := d.buf[d.pos : d.filled-maxHeader+1]
		if skip := bytes.IndexByte(b, 0xFF); skip >= 0 {
			d.pos += skip
		} else {
			d.pos += len(b)
			continue
		}
		at := d.offset()
		if d.fail != nil || at >= min(to, d.size) {
			break
		}
		var h header
		if _, err := h.parse(d.peek(maxHeader), d.info); err == nil {
			if d.next() == nil {
				return true, nil
			}
			d.failed += d.offset() - at + int64(h.samples*d.info.channels)
		}
		d.seek(at + 1)
	}
	return false, d.fail
}

// body decodes what stands between the header and the checksum.
func (d *decoder) body() error {
	for c := range d.codes {
		if cap(d.codes[c]) < d.samples {
			d.codes[c] = make([]int64, max(d.samples, d.info.maxBlock))
		}
		d.codes[c] = d.codes[c][:d.samples]
		width := uint(d.info.bits)
		if d.stereo == sideRight && c == 0 || (d.stereo == leftSide || d.stereo == midSide) && c == 1 {
			width++
		}
		if err := d.subframe(d.codes[c], width); err != nil {
			return err
		}
	}
	if d.stereo != independent {
		d.stereo.undo(d.codes[0], d.codes[1])
	}
	var beyond int64
	for _, x := range d.codes {
		for _, v := range x {
			beyond |= v ^ v>>63
		}
	}
	if beyond>>(d.info.bits-1) != 0 {
		return damaged("samples beyond full scale")
	}
	return nil
}

// undo turns two channels as they are coded into left and right.
func (s stereo) undo(a, b []int64) {
	b = b[:len(a)]
	switch s {
	case leftSide:
		for i, left := range a {
			b[i] = left - b[i]
		}
	case sideRight:
		for i, right := range b {
			a[i] += right
		}
	case midSide:
		for i, side := range b {
			sum := a[i]<<1 | side&1
			a[i], b[i] = (sum+side)>>1, (sum-side)>>1
		}
	}
}

// Types of subframes, and what is added to an order to code it.
const (
	typeConstant = 0
	typeVerbatim = 1
	typeFixed    = 8
	typeLinear   = 31

	maxFixed  = 4
	maxLinear = 32
)

// fixed are the coefficients of the fixed predictors, by order; the first one is for the sample just before.
var fixed = [maxFixed + 1][]int64{{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}}

// subframe decodes one channel, of samples that have width bits.
func (d *decoder) subframe(x []int64, width uint) error {
	kind := int(d.unsigned(7)) // with a bit of padding, which is 0
	wasted := uint(0)
	if d.unsigned(1) == 1 {
		wasted = uint(d.unary(uint64(width))) + 1
	}
	if wasted >= width {
		return damaged("samples without bits")
	}
	width -= wasted
	var err error
	switch {
	case kind == typeConstant:
		v := d.signed(width)
		for i := range x {
			x[i] = v
		}
	case kind == typeVerbatim:
		for i := range x {
			x[i] = d.signed(width)
		}
	case kind >= typeFixed && kind <= typeFixed+maxFixed:
		order := kind - typeFixed
		if err = d.warmUp(x, order, width); err == nil {
			if err = d.residual(x, order); err == nil {
				restore(x, fixed[order], 0)
			}
		}
	case kind > typeLinear && kind <= typeLinear+maxLinear:
		err = d.linear(x, kind-typeLinear, width)
	default:
		err = damaged("a channel of an unknown type")
	}
	if wasted > 0 {
		for i := range x {
			x[i] <<= wasted
		}
	}
	return err
}

// warmUp reads the samples that the prediction starts from.
func (d *decoder) warmUp(x []int64, order int, width uint) error {
	if order > len(x) {
		return damaged("a prediction from %d samples of %d", order, len(x))
	}
	for i := range order {
		x[i] = d.signed(width)
	}
	return nil
}

// linear decodes a channel that is predicted with its own coefficients.
func (d *decoder) linear(x []int64, order int, width uint) error {
	if err := d.warmUp(x, order, width); err != nil {
		return err
	}
	precision := uint(d.unsigned(4)) + 1
	shift := d.signed(5)
	if precision == 16 || shift < 0 {
		return damaged("impossible coefficients")
	}
	var coeffs [maxLinear]int64
	for i := range order {
		coeffs[i] = d.signed(precision)
	}
	if err := d.residual(x, order); err != nil {
		return err
	}
	restore(x, coeffs[:order], uint(shift))
	return nil
}

// Codings of residuals: Rice codes with parameters of 4 or 5 bits.
const (
	coding4 = 0
	coding5 = 1
)

// residual reads the differences to the prediction into x from order on.
func (d *decoder) residual(x []int64, order int) error {
	coding := d.unsigned(2)
	if coding > coding5 {
		return damaged("a residual of an unknown coding")
	}
	paramBits := uint(4 + coding)
	escape := uint(1)<<paramBits - 1
	parts := uint(d.unsigned(4))
	size := len(x) >> parts
	if size<<parts != len(x) || size < order {
		return damaged("%d samples in %d parts", len(x), 1<<parts)
	}
	for end := size; end <= len(x); end += size {
		part := x[order:end]
		if k := uint(d.unsigned(paramBits)); k == escape {
			k = uint(d.unsigned(5))
			for i := range part {
				part[i] = d.signed(k)
			}
		} else if !d.rice(part, k) {
			return damaged("a residual that is too large")
		}
		if d.err() != nil {
			return io.ErrUnexpectedEOF
		}
		order = end
	}
	return nil
}

// restore adds the prediction to the residual in x, which begins with one known sample for each coefficient.
func restore(x, coeffs []int64, shift uint) {
	var reversed [maxLinear]int64
	for i, c := range coeffs {
		reversed[len(coeffs)-1-i] = c
	}
	c := reversed[:len(coeffs)]
	for i := len(c); i < len(x); i++ {
		x[i] += predict(c, x[i-len(c):i]) >> shift
	}
}

// predict returns the sum of products of c and past, which are equally long.
func predict(c, past []int64) (sum int64) {
	past = past[:len(c)]
	for i, v := range c {
		sum += v * past[i]
	}
	return sum
}
