//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package replace

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// held reports whether files that are open cannot be removed or renamed.
const held = false

// locks reports whether files can be locked.
const locks = true

// lock locks a file until it is closed, and reports whether it was free.
func lock(f *os.File) bool { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil }

// openOwn opens a regular file of this user's, and neither follows a link nor waits for a pipe.
func openOwn(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !info.Mode().IsRegular() || !ok || int(s.Uid) != os.Geteuid() {
		return nil, errors.Join(fs.ErrPermission, f.Close())
	}
	return f, nil
}

// own gives a file the owner and the group of another one, as far as that is allowed, and reports whether it has the group.
func own(f *os.File, like fs.FileInfo) bool {
	s, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	// The group alone is what an owner may change, among his own.
	return f.Chown(int(s.Uid), int(s.Gid)) == nil || f.Chown(-1, int(s.Gid)) == nil
}
