package networks

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
)

// sound is a recording in memory, four bytes a sample: exact for all integer formats up to 24 bits and for 32-bit floats. It is one of the
// kinds of slots.Samples.
type sound struct {
	format audio.Format
	slot   int           // samples of a slot
	blocks [][][]float32 // of each channel, all as long as a slot but for the last one
	length int           // frames
}

// load reads a recording, as much of it as is there.
func load(ctx context.Context, h *carrier.Host, slot int, progress func(done, total int)) (*sound, error) {
	s := &sound{format: h.Format(), slot: slot, blocks: make([][][]float32, h.Channels())}
	const limit = 1 << 31 // samples: 8 GiB
	if h.Frames() > limit/int64(h.Channels()) {
		return nil, fmt.Errorf("the recording has %d frames of %d channels, more than fit into memory: cut it into parts", h.Frames(), h.Channels())
	}
	buf := audio.NewBlock(h.Channels(), slot)
	for from := int64(0); from < h.Frames(); from += int64(slot) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := h.Read(buf, from); err != nil {
			return nil, err
		}
		n := int(min(int64(slot), h.Frames()-from))
		if n <= 0 {
			break // the file is cut off here
		}
		for c, x := range buf {
			block := make([]float32, n)
			for i, v := range x[:n] {
				block[i] = float32(v)
			}
			s.blocks[c] = append(s.blocks[c], block)
		}
		s.length += n
		if progress != nil {
			progress(int((from+int64(n))/int64(slot)), int(h.Frames()/int64(slot)))
		}
	}
	return s, h.Finish()
}

// Len returns the number of samples.
func (s *sound) Len() int { return s.length * len(s.blocks) }

// Channels returns the number of channels.
func (s *sound) Channels() int { return len(s.blocks) }

// At returns a sample.
func (s *sound) At(i int) float64 {
	frame := i / len(s.blocks)
	return float64(s.blocks[i%len(s.blocks)][frame/s.slot][frame%s.slot])
}

// Set replaces a sample.
func (s *sound) Set(i int, value float64) {
	frame := i / len(s.blocks)
	s.blocks[i%len(s.blocks)][frame/s.slot][frame%s.slot] = float32(value)
}

// slots returns the number of whole slots.
func (s *sound) slots() int { return slots.SlotCount(s.length, len(s.blocks), s.slot) }

// at returns the samples of a slot, or nil if the recording ends before it does.
func (s *sound) at(index int) []float32 {
	blocks, block := s.blocks[index%len(s.blocks)], index/len(s.blocks)
	if block >= len(blocks) || len(blocks[block]) < s.slot {
		return nil
	}
	return blocks[block]
}

// locate returns the slot in which a sample lies, and its place there.
func (s *sound) locate(i int) (slot, at int) {
	frame := i / len(s.blocks)
	return frame/s.slot*len(s.blocks) + i%len(s.blocks), frame % s.slot
}

// clone returns a copy that can be changed.
func (s *sound) clone() *sound {
	c := *s
	c.blocks = make([][][]float32, len(s.blocks))
	for i, blocks := range s.blocks {
		for _, b := range blocks {
			c.blocks[i] = append(c.blocks[i], slices.Clone(b))
		}
	}
	return &c
}

// change is how two versions of a recording differ.
type change struct{ signal, noise, peak float64 } // sums of squares, and the largest magnitude

func (c *change) add(other change) {
	c.signal, c.noise, c.peak = c.signal+other.signal, c.noise+other.noise, max(c.peak, other.peak)
}

// snr returns the signal-to-noise ratio in dB, at most 200.
func (c *change) snr() float64 { return min(200, 10*math.Log10(c.signal/c.noise)) }

// changeOf returns how two versions of a block differ.
func changeOf(before, after []float32) (c change) {
	for i, v := range before {
		x := float64(v)
		c.signal += x * x
		if v != after[i] {
			e := float64(after[i]) - x
			c.noise += e * e
			c.peak = max(c.peak, math.Abs(e))
		}
	}
	return c
}

// changes returns how two versions of a recording differ, block by block of all channels.
func changes(before, after *sound) [][]change {
	all := make([][]change, len(before.blocks))
	for c, blocks := range before.blocks {
		for i, b := range blocks {
			all[c] = append(all[c], changeOf(b, after.blocks[c][i]))
		}
	}
	return all
}

// rewrite writes the file again with the samples that have changed.
func (s *sound) rewrite(ctx context.Context, dst io.Writer, f audio.Rewriter) error {
	w, err := f.Rewrite(dst)
	if err != nil {
		return err
	}
	r := f.Reader()
	buf := audio.NewBlock(len(s.blocks), s.slot)
	part := make([][]float64, len(buf))
	for at := 0; at < s.length; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(s.slot-at%s.slot, s.length-at) // to the end of a block
		for c, x := range buf {
			part[c] = x[:n]
		}
		n, err := r.Read(part)
		if err != nil {
			return fmt.Errorf("reading the recording again: %w", err)
		}
		for c := range part {
			part[c] = part[c][:n]
			block := s.blocks[c][at/s.slot][at%s.slot:]
			for i, old := range part[c] {
				// Samples that did not change keep their value to the last bit, also those that float32 cannot hold.
				if v := block[i]; v != float32(old) {
					part[c][i] = float64(v)
				}
			}
		}
		if err := w.Write(part); err != nil {
			return err
		}
		at += n
	}
	return w.Close()
}
