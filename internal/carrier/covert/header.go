package covert

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"

	"ditas/internal/keystream"
)

// MaxPayload is the largest size of a payload in bytes.
const MaxPayload = 1<<30 - 1

// nonce makes the key of one recording out of that of a passphrase and a shape.
type nonce [16]byte

// newNonce returns the nonce of a payload. Should the random bytes come again, it differs all the same if the payload or the recording's shape does.
func newNonce(random io.Reader, shaped keystream.Key, payload []byte) (n nonce, err error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return n, fmt.Errorf("random numbers for the recording: %w", err)
	}
	mac := shaped.MAC("covert nonce", b[:], payload)
	copy(n[:], mac[:])
	return n, nil
}

// key returns the key of the recording.
func (n nonce) key(shaped keystream.Key) keystream.Key {
	return shaped.Derive("covert recording " + string(n[:]))
}

// The header is the nonce, the size of the payload in bytes in four of them, how many of the bits lie in the second lowest bits of samples in five,
// the most significant first, both combined by exclusive or with a mask of the recording's key, and a tag over all. All of it looks random to those without the
// key, and so do the lowest bits of any recording.
const (
	headerTag    = 8
	headerTagged = 16 + 4 + 5
	headerSize   = headerTagged + headerTag
	headerBits   = 8 * headerSize
)

// header is what a receiver has to know.
type header struct {
	nonce  nonce
	size   int   // of the payload in bytes
	second int64 // bits of the payload and its tag in the second lowest bits of samples
}

func (h header) marshal(key keystream.Key) (b [headerSize]byte) {
	copy(b[:], h.nonce[:])
	binary.BigEndian.PutUint32(b[16:], uint32(h.size))
	b[20] = byte(h.second >> 32)
	binary.BigEndian.PutUint32(b[21:], uint32(h.second))
	tag := key.MAC("covert header tag", b[:headerTagged])
	copy(b[headerTagged:], tag[:])
	mask := key.MAC("covert header mask", h.nonce[:])
	subtle.XORBytes(b[16:headerTagged], b[16:headerTagged], mask[:])
	return b
}

// parseHeader returns the header in b, and whether it is one under the key of the recording's shape.
func parseHeader(b [headerSize]byte, shaped keystream.Key) (h header, ok bool) {
	copy(h.nonce[:], b[:])
	key := h.nonce.key(shaped)
	mask := key.MAC("covert header mask", h.nonce[:])
	subtle.XORBytes(b[16:headerTagged], b[16:headerTagged], mask[:])
	tag := key.MAC("covert header tag", b[:headerTagged])
	h.size = int(binary.BigEndian.Uint32(b[16:20]))
	h.second = int64(b[20])<<32 | int64(binary.BigEndian.Uint32(b[21:]))
	return h, subtle.ConstantTimeCompare(tag[:headerTag], b[headerTagged:]) == 1
}

// tagSize is that of the check of the whole payload, which follows it.
const tagSize = 16

// seal returns a payload with its tag, both combined by exclusive or with a stream of the recording's key.
func seal(key keystream.Key, payload []byte) []byte {
	tag := key.MAC("covert payload tag", payload)
	sealed := append(append(make([]byte, 0, len(payload)+tagSize), payload...), tag[:tagSize]...)
	cipher(key, sealed)
	return sealed
}

// open returns the payload in what seal returned, which it changes, and whether it is right.
func open(key keystream.Key, sealed []byte) ([]byte, bool) {
	cipher(key, sealed)
	payload := sealed[:len(sealed)-tagSize]
	tag := key.MAC("covert payload tag", payload)
	return payload, subtle.ConstantTimeCompare(tag[:tagSize], sealed[len(payload):]) == 1
}

// cipher combines b with the stream of a key, eight bytes a number, the least significant first.
func cipher(key keystream.Key, b []byte) {
	stream := keystream.New(key, "covert payload")
	var part [8]byte
	for i := 0; i < len(b); i += len(part) {
		binary.LittleEndian.PutUint64(part[:], stream.Uint64())
		subtle.XORBytes(b[i:], b[i:], part[:min(len(part), len(b)-i)])
	}
}

// spread writes the bits of b, the most significant first, one to each byte.
func spread(dst, b []byte) {
	for i := range dst {
		dst[i] = b[i>>3] >> (7 - i&7) & 1
	}
}

// gather sets the bits of b from bit from on, which have to be 0.
func gather(b []byte, from int64, bits []byte) {
	for i, bit := range bits {
		at := from + int64(i)
		b[at>>3] |= bit & 1 << (7 - at&7)
	}
}
