package durable

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"ditas/internal/carrier"
	"ditas/internal/fec/turbo"
	"ditas/internal/keystream"
)

// MaxPayload is the largest size of a payload in bytes.
const MaxPayload = 1<<20 - 1

// nonce makes the key of one recording out of that of a passphrase, so that no two recordings share more than pilots and
// the places of the header.
type nonce [8]byte

func newNonce(random io.Reader) (n nonce, err error) {
	if _, err := io.ReadFull(random, n[:]); err != nil {
		return n, fmt.Errorf("random numbers for the recording: %w", err)
	}
	return n, nil
}

// key returns the key of the recording.
func (n nonce) key(master keystream.Key) keystream.Key {
	return master.Derive("durable recording " + string(n[:]))
}

// header is what a receiver has to know.
//
//	bits   0–63   nonce
//	bit   64      version, 0
//	bits  65–67   aim
//	bits  68–72   level
//	bits  73–74   scale
//	bits  75–83   blocks of the recording, as a small floating-point number
//	bits  84–103  bytes of the payload
//	bits 104–167  tag over all of it
//
// Integers are big-endian. What is between nonce and tag is combined by exclusive or with a mask made from the key and the nonce.
type header struct {
	nonce   nonce
	aim     Aim
	level   int
	scale   int
	blocks  int
	payload int
}

const (
	headerVersion = 0
	headerFields  = 13
	headerTag     = 8
	headerSize    = headerFields + headerTag
	headerBits    = 8 * headerSize
	maxBlocks     = 63 << 11 // 36 hours
)

// roundBlocks returns the largest number of blocks that a header can tell, at most n.
func roundBlocks(n int) int { return unpackBlocks(packBlocks(n)) }

// packBlocks returns a number of nine bits: four of an exponent and five of a mantissa.
func packBlocks(n int) int {
	n = min(n, maxBlocks)
	if n < 32 {
		return n
	}
	e := bits.Len(uint(n)) - 5 // from 1 on
	return e<<5 | n>>(e-1)&31
}

func unpackBlocks(p int) int {
	if e := p >> 5; e > 0 {
		return (32 | p&31) << (e - 1)
	}
	return p
}

func (h *header) marshal(key keystream.Key) (b [headerSize]byte) {
	copy(b[:], h.nonce[:])
	v := uint64(headerVersion)<<39 | uint64(h.aim)<<36 | uint64(h.level)<<31 | uint64(h.scale)<<29 |
		uint64(packBlocks(h.blocks))<<20 | uint64(h.payload)
	var fields [8]byte
	binary.BigEndian.PutUint64(fields[:], v<<24)
	copy(b[len(h.nonce):headerFields], fields[:])
	tag := key.MAC("durable header tag", b[:headerFields])
	copy(b[headerFields:], tag[:])
	h.nonce.mask(&b, key)
	return b
}

// mask hides or uncovers the fields.
func (n nonce) mask(b *[headerSize]byte, key keystream.Key) {
	m := key.MAC("durable header mask", n[:])
	for i := len(n); i < headerFields; i++ {
		b[i] ^= m[i]
	}
}

// parseHeader returns the header in b. ok tells whether the tag is right; err is about headers whose tag is right.
func parseHeader(b [headerSize]byte, key keystream.Key) (h header, ok bool, err error) {
	copy(h.nonce[:], b[:])
	h.nonce.mask(&b, key)
	tag := key.MAC("durable header tag", b[:headerFields])
	if subtle.ConstantTimeCompare(tag[:headerTag], b[headerFields:]) == 0 {
		return h, false, nil
	}
	var fields [8]byte
	copy(fields[:], b[len(h.nonce):headerFields])
	v := binary.BigEndian.Uint64(fields[:]) >> 24
	h.aim, h.level, h.scale = Aim(v>>36&7), int(v>>31&31), int(v>>29&3)
	h.blocks, h.payload = unpackBlocks(int(v>>20&511)), int(v&MaxPayload)
	if v>>39 != headerVersion {
		return h, true, carrier.ErrVersion
	}
	if h.payload < 1 || h.blocks > maxBlocks || h.payload > room(h.aim, h.blocks, h.scale) {
		return h, true, fmt.Errorf("durable: a header that contradicts itself: %d bytes in %d blocks", h.payload, h.blocks)
	}
	return h, true, nil
}

// The header is in groups of the first two bands, which all codecs keep best.
const headerBands = 2

// headerShare is the share of the way to the nearest point that they are moved.
const headerShare = 0.5

// form is one of the forms of the header, of which the receiver tries all.
type form uint8

const (
	plainForm form = iota
	voiceForm      // for speech codecs at 16 kbit/s, which leave so little that it takes a third of these bands
	forms
)

// formOf returns the form of the header of recordings with an aim.
func formOf(a Aim) form {
	if a == Voice {
		return voiceForm
	}
	return plainForm
}

// headerNames are those of the forms in keys, headerSlots is how many groups of each of the header's bands are its own in a block, and headerLengths
// are how many coefficients its symbols have in each of these bands.
var (
	headerNames   = [forms]string{"share", "voice"}
	headerSlots   = [forms]int{40, 100}
	headerLengths = [forms][headerBands]int{{2, 2}, {2, 6}}
)

// headerSymbols returns how many symbols a header of a form has in a block.
func headerSymbols(f form) (n int) {
	for _, length := range headerLengths[f] {
		n += headerSlots[f] * groupSize / length
	}
	return n
}

// headerCode is the code that protects the header.
type headerCode struct {
	code    *turbo.Code
	decoder *turbo.Decoder
	order   []uint32 // where symbol i of a period lies in the code
	info    []byte
}

func newHeaderCode(key keystream.Key) *headerCode {
	code, err := turbo.New(headerBits)
	if err != nil {
		panic(err) // a length that there is a code for
	}
	c := &headerCode{code: code, decoder: turbo.NewDecoder(code), order: make([]uint32, code.Len()), info: make([]byte, headerBits)}
	keystream.New(key, "durable header order").Permute(c.order)
	return c
}

// position returns which bit of the code symbol i of a period carries.
func (c *headerCode) position(i int) int { return int(c.order[i%len(c.order)]) }

// encode returns the bits of the code, one in each byte.
func (c *headerCode) encode(b [headerSize]byte) []byte {
	coded := make([]byte, c.code.Len())
	c.code.Encode(coded, turbo.Unpack(b[:], headerBits))
	return coded
}

// headerIterations bounds those of the decoder.
const headerIterations = 12

// decode returns the header of a form that log-likelihoods of the code's bits spell, ok telling whether there is one.
func (c *headerCode) decode(f form, sums []float32, key keystream.Key) (h header, ok bool, err error) {
	c.decoder.Decode(c.info, sums, headerIterations, func(info []byte) bool {
		var b [headerSize]byte
		turbo.Pack(b[:], info)
		h, ok, err = parseHeader(b, key)
		if ok && err == nil && formOf(h.aim) != f {
			err = errors.New("durable: a header that contradicts its place")
		}
		return ok
	})
	return h, ok, err
}
