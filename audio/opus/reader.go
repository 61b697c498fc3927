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
	r := &reader{f: f, s: f.stream(), pcm: make([]float32, longest*f.channels)}
	r.begin()
	return r
}

type reader struct {
	f    *File
	s    *ogg.Stream
	d    opus.Decoder
	at   int64 // position of the next frame that is given
	pos  int64 // position behind the last packet that was decoded
	pcm  []float32
	used int   // frames of pcm that lie before at
	have int   // frames in pcm
	err  error // that ended the reading
}

// begin makes the first packet of sound the next one.
func (r *reader) begin() {
	r.s.From(r.f.at)
	r.at, r.pos, r.used, r.have = r.f.start, r.f.first, 0, 0
	r.d, r.err = opus.NewDecoderWithOutput(Rate, r.f.channels)
}

func (r *reader) Read(block [][]float64) (int, error) {
	room, err := audio.CheckBlock(block, r.f.channels)
	if err != nil || room == 0 {
		return 0, err
	}
	done := 0
	for done < room && r.err == nil && r.at < r.f.end {
		if r.used == r.have {
			r.err = r.decode()
			continue
		}
		n := int(min(int64(room-done), int64(r.have-r.used), r.f.end-r.at))
		for c := range block {
			pcm := r.pcm[r.used*r.f.channels+c:]
			for i := range block[c][done : done+n] {
				block[c][done+i] = float64(float32(r.f.gain * float64(pcm[i*r.f.channels])))
			}
		}
		done += n
		r.used += n
		r.at += int64(n)
	}
	switch {
	case done > 0:
		return done, nil
	case r.err == io.EOF:
		return 0, &audio.TruncatedError{Frames: r.at - r.f.start, Declared: r.f.Frames()}
	case r.err != nil:
		return 0, r.err
	}
	return 0, io.EOF
}

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
			return fmt.Errorf("opus: the page at byte %d: %w", r.s.At, err)
		}
		begins := r.pos
		r.pos += int64(n)
		if last && r.s.Granule != r.pos && (r.s.Granule < r.f.end || r.pos < r.f.end) { // only the last page may have more
			return fmt.Errorf("opus: the page at byte %d: %w", r.s.At, damaged("it ends with frame %d instead of %d", r.pos, r.s.Granule))
		}
		if r.pos > r.at {
			r.have = n
			r.used = int(max(0, r.at-begins))
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
	n, err := r.d.DecodeToFloat32(p, r.pcm)
	if err != nil {
		return 0, damaged("%v", err)
	}
	if n != want {
		return 0, damaged("a packet decodes to %d frames instead of %d", n, want)
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
	if to < r.pos-int64(r.have) || r.err != nil {
		r.begin()
	}
	r.at = to
	if r.have > 0 && to < r.pos {
		r.used = int(to - (r.pos - int64(r.have)))
		return r.err
	}
	r.used, r.have = 0, 0
	return r.err
}
