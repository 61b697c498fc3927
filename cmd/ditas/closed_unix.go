//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// closed reports whether a standard file was closed when the program began. Go opens the null device in its place, for reading and writing, which
// nobody does who wants to throw away what is written.
func closed(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return true
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(info, null) {
		return false
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}
