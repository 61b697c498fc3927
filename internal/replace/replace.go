// Package replace writes files that appear under their names only when they are complete, and temporary files that nothing is left of.
package replace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// File makes a file of what content writes. Until that is complete the file has a name of its own in the same folder, and if content fails
// there is nothing, or what was there before, whose mode and, where that is possible, owner the new file has. It is never executable, as what is
// written may come from somebody else. What files of other runs that died have left in the folder is removed. Symbolic links are followed. What is no regular file, such as a pipe, is written as it comes.
func File(name string, content func(w io.Writer) error) error {
	return write(name, 0o644, true, content, nil)
}

// Private is File for what is of no concern to others: a new file can be read by its owner alone, and one that is replaced by nobody more than
// before.
func Private(name string, content func(w io.Writer) error) error {
	return write(name, 0o600, true, content, nil)
}

// Secret is File for what its owner alone may read, whatever the mode was of a file that is replaced.
func Secret(name string, content func(w io.Writer) error) error {
	return write(name, 0o600, false, content, nil)
}

// New makes a file as File does, or, if it is private, as Private does, but replaces none: it has the first of the names that next returns that
// is free when it is complete. All of them are in one folder.
func New(private bool, next func() string, content func(w io.Writer) error) (name string, err error) {
	mode := fs.FileMode(0o644)
	if private {
		mode = 0o600
	}
	name = next()
	err = write(name, mode, false, content, func() (string, error) {
		for {
			// Renaming replaces what has the name, which is therefore taken by an empty file first.
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
			if err == nil {
				return name, f.Close()
			}
			if !errors.Is(err, fs.ErrExist) {
				return name, err
			}
			name = next()
		}
	})
	return name, err
}

// write makes a file of a mode, or, with keep, of the mode and the owner of the one that it replaces. If claim is not nil, that says in the end which
// name is free for it.
func write(name string, mode fs.FileMode, keep bool, content func(w io.Writer) error, claim func() (string, error)) error {
	target, old, err := replaced(name)
	switch {
	case claim != nil:
		target, old = name, nil
	case err != nil:
		return err
	case old != nil && !old.Mode().IsRegular():
		return pour(target, content)
	}
	sweep(filepath.Dir(target))
	f, err := newPart(target, mode, old)
	if err != nil {
		return reason(name, err)
	}
	defer func() {
		if f != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := fill(f, content); err != nil {
		var path *fs.PathError
		if errors.As(err, &path) && path.Path == f.Name() { // the disk is full
			return reason(name, err)
		}
		return err
	}
	if old != nil && keep {
		perm := old.Mode().Perm() &^ 0o111
		if !own(f, old) {
			perm &^= 0o070 // which would be for another group
		}
		if err := f.Chmod(perm); err != nil && mode == 0o600 {
			return reason(name, err)
		}
	}
	if err := f.Sync(); err != nil {
		return reason(name, err)
	}
	part := f.Name()
	if held { // Windows renames no file that is open
		if err := f.Close(); err != nil {
			return reason(name, err)
		}
	}
	if claim != nil {
		if target, err = claim(); err != nil {
			return reason(target, err)
		}
	}
	if err := os.Rename(part, target); err != nil {
		if claim != nil {
			os.Remove(target)
		}
		return reason(name, err)
	}
	closing := error(nil)
	if !held {
		closing = f.Close()
	}
	f = nil
	if closing != nil {
		return reason(name, closing)
	}
	syncFolder(filepath.Dir(target))
	return nil
}

// replaced returns the file that one of a name replaces, nil if there is none.
func replaced(name string) (target string, old fs.FileInfo, err error) {
	// What leads to no file, as /dev/stdout does to a pipe, has no other name that it could be opened by.
	if old, err := os.Stat(name); err == nil && !old.Mode().IsRegular() && !old.IsDir() {
		return name, old, nil
	}
	if target, err = Target(name); err != nil {
		return "", nil, reason(name, err)
	}
	old, err = os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return target, nil, nil
	case err != nil:
		return "", nil, reason(name, err)
	case old.IsDir():
		return "", nil, fmt.Errorf("cannot write %s: it is a folder", name)
	}
	return target, old, nil
}

// reason returns an error about a file that is to be written, without the name of a part.
func reason(name string, err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("cannot write %s: %w", name, err)
}

// Target returns the name of the file that [File] makes for a name: where that is a symbolic link, what it leads to, which need not be there yet. The error
// is that of a link that leads back to itself.
func Target(name string) (string, error) {
	for range 40 {
		to, err := os.Readlink(name)
		if err != nil {
			return name, nil // no link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", syscall.ELOOP
}

// pour writes to what is no regular file.
func pour(name string, content func(w io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return reason(name, err)
	}
	return errors.Join(fill(f, content), f.Close())
}

// fill writes content to a file.
func fill(f *os.File, content func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<16)
	if err := content(w); err != nil {
		return err
	}
	return w.Flush()
}

// Names of parts, of files that are being written, are made of as much of the file's name as there is room for.
const (
	partName  = ".%s.ditas-%08x.part"
	mostName  = 255 // bytes of a name, nearly everywhere
	partExtra = len(". .ditas-00000000.part") - 1
)

// isPart reports whether a name is that of a file that was not complete.
func isPart(name string) bool {
	is, _ := filepath.Match(".*.ditas-"+strings.Repeat("[0-9a-f]", 8)+".part", name)
	return is
}

// newPart makes a locked file in the folder of target, which replaces old if that is not nil.
func newPart(target string, mode fs.FileMode, old fs.FileInfo) (*os.File, error) {
	folder, base := filepath.Split(target)
	if most := mostName - partExtra; len(base) > most {
		for base = base[:most]; !utf8.ValidString(base) && len(base) > most-utf8.UTFMax; {
			base = base[:len(base)-1]
		}
	}
	if old != nil {
		mode = 0o600 // until it is complete
	}
	for range 16 {
		name := folder + fmt.Sprintf(partName, base, rand.Uint32())
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Another run may have taken it for a dead one's before it was locked, and then holds the lock for a moment.
		for range 100 {
			if lock(f) || !locks {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if a, err := f.Stat(); err == nil {
			if b, err := os.Lstat(name); err == nil && os.SameFile(a, b) {
				return f, nil
			}
		}
		f.Close()
	}
	return nil, errors.New("its folder is too busy")
}

// sweep removes the parts in a folder that nobody writes any longer, as far as that is allowed.
func sweep(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isPart(e.Name()) {
			continue
		}
		name := filepath.Join(folder, e.Name())
		if held {
			os.Remove(name) // fails while somebody has it open
			continue
		}
		sweepPart(name)
	}
}

// sweepPart removes a part that nobody writes any longer. Others may put something else in its place at any moment: a link is not followed, a pipe
// not waited for, and what somebody else owns stays.
func sweepPart(name string) {
	f, err := openOwn(name)
	if err != nil {
		return
	}
	defer f.Close()
	if !lock(f) {
		return
	}
	if b, err := os.Lstat(name); err == nil {
		if a, err := f.Stat(); err == nil && os.SameFile(a, b) {
			os.Remove(name) // removes a link rather than what that leads to
		}
	}
}

// syncFolder has a folder's entries written to the disk, where that can be asked for.
func syncFolder(name string) {
	if f, err := os.Open(name); err == nil {
		f.Sync()
		f.Close()
	}
}
