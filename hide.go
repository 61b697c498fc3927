package ditas

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/preflight"
	"ditas/picture"
	"ditas/report"
)

// SurveyOptions say what to look for in a cover.
type SurveyOptions struct {
	// Method is the name of one of [Methods]; empty means that of the purpose.
	Method string
	// For is the name of one of [Purposes]; empty means the first, or that of the method.
	For string
	// Weights, if set, are those that [Networks] hide with in place of the shipped ones.
	Weights *Weights
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers  int
	Progress report.Progress
}

// HideOptions say how to hide. The zero value is a good choice.
type HideOptions struct {
	// Method is the name of one of [Methods]; empty means that of the purpose.
	Method string
	// For is the name of one of [Purposes]; empty means the first, or that of the method.
	For      string
	Weights  *Weights // as of [SurveyOptions]; a survey hides with its own
	Strength Strength
	// Fit scales the picture down to what the recording takes, instead of failing.
	Fit bool
	// File is the file that the picture was read from. It is hidden byte for byte, name and all, where there is room for it and it takes less than the
	// exact picture, or has something that the picture lacks; whatever arrives of the recording still shows the picture. Without a picture, it may be
	// any file, which is hidden whole or not at all. [Networks] hide pictures alone.
	File *File
	// Estimator, if set, is that of the picture. Without it Hide makes one, where it has a file to decide about.
	Estimator *Estimator
	// Restored also measures the picture after a network has restored what is missing, which takes as long as revealing.
	Restored bool
	// Random is the source of the random bytes that make a recording unlike all others of its key; nil means the system's. Never reuse these
	// bytes with one passphrase: by methods other than [Lattice], which mixes them with cover and picture, it leaks both pictures. Identical
	// inputs give identical files.
	Random io.Reader
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers  int
	Progress report.Progress
}

// Survey is what one pass over a cover has measured. It knows the cover's room at any strength, and hides. Several goroutines may use it at
// once.
type Survey struct {
	method   *Method
	purpose  string // if one was given
	hides    carrier.PictureSurvey
	warnings []report.Warning
	becomes  string // as report.Hide has it
}

// NewSurvey measures a cover. If the cover is too short, cut off or silent, the error is a *[report.TooShortError] or an
// *audio.TruncatedError, or wraps [ErrSilent] or [ErrTooLoud].
func NewSurvey(ctx context.Context, cover audio.File, o SurveyOptions) (*Survey, error) {
	m, hides, err := choose(o.Method, o.For)
	if err == nil {
		hides, err = o.Weights.instead(m, hides)
	}
	if err != nil {
		return nil, err
	}
	if err := carrier.CheckChannels(cover.Format().Channels); err != nil {
		return nil, err
	}
	writable, err := rewriter(cover, m)
	if err != nil {
		return nil, err
	}
	heard := preflight.NewTap(writable, codec.Lossy(cover))
	s, err := hides.Survey(ctx, heard, options(o.Workers, o.Progress))
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	r := heard.Report()
	if loud := r.TooLoud(); loud != nil {
		return nil, loud
	}
	if r.Silent == 1 && !errors.As(err, new(*audio.TruncatedError)) {
		return nil, ErrSilent
	}
	if err != nil {
		return nil, err
	}
	warnings := r.Warnings()
	if m.sparing {
		warnings = slices.DeleteFunc(warnings, func(w report.Warning) bool { return slices.Contains(shownByNoise, w.Kind) })
	}
	return &Survey{m, o.For, s, append(warnings, Damage(writable)...), codec.Becomes(writable)}, nil
}

// Damage returns warnings of what is wrong with the file of a recording, and of what is lost of one that [codec.Cover] made, as far as that has turned out
// while it was read: [NewSurvey] and [Dither] read all of it. A survey's warnings hold them already.
func Damage(recording audio.Rewriter) []report.Warning {
	var warnings []report.Warning
	warn := func(text, advice string) {
		warnings = append(warnings, report.Warning{Kind: report.Damaged, Text: text, Advice: advice})
	}
	const whole = "take a copy that is whole, unless this is what you want"
	if mended := audio.Mend(recording); mended != nil && mended.Damaged() > 0 {
		lost := float64(mended.Damaged()) / float64(recording.Format().Rate)
		warn(fmt.Sprintf("is damaged: %.2f s of it cannot be read", max(0.01, lost)), whole)
	}
	if audio.Altered(recording) {
		warn("is not as it was made: its samples do not match the checksum in its header", "take another copy, unless you know what changed it")
	}
	if file, ok := audio.As[*wav.File](recording); ok && len(file.Lacking()) > 0 {
		names := file.Lacking()
		text := fmt.Sprintf("is malformed: the byte that has to follow its chunk %q is missing", names[0])
		if more := len(names) - 1; more > 0 {
			text = fmt.Sprintf("is malformed: the bytes that have to follow its chunk %q, and %d more, are missing", names[0], more)
		}
		warn(text+", so that other programs may not read it", "what ditas makes of it is well-formed; for other uses, save it anew in a program that reads it")
	}
	if said := codec.Complaint(recording); said != "" {
		warn("seems to be damaged or cut off: the program that decoded it says: "+said, whole)
	}
	return warnings
}

// shownByNoise are the warnings of a cover in which noise would be seen because there is nothing else.
var shownByNoise = []report.WarningKind{report.Narrow, report.Compressed, report.Clipped}

// rewriter returns a recording as one that can be written: as it is, or as codec.Default says, of 16 bits if it was compressed with loss or a method takes
// no more. Where it is damaged it is silent.
func rewriter(cover audio.File, m *Method) (audio.Rewriter, error) {
	r, ok := cover.(audio.Rewriter)
	if f := cover.Format(); ok && (m.MaxBits == 0 || !f.Encoding.IsFloat() && f.Bits() <= m.MaxBits) {
		if damaged, ok := cover.(interface{ Mend() audio.Mended }); ok {
			if mended, ok := damaged.Mend().(audio.Rewriter); ok {
				return mended, nil
			}
		}
		return r, nil
	}
	r, _, err := codec.Cover(cover, codec.CoverOptions{Sixteen: m.MaxBits > 0})
	return r, err
}

// Method returns the name of the method that the survey is for.
func (s *Survey) Method() string { return s.method.Name }

// Warnings tells what is wrong with the recording as a cover.
func (s *Survey) Warnings() []report.Warning { return slices.Clone(s.warnings) }

// Capacity tells what the recording can take at a strength.
func (s *Survey) Capacity(strength Strength) (*report.Capacity, error) {
	v, err := s.method.strength(strength)
	if err != nil {
		return nil, err
	}
	return s.hides.Capacity(v), nil
}

// Hide writes the cover to dst with a picture hidden in it, or with any file if secret is nil and o.File is not. o.Method and o.For have to be empty or the survey's. It returns the errors of [Hide].
func (s *Survey) Hide(ctx context.Context, dst io.Writer, secret *picture.Planes, key Key, o HideOptions) (*report.Hide, error) {
	if o.Method != "" && o.Method != s.method.Name {
		return nil, fmt.Errorf("the recording was surveyed for the method %s, not %s", s.method.Name, o.Method)
	}
	if o.For != "" && o.For != s.purpose {
		return nil, fmt.Errorf("the recording was surveyed for %s, not %s", cmp.Or(s.purpose, s.method.Name), o.For)
	}
	if err := s.method.takes(key); err != nil {
		return nil, err
	}
	strength, err := s.method.strength(o.Strength)
	if err != nil {
		return nil, err
	}
	random := o.Random
	if random == nil {
		random = rand.Reader
	}
	hiding := carrier.HideOptions{
		Options: options(o.Workers, o.Progress), Strength: strength, Key: key.stream, Nonce: random, Restored: o.Restored, File: o.File.hidden(),
	}
	if o.Estimator != nil {
		hiding.ExactBytes = o.Estimator.Bytes()
	}
	switch {
	case secret == nil && o.File == nil:
		return nil, errors.New("there is nothing to hide: give a picture or a file")
	case secret == nil && s.method.Name == Networks:
		return nil, fmt.Errorf("%s hides pictures alone: choose the method %s", Networks, Lattice)
	case secret == nil:
		if err := s.hides.Capacity(strength).Refusal(); err != nil {
			return nil, err
		}
		r, err := s.hides.Hide(ctx, dst, nil, hiding)
		if err != nil {
			return nil, err
		}
		r.Becomes = s.becomes
		return r, nil
	case secret.Width < 1 || secret.Height < 1:
		return nil, errors.New("the picture is empty")
	case secret.Width > MaxSide || secret.Height > MaxSide:
		return nil, fmt.Errorf("%w: %d×%d pixels, and %d a side at most", ErrTooLarge, secret.Width, secret.Height, MaxSide)
	}
	losses, room := secret.Losses, s.hides.Capacity(strength)
	if err := room.Check(secret.Width, secret.Height); err != nil && (o.File == nil || !room.TakesFile(secret.Width, secret.Height, len(o.File.Data))) {
		var short *report.TooShortError
		if !o.Fit || !errors.As(err, &short) || short.Width == 0 {
			return nil, err
		}
		if secret, err = secret.ResizeContext(ctx, short.Width, short.Height); err != nil {
			return nil, err
		}
		secret.Round()
		hiding.File = nil
	}
	r, err := s.hides.Hide(ctx, dst, secret, hiding)
	if err != nil {
		return nil, err
	}
	r.Becomes = s.becomes
	if r.File == nil && len(losses) > 0 {
		r.Losses, r.Exact = losses, false
	}
	return r, nil
}

// Hide writes a cover to dst with a picture hidden in it, or with any file if secret is nil and o.File is not, in the cover's own format, or as FLAC
// if ditas cannot write that, or as WAV if FLAC cannot hold it. If it fails, what it has written to dst is useless. The error is a *[report.TooShortError] or a
// *[report.LargeFileError] if there is not enough room.
func Hide(ctx context.Context, dst io.Writer, cover audio.File, secret *picture.Planes, key Key, o HideOptions) (*report.Hide, error) {
	m, _, err := choose(o.Method, o.For)
	if err == nil {
		err = m.takes(key)
	}
	if err == nil {
		_, err = m.strength(o.Strength)
	}
	if err != nil {
		return nil, err // before the recording is read
	}
	s, err := NewSurvey(ctx, cover, SurveyOptions{Method: o.Method, For: o.For, Weights: o.Weights, Workers: o.Workers, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	return s.Hide(ctx, dst, secret, key, o)
}
