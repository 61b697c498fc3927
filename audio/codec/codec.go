// Package codec opens recordings whatever their format is, and makes recordings of them that can be written.
//
//	recording, err := codec.OpenFile("song.mp3")
//	defer recording.Close()
//	cover, format, err := codec.Cover(recording, codec.CoverOptions{Name: "stego.flac"})
//
// [Readable] lists the formats that it reads, and [Writable] those that it writes, WAV and FLAC. Some others are known well enough for an
// error to say what a file is.
package codec

import (
	"errors"
	"fmt"
	"io"
	"os"

	"ditas/audio"
)

// Open reads the header of the recording of size bytes in r, which the File goes on reading from. [Of] tells its
// format, and [Cover] makes a recording of it that can be written. The error wraps [audio.ErrFormat], and is a
// *[Refusal], if the file is no recording that is read; or it wraps [audio.ErrUnsupported], and is or wraps an *[EncodingError], or
// [audio.ErrMalformed] or [audio.ErrDamaged].
func Open(r io.ReaderAt, size int64) (audio.File, error) {
	head, err := headAt(r, size, 0)
	if err != nil {
		return nil, err
	}
	for _, vague := range []bool{false, true} {
		for _, f := range formats {
			if f.read == nil || f.read.vague != vague {
				continue
			}
			a, err := f.read.open(r, size)
			if err == nil {
				if known, ok := a.(interface{ End() int64 }); ok {
					err = refuseMore(r, size, known.End())
				}
				if err != nil {
					return nil, err
				}
				return a, nil
			}
			if errors.Is(err, audio.ErrFormat) {
				continue
			}
			if !errors.Is(err, audio.ErrUnsupported) || errors.As(err, new(*audio.JoinedError)) {
				return nil, err
			}
			// An Ogg file, say, that holds what is another format here.
			behind, failed := behindTag(r, size, head)
			if failed != nil {
				return nil, failed
			}
			if other := foreign(behind); other != nil {
				return nil, other.unread()
			}
			return nil, &EncodingError{f, err}
		}
		if f := foreign(head); f != nil {
			if f.end != nil {
				end, err := f.end(r, size)
				if err == nil {
					err = refuseMore(r, size, end)
				}
				if err != nil {
					return nil, err
				}
			}
			return nil, f.unread()
		}
	}
	if _, ok := tagSize(head); ok {
		if head, err = behindTag(r, size, head); err != nil {
			return nil, err
		}
		if f := foreign(head); f != nil {
			return nil, f.unread()
		}
		return nil, &Refusal{Says: "has an ID3 tag but no recording behind it that ditas reads", Advice: Wanted(), Err: audio.ErrFormat}
	}
	return nil, unknown()
}

// behindTag returns what follows the ID3v2 tag that a file with this head begins with, or the head if there is none.
func behindTag(r io.ReaderAt, size int64, head []byte) ([]byte, error) {
	tag, ok := tagSize(head)
	if !ok {
		return head, nil
	}
	return headAt(r, size, tag)
}

// headAt returns what a file holds from a position on, up to the size of the longest mark.
func headAt(r io.ReaderAt, size, at int64) ([]byte, error) {
	head := make([]byte, longestMark)
	n, err := io.NewSectionReader(r, 0, size).ReadAt(head, at)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

// tagSize returns the size of the ID3v2 tag that a file begins with, and whether there is one.
func tagSize(head []byte) (int64, bool) {
	if len(head) < 10 || string(head[:3]) != "ID3" {
		return 0, false
	}
	return 10 + (int64(head[6]&127)<<21 | int64(head[7]&127)<<14 | int64(head[8]&127)<<7 | int64(head[9]&127)), true
}

// foreign returns the format of a file that is not read, known by its head, or nil.
func foreign(head []byte) *Format {
	for _, f := range formats {
		if f.read == nil && f.marked(head) {
			return f
		}
	}
	return nil
}

// File is a recording in a file that is open.
type File struct {
	audio.File
	file *os.File
}

// OpenFile is [Open] of the named file, which is to be closed. Its errors name the file.
func OpenFile(name string) (*File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f, err := openAll(file)
	if err != nil {
		file.Close()
		var refusal *Refusal
		if errors.As(err, &refusal) {
			refusal.Name = name
			return nil, refusal
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &File{f, file}, nil
}

func openAll(file *os.File) (audio.File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return Open(file, info.Size())
}

// Unwrap returns the recording without its file.
func (f *File) Unwrap() audio.File { return f.File }

// Close closes the file. What was made of the recording cannot be read any longer.
func (f *File) Close() error { return f.file.Close() }

// Decode reads the whole of the recording of size bytes in r. If it is cut off, the error is an [audio.TruncatedError]
// and the recording holds what there is.
func Decode(r io.ReaderAt, size int64) (*audio.Recording, error) {
	f, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

// ReadFile is Decode of the named file. Its errors name the file.
func ReadFile(name string) (*audio.Recording, error) {
	f, err := OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := audio.ReadAll(f)
	if err != nil {
		return rec, fmt.Errorf("%s: %w", name, err)
	}
	return rec, nil
}
