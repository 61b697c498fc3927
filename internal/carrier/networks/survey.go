package networks

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/model"
	"ditas/picture"
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
	sent, err := v.embed(ctx, secret, o)
	if err != nil {
		return nil, err
	}
	stego, layout := sent.sound, sent.layout
	blocks := changes(v.sound, stego)
	if err := strongEnough(blocks, layout, o.Strength.SNR); err != nil {
		return nil, err
	}
	r := v.report(secret, blocks)
	if err := sent.check(ctx, r, secret, o); err != nil {
		return nil, err
	}
	if err := v.listen(ctx, r, stego, blocks, o.Workers); err != nil {
		return nil, err
	}
	return r, stego.rewrite(ctx, dst, cover)
}

// embed returns a copy of the cover with a picture hidden in it.
func (v *survey) embed(ctx context.Context, secret *picture.Planes, o carrier.HideOptions) (*sent, error) {
	c, tiles := v.sys.Config, secret.Tiles(v.sys.Config.Tile)
	chosen, method, err := v.choose(len(tiles)*c.Stages, o.Strength.SNR)
	if err != nil {
		return nil, err
	}
	x := &sent{found: found{sys: v.sys, sound: v.sound.clone(), tiles: len(tiles), layout: &slots.Layout{
		Method: method, Weights: v.id, Width: secret.Width, Height: secret.Height, Stages: c.Stages, Tile: c.Tile, Planes: 3,
		SlotLength: v.sound.slot, Channels: v.sound.Channels(), Frames: v.sound.length, Slots: chosen,
	}}}
	body, err := x.layout.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if x.header, err = slots.NewMessage(v.sound.Len(), carrier.GridOf(v.sound.format), o.Key, body); err != nil {
		return nil, err
	}
	if err := x.hide(ctx, tiles, o.Options); err != nil {
		return nil, err
	}
	x.finish()
	return x, nil
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
