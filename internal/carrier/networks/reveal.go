package networks

import (
	"context"
	"errors"
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

// Reveal returns the picture.
func (f *found) Reveal(ctx context.Context, o carrier.RevealOptions) (*picture.Planes, *report.Reveal, error) {
	r := f.report()
	if o.Report {
		return nil, r, nil
	}
	p, err := f.reveal(ctx, o.Options, report.Decoding, o.Stage)
	return p, r, err
}

// reveal returns the picture. If show is set, it shows the picture up to every stage that arrived at least in part.
func (f *found) reveal(
	ctx context.Context, o carrier.Options, phase report.Phase, show func(stage int, p *picture.Planes),
) (*picture.Planes, error) {
	c, l, count := f.sys.Config, f.layout, f.tiles
	type worker struct {
		revealer *model.Revealer
		pixels   []float32
		stage    []float32 // what one of them reveals
		received [][]float32
		err      error
	}
	workers := make([]worker, min(o.Workers, count))
	for i := range workers {
		r, err := f.sys.NewRevealer()
		if err != nil {
			return nil, err
		}
		r.SetActivity(activity(l.Method))
		workers[i] = worker{revealer: r, pixels: make([]float32, 3*c.Tile*c.Tile), stage: make([]float32, 3*c.Tile*c.Tile), received: make([][]float32, c.Stages)}
	}
	tiles := make([]*picture.Planes, count)
	var stages [][]*picture.Planes // the tiles up to each of them, if they are wanted
	if show != nil {
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
	progress := o.Phase(phase)
	var done atomic.Int64
	parallel.Each(len(workers), count, func(w, t int) {
		p := &workers[w]
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
		if progress != nil {
			progress(int(done.Add(1)), count)
		}
	})
	for _, p := range workers {
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
	arrived := f.report().Stages
	for i, list := range stages {
		if arrived[i].Arrived == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := join(list)
		if err != nil {
			return nil, err
		}
		show(i, p)
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
