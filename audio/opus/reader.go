package opus

import (
	"fmt"
	"io"

	"github.com/pion/opus"

	"ditas/audio"
	"ditas/audio/internal/ogg"
)

// Reader implements [audio.File]. Every page is checked against its checksum. The error of one that does not match, or is missing, wraps
// [audio.ErrDamaged]; [File.Mend] passes over it.
func (f *File) Reader() audio.Reader { return f.reader(f.track.Stream(), nil) }

func (f *File) reader(s *ogg.Stream, lost *ogg.Lost) *reader {
	r := &reader{f: f, s: s, Decoded: ogg.Decoded{
		Channels: f.channels, Zero: f.start, End: f.track.End, Cut: f.track.Cut, PCM: make([]float32, longest*f.channels), Lost: lost,
	}}
	if lost == nil {
		r.Damage = f.track.Damage
	}
	r.begin()
	return r
}

// Mend returns the file as one that reads silence where it is damaged.
func (f *File) Mend() audio.Mended {
	return f.track.Mend(f, func(lost *ogg.Lost) audio.Reader { return f.reader(f.track.Mended(), lost) })
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
	r.GoTo(r.f.start)
	if r.Pos = r.f.first; r.f.headless {
		r.Pos, r.s.Hole = 0, r.Lost != nil
	}
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
		if r.s.Hole {
			if err := r.resume(p, last); err != nil {
				return fmt.Errorf("opus: the page at byte %d: %w", r.s.Page.At, err)
			}
			if r.Silent() {
				return nil
			}
			continue
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

// resume begins anew with the page at hand, of which p is the first packet, behind pages that are damaged.
func (r *reader) resume(p []byte, last bool) (err error) {
	if err = r.Resume(r.s, p, last, frameCount); err == nil && !r.s.Hole {
		r.d, err = opus.NewDecoderWithOutput(Rate, r.f.channels)
	}
	return err
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
	if r.Have > 0 && to < r.Pos {
		r.At = to
		r.Take(r.Have)
		return r.Err
	}
	r.GoTo(to)
	return r.Err
}
