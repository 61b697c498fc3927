package covert

import (
	"fmt"
	"math/bits"
	"sort"

	"ditas/audio"
	"ditas/internal/fec/syndrome"
	"ditas/internal/keystream"
)

// height is that of all codes.
const height = 10

// Sizes of what a recording is divided into. A block has at most mostWidth samples to a bit of the payload: more would take time, and spare few
// changes.
const (
	pieceFrames    = 1 << 14
	segmentSamples = 1 << 20
	blockSamples   = 1 << 16
	mostWidth      = 512
)

// layers is how many bits of a sample the payload may lie in: the lowest and the second lowest.
const layers = 2

// The header has at most headerWidth samples to each of its bits, and at most one in headerShare of all samples.
const (
	headerWidth = 64
	headerShare = 8
	leastWidth  = 8
)

// leastSamples is how many samples, of all channels together, a recording has to have at least.
const leastSamples = headerBits * leastWidth * headerShare

// shape is what stays of a recording as long as its samples do, whatever kind of file they are in.
type shape struct {
	rate, channels, bits int
	frames               int64
}

// shapeOf returns that of a recording. Samples of more than 16 bits count as 16: a file may be kept in one of a more precise format.
func shapeOf(f audio.Format, frames int64) shape {
	s := shape{f.Rate, f.Channels, 16, frames}
	if !f.Encoding.IsFloat() {
		s.bits = min(16, f.Bits())
	}
	return s
}

// samples returns the number of samples of all channels.
func (s shape) samples() int64 { return s.frames * int64(s.channels) }

// scale returns the number of steps from 0 to full scale.
func (s shape) scale() float64 { return float64(int(1) << (s.bits - 1)) }

// key returns the key of recordings of this shape.
func (s shape) key(master keystream.Key) keystream.Key {
	return master.Derive(fmt.Sprintf("covert 0 %d %d %d %d", s.rate, s.channels, s.bits, s.frames))
}

// headerSamples returns the number of samples that have the header.
func (s shape) headerSamples() int {
	return headerBits * min(headerWidth, int(s.samples()/(headerBits*headerShare)))
}

// placesOfHeader returns the samples that have the header, in ascending order: one in each of so many equal parts of the recording. Sample i is that
// of channel i mod channels in frame i/channels.
func (s shape) placesOfHeader(key keystream.Key) []int64 {
	n := s.headerSamples()
	stream, places := keystream.New(key, "covert header places"), make([]int64, n)
	part := func(i int) int64 { return scaled(int64(i), s.samples(), int64(n)) }
	for i := range places {
		from, to := part(i), part(i+1)
		places[i] = from + int64(stream.Below(int(to-from)))
	}
	return places
}

// orderOfHeader returns the order in which a code has the header's samples.
func orderOfHeader(key keystream.Key, n int) []uint32 {
	order := make([]uint32, n)
	keystream.New(key, "covert header order").Permute(order)
	return order
}

// scaled returns ⌊a·b/c⌋ for 0 ≤ a ≤ c.
func scaled(a, b, c int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(high, low, uint64(c))
	return int64(q)
}

// body says where the payload lies.
type body struct {
	shape
	key    keystream.Key
	header []int64 // whose samples are left out
	order  []uint32
	ends   []int64 // how many samples there are up to the end of each segment
	// layers are the parts of the payload with its tag that lie in the lowest bits of samples and in the second lowest.
	layers [layers]extent
}

// extent is a stretch of bits of the payload.
type extent struct{ from, count int64 }

// newBody returns the body of a payload of size bytes under the key of the recording, of which the last bits, second of them, lie in the second
// lowest bits of samples.
func newBody(s shape, key keystream.Key, header []int64, size int, second int64) *body {
	b := &body{shape: s, key: key, header: header}
	lowest := 8*int64(size+tagSize) - second
	b.layers = [layers]extent{{0, lowest}, {lowest, second}}
	b.order = make([]uint32, (s.frames+pieceFrames-1)/pieceFrames)
	keystream.New(key, "covert pieces").Permute(b.order)
	segments := int(max(1, s.samples()/segmentSamples))
	total := int64(0)
	for i := range segments {
		for _, p := range b.pieces(i, segments) {
			total += b.count(p)
		}
		b.ends = append(b.ends, total)
	}
	return b
}

// pieces returns those of segment i of n.
func (b *body) pieces(i, n int) []uint32 {
	return b.order[i*len(b.order)/n : (i+1)*len(b.order)/n]
}

// span returns the first frame of a piece and how many it has.
func (b *body) span(piece uint32) (from int64, frames int) {
	from = int64(piece) * pieceFrames
	return from, int(min(pieceFrames, b.frames-from))
}

// headers returns those of the header's samples that lie in a piece: their numbers from first to last.
func (b *body) headers(piece uint32) (first, last int) {
	from, frames := b.span(piece)
	find := func(frame int64) int {
		at := frame * int64(b.channels)
		return sort.Search(len(b.header), func(i int) bool { return b.header[i] >= at })
	}
	return find(from), find(from + int64(frames))
}

// count returns how many samples of the payload a piece has.
func (b *body) count(piece uint32) int64 {
	_, frames := b.span(piece)
	first, last := b.headers(piece)
	return int64(frames*b.channels - (last - first))
}

// total returns the number of all samples that the payload may lie in.
func (b *body) total() int64 { return b.ends[len(b.ends)-1] }

// block is a part of a segment, once that is shuffled, with bits of the payload in it.
type block struct {
	segment, index int
	from, to       int // samples of the segment
	layers         [layers]coded
}

// coded are bits of the payload in a layer of a block, in its first samples, and the number of a mask before them.
type coded struct {
	bit  int64          // the first one
	code *syndrome.Code // nil if there are none
}

// maskBits is the size of the number of a mask. Some messages cannot be told by the samples that may be changed; with another mask they are others.
const maskBits = 8

// mask combines bits of a layer of a block with the mask of a number by exclusive or.
func (b *body) mask(bits []byte, block *block, layer int, number byte) {
	stream := keystream.New(b.key, fmt.Sprintf("covert mask %d %d %d %d", block.segment, block.index, layer, number))
	var v uint64
	for i := range bits {
		if i%64 == 0 {
			v = stream.Uint64()
		}
		bits[i] ^= byte(v>>(i%64)) & 1
	}
}

// bits returns how many samples of the block have bits in the layer.
func (c *coded) bits() int {
	if c.code == nil {
		return 0
	}
	return c.code.Bits()
}

// blocks returns those of a segment that have anything of the payload.
func (b *body) blocks(segment int) ([]block, error) {
	start := int64(0)
	if segment > 0 {
		start = b.ends[segment-1]
	}
	samples := b.ends[segment] - start
	count := (samples + blockSamples - 1) / blockSamples
	var all []block
	for i := range count {
		from, to := samples*i/count, samples*(i+1)/count
		block := block{segment: segment, index: int(i), from: int(from), to: int(from)}
		for layer, e := range b.layers {
			bit := scaled(start+from, e.count, b.total())
			n := int(scaled(start+to, e.count, b.total()) - bit)
			if n == 0 {
				continue
			}
			n += maskBits
			width := int(min(to-from, int64(n)*mostWidth))
			code, err := syndrome.New(height, width, n)
			if err != nil {
				return nil, err
			}
			block.layers[layer] = coded{e.from + bit, code}
			block.to = max(block.to, int(from)+width)
		}
		if block.to > block.from {
			all = append(all, block)
		}
	}
	return all, nil
}

// shuffle returns the order of a segment's samples.
func (b *body) shuffle(order []uint32, segment int) {
	keystream.New(b.key, fmt.Sprintf("covert segment %d", segment)).Permute(order)
}
