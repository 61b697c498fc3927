package flac

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// spoolMemory is how many bytes a spool holds before it goes to a file.
const spoolMemory = 8 << 20

// spool holds bytes, many of them in a temporary file.
type spool struct {
	file *os.File // holds what came before mem, nil if nothing did
	name string   // of file, if it has one
	mem  []byte
}

// room makes sure that n more bytes may be put into mem.
func (s *spool) room(n int) error {
	if len(s.mem)+n <= spoolMemory {
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "ditas-*.flac")
		if err != nil {
			return fmt.Errorf("keep samples in a temporary file: %w", err)
		}
		s.file = file
		// Where open files may be removed, nothing is left even if the process dies or the writer is not closed.
		if os.Remove(file.Name()) != nil {
			s.name = file.Name()
		}
	}
	if _, err := s.file.Write(s.mem); err != nil {
		return fmt.Errorf("keep samples in a temporary file: %w", err)
	}
	s.mem = s.mem[:0]
	return nil
}

// write appends b.
func (s *spool) write(b []byte) error {
	if err := s.room(len(b)); err != nil {
		return err
	}
	s.mem = append(s.mem, b...)
	return nil
}

// copyFrom appends bytes of f.
func (s *spool) copyFrom(f *File, from span) error {
	for from.start < from.end {
		n := int(min(from.end-from.start, 1<<20))
		if err := s.room(n); err != nil {
			return err
		}
		at := len(s.mem)
		s.mem = slices.Grow(s.mem, n)[:at+n]
		if err := f.read(s.mem[at:], from.start); err != nil {
			return fmt.Errorf("copy the recording: %w", err)
		}
		from.start += int64(n)
	}
	return nil
}

// copyTo writes all bytes to dst.
func (s *spool) copyTo(dst io.Writer) error {
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(dst, s.file); err != nil {
			return err
		}
	}
	_, err := dst.Write(s.mem)
	return err
}

// discard frees what the spool holds.
func (s *spool) discard() {
	if s.file != nil {
		s.file.Close()
		if s.name != "" {
			os.Remove(s.name)
		}
	}
	*s = spool{}
}
