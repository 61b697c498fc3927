package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/picture"
)

// recording is a recording that was opened.
type recording struct {
	audio.File
	name string
	file *os.File
}

func (r *recording) Close() error { return r.file.Close() }

// openRecording opens a recording of any kind that ditas reads.
func openRecording(name string) (*recording, error) {
	f, size, err := open(name)
	if err != nil {
		return nil, err
	}
	a, err := codec.Open(f, size)
	if err != nil {
		defer f.Close()
		if isPicture(f) {
			return nil, withHint(fmt.Errorf("%s is a picture, and a recording is wanted here", name), "recordings are WAV or NIST SPHERE files")
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &recording{a, name, f}, nil
}

// rewriter returns the recording as one that can be written again: in its own format, or as WAV where that is one that
// ditas reads only.
func (r *recording) rewriter() audio.Rewriter {
	if w, ok := r.File.(audio.Rewriter); ok {
		return w
	}
	return asWAV{r.File}
}

// asWAV writes a recording again as a new WAV file with the same samples.
type asWAV struct{ audio.File }

func (a asWAV) Rewrite(dst io.Writer) (audio.Writer, error) {
	return wav.NewWriter(dst, a.Format(), a.Frames())
}

// readPicture reads a picture file.
func readPicture(name string) (*picture.Planes, error) {
	f, size, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := picture.Decode(f)
	if errors.Is(err, picture.ErrFormat) {
		if _, other := codec.Open(f, size); other == nil {
			return nil, withHint(fmt.Errorf("%s is a recording, and a picture is wanted here", name), "pictures are PNG, JPEG, GIF, WebP, BMP or TIFF files")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// isPicture reports whether a file starts as a picture does.
func isPicture(f *os.File) bool {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	// A limit of one pixel keeps it from being decoded.
	_, err := picture.DecodeLimit(f, 1)
	return err == nil || !errors.Is(err, picture.ErrFormat)
}

// open opens a file with something in it.
func open(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder", name)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", name)
	case info.Size() == 0:
		err = fmt.Errorf("%s is empty", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}
