// Package aiff reads AIFF [1] and AIFF-C [2] files, Apple's format, whose names end in .aiff, .aif or .aifc.
//
// An AIFF file is a list of chunks within one named FORM, each a four-letter name, a big-endian size and that many bytes, padded to an even
// number. COMM says what the samples are, SSND holds them, and any number of others (MARK, NAME, ID3, …) may stand anywhere. [Open] goes through
// all of them, as COMM may be the last.
//
// Samples may be PCM of 1 to 32 bits in either order of bytes, floating point of 32 or 64 bits, or A-law or µ-law, which are read as the 16 bits
// that they stand for.
//
//   - [1] Audio Interchange File Format "AIFF", version 1.3, Apple, 1989
//   - [2] Audio Interchange File Format AIFF-C, draft, Apple, 1991
package aiff

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/audio/internal/pcm"
	"ditas/audio/internal/riff"
)

// File is an AIFF file. It implements [audio.File].
type File struct{ section pcm.Section }

// Open reads the header of the AIFF file of size bytes in r, which File goes on reading from. The error wraps [audio.ErrFormat],
// [audio.ErrUnsupported] or [audio.ErrMalformed].
//
// A header may leave the length open, as those do that programs write into a pipe; the samples then go on to the end of the file.
func Open(r io.ReaderAt, size int64) (*File, error) {
	p := parser{Chunks: riff.Chunks{R: io.NewSectionReader(r, 0, size), Size: size, Order: binary.BigEndian, Samples: "SSND"}}
	section, err := p.parse()
	if err != nil {
		return nil, fmt.Errorf("aiff: %w", err)
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

// fileHead is the size of what is before the first chunk, in bytes.
const fileHead = 12

// parser walks through the chunks.
type parser struct {
	riff.Chunks
	formSize uint32
	common   *common // nil as long as there was none
	samples  *samples
}

// samples is the chunk of them.
type samples struct {
	content   int64  // where it begins
	size      uint32 // as the file has it
	offset    uint32 // of the first frame, behind offset and blockSize
	blockSize uint32 // what the samples are padded to a multiple of, in bytes, 0 if they are not
	open      bool   // how many there are is left open
}

// samplesHead is the size of offset and blockSize.
const samplesHead = 8

func (p *parser) parse() (*pcm.Section, error) {
	var head [fileHead]byte
	n, err := p.R.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	name := string(head[8:])
	if n < len(head) || string(head[:4]) != "FORM" || name != "AIFF" && name != "AIFC" {
		return nil, fmt.Errorf("%w: not an AIFF file", audio.ErrFormat)
	}
	p.formSize = binary.BigEndian.Uint32(head[4:])
	if err := p.walk(name == "AIFC"); err != nil {
		return nil, err
	}
	switch {
	case p.samples == nil && (p.common == nil || p.common.frames > 0):
		return nil, riff.Malformed("the file ends before its samples begin")
	case p.common == nil:
		return nil, riff.Malformed("nothing says what the samples are: there is no COMM chunk")
	case p.samples == nil: // a recording of no frames needs no such chunk
		return &pcm.Section{Layout: p.common.layout, File: p.R, Size: p.Size}, nil
	}
	return p.section()
}

// walk goes through all chunks. Those behind the samples may be anything, if COMM was before.
func (p *parser) walk(compressed bool) error {
	pos := int64(fileHead)
	for range riff.Most {
		var head [12]byte
		n, err := p.R.ReadAt(head[:], pos)
		if err != nil && err != io.EOF {
			return err
		}
		if n < riff.HeadSize {
			return nil
		}
		name, size := string(head[:4]), p.Order.Uint32(head[4:])
		content := pos + riff.HeadSize
		switch {
		case name == "FORM" && p.samples != nil && n == len(head) && (string(head[8:]) == "AIFF" || string(head[8:]) == "AIFC"):
			return &audio.JoinedError{At: pos, What: "another AIFF file"}
		case name == "SSND" && p.samples != nil:
			return riff.Malformed("a second chunk of samples begins at byte %d", pos)
		case name == "SSND":
			more, err := p.found(content, size)
			if err != nil || !more {
				return err
			}
		case int64(size) > p.Size-content: // the file is cut off, or this is no chunk
			return nil
		case name == "COMM" && p.common == nil:
			body, err := p.Body(content, uint64(size))
			if err != nil {
				return err
			}
			if p.common, err = parseCommon(body, compressed); err != nil {
				return err
			}
		}
		pos = p.After(content, int64(size))
	}
	if p.samples == nil {
		return riff.Malformed("no samples among the first %d chunks", riff.Most)
	}
	return nil
}

// found takes the chunk of samples, and reports whether others may follow: not if the samples are cut off or go on to the end of the file.
func (p *parser) found(content int64, size uint32) (more bool, err error) {
	var head [samplesHead]byte
	if n, err := p.R.ReadAt(head[:], content); n < len(head) {
		if err == io.EOF {
			err = riff.Malformed("the file ends before its samples begin")
		}
		return false, err
	}
	p.samples = &samples{content, size, p.Order.Uint32(head[:]), p.Order.Uint32(head[4:]), p.open(content, size)}
	return int64(size) <= p.Size-content && !p.samples.open, nil
}

// open reports whether the length of the samples whose chunk begins at content is left open: where programs write into a pipe, or died before
// they could fill it in.
func (p *parser) open(content int64, size uint32) bool {
	there := p.Size - content
	switch {
	case size == math.MaxUint32:
		return true
	case size <= samplesHead: // ffmpeg
		return (p.common == nil || p.common.frames == 0) && int64(p.formSize)+8 <= content+samplesHead && there > samplesHead
	}
	return int64(size) > there && size >= 0x7EFF_0000 && size <= 0x8000_0000 // sox
}

// section places the samples.
func (p *parser) section() (*pcm.Section, error) {
	layout, frames := p.common.layout, p.common.frames
	frame := int64(layout.FrameSize())
	size, offset := int64(p.samples.size)-samplesHead, int64(p.samples.offset)
	start := p.samples.content + samplesHead + offset
	switch {
	case start > p.Size:
		return nil, riff.Malformed("the file ends before its samples begin")
	case !p.samples.open && (size < 0 || offset > size):
		return nil, riff.Malformed("samples that begin %d bytes into a chunk of %d", offset, size)
	}
	s := &pcm.Section{Layout: layout, File: p.R, Size: p.Size, Start: start, Declared: -1, Present: (p.Size - start) / frame}
	if p.samples.open {
		return s, nil
	}
	s.Declared = (size - offset) / frame
	// Where COMM has fewer frames than there is room for, the rest may be padding. If it is not said to be, it is kept, unless it is not even
	// there: then the size of the chunk is wrong.
	if frames > 0 && frames < s.Declared && (p.samples.blockSize > 0 || s.Present < s.Declared && s.Present >= frames) {
		s.Declared = frames
	}
	s.Present = min(s.Present, s.Declared)
	return s, nil
}
