package ditas

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks"
	"ditas/picture"
	"ditas/report"
)

// RevealOptions say how to reveal. The zero value is a good choice.
type RevealOptions struct {
	// Method is the name of one of [Methods]. If it is empty, Reveal tries every method that takes the key.
	Method string
	// Weights, if set, are others that [Networks] may have hidden with than the shipped ones.
	Weights *Weights
	// Plain leaves an incomplete picture as it is, instead of having a network restore what it can.
	Plain bool
	// Thorough makes a search that finds nothing go on for minutes: for recordings that
	// are played up to 5 % faster or slower, with their own pitch or another.
	Thorough bool
	// File, if set, is called with the file that was hidden, with the picture or alone, if all of it has arrived. It holds the very bytes. Its
	// name is whatever the one who hid it wrote: see [File.SafeName].
	File func(*File)
	// Stage, if set, is called in order for every stage, counted from 0, that adds something to the picture, with the picture up to that
	// stage.
	Stage func(stage int, p *picture.Planes)
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers  int
	Progress report.Progress
}

// Reveal returns the picture that is hidden in a recording, as far as it has arrived; nil if a file was hidden that is no picture (see
// [RevealOptions]). The error wraps [ErrNothingFound] or [ErrOtherVersion] if Reveal finds nothing that it can reveal, and [ErrPartly] if parts are
// missing of a file that is no picture. The report is nil unless something was found.
func Reveal(ctx context.Context, stego audio.File, key Key, o RevealOptions) (*picture.Planes, *report.Reveal, error) {
	return reveal(ctx, stego, key, o, false)
}

// Inspect tells what Reveal would find, and fails as Reveal would, but does not decode the picture.
func Inspect(ctx context.Context, stego audio.File, key Key, o RevealOptions) (*report.Reveal, error) {
	_, r, err := reveal(ctx, stego, key, o, true)
	return r, err
}

func reveal(ctx context.Context, stego audio.File, key Key, o RevealOptions, only bool) (*picture.Planes, *report.Reveal, error) {
	if key.kind == noKey {
		return nil, nil, ErrNoKey
	}
	candidates := methods
	if o.Method != "" {
		m, err := method(o.Method)
		if err == nil {
			err = m.takes(key)
		}
		if err != nil {
			return nil, nil, err
		}
		candidates = []Method{*m}
	}
	if stego.Format().Channels > carrier.MaxChannels {
		return nil, nil, ErrNothingFound // no method writes to so many
	}
	mended := audio.Mend(stego)
	if mended != nil {
		stego = mended
	}
	host, err := carrier.NewHost(ctx, stego)
	if err != nil {
		return nil, nil, err
	}
	opts := options(o.Workers, o.Progress)
	opts.Thorough = o.Thorough
	nothing := ErrNothingFound
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(m Method) bool { return m.takes(key) != nil })
	for i, m := range candidates {
		hides := m.hides
		if m.Name == Networks && o.Weights != nil {
			hides = networks.Method{Weights: o.Weights.networks}
		}
		f, err := hides.Find(ctx, host, key.stream, searching(opts, i, len(candidates)))
		if errors.Is(err, carrier.ErrNotFound) || errors.Is(err, carrier.ErrVersion) {
			if !errors.Is(nothing, ErrOtherVersion) {
				nothing = err
			}
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if opts.Progress != nil {
			opts.Progress(report.Searching, searchTotal, searchTotal)
		}
		revealing := carrier.RevealOptions{Options: opts, Report: only, Plain: o.Plain, Stage: o.Stage}
		if o.File != nil {
			revealing.File = func(f *carrier.File) { o.File(&File{f.Name, f.Data}) }
		}
		p, r, err := f.Reveal(ctx, revealing)
		if r != nil {
			r.Complaint, r.Altered = codec.Complaint(stego), audio.Altered(stego)
		}
		if r != nil && mended != nil {
			r.Damaged = stego.Format().Duration(mended.Damaged()).Seconds()
		}
		return p, r, err
	}
	if mended != nil && mended.Damaged() > 0 {
		nothing = fmt.Errorf("%w: %.2f s of the file are damaged", nothing, stego.Format().Duration(mended.Damaged()).Seconds())
	}
	return nil, nil, nothing
}

// Holds returns a warning if a recording holds a picture for one of the keys, and nil if not: hiding another one would spoil that or leave it there to be
// found. It looks only for what takes a moment to find, in recordings that were not changed since: other ones may hold one as well.
func Holds(ctx context.Context, recording audio.File, keys ...Key) (*report.Warning, error) {
	if recording.Format().Channels > carrier.MaxChannels {
		return nil, nil
	}
	if mended := audio.Mend(recording); mended != nil {
		recording = mended
	}
	host, err := carrier.NewHost(ctx, recording)
	if err != nil {
		return nil, err
	}
	o := options(0, nil)
	o.Quick = true
	for _, key := range keys {
		for _, m := range methods {
			if m.takes(key) != nil {
				continue
			}
			_, err := m.hides.Find(ctx, host, key.stream, o)
			switch {
			case err == nil:
				return &report.Warning{
					Kind: report.Occupied, Text: "already holds a picture, which may be spoilt, or still be found beside the new one",
					Advice: "take the recording as it was before",
				}, nil
			case !errors.Is(err, carrier.ErrNotFound) && !errors.Is(err, carrier.ErrVersion):
				return nil, err
			}
		}
	}
	return nil, nil
}

// searchTotal is the total of all searches together.
const searchTotal = 10_000

// searching returns the options of search i of n, all of which make one progress.
func searching(o carrier.Options, i, n int) carrier.Options {
	if o.Progress == nil {
		return o
	}
	all := o.Progress
	o.Progress = func(p report.Phase, done, total int) {
		if p == report.Searching {
			done, total = (searchTotal*i+int(int64(searchTotal)*int64(done)/int64(max(1, total))))/n, searchTotal
		}
		all(p, done, total)
	}
	return o
}
