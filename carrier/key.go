package carrier

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"math/bits"
	"math/rand/v2"
)

// Key decides where a message lies in a recording and how its symbols are dithered, and authenticates it.
type Key [32]byte

// PublicKey returns the key of recordings that anyone with ditas can read: SHA-256 of "ditas public key 1".
func PublicKey() Key { return sha256.Sum256([]byte("ditas public key 1")) }

// Derive returns the key for one purpose: HKDF-Expand (RFC 5869) with SHA-256, label being its info. Keys of different
// labels are independent of each other.
func (k Key) Derive(label string) Key {
	b, err := hkdf.Expand(sha256.New, k[:], label, len(k))
	if err != nil {
		panic("carrier: " + err.Error()) // only a length above 255 hashes makes Expand fail
	}
	return Key(b)
}

// tag returns the first tagSize bytes of HMAC-SHA-256 of the parts under the key derived for label.
func (k Key) tag(label string, parts ...[]byte) [tagSize]byte {
	k = k.Derive(label)
	mac := hmac.New(sha256.New, k[:])
	for _, p := range parts {
		mac.Write(p)
	}
	return [tagSize]byte(mac.Sum(nil))
}

// Stream is a stream of uniform numbers fixed by a key and a label. The generator is ChaCha8 as specified by
// C2SP chacha8rand, which is what [rand.ChaCha8] implements; the key derived for the label is its seed. It is not safe for
// concurrent use.
type Stream struct{ src *rand.ChaCha8 }

// NewStream returns the stream of key and label from its beginning.
func NewStream(key Key, label string) *Stream {
	return &Stream{rand.NewChaCha8(key.Derive(label))}
}

// Dither returns the next number in [0, 1), a multiple of 2⁻⁵³. The dither of a lattice has to be uniform over one period,
// which is what hides the symbol from those without the key.
func (s *Stream) Dither() float64 { return float64(s.src.Uint64()>>11) * 0x1p-53 }

// Below returns the next integer in [0, n): the upper half of the 128-bit product of n and the next 64 bits. The deviation
// from uniform is below n/2⁶⁴.
func (s *Stream) Below(n int) int {
	hi, _ := bits.Mul64(s.src.Uint64(), uint64(n))
	return int(hi)
}

// permute fills p with a permutation of 0 … len(p)−1 (Fisher and Yates, inside out).
func (s *Stream) permute(p []uint32) {
	for i := range p {
		j := s.Below(i + 1)
		p[i] = p[j]
		p[j] = uint32(i)
	}
}
