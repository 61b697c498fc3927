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
	p, err := f.reveal(ctx, o.Options, report.Decoding, nil, o.Stage)
	return p, r, err
}

// shown is what the networks reveal of a tile.
type shown struct {
	whole  *picture.Planes
	stages []*picture.Planes // up to each stage
}

// revealer reveals tiles, one after the other.
type revealer struct {
	found    *found
	networks *model.Revealer
	pixels   []float32
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
		found: f, networks: n, pixels: make([]float32, 3*c.Tile*c.Tile), received: make([][]float32, c.Stages),
	}, nil
}

// tile reveals a tile: whole, and up to each stage if that is wanted.
func (r *revealer) tile(t int, stages bool) (of shown, err error) {
	f, c := r.found, r.found.sys.Config
	if !f.any(t) {
		return r.blank(), nil
	}
	for i := range r.received {
		r.received[i] = f.received(i, t)
		if err := r.networks.SetThreshold(i, model.Level(f.layout.Slots[i*f.tiles+t].Strength)); err != nil {
			return of, err
		}
	}
	r.networks.Reveal(r.pixels, r.received)
	of.whole = planes(r.pixels, c.Tile)
	if stages {
		of.stages = sums(c.Tile, c.Stages, func(dst []float32, i int) {
			if r.received[i] == nil {
				clear(dst)
				return
			}
			r.networks.RevealStage(dst, i)
		})
	}
	return of, nil
}

// blank returns a grey tile, for one of which nothing arrived.
func (r *revealer) blank() (of shown) {
	for i := range r.pixels {
		r.pixels[i] = model.Middle
	}
	of.whole = planes(r.pixels, r.found.sys.Config.Tile)
	for range r.received {
		of.stages = append(of.stages, of.whole)
	}
	return of
}

// planes returns pixels as a picture.
func planes(pixels []float32, side int) *picture.Planes {
	p := picture.New(side, side)
	for i, plane := range p.Pix {
		copy(plane, pixels[i*side*side:])
	}
	return p
}

// sums returns the pictures up to each stage of what reveal writes for each alone.
func sums(side, stages int, reveal func(dst []float32, stage int)) []*picture.Planes {
	all := make([]*picture.Planes, stages)
	sum, add := make([]float32, 3*side*side), make([]float32, 3*side*side)
	for i := range sum {
		sum[i] = model.Middle
	}
	for i := range all {
		reveal(add, i)
		for k, v := range add {
			sum[k] += v
		}
		all[i] = planes(sum, side)
	}
	return all
}

// reveal returns the picture. If show is set, it shows the picture up to every stage that arrived at least in part. Tiles that are known
// already, with all their stages, need not be revealed.
func (f *found) reveal(
	ctx context.Context, o carrier.Options, phase report.Phase, known []shown, show func(stage int, p *picture.Planes),
) (*picture.Planes, error) {
	workers := make([]*revealer, min(o.Workers, f.tiles))
	for i := range workers {
		var err error
		if workers[i], err = f.newRevealer(); err != nil {
			return nil, err
		}
	}
	if known == nil {
		known = make([]shown, f.tiles)
	}
	progress := o.Phase(phase)
	var done atomic.Int64
	parallel.Each(len(workers), f.tiles, func(w, t int) {
		r := workers[w]
		if r.err = errors.Join(r.err, ctx.Err()); r.err != nil {
			return
		}
		if known[t].whole == nil {
			known[t], r.err = r.tile(t, show != nil)
		}
		if r.err == nil && progress != nil {
			progress(int(done.Add(1)), f.tiles)
		}
	})
	for _, r := range workers {
		if r.err != nil {
			return nil, r.err
		}
	}
	if show != nil {
		if err := f.show(ctx, known, show); err != nil {
			return nil, err
		}
	}
	return f.join(known, func(t shown) *picture.Planes { return t.whole })
}

// show shows the picture up to every stage that arrived at least in part.
func (f *found) show(ctx context.Context, tiles []shown, show func(stage int, p *picture.Planes)) error {
	for i, stage := range f.report().Stages {
		if stage.Arrived == 0 {
			continue
		}
		p, err := f.join(tiles, func(t shown) *picture.Planes { return t.stages[i] })
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		show(i, p)
	}
	return nil
}

// join makes a picture of what there is of each of its tiles.
func (f *found) join(tiles []shown, of func(shown) *picture.Planes) (*picture.Planes, error) {
	parts := make([]*picture.Planes, len(tiles))
	for i, t := range tiles {
		parts[i] = of(t)
	}
	p, err := picture.Join(parts, f.layout.Width, f.layout.Height)
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
