package slots

import (
	"context"
	"slices"

	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// Present reports whether [Read] would find a message under a key in a recording, damaged or not. It reads the recording once and keeps
// only the samples that it needs. progress, where set, is called with how many of these it has.
func Present(ctx context.Context, h *carrier.Host, key keystream.Key, progress func(done, total int)) (bool, error) {
	channels := h.Channels()
	samples := int(h.Frames()) * channels
	var frames []int64
	for i := range regions(samples) {
		for p := range preamblePlaces(key, i) {
			frames = append(frames, int64(p.sample/channels))
		}
	}
	e, err := newExcerpt(ctx, h, frames, progress)
	if err != nil {
		return false, err
	}
	for _, lattice := range []Lattice{fine, coarse} {
		if _, ok := findPreamble(e, lattice, key); ok {
			return true, ctx.Err()
		}
	}
	return false, ctx.Err()
}

// excerpt is a recording with nothing but the stretches around some frames.
type excerpt struct {
	channels, samples int
	// Stretch i holds the frames from first[i] on, interleaved from at[i] on.
	first []int64
	at    []int
	data  []float32
}

// newExcerpt reads the given frames, which are ascending, with what decides whether they belong to digital silence.
func newExcerpt(ctx context.Context, h *carrier.Host, frames []int64, progress func(done, total int)) (*excerpt, error) {
	const reach, block = carrier.SilenceRun, 1 << 14
	e := &excerpt{channels: h.Channels(), samples: int(h.Frames()) * h.Channels()}
	buf := make([][]float64, e.channels)
	for c := range buf {
		buf[c] = make([]float64, block)
	}
	for next := 0; next < len(frames); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from := max(0, frames[next]-reach)
		if err := h.Read(buf, from); err != nil {
			return nil, err
		}
		for ; next < len(frames) && frames[next]+reach < from+block; next++ {
			begin, end := max(0, frames[next]-reach), min(frames[next]+reach+1, h.Frames())
			if n := len(e.first); n > 0 {
				begin = max(begin, e.first[n-1]+int64(len(e.data)-e.at[n-1])/int64(e.channels))
			}
			if begin >= end {
				continue
			}
			e.first, e.at = append(e.first, begin), append(e.at, len(e.data))
			for i := begin; i < end; i++ {
				for c := range buf {
					e.data = append(e.data, float32(buf[c][i-from]))
				}
			}
		}
		if progress != nil {
			progress(next, len(frames))
		}
	}
	return e, nil
}

func (e *excerpt) Len() int      { return e.samples }
func (e *excerpt) Channels() int { return e.channels }

// At returns a sample, 0 if it is not there.
func (e *excerpt) At(i int) float64 {
	frame := int64(i / e.channels)
	s, exact := slices.BinarySearch(e.first, frame)
	if !exact {
		s--
	}
	if s < 0 {
		return 0
	}
	end := len(e.data)
	if s+1 < len(e.at) {
		end = e.at[s+1]
	}
	at := e.at[s] + int(frame-e.first[s])*e.channels + i%e.channels
	if at >= end {
		return 0
	}
	return float64(e.data[at])
}

// Set does nothing: an excerpt is only read.
func (e *excerpt) Set(int, float64) {}
