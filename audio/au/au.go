// Package au reads AU files [1], the format of Sun and NeXT, whose names end in .au or .snd.
//
// An AU file is a header of six numbers of 32 bits, ".snd" first, a comment, and the samples: PCM of 8, 16, 24 or 32 bits, floating point of
// 32 or 64, or A-law or µ-law, which are read as the 16 bits that they stand for. All is big-endian; files that begin with "dns." are
// little-endian.
//
//   - [1] Audio File Formats, man page audio(3EXT), SunOS
package au

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/audio/internal/pcm"
	"ditas/audio/internal/riff"
)

const (
	headSize = 24
	unknown  = math.MaxUint32 // as a size
)

// encodings are those that are read, by their number in the header.
var encodings = map[uint32]pcm.Layout{
	1:  {Format: audio.Format{Encoding: audio.Int16}, Law: pcm.MuLaw},
	2:  {Format: audio.Format{Encoding: audio.Int8}},
	3:  {Format: audio.Format{Encoding: audio.Int16}},
	4:  {Format: audio.Format{Encoding: audio.Int24}},
	5:  {Format: audio.Format{Encoding: audio.Int32}},
	6:  {Format: audio.Format{Encoding: audio.Float32}},
	7:  {Format: audio.Format{Encoding: audio.Float64}},
	27: {Format: audio.Format{Encoding: audio.Int16}, Law: pcm.ALaw},
}

// compressed names others that people meet.
var compressed = map[uint32]string{23: "G.721 ADPCM", 24: "G.722", 25: "G.723 ADPCM", 26: "G.723 ADPCM"}

// File is an AU file. It implements [audio.File].
type File struct{ section pcm.Section }

// Open reads the header of the AU file of size bytes in r, which File goes on reading from. The error wraps [audio.ErrFormat],
// [audio.ErrUnsupported] or [audio.ErrMalformed]. Where the header leaves the length open, the samples go on to the end of the file.
func Open(r io.ReaderAt, size int64) (*File, error) {
	section, err := parse(io.NewSectionReader(r, 0, size), size)
	if err != nil {
		return nil, fmt.Errorf("au: %w", err)
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

func parse(r io.ReaderAt, size int64) (*pcm.Section, error) {
	var head [headSize]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	order, ok := map[string]binary.ByteOrder{".snd": binary.BigEndian, "dns.": binary.LittleEndian}[string(head[:4])]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: not an AU file", audio.ErrFormat)
	case n < len(head):
		return nil, riff.Malformed("the file ends before its samples begin")
	}
	layout, err := format(order, head[12:])
	if err != nil {
		return nil, err
	}
	start, length := int64(order.Uint32(head[4:])), int64(order.Uint32(head[8:]))
	switch {
	case start < headSize:
		return nil, riff.Malformed("samples that begin at byte %d, within the header", start)
	case start > size:
		return nil, riff.Malformed("the file ends before its samples begin")
	}
	frame := int64(layout.FrameSize())
	s := &pcm.Section{Layout: *layout, File: r, Size: size, Start: start, Declared: -1, Present: (size - start) / frame}
	// A length of 0 is that of a program that died before it could fill it in.
	if length == unknown || length == 0 {
		return s, nil
	}
	s.Declared = length / frame
	s.Present = min(s.Present, s.Declared)
	return s, refuseMore(r, start+length)
}

// format reads a header from the encoding on.
func format(order binary.ByteOrder, head []byte) (*pcm.Layout, error) {
	encoding, rate, channels := order.Uint32(head), order.Uint32(head[4:]), order.Uint32(head[8:])
	layout, ok := encodings[encoding]
	switch {
	case !ok:
		name, known := compressed[encoding]
		if !known {
			name = fmt.Sprintf("encoding %d", encoding)
		}
		return nil, fmt.Errorf("%w: %s; convert the file to 16-bit PCM first", audio.ErrUnsupported, name)
	case rate == 0 || rate > math.MaxInt32:
		return nil, riff.Malformed("a rate of %d Hz", rate)
	case channels == 0 || channels > math.MaxUint16:
		return nil, riff.Malformed("%d channels", channels)
	}
	layout.Rate, layout.Channels, layout.BigEndian = int(rate), int(channels), order == binary.BigEndian
	return &layout, nil
}

// refuseMore returns an error if another AU file begins at pos, where the samples end: two that were joined are not to lose the second in
// silence.
func refuseMore(r io.ReaderAt, pos int64) error {
	var head [headSize]byte
	n, err := r.ReadAt(head[:], pos)
	if err != nil && err != io.EOF {
		return err
	}
	if name := string(head[:4]); n == len(head) && (name == ".snd" || name == "dns.") {
		return &audio.JoinedError{At: pos, What: "another AU file"}
	}
	return nil
}
