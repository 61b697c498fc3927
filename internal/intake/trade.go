//go:build !js

package intake

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"ditas/internal/replace"
)

// trade is two files, one that ffmpeg is given and one that it gives back. On Linux they have no name, so that nothing is left of them whatever ends
// ditas. Elsewhere they are in a folder, which the next run removes if this one is killed.
type trade struct {
	from, to      *os.File
	input, output string     // what ffmpeg calls these
	inherited     []*os.File // that it has to inherit for that
	close         []func() error
}

// opens is where Linux lets a program open the files that it inherits, by their numbers, as files of their own.
const opens = "/proc/self/fd"

// newTrade returns a trade of two empty files.
func newTrade() (t *trade, err error) {
	t = &trade{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if _, err := os.Stat(opens); err == nil && runtime.GOOS == "linux" {
		return t, t.nameless()
	}
	return t, t.named("from")
}

func (t *trade) nameless() error {
	for _, f := range []**os.File{&t.from, &t.to} {
		file, err := replace.NewTemporary("")
		if err != nil {
			return err
		}
		*f, t.close = file.File, append(t.close, file.Close)
	}
	t.inherited = []*os.File{t.from, t.to}
	t.input, t.output = opens+"/3", opens+"/4"
	return nil
}

// newNamedTrade returns a trade of two empty files with names, of which that of the first one ends in an extension.
func newNamedTrade(extension string) (t *trade, err error) {
	t = &trade{}
	if err := t.named("from" + extension); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *trade) named(input string) error {
	folder, err := replace.NewFolder()
	if err != nil {
		return err
	}
	t.input, t.output = filepath.Join(folder.Name, input), filepath.Join(folder.Name, "to.wav")
	for _, f := range []struct {
		file **os.File
		name string
	}{{&t.from, t.input}, {&t.to, t.output}} {
		file, err := os.OpenFile(f.name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return errors.Join(err, folder.Close())
		}
		*f.file, t.close = file, append(t.close, file.Close)
	}
	t.close = append(t.close, folder.Close) // which some systems allow only now that they are closed
	return nil
}

// reopen opens the file that a program has made anew rather than written to.
func (t *trade) reopen() error {
	f, err := os.Open(t.output)
	if err != nil {
		return err
	}
	t.to, t.close = f, append([]func() error{f.Close}, t.close...)
	return nil
}

// Close removes the files.
func (t *trade) Close() error {
	var errs []error
	for _, c := range t.close {
		errs = append(errs, c())
	}
	t.close = nil
	return errors.Join(errs...)
}
