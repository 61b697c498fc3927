// Package vorbis reads Ogg Vorbis files [1, 2]. [Open] gives a File to read in blocks. They cannot be written: the
// compression would destroy what is hidden.
//
// An Ogg file is a sequence of pages, each with a checksum and the position in the recording that its last packet leads to.
// Packets are parts of a page or go on in the next ones. Of a Vorbis stream the first three are headers and the others sound,
// which overlap. Pages and packets are found and checked here, and the packets decoded by github.com/jfreymuth/vorbis. What
// that gives are 32-bit floating point samples that may exceed full scale.
//
// Other streams in the same file, such as video, are passed over. Most surround sound is refused, because the decoder does
// not know the way in which libvorbis codes the channel of low frequencies.
//
//   - [1] Vorbis I specification, Xiph.Org Foundation, 2020
//   - [2] RFC 3533, The Ogg Encapsulation Format Version 0, 2003
package vorbis

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/jfreymuth/vorbis"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// stride is the number of pages between two entries of the index.
const stride = 16

// File is an Ogg Vorbis file. It implements [audio.File].
type File struct {
	track       *ogg.Track
	format      audio.Format
	info, setup []byte // headers, which every decoder needs
	start       int64  // position of the first decoded frame; one before 0 is not heard
	index       []entry
	headless    bool // what was before start is lost
}

// entry is a place to begin to decode from.
type entry struct {
	at     int64 // where a page begins
	before int64 // the position in the recording that the pages before lead to
}

// foreign are the first bytes of the first packet of other streams.
var foreign = []struct{ mark, name string }{
	{"OpusHead", "Opus"},
	{"\x7FFLAC", "FLAC in Ogg"},
	{"Speex   ", "Speex"},
	{"\x80theora", "Theora video without sound"},
	{"CELT    ", "CELT"},
	{"PCM     ", "PCM in Ogg"},
}

// Open reads the headers of the Ogg Vorbis file of size bytes in r, and the headers of all its pages. File goes on reading
// from r. The error wraps [audio.ErrFormat], [audio.ErrUnsupported], [audio.ErrMalformed] or [audio.ErrDamaged], or is one of r.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{}
	if err := f.open(io.NewSectionReader(r, 0, size), size); err != nil {
		return nil, fmt.Errorf("vorbis: %w", err)
	}
	return f, nil
}

func (f *File) open(r io.ReaderAt, size int64) (err error) {
	if f.track, err = find(r, size); err != nil {
		return err
	}
	s := f.track.Stream()
	if f.info, err = f.header(s, markInfo); err != nil {
		return err
	}
	if f.format, err = parseInfo(f.info); err != nil {
		return err
	}
	if err := s.Skip(); err != nil { // the comments, which may hold pictures
		return ogg.HeadersEnd(err)
	}
	if f.setup, err = f.header(s, markSetup); err != nil {
		return err
	}
	if err := checkSetup(f.setup); err != nil {
		return err
	}
	d, err := f.decoder()
	if err != nil {
		return err
	}
	if err := f.scan(s.Next(), s.Number+1, d); err != nil {
		return err
	}
	f.track.Bound(f.zero())
	return nil
}

// find returns the first Vorbis stream.
func find(r io.ReaderAt, size int64) (*ogg.Track, error) {
	is, other := false, ""
	t, err := ogg.Find(r, size, markInfo, func(head []byte) {
		is = true
		for _, o := range foreign {
			if other == "" && bytes.HasPrefix(head, []byte(o.mark)) {
				other = o.name
			}
		}
	})
	switch {
	case err != nil || t != nil:
		return t, err
	case !is:
		return nil, fmt.Errorf("%w: not an Ogg file", audio.ErrFormat)
	case other == "":
		other = "something other than Vorbis"
	}
	return nil, fmt.Errorf("%w: it holds %s; convert the file to WAV or FLAC first", audio.ErrUnsupported, other)
}

// header returns a copy of the next packet, which begins with mark.
func (f *File) header(s *ogg.Stream, mark string) ([]byte, error) {
	p, _, err := s.Packet()
	if err != nil {
		return nil, ogg.HeadersEnd(err)
	}
	if !bytes.HasPrefix(p, []byte(mark)) {
		return nil, malformed("no Vorbis header where one ought to be")
	}
	return slices.Clone(p), nil
}

// scan goes through the pages of sound, from position at on, to find where the sound begins and ends. The first of them has
// the given number.
func (f *File) scan(at int64, number uint32, d *decoder) error {
	f.index = append(f.index, entry{at, 0})
	pages := 0
	// What is cut off from a longer recording may begin before 0.
	err := f.track.Scan(at, number, math.MinInt64, func(p *ogg.Page, before int64) {
		if pages++; pages%stride == 0 && before > 0 {
			f.index = append(f.index, entry{p.At, before})
		}
	})
	first := &f.track.First
	if err != nil || first.Granule == -1 {
		return err
	}
	length, err := f.track.Length(d.decode)
	if err != nil {
		return err
	}
	// Where the first position is less than the sound before it, its beginning is not meant to be heard, but if that page is
	// the last one its end.
	if f.start = first.Granule - length; f.start < 0 && first.Flags&ogg.Last != 0 {
		f.start = 0
	}
	if f.headless = f.track.Headless(f.start); f.headless {
		f.index[0].before = 0
		return nil
	}
	f.index[0].before = f.start
	return nil
}

// Format implements [audio.File]. The samples are floating point of 32 bits.
func (f *File) Format() audio.Format { return f.format }

// Frames implements [audio.File]. Of a file that is cut off it counts the frames up to the end of the last whole page.
func (f *File) Frames() int64 { return max(0, f.track.End-f.zero()) }

// End returns the position in the file, in bytes, behind the last page of the recording.
func (f *File) End() int64 { return f.track.Bytes }

// zero returns the position of the first frame that is heard.
func (f *File) zero() int64 {
	if f.headless {
		return 0
	}
	return max(0, f.start)
}

// decoder restores the samples of packets.
type decoder struct {
	vorbis.Decoder
	channels int
	pcm      []float32 // of the last packet, interleaved
}

func (f *File) decoder() (d *decoder, err error) {
	defer func() {
		if recover() != nil { // the decoder does that when it is given impossible bits
			err = malformed("an impossible setup")
		}
	}()
	d = &decoder{channels: f.format.Channels}
	for _, h := range [][]byte{f.info, f.setup} {
		if err := d.ReadHeader(h); err != nil { // what is known to be refused is most surround sound
			return nil, fmt.Errorf("%w: a setup of %d channels; convert the file to 16-bit WAV first", audio.ErrUnsupported, d.channels)
		}
	}
	d.pcm = make([]float32, d.BufferSize())
	return d, nil
}

// decode decodes a packet into pcm and returns the number of frames in it: 0 for the first one.
func (d *decoder) decode(packet []byte) (frames int, err error) {
	defer func() {
		if recover() != nil {
			err = damaged("a packet cannot be decoded")
		}
	}()
	if len(packet) == 0 {
		return 0, nil
	}
	out, err := d.DecodeInto(packet, d.pcm[:cap(d.pcm)])
	if err != nil {
		return 0, damaged("%v", err)
	}
	d.pcm = out
	return len(out) / d.channels, nil
}
