package durable

import (
	"errors"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/cputime"
)

// BenchmarkHostile compares what a recording costs to read that claims to be a part of 36 hours with an honest one of its length. It fails where
// it costs more than four times as much time, or more than twice the memory and 100 MB.
func BenchmarkHostile(b *testing.B) {
	cost := func(stego *audio.Recording) cputime.Cost {
		return cputime.Of(func() {
			if _, err := reveal(b, stego, key); err != nil && !errors.Is(err, carrier.ErrNotFound) {
				b.Fatal(err)
			}
		})
	}
	cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 20, 15)
	honest, _ := hide(b, cover, Share)
	usual := cost(honest)
	b.Logf("an honest recording: %.2f s, %.0f MB", usual.Seconds, usual.Megabytes)
	for _, claim := range []struct{ blocks, payload int }{{19, 500}, {maxBlocks, 500}, {maxBlocks, MaxPayload}, {3000, 500}, {3000, MaxPayload}} {
		r, err := newRates(cover.Format.Rate)
		if err != nil {
			b.Fatal(err)
		}
		claim.payload = min(claim.payload, room(Share, roundBlocks(claim.blocks), scales-1)) // readers refuse more
		j := &job{key: key, payload: bytesOf(claim.payload), plan: plan{level: 6, scale: scales - 1, blocks: claim.blocks}}
		marks, err := j.modulator()
		if err != nil {
			b.Fatal(err)
		}
		x := newMixer(cover.Format, marks, sum, r)
		_, first := x.add(cover.Samples)
		stego := append([]float64(nil), first[0]...)
		_, rest := x.end()
		stego = append(stego, rest[0]...)
		c := cost(&audio.Recording{Format: cover.Format, Samples: [][]float64{stego}})
		b.Logf("a claim of %d bytes in %d blocks: %.2f s, %.0f MB", claim.payload, claim.blocks, c.Seconds, c.Megabytes)
		if c.Exceeds(usual) {
			b.Error("costs too much")
		}
	}
}
