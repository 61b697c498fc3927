package dsp

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestDot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		a, b := make([]float64, n+3)[3:], make([]float64, n+1)[1:] // of any alignment
		exact, size := new(big.Float).SetPrec(500), 0.0
		for i := range a {
			a[i], b[i] = rng.NormFloat64(), rng.NormFloat64()
			exact.Add(exact, new(big.Float).SetPrec(500).Mul(big.NewFloat(a[i]), big.NewFloat(b[i])))
			size += math.Abs(a[i] * b[i])
		}
		if want, _ := exact.Float64(); math.Abs(Dot(a, b)-want) > size*0x1p-48 {
			t.Errorf("of %d values: %g, want %g", n, Dot(a, b), want)
		}
	}
}

// Recordings are made of these sums, and tests compare them with what other machines made.
func TestDotIsTheSameEverywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 20 * lanes {
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			a[i], b[i] = math.Ldexp(rng.NormFloat64(), rng.IntN(40)), math.Ldexp(rng.NormFloat64(), rng.IntN(40))
		}
		if fast, portable := Dot(a, b), portableDot(a, b); fast != portable {
			t.Fatalf("of %d values: %g, want %g", n, fast, portable)
		}
	}
}

func BenchmarkDot(b *testing.B) {
	x, y := make([]float64, 300), make([]float64, 300)
	for i := range x {
		x[i], y[i] = float64(i), 1/float64(i+1)
	}
	b.SetBytes(8 * 300)
	for b.Loop() {
		Dot(x, y)
	}
}
