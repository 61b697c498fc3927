package networks

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"ditas/audio"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/keystream"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/picture"
)

// RevealOptions says how to reveal. The zero value is a good choice.
type RevealOptions struct {
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers int
	// Progress, if set, is called after every tile, possibly from several goroutines at once.
	Progress func(done, total int)
	// Stage, if set, is called for every stage of which anything arrived, counted from 0, one after the other, with the picture that
	// it and the ones before it make.
	Stage func(stage int, p *picture.Planes)
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
	f, err := Find(ctx, stego)
	if err != nil {
		return nil, nil, err
	}
	p, err := f.Reveal(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return p, f.Report(), nil
}

// Found is a recording with a picture in it.
type Found struct {
	sys    *model.System
	sound  *sound
	layout *slots.Layout
	tiles  int
}

// Find reads a recording and what it takes to reveal the picture in it. Its errors are those of Reveal.
func Find(ctx context.Context, stego audio.File) (*Found, error) {
	sys, id, err := network()
	if err != nil {
		return nil, err
	}
	s, err := listen(ctx, stego, sys.Config.Samples())
	var cut *audio.TruncatedError
	if err != nil && !errors.As(err, &cut) {
		return nil, err
	}
	body, err := slots.Read(slots.Planar[float32](s.planes), keystream.Public())
	var l *slots.Layout
	if err == nil {
		l, err = slots.ParseLayout(body)
	}
	c := sys.Config
	switch {
	case errors.Is(err, slots.ErrVersion):
		return nil, ErrOtherVersion
	case err != nil && cut != nil:
		return nil, fmt.Errorf("%w: %w", ErrNothingFound, cut)
	case err != nil:
		return nil, ErrNothingFound
	case l.Method != activeFrames && l.Method != allFrames || l.Weights != id || l.Stages != c.Stages || l.Tile != c.Tile:
		return nil, ErrOtherVersion
	}
	tiles := ((l.Width + c.Tile - 1) / c.Tile) * ((l.Height + c.Tile - 1) / c.Tile)
	if len(l.Slots) != tiles*c.Stages || l.Planes != 3 || l.SlotLength != s.slot || l.Channels != len(s.planes) {
		return nil, ErrNothingFound
	}
	return &Found{sys: sys, sound: s, layout: l, tiles: tiles}, nil
}

// received returns what has arrived of a stage of a tile, nil for a stretch that was zeroed.
func (f *Found) received(stage, tile int) []float32 {
	if x := f.sound.at(f.layout.Slots[stage*f.tiles+tile].Index); !silent(x) {
		return x
	}
	return nil
}

// Report tells what has arrived.
func (f *Found) Report() *RevealReport {
	r := &RevealReport{Method: f.sys.Config.Name, Width: f.layout.Width, Height: f.layout.Height, Tiles: f.tiles}
	for stage := range f.sys.Config.Stages {
		arrived := 0
		for tile := range f.tiles {
			if f.received(stage, tile) != nil {
				arrived++
			}
		}
		r.Arrived = append(r.Arrived, arrived)
	}
	return r
}

// Reveal returns the picture.
func (f *Found) Reveal(ctx context.Context, o RevealOptions) (*picture.Planes, error) {
	c, l, count := f.sys.Config, f.layout, f.tiles
	type place struct {
		revealer *model.Revealer
		pixels   []float32
		stage    []float32 // what one of them reveals
		received [][]float32
		err      error
	}
	places := make([]place, min(workers(o.Workers), count))
	for i := range places {
		r, err := f.sys.NewRevealer()
		if err != nil {
			return nil, err
		}
		r.SetActivity(activity(l.Method))
		places[i] = place{revealer: r, pixels: make([]float32, 3*c.Tile*c.Tile), stage: make([]float32, 3*c.Tile*c.Tile), received: make([][]float32, c.Stages)}
	}
	tiles := make([]*picture.Planes, count)
	var stages [][]*picture.Planes // the tiles up to each of them, if they are wanted
	if o.Stage != nil {
		for range c.Stages {
			stages = append(stages, make([]*picture.Planes, count))
		}
	}
	tile := func(pixels []float32) *picture.Planes {
		p := picture.New(c.Tile, c.Tile)
		for i, plane := range p.Pix {
			copy(plane, pixels[i*c.Tile*c.Tile:])
		}
		return p
	}
	var done atomic.Int64
	parallel.Each(len(places), count, func(w, t int) {
		p := &places[w]
		if p.err = errors.Join(p.err, ctx.Err()); p.err != nil {
			return
		}
		for i := range p.received {
			p.received[i] = f.received(i, t)
			if p.err = p.revealer.SetThreshold(i, model.Level(l.Slots[i*count+t].Strength)); p.err != nil {
				return
			}
		}
		p.revealer.Reveal(p.pixels, p.received)
		tiles[t] = tile(p.pixels)
		for i := range p.pixels {
			p.pixels[i] = model.Middle
		}
		for i, list := range stages {
			if p.received[i] != nil {
				p.revealer.RevealStage(p.stage, i)
				for k, v := range p.stage {
					p.pixels[k] += v
				}
			}
			list[t] = tile(p.pixels)
		}
		if o.Progress != nil {
			o.Progress(int(done.Add(1)), count)
		}
	})
	for _, p := range places {
		if p.err != nil {
			return nil, p.err
		}
	}
	join := func(tiles []*picture.Planes) (*picture.Planes, error) {
		p, err := picture.Join(tiles, l.Width, l.Height)
		if err != nil {
			return nil, err
		}
		p.Round()
		return p, nil
	}
	arrived := f.Report().Arrived
	for i, list := range stages {
		if arrived[i] == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := join(list)
		if err != nil {
			return nil, err
		}
		o.Stage(i, p)
	}
	return join(tiles)
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
