package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"ditas/internal/replace"
)

// checkOutput returns an error if writing to out would destroy one of the files that are read, or something else that is
// not a file to be replaced. For standard output, which - stands for, it is one if that is a terminal.
func checkOutput(out string, inputs ...string) error {
	if out == "-" {
		if term.IsTerminal(int(os.Stdout.Fd())) {
			return withHint(usagef("standard output is a terminal, which cannot show the file"), "pipe it into another program, or give a file name instead of -")
		}
		return nil
	}
	info, err := os.Stat(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return withHint(fmt.Errorf("%s is a folder", out), "add the name of the file to write")
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", out)
	}
	for _, in := range inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(info, other) {
			return withHint(usagef("%s would replace the input %s", out, in), "choose another name for the output")
		}
	}
	return nil
}

// vacant returns an error if there is a file of that name, which only --force replaces.
func vacant(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return withHint(fmt.Errorf("%s exists already", name), "--force replaces it")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeFolder makes a folder and those above it, unless they are there.
func makeFolder(name string) error {
	err := os.MkdirAll(name, 0o777)
	if err == nil {
		return nil
	}
	at := name
	var path *fs.PathError
	if errors.As(err, &path) {
		at, err = path.Path, path.Err
	}
	if info, err := os.Stat(at); err == nil && !info.IsDir() {
		return withHint(fmt.Errorf("%s is a file, and a folder is wanted here", at), "choose another name for the folder")
	}
	return withHint(fmt.Errorf("cannot make the folder %s: %w", name, err), "choose a folder in a place that you can write to")
}

// write makes a file as replace.File does, or, if the name is -, writes it to standard output when it is complete. From then on the
// command's messages go to standard error.
func (t *terminal) write(name string, content func(w io.Writer) error) error {
	return t.writeBy(replace.File, name, content)
}

// writePrivate is write for what others than this user should not read.
func (t *terminal) writePrivate(name string, content func(w io.Writer) error) error {
	return t.writeBy(replace.Private, name, content)
}

// writeSecret is write for what nobody but this user may read, even if everybody could read the file that is replaced.
func (t *terminal) writeSecret(name string, content func(w io.Writer) error) error {
	return t.writeBy(replace.Secret, name, content)
}

func (t *terminal) writeBy(file func(string, func(io.Writer) error) error, name string, content func(w io.Writer) error) error {
	if name != "-" {
		return file(name, content)
	}
	f, err := replace.NewTemporary("")
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := content(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	out := t.out
	t.out = t.err
	_, err = io.Copy(out, f)
	return err
}
