//go:build linux || darwin

package main

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// readUnseen reads a line from a terminal, which does not show it. The error is io.EOF if the input ends, by Ctrl-D or because the terminal is
// gone, before anything is typed: term.ReadPassword would go on reading then.
func readUnseen(fd int) (line []byte, err error) {
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	unseen := *old
	unseen.Lflag &^= unix.ECHO
	unseen.Lflag |= unix.ICANON | unix.ISIG
	unseen.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setTermios, &unseen); err != nil {
		return nil, err
	}
	defer unix.IoctlSetTermios(fd, setTermios, old)
	var b [1]byte
	for {
		n, err := unix.Read(fd, b[:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, err
		case n == 0 && len(line) == 0:
			return nil, io.EOF
		case n == 0 || b[0] == '\n':
			return line, nil
		case len(line) == maxPassphrase:
			return nil, errors.New("the passphrase is too long")
		default:
			line = append(line, b[0])
		}
	}
}
