package vorbis

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"ditas/audio"
)

// What a header may ask for. libvorbis writes some 40 codebooks of together less than 100,000 entries.
const (
	maxChannels = 32
	maxEntries  = 1 << 17 // of all codebooks together
	maxValues   = 1 << 22 // of all codebooks together
	minBlock    = 6       // log2 of frames
	maxBlock    = 13
)

// Marks of the headers.
const (
	markInfo  = "\x01vorbis"
	markSetup = "\x05vorbis"
	infoSize  = 30
)

// parseInfo reads the first header.
func parseInfo(b []byte) (audio.Format, error) {
	if len(b) < infoSize {
		return audio.Format{}, malformed("a first header of %d bytes", len(b))
	}
	le := binary.LittleEndian
	version, channels, rate := le.Uint32(b[7:]), int(b[11]), le.Uint32(b[12:])
	short, long := b[28]&15, b[28]>>4
	switch {
	case version != 0:
		return audio.Format{}, fmt.Errorf("%w: Vorbis %d; convert the file to 16-bit WAV first", audio.ErrUnsupported, version)
	case channels == 0:
		return audio.Format{}, malformed("no channels")
	case channels > maxChannels:
		return audio.Format{}, fmt.Errorf("%w: Vorbis of %d channels; convert the file to 16-bit WAV first", audio.ErrUnsupported, channels)
	case rate == 0 || rate > math.MaxInt32:
		return audio.Format{}, malformed("a rate of %d Hz", rate)
	case short < minBlock || long < short || long > maxBlock:
		return audio.Format{}, malformed("blocks of %d and %d frames", 1<<short, 1<<long)
	}
	return audio.Format{Rate: int(rate), Channels: channels, Encoding: audio.Float32}, nil
}

// bitReader reads bits, the least significant one first. Beyond the end there are zeros.
type bitReader struct {
	b   []byte
	pos int // in bits
}

// take reads k bits, at most 32.
func (r *bitReader) take(k int) (v uint32) {
	for i := range k {
		if at := r.pos >> 3; at < len(r.b) {
			v |= uint32(r.b[at]>>(r.pos&7)&1) << i
		}
		r.pos++
	}
	return v
}

func (r *bitReader) over() bool { return r.pos > 8*len(r.b) }

// checkSetup looks through the third header for what would keep the decoder from ending, or make it take a lot of memory.
// Whatever else may be wrong makes it fail, which is taken care of.
func checkSetup(b []byte) error {
	r := &bitReader{b: b[min(len(b), len(markSetup)):]}
	entries, values := 0, 0
	for range r.take(8) + 1 {
		n, v, err := checkCodebook(r)
		if err != nil {
			return err
		}
		entries += n
		values += v
		if entries > maxEntries || values > maxValues {
			return fmt.Errorf("%w: codebooks of more than %d entries or %d values", audio.ErrUnsupported, maxEntries, maxValues)
		}
	}
	for range r.take(6) + 1 {
		r.take(16)
	}
	r.take(6)
	if floor := r.take(16); floor == 0 {
		return fmt.Errorf("%w: Vorbis of before 2002; convert the file to 16-bit WAV first", audio.ErrUnsupported)
	}
	if r.over() {
		return malformed("the setup is incomplete")
	}
	return nil
}

// checkCodebook returns how many entries and values a codebook has.
func checkCodebook(r *bitReader) (entries, values int, err error) {
	if r.take(24) != 0x564342 {
		return 0, 0, malformed("no codebook where one ought to be")
	}
	dimensions := int(r.take(16))
	entries = int(r.take(24))
	if dimensions == 0 || entries == 0 {
		return 0, 0, malformed("a codebook of %d entries in %d dimensions", entries, dimensions)
	}
	if entries > maxEntries {
		return 0, 0, fmt.Errorf("%w: a codebook of %d entries", audio.ErrUnsupported, entries)
	}
	// The codes must be all the leaves of a tree, or else some bits lead nowhere.
	used, sum := 0, uint64(0) // of 2^(32-length)
	if ordered := r.take(1); ordered == 1 {
		length := r.take(5) + 1
		for used < entries {
			n := int(r.take(bits.Len(uint(entries - used))))
			if length > 32 || n > entries-used || r.over() {
				return 0, 0, malformed("a codebook with impossible lengths")
			}
			sum += uint64(n) << (32 - length)
			used += n
			length++
		}
	} else {
		sparse := r.take(1) == 1
		for range entries {
			if sparse && r.take(1) == 0 {
				continue
			}
			sum += 1 << (31 - r.take(5))
			used++
		}
	}
	if r.over() {
		return 0, 0, malformed("the setup is incomplete")
	}
	if sum != 1<<32 && used != 1 {
		return 0, 0, malformed("the codes of a codebook are no tree")
	}
	lookup := r.take(4)
	if lookup == 0 {
		return entries, 0, nil
	}
	if lookup > 2 {
		return 0, 0, malformed("a codebook of an unknown type")
	}
	values = entries * dimensions
	r.take(32)
	r.take(32)
	width := int(r.take(4)) + 1
	r.take(1)
	stored := values
	if lookup == 1 {
		stored = root(entries, dimensions)
		// The decoder takes the root in floating point, and would read on at the wrong place.
		if stored != int(math.Floor(math.Pow(float64(entries), 1/float64(dimensions)))) {
			return 0, 0, fmt.Errorf("%w: a codebook of %d entries in %d dimensions", audio.ErrUnsupported, entries, dimensions)
		}
	}
	r.pos += stored * width
	return entries, values, nil
}

// root returns the greatest integer whose power is no more than n.
func root(n, power int) int {
	for r := 1; ; r++ {
		p := 1
		for range power {
			if p *= r + 1; p > n {
				return r
			}
		}
	}
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrMalformed, fmt.Sprintf(format, args...))
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrDamaged, fmt.Sprintf(format, args...))
}
