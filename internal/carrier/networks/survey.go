package networks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/carrier/stream"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/picture"
	"ditas/report"
)

// survey is a cover in memory.
type survey struct {
	sys    *model.System
	id     [4]byte // of the weights
	sound  *sound
	cover  audio.File
	peaks  []float64 // of each slot
	usable int       // slots that are not silent
}

// Capacity tells what fits, whatever the strength.
func (v *survey) Capacity(s carrier.Strength) *report.Capacity {
	c, format := v.sys.Config, v.sound.format
	tiles := v.usable / c.Stages
	return &report.Capacity{
		Method: Name, Duration: format.Duration(int64(v.sound.frames())),
		Usable: format.Duration(int64(v.usable) * int64(c.Samples()) / int64(format.Channels)),
		Pixels: tiles * c.Tile * c.Tile, Tile: c.Tile, Side: int(math.Sqrt(float64(tiles))) * c.Tile, SNR: s.SNR,
	}
}

// Hide hides a picture in a copy of the cover.
func (v *survey) Hide(ctx context.Context, dst io.Writer, secret *picture.Planes, o carrier.HideOptions) (*report.Hide, error) {
	cover, ok := v.cover.(audio.Rewriter)
	if !ok {
		return nil, fmt.Errorf("networks: %w: a recording of this kind cannot be written", errors.ErrUnsupported)
	}
	if err := v.Capacity(o.Strength).Check(secret.Width, secret.Height); err != nil {
		return nil, err
	}
	c, s := v.sys.Config, v.sound.clone()
	tiles := secret.Tiles(c.Tile)
	chosen, method, err := v.choose(ctx, len(tiles)*c.Stages, o.Strength.SNR, o.Options)
	if err != nil {
		return nil, err
	}
	layout := slots.Layout{
		Method: method, Weights: v.id, Width: secret.Width, Height: secret.Height, Stages: c.Stages, Tile: c.Tile, Planes: 3,
		SlotLength: s.slot, Channels: len(s.planes), Frames: s.frames(), Slots: chosen,
	}
	body, err := layout.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if err := hideTiles(ctx, v.sys, s, &layout, tiles, o.Options); err != nil {
		return nil, err
	}
	if err := slots.Write(slots.Planar[float32](s.planes), carrier.GridOf(s.format), o.Key, body); err != nil {
		return nil, err
	}
	f := &found{sys: v.sys, sound: s, layout: &layout, tiles: len(tiles)}
	stages := make([]report.HideStage, c.Stages)
	revealed, err := f.reveal(ctx, o.Options, report.Checking, func(i int, p *picture.Planes) {
		if q, err := stream.Compare(secret, p); err == nil {
			stages[i].PSNR = q.PSNR
		}
	})
	if err != nil {
		return nil, err
	}
	whole, err := s.rewrite(ctx, dst, cover)
	if err != nil {
		return nil, err
	}
	quality, err := stream.Compare(secret, revealed)
	if err != nil {
		return nil, err
	}
	r := &report.Hide{
		Method: c.Name, Width: secret.Width, Height: secret.Height, Stages: stages, Robust: true,
		MSE: whole.noise / float64(s.frames()*len(s.planes)), SNR: whole.snr(), MaxDeviation: whole.peak,
		PSNR: quality.PSNR, Exact: quality.PSNR >= 100,
	}
	if o.Restored {
		r.Restored = quality
	}
	return r, nil
}

// hideTiles hides every tile in its slots: stage i of tile t in slot i·len(tiles)+t of the layout.
func hideTiles(
	ctx context.Context, sys *model.System, s *sound, l *slots.Layout, tiles []*picture.Planes, o carrier.Options,
) error {
	type worker struct {
		hider  *model.Hider
		pixels []float32
		covers [][]float32
		err    error
	}
	workers := make([]worker, min(o.Workers, len(tiles)))
	for i := range workers {
		h, err := sys.NewHider()
		if err != nil {
			return err
		}
		h.SetActivity(activity(l.Method))
		workers[i].hider = h
		workers[i].covers = make([][]float32, sys.Config.Stages)
	}
	progress := o.Phase(report.Embedding)
	var done atomic.Int64
	parallel.Each(len(workers), len(tiles), func(w, t int) {
		p := &workers[w]
		if p.err = errors.Join(p.err, ctx.Err()); p.err != nil {
			return
		}
		p.pixels = p.pixels[:0]
		for _, plane := range tiles[t].Pix {
			p.pixels = append(p.pixels, plane...)
		}
		for i := range p.covers {
			slot := l.Slots[i*len(tiles)+t]
			p.covers[i] = s.at(slot.Index)
			if p.err = p.hider.SetThreshold(i, model.Level(slot.Strength)); p.err != nil {
				return
			}
		}
		p.hider.Hide(p.covers, p.pixels, p.covers, carrier.GridOf(s.format).Step)
		if progress != nil {
			progress(int(done.Add(1)), len(tiles))
		}
	})
	for _, p := range workers {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

// clone returns a copy that can be changed.
func (s *sound) clone() *sound {
	c := &sound{format: s.format, slot: s.slot, planes: slices.Clone(s.planes)}
	for i, p := range c.planes {
		c.planes[i] = slices.Clone(p)
	}
	return c
}
