// Package carrier says what a way of hiding is.
//
// A [Carrier] hides bytes in sound, and a [Method] pictures. Package stream makes a Method of any Carrier; the networks are one by
// themselves. Both work in two steps. One pass over a cover gives a survey of it, which knows at once what the cover can take at any
// strength and then hides; a search for something in a recording gives what was found, which is read after that.
//
// The package also holds what all ways of hiding have in common: [Host], a recording that several of them read in turn; the [Grid] of
// values that a file's samples can take and the lattice point [Nearest] to one; and what counts as digital silence.
package carrier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ditas/audio"
	"ditas/internal/keystream"
	"ditas/report"
)

// Errors that all ways of hiding report.
var (
	// ErrNotFound reports a recording in which nothing is found: there is nothing, it has another key, or too little of it is left.
	ErrNotFound = errors.New("nothing is hidden in this recording, or it takes another passphrase, or too much of it has changed since")
	// ErrPartly reports a file of which parts are missing.
	ErrPartly = errors.New("a file is hidden in this recording, and parts of it are missing")
	// ErrVersion reports a recording that another version of ditas made.
	ErrVersion = errors.New("hidden by another version of ditas, which this one cannot read")
	// ErrTooLoud reports samples in another range than −1 to 1.
	ErrTooLoud = errors.New("the samples are beyond all range: save the recording anew with samples between −1 and 1")
	// ErrUnfound reports a cover in which a receiver would not find what was hidden.
	ErrUnfound = errors.New("what would be hidden in this recording is not found again: too little of it can be changed")
	// ErrSilent reports a cover in which there is nothing but silence, or that is clipped nearly everywhere.
	ErrSilent = errors.New("the recording is silent, or clipped nearly everywhere: there is nothing to hide in")
)

// LostError reports a cover that would not give back all of a payload, though nothing happened to it.
type LostError struct {
	Arrived, Size int  // bytes of payload that would be read, and all of them
	Written       bool // output was written before that turned out
}

func (e *LostError) Error() string {
	return fmt.Sprintf("the recording would give back only %d of the %d bytes hidden in it", e.Arrived, e.Size)
}

// WeightsError reports a picture that was hidden by networks whose weights are neither shipped nor given. It is an [ErrVersion].
type WeightsError struct {
	ID [4]byte // the first bytes of the SHA-256 of their file
}

func (e *WeightsError) Error() string {
	return fmt.Sprintf("hidden by networks whose weights, a file with a SHA-256 that begins with %x, are not shipped", e.ID)
}

// Is reports whether the target is [ErrVersion].
func (*WeightsError) Is(target error) bool { return target == ErrVersion }

// Options are what all operations take.
type Options struct {
	Workers  int  // goroutines, at least 1; results do not depend on it
	Thorough bool // a search also tries what takes minutes, such as other speeds
	Progress report.Progress
	// Quick has searches look only where recordings that were not changed since have what is hidden, and only if that takes little time.
	Quick bool
}

// Phase returns the progress of one phase, nil if nobody asks for it.
func (o Options) Phase(p report.Phase) func(done, total int) {
	if o.Progress == nil {
		return nil
	}
	return func(done, total int) { o.Progress(p, done, total) }
}

// Strength says how strong the change to a recording may be: SNR dB below it, hard to find, or Below dB below its spectrum at every moment.
type Strength struct {
	SNR     float64
	Asked   bool // SNR is what somebody asked for, and not only the method's own choice
	Audible bool // that it might be heard does not matter
	Faint   bool
	Below   float64 // 0 unless it counts
}

// Carrier hides bytes in sound.
type Carrier interface {
	// Survey measures a cover in one pass. The errors are a *report.TooShortError or an *audio.TruncatedError, or wrap
	// [ErrSilent].
	Survey(ctx context.Context, cover audio.File, o Options) (Survey, error)
	// Find looks for something hidden under a key. The errors wrap [ErrNotFound] or [ErrVersion].
	Find(ctx context.Context, stego *Host, key keystream.Key, o Options) (Found, error)
}

// Survey is what is known of a cover. It may be used by several goroutines at once.
type Survey interface {
	// Room tells how much fits at a strength.
	Room(s Strength) Room
	// Divide tells into how many bytes each a payload of size bytes, which fits, would be divided.
	Divide(s Strength, size int) []int
	// Embed writes the cover to dst with a payload in it that fits, in the cover's own format, which has to be an [audio.Rewriter].
	// nonce gives the random bytes that make the recording unlike all others of its key. Progress starts again where Embed tries again. The
	// error is a *LostError if the payload could not be read again.
	Embed(ctx context.Context, dst io.Writer, s Strength, payload []byte, key keystream.Key, nonce io.Reader, o Options) (*Report, error)
}

// Room is how much fits into a cover.
type Room struct {
	Bytes  int           // of payload
	Robust int           // of payload that is protected against noise
	SNR    float64       // dB that come out at least, about
	Least  time.Duration // of the shortest cover that takes anything
	Cover  time.Duration // how long the cover lasts
	// TooQuiet tells that there is no room because the cover is too quiet for the strength; nil otherwise.
	TooQuiet *report.TooQuietError
	// Exposed tells that there is no room because a change would be found nearly everywhere in the cover; nil otherwise.
	Exposed *report.ExposedError
	// Dithered says that the cover will be dithered, and Sublinear that the room grows with the square root of its length.
	Dithered, Sublinear bool
	// Stages are those of a payload that fills the room, if they are made for different things to survive; nil otherwise.
	Stages []Protection
}

// Report tells what Embed did.
type Report struct {
	Robust       bool
	Stages       []Protection
	MSE          float64 // mean squared error, full scale 1
	SNR          float64 // dB
	MaxDeviation float64
	Dithered     bool   // the samples were rounded with dither
	Heard        bool   // the change may well be heard, where nothing was asked for that keeps it from that
	Payload      []byte // the beginning of the payload that is read from the file as it is
}

// Protection tells how well a stage of the payload is protected.
type Protection struct {
	Bytes int
	Loss  float64 // share of the recording that may be lost in one piece, if nothing else happens to it
	// Survives names what the stage is made to survive, as in "Opus 32 kbit/s"; empty where it is not made for anything by name.
	Survives string
}

// Found is something that was found in a recording.
type Found interface {
	// Read reads it. The error wraps [ErrNotFound] if nothing can be read after all.
	Read(ctx context.Context, o Options) (*Message, error)
}

// Message is what was read.
type Message struct {
	Payload []byte // the beginning of the payload that arrived without a gap
	Size    int    // bytes of the whole payload
	Robust  bool   // it was protected against noise
	Stages  []Arrival
	// Frames is the number of pieces that were written, and Arrived how many of them were found. Map tells which, channel by channel.
	Frames, Arrived int
	Map             [][]bool
	// Gain is the factor by which the recording was multiplied since, negative for an inverted one, and Offset what was added to it.
	Gain, Offset float64
	Noise        float64 // standard deviation of what else was added, rounding included; full scale is 1
	Cut          error   // an *audio.TruncatedError if the file ends too early
	// Beyond is how long the recording goes on behind the end of what was hidden in it.
	Beyond time.Duration
}

// Arrival is what arrived of a stage.
type Arrival struct {
	Bytes           int // of the payload
	Blocks, Arrived int
}
