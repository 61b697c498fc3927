package ear

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestPowers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 100000 {
		x := rng.NormFloat64() * 100
		if i < 1000 {
			x = float64(i-500) / 64
		}
		if got, want := exp2(x), math.Exp2(x); math.Abs(got/want-1) > 1e-9 {
			t.Fatalf("2^%g is %g, want %g", x, got, want)
		}
		y := math.Exp2(x)
		if got, want := log2(y), math.Log2(y); math.Abs(got-want) > 1e-9 {
			t.Fatalf("the logarithm of %g is %g, want %g", y, got, want)
		}
	}
	for _, x := range []float64{math.Inf(1), math.Inf(-1), 1e300, -1e300} {
		if y := exp2(x); !(y >= 0 && y < math.Inf(1)) {
			t.Errorf("2^%g is %g", x, y)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	e := New()
	rng := rand.New(rand.NewPCG(1, 2))
	x, mask := make([]float64, Window), make([]float64, Bands)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for b.Loop() {
		e.Mask(mask, x)
	}
}

func BenchmarkSigma(b *testing.B) {
	e := New()
	mask, sigma := make([]float64, Bands), make([]float64, Hop)
	for b.Loop() {
		e.Sigma(sigma, 0, mask, mask, mask)
	}
}
