package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/term"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/intake"
	"ditas/internal/replace"
	"ditas/picture"
)

// recording is a recording that was opened.
type recording struct {
	audio.File
	name string
	file *input
}

// Unwrap returns the recording without its file.
func (r *recording) Unwrap() audio.File { return r.File }

func (r *recording) Close() error {
	err := r.file.Close()
	if s, ok := r.File.(*intake.Sound); ok {
		err = errors.Join(err, s.Close())
	}
	return err
}

// openRecording opens a recording of any kind that ditas reads, or ffmpeg where there is one, standard input if the name is -.
func openRecording(ctx context.Context, name string) (*recording, error) {
	f, size, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	name = shown(name)
	a, err := intake.Foreign(ctx, f, size)
	if err != nil {
		f.Close()
		return nil, about(name, err)
	}
	return &recording{a, name, f}, nil
}

// about returns an error with a file of this name, and what to do about it.
func about(name string, err error) error {
	advice := intake.Advice(err)
	var refusal *codec.Refusal
	if errors.As(err, &refusal) {
		err = &refused{name + " " + refusal.Says, err}
	} else {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if advice == "" {
		return err
	}
	return withHint(err, "%s", advice)
}

// refused says of a file by its name why it is refused.
type refused struct {
	text string
	err  error
}

func (r *refused) Error() string { return r.text }

func (r *refused) Unwrap() error { return r.err }

// unfit returns an error with how a recording of this name is to be written: one of usage, if it is refused.
func unfit(name string, err error) error {
	var refusal *codec.Refusal
	if !errors.As(err, &refusal) {
		return about(name, err)
	}
	if refusal.Name != "" {
		name = written(refusal.Name)
	}
	return withHint(usagef("%s %s", name, refusal.Says), "%s", refusal.Advice)
}

// readPicture reads a picture file, standard input if the name is -.
func readPicture(ctx context.Context, name string) (*picture.Planes, error) {
	p, _, err := readPictureFile(ctx, name)
	return p, err
}

// readPictureFile reads a picture file, and returns what is in it, too: nil if no recording has room for it.
func readPictureFile(ctx context.Context, name string) (*picture.Planes, *ditas.File, error) {
	f, size, err := open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	p, err := intake.Picture(ctx, f, size, picture.MaxPixels)
	if err != nil {
		return nil, nil, about(shown(name), err)
	}
	if size > ditas.MaxFile {
		return p, nil, nil
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", shown(name), err)
	}
	if name == "-" {
		name = "picture" + picture.ExtensionOf(data)
	}
	return p, &ditas.File{Name: filepath.Base(name), Data: data}, nil
}

// readFile reads any file.
func readFile(ctx context.Context, name string) (*ditas.File, error) {
	f, size, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > ditas.MaxFile {
		return nil, withHint(fmt.Errorf("%s has %s, for which no recording has room", shown(name), fileSize(int(size))), "hide a smaller one")
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", shown(name), err)
	}
	if name == "-" {
		name = "hidden"
	}
	return &ditas.File{Name: filepath.Base(name), Data: data}, nil
}

// looksLikePicture reports whether the file of a name is a picture rather than a recording: by its content, or if that is
// neither, by its name.
func looksLikePicture(ctx context.Context, name string) bool {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		if f, size, err := open(ctx, name); err == nil {
			defer f.Close()
			if intake.IsPicture(f, size) {
				return true
			}
			if _, err := codec.Open(f, size); err == nil {
				return false
			}
		}
	}
	return slices.Contains(picture.Extensions(picture.Readable()), strings.ToLower(filepath.Ext(name)))
}

// What files that ditas reads, some by ffmpeg where it is installed, and writes are usually called, without the dot.
var (
	pictureExtensions          = bare(picture.Extensions(picture.Readable()))
	recordingExtensions        = bare(intake.Extensions())
	writtenPictureExtensions   = bare(picture.Extensions(picture.Writable()))
	pictureFormats             = bare(picture.Usual(picture.Writable())) // that --format takes
	writtenRecordingExtensions = bare(codec.Extensions(codec.Writable()))
)

// looksLikeRecording reports whether a file is a recording, of a kind that ditas reads or not.
func looksLikeRecording(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	_, err = codec.Open(f, info.Size())
	var refusal *codec.Refusal
	return !errors.Is(err, audio.ErrFormat) || errors.As(err, &refusal) && refusal.Format != nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// hasExtension reports whether the name of a file ends as those of recordings and pictures do.
func hasExtension(name string) bool {
	extension := strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), ".")
	return slices.Contains(slices.Concat(pictureExtensions, recordingExtensions, writtenPictureExtensions, writtenRecordingExtensions), extension)
}

// expand is wildcards on Windows, where shells leave them to programs.
func expand(args []string) []string {
	if runtime.GOOS != "windows" {
		return args
	}
	return wildcards(args)
}

// wildcards puts the names of files in the place of * and ?. What is the name of a file, or matches none, stays. Brackets stand for themselves, as they do
// to the shells of Windows: many names have them.
func wildcards(args []string) []string {
	var names []string
	for _, arg := range args {
		matches, err := filepath.Glob(strings.ReplaceAll(arg, "[", "[[]"))
		if _, missing := os.Lstat(arg); missing == nil || err != nil || len(matches) == 0 {
			matches = []string{arg}
		}
		names = append(names, matches...)
	}
	return names
}

// bare takes the dots from extensions.
func bare(extensions []string) []string {
	for i, e := range extensions {
		extensions[i] = strings.TrimPrefix(e, ".")
	}
	return extensions
}

// shown returns the name of a file as people are to read it.
func shown(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// written returns the name of a file that is made as people are to read it.
func written(name string) string {
	if name == "-" {
		return "standard output"
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
		return usagef("- is given %d times, but standard input can be read only once", n)
	}
	return nil
}

// input is a file that is read, or a copy of what cannot be read twice.
type input struct {
	*os.File
	close func() error
}

func (f *input) Close() error { return f.close() }

// open opens a file with something in it. Of standard input, which - stands for, and of pipes it makes a temporary copy.
func open(ctx context.Context, name string) (*input, int64, error) {
	file := os.Stdin
	if name == "-" {
		if term.IsTerminal(int(file.Fd())) {
			return nil, 0, withHint(errors.New("standard input is a terminal"), "pipe a file into it, or give a file name instead of -")
		}
	} else {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, 0, err
		}
	}
	f := &input{file, file.Close}
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
		err = withHint(fmt.Errorf("%s is a folder", name), "name files in it, as in %s", filepath.Join(name, "*"))
	case !info.Mode().IsRegular():
		err = withHint(fmt.Errorf("%s is not a regular file", name), "name a file, or pipe into ditas what it gives, with - in its place")
	case info.Size() == 0 && name == "-":
		err = withHint(fmt.Errorf("%s is empty", shown(name)), "see whether the program that should write to it ended with an error")
	case info.Size() == 0:
		err = withHint(fmt.Errorf("%s is empty", name), "get a whole copy of it, or name another file")
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// copied returns a temporary file that only this user can read with all that src gives, and closes src.
func copied(ctx context.Context, src *os.File) (*input, error) {
	file, err := replace.NewTemporary("")
	if err != nil {
		src.Close()
		return nil, err
	}
	f := &input{file.File, file.Close}
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
