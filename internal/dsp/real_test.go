package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The power spectrum is that of the definition, at every size.
func TestPower(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for points := 4; points <= 4096; points *= 2 {
		p, err := NewPower(points)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, points)
		total := 0.0
		for i := range x {
			x[i] = rng.NormFloat64()
			total += x[i] * x[i]
		}
		for i := range points / 2 {
			p.Set(i, x[2*i], x[2*i+1])
		}
		got := make([]float64, points/2+1)
		p.Compute(got)
		for i := 0; i <= points/2; i += 1 + points/64 {
			var re, im float64
			for n, v := range x {
				sin, cos := math.Sincos(2 * math.Pi * float64(i*n%points) / float64(points))
				re += v * cos
				im -= v * sin
			}
			if want := re*re + im*im; math.Abs(got[i]-want) > 1e-10*total {
				t.Fatalf("%d points: value %d is %g, want %g", points, i, got[i], want)
			}
		}
	}
	for _, points := range []int{-8, 0, 2, 12, 4 * MaxPoints} {
		if _, err := NewPower(points); err == nil {
			t.Errorf("%d points were taken", points)
		}
	}
}

func BenchmarkPower(b *testing.B) {
	p, err := NewPower(2048)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float64, 800)
	for b.Loop() {
		for i := range 1024 {
			p.Set(i, float64(i), 1)
		}
		p.Compute(dst)
	}
}
