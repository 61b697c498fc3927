package structure

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/internal/racetest"
)

// music is noise with a spectrum that falls, rounded.
func music(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	last := 0.0
	for i := range x {
		last = 0.9*last + 600*rng.NormFloat64()
		x[i] = math.RoundToEven(last)
	}
	return x
}

// marked moves every eighth sample to a lattice of a step whose dither comes again after a period in samples, 0 for never.
func marked(x []float64, step float64, period int) []float64 {
	y := make([]float64, len(x))
	rng := rand.New(rand.NewPCG(7, 7))
	dither := make([]float64, len(x))
	for i := range dither {
		dither[i] = rng.Float64()
		if period > 0 && i >= period {
			dither[i] = dither[i-period]
		}
	}
	for i, v := range x {
		y[i] = v
		if i%8 == 0 {
			y[i] = math.RoundToEven(step * (math.RoundToEven(v/step-dither[i]) + dither[i]))
		}
	}
	return y
}

func TestSearch(t *testing.T) {
	racetest.Skip(t)
	x := music(160*Frame+77, 3)
	for _, c := range []struct {
		name             string
		x                []float64
		folded, repeated bool
	}{
		{"untouched", x, false, false},
		{"a dither that never comes again", marked(x, 2*math.Exp2(5.25), 0), false, false},
		{"every 16 frames", marked(x, 2*math.Exp2(5.25), 16*Frame), true, true},
		{"after 50,000 samples", marked(x, 64, 50000), false, true},
	} {
		r, err := Search(t.Context(), c.x, nil, 2)
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Folded.Chance(); (p < 1e-3) != c.folded {
			t.Errorf("%s: folded, %+v, has the probability %.2g", c.name, r.Folded, p)
		}
		if p := r.Repeated.Chance(); (p < 1e-3) != c.repeated {
			t.Errorf("%s: repeated, %+v, has the probability %.2g", c.name, r.Repeated, p)
		}
		if c.folded && 16*Frame%r.Folded.After != 0 && r.Folded.After != 32*Frame {
			t.Errorf("%s: folded by %d samples", c.name, r.Folded.After)
		}
		if c.repeated && c.name[0] == 'a' && r.Repeated.After%50000 != 0 {
			t.Errorf("%s: found after %d samples", c.name, r.Repeated.After)
		}
	}
}

// What the recording itself has twice is passed over, and what is hidden in it is not.
func TestEchoes(t *testing.T) {
	racetest.Skip(t)
	x := music(160*Frame, 3)
	copy(x[100*Frame:130*Frame], x[20*Frame+50:])
	cover, err := Search(t.Context(), x, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	if cover.Repeated.Chance() > 1e-9 || cover.Repeated.After != 80*Frame-50 {
		t.Fatalf("%+v is no echo", cover.Repeated)
	}
	for _, period := range []int{0, 50000} {
		r, err := Search(t.Context(), marked(x, 64, period), cover.Echoes(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Repeated.Chance(); (p < 1e-3) != (period > 0) {
			t.Errorf("a dither that comes again after %d samples: %+v has the probability %.2g", period, r.Repeated, p)
		}
	}
}

// Whatever the size of blocks, correlations are those of their definition.
func TestRepeat(t *testing.T) {
	racetest.Skip(t)
	rng := rand.New(rand.NewPCG(1, 2))
	frames := []int{0, 1, 2, 3, 5, 8, 9, 10, 11, 12, 15}
	re, im := make([]float32, 17*Frame+100), make([]float32, 17*Frame+100)
	for _, k := range frames {
		for i := k * Frame; i < (k+1)*Frame; i++ {
			sin, cos := math.Sincos(2 * math.Pi * rng.Float64())
			re[i], im[i] = float32(cos), float32(sin)
		}
	}
	for i := range 500 { // alike, as chance does not make them
		re[9*Frame+77+i], im[9*Frame+77+i] = re[Frame+i], im[Frame+i]
	}
	var want Finding
	for after := Frame / 2; after < len(re); after++ {
		var a, b, n float64
		for i := 0; i+after < len(re); i++ {
			r, s := float64(re[i+after]), float64(im[i+after])
			a += r*float64(re[i]) + s*float64(im[i])
			b += s*float64(re[i]) - r*float64(im[i])
			n += (r*r + s*s) * float64(re[i]*re[i]+im[i]*im[i])
		}
		if math.Round(n) < 4*Frame || after/Frame+1 >= len(re)/Frame {
			continue
		}
		want.Tried++
		if power := (a*a + b*b) / n; power > want.Power {
			want.Power, want.After = power, after
		}
	}
	if want.After != 8*Frame+77 {
		t.Fatalf("%+v is not what was repeated", want)
	}
	for block := Frame; block <= 32*Frame; block *= 2 {
		r := Report{echoes: Echoes{}}
		if err := r.repeat(t.Context(), frames, 1, re, im, block, 4*Frame, nil); err != nil {
			t.Fatal(err)
		}
		got := r.Repeated
		if got.After != want.After || math.Abs(got.Power/want.Power-1) > 1e-4 || got.Tried != want.Tried {
			t.Errorf("in blocks of %d: %+v, want %+v", block, got, want)
		}
	}
}

// Powers of phases without structure are as great as chance has them, whatever the recording.
func TestChance(t *testing.T) {
	racetest.Skip(t)
	low := 0
	for seed := range uint64(4) {
		r, err := Search(t.Context(), music(80*Frame, 100+seed), nil, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []Finding{r.Folded, r.Repeated} {
			if p := f.Chance(); p < 0.002 {
				t.Errorf("seed %d: %+v has the probability %.2g", seed, f, p)
			} else if p < 0.1 {
				low++
			}
		}
	}
	if low > 4 {
		t.Errorf("%d of 8 probabilities are below 0.1", low)
	}
}

func TestNothingToSearch(t *testing.T) {
	for _, n := range []int{0, 1, Frame, 3*Frame + 5} {
		r, err := Search(t.Context(), make([]float64, n), nil, 2)
		if err != nil || r.Folded.Power != 0 || r.Repeated.Power != 0 {
			t.Errorf("%d zeros: %+v, %v", n, r, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Search(ctx, music(100*Frame, 1), nil, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
