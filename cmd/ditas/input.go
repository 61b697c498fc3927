package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

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
	file *input
}

func (r *recording) Close() error { return r.file.Close() }

// openRecording opens a recording of any kind that ditas reads, standard input if the name is -.
func openRecording(ctx context.Context, name string) (*recording, error) {
	f, size, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	name = shown(name)
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

// container returns the extension of the kind of file that the recording becomes under the name out: the name's, or if that is
// none that ditas writes, that of its own kind, or WAV.
func (r *recording) container(out string) string {
	ext := strings.ToLower(filepath.Ext(out))
	if _, isFLAC := r.File.(*flac.File); isFLAC && ext != ".wav" || ext == ".flac" {
		return ".flac"
	}
	return ".wav"
}

// rewriter returns the recording as one to be written again in a container, its own or another. FLAC is compressed at a level.
func (r *recording) rewriter(container string, level flac.Level) (audio.Rewriter, error) {
	encoding := r.Format().Encoding
	if codec.Lossy(r.File) {
		encoding = audio.Int16
	}
	switch f := r.File.(type) {
	case *flac.File:
		if container == ".flac" {
			return f.WithLevel(level)
		}
	case *wav.File:
		if container == ".wav" {
			return f, nil
		}
	}
	if container == ".wav" {
		return audio.Convert(r.File, encoding, wav.NewWriter)
	}
	if encoding.IsFloat() {
		return nil, withHint(usagef("%s has floating-point samples, which FLAC cannot hold", r.name), "let the name of --out end in .wav")
	}
	return audio.Convert(r.File, encoding, level.NewWriter)
}

// readPicture reads a picture file, standard input if the name is -.
func readPicture(ctx context.Context, name string) (*picture.Planes, error) {
	f, size, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	name = shown(name)
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
func isPicture(f *input) bool {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	// A limit of one pixel keeps it from being decoded.
	_, err := picture.DecodeLimit(f, 1)
	return err == nil || !errors.Is(err, picture.ErrFormat)
}

// looksLikePicture reports whether the file of a name is a picture rather than a recording: by its content, or if that is
// neither, by its name.
func looksLikePicture(ctx context.Context, name string) bool {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		if f, size, err := open(ctx, name); err == nil {
			defer f.Close()
			if isPicture(f) {
				return true
			}
			if _, err := codec.Open(f, size); err == nil {
				return false
			}
		}
	}
	return slices.Contains(pictureExtensions, strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), "."))
}

// What files that ditas reads and writes are usually called.
var (
	pictureExtensions          = []string{"png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff"}
	recordingExtensions        = []string{"wav", "flac", "mp3", "ogg", "oga", "sph"}
	writtenPictureExtensions   = []string{"png", "jpg", "jpeg", "bmp", "tif", "tiff"}
	writtenRecordingExtensions = []string{"wav", "flac"}
)

// shown returns the name of a file as people are to read it.
func shown(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// oneStdin returns an error if standard input is wanted for more than one thing.
func oneStdin(names ...string) error {
	n := 0
	for _, name := range names {
		if name == "-" {
			n++
		}
	}
	if n > 1 {
		return usagef("- is given %d times, and standard input can be read once", n)
	}
	return nil
}

// input is a file that is read, or a copy of what cannot be read twice.
type input struct {
	*os.File
	temporary bool
}

func (f *input) Close() error {
	err := f.File.Close()
	if f.temporary {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// open opens a file with something in it. Of standard input, which - stands for, and of pipes it makes a temporary copy.
func open(ctx context.Context, name string) (*input, int64, error) {
	file := os.Stdin
	if name == "-" {
		if term.IsTerminal(int(file.Fd())) {
			return nil, 0, withHint(errors.New("standard input is a terminal"), "pipe a file into it, or give the name of one in place of -")
		}
	} else {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, 0, err
		}
	}
	f := &input{File: file}
	info, err := f.Stat()
	if err == nil && (name == "-" || info.Mode().Type() == fs.ModeNamedPipe) {
		if f, err = copied(ctx, file); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", shown(name), err)
		}
		info, err = f.Stat()
	}
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder", name)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", name)
	case info.Size() == 0:
		err = fmt.Errorf("%s is empty", shown(name))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// copied returns a temporary file that only this user can read with all that src gives, and closes src.
func copied(ctx context.Context, src *os.File) (*input, error) {
	file, err := os.CreateTemp("", "ditas-*")
	if err != nil {
		src.Close()
		return nil, err
	}
	f := &input{File: file, temporary: true}
	end := make(chan error, 1)
	go func() {
		defer src.Close()
		_, err := io.Copy(file, src)
		end <- err
	}()
	select {
	case err = <-end:
	case <-ctx.Done(): // whoever feeds src may never end
		err = ctx.Err()
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
