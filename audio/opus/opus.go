// Package opus reads Ogg Opus files [1, 2], such as voice messages. [Open] gives a File to read in blocks. They cannot be written: the
// compression would destroy what is hidden.
//
// Of an Opus stream in an Ogg file the first two packets are headers and the others sound, always at 48 kHz, of which the first header says
// how much is not meant to be heard. Pages and packets are found and checked by package ogg, and the packets decoded by
// github.com/pion/opus. What that gives are 32-bit floating point samples that may exceed full scale. Next to libopus, CELT comes out the same to a
// half of a 16-bit step, and SILK, in which the lowest rates are coded, with an error 50 dB below the sound.
//
// Other streams in the same file, such as video, are passed over. Recordings of more than two channels are refused.
//
//   - [1] RFC 6716, Definition of the Opus Audio Codec, 2012
//   - [2] RFC 7845, Ogg Encapsulation for the Opus Audio Codec, 2016
package opus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// Rate is the rate of all Opus recordings, in Hz.
const Rate = 48000

// longest is the longest that a packet may be, in frames: 120 ms.
const longest = Rate * 120 / 1000

const (
	markHead = "OpusHead"
	headSize = 19 // of a first header without a table of channels
)

// File is an Ogg Opus file. It implements [audio.File].
type File struct {
	r        io.ReaderAt
	size     int64
	serial   uint32
	channels int
	gain     float64 // that samples are multiplied by
	at       int64   // where the first page of sound begins
	first    int64   // the position of the first decoded frame
	start    int64   // the position of the first frame that is heard
	end      int64   // the position behind the last frame
}

// Open reads the headers of the Ogg Opus file of size bytes in r, and the headers of all its pages. File goes on reading from r. The error
// wraps [audio.ErrFormat], [audio.ErrUnsupported], [audio.ErrMalformed] or [audio.ErrDamaged], or is one of r.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: io.NewSectionReader(r, 0, size), size: size}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("opus: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	at, err := f.findStream()
	if err != nil {
		return err
	}
	s := f.stream()
	s.From(at)
	head, _, err := s.Packet()
	if err != nil {
		return headersEnd(err)
	}
	skip, err := f.parseHead(head)
	if err != nil {
		return err
	}
	if err := s.Skip(); err != nil { // the comments, which may hold pictures
		return headersEnd(err)
	}
	return f.scan(s.Next(), s.Number+1, skip)
}

// headersEnd returns what it means that err came while headers were read.
func headersEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return malformed("the file ends within its headers")
	}
	return err
}

// findStream returns where the first Opus stream begins. A file without one is of another format.
func (f *File) findStream() (int64, error) {
	for at := int64(0); ; {
		p, ok, err := ogg.ReadPage(f.r, at, f.size)
		if err != nil {
			return 0, err
		}
		if !ok || p.Flags&ogg.First == 0 {
			return 0, fmt.Errorf("%w: not an Ogg Opus file", audio.ErrFormat)
		}
		if f.isOpus(&p) {
			f.serial = p.Serial
			return at, nil
		}
		at += p.Size
	}
}

// isOpus reports whether a page that begins a stream begins one of Opus.
func (f *File) isOpus(p *ogg.Page) bool {
	var b [len(markHead)]byte
	n, _ := f.r.ReadAt(b[:], p.At+int64(ogg.PageHead+p.Pieces))
	return string(b[:n]) == markHead
}

func (f *File) stream() *ogg.Stream { return ogg.NewStream(f.r, f.size, f.serial) }

// parseHead reads the first header (RFC 7845, section 5.1) and returns how many frames are not to be heard.
func (f *File) parseHead(b []byte) (skip int64, err error) {
	if len(b) < headSize || !bytes.HasPrefix(b, []byte(markHead)) {
		return 0, malformed("a first header of %d bytes", len(b))
	}
	if b[8] >= 16 {
		return 0, fmt.Errorf("%w: version %d of Ogg Opus", audio.ErrUnsupported, b[8])
	}
	f.channels = int(b[9])
	if family := b[18]; family != 0 || f.channels > 2 {
		return 0, fmt.Errorf("%w: Opus of %d channels; convert the file to WAV or FLAC first", audio.ErrUnsupported, f.channels)
	}
	if f.channels == 0 {
		return 0, malformed("no channels")
	}
	f.gain = math.Pow(10, float64(int16(binary.LittleEndian.Uint16(b[16:])))/256/20)
	return int64(binary.LittleEndian.Uint16(b[10:])), nil
}

// scan goes through the pages of sound, from position at on, to find where the sound begins and ends. The first of them has the given
// number, and of the sound skip frames are not to be heard.
func (f *File) scan(at int64, number uint32, skip int64) error {
	f.at = at
	begin := at
	first := ogg.Page{Granule: -1} // that tells a position
	before, pages := int64(0), 0
	for at < f.size {
		p, ok, err := ogg.ReadPage(f.r, at, f.size)
		if err != nil {
			return err
		}
		if !ok {
			if at, err = ogg.FindPage(f.r, at+1, f.size); err != nil {
				return err
			}
			continue
		}
		at += p.Size
		if p.Flags&ogg.First != 0 && f.isOpus(&p) {
			return fmt.Errorf("%w: it holds several recordings one after another; convert the file to WAV or FLAC first", audio.ErrUnsupported)
		}
		if p.Serial != f.serial {
			continue
		}
		if pages++; pages == 1 && p.Number != number {
			return damaged("a page is missing before byte %d", p.At)
		}
		if p.Granule == -1 {
			continue
		}
		if p.Granule < before || p.Granule < 0 {
			return malformed("the page at byte %d goes back in time", p.At)
		}
		if before = p.Granule; first.Granule == -1 {
			first = p
		}
	}
	if first.Granule == -1 {
		return nil
	}
	f.end = before
	length, err := f.lengthTo(begin, &first)
	if err != nil {
		return err
	}
	// Of the page that is the last one too, the end is not meant to be heard.
	if f.first = first.Granule - length; f.first < 0 {
		if first.Flags&ogg.Last == 0 {
			return malformed("the first page holds %d frames and ends with frame %d", length, first.Granule)
		}
		f.first = 0
	}
	f.start = min(f.first+skip, f.end)
	return nil
}

// lengthTo returns how many frames the packets from position at on hold up to the end of page last.
func (f *File) lengthTo(at int64, last *ogg.Page) (frames int64, err error) {
	s := f.stream()
	s.From(at)
	for {
		p, end, err := s.Packet()
		if err != nil {
			return 0, err
		}
		n, err := frameCount(p)
		if err != nil {
			return 0, err
		}
		if frames += int64(n); end && s.At >= last.At {
			return frames, nil
		}
	}
}

// frameCount returns how many frames a packet decodes to (RFC 6716, section 3.1).
func frameCount(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, damaged("an empty packet")
	}
	config := int(p[0] >> 3)
	var one int
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		one = []int{480, 960, 1920, 2880}[config%4]
	case config < 16: // hybrid: 10, 20 ms
		one = []int{480, 960}[config%2]
	default: // CELT: 2.5, 5, 10, 20 ms
		one = 120 << (config % 4)
	}
	n := []int{1, 2, 2, 0}[p[0]&3]
	if n == 0 {
		if len(p) < 2 {
			return 0, damaged("a packet of one byte")
		}
		n = int(p[1] & 63)
	}
	if n == 0 || n*one > longest {
		return 0, damaged("a packet of %d frames", n*one)
	}
	return n * one, nil
}

// Format implements [audio.File]. The samples are floating point of 32 bits.
func (f *File) Format() audio.Format {
	return audio.Format{Rate: Rate, Channels: f.channels, Encoding: audio.Float32}
}

// Frames implements [audio.File]. Of a file that is cut off it counts the frames up to the end of the last whole page.
func (f *File) Frames() int64 { return f.end - f.start }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrMalformed, fmt.Sprintf(format, args...))
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrDamaged, fmt.Sprintf(format, args...))
}
