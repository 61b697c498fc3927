package mp3

import "encoding/binary"

// sound is what is in a packet, in a form that is all its own and that go-mp3 decodes as it should:
//
//   - The bits of the packet are together, instead of partly in those before it.
//   - The bit rate is the highest there is, for room, and because go-mp3 gets the size of some packets of MPEG-2 wrong.
//   - MPEG-2.5 passes for MPEG-2 at 16 kHz, whose tables it shares except at 8 kHz.
//   - Where middle and side are coded in short blocks, their bits go on with zeros. go-mp3 turns them into left and right
//     only as far as there are bits, although the sound, once put in order, goes on to the end of a band.
type sound struct {
	ok   bool
	head header
	side [32]byte
	bits []byte
}

// Fields of the side information, in bits. A granule is 576 frames.
const (
	lengthBits  = 12 // of the number of bits of a channel in a granule
	beforeBlock = 12 + 9 + 8
	tailBits    = 22 + 1 + 1 // from the tables to the end, less preflag
	maxLength   = 1<<lengthBits - 1
	shortBlock  = 2
	quads       = 576 / 4
)

// gather makes s what is in packet p, whose bits are first the ones in back and then the ones in bits.
func (s *sound) gather(p, back, bits []byte) {
	h := parse(p)
	s.ok = true
	s.head = h&^(0xF<<12|1<<9|3) | 14<<12 | 1<<16 // the highest bit rate, no emphasis, no checksum
	if h.version() == version1 {
		s.head |= 1 << 9 // padding
	}
	if h.version() == version25 {
		s.head = s.head&^(3<<19|3<<10) | 2<<19 | 2<<10
	}
	size := h.sideSize()
	clear(s.side[copy(s.side[:], p[headSize+h.sumSize():][:size]):])
	from := &bitReader{parts: [2][]byte{back, bits}}
	to := &bitWriter{b: s.bits[:0]}
	side := layout(h)
	putBits(s.side[:], 0, side.begin, 0)
	for granule := range side.granules {
		extend := side.middleSide && side.short(s.side[:], granule)
		for c := range side.channels {
			at := side.at(granule, c)
			length := getBits(s.side[:], at, lengthBits)
			to.copy(from, length)
			if !extend || c > 0 || length == 0 { // the end of the bits of the second channel may have another meaning
				continue
			}
			// The code of four zeros is 1 in one table and 1111 in the other.
			more := quads
			if getBits(s.side[:], at+side.each-1, 1) == 1 {
				more *= 4
			}
			if length+more <= maxLength {
				putBits(s.side[:], at, lengthBits, length+more)
				to.ones(more)
			}
		}
	}
	s.bits = to.b
}

// room returns how many bytes of bits a packet holds.
func (s *sound) room() int { return s.head.size() - headSize - s.head.sideSize() }

// maxBack returns how many bytes of the packet may be in those before.
func (s *sound) maxBack() int { return min(len(s.bits), 1<<layout(s.head).begin-1) }

// packet returns the packet for the decoder; placed bytes of it are in the packet before. held is how many of the bytes ahead,
// which belong to the next packet, it holds. What does not fit, of the highest frequencies, is lost.
func (s *sound) packet(placed int, ahead []byte) (p []byte, held int) {
	p = make([]byte, s.head.size())
	binary.BigEndian.PutUint32(p, uint32(s.head))
	side, body := p[headSize:][:s.head.sideSize()], p[headSize+s.head.sideSize():]
	copy(side, s.side[:])
	putBits(side, 0, layout(s.head).begin, placed)
	used := copy(body, s.bits[placed:])
	held = min(len(ahead), len(body)-used)
	copy(body[len(body)-held:], ahead)
	return p, held
}

// sideLayout is where the fields of the side information lie.
type sideLayout struct {
	begin      int // bits of the number of bytes in packets before
	granules   int
	channels   int
	first      int // of the fields of a channel in a granule
	each       int // bits of those fields
	middleSide bool
	compress   int // bits of the way scale factors are coded
}

func layout(h header) (l sideLayout) {
	l.channels = h.channels()
	l.middleSide = h>>6&3 == modeJoint && h>>5&1 == 1
	if h.version() == version1 {
		l.begin, l.granules, l.compress = 9, 2, 4
		l.first = l.begin + 7 - 2*l.channels + 4*l.channels // private bits, and which scale factors are shared
		l.each = beforeBlock + l.compress + 1 + tailBits + 1
		return l
	}
	l.begin, l.granules, l.compress = 8, 1, 9
	l.first = l.begin + l.channels
	l.each = beforeBlock + l.compress + 1 + tailBits
	return l
}

// at returns where the fields of a channel in a granule begin.
func (l *sideLayout) at(granule, channel int) int {
	return l.first + (granule*l.channels+channel)*l.each
}

// short reports whether a channel has short blocks in a granule.
func (l *sideLayout) short(side []byte, granule int) bool {
	for c := range l.channels {
		at := l.at(granule, c) + beforeBlock + l.compress
		if getBits(side, at, 1) == 1 && getBits(side, at+1, 2) == shortBlock {
			return true
		}
	}
	return false
}

// getBits returns the k bits from bit at on, the most significant first.
func getBits(b []byte, at, k int) (v int) {
	for i := at; i < at+k; i++ {
		v = v<<1 | int(b[i>>3]>>(7-i&7)&1)
	}
	return v
}

// putBits makes v the k bits from bit at on.
func putBits(b []byte, at, k, v int) {
	for i := at + k - 1; i >= at; i-- {
		b[i>>3] = b[i>>3]&^(0x80>>(i&7)) | byte(v&1)<<(7-i&7)
		v >>= 1
	}
}

// bitReader reads bytes and bits of two parts, one after the other. Beyond their end there are zeros.
type bitReader struct {
	parts [2][]byte
	acc   uint // the bits that come next, in the low n
	n     int
}

// take reads k bits, at most 8.
func (r *bitReader) take(k int) byte {
	if r.n < k {
		next := byte(0)
		if len(r.parts[0]) == 0 {
			r.parts[0], r.parts[1] = r.parts[1], nil
		}
		if len(r.parts[0]) > 0 {
			next, r.parts[0] = r.parts[0][0], r.parts[0][1:]
		}
		r.acc = r.acc<<8 | uint(next)
		r.n += 8
	}
	r.n -= k
	return byte(r.acc >> r.n & (1<<k - 1))
}

// bitWriter appends bits.
type bitWriter struct {
	b    []byte
	free int // bits of the last byte
}

// put appends the low k bits of v, at most 8.
func (w *bitWriter) put(v byte, k int) {
	v &= 1<<k - 1
	if k > w.free {
		k -= w.free
		if w.free > 0 {
			w.b[len(w.b)-1] |= v >> k
		}
		w.b = append(w.b, v<<(8-k))
		w.free = 8 - k
		return
	}
	if k > 0 {
		w.free -= k
		w.b[len(w.b)-1] |= v << w.free
	}
}

// copy appends the next k bits of r.
func (w *bitWriter) copy(r *bitReader, k int) {
	for ; k >= 8; k -= 8 {
		w.put(r.take(8), 8)
	}
	w.put(r.take(k), k)
}

// ones appends k bits of 1.
func (w *bitWriter) ones(k int) {
	for ; k >= 8; k -= 8 {
		w.put(0xFF, 8)
	}
	w.put(0xFF, k)
}

// begins returns how many bytes of the bits of a packet are in the ones before it.
func begins(p []byte) int {
	h := parse(p)
	return getBits(p[headSize+h.sumSize():], 0, layout(h).begin)
}

// bitsOf returns the bytes of a packet that hold bits of sound, of this packet or of following ones.
func bitsOf(p []byte) []byte {
	h := parse(p)
	return p[headSize+h.sumSize()+h.sideSize():]
}
