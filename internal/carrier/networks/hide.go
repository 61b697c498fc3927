package networks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"ditas/audio"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/keystream"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/picture"
	"ditas/picture/quality"
)

// HideOptions says how to hide. The zero value is a good choice.
type HideOptions struct {
	// SNR is the least signal-to-noise ratio in dB that is aimed at in each slot, from MinSNR to MaxSNR; 0 means DefaultSNR.
	// The higher it is, the less there is to hear, and the coarser the picture. Where more distortion would not leave the
	// picture more room, less is made.
	SNR float64
	// Fit scales the picture down to what the recording takes, instead of failing.
	Fit bool
	// Workers is the number of goroutines; 0 means one per processor. Results do not depend on it.
	Workers int
	// Progress, if set, is called after every tile, possibly from several goroutines at once.
	Progress func(done, total int)
}

// HideReport tells what Hide did.
type HideReport struct {
	Method string `json:"method"`
	Width  int    `json:"width"` // of the picture as hidden
	Height int    `json:"height"`
	Tiles  int    `json:"tiles"`
	Stages int    `json:"stages"`
	Slots  int    `json:"slots"` // used
	Room   int    `json:"room"`  // slots of the recording
	// MSE, SNR in dB and the largest deviation are those of the whole recording to its change, full scale being 1;
	// UsedSNR is that of the used slots alone.
	MSE          float64 `json:"mse"`
	SNR          float64 `json:"snr"`
	UsedSNR      float64 `json:"usedSNR"`
	MaxDeviation float64 `json:"maxDeviation"`
	// PSNR in dB, at most 100, and SSIM are those of the picture that Reveal gives to the one hidden, if nothing happens to
	// the file. SSIM is nil for pictures of less than 11 pixels a side.
	PSNR float64  `json:"psnr"`
	SSIM *float64 `json:"ssim"`
}

// Hide writes cover to dst with a picture hidden in it, in cover's own format. If it fails, what was written to dst is of
// no use. It returns a *TooShortError if there is no room.
func Hide(ctx context.Context, dst io.Writer, cover audio.Rewriter, secret *picture.Planes, o HideOptions) (*HideReport, error) {
	if o.SNR == 0 {
		o.SNR = DefaultSNR
	}
	if !(o.SNR >= MinSNR && o.SNR <= MaxSNR) {
		return nil, fmt.Errorf("signal-to-noise ratio of %g dB: want %d to %d", o.SNR, MinSNR, MaxSNR)
	}
	sys, id, err := network()
	if err != nil {
		return nil, err
	}
	c := sys.Config
	s, err := listen(ctx, cover, c.Samples())
	if err != nil {
		return nil, err
	}
	peaks := s.peaks()
	r := room(s, peaks, c)
	if err := r.check(secret); err != nil {
		var short *TooShortError
		if !o.Fit || !errors.As(err, &short) || short.Width == 0 {
			return nil, err
		}
		secret = secret.Fit(short.Width, short.Height)
	}
	tiles := secret.Tiles(c.Tile)
	chosen, method, err := chooseSlots(ctx, s, peaks, len(tiles)*c.Stages, c, o)
	if err != nil {
		return nil, err
	}
	layout := slots.Layout{
		Method: method, Weights: id, Width: secret.Width, Height: secret.Height, Stages: c.Stages, Tile: c.Tile, Planes: 3,
		SlotLength: s.slot, Channels: len(s.planes), Frames: s.frames(), Slots: chosen,
	}
	body, err := layout.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	before := make([][]float32, len(chosen))
	for i, slot := range chosen {
		before[i] = slices.Clone(s.at(slot.Index))
	}
	if err := hideTiles(ctx, sys, s, &layout, tiles, o); err != nil {
		return nil, err
	}
	if err := slots.Write(slots.Planar[float32](s.planes), s.grid(), keystream.Public(), body); err != nil {
		return nil, err
	}
	found := &Found{sys: sys, sound: s, layout: &layout, tiles: len(tiles)}
	revealed, err := found.Reveal(ctx, RevealOptions{Workers: o.Workers})
	if err != nil {
		return nil, err
	}
	whole, err := s.rewrite(ctx, dst, cover)
	if err != nil {
		return nil, err
	}
	var used change
	for i, slot := range chosen {
		for j, v := range s.at(slot.Index) {
			used.add(float64(before[i][j]), float64(v))
		}
	}
	report := &HideReport{
		Method: c.Name, Width: secret.Width, Height: secret.Height, Tiles: len(tiles), Stages: c.Stages,
		Slots: len(chosen), Room: len(peaks),
		MSE: whole.noise / float64(s.frames()*len(s.planes)), SNR: whole.snr(), UsedSNR: used.snr(), MaxDeviation: whole.peak,
	}
	if report.PSNR, err = quality.PSNR(secret, revealed); err != nil {
		return nil, err
	}
	report.PSNR = min(report.PSNR, 100)
	if ssim, err := quality.SSIM(secret, revealed); err == nil {
		report.SSIM = &ssim
	}
	return report, nil
}

// hideTiles hides every tile in its slots: stage i of tile t in slot i·len(tiles)+t of the plan.
func hideTiles(ctx context.Context, sys *model.System, s *sound, l *slots.Layout, tiles []*picture.Planes, o HideOptions) error {
	type place struct {
		hider  *model.Hider
		pixels []float32
		covers [][]float32
		err    error
	}
	places := make([]place, min(workers(o.Workers), len(tiles)))
	for i := range places {
		h, err := sys.NewHider()
		if err != nil {
			return err
		}
		h.SetActivity(activity(l.Method))
		places[i].hider = h
		places[i].covers = make([][]float32, sys.Config.Stages)
	}
	var done atomic.Int64
	parallel.Each(len(places), len(tiles), func(w, t int) {
		p := &places[w]
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
		p.hider.Hide(p.covers, p.pixels, p.covers, s.grid().Step)
		if o.Progress != nil {
			o.Progress(int(done.Add(1)), len(tiles))
		}
	})
	for _, p := range places {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}
