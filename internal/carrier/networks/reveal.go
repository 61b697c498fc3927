package networks

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/picture"
	"ditas/report"
)

// found is a recording with a picture in it.
type found struct {
	sys    *model.System
	sound  *sound
	layout *slots.Layout
	tiles  int
}

// received returns what has arrived of a stage of a tile, nil for a stretch that was zeroed.
func (f *found) received(stage, tile int) []float32 {
	if x := f.sound.at(f.layout.Slots[stage*f.tiles+tile].Index); !silent(x) {
		return x
	}
	return nil
}

// report tells what has arrived.
func (f *found) report() *report.Reveal {
	r := &report.Reveal{
		Method: f.sys.Config.Name, Width: f.layout.Width, Height: f.layout.Height, Complete: true, Robust: true,
	}
	for stage := range f.sys.Config.Stages {
		s := report.RevealStage{Blocks: f.tiles}
		for tile := range f.tiles {
			if f.received(stage, tile) != nil {
				s.Arrived++
			}
		}
		r.Stages = append(r.Stages, s)
		r.Frames += s.Blocks
		r.Arrived += s.Arrived
		r.Complete = r.Complete && s.Arrived == s.Blocks
	}
	return r
}

// A picture is made if it has at most sureTiles tiles, and for each that is there at least in part mostTiles more. Anybody can write a header
// that claims a picture of any size.
const (
	sureTiles = 256
	mostTiles = 16
)

// there returns how many tiles are there at least in part.
func (f *found) there() (n int) {
	for tile := range f.tiles {
		if f.any(tile) {
			n++
		}
	}
	return n
}

// any reports whether anything of a tile is there.
func (f *found) any(tile int) bool {
	for stage := range f.sys.Config.Stages {
		if f.received(stage, tile) != nil {
			return true
		}
	}
	return false
}

// Reveal returns the picture.
func (f *found) Reveal(ctx context.Context, o carrier.RevealOptions) (*picture.Planes, *report.Reveal, error) {
	r := f.report()
	switch there := f.there(); {
	case there == 0:
		return nil, r, fmt.Errorf("%w: traces of a picture are there, but none of its tiles arrived", carrier.ErrNotFound)
	case f.tiles > sureTiles+mostTiles*there:
		return nil, r, fmt.Errorf("too little is left of the recording: it holds %d of the %d tiles of its picture: take a longer piece of it",
			there, f.tiles)
	}
	if o.Report {
		return nil, r, nil
	}
	p, err := f.reveal(ctx, o.Options, report.Decoding, o.Stage)
	return p, r, err
}

// revealer reveals tiles, one after the other.
type revealer struct {
	found    *found
	networks *model.Revealer
	pixels   []float32
	stage    []float32 // what one of them reveals
	received [][]float32
	err      error
}

func (f *found) newRevealer() (*revealer, error) {
	n, err := f.sys.NewRevealer()
	if err != nil {
		return nil, err
	}
	c := f.sys.Config
	n.SetActivity(activity(f.layout.Method))
	return &revealer{
		found: f, networks: n, pixels: make([]float32, 3*c.Tile*c.Tile), stage: make([]float32, 3*c.Tile*c.Tile),
		received: make([][]float32, c.Stages),
	}, nil
}

// tile reveals a tile: whole, and up to each stage if there are lists for these.
func (r *revealer) tile(t int, whole []*picture.Planes, stages [][]*picture.Planes) error {
	f := r.found
	if !f.any(t) {
		r.blank(t, whole, stages)
		return nil
	}
	for i := range r.received {
		r.received[i] = f.received(i, t)
		if err := r.networks.SetThreshold(i, model.Level(f.layout.Slots[i*f.tiles+t].Strength)); err != nil {
			return err
		}
	}
	r.networks.Reveal(r.pixels, r.received)
	whole[t] = r.planes()
	for i := range r.pixels {
		r.pixels[i] = model.Middle
	}
	for i, list := range stages {
		if r.received[i] != nil {
			r.networks.RevealStage(r.stage, i)
			for k, v := range r.stage {
				r.pixels[k] += v
			}
		}
		list[t] = r.planes()
	}
	return nil
}

// blank leaves a tile grey of which nothing arrived.
func (r *revealer) blank(t int, whole []*picture.Planes, stages [][]*picture.Planes) {
	for i := range r.pixels {
		r.pixels[i] = model.Middle
	}
	whole[t] = r.planes()
	for _, list := range stages {
		list[t] = whole[t]
	}
}

// planes returns the pixels as a picture.
func (r *revealer) planes() *picture.Planes {
	side := r.found.sys.Config.Tile
	p := picture.New(side, side)
	for i, plane := range p.Pix {
		copy(plane, r.pixels[i*side*side:])
	}
	return p
}

// reveal returns the picture. If show is set, it shows the picture up to every stage that arrived at least in part.
func (f *found) reveal(
	ctx context.Context, o carrier.Options, phase report.Phase, show func(stage int, p *picture.Planes),
) (*picture.Planes, error) {
	workers := make([]*revealer, min(o.Workers, f.tiles))
	for i := range workers {
		var err error
		if workers[i], err = f.newRevealer(); err != nil {
			return nil, err
		}
	}
	whole := make([]*picture.Planes, f.tiles)
	var stages [][]*picture.Planes // the tiles up to each of them, if they are wanted
	if show != nil {
		for range f.sys.Config.Stages {
			stages = append(stages, make([]*picture.Planes, f.tiles))
		}
	}
	progress := o.Phase(phase)
	var done atomic.Int64
	parallel.Each(len(workers), f.tiles, func(w, t int) {
		r := workers[w]
		if r.err = errors.Join(r.err, ctx.Err()); r.err != nil {
			return
		}
		if r.err = r.tile(t, whole, stages); r.err == nil && progress != nil {
			progress(int(done.Add(1)), f.tiles)
		}
	})
	for _, r := range workers {
		if r.err != nil {
			return nil, r.err
		}
	}
	if err := f.show(ctx, stages, show); err != nil {
		return nil, err
	}
	return f.join(whole)
}

// show shows the picture up to every stage that arrived at least in part.
func (f *found) show(ctx context.Context, stages [][]*picture.Planes, show func(stage int, p *picture.Planes)) error {
	arrived := f.report().Stages
	for i, tiles := range stages {
		if arrived[i].Arrived == 0 {
			continue
		}
		p, err := f.join(tiles)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		show(i, p)
	}
	return nil
}

// join makes a picture of its tiles.
func (f *found) join(tiles []*picture.Planes) (*picture.Planes, error) {
	p, err := picture.Join(tiles, f.layout.Width, f.layout.Height)
	if err != nil {
		return nil, err
	}
	p.Round()
	return p, nil
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
