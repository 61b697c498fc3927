package replace

import (
	"os"

	"golang.org/x/sys/unix"
)

// nameless opens a new file in a folder that has no name from the beginning.
func nameless(folder string) (*os.File, error) {
	return os.OpenFile(folder, os.O_RDWR|unix.O_TMPFILE|os.O_EXCL, 0o600)
}
