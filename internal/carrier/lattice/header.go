package lattice

import (
	"crypto/subtle"
	"fmt"

	"ditas/internal/carrier"
	"ditas/internal/fec/turbo"
	"ditas/internal/keystream"
)

// MaxChannels and MaxPayload bound what a recording can carry and be.
const (
	MaxChannels = 64
	MaxPayload  = maxSealed - payloadTag // bytes
	maxSealed   = 1<<sealedBits - 1      // with its tag
	maxFrames   = 1<<24 - 1              // of all channels together
)

// nonce makes the key of one recording out of that of a passphrase, so that no dither ever serves two recordings.
type nonce [6]byte

// set returns which set of marks the recording uses.
func (n nonce) set() int { return int(n[len(n)-1]) % sets }

// header is what a receiver has to know. Every frame carries a part of its code; a few of them are enough.
//
//	bits   0–3    version, 3
//	bits   4–7    profile
//	bits   8–55   nonce
//	bits  56–61   channels less 1
//	bits  62–85   frames of all channels together
//	bits  86–106  bytes of the payload and its tag, the lowest 21 bits
//	bits 107–111  scale of the ladder
//	bits 112–123  shares of stages 0, 1 and 2, four bits each
//	bits 124–133  shares of stages 3 and 4, five bits each
//	bits 134–135  the highest two bits of these
//	bits 136–183  tag over all of it
//
// Integers are big-endian. All but the nonce and the tag are combined by exclusive or with a mask made from the key
// and the nonce.
type header struct {
	profile  Profile
	nonce    nonce
	channels int
	frames   int
	sealed   int // bytes of the payload and its tag
	division
}

const (
	headerVersion = 3
	headerFields  = 17
	headerTag     = 6
	sealedBits    = 23
	lowSealed     = 21 // of these
	headerSize    = headerFields + headerTag
)

// payload returns the bytes of the payload without its tag.
func (h *header) payload() int { return h.sealed - payloadTag }

// fields returns what the header says, without tag and mask.
func (h *header) fields() (b [headerFields]byte) {
	b[0] = headerVersion<<4 | byte(h.profile)
	copy(b[1:7], h.nonce[:])
	f := bitFields{b: b[len(nonce{})+1:]}
	f.put(h.channels-1, 6)
	f.put(h.frames, 24)
	f.put(h.sealed, lowSealed)
	f.put(h.scale, scaleBits)
	for i, n := range shareBits {
		f.put(h.shares[i], n)
	}
	f.put(h.sealed>>lowSealed, sealedBits-lowSealed)
	return b
}

// key returns the key of the recording. All fields go into it: should a nonce come again, only recordings that agree in all else, too,
// have a key in common.
func (h *header) key(master keystream.Key) keystream.Key {
	b := h.fields()
	return master.Derive("recording " + string(b[:]))
}

func (h *header) marshal(key keystream.Key) (b [headerSize]byte) {
	fields := h.fields()
	tag := key.MAC("header tag", fields[:])
	copy(b[:], fields[:])
	copy(b[headerFields:], tag[:])
	h.nonce.mask(&b, key)
	return b
}

// mask hides or uncovers all fields but the nonce, which makes those of two recordings independent.
func (n nonce) mask(b *[headerSize]byte, key keystream.Key) {
	m := key.MAC("header mask", n[:])
	for i := range headerFields {
		if i < 1 || i > len(n) {
			b[i] ^= m[i]
		}
	}
}

// parseHeader returns the header in b. ok tells whether the tag is right; err is about headers whose tag is right.
func parseHeader(b [headerSize]byte, key keystream.Key) (h header, ok bool, err error) {
	copy(h.nonce[:], b[1:])
	h.nonce.mask(&b, key)
	tag := key.MAC("header tag", b[:headerFields])
	if subtle.ConstantTimeCompare(tag[:headerTag], b[headerFields:]) == 0 {
		return h, false, nil
	}
	h.profile = Profile(b[0] & 15)
	f := bitFields{b: b[len(h.nonce)+1:]}
	h.channels = f.take(6) + 1
	h.frames = f.take(24)
	h.sealed = f.take(lowSealed)
	h.scale = f.take(scaleBits)
	for i, n := range shareBits {
		h.shares[i] = f.take(n)
	}
	h.sealed |= f.take(sealedBits-lowSealed) << lowSealed
	if b[0]>>4 != headerVersion || h.profile >= profiles {
		return h, true, carrier.ErrVersion
	}
	if h.payload() < 1 || h.frames < 1 || h.frames%h.channels != 0 {
		return h, true, fmt.Errorf("lattice: a header that contradicts itself: %d bytes in %d frames of %d channels", h.sealed, h.frames, h.channels)
	}
	return h, true, nil
}

// bitFields are numbers one after the other, the most significant bit of each first.
type bitFields struct {
	b  []byte
	at int // bit
}

// put writes the n lowest bits of v to bytes that are zero there.
func (f *bitFields) put(v, n int) {
	for i := n - 1; i >= 0; i-- {
		f.b[f.at/8] |= byte(v>>i&1) << (7 - f.at%8)
		f.at++
	}
}

// take reads n bits.
func (f *bitFields) take(n int) (v int) {
	for range n {
		v = v<<1 | int(f.b[f.at/8]>>(7-f.at%8)&1)
		f.at++
	}
	return v
}

// headerCode is the code that protects the header.
type headerCode struct {
	code   *turbo.Code
	stride int
}

func newHeaderCode() (headerCode, error) {
	code, err := turbo.New(8 * headerSize)
	if err != nil {
		return headerCode{}, err
	}
	return headerCode{code, goldenStride(code.Len())}, nil
}

// headerParts is the number of parts of the header's code, in each of which a frame's symbols carry other bits, and
// laneParts by how many parts lanes are ahead of each other.
const headerParts, laneParts = 16, 5

// position returns which bit of the code symbol i of frame k of a lane carries: its strong symbols come first, then
// the bits of its fine ones.
func (c *headerCode) position(lane, k, i int) int {
	part := (k + laneParts*lane) % headerParts
	return (part*headerBits + i) * c.stride % c.code.Len()
}

// headerSymbols are those of one frame.
type headerSymbols struct {
	code    *headerCode
	lane, k int
}

// symbols returns those of frame k of a lane.
func (c *headerCode) symbols(lane, k int) headerSymbols { return headerSymbols{c, lane, k} }

// position returns which bit of the code symbol i carries.
func (s headerSymbols) position(i int) int { return s.code.position(s.lane, s.k, i) }

// encode returns the bits of the code, one in each byte.
func (c *headerCode) encode(b [headerSize]byte) []byte {
	coded := make([]byte, c.code.Len())
	c.code.Encode(coded, turbo.Unpack(b[:], 8*headerSize))
	return coded
}

// decode returns the header that log-likelihoods of the code's bits spell, ok telling whether there is one.
func (c *headerCode) decode(likelihoods []float32, key keystream.Key) (h header, ok bool, err error) {
	info := make([]byte, 8*headerSize)
	turbo.NewDecoder(c.code).Decode(info, likelihoods, 16, func(info []byte) bool {
		var b [headerSize]byte
		turbo.Pack(b[:], info)
		h, ok, err = parseHeader(b, key)
		return ok
	})
	return h, ok, err
}

// goldenStride returns a number without a common divisor with n, near the golden section of it: multiples of it
// modulo n fall evenly, however many are taken in a row (Knuth, The Art of Computer Programming 3, section 6.4,
// theorem S).
func goldenStride(n int) int {
	if n < 3 {
		return 1
	}
	g := int(0.6180339887498949 * float64(n))
	for gcd(g, n) != 1 {
		g++
	}
	return g
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
