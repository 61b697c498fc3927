package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ditas/internal/parallel"
	"ditas/internal/replace"
)

// forceFlag says whether files that exist may be replaced.
type forceFlag struct{ force bool }

func (f *forceFlag) addForce(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.force, "force", "f", false, "replace files that exist")
}

// checkOutput returns an error if writing to out would destroy one of the files that are read, a file that exists unless force is set,
// or something else, or if there is no folder for it. For standard output, which - stands for, it is one if that is a terminal or closed.
func (f *forceFlag) checkOutput(out string, inputs ...string) error {
	if out == "-" {
		if term.IsTerminal(int(os.Stdout.Fd())) {
			return withHint(usagef("standard output is a terminal, which cannot show the file"), "pipe it into another program, or give a file name instead of -")
		}
		if closed(os.Stdout) {
			return withHint(errors.New("standard output is closed"), "write it to a file or a pipe, or give a file name instead of -")
		}
		return nil
	}
	info, err := os.Stat(out)
	if err != nil {
		target, circular := replace.Target(out)
		if circular != nil {
			return err
		}
		dir := filepath.Dir(target)
		folder, missing := os.Stat(dir)
		switch {
		case errors.Is(missing, fs.ErrNotExist):
			return withHint(fmt.Errorf("cannot write %s: there is no folder %s", out, dir), "make the folder first, or choose another place")
		case missing == nil && !folder.IsDir():
			return withHint(fmt.Errorf("cannot write %s: %s is a file", out, dir), "choose a folder in its place")
		case errors.Is(err, fs.ErrNotExist):
			return nil
		}
		return err
	}
	switch {
	case info.IsDir():
		return withHint(fmt.Errorf("%s is a folder", out), "add the name of the file to write, or write to the folder with --out-dir")
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
		return nil // what is written goes wherever that leads
	case !info.Mode().IsRegular():
		return withHint(fmt.Errorf("%s is not a file that can be written", out), "choose another name")
	}
	for _, in := range inputs {
		if isAmong(out, in) {
			return withHint(usagef("%s would replace the input %s", out, in), "choose another name for the output")
		}
	}
	if !f.force {
		return withHint(fmt.Errorf("%s exists already", out), "choose another name, or replace it with --force")
	}
	return nil
}

// isAmong reports whether a name is that of one of the other files, however that is called.
func isAmong(name string, others ...string) bool {
	info, err := os.Stat(name)
	return err == nil && slices.ContainsFunc(others, func(name string) bool {
		other, err := os.Stat(name)
		return err == nil && os.SameFile(info, other)
	})
}

// unused returns a name for a file that does not exist: name itself, or with a number before its extension.
func unused(name string) string {
	for n := 1; ; n++ {
		if numbered := numbered(name, n); !there(numbered) {
			return numbered
		}
	}
}

// numbered returns the n-th name for a file: name itself, and from 2 on with the number before its extension.
func numbered(name string, n int) string {
	const longest = 16 // bytes of what is an extension rather than the end of a sentence
	extension := filepath.Ext(name)
	if len(extension) > longest {
		extension = ""
	}
	stem := strings.TrimSuffix(name, extension)
	if n == 1 {
		return ending(stem, extension)
	}
	return ending(stem, fmt.Sprintf("-%d%s", n, extension))
}

// ending returns the name of a file that begins with stem and ends with tail. Of stem it takes as many characters as there is room for in a name.
func ending(stem, tail string) string {
	const most = 255 // bytes of a name, nearly everywhere
	folder, base := filepath.Split(stem)
	for len(base) > 0 && len(base)+len(tail) > most {
		_, n := utf8.DecodeLastRuneInString(base)
		base = base[:len(base)-n]
	}
	return folder + base + tail
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

// write makes a file as replace.File does. If the name is -, it writes it to standard output when it is complete, and from then on the
// command's messages go to standard error. What goes to pipes and devices is complete before they are opened, too.
func (t *terminal) write(ctx context.Context, name string, content func(w io.Writer) error) error {
	return t.writeBy(ctx, replace.File, name, content)
}

// writePrivate is write for what others than this user should not read.
func (t *terminal) writePrivate(ctx context.Context, name string, content func(w io.Writer) error) error {
	return t.writeBy(ctx, replace.Private, name, content)
}

// writeSecret is write for what nobody but this user may read, even if everybody could read the file that is replaced.
func (t *terminal) writeSecret(ctx context.Context, name string, content func(w io.Writer) error) error {
	return t.writeBy(ctx, replace.Secret, name, content)
}

// writeUnused makes a file as write does, or, if it is private, as writePrivate does, under a name that ditas gives: the first of those made
// of name with a number that is free when it is complete. It returns that.
func writeUnused(private bool, name string, content func(w io.Writer) error) (string, error) {
	n := 0
	next := func() string {
		for {
			n++
			if numbered := numbered(name, n); !there(numbered) {
				return numbered
			}
		}
	}
	return replace.New(private, next, content)
}

// there reports whether a name is taken.
func there(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func (t *terminal) writeBy(
	ctx context.Context, file func(string, func(io.Writer) error) error, name string, content func(w io.Writer) error,
) error {
	info, err := os.Stat(name)
	if name != "-" && (err != nil || info.Mode().IsRegular()) {
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
	if name == "-" {
		out := t.out
		t.out = t.err
		_, err = io.Copy(out, f)
		return err
	}
	return parallel.Within(ctx, func() error { // whoever reads from a pipe may never come
		return file(name, func(w io.Writer) error {
			_, err := io.Copy(w, f)
			return err
		})
	})
}
