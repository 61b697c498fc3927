package networks

import (
	"context"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
)

// sound is a recording in memory, four bytes a sample: exact for all integer formats up to 24 bits and for 32-bit floats.
type sound struct {
	format audio.Format
	planes [][]float32
	slot   int // samples of a slot
}

// load reads a recording, as much of it as is there.
func load(ctx context.Context, h *carrier.Host, slot int, progress func(done, total int)) (*sound, error) {
	s := &sound{format: h.Format(), slot: slot, planes: make([][]float32, h.Channels())}
	const limit = 1 << 31 // samples: 8 GiB
	if h.Frames() > limit/int64(h.Channels()) {
		return nil, fmt.Errorf("the recording has %d frames of %d channels, more than fit into memory: cut it into parts", h.Frames(), h.Channels())
	}
	const block = 1 << 14
	buf := audio.NewBlock(h.Channels(), block)
	for from := int64(0); from < h.Frames(); from += block {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := h.Read(buf, from); err != nil {
			return nil, err
		}
		n := int(min(block, h.Frames()-from))
		for c, x := range buf {
			for _, v := range x[:n] {
				s.planes[c] = append(s.planes[c], float32(v))
			}
		}
		if progress != nil {
			progress(int((from+int64(n))/block), int(h.Frames()/block))
		}
	}
	return s, h.Finish()
}

func (s *sound) frames() int { return len(s.planes[0]) }

// slots returns the number of whole slots.
func (s *sound) slots() int { return slots.SlotCount(s.frames(), len(s.planes), s.slot) }

// at returns the samples of a slot, or nil if the recording ends before it does.
func (s *sound) at(index int) []float32 {
	first := index / len(s.planes) * s.slot
	if first+s.slot > s.frames() {
		return nil
	}
	return s.planes[index%len(s.planes)][first:][:s.slot]
}

// peaks returns the largest magnitude in each slot.
func (s *sound) peaks() []float64 {
	peaks := make([]float64, s.slots())
	for i := range peaks {
		var peak float32
		for _, v := range s.at(i) {
			peak = max(peak, v, -v)
		}
		peaks[i] = float64(peak)
	}
	return peaks
}

// change is how two versions of a recording differ.
type change struct{ signal, noise, peak float64 } // sums of squares, and the largest magnitude

func (c *change) add(before, after float64) {
	e := after - before
	c.signal += before * before
	c.noise += e * e
	c.peak = max(c.peak, math.Abs(e))
}

// snr returns the signal-to-noise ratio in dB, at most 200.
func (c *change) snr() float64 { return min(200, 10*math.Log10(c.signal/c.noise)) }

// rewrite writes the file again with the samples that have changed, and returns by how much they have.
func (s *sound) rewrite(ctx context.Context, dst io.Writer, f audio.Rewriter) (c change, err error) {
	w, err := f.Rewrite(dst)
	if err != nil {
		return c, err
	}
	r := f.Reader()
	buf := audio.NewBlock(len(s.planes), 1<<14)
	part := make([][]float64, len(buf))
	for at := 0; at < s.frames(); {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		n, err := r.Read(buf)
		if err != nil {
			return c, fmt.Errorf("reading the recording again: %w", err)
		}
		for ch, x := range buf {
			for i, old := range x[:n] {
				// Samples that did not change keep their value to the last bit, also those that float32 cannot hold.
				if v := s.planes[ch][at+i]; v != float32(old) {
					x[i] = float64(v)
				}
				c.add(old, x[i])
			}
			part[ch] = x[:n]
		}
		if err := w.Write(part); err != nil {
			return c, err
		}
		at += n
	}
	return c, w.Close()
}
