// Package networks hides pictures with the networks of the paper: the multi-stage systems of package model, whose stages lie in slots
// of the recording.
//
// The picture is cut into tiles of 64×64 pixels. Each is hidden by the networks of a system, DITAS-M-ED unless others are given, in one subsequence of the recording, called
// a slot, for each stage of the system, and what the receiver has to know travels in a small header (package slots). The first slots of
// the recording hold the first stage of every tile, and so on: whoever gets only the beginning gets a coarse picture.
//
// Anyone with ditas can reveal what it hides: it does not encrypt. It holds the whole recording in memory, at four bytes a sample.
package networks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/keystream"
	"ditas/internal/model"
	"ditas/internal/model/weights"
	"ditas/internal/parallel"
	"ditas/report"
)

// Name is what reports call the embedded networks.
const Name = weights.Default

// DefaultSNR is the signal-to-noise ratio in dB, of each slot to its change, that suits the networks.
const DefaultSNR = 40

// The range of signal-to-noise ratios that the networks serve, in dB.
const (
	MinSNR = 10
	MaxSNR = 60
)

// Method hides pictures with the embedded networks, or with those of Weights, if set. Strength is the signal-to-noise ratio aimed at in each slot. The higher it is, the
// less there is to hear, and the coarser the picture. Where more distortion would not leave the picture more room, less is made. Slots that
// miss it by 3 dB or more, since they are too quiet for the finest change that carries anything, are not used.
type Method struct{ Weights *Weights }

// Weights are a trained system of the paper.
type Weights struct {
	sys *model.System
	id  [4]byte // the first bytes of the file's hash
}

// ReadWeights reads the weights in a file of size bytes. It returns the errors of [model.Load].
func ReadWeights(r io.ReaderAt, size int64) (*Weights, error) {
	sys, id, err := weights.Read(r, size)
	if err != nil {
		return nil, err
	}
	return &Weights{sys, id}, nil
}

// Name is the system's, like "ditas-m".
func (w *Weights) Name() string { return w.sys.Config.Name }

// embedded returns the embedded weights.
func embedded() (*Weights, error) {
	sys, id, err := weights.Load(weights.Default)
	if err != nil {
		return nil, fmt.Errorf("embedded networks: %w", err)
	}
	return &Weights{sys, id}, nil
}

// known returns the weights that pictures may have been hidden with: those that were given, and the embedded ones. The first are those to hide with.
func (m Method) known() ([]*Weights, error) {
	w, err := embedded()
	if err != nil || m.Weights == nil {
		return []*Weights{w}, err
	}
	return []*Weights{m.Weights, w}, nil
}

// Survey reads a cover into memory.
func (m Method) Survey(ctx context.Context, cover audio.File, o carrier.Options) (carrier.PictureSurvey, error) {
	if err := carrier.CheckChannels(cover.Format().Channels); err != nil {
		return nil, err
	}
	known, err := m.known()
	if err != nil {
		return nil, err
	}
	w := known[0]
	h, err := carrier.NewHost(ctx, cover)
	if err != nil {
		return nil, err
	}
	s, err := load(ctx, h, w.sys.Config.Samples(), o.Phase(report.Surveying))
	if err != nil {
		return nil, err
	}
	if err := h.Cut(); err != nil {
		return nil, err
	}
	v := &survey{sys: w.sys, id: w.id, sound: s, cover: cover}
	return v, v.measure(ctx, o)
}

// Find looks for a header in one pass, and reads the recording into memory if there is one. The error is a *[carrier.WeightsError] for a picture that was hidden with
// other weights than are known.
func (m Method) Find(ctx context.Context, stego *carrier.Host, key keystream.Key, o carrier.Options) (carrier.FoundPicture, error) {
	if stego.Channels() > carrier.MaxChannels {
		return nil, carrier.ErrNotFound
	}
	switch present, err := slots.Present(ctx, stego, key, o.Phase(report.Searching)); {
	case err != nil:
		return nil, err
	case !present:
		return nil, notFound(stego)
	}
	known, err := m.known() // only now: most recordings hold nothing of theirs
	if err != nil {
		return nil, err
	}
	// All systems have slots of one length.
	s, err := load(ctx, stego, known[0].sys.Config.Samples(), o.Phase(report.Reading))
	if err != nil {
		return nil, err
	}
	var l *slots.Layout
	err = parallel.Within(ctx, func() (err error) {
		l, err = readLayout(s, key)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, slots.ErrVersion):
		return nil, carrier.ErrVersion
	case err != nil:
		return nil, notFound(stego)
	case l.Method != activeFrames && l.Method != allFrames:
		return nil, carrier.ErrVersion
	}
	i := slices.IndexFunc(known, func(w *Weights) bool { return w.id == l.Weights })
	if i < 0 {
		return nil, &carrier.WeightsError{ID: l.Weights}
	}
	sys := known[i].sys
	c := sys.Config
	if l.Stages != c.Stages || l.Tile != c.Tile {
		return nil, carrier.ErrVersion
	}
	tiles := ((l.Width + c.Tile - 1) / c.Tile) * ((l.Height + c.Tile - 1) / c.Tile)
	if len(l.Slots) != tiles*c.Stages || l.Planes != 3 || l.SlotLength != s.slot || l.Channels != s.Channels() {
		return nil, notFound(stego)
	}
	return &found{sys: sys, sound: s, layout: l, tiles: tiles}, nil
}

// notFound says that nothing is found, and that the file is cut off if it is.
func notFound(h *carrier.Host) error {
	if cut := h.Cut(); cut != nil {
		return fmt.Errorf("%w: %w", carrier.ErrNotFound, cut)
	}
	return carrier.ErrNotFound
}

func readLayout(s *sound, key keystream.Key) (*slots.Layout, error) {
	body, err := slots.Read(s, key)
	if err != nil {
		return nil, err
	}
	return slots.ParseLayout(body)
}
