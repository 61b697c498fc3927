package ditas

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"ditas/internal/carrier/networks"
	"ditas/internal/keystream"
)

// The methods. Hide uses Lattice unless told otherwise; Networks are those of the paper, trained, which are named ditas-m-ed.
const (
	Lattice  = "lattice"
	Networks = networks.Method
)

// DefaultSNR is the signal-to-noise ratio of the recording to its change in dB that Hide aims at unless told otherwise.
const DefaultSNR = 50

// The range of signal-to-noise ratios that HideOptions takes, in dB.
const (
	MinSNR = 10
	MaxSNR = 90
)

// MaxSide bounds the width and the height of pictures, in pixels.
const MaxSide = 65535

var (
	// ErrNothingFound reports a recording in which nothing is hidden, as far as anyone without the right passphrase can tell.
	ErrNothingFound = errors.New("nothing is hidden in this recording, or it takes another passphrase, or too much of it has changed since")
	// ErrOtherVersion reports a recording that another version of ditas made.
	ErrOtherVersion = errors.New("hidden by another version of ditas, which this one cannot read")
	// ErrTooLarge reports a picture beyond MaxSide.
	ErrTooLarge = errors.New("picture too large")
)

// TooShortError reports a recording that has no room for a picture.
type TooShortError struct {
	Need, Have    time.Duration // of sound that is not silence, at the recording's rate and channels
	Width, Height int           // of the picture scaled down to fit, 0 if none fits
}

func (e *TooShortError) Error() string {
	s := fmt.Sprintf("the recording is too short: it takes %s of sound, and there are %s", seconds(e.Need, math.Ceil), seconds(e.Have, math.Floor))
	if e.Width > 0 {
		s += fmt.Sprintf("; scaled down to %d×%d the picture would fit", e.Width, e.Height)
	}
	return s
}

func seconds(d time.Duration, round func(float64) float64) string {
	return fmt.Sprintf("%.1f s", round(d.Seconds()*10)/10)
}

// key returns the key of a passphrase, the public one if it is empty.
func key(passphrase string) (keystream.Key, error) {
	if passphrase == "" {
		return keystream.Public(), nil
	}
	return keystream.FromPassphrase(passphrase)
}

func workers(n int) int {
	if n < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}
