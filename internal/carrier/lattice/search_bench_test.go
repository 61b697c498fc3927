package lattice

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// music returns something like music: notes with overtones that fade, over noise whose level follows them.
func music(seed uint64, rate, channels, samples int) *audio.Recording {
	rng := newRand(seed)
	f := audio.Format{Rate: rate, Channels: channels, Encoding: audio.Int16}
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(channels, samples)}
	for _, x := range rec.Samples {
		level, low := 0.0, 0.0
		for i := range x {
			low = 0.97*low + 0.03*rng.NormFloat64()
			level *= 1 - 1/(0.4*float64(rate))
			if i%(rate/3) == 0 {
				level = 0.3 + 0.7*rng.Float64()
				pitch := 110 * math.Exp2(float64(rng.IntN(36))/12)
				for h := 1; h < 8; h++ {
					w := 2 * math.Pi * pitch * float64(h) / float64(rate)
					for j := range min(rate, len(x)-i) {
						x[i+j] += 0.12 / float64(h) * level * math.Exp(-float64(j*h)/(0.4*float64(rate))) * math.Sin(w*float64(j))
					}
				}
			}
			x[i] += 0.3*level*low + 2e-4*rng.NormFloat64()
		}
		for i, v := range x {
			x[i] = f.Quantize(max(-1, min(1, v)))
		}
	}
	return rec
}

// searched are recordings that a search takes very different times for.
var searched = sync.OnceValue(func() map[string]*audio.Recording {
	rec := music(1, 44100, 2, 20*44100)
	all := map[string]*audio.Recording{"innocent": rec}
	cover, err := reopen(rec)
	if err != nil {
		panic(err)
	}
	v, err := NewSurvey(context.Background(), cover, DefaultShaping, 1, nil)
	if err != nil {
		panic(err)
	}
	stego, err := embed(cover, v.Plan(Robust, v.MSE(50)), 6000, fixed)
	if err != nil {
		panic(err)
	}
	all["untouched"], all["wrong"] = stego, stego
	cut := clone(stego)
	for c, x := range cut.Samples {
		cut.Samples[c] = slices.Clone(x[123457:])
	}
	all["cut"] = cut
	all["cut-3dB"] = scale(cut, math.Pow(10, -3.0/20))
	return all
})

func BenchmarkFind(b *testing.B) {
	for _, name := range []string{"untouched", "cut", "cut-3dB", "innocent", "wrong"} {
		b.Run(name, func(b *testing.B) {
			rec := searched()[name]
			key, want := ours, error(nil)
			if name == "innocent" || name == "wrong" {
				key, want = theirs, carrier.ErrNotFound
			}
			passes := 0.0
			for b.Loop() {
				passes = seek(b, rec, key, want)
			}
			b.ReportMetric(passes, "passes")
		})
	}
}

// seek finds what is in a recording, or not, and returns how often it was read.
func seek(t testing.TB, rec *audio.Recording, key keystream.Key, want error) float64 {
	t.Helper()
	f, err := reopen(rec)
	if err != nil {
		t.Fatal(err)
	}
	h := host(f)
	if _, err = Find(context.Background(), h, key, 1, nil); !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
	return h.Passes()
}
