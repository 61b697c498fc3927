// Package networks hides pictures with the networks of the paper: the multi-stage systems of package model, whose stages lie in slots
// of the recording.
//
// The picture is cut into tiles of 64×64 pixels. Each is hidden by the DITAS-M-ED networks in one subsequence of the recording, called
// a slot, for each stage of the system, and what the receiver has to know travels in a small header (package slots). The first slots of
// the recording hold the first stage of every tile, and so on: whoever gets only the beginning gets a coarse picture.
//
// Anyone with ditas can reveal what it hides: it does not encrypt. It holds the whole recording in memory, at four bytes a sample.
package networks

import (
	"context"
	"errors"
	"fmt"

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

// Method hides pictures with the embedded networks. Strength is the signal-to-noise ratio aimed at in each slot. The higher it is, the
// less there is to hear, and the coarser the picture. Where more distortion would not leave the picture more room, less is made. Slots that
// miss it by 3 dB or more, since they are too quiet for the finest change that carries anything, are not used.
type Method struct{}

// network returns the embedded system and the first bytes of its hash.
func network() (*model.System, [4]byte, error) {
	sys, id, err := weights.Load(weights.Default)
	if err != nil {
		return nil, id, fmt.Errorf("embedded networks: %w", err)
	}
	return sys, id, nil
}

// Survey reads a cover into memory.
func (Method) Survey(ctx context.Context, cover audio.File, o carrier.Options) (carrier.PictureSurvey, error) {
	if err := carrier.CheckChannels(cover.Format().Channels); err != nil {
		return nil, err
	}
	sys, id, err := network()
	if err != nil {
		return nil, err
	}
	h, err := carrier.NewHost(ctx, cover)
	if err != nil {
		return nil, err
	}
	s, err := load(ctx, h, sys.Config.Samples(), o.Phase(report.Surveying))
	if err != nil {
		return nil, err
	}
	if err := h.Cut(); err != nil {
		return nil, err
	}
	v := &survey{sys: sys, id: id, sound: s, cover: cover}
	return v, v.measure(ctx, o)
}

// Find looks for a header in one pass, and reads the recording into memory if there is one.
func (Method) Find(ctx context.Context, stego *carrier.Host, key keystream.Key, o carrier.Options) (carrier.FoundPicture, error) {
	if stego.Channels() > carrier.MaxChannels {
		return nil, carrier.ErrNotFound
	}
	sys, id, err := network()
	if err != nil {
		return nil, err
	}
	switch present, err := slots.Present(ctx, stego, key, o.Phase(report.Searching)); {
	case err != nil:
		return nil, err
	case !present:
		return nil, notFound(stego)
	}
	s, err := load(ctx, stego, sys.Config.Samples(), o.Phase(report.Reading))
	if err != nil {
		return nil, err
	}
	var l *slots.Layout
	err = parallel.Within(ctx, func() (err error) {
		l, err = readLayout(s, key)
		return err
	})
	c := sys.Config
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, slots.ErrVersion):
		return nil, carrier.ErrVersion
	case err != nil:
		return nil, notFound(stego)
	case l.Method != activeFrames && l.Method != allFrames || l.Weights != id || l.Stages != c.Stages || l.Tile != c.Tile:
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
