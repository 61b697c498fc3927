//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package replace

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// held reports whether files that are open cannot be removed or renamed.
const held = runtime.GOOS == "windows"

// locks reports whether files can be locked.
const locks = false

// lock would lock a file; what cannot be locked is not free.
func lock(*os.File) bool { return false }

// openOwn would open a file that could be locked.
func openOwn(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func own(*os.File, fs.FileInfo) bool { return true }
