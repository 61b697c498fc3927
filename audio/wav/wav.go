// Package wav reads and writes WAV files: RIFF [1] and its big-endian twin RIFX, and RF64 and BW64 [2] beyond 4 GiB.
//
// A WAV file is a list of chunks, each a four-letter name, a size and that many bytes, padded to an even number. "fmt "
// says what the samples are, "data" holds them, and any number of others (LIST, bext, cue, smpl, id3, …) may stand before
// and after it. [Open] finds the samples and leaves everything else alone, so that [File.Rewrite] can copy it.
//
// Samples may be PCM of 8, 16, 24 or 32 bits, with fewer of them in use, or floating point of 32 or 64 bits, with a
// plain or an extensible [3] header. A-law and µ-law are read as the 16 bits that they stand for.
// For a file in memory use [Decode] and [Encode]; [NewWriter] starts a new file.
//
//   - [1] Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991
//   - [2] ITU-R BS.2088 and EBU Tech 3306
//   - [3] Multiple Channel Audio Data and WAVE Files, Microsoft, 2001
package wav

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"ditas/audio"
	"ditas/audio/internal/pcm"
	"ditas/audio/internal/riff"
)

// speakers are the masks for no, one and two channels, and for more, whose places Writer does not know.
var speakers = [...]uint32{0, 0x4, 0x3, 0}

const (
	elsewhere = math.MaxUint32 // as a size: look in ds64, or unknown
	unknown   = math.MaxUint64
)

// File is a WAV file. It implements [audio.Rewriter].
type File struct {
	section pcm.Section
	around  around
	lacking []string // names of chunks
	padded  *padded  // what is read in place of the file if there are such chunks
}

// Open reads the header of the WAV file of size bytes in r, which File goes on reading from. The error wraps
// [audio.ErrFormat], [audio.ErrUnsupported] or [audio.ErrMalformed].
//
// A header may leave the length open, as those do that programs write into a pipe; the samples then go on to the end of
// the file. Where chunks of odd size lack the byte of padding that has to follow them, which [File.Lacking] tells, the file is read as if they had it.
func Open(r io.ReaderAt, size int64) (*File, error) {
	p, section, err := parse(r, size)
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	if len(p.lacking.ends) > 0 {
		padded := p.pad()
		q, section, err := parse(padded, size+int64(len(padded.ends)))
		if err != nil {
			return nil, fmt.Errorf("wav: %w", err)
		}
		return &File{*section, q.around, p.lacking.names, padded}, nil
	}
	return &File{*section, p.around, nil, nil}, nil
}

// parse reads the header of a file.
func parse(r io.ReaderAt, size int64) (*parser, *pcm.Section, error) {
	p := &parser{Chunks: riff.Chunks{R: io.NewSectionReader(r, 0, size), Size: size, Order: binary.LittleEndian, Samples: "data"}}
	section, err := p.parse()
	if err != nil {
		return nil, nil, err
	}
	section.File = r
	p.around.order = p.Order
	return p, section, nil
}

// Format implements [audio.File].
func (f *File) Format() audio.Format { return f.section.Format() }

// Frames implements [audio.File]. Of a file that is cut off it counts the frames that are left.
func (f *File) Frames() int64 { return f.section.Frames() }

// End returns the position in the file, in bytes, behind the last frame.
func (f *File) End() int64 {
	end := f.section.End()
	if f.padded != nil {
		end -= int64(f.padded.before(end))
	}
	return end
}

// Lacking returns the names of the chunks that lack the byte of padding behind them. Other programs may not find what follows such a chunk.
func (f *File) Lacking() []string { return slices.Clone(f.lacking) }

// Reader implements [audio.File]. The Reader allocates nothing after it was made.
func (f *File) Reader() audio.Reader { return f.section.Reader() }

// Rewrite implements [audio.Rewriter]. The copy has the length of the file, and differs from it in samples only. Of
// chunks that describe the samples, such as a PEAK, nothing is recomputed. Padding that is missing in the file is there in the copy.
//
// A-law and µ-law have no room for other samples than their own: such a file becomes one of 16 bits, with the same chunks around the samples.
func (f *File) Rewrite(dst io.Writer) (audio.Writer, error) {
	if f.section.Law == nil {
		return f.section.Rewrite(dst)
	}
	return f.expand(dst)
}

// Expands reports whether the samples are of A-law or µ-law, which Rewrite makes 16 bits of.
func (f *File) Expands() bool { return f.section.Law != nil }

// Decode reads the whole of the WAV file of size bytes in r. If the file is cut off, the error is an
// [audio.TruncatedError] and the recording holds what there is.
func Decode(r io.ReaderAt, size int64) (*audio.Recording, error) {
	f, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

// Encode writes rec to dst as a WAV file.
func Encode(dst io.Writer, rec *audio.Recording) error {
	w, err := NewWriter(dst, rec.Format, int64(rec.Frames()))
	if err != nil {
		return err
	}
	if err := w.Write(rec.Samples); err != nil {
		return err
	}
	return w.Close()
}

// parser walks through the chunks up to the data.
type parser struct {
	riff.Chunks
	around  around
	whole   uint64 // the size that its header gives it
	ds64    int64  // where that stands in an RF64 file, 0 if it is none
	lacking lacking
}

func (p *parser) parse() (*pcm.Section, error) {
	var head [12]byte
	base, err := p.tag()
	if err != nil {
		return nil, err
	}
	if n, err := p.R.ReadAt(head[:], base); n < len(head) {
		if err != io.EOF {
			return nil, err
		}
		return nil, fmt.Errorf("%w: too short to be a WAV file", audio.ErrFormat)
	}
	magic := string(head[:4])
	switch magic {
	case "RIFF", "RF64", "BW64":
	case "RIFX":
		p.Order = binary.BigEndian
	default:
		return nil, fmt.Errorf("%w: not a WAV file", audio.ErrFormat)
	}
	if string(head[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: a RIFF file, but not of audio", audio.ErrFormat)
	}
	riffSize := uint64(p.Order.Uint32(head[4:]))
	p.around.riff, p.around.long = base+4, magic == "RF64" || magic == "BW64"
	p.whole = riffSize

	var long sizes // of an RF64 file
	var layout *pcm.Layout
	pos := base + int64(len(head))
	for range riff.Most {
		var chunk [8]byte
		if n, err := p.R.ReadAt(chunk[:], pos); n < len(chunk) {
			if err != io.EOF {
				return nil, err
			}
			return nil, riff.Malformed("the file ends before its samples begin")
		}
		name, size := string(chunk[:4]), uint64(p.Order.Uint32(chunk[4:]))
		pos += int64(len(chunk))
		switch {
		case size == elsewhere && long.table != nil:
			size = long.of(name)
		case name == "data" && size >= elsewhere-36: // and 36 bytes of header, in some programs
			size = unknown
		}
		if name == "data" {
			if layout == nil {
				return nil, riff.Malformed("the samples come before their format")
			}
			return p.section(layout, pos, size, riffSize+uint64(base))
		}
		if size > uint64(p.Size-pos) {
			return nil, riff.Malformed("the file ends before its samples begin")
		}
		switch {
		case name == "fmt " && layout == nil:
			body, err := p.Body(pos, size)
			if err != nil {
				return nil, err
			}
			if layout, err = riff.ParseFormat(body, p.Order); err != nil {
				return nil, err
			}
			p.around.format, p.around.body = pos, body
		case name == "ds64" && (magic == "RF64" || magic == "BW64"):
			body, err := p.Body(pos, size)
			if err != nil {
				return nil, err
			}
			if len(body) < 28 {
				return nil, riff.Malformed("a ds64 chunk of %d bytes", len(body))
			}
			long = sizes{
				riff:  binary.LittleEndian.Uint64(body),
				data:  binary.LittleEndian.Uint64(body[8:]),
				table: body[28:],
			}
			riffSize = long.riff
			p.whole, p.ds64 = riffSize, pos
		}
		p.note(name, pos, size)
		pos = p.After(pos, int64(size))
	}
	return nil, riff.Malformed("no samples among the first %d chunks", riff.Most)
}

// tag returns the size of the ID3v2 tags that some programs write before everything else, 0 if there are none.
func (p *parser) tag() (at int64, err error) {
	for range 16 {
		var head [10]byte
		if n, err := p.R.ReadAt(head[:], at); n < len(head) && err != io.EOF {
			return 0, err
		}
		if string(head[:3]) != "ID3" {
			break
		}
		at += 10 + (int64(head[6]&127)<<21 | int64(head[7]&127)<<14 | int64(head[8]&127)<<7 | int64(head[9]&127))
	}
	return at, nil
}

// refuseMore returns an error if more samples follow behind those that end at pos: in a second chunk of them, or in another file that was joined.
// Anything else may be there.
func (p *parser) refuseMore(pos int64) error {
	for range riff.Most {
		var head [12]byte
		if n, err := p.R.ReadAt(head[:], pos); n < len(head) {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		switch name := string(head[:4]); {
		case name == "data":
			return riff.Malformed("a second chunk of samples begins at byte %d", pos)
		case (name == "RIFF" || name == "RIFX" || name == "RF64" || name == "BW64") && string(head[8:]) == "WAVE":
			return &audio.JoinedError{At: pos, What: "another WAV file"}
		}
		if !p.At(pos) {
			return nil
		}
		size := p.Order.Uint32(head[4:])
		p.note(string(head[:4]), pos+riff.HeadSize, uint64(size))
		pos = p.After(pos+riff.HeadSize, int64(size))
	}
	return nil
}

// sizes is the content of a ds64 chunk.
type sizes struct {
	riff, data uint64
	table      []byte // entries of a name and the size of the chunk of that name, 12 bytes each
}

func (s *sizes) of(name string) uint64 {
	if name == "data" {
		return s.data
	}
	for t := s.table; len(t) >= 12; t = t[12:] {
		if string(t[:4]) == name {
			return binary.LittleEndian.Uint64(t[4:])
		}
	}
	return elsewhere
}

// section places the samples, given where their chunk begins and what sizes the headers declare.
func (p *parser) section(layout *pcm.Layout, start int64, size, riffSize uint64) (*pcm.Section, error) {
	frame := uint64(layout.FrameSize())
	present := uint64(p.Size-start) / frame
	s := &pcm.Section{Layout: *layout, Size: p.Size, Start: start, Declared: -1}
	declared := size / frame
	open := size == unknown ||
		size == 0 && (riffSize == 0 || riffSize >= elsewhere || riffSize+8 <= uint64(start) || !p.At(start)) ||
		present < declared && size >= 0x7FFF_0000 && size <= 0x8000_0000 // sox, arecord, lame
	if !open {
		present = min(present, declared)
		s.Declared = int64(min(declared, math.MaxInt64))
	}
	s.Present = int64(present)
	if open || declared > present || size > uint64(p.Size-start) {
		return s, nil
	}
	p.note("data", start, size)
	p.around.behind = p.After(start, int64(size))
	return s, p.refuseMore(p.around.behind)
}

// NewWriter starts a new WAV file of the given format and number of frames in dst. Close fails if fewer were written.
func NewWriter(dst io.Writer, format audio.Format, frames int64) (audio.Writer, error) {
	head, pad, err := header(format, frames)
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	if _, err := dst.Write(head); err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	return &pcm.Writer{
		Layout: pcm.Layout{Format: format, Offset: true},
		Dst:    dst,
		Frames: frames,
		Tail:   make([]byte, pad),
	}, nil
}

// header returns what precedes the samples of a new file, and the size of the padding that follows them. The format is
// extensible where [3] asks for it: more than two channels, more than 16 bits, or bits that are not in use.
func header(f audio.Format, frames int64) (head []byte, pad int, err error) {
	if err := f.Check(); err != nil {
		return nil, 0, err
	}
	layout := pcm.Layout{Format: f}
	frame := layout.FrameSize()
	if f.Channels > math.MaxUint16 || frame > math.MaxUint16 || f.Rate > math.MaxInt32 {
		return nil, 0, fmt.Errorf("%v does not fit a WAV file", f)
	}
	if frames < 0 || frames > math.MaxInt64/2/int64(frame) {
		return nil, 0, fmt.Errorf("%d frames do not fit a WAV file", frames)
	}
	tag := uint16(riff.PCM)
	if f.Encoding.IsFloat() {
		tag = riff.Float
	}
	extensible := f.Channels > 2 || f.Encoding.Bits() > 16 && tag == riff.PCM || f.Bits() != f.Encoding.Bits()

	le := binary.LittleEndian
	b := new(bytes.Buffer)
	put := func(fields ...any) {
		for _, field := range fields {
			binary.Write(b, le, field) // to a Buffer: cannot fail
		}
	}
	common := []any{uint16(f.Channels), uint32(f.Rate), uint32(min(int64(f.Rate)*int64(frame), math.MaxUint32)), uint16(frame), uint16(f.Encoding.Bits())}
	put([]byte("fmt "))
	switch {
	case extensible:
		put(uint32(40), uint16(riff.Extensible))
		put(common...)
		put(uint16(22), uint16(f.Bits()), speakers[min(f.Channels, len(speakers)-1)], tag, []byte(riff.Subformat))
	case tag == riff.PCM:
		put(uint32(16), tag)
		put(common...)
	default:
		put(uint32(18), tag)
		put(common...)
		put(uint16(0))
	}
	if tag != riff.PCM {
		put([]byte("fact"), uint32(4), uint32(min(frames, math.MaxUint32)))
	}
	size := frames * int64(frame)
	pad = int(size & 1)
	put([]byte("data"))
	if riff := 4 + int64(b.Len()) + 4 + size + int64(pad); riff <= math.MaxUint32 {
		put(uint32(size))
		head = slices.Concat([]byte("RIFF"), le.AppendUint32(nil, uint32(riff)), []byte("WAVE"), b.Bytes())
		return head, pad, nil
	}
	put(uint32(elsewhere))
	rest := bytes.Clone(b.Bytes())
	b.Reset()
	put([]byte("RF64"), uint32(elsewhere), []byte("WAVEds64"), uint32(28))
	put(4+8+28+int64(len(rest))+size+int64(pad), size, frames, uint32(0))
	return append(b.Bytes(), rest...), pad, nil
}
