package replace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Temporary is a file that only this user can read, and that nothing is left of when it is closed. Where open files may be removed it has no name, so that
// nothing is left of it either if the program is killed.
type Temporary struct {
	*os.File
	named bool
}

// NewTemporary returns an empty Temporary in a folder, or in the system's for temporary files if none is named.
func NewTemporary(folder string) (*Temporary, error) {
	if folder == "" {
		folder = os.TempDir()
	}
	if f, err := nameless(folder); err == nil {
		return &Temporary{f, false}, nil
	}
	f, err := os.CreateTemp(folder, "ditas-*")
	if err != nil {
		return nil, fmt.Errorf("a temporary file: %w", err)
	}
	return &Temporary{f, os.Remove(f.Name()) != nil}, nil
}

// Close closes the file.
func (t *Temporary) Close() error {
	err := t.File.Close()
	if t.named {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}

// Folder is a folder for files that another program has to find by their names. Only this user can read it. What is left of it if the program
// is killed is removed by the next [NewFolder].
type Folder struct {
	Name string
	lock *os.File
}

// lockName is the name of the file in a Folder that is locked for as long as that is in use.
const lockName = "lock"

// isFolder reports whether a name is that of a Folder.
func isFolder(name string) bool {
	name, begins := strings.CutPrefix(name, "ditas-")
	number, ends := strings.CutSuffix(name, ".folder")
	return begins && ends && number != "" && strings.Trim(number, "0123456789") == ""
}

// NewFolder makes a Folder among the system's temporary files, with nothing in it but a file that locks it.
func NewFolder() (*Folder, error) {
	sweepFolders(os.TempDir())
	for range 16 {
		name, err := os.MkdirTemp("", "ditas-*.folder")
		if err != nil {
			return nil, fmt.Errorf("a temporary folder: %w", err)
		}
		f, err := os.OpenFile(filepath.Join(name, lockName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("a temporary folder: %w", err), os.RemoveAll(name))
		}
		if lock(f) || !locks {
			return &Folder{name, f}, nil
		}
		// Another run has just taken it for a dead one's.
		if err := errors.Join(f.Close(), os.RemoveAll(name)); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the folder for temporary files is too busy")
}

// Close removes the folder with all that is in it, which must not be open on systems that do not remove open files.
func (f *Folder) Close() error { return errors.Join(f.lock.Close(), os.RemoveAll(f.Name)) }

// sweepFolders removes the Folders that nobody uses any longer, as far as that is allowed.
func sweepFolders(of string) {
	entries, err := os.ReadDir(of)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := filepath.Join(of, e.Name())
		if e.IsDir() && isFolder(e.Name()) && free(filepath.Join(name, lockName)) {
			os.RemoveAll(name)
		}
	}
}

// free reports whether a file that was made to be locked is not.
func free(name string) bool {
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return false
	}
	if held {
		return os.Remove(name) == nil // which fails while somebody has it open
	}
	f, err := openOwn(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return lock(f)
}
