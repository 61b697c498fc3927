package ditas

import (
	"runtime"
	"sync"

	"ditas/internal/carrier"
	"ditas/picture"
	"ditas/report"
)

// DefaultSNR is the ratio of the recording to its change, in dB, that the default method aims at by default.
const DefaultSNR = 50

// MaxSide is the largest width and height of pictures, in pixels.
const MaxSide = 65535

// Errors that the functions of this package wrap. A recording without enough room gives a *[report.TooShortError], one that is too quiet for
// the strength a *[report.TooQuietError], one in which a change would be found a *[report.ExposedError], and a cover that is cut off an *audio.TruncatedError.
var (
	// ErrNothingFound reports a recording in which nothing is hidden, as far as anyone without the right passphrase can tell.
	ErrNothingFound = carrier.ErrNotFound
	// ErrPartly reports a file that is no picture, of which parts are missing.
	ErrPartly = carrier.ErrPartly
	// ErrOtherVersion reports a recording that another version of ditas made.
	ErrOtherVersion = carrier.ErrVersion
	// ErrUnfound reports a recording in which nobody would find what was hidden.
	ErrUnfound = carrier.ErrUnfound
	// ErrSilent reports a recording that is nothing but silence, or that is clipped nearly everywhere.
	ErrSilent = carrier.ErrSilent
	// ErrTooLoud reports samples in another range than −1 to 1.
	ErrTooLoud = carrier.ErrTooLoud
	// ErrTooLarge reports a picture that is wider or higher than MaxSide.
	ErrTooLarge = picture.ErrTooLarge
)

// options returns what carriers are told: a number of goroutines, and progress that is called by one of them at a time and never falls back.
func options(workers int, progress report.Progress) carrier.Options {
	o := carrier.Options{Workers: workers}
	if workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if progress == nil {
		return o
	}
	var (
		mu    sync.Mutex
		phase report.Phase
		most  int
	)
	o.Progress = func(p report.Phase, done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if p != phase {
			phase, most = p, 0
		} else if done < most {
			return
		}
		most = done
		progress(p, done, total)
	}
	return o
}
