package carrier

import (
	"context"
	"io"

	"ditas/audio"
	"ditas/internal/keystream"
	"ditas/picture"
	"ditas/report"
)

// Method hides pictures in sound.
type Method interface {
	// Survey measures a cover in one pass. The errors are a *report.TooShortError or an *audio.TruncatedError, or wrap
	// [ErrSilent].
	Survey(ctx context.Context, cover audio.File, o Options) (PictureSurvey, error)
	// Find looks for a picture hidden under a key. The errors wrap [ErrNotFound] or [ErrVersion].
	Find(ctx context.Context, stego *Host, key keystream.Key, o Options) (FoundPicture, error)
}

// PictureSurvey is what is known of a cover. It may be used by several goroutines at once.
type PictureSurvey interface {
	// Capacity tells what fits at a strength.
	Capacity(s Strength) *report.Capacity
	// Hide writes the cover to dst, in its own format, with a picture in it that fits, or the file in o that does. The cover has to be an
	// [audio.Rewriter].
	Hide(ctx context.Context, dst io.Writer, secret *picture.Planes, o HideOptions) (*report.Hide, error)
}

// File is a file with its name.
type File struct {
	Name string // at most 255 bytes
	Data []byte
}

// HideOptions say how to hide a picture.
type HideOptions struct {
	Options
	// File, if set, is the file of the picture, which is hidden as well where that takes less room than the exact picture; or any file, if there is no
	// picture. Methods that hide no bytes leave it out.
	File *File
	// ExactBytes is how many bytes the picture takes to come back exactly, about; 0 if that is not known.
	ExactBytes int
	Strength   Strength
	Key        keystream.Key
	Nonce      io.Reader // random bytes that make the recording unlike all others of its key
	Restored   bool      // find out how well the picture comes back after a network has restored it
}

// FoundPicture is a picture that was found in a recording.
type FoundPicture interface {
	// Reveal returns the picture and what is known of it. The picture is nil if o.Report is set, or a file was hidden that is none. The error wraps
	// [ErrNotFound] if nothing of it can be revealed after all, and [ErrPartly] if not all has arrived of a file that is no picture.
	Reveal(ctx context.Context, o RevealOptions) (*picture.Planes, *report.Reveal, error)
}

// RevealOptions say how to reveal a picture.
type RevealOptions struct {
	Options
	Report bool // only the report is wanted
	Plain  bool // no network restores what is missing
	// File, if set, is called with the file that was hidden, if all of it has arrived.
	File func(*File)
	// Stage, if set, is called for every stage, counted from 0, that adds something to the picture, in order, with the picture that it and
	// the stages before it make.
	Stage func(stage int, p *picture.Planes)
}
