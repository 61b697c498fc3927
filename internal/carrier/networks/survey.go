package networks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/carrier/stream"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// survey is a cover in memory.
type survey struct {
	sys   *model.System
	id    [4]byte // of the weights
	sound *sound
	cover audio.File
	slots []surveyed
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
	stego, layout, err := v.embed(ctx, secret.Tiles(v.sys.Config.Tile), secret, o)
	if err != nil {
		return nil, err
	}
	blocks := changes(v.sound, stego)
	if err := strongEnough(blocks, layout, o.Strength.SNR); err != nil {
		return nil, err
	}
	r := v.report(secret, blocks)
	f := &found{sys: v.sys, sound: stego, layout: layout, tiles: len(layout.Slots) / v.sys.Config.Stages}
	if err := f.check(ctx, r, secret, o); err != nil {
		return nil, err
	}
	if err := v.listen(ctx, r, stego, blocks, o.Workers); err != nil {
		return nil, err
	}
	return r, stego.rewrite(ctx, dst, cover)
}

// embed returns a copy of the cover with a picture, given with its tiles, hidden in it, and where.
func (v *survey) embed(
	ctx context.Context, tiles []*picture.Planes, secret *picture.Planes, o carrier.HideOptions,
) (*sound, *slots.Layout, error) {
	c, s := v.sys.Config, v.sound.clone()
	chosen, method, err := v.choose(len(tiles)*c.Stages, o.Strength.SNR)
	if err != nil {
		return nil, nil, err
	}
	layout := &slots.Layout{
		Method: method, Weights: v.id, Width: secret.Width, Height: secret.Height, Stages: c.Stages, Tile: c.Tile, Planes: 3,
		SlotLength: s.slot, Channels: s.Channels(), Frames: s.length, Slots: chosen,
	}
	body, err := layout.AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	if err := hideTiles(ctx, v.sys, s, layout, tiles, o.Options); err != nil {
		return nil, nil, err
	}
	return s, layout, slots.Write(s, carrier.GridOf(s.format), o.Key, body)
}

// strongEnough returns a *[report.TooQuietError] if the change to the whole recording, or to the slots that are used, misses a strength.
func strongEnough(blocks [][]change, l *slots.Layout, snr float64) error {
	whole := total(blocks)
	var used change
	for _, s := range l.Slots {
		used.add(blocks[s.Index%l.Channels][s.Index/l.Channels])
	}
	if reached := min(whole.snr(), used.snr()); reached <= snr-missed {
		return &report.TooQuietError{Asked: snr, Reached: reached}
	}
	return nil
}

// total returns the change of all blocks of all channels together.
func total(blocks [][]change) (whole change) {
	for _, channel := range blocks {
		for _, c := range channel {
			whole.add(c)
		}
	}
	return whole
}

// report tells what was made of the cover, but for the quality of the picture.
func (v *survey) report(secret *picture.Planes, blocks [][]change) *report.Hide {
	whole := total(blocks)
	return &report.Hide{
		Method: v.sys.Config.Name, Width: secret.Width, Height: secret.Height, Robust: true,
		MSE: whole.noise / float64(v.sound.Len()), SNR: whole.snr(), MaxDeviation: whole.peak,
	}
}

// check finds out how well the picture comes back.
func (f *found) check(ctx context.Context, r *report.Hide, secret *picture.Planes, o carrier.HideOptions) error {
	r.Stages = make([]report.HideStage, f.sys.Config.Stages)
	var failed error
	revealed, err := f.reveal(ctx, o.Options, report.Checking, func(i int, p *picture.Planes) {
		psnr, err := quality.PSNR(secret, p)
		if err != nil {
			failed = err
		}
		r.Stages[i].PSNR = min(psnr, 100)
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if !o.Restored {
		psnr, err := quality.PSNR(secret, revealed)
		r.PSNR, r.Exact = min(psnr, 100), psnr >= 100
		return err
	}
	if r.Restored, err = stream.Compare(secret, revealed); err != nil {
		return err
	}
	r.PSNR, r.Exact = r.Restored.PSNR, r.Restored.PSNR >= 100
	return nil
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
