// Package w64 reads Wave64 files [1], which are WAV files with sizes of 64 bits, and with GUIDs for the names of chunks. Their names end in .w64.
//
// A chunk is a GUID of 16 bytes, a size of 64 bits that counts these 24 bytes too, and the content, padded to a multiple of 8 bytes. Formats are
// those of package wav: PCM, floating point, A-law and µ-law, which are read as the 16 bits that they stand for.
//
//   - [1] Sony Wave64, VCS Aktiengesellschaft
package w64

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/audio/internal/pcm"
	"ditas/audio/internal/riff"
)

// The GUIDs that matter.
const (
	guidRIFF = "riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00"
	guidTail = "\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A"
	guidWave = "wave" + guidTail
	guidFmt  = "fmt " + guidTail
	guidData = "data" + guidTail
)

const (
	headSize = 24                // of a chunk, in bytes
	fileHead = headSize + 16     // of the file
	open     = math.MaxInt64 - 7 // from this size on, a length is open: programs write the largest, signed or not
)

// File is a Wave64 file. It implements [audio.File].
type File struct{ section pcm.Section }

// Open reads the header of the Wave64 file of size bytes in r, which File goes on reading from. The error wraps [audio.ErrFormat],
// [audio.ErrUnsupported] or [audio.ErrMalformed]. Where the header leaves the length open, the samples go on to the end of the file.
func Open(r io.ReaderAt, size int64) (*File, error) {
	p := parser{io.NewSectionReader(r, 0, size), size}
	section, err := p.parse()
	if err != nil {
		return nil, fmt.Errorf("w64: %w", err)
	}
	return &File{*section}, nil
}

// Format implements [audio.File].
func (f *File) Format() audio.Format { return f.section.Format() }

// Frames implements [audio.File]. Of a file that is cut off it counts the frames that are left.
func (f *File) Frames() int64 { return f.section.Frames() }

// End returns the position in the file, in bytes, behind the last frame.
func (f *File) End() int64 { return f.section.End() }

// Reader implements [audio.File]. The Reader allocates nothing after it was made.
func (f *File) Reader() audio.Reader { return f.section.Reader() }

// parser walks through the chunks.
type parser struct {
	io.ReaderAt
	size int64
}

// chunk is the head of one.
type chunk struct {
	guid    string
	size    uint64 // as the file has it, with the head
	content int64  // where it begins
}

// at reads the head of the chunk at pos, or returns io.EOF if the file ends within it.
func (p *parser) at(pos int64) (chunk, error) {
	var head [headSize]byte
	if n, err := p.ReadAt(head[:], pos); n < len(head) {
		return chunk{}, err
	}
	return chunk{string(head[:16]), binary.LittleEndian.Uint64(head[16:]), pos + headSize}, nil
}

// padded returns where the next chunk begins, if one of size bytes with its head does at pos. size is no more than the file has left.
func padded(pos int64, size uint64) int64 { return pos + int64(size+7)&^7 }

func (p *parser) parse() (*pcm.Section, error) {
	var head [fileHead]byte
	n, err := p.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case string(head[:16]) != guidRIFF:
		return nil, fmt.Errorf("%w: not a Wave64 file", audio.ErrFormat)
	case n < len(head):
		return nil, riff.Malformed("the file ends before its samples begin")
	case string(head[headSize:]) != guidWave:
		return nil, fmt.Errorf("%w: a Wave64 file, but not of audio", audio.ErrFormat)
	}
	var layout *pcm.Layout
	pos := int64(fileHead)
	for range riff.Most {
		c, err := p.at(pos)
		if err == io.EOF {
			return nil, riff.Malformed("the file ends before its samples begin")
		}
		if err != nil {
			return nil, err
		}
		if c.guid == guidData {
			if layout == nil {
				return nil, riff.Malformed("the samples come before their format")
			}
			return p.section(layout, c)
		}
		switch {
		case c.size < headSize:
			return nil, riff.Malformed("a chunk of %d bytes, less than its head", c.size)
		case c.size > uint64(p.size-pos):
			return nil, riff.Malformed("the file ends before its samples begin")
		case c.guid == guidFmt && layout == nil:
			chunks := riff.Chunks{R: p}
			body, err := chunks.Body(c.content, c.size-headSize)
			if err != nil {
				return nil, err
			}
			if layout, err = riff.ParseFormat(body, binary.LittleEndian); err != nil {
				return nil, err
			}
		}
		pos = padded(pos, c.size)
	}
	return nil, riff.Malformed("no samples among the first %d chunks", riff.Most)
}

// section places the samples, given the chunk that they are in.
func (p *parser) section(layout *pcm.Layout, c chunk) (*pcm.Section, error) {
	frame := int64(layout.FrameSize())
	present := p.size - c.content
	s := &pcm.Section{Layout: *layout, File: p.ReaderAt, Size: p.size, Start: c.content, Declared: -1, Present: present / frame}
	switch {
	case c.size >= open, c.size == 0:
		return s, nil // a length of 0 is that of a program that died before it could fill it in
	case c.size < headSize:
		return nil, riff.Malformed("samples in a chunk of %d bytes, less than its head", c.size)
	}
	s.Declared = int64(c.size-headSize) / frame
	s.Present = min(s.Present, s.Declared)
	if c.size-headSize > uint64(present) {
		return s, nil
	}
	return s, p.refuseMore(c.content-headSize, c.size)
}

// refuseMore returns an error if more samples follow behind the chunk of size bytes at pos: in a second chunk of them, or in another file that
// was joined, with padding between them or without. Anything else may be there.
func (p *parser) refuseMore(pos int64, size uint64) error {
	end := pos + int64(size)
	if c, err := p.at(end); err == nil && c.guid == guidRIFF {
		return another(end)
	}
	pos = padded(pos, size)
	for range riff.Most {
		c, err := p.at(pos)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch c.guid {
		case guidData:
			return riff.Malformed("a second chunk of samples begins at byte %d", pos)
		case guidRIFF:
			return another(pos)
		}
		if c.size < headSize || c.size > uint64(p.size-pos) {
			return nil
		}
		pos = padded(pos, c.size)
	}
	return nil
}

func another(pos int64) error {
	return &audio.JoinedError{At: pos, What: "another Wave64 file"}
}
