// Package networks hides pictures with the networks of the paper: the multi-stage systems of package model, whose stages lie in
// slots of the recording. [Hide] hides, [Reveal] reveals, and [Room] tells beforehand what a recording can take.
//
// The picture is cut into tiles of 64×64 pixels. Each is hidden by the DITAS-M-ED networks in as many subsequences of the
// recording, called slots, as the system has stages, and what the receiver needs to know travels in a small header (package
// slots). The first slots of the recording hold the first stage of every tile, and so on: whoever gets only the beginning gets
// a coarse picture.
//
// Anyone with ditas can reveal what it hides: it does not encrypt. It holds the whole recording in memory.
package networks

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"ditas/internal/model"
	"ditas/internal/model/weights"
)

// Method is the name of the networks that hide.
const Method = weights.Default

// DefaultSNR is the signal-to-noise ratio in dB, of each slot to its change, that Hide aims at unless told otherwise.
const DefaultSNR = 40

// The range of signal-to-noise ratios that HideOptions takes, in dB.
const (
	MinSNR = 10
	MaxSNR = 60
)

// MaxSide bounds the width and the height of pictures, in pixels.
const MaxSide = 65535

var (
	// ErrNothingFound reports a recording in which nothing is hidden, as far as anyone can tell.
	ErrNothingFound = errors.New("nothing is hidden in this recording, or too much of it has changed since")
	// ErrOtherVersion reports a recording that another version of ditas made.
	ErrOtherVersion = errors.New("hidden by another version of ditas, whose networks this one does not have")
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

// network returns the embedded system and the first bytes of its hash.
func network() (*model.System, [4]byte, error) {
	sys, id, err := weights.Load(weights.Default)
	if err != nil {
		return nil, id, fmt.Errorf("embedded networks: %w", err)
	}
	return sys, id, nil
}

func workers(n int) int {
	if n < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}
