package flac

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"ditas/audio"
)

var (
	crc8Table  = crc8()
	crc16Table = crc16()
)

// crc8 returns the table of the polynomial x⁸+x²+x+1.
func crc8() (table [256]uint8) {
	for i := range table {
		c := uint8(i)
		for range 8 {
			c = c<<1 ^ 0x07*(c>>7)
		}
		table[i] = c
	}
	return table
}

// crc16 returns the table of the polynomial x¹⁶+x¹⁵+x²+1.
func crc16() (table [256]uint16) {
	for i := range table {
		c := uint16(i) << 8
		for range 8 {
			c = c<<1 ^ 0x8005*(c>>15)
		}
		table[i] = c
	}
	return table
}

func checksum8(b []byte) (c uint8) {
	for _, x := range b {
		c = crc8Table[c^x]
	}
	return c
}

func checksum16(c uint16, b []byte) uint16 {
	for _, x := range b {
		c = c<<8 ^ crc16Table[byte(c>>8)^x]
	}
	return c
}

// bitReader reads bits, the most significant one first, from a part of a file. Beyond its end there are ones, which end
// every code; whoever reads asks for err at the end of a frame.
type bitReader struct {
	src    io.ReaderAt
	size   int64  // of src, or where reading failed
	fail   error  // why reading failed
	buf    []byte // of the file from position at on
	at     int64
	pos    int    // in buf, of what follows the bits in acc
	filled int    // of what is valid in buf
	acc    uint64 // the bits that come next; those beyond n are either 0 or those that follow
	n      uint   // how many, less than 64
	crc    uint16 // of the bytes of buf before summed
	sum    int
}

const (
	readSize = 32 << 10
	wordSize = 8
)

func newBitReader(src io.ReaderAt, size int64) bitReader {
	return bitReader{src: src, size: size, buf: make([]byte, readSize)}
}

// offset returns the position in the file of the next bit, rounded up to bytes.
func (r *bitReader) offset() int64 { return r.at + int64(r.pos) - int64(r.n/8) }

// seek goes to position at in the file.
func (r *bitReader) seek(at int64) {
	if r.at <= at && at <= r.at+int64(r.filled) {
		r.pos = int(at - r.at)
	} else {
		r.at, r.pos, r.filled = at, 0, 0
	}
	r.acc, r.n = 0, 0
	r.crc, r.sum = 0, r.pos
}

// peek returns the next size bytes. The reader must stand at the start of a byte.
func (r *bitReader) peek(size int) []byte {
	r.pos -= int(r.n / 8)
	r.acc, r.n = 0, 0
	if r.pos+size > r.filled {
		r.load(size)
	}
	return r.buf[r.pos : r.pos+size]
}

// load makes room for, and reads, at least the next size bytes.
func (r *bitReader) load(size int) {
	keep := max(0, r.pos-wordSize) // for the checksum: the last bytes may not have been used yet
	if r.sum < keep {
		r.crc = checksum16(r.crc, r.buf[r.sum:keep])
		r.sum = keep
	}
	copy(r.buf, r.buf[keep:r.filled])
	r.at += int64(keep)
	r.pos, r.filled, r.sum = r.pos-keep, r.filled-keep, r.sum-keep
	for r.filled < r.pos+size {
		if room := r.size - r.at - int64(r.filled); room > 0 {
			n, err := r.src.ReadAt(r.buf[r.filled:r.filled+int(min(room, int64(len(r.buf)-r.filled)))], r.at+int64(r.filled))
			r.filled += n
			if n > 0 {
				continue
			}
			r.size = r.at + int64(r.filled)
			if err != io.EOF {
				r.fail = err
			}
		}
		r.buf[r.filled] = 0xFF
		r.filled++
	}
}

// refill brings n to 56 or more.
func (r *bitReader) refill() {
	if r.pos+wordSize > r.filled {
		r.load(wordSize)
	}
	r.acc |= binary.BigEndian.Uint64(r.buf[r.pos:]) >> r.n
	r.pos += int(63-r.n) >> 3
	r.n |= 56
}

// unsigned reads k bits, at most 56.
func (r *bitReader) unsigned(k uint) uint64 {
	if r.n < k {
		r.refill()
	}
	v := r.acc >> (64 - k)
	r.acc <<= k
	r.n -= k
	return v
}

// signed reads a number of k bits in two's complement; of none it is 0.
func (r *bitReader) signed(k uint) int64 {
	return int64(r.unsigned(k)<<(64-k)) >> (64 - k)
}

// unary counts zeros up to the next one. It gives up, with a larger number, after limit.
func (r *bitReader) unary(limit uint64) (count uint64) {
	for {
		if z := uint(bits.LeadingZeros64(r.acc)); z < r.n {
			r.acc <<= z + 1
			r.n -= z + 1
			return count + uint64(z)
		}
		count += uint64(r.n)
		r.acc <<= r.n
		r.n = 0
		if count > limit {
			return count
		}
		r.refill()
	}
}

// rice reads Rice codes with k bits behind the unary part. It returns false if one does not fit 32 bits.
func (r *bitReader) rice(dst []int64, k uint) bool {
	limit := uint64(1)<<(32-k) - 1
	for i := range dst {
		if r.n < 32 {
			r.refill()
		}
		var u uint64
		if z := uint(bits.LeadingZeros64(r.acc)); z+1+k <= r.n {
			rest := r.acc << (z + 1)
			u = uint64(z)<<k | rest>>(64-k)
			r.acc = rest << k
			r.n -= z + 1 + k
		} else {
			z := r.unary(limit)
			if z > limit {
				return false
			}
			u = z<<k | r.unsigned(k)
		}
		dst[i] = int64(u>>1) ^ -int64(u&1)
	}
	return true
}

// err returns what kept the reader from reading so far.
func (r *bitReader) err() error {
	switch {
	case r.offset() <= r.size:
		return nil
	case r.fail != nil:
		return r.fail
	}
	return io.ErrUnexpectedEOF
}

// checksum skips to the start of a byte and returns the checksum of all bytes since the last seek.
func (r *bitReader) checksum() uint16 {
	r.peek(0)
	r.crc = checksum16(r.crc, r.buf[r.sum:r.pos])
	r.sum = r.pos
	return r.crc
}

// bitWriter appends bits, the most significant one first.
type bitWriter struct {
	buf []byte
	acc uint64
	n   uint // bits in acc, less than 8 between calls
}

// bits appends the low k bits of v, at most 56.
func (w *bitWriter) bits(v uint64, k uint) {
	w.acc = w.acc<<k | v&(1<<k-1)
	w.n += k
	for w.n >= 8 {
		w.n -= 8
		w.buf = append(w.buf, byte(w.acc>>w.n))
	}
}

// unary appends count zeros and a one.
func (w *bitWriter) unary(count uint64) {
	for ; count >= 48; count -= 48 {
		w.bits(0, 48)
	}
	w.bits(1, uint(count)+1)
}

// align fills up the last byte with zeros.
func (w *bitWriter) align() { w.bits(0, -w.n&7) }

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrDamaged, fmt.Sprintf(format, args...))
}
