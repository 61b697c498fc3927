package networks

import (
	"context"
	"errors"
	"sync/atomic"

	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/carrier/stream"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// sent is a recording in which a picture has been hidden, and what the sender's own networks reveal of it: they see each tile as the file
// will hold it, header included.
type sent struct {
	found
	header *slots.Message
	shown  []shown // by tile
}

// place is a slot as one of the stages of a tile.
type place struct{ stage, tile int }

// places returns what each slot in use is for.
func (x *sent) places() map[int]place {
	all := make(map[int]place, len(x.layout.Slots))
	for i, s := range x.layout.Slots {
		all[s.Index] = place{i / x.tiles, i % x.tiles}
	}
	return all
}

// marks returns the marks that the header makes in each stage's slot of each tile, counted from the start of the slot. Where they are not
// much softer than what the networks hide there are none: making good what such marks cost would change the recording more than was asked for.
func (x *sent) marks() [][]slots.Mark {
	all, places := make([][]slots.Mark, len(x.layout.Slots)), x.places()
	for m := range x.header.Marks() {
		slot, at := x.sound.locate(m.Sample)
		if p, used := places[slot]; used {
			m.Sample = at
			i := p.stage*x.tiles + p.tile
			all[i] = append(all[i], m)
		}
	}
	const soft = 0.25 // of the power of what the networks hide
	for i, s := range x.layout.Slots {
		if x.header.Power(len(all[i])) > soft*float64(x.sound.slot)*x.sys.Config.MessagePower(model.Level(s.Strength)) {
			all[i] = nil
		}
	}
	return all
}

// hider hides tiles, one after the other.
type hider struct {
	sent   *sent
	sender *model.Sender
	tile   int
	pixels []float32
	covers [][]float32
	err    error
}

func (x *sent) newHider(marks [][]slots.Mark) (*hider, error) {
	c := x.sys.Config
	h := &hider{sent: x, pixels: make([]float32, 3*c.Tile*c.Tile), covers: make([][]float32, c.Stages)}
	var err error
	h.sender, err = x.sys.NewSender(func(stage int, samples []float32) {
		s := slots.Planar[float32]{samples}
		for _, m := range marks[stage*x.tiles+h.tile] {
			x.header.Make(s, m.Sample, m)
		}
	})
	if err != nil {
		return nil, err
	}
	h.sender.SetActivity(activity(x.layout.Method))
	return h, nil
}

// hide hides a tile in its slots, and reveals it.
func (h *hider) hide(t int, tile *picture.Planes) error {
	x := h.sent
	h.tile = t
	at := h.pixels[:0]
	for _, plane := range tile.Pix {
		at = append(at, plane...)
	}
	for i := range h.covers {
		slot := x.layout.Slots[i*x.tiles+t]
		h.covers[i] = x.sound.at(slot.Index)
		if err := h.sender.SetThreshold(i, model.Level(slot.Strength)); err != nil {
			return err
		}
	}
	h.sender.Hide(h.covers, h.pixels, h.covers, carrier.GridOf(x.sound.format).Step)
	side := x.sys.Config.Tile
	h.sender.Reveal(h.pixels)
	x.shown[t].whole = planes(h.pixels, side)
	x.shown[t].stages = sums(side, x.sys.Config.Stages, h.sender.RevealStage)
	return nil
}

// hide hides every tile in its slots: stage i of tile t in slot i·len(tiles)+t of the layout.
func (x *sent) hide(ctx context.Context, tiles []*picture.Planes, o carrier.Options) error {
	marks := x.marks()
	x.shown = make([]shown, len(tiles))
	workers := make([]*hider, min(o.Workers, len(tiles)))
	for i := range workers {
		var err error
		if workers[i], err = x.newHider(marks); err != nil {
			return err
		}
	}
	progress := o.Phase(report.Embedding)
	var done atomic.Int64
	parallel.Each(len(workers), len(tiles), func(w, t int) {
		h := workers[w]
		if h.err = errors.Join(h.err, ctx.Err()); h.err != nil {
			return
		}
		if h.err = h.hide(t, tiles[t]); h.err == nil && progress != nil {
			progress(int(done.Add(1)), len(tiles))
		}
	})
	for _, h := range workers {
		if h.err != nil {
			return h.err
		}
	}
	return nil
}

// finish writes the header, and forgets what was revealed of tiles in whose slots something comes out otherwise than the networks saw it.
func (x *sent) finish() {
	w := &watched{sound: x.sound, changed: map[int]bool{}}
	x.header.Write(w)
	places := x.places()
	for slot := range w.changed {
		if p, used := places[slot]; used {
			x.shown[p.tile] = shown{}
		}
	}
	for t := range x.shown {
		for stage := range x.sys.Config.Stages {
			if x.received(stage, t) == nil {
				x.shown[t] = shown{} // what the receiver takes for lost
			}
		}
	}
}

// watched is a sound that knows which slots have changed.
type watched struct {
	*sound
	changed map[int]bool
}

// Set replaces a sample.
func (w *watched) Set(i int, value float64) {
	if float64(float32(value)) != w.At(i) {
		slot, _ := w.locate(i)
		w.changed[slot] = true
	}
	w.sound.Set(i, value)
}

// check finds out how well the picture comes back.
func (x *sent) check(ctx context.Context, r *report.Hide, secret *picture.Planes, o carrier.HideOptions) error {
	r.Stages = make([]report.HideStage, x.sys.Config.Stages)
	var failed error
	revealed, err := x.reveal(ctx, o.Options, report.Checking, x.shown, func(i int, p *picture.Planes) {
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
