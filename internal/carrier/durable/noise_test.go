package durable

import (
	"math"
	"math/rand/v2"
	"testing"

	"ditas/internal/racetest"
)

// Symbols whose bits nobody knows tell in which frames and bands there is much noise.
func TestNoiseField(t *testing.T) {
	racetest.Skip(t)
	const frames, symbols, step = 256, 15, 4.0
	r, d := rand.New(rand.NewPCG(1, 2)), newDensities()
	// Noise is strong in some bands for a while.
	variance := func(t, band int) float64 {
		if (t/32+band)%3 == 0 {
			return 2
		}
		return 0.0625
	}
	var f noiseField
	f.reset(frames)
	for at := range f.evidence {
		for b := range bands {
			for range symbols {
				phase := math.Sqrt(variance(at, b))*r.NormFloat64()/step + float64(r.IntN(2))/2
				phase -= math.Floor(phase)
				for k := range classes {
					v := math.Exp2(float64(leastClass+k)) / (step * step)
					f.evidence[at][b][k] += d.unknown[row(float32(v))][int(phase*phases)&(phases-1)]
				}
			}
		}
	}
	f.settle(&[bands]float64{1, 1, 1, 1, 1, 1, 1})
	wrong := 0
	for at := range f.weights {
		for b, w := range &f.weights[at] {
			var sum, mean float64
			for k, p := range w {
				sum += float64(p)
				mean += float64(p) * float64(leastClass+k)
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Fatalf("frame %d, band %d: the probabilities of all classes are %g", at, b, sum)
			}
			if math.Abs(mean-math.Log2(variance(at, b))) > 1.5 {
				wrong++
			}
		}
	}
	// Where noise begins and ends it cannot be told so exactly: in seven frames of 32.
	if wrong > frames*bands*9/32 {
		t.Errorf("noise is misjudged in %d of %d places", wrong, frames*bands)
	}
}

// Densities integrate to 1, and what is said of a bit is what follows from them.
func TestDensities(t *testing.T) {
	racetest.Skip(t)
	d := newDensities()
	for _, v := range []float64{0.005, 0.02, 0.1, 0.5, 3} {
		i := row(float32(v))
		sum := 0.0
		for j, l := range d.known[i] {
			sum += math.Exp(float64(l)) / phases
			zero, one := float64(l), float64(d.known[i][(j+phases/2)%phases])
			if want := 1 / (1 + math.Exp(zero-one)); math.Abs(want-float64(d.one[i][j])) > 1e-5 {
				t.Fatalf("variance %g, phase %d: a probability of %g, want %g", v, j, d.one[i][j], want)
			}
		}
		if math.Abs(sum-1) > 0.01 {
			t.Errorf("variance %g: a total of %g", v, sum)
		}
		// The first phase is next to the point: a normal density there, as long as it does not reach round the circle.
		if want := 1 / math.Sqrt(2*math.Pi*v); v < 0.03 && math.Abs(math.Exp(float64(d.known[i][0]))/want-1) > 0.08 {
			t.Errorf("variance %g: a density of %g at the point, want %g", v, math.Exp(float64(d.known[i][0])), want)
		}
	}
}
