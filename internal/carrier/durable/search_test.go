package durable

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

// The dithers of the key make the phases of pilots that are not there independent and uniform, whatever the recording, so scores are as
// frequent as those of a normal distribution. The thresholds of the search rest on it.
func TestScoresByChance(t *testing.T) {
	racetest.Skip(t)
	format := audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}
	noise := song(format, 5, 11)
	r := rand.New(rand.NewPCG(12, 13))
	for i := range noise.Samples[0] {
		noise.Samples[0][i] = 0.1 * r.NormFloat64()
	}
	scores := []float64{3, 3.5, 4, 4.5}
	for name, cover := range map[string]*audio.Recording{"music": song(format, 5, 10), "noise": quantized(noise)} {
		counts, cells, most := make([]int, len(scores)), 0, 0.0
		for k := range 3 {
			h, err := carrier.NewHost(context.Background(), file(t, cover))
			if err != nil {
				t.Fatal(err)
			}
			l, err := newListener(h, keystream.Key{byte(k), 42}, 1)
			if err != nil {
				t.Fatal(err)
			}
			e := newEvidence()
			if err := l.searcher.load(context.Background(), 0, int(l.low.length()/hop)); err != nil {
				t.Fatal(err)
			}
			if err := l.searcher.scan(context.Background(), e); err != nil {
				t.Fatal(err)
			}
			most = max(most, e.best(0).score)
			unit := float32(math.Sqrt(e.count / 2))
			for i := range e.sums {
				cells += period
				for _, v := range &e.sums[i] {
					for j, s := range scores {
						if v > unit*float32(s) {
							counts[j]++
						}
					}
				}
			}
		}
		for j, s := range scores {
			want := float64(cells) * math.Erfc(s/math.Sqrt2) / 2
			if n := float64(counts[j]); n > 1.3*want || n < 0.4*want {
				t.Errorf("%s: %g scores above %g, want about %.0f", name, n, s, want)
			}
		}
		if most > sure {
			t.Errorf("%s: a score of %.2f", name, most)
		}
	}
}
