//go:build !linux

package replace

import (
	"errors"
	"os"
)

// nameless would open a file that has no name.
func nameless(string) (*os.File, error) { return nil, errors.ErrUnsupported }
