// Package riff has what containers share that are lists of chunks: WAV, Wave64, AIFF.
package riff

import (
	"encoding/binary"
	"fmt"
	"io"

	"ditas/audio"
)

// Most is how many chunks are looked at before and after the samples.
const Most = 1 << 14

// Chunks is a file of chunks, each a four-letter name, a size and that many bytes, padded to an even number.
type Chunks struct {
	R       io.ReaderAt
	Size    int64 // of the file, in bytes
	Order   binary.ByteOrder
	Samples string // the name of the chunk of samples, whose size may be wrong
}

// HeadSize is the size of a chunk's name and size, in bytes.
const HeadSize = 8

// Body reads the chunk of the given size at pos, or the first bytes of one that is larger than any that matters.
func (c *Chunks) Body(pos int64, size uint64) ([]byte, error) {
	body := make([]byte, min(size, 4096))
	if n, err := c.R.ReadAt(body, pos); n < len(body) {
		return nil, err
	}
	return body, nil
}

// At reports whether something that looks like a chunk begins at pos: a name of printable letters, and a size that the file has room for.
func (c *Chunks) At(pos int64) bool {
	var head [HeadSize]byte
	if n, _ := c.R.ReadAt(head[:], pos); n < len(head) { // what is not there is no chunk
		return false
	}
	for _, c := range head[:4] {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return string(head[:4]) == c.Samples || int64(c.Order.Uint32(head[4:])) <= c.Size-pos-int64(len(head))
}

// Unpadded reports whether a chunk begins at pos, where the padding of an odd one before it should be: some programs forget that.
func (c *Chunks) Unpadded(pos int64) bool { return c.At(pos) && !c.At(pos+1) }

// After returns where the next chunk begins, if the content of one of size bytes begins at pos.
func (c *Chunks) After(pos, size int64) int64 {
	end := pos + size
	if size&1 != 0 && !c.Unpadded(end) {
		end++
	}
	return end
}

// Malformed returns an error that wraps [audio.ErrMalformed].
func Malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrMalformed, fmt.Sprintf(format, args...))
}
