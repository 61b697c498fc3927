// Package flac reads and writes FLAC files [1]. For a file in memory use [Decode] and [Encode]; [Open] gives a File to
// read in blocks or to write again with other samples; [NewWriter] starts a new file. A [Level] says how much is tried to make
// it small.
//
// A FLAC file is the mark "fLaC", a list of metadata blocks, and the samples. The first block, STREAMINFO, says what the
// samples are and holds an MD5 of them; others hold tags, pictures and the like. The samples come in frames, each of some
// thousand samples of every channel, which are compressed one by one and closed by a checksum.
//
// A frame is always one of these, as in [1]. What package audio calls a frame, one sample of each channel, is a sample frame
// here. Samples are counted and numbered per channel, so a file has as many samples as it has sample frames.
//
// Integers of 4 to 32 bits are read and written, in up to 8 channels. FLAC within Ogg is not.
//
//   - [1] RFC 9639, Free Lossless Audio Codec, 2024
package flac

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
)

// Types of metadata blocks.
const (
	blockStreamInfo = 0
	blockSeekTable  = 3
	blockInvalid    = 127
)

const (
	mark        = "fLaC"
	infoSize    = 34 // of STREAMINFO
	pointSize   = 18 // of an entry in SEEKTABLE
	maxBlocks   = 1 << 14
	maxChannels = 8
	maxRate     = 1<<20 - 1
	maxSamples  = 1<<36 - 1 // in a file
	maxFrame    = 65535     // samples in a frame
	noPoint     = 1<<64 - 1
	maxFailed   = 1 << 28 // bytes, and samples of all channels; chance makes one place in 2^35 bytes look like a frame
)

// streamInfo is the content of a STREAMINFO block. Zero stands for what is not known.
type streamInfo struct {
	minBlock, maxBlock int // samples in a frame
	minSize, maxSize   int // bytes of a frame
	rate               int
	channels           int
	bits               int
	samples            int64
	md5                [16]byte
}

func (s *streamInfo) parse(b []byte) {
	be := binary.BigEndian
	x := be.Uint64(b[10:])
	*s = streamInfo{
		minBlock: int(be.Uint16(b)),
		maxBlock: int(be.Uint16(b[2:])),
		minSize:  int(be.Uint32(b[3:]) & 0xFFFFFF),
		maxSize:  int(be.Uint32(b[6:]) & 0xFFFFFF),
		rate:     int(x >> 44),
		channels: int(x>>41&7) + 1,
		bits:     int(x>>36&31) + 1,
		samples:  int64(x & maxSamples),
		md5:      [16]byte(b[18:]),
	}
}

func (s *streamInfo) append(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(b, uint16(s.minBlock))
	b = be.AppendUint16(b, uint16(s.maxBlock))
	sizes := be.AppendUint64(nil, uint64(s.minSize)<<24|uint64(s.maxSize))
	b = append(b, sizes[2:]...)
	b = be.AppendUint64(b, uint64(s.rate)<<44|uint64(s.channels-1)<<41|uint64(s.bits-1)<<36|uint64(s.samples))
	return append(b, s.md5[:]...)
}

// format returns the format in the terms of package audio.
func (s *streamInfo) format() audio.Format {
	f := audio.Format{Rate: s.rate, Channels: s.channels}
	switch {
	case s.bits <= 8:
		f.Encoding = audio.Int8
	case s.bits <= 16:
		f.Encoding = audio.Int16
	case s.bits <= 24:
		f.Encoding = audio.Int24
	default:
		f.Encoding = audio.Int32
	}
	if f.Encoding.Bits() != s.bits {
		f.ValidBits = s.bits
	}
	return f
}

// scale is the sample that stands for full scale.
func (s *streamInfo) scale() float64 { return float64(uint64(1) << (s.bits - 1)) }

// span is the bytes of a file in [start, end).
type span struct{ start, end int64 }

// File is a FLAC file. It implements [audio.Rewriter].
type File struct {
	r        io.ReaderAt
	size     int64
	info     streamInfo
	infoAt   int64  // where the content of STREAMINFO begins
	tables   []span // the contents of SEEKTABLE blocks
	coded    span   // the frames, from the first to the last complete one
	unit     int    // samples in each frame but the last, where frames are numbered; 1 where their samples are, in the old form
	variable bool   // frames may be of any length, and say so
	base     int64  // number of the first sample, not 0 in a stream that was joined midway
	whole    int64  // samples up to the end of the last complete frame
	present  int64  // these, and of a mended file those of a last frame that is damaged
	effort   *effort
	health   *health // nil if reading ends at what is damaged
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrMalformed, fmt.Sprintf(format, args...))
}

// Open reads the metadata of the FLAC file of size bytes in r and looks for its last samples. File goes on reading from r.
// The error wraps [audio.ErrFormat], [audio.ErrUnsupported], [audio.ErrMalformed] or [audio.ErrDamaged].
//
// An ID3v2 tag may stand before the file, and anything after it.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: io.NewSectionReader(r, 0, size), size: size, effort: &efforts[DefaultLevel]}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("flac: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	start, err := f.findMark()
	if err != nil {
		return err
	}
	if err := f.readMetadata(start + int64(len(mark))); err != nil {
		return err
	}
	switch {
	case f.info.rate == 0:
		return fmt.Errorf("%w: the stream is not audio", audio.ErrUnsupported)
	case f.info.bits < 4:
		return malformed("samples of %d bits", f.info.bits)
	}
	return f.findEnd()
}

// read fills b from position at.
func (f *File) read(b []byte, at int64) error {
	if n, err := f.r.ReadAt(b, at); n < len(b) {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// findMark returns where the file proper begins.
func (f *File) findMark() (int64, error) {
	var head [10]byte
	var at int64
	for range 16 { // tags
		n, err := f.r.ReadAt(head[:], at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if bytes.HasPrefix(head[:n], []byte(mark)) {
			return at, nil
		}
		if n < len(head) || string(head[:3]) != "ID3" {
			break
		}
		at += int64(len(head))
		at += int64(head[6]&127)<<21 | int64(head[7]&127)<<14 | int64(head[8]&127)<<7 | int64(head[9]&127)
		if head[5]&0x10 != 0 {
			at += int64(len(head)) // a footer
		}
	}
	return 0, fmt.Errorf("%w: not a FLAC file", audio.ErrFormat)
}

// readMetadata goes through the metadata blocks from position at.
func (f *File) readMetadata(at int64) error {
	for i := range maxBlocks {
		var head [4]byte
		if err := f.read(head[:], at); err == io.ErrUnexpectedEOF {
			return malformed("the file ends within its metadata")
		} else if err != nil {
			return err
		}
		at += int64(len(head))
		kind, last := head[0]&0x7F, head[0]&0x80 != 0
		size := int64(binary.BigEndian.Uint32(head[:]) & 0xFFFFFF)
		switch {
		case size > f.size-at:
			return malformed("the file ends within its metadata")
		case kind == blockInvalid:
			return malformed("a metadata block of type %d", kind)
		case (i == 0) != (kind == blockStreamInfo):
			return malformed("the first metadata block, and no other, ought to be STREAMINFO")
		case kind == blockStreamInfo:
			if size != infoSize {
				return malformed("a STREAMINFO of %d bytes", size)
			}
			var b [infoSize]byte
			if err := f.read(b[:], at); err != nil {
				return err
			}
			f.info.parse(b[:])
			f.infoAt = at
		case kind == blockSeekTable:
			f.tables = append(f.tables, span{at, at + size})
		}
		at += size
		if last {
			f.coded = span{at, at}
			return nil
		}
	}
	return malformed("no samples after %d metadata blocks", maxBlocks)
}

// findEnd finds out how many samples there really are.
func (f *File) findEnd() error {
	if err := f.refuseAnother(); err != nil {
		return err
	}
	d := f.decoder()
	if there, err := f.findFirst(d); err != nil || !there {
		return err
	}
	for length, to := int64(readSize), f.size; to > f.coded.start; length *= 2 {
		begin := max(f.coded.start, f.size-length)
		for from := begin; ; {
			found, err := d.find(from, to)
			if err != nil {
				return err
			}
			if !found {
				break
			}
			from = d.where.end
			if end := f.first(&d.header) + int64(d.samples); end <= f.most(d.where.end) {
				f.coded.end, f.present, to = d.where.end, end, f.size
			} else {
				d.failed += int64(d.samples * f.info.channels)
			}
		}
		if f.coded.end > f.coded.start {
			break
		}
		to = begin
	}
	switch {
	case f.present == 0 && d.failed >= maxFailed:
		return damaged("the last frame cannot be found")
	case f.present < 0:
		return damaged("the last frame precedes the first")
	case f.present > mostLost+densest*(f.coded.end-f.coded.start):
		return fmt.Errorf("%w: %d samples in %d bytes, which is nothing but silence in unusually long blocks; convert the file to WAV first",
			audio.ErrUnsupported, f.present, f.coded.end-f.coded.start)
	}
	f.whole = f.present
	return nil
}

// densest is how many samples there may be for each byte. Digital silence in blocks of 4608 has 400; larger ones are not for streams of up to 48 kHz
// (RFC 9639, section 7), and 65535 samples in ten bytes would have a small file last for days.
const densest = 512

// most returns how many samples there may be up to a position in the file behind a frame: those that the bytes up to there have room for, and some that
// are lost. A frame that counts on from more has a number that is wrong, and silence in place of what it says is lost would not end.
func (f *File) most(end int64) int64 {
	const leastFrame = 10 // bytes: a header, a constant and a checksum
	unit := int64(f.unit)
	if unit == 1 {
		unit = maxFrame
	}
	return mostLost + (end-f.coded.start)/leastFrame*unit
}

// mostLost is how many samples may be lost for whose bytes the file has no room.
const mostLost = 1 << 20

// findFirst finds out how the frames are numbered, and from what on, and whether there are any. STREAMINFO may be wrong about their size.
func (f *File) findFirst(d *decoder) (bool, error) {
	d.seek(f.coded.start)
	switch err := d.head(); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return false, nil
	case errors.Is(err, audio.ErrDamaged):
		if found, _ := d.find(f.coded.start, f.size); !found || d.variable && d.number > 0 || d.number >= maxLostFrames {
			return false, fmt.Errorf("the first frame: %w", err)
		}
		// What was before is lost. A recording that begins midway is not damaged besides.
		f.unit, f.variable = d.samples, d.variable
		if most := f.info.maxBlock; !d.variable && most > d.samples && d.number*int64(most)+int64(d.samples) == f.info.samples {
			f.unit = most // the one that was found is the last, and shorter
		}
		return true, nil
	case err != nil:
		return false, err
	}
	first := d.header
	f.unit, f.variable = first.samples, first.variable
	if !first.variable && f.info.minBlock != f.info.maxBlock && d.body() == nil {
		d.unsigned(16) // the frame's checksum
		// Before there was a mark for it, frames of varying size were known by STREAMINFO.
		if d.err() == nil && d.head() == nil && first.samples > 1 && d.number == first.number+int64(first.samples) {
			f.unit = 1
		}
	}
	f.base = f.first(&first)
	return true, nil
}

// maxLostFrames is how many frames may be lost before the first one.
const maxLostFrames = 1 << 16

// refuseAnother returns an error if another file follows the frames: two that were joined are not one recording.
func (f *File) refuseAnother() error {
	const head = len(mark) + 4 + infoSize
	buf := make([]byte, 1<<18)
	for at := f.coded.start; at < f.size; at += int64(len(buf) - head + 1) {
		n, err := f.r.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return err
		}
		for from := 0; ; from++ {
			i := bytes.Index(buf[from:n], []byte(mark))
			if i < 0 {
				break
			}
			if from += i; Begins(buf[from:n]) {
				return &audio.JoinedError{At: at + int64(from), What: "another FLAC file"}
			}
		}
	}
	return nil
}

// Begins reports whether b begins as a FLAC file does, with its mark and a STREAMINFO of audio: 42 bytes, which chance does not make.
func Begins(b []byte) bool {
	const head = len(mark) + 4
	if len(b) < head+infoSize || string(b[:len(mark)]) != mark || binary.BigEndian.Uint32(b[len(mark):])&0x7FFF_FFFF != infoSize {
		return false // the first bit says whether it is the last block of metadata
	}
	var info streamInfo
	info.parse(b[head:])
	return info.rate > 0 && info.bits >= 4 && info.maxBlock >= info.minBlock
}

// first returns the number of the first sample in a frame.
func (f *File) first(h *header) int64 {
	if h.variable {
		return h.number - f.base
	}
	return h.number*int64(f.unit) - f.base
}

// Format implements [audio.File].
func (f *File) Format() audio.Format { return f.info.format() }

// Frames implements [audio.File]: it counts sample frames, in a file that is cut off only the ones that are left.
func (f *File) Frames() int64 { return f.present }

// End returns the position in the file, in bytes, behind the last frame.
func (f *File) End() int64 { return f.coded.end }

// Decode reads the whole of the FLAC file of size bytes in r. If the file is cut off, the error is an
// [audio.TruncatedError] and the recording holds what there is.
func Decode(r io.ReaderAt, size int64) (*audio.Recording, error) {
	f, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

// Encode writes rec, whose samples are integers, to dst as a FLAC file, at [DefaultLevel]; [Level.Encode] takes another one.
func Encode(dst io.Writer, rec *audio.Recording) error { return DefaultLevel.Encode(dst, rec) }
