// Package keystream turns a passphrase into keys, and keys into the streams of random numbers that decide where a message
// lies in a recording and how it is dithered.
//
//	key, err := keystream.FromPassphrase("correct horse battery staple", nil)
//	stream := keystream.New(key, "what it is for")
//	d := stream.Dither()
//
// Keys of different labels are independent of each other. [Public] is the key of recordings that anyone with ditas can read.
package keystream

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Key decides where a message lies in a recording and how its symbols are dithered, and authenticates it.
type Key [32]byte

// Public returns the key of recordings that anyone with ditas can read: SHA-256 of "ditas public key 1".
func Public() Key { return sha256.Sum256([]byte("ditas public key 1")) }

// Parameters of Argon2id (RFC 9106): the passes of the second recommended option of its section 4, over four times the memory, because a key is
// made once for any number of recordings, and over one lane, so that the time is the same on every machine.
const (
	Passes = 3
	Memory = 256 << 10 // KiB
	Lanes  = 1
)

// commonSalt begins every salt, and is all of it where users agree on none: a recording has no place for one that could be found
// without the key. It protects from a table of keys made for another program.
const commonSalt = "ditas passphrase 1"

// Errors about what keys are made of.
var (
	// ErrEmpty reports a passphrase without a character, or of blanks only.
	ErrEmpty = errors.New("the passphrase is empty")
	// ErrEmptySalt reports a key file without a byte, or a name of blanks only.
	ErrEmptySalt = errors.New("the key file or the salt is empty")
)

// FromPassphrase returns the key of a passphrase: Argon2id of its UTF-8 in normal form C, so that it does not matter how a
// keyboard composes accents. It takes most of a second and 256 MiB, which is what slows down those who guess. salt is added to a
// common one and may be nil. The error is [ErrEmpty] if there is nothing but blanks in it.
func FromPassphrase(passphrase string, salt []byte) (Key, error) {
	if strings.TrimSpace(passphrase) == "" {
		return Key{}, ErrEmpty
	}
	k := Key(argon2.IDKey(norm.NFC.Bytes([]byte(passphrase)), append([]byte(commonSalt), salt...), Passes, Memory, Lanes, uint32(len(Key{}))))
	// Until the next collection, which 256 MiB in use would put off, nobody else could have that memory.
	runtime.GC()
	return k, nil
}

// Salt returns the salt that is made of a file that both sides have, of a name that both know, or of both: file may be nil, and name empty.
// Blanks around the name do not count. The error is one of reading the file, or [ErrEmptySalt] if either has nothing in it.
func Salt(name string, file io.Reader) ([]byte, error) {
	if file == nil {
		return SaltOf(name, nil)
	}
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, ErrEmptySalt
	}
	return SaltOf(name, h.Sum(nil))
}

// SaltOf is [Salt] by a file's SHA-256, or without a file if that is empty.
func SaltOf(name string, digest []byte) (salt []byte, err error) {
	if len(digest) > 0 {
		salt = append([]byte("file "), digest...)
	}
	if name != "" {
		if name = strings.TrimSpace(name); name == "" {
			return nil, ErrEmptySalt
		}
		salt = norm.NFC.AppendString(append(salt, "name "...), name)
	}
	return salt, nil
}

// Derive returns the key for one purpose: HKDF-Expand (RFC 5869) with SHA-256, label being its info.
func (k Key) Derive(label string) Key {
	b, err := hkdf.Expand(sha256.New, k[:], label, len(k))
	if err != nil {
		panic("keystream: " + err.Error()) // only a length above 255 hashes makes Expand fail
	}
	return Key(b)
}

// MAC returns HMAC-SHA-256 of the parts, one after the other, under the key derived for label. Callers use the front of it.
func (k Key) MAC(label string, parts ...[]byte) [sha256.Size]byte {
	k = k.Derive(label)
	mac := hmac.New(sha256.New, k[:])
	for _, p := range parts {
		mac.Write(p)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// Stream is a stream of uniform numbers fixed by a key and a label. The generator is ChaCha8 as specified by
// C2SP chacha8rand, which is what [rand.ChaCha8] implements; the key derived for the label is its seed. It is not safe for
// concurrent use.
type Stream struct{ src rand.ChaCha8 }

// New returns the stream of key and label from its beginning.
func New(key Key, label string) *Stream {
	s := new(Stream)
	s.Reset(key.Derive(label))
	return s
}

// Reset makes s the stream whose seed is the key itself.
func (s *Stream) Reset(seed Key) { s.src.Seed(seed) }

// Uint64 returns the next 64 bits.
func (s *Stream) Uint64() uint64 { return s.src.Uint64() }

// Dither returns the next number in [0, 1), a multiple of 2⁻⁵³. The dither of a lattice has to be uniform over one period,
// which is what hides the symbol from those without the key.
func (s *Stream) Dither() float64 { return float64(s.src.Uint64()>>11) * 0x1p-53 }

// Below returns the next integer in [0, n): the upper half of the 128-bit product of n and the next 64 bits. The deviation
// from uniform is below n/2⁶⁴.
func (s *Stream) Below(n int) int {
	hi, _ := bits.Mul64(s.src.Uint64(), uint64(n))
	return int(hi)
}

// Permute fills p with a permutation of 0 … len(p)−1 (Fisher and Yates, inside out).
func (s *Stream) Permute(p []uint32) {
	for i := range p {
		j := s.Below(i + 1)
		p[i] = p[j]
		p[j] = uint32(i)
	}
}
