package lattice

import (
	"errors"
	"io"

	"ditas/audio"
)

// source reads any stretch of a recording.
type source struct {
	file     audio.File
	channels int
	frames   int64 // samples of a channel
	r        audio.Reader
	at       int64 // where r stands
	part     [][]float64
	cut      error // that the file is cut off, if it is
}

// newSource counts the samples of f if it has to.
func newSource(f audio.File) (*source, error) {
	s := &source{file: f, channels: f.Format().Channels, frames: f.Frames(), r: f.Reader()}
	s.part = make([][]float64, s.channels)
	if s.frames >= 0 {
		return s, nil
	}
	s.frames = 0
	block := audio.NewBlock(s.channels, 1<<14)
	for {
		n, err := s.r.Read(block)
		s.frames += int64(n)
		if err == nil {
			continue
		}
		s.at = s.frames
		return s, s.end(err)
	}
}

// end makes of an error what it means for the recording: one that is cut off is a shorter one.
func (s *source) end(err error) error {
	var cut *audio.TruncatedError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &cut):
		s.cut, s.frames = err, min(s.frames, s.at)
		return nil
	}
	return err
}

// finish notes whether the file is cut off, which only reading beyond its last frame can tell.
func (s *source) finish() error {
	if s.at != s.frames {
		if err := s.r.SeekFrame(s.frames); err != nil {
			return err
		}
		s.at = s.frames
	}
	n, err := s.r.Read(audio.NewBlock(s.channels, 1))
	if s.at += int64(n); err == nil {
		return nil
	}
	return s.end(err)
}

// read fills block with the samples of all channels from frame from on, and with zeros beyond the ends.
func (s *source) read(block [][]float64, from int64) error {
	total := len(block[0])
	skip := int(min(max(0, -from), int64(total)))
	for c := range block {
		clear(block[c][:skip])
	}
	filled := skip
	for filled < total && from+int64(filled) < s.frames {
		if want := from + int64(filled); want != s.at {
			if err := s.r.SeekFrame(want); err != nil {
				return err
			}
			s.at = want
		}
		for c := range block {
			s.part[c] = block[c][filled:]
		}
		n, err := s.r.Read(s.part)
		s.at += int64(n)
		filled += n
		if err != nil {
			if err := s.end(err); err != nil {
				return err
			}
			break
		}
	}
	for c := range block {
		clear(block[c][filled:])
	}
	return nil
}
