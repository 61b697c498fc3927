package networks

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"ditas/audio"
	"ditas/carrier/slots"
	"ditas/keystream"
	"ditas/model"
	"ditas/parallel"
	"ditas/picture"
)

// RevealOptions says how to reveal. The zero value is a good choice.
type RevealOptions struct {
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers int
	// Progress, if set, is called after every tile, possibly from several goroutines at once.
	Progress func(done, total int)
}

// RevealReport tells what Reveal found.
type RevealReport struct {
	Method string `json:"method"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Tiles  int    `json:"tiles"`
	// Arrived is the number of tiles of which each stage arrived.
	Arrived []int `json:"arrived"`
}

// Complete reports whether all that was hidden arrived.
func (r *RevealReport) Complete() bool {
	for _, n := range r.Arrived {
		if n < r.Tiles {
			return false
		}
	}
	return true
}

// Reveal returns the picture that is hidden in a recording. A recording that was cut off at the end still gives what has
// arrived. It returns an error that wraps [ErrNothingFound] or [ErrOtherVersion] if there is nothing that it can reveal.
func Reveal(ctx context.Context, stego audio.File, o RevealOptions) (*picture.Planes, *RevealReport, error) {
	sys, id, err := network()
	if err != nil {
		return nil, nil, err
	}
	s, err := listen(ctx, stego, sys.Config.Samples())
	var cut *audio.TruncatedError
	if err != nil && !errors.As(err, &cut) {
		return nil, nil, err
	}
	body, err := slots.Read(slots.Planar[float32](s.planes), keystream.Public())
	var layout *slots.Layout
	if err == nil {
		layout, err = slots.ParseLayout(body)
	}
	switch {
	case errors.Is(err, slots.ErrVersion):
		return nil, nil, ErrOtherVersion
	case err != nil && cut != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrNothingFound, cut)
	case err != nil:
		return nil, nil, ErrNothingFound
	case layout.Method != activeFrames && layout.Method != allFrames || layout.Weights != id || layout.Stages != sys.Config.Stages || layout.Tile != sys.Config.Tile:
		return nil, nil, ErrOtherVersion
	}
	return revealLayout(ctx, s, layout, sys, o)
}

// revealLayout reveals the picture that a layout describes.
func revealLayout(ctx context.Context, s *sound, l *slots.Layout, sys *model.System, o RevealOptions) (*picture.Planes, *RevealReport, error) {
	c := sys.Config
	count := ((l.Width + c.Tile - 1) / c.Tile) * ((l.Height + c.Tile - 1) / c.Tile)
	if len(l.Slots) != count*c.Stages || l.Planes != 3 || l.SlotLength != s.slot || l.Channels != len(s.planes) {
		return nil, nil, ErrNothingFound
	}
	type place struct {
		revealer *model.Revealer
		pixels   []float32
		received [][]float32
		err      error
	}
	places := make([]place, min(workers(o.Workers), count))
	for i := range places {
		r, err := sys.NewRevealer()
		if err != nil {
			return nil, nil, err
		}
		r.SetActivity(activity(l.Method))
		places[i] = place{revealer: r, pixels: make([]float32, 3*c.Tile*c.Tile), received: make([][]float32, c.Stages)}
	}
	tiles := make([]*picture.Planes, count)
	arrived := make([]atomic.Int64, c.Stages)
	var done atomic.Int64
	parallel.Each(len(places), count, func(w, t int) {
		p := &places[w]
		if p.err = errors.Join(p.err, ctx.Err()); p.err != nil {
			return
		}
		for i := range p.received {
			slot := l.Slots[i*count+t]
			p.received[i] = s.at(slot.Index)
			if silent(p.received[i]) {
				p.received[i] = nil
			}
			if p.received[i] != nil {
				arrived[i].Add(1)
			}
			if p.err = p.revealer.SetThreshold(i, model.Level(slot.Strength)); p.err != nil {
				return
			}
		}
		p.revealer.Reveal(p.pixels, p.received)
		tile := picture.New(c.Tile, c.Tile)
		for i, plane := range tile.Pix {
			copy(plane, p.pixels[i*c.Tile*c.Tile:])
		}
		tiles[t] = tile
		if o.Progress != nil {
			o.Progress(int(done.Add(1)), count)
		}
	})
	for _, p := range places {
		if p.err != nil {
			return nil, nil, p.err
		}
	}
	report := &RevealReport{Method: c.Name, Width: l.Width, Height: l.Height, Tiles: count}
	for i := range arrived {
		report.Arrived = append(report.Arrived, int(arrived[i].Load()))
	}
	p, err := picture.Join(tiles, l.Width, l.Height)
	if err != nil {
		return nil, nil, err
	}
	p.Round()
	return p, report, nil
}

// silent reports whether a slot holds one value only, as a stretch that was zeroed does.
func silent(x []float32) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}
