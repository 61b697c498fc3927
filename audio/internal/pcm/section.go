package pcm

import (
	"errors"
	"fmt"
	"io"

	"ditas/audio"
)

// Section is the stretch of a file in which the samples lie. It implements [audio.Rewriter].
type Section struct {
	Layout
	File     io.ReaderAt
	Size     int64 // of the file, in bytes
	Start    int64 // of the first frame, in bytes
	Declared int64 // frames that the header promises, -1 where it leaves that open
	Present  int64 // frames between Start and the end of samples or file
}

// Format implements [audio.File].
func (s *Section) Format() audio.Format { return s.Layout.Format }

// Frames implements [audio.File]. It counts the frames that are present.
func (s *Section) Frames() int64 { return s.Present }

// End returns the position in the file, in bytes, behind the last frame that is present.
func (s *Section) End() int64 { return s.Start + s.Present*int64(s.FrameSize()) }

// Reader implements [audio.File].
func (s *Section) Reader() audio.Reader { return &reader{s: s, raw: s.buffer()} }

type reader struct {
	s    *Section
	raw  []byte
	next int64 // frame
}

func (r *reader) SeekFrame(frame int64) error {
	if frame < 0 || frame > r.s.Present {
		return fmt.Errorf("there is no frame %d in a recording of %d", frame, r.s.Present)
	}
	r.next = frame
	return nil
}

func (r *reader) Read(block [][]float64) (int, error) {
	s := r.s
	room, err := audio.CheckBlock(block, s.Channels)
	if err != nil || room == 0 {
		return 0, err
	}
	size := int64(s.FrameSize())
	done := 0
	for done < room && r.next < s.Present {
		raw := r.raw[:min(int64(len(r.raw)), int64(room-done)*size, (s.Present-r.next)*size)]
		got, err := s.File.ReadAt(raw, s.Start+r.next*size)
		n := got / int(size)
		if n == 0 && done == 0 {
			if err == io.EOF {
				return 0, &audio.TruncatedError{Frames: r.next, Declared: max(s.Declared, s.Present)}
			}
			return 0, fmt.Errorf("read samples: %w", err)
		}
		s.Decode(block, done, raw[:n*int(size)])
		done += n
		r.next += int64(n)
		if got < len(raw) {
			break // the next call meets the error again
		}
	}
	switch {
	case done > 0:
		return done, nil
	case s.Declared > s.Present:
		return 0, &audio.TruncatedError{Frames: s.Present, Declared: s.Declared}
	}
	return 0, io.EOF
}

// Rewrite implements [audio.Rewriter]. Companded samples cannot be written again: the error wraps [audio.ErrUnsupported].
func (s *Section) Rewrite(dst io.Writer) (audio.Writer, error) {
	if s.Law != nil {
		return nil, fmt.Errorf("%w: companded samples cannot be written again", audio.ErrUnsupported)
	}
	if err := s.Copy(dst, 0, s.Start); err != nil {
		return nil, err
	}
	return &Writer{Layout: s.Layout, Dst: dst, Frames: s.Present, from: s}, nil
}

// Copy writes the bytes of the file in [start, end) to dst.
func (s *Section) Copy(dst io.Writer, start, end int64) error {
	_, err := io.CopyN(dst, io.NewSectionReader(s.File, start, end-start), end-start)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("copy the recording: %w", err)
	}
	return nil
}

// Writer writes Frames frames of samples to Dst. It implements [audio.Writer].
type Writer struct {
	Layout
	Dst    io.Writer
	Frames int64
	Tail   []byte // follows the samples

	from *Section // whose bytes stay where samples do not change, nil for a new recording
	raw  []byte
	next int64 // frame
	err  error // that ended the writing
}

// Write implements [audio.Writer].
func (w *Writer) Write(block [][]float64) error {
	if w.err != nil {
		return w.err
	}
	frames, err := audio.CheckBlock(block, w.Channels)
	if err != nil {
		return err
	}
	if int64(frames) > w.Frames-w.next {
		return fmt.Errorf("more frames were written than the %d that the recording has room for", w.Frames)
	}
	if w.raw == nil {
		w.raw = w.buffer()
	}
	size := w.FrameSize()
	for done := 0; done < frames; {
		raw := w.raw[:min(len(w.raw), (frames-done)*size)]
		if w.from != nil {
			if n, err := w.from.File.ReadAt(raw, w.from.Start+w.next*int64(size)); n < len(raw) {
				w.err = fmt.Errorf("read the samples to replace: %w", err)
				return w.err
			}
		}
		w.Encode(raw, block, done)
		if _, err := w.Dst.Write(raw); err != nil {
			w.err = fmt.Errorf("write samples: %w", err)
			return w.err
		}
		done += len(raw) / size
		w.next += int64(len(raw) / size)
	}
	return nil
}

// Close implements [audio.Writer].
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("the recording has been closed")
	if w.from != nil {
		return w.from.Copy(w.Dst, w.from.Start+w.next*int64(w.FrameSize()), w.from.Size)
	}
	if w.next < w.Frames {
		return fmt.Errorf("only %d of %d frames were written", w.next, w.Frames)
	}
	if _, err := w.Dst.Write(w.Tail); err != nil {
		return fmt.Errorf("write what follows the samples: %w", err)
	}
	return nil
}
