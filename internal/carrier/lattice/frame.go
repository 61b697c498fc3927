package lattice

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"
	"sync"

	"ditas/internal/keystream"
)

// What the samples of a frame carry, besides the payload.
const (
	syncPilots   = 24 // pilots by which frames are found, whose steps are octaves
	levelPilots  = 16 // pilots on the frame's own strong step, which tell its level
	headerStrong = 72 // strong symbols of the header, not all of them used by each profile
	headerFine   = 12 // samples whose fine symbols belong to the header
	headerBits   = headerStrong + maxFineBits*headerFine
	marked       = syncPilots + levelPilots + headerStrong + headerFine
)

// sets is the number of sets of marks that a key has. A recording uses one of them, drawn at random.
const sets = 64

// A frame is divided into cells, in each of which one sample at most is marked.
const (
	cells     = 128
	cellWidth = FrameLength / cells
	// cellStride spreads marks that follow each other: it is near the golden section of cells and has no divisor in
	// common with it.
	cellStride = 79
)

// marks is the part of a frame that can be found and read without knowing more than the key: where it lies and how
// it is dithered. No two frames of a set have anything in common.
type marks struct {
	sync   [syncPilots]pilot   // at 0 of the strong and of the fine lattice of the frame's octave
	level  [levelPilots]place  // strong symbols at 0
	strong [headerStrong]place // strong symbols of the header
	fine   [headerFine]place   // fine symbols of the header
}

// place is a sample and the dither of one of its symbols, in steps.
type place struct {
	at     uint16
	dither float64
}

// pilot is a sample and its dithers on all lattices whose steps are octaves: that of step 2^h units is the fraction
// of u·2^−(16+h), so that a point of one lattice is a point of all finer ones too, which one hypothesis finds
// whatever the frame's octave is.
type pilot struct {
	at uint16
	u  uint32
}

// octaves is the binary logarithm of the largest step of pilots, in units: the range of a 16-bit file.
const octaves = 16

// dither returns the dither of the lattice of step 2^h units.
func (p pilot) dither(h int) float64 { return float64(p.u<<(octaves-h)) * 0x1p-32 }

// marker makes the marks of a key. It may be shared between goroutines.
type marker struct {
	block cipher.Block
	pads  sync.Pool // of *pad
}

// pad is room for the random bits of a frame.
type pad struct {
	counter [aes.BlockSize]byte
	random  [markBlocks * aes.BlockSize]byte
}

// syncBits are the random bits that pilots of synchronisation of a frame are made of.
type syncBits [syncBlocks * aes.BlockSize]byte

func newMarker(key keystream.Key) *marker {
	k := key.Derive("marks")
	b, err := aes.NewCipher(k[:])
	if err != nil {
		panic("lattice: " + err.Error()) // only a key of another length makes it fail
	}
	return &marker{block: b, pads: sync.Pool{New: func() any { return new(pad) }}}
}

// syncBlocks is how many blocks of AES the pilots of a frame take, at four words of 32 bits, and markBlocks how
// many all marks do.
const (
	syncBlocks = (1 + syncPilots + 3) / 4
	markBlocks = syncBlocks + (marked-syncPilots+1)/2
)

// encrypt writes the first blocks of the random bits of frame k of a lane to a pad: AES-256 in counter mode.
func (m *marker) encrypt(p *pad, blocks, set, lane, k int) {
	binary.BigEndian.PutUint16(p.counter[:], uint16(set))
	binary.BigEndian.PutUint16(p.counter[2:], uint16(lane))
	binary.BigEndian.PutUint64(p.counter[4:], uint64(k))
	for i := range blocks {
		p.counter[aes.BlockSize-1] = byte(i)
		m.block.Encrypt(p.random[i*aes.BlockSize:], p.counter[:])
	}
}

// syncBits writes the random bits that the pilots of frame k of a lane are made of.
func (m *marker) syncBits(dst *syncBits, set, lane, k int) {
	p := m.pads.Get().(*pad)
	m.encrypt(p, syncBlocks, set, lane, k)
	copy(dst[:], p.random[:])
	m.pads.Put(p)
}

// markAt returns the sample of mark i: offset lies in its cell.
func markAt(i int, turn, offset uint32) uint16 {
	cell := (uint32(i)*cellStride + turn) % cells
	return uint16(cell*cellWidth + offset%cellWidth)
}

// syncOf returns the pilots of synchronisation, and by how many cells the frame is turned, from its first blocks.
func syncOf(dst *[syncPilots]pilot, b *syncBits) (turn uint32) {
	turn = binary.BigEndian.Uint32(b[:]) % cells
	for i := range dst {
		v := binary.BigEndian.Uint32(b[4*(i+1):])
		dst[i] = pilot{markAt(i, turn, v), v &^ (cellWidth - 1)}
	}
	return turn
}

// sync writes the pilots by which frame k of a lane is found.
func (m *marker) sync(dst *[syncPilots]pilot, set, lane, k int) {
	p := m.pads.Get().(*pad)
	m.encrypt(p, syncBlocks, set, lane, k)
	syncOf(dst, (*syncBits)(p.random[:]))
	m.pads.Put(p)
}

// frame writes all marks of frame k of a lane.
func (m *marker) frame(dst *marks, set, lane, k int) {
	p := m.pads.Get().(*pad)
	defer m.pads.Put(p)
	m.encrypt(p, markBlocks, set, lane, k)
	turn := syncOf(&dst.sync, (*syncBits)(p.random[:]))
	i, rest := syncPilots, p.random[syncBlocks*aes.BlockSize:]
	for _, part := range [][]place{dst.level[:], dst.strong[:], dst.fine[:]} {
		for j := range part {
			offset, dither := binary.BigEndian.Uint32(rest), binary.BigEndian.Uint32(rest[4:])
			part[j] = place{markAt(i, turn, offset), float64(dither) * 0x1p-32}
			i, rest = i+1, rest[8:]
		}
	}
}

// deck is what is left of the samples of a frame to draw from.
type deck struct {
	left  [FrameLength]uint16
	count int
}

// reset makes d the deck of all samples that are not marked.
func (d *deck) reset(m *marks) {
	var taken [FrameLength]uint8
	for _, p := range m.sync {
		taken[p.at] = 1
	}
	for _, part := range [][]place{m.level[:], m.strong[:], m.fine[:]} {
		for _, p := range part {
			taken[p.at] = 1
		}
	}
	count := 0
	for i, t := range taken {
		d.left[count&(FrameLength-1)] = uint16(i) // and again, if it is taken
		count += 1 - int(t)
	}
	d.count = count
}

// draw takes a random one.
func (d *deck) draw(s *keystream.Stream) uint16 {
	i := s.Below(d.count)
	d.count--
	drawn := d.left[i]
	d.left[i] = d.left[d.count]
	return drawn
}

// frame is how all samples of one frame are used.
type frame struct {
	marks
	data []place // strong symbols of the payload
	// fine and coarse are the dithers of all samples but for pilots of synchronisation, whose are not used.
	fine, coarse [FrameLength]float64
	use          [FrameLength]use
}

// use says what a sample's symbols are for.
type use uint8

const (
	useMedium use = iota // a medium coarse symbol and a fine one, both of the payload
	useStrong            // a strong coarse symbol, and a fine one of the payload
	useHeader            // a medium coarse symbol of the payload, and a fine one of the header
	useSync              // a pilot of synchronisation, and nothing of the payload
)

// framer makes frames. It is not safe for concurrent use.
type framer struct {
	marker  *marker
	set     int
	key     keystream.Key // of this recording alone
	profile Profile
	stream  keystream.Stream
	deck    deck
	frame   frame
}

// at returns frame k of a lane, valid until the next call.
func (f *framer) at(lane, k int) *frame {
	g := &f.frame
	f.marker.frame(&g.marks, f.set, lane, k)
	var label [16]byte
	copy(label[:], "frame")
	binary.BigEndian.PutUint16(label[6:], uint16(lane))
	binary.BigEndian.PutUint64(label[8:], uint64(k))
	f.stream.Reset(f.key.Derive(string(label[:])))
	f.deck.reset(&g.marks)
	clear(g.use[:])
	for _, p := range g.sync {
		g.use[p.at] = useSync
	}
	strong := g.strong[:shapes[f.profile].header]
	for _, part := range [][]place{g.level[:], strong} {
		for _, p := range part {
			g.use[p.at] = useStrong
		}
	}
	for _, p := range g.marks.fine {
		g.use[p.at] = useHeader
	}
	g.data = g.data[:0]
	for range shapes[f.profile].data {
		p := place{at: f.deck.draw(&f.stream)}
		g.use[p.at] = useStrong
		g.data = append(g.data, p)
	}
	for i := range g.fine {
		v := f.stream.Uint64()
		g.fine[i] = float64(v>>32) * 0x1p-32
		g.coarse[i] = float64(v&math.MaxUint32) * 0x1p-32
	}
	for i := range g.data {
		g.data[i].dither = g.coarse[g.data[i].at]
	}
	for _, part := range [][]place{g.level[:], strong} {
		for _, p := range part {
			g.coarse[p.at] = p.dither
		}
	}
	for _, p := range g.marks.fine {
		g.fine[p.at] = p.dither
	}
	return g
}
