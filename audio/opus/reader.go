package opus

import (
	"fmt"
	"io"

	"github.com/pion/opus"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// Reader implements [audio.File]. Every page is checked against its checksum. The error of one that does not match, or is missing, wraps
// [audio.ErrDamaged].
func (f *File) Reader() audio.Reader {
	r := &reader{f: f, s: f.track.Stream(), Decoded: ogg.Decoded{
		Channels: f.channels, Zero: f.start, End: f.track.End, PCM: make([]float32, longest*f.channels),
	}}
	r.begin()
	return r
}

type reader struct {
	ogg.Decoded
	f *File
	s *ogg.Stream
	d opus.Decoder
}

// begin makes the first packet of sound the next one.
func (r *reader) begin() {
	r.s.From(r.f.track.Begin)
	r.At, r.Pos, r.Used, r.Have = r.f.start, r.f.first, 0, 0
	r.d, r.Err = opus.NewDecoderWithOutput(Rate, r.f.channels)
}

func (r *reader) Read(block [][]float64) (int, error) { return r.Decoded.Read(block, r.decode) }

// decode decodes packets up to the first with frames behind position at. The error is io.EOF if there is none.
func (r *reader) decode() error {
	for {
		p, last, err := r.s.Packet()
		if err == io.EOF {
			return err
		}
		if err != nil {
			return fmt.Errorf("opus: read samples: %w", err)
		}
		n, err := r.packet(p)
		if err != nil {
			return fmt.Errorf("opus: the page at byte %d: %w", r.s.Page.At, err)
		}
		r.Pos += int64(n)
		if last && r.s.Granule != r.Pos && (r.s.Granule < r.End || r.Pos < r.End) { // only the last page may have more
			return fmt.Errorf("opus: the page at byte %d: %w", r.s.Page.At, damaged("it ends with frame %d instead of %d", r.Pos, r.s.Granule))
		}
		if r.Pos > r.At {
			r.Take(n)
			return nil
		}
	}
}

// packet decodes a packet into pcm and returns the number of frames in it.
func (r *reader) packet(p []byte) (frames int, err error) {
	want, err := frameCount(p)
	if err != nil {
		return 0, err
	}
	defer func() {
		if recover() != nil { // impossible bits must not bring down a program
			err = damaged("a packet cannot be decoded")
		}
	}()
	n, err := r.d.DecodeToFloat32(p, r.PCM)
	if err != nil {
		return 0, damaged("%v", err)
	}
	if n != want {
		return 0, damaged("a packet decodes to %d frames instead of %d", n, want)
	}
	for i, v := range r.PCM[:n*r.Channels] {
		r.PCM[i] = float32(r.f.gain * float64(v))
	}
	return n, nil
}

// SeekFrame decodes up to the frame, from the beginning if it lies behind: what an Opus decoder gives depends on all packets before, and
// these are the very samples that reading up to there gives. That takes a hundredth of the time that they last.
func (r *reader) SeekFrame(frame int64) error {
	if frame < 0 || frame > r.f.Frames() {
		return fmt.Errorf("there is no frame %d in a recording of %d", frame, r.f.Frames())
	}
	to := r.f.start + frame
	if to < r.Pos-int64(r.Have) || r.Err != nil {
		r.begin()
	}
	r.At = to
	if r.Have > 0 && to < r.Pos {
		r.Take(r.Have)
		return r.Err
	}
	r.Used, r.Have = 0, 0
	return r.Err
}
