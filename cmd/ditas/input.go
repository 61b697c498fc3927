package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/flac"
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
			return nil, withHint(fmt.Errorf("%s is a picture, and a recording is wanted here", name), "recordings are WAV, FLAC, MP3, Ogg Vorbis or NIST SPHERE files")
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &recording{a, name, f}, nil
}

// rewriter returns the recording as one to be written again under the name out: in its own container if the name's extension
// is that of it, or none that ditas knows, else in the one that the extension asks for.
func (r *recording) rewriter(out string) (audio.Rewriter, error) {
	own, rewritable := r.File.(audio.Rewriter)
	_, isWAV := r.File.(*wav.File)
	_, isFLAC := r.File.(*flac.File)
	encoding := r.Format().Encoding
	if codec.Lossy(r.File) {
		encoding = audio.Int16
	}
	switch ext := strings.ToLower(filepath.Ext(out)); {
	case ext == ".flac" && !isFLAC:
		if encoding.IsFloat() {
			return nil, withHint(usagef("%s has floating-point samples, which FLAC cannot hold", r.name), "let the name of --out end in .wav")
		}
		return audio.Convert(r.File, encoding, flac.NewWriter)
	case ext == ".wav" && !isWAV, !rewritable:
		return audio.Convert(r.File, encoding, wav.NewWriter)
	default:
		return own, nil
	}
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
