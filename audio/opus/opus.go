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
	track    *ogg.Track
	channels int
	gain     float64 // that samples are multiplied by
	first    int64   // the position of the first decoded frame
	start    int64   // the position of the first frame that is heard
	headless bool    // what was before first is lost
}

// Open reads the headers of the Ogg Opus file of size bytes in r, and the headers of all its pages. File goes on reading from r. The error
// wraps [audio.ErrFormat], [audio.ErrUnsupported], [audio.ErrMalformed] or [audio.ErrDamaged], or is one of r.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{}
	if err := f.open(io.NewSectionReader(r, 0, size), size); err != nil {
		return nil, fmt.Errorf("opus: %w", err)
	}
	return f, nil
}

func (f *File) open(r io.ReaderAt, size int64) (err error) {
	if f.track, err = ogg.Find(r, size, markHead, nil); err != nil {
		return err
	}
	if f.track == nil {
		return fmt.Errorf("%w: not an Ogg Opus file", audio.ErrFormat)
	}
	s := f.track.Stream()
	head, _, err := s.Packet()
	if err != nil {
		return ogg.HeadersEnd(err)
	}
	skip, err := f.parseHead(head)
	if err != nil {
		return err
	}
	if err := s.Skip(); err != nil { // the comments, which may hold pictures
		return ogg.HeadersEnd(err)
	}
	if err := f.track.Scan(s.Next(), s.Number+1, 0, nil); err != nil {
		return err
	}
	if err := f.place(skip); err != nil {
		return err
	}
	f.track.Bound(f.start)
	return nil
}

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

// place finds out where the sound begins, of which skip frames are not to be heard.
func (f *File) place(skip int64) error {
	first := &f.track.First
	if first.Granule == -1 {
		return nil
	}
	length, err := f.track.Length(frameCount)
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
	if f.headless = f.track.Headless(f.first); f.headless {
		f.start = min(skip, f.track.End)
		return nil
	}
	f.start = min(f.first+skip, f.track.End)
	return nil
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
func (f *File) Frames() int64 { return f.track.End - f.start }

// End returns the position in the file, in bytes, behind the last page of the recording.
func (f *File) End() int64 { return f.track.Bytes }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrMalformed, fmt.Sprintf(format, args...))
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audio.ErrDamaged, fmt.Sprintf(format, args...))
}
