package durable

import (
	"errors"
	"runtime"
	"runtime/metrics"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
)

// BenchmarkHostile compares what a recording costs to read that claims to be a part of 36 hours with an honest one of its length. It fails where
// it costs more than four times as much time, or more than twice the memory and 100 MB.
func BenchmarkHostile(b *testing.B) {
	sample := []metrics.Sample{{Name: "/cpu/classes/user:cpu-seconds"}}
	cost := func(stego *audio.Recording) (seconds, megabytes float64) {
		read := func() (float64, float64) {
			runtime.GC() // which brings the figures up to date
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			metrics.Read(sample)
			return sample[0].Value.Float64(), float64(m.TotalAlloc) / (1 << 20)
		}
		s, m := read()
		if _, err := reveal(b, stego, key); err != nil && !errors.Is(err, carrier.ErrNotFound) {
			b.Fatal(err)
		}
		t, n := read()
		return t - s, n - m
	}
	cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 20, 15)
	honest, _ := hide(b, cover, Share)
	seconds, megabytes := cost(honest)
	b.Logf("an honest recording: %.2f s, %.0f MB", seconds, megabytes)
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
		s, m := cost(&audio.Recording{Format: cover.Format, Samples: [][]float64{stego}})
		b.Logf("a claim of %d bytes in %d blocks: %.2f s, %.0f MB", claim.payload, claim.blocks, s, m)
		if s > 4*seconds || m > 2*megabytes+100 {
			b.Error("costs too much")
		}
	}
}
