package wav

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"ditas/audio"
	"ditas/audio/internal/pcm"
	"ditas/audio/internal/riff"
)

// around is where the parts of a file lie that depend on the encoding of its samples.
type around struct {
	order  binary.ByteOrder
	long   bool   // an RF64 file, whose sizes are elsewhere
	riff   int64  // the size of the whole
	format int64  // the content of the fmt chunk
	body   []byte // that, or its first bytes
	behind int64  // the first chunk behind the samples, 0 if nothing follows them
}

// expand is Rewrite of companded samples as ones of 16 bits.
func (f *File) expand(dst io.Writer) (audio.Writer, error) {
	create := NewWriter
	if parts, ok := f.patches(); ok {
		create = func(dst io.Writer, format audio.Format, frames int64) (audio.Writer, error) {
			pos := int64(0)
			for _, p := range parts {
				if err := f.section.Copy(dst, pos, p.at); err != nil {
					return nil, err
				}
				if _, err := dst.Write(p.with); err != nil {
					return nil, err
				}
				pos = p.at + int64(len(p.with))
			}
			layout := pcm.Layout{Format: format, BigEndian: f.section.BigEndian, Offset: true}
			return &expanded{&pcm.Writer{Layout: layout, Dst: dst, Frames: frames}, f, dst}, f.section.Copy(dst, pos, f.section.Start)
		}
	}
	r, err := audio.Convert(f, audio.Int16, create)
	if err != nil {
		return nil, err
	}
	return r.Rewrite(dst)
}

// expanded is a Writer of samples that Close adds to what follows them.
type expanded struct {
	audio.Writer
	file *File
	dst  io.Writer
}

func (e *expanded) Close() error {
	if err := e.Writer.Close(); err != nil || e.file.around.behind == 0 {
		return err
	}
	return e.file.section.Copy(e.dst, e.file.around.behind, e.file.section.Size)
}

// patch is what replaces as many bytes of a file.
type patch struct {
	at   int64
	with []byte
}

// patches returns what differs before the samples once they have 16 bits, in the order of the file. ok is false if the header has no room for
// the larger sizes; a new file has.
func (f *File) patches() (list []patch, ok bool) {
	s, order := &f.section, f.around.order
	frame := int64(2 * s.Channels)
	if f.around.long || frame > math.MaxUint16 {
		return nil, false
	}
	format := bytes.Clone(f.around.body)
	if order.Uint16(format) == riff.Extensible {
		order.PutUint16(format[18:], 16)
		order.PutUint16(format[24:], riff.PCM)
	} else {
		order.PutUint16(format, riff.PCM)
	}
	order.PutUint32(format[8:], uint32(min(int64(s.Rate)*frame, math.MaxUint32)))
	order.PutUint16(format[12:], uint16(frame))
	order.PutUint16(format[14:], 16)
	inFormat := patch{f.around.format, format}
	if s.Declared < 0 {
		return []patch{inFormat}, true // the sizes are left open
	}
	samples := s.Declared * frame
	whole := f.section.Start + samples - f.around.riff - 4
	if f.around.behind > 0 {
		whole += s.Size - f.around.behind
	}
	if samples > math.MaxInt32 || whole > math.MaxUint32 {
		return nil, false
	}
	size := func(n int64) []byte {
		b := make([]byte, 4)
		order.PutUint32(b, uint32(n))
		return b
	}
	return []patch{{f.around.riff, size(whole)}, inFormat, {s.Start - 4, size(samples)}}, true
}
