package dsp_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/internal/dsp"
)

// naive is the definition of the transform, term by term.
func naive(x []float64, bands int) []float64 {
	frames := len(x) / bands
	out := make([]float64, len(x))
	m := float64(bands)
	for f := range frames {
		for k := range bands {
			for n := range 2 * bands {
				w := math.Sin(math.Pi * (float64(n) + 0.5) / (2 * m))
				c := math.Cos(math.Pi / m * (float64(n) + 0.5 + m/2) * (float64(k) + 0.5))
				out[f*bands+k] += math.Sqrt(2/m) * w * c * x[(f*bands+n)%len(x)]
			}
		}
	}
	return out
}

func signal(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func TestMDCTMatchesDefinition(t *testing.T) {
	for _, bands := range []int{4, 8, 32, 256} {
		for _, frames := range []int{2, 3, 5} {
			m, err := dsp.NewMDCT[float64](bands)
			if err != nil {
				t.Fatal(err)
			}
			x := signal(bands * frames)
			got := make([]float64, len(x))
			m.Forward(got, x)
			for i, want := range naive(x, bands) {
				if math.Abs(got[i]-want) > 1e-12*float64(bands) {
					t.Fatalf("%d bands, %d frames, coefficient %d: %g, want %g", bands, frames, i, got[i], want)
				}
			}
			back := make([]float64, len(x))
			m.Inverse(back, got)
			var power, spectrum float64
			for i := range x {
				if math.Abs(back[i]-x[i]) > 1e-12 {
					t.Fatalf("%d bands: sample %d came back as %g, was %g", bands, i, back[i], x[i])
				}
				power += x[i] * x[i]
				spectrum += got[i] * got[i]
			}
			if math.Abs(power-spectrum) > 1e-9*power {
				t.Errorf("%d bands: power %g became %g", bands, power, spectrum)
			}
		}
	}
}

func TestMDCTInSinglePrecision(t *testing.T) {
	m, err := dsp.NewMDCT[float32](256)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 16384)
	for i, v := range signal(len(x)) {
		x[i] = float32(v)
	}
	c, back := make([]float32, len(x)), make([]float32, len(x))
	if n := testing.AllocsPerRun(2, func() { m.Forward(c, x); m.Inverse(back, c) }); n != 0 {
		t.Errorf("there and back allocates %v times", n)
	}
	for i := range x {
		if math.Abs(float64(back[i]-x[i])) > 3e-6 {
			t.Fatalf("sample %d came back as %g, was %g", i, back[i], x[i])
		}
	}
}

func TestMDCTRefusesOddSizes(t *testing.T) {
	for _, bands := range []int{-4, 0, 2, 12, 4096} {
		if _, err := dsp.NewMDCT[float32](bands); err == nil {
			t.Errorf("%d bands were accepted", bands)
		}
	}
}

func ExampleMDCT() {
	m, err := dsp.NewMDCT[float64](4)
	if err != nil {
		fmt.Println(err)
		return
	}
	spectrum, back := make([]float64, 8), make([]float64, 8)
	m.Forward(spectrum, []float64{1, 2, 3, 4, 5, 6, 7, 8})
	m.Inverse(back, spectrum)
	fmt.Printf("%.3f\n", back)
	// Output: [1.000 2.000 3.000 4.000 5.000 6.000 7.000 8.000]
}

func BenchmarkMDCT(b *testing.B) {
	m, err := dsp.NewMDCT[float32](256)
	if err != nil {
		b.Fatal(err)
	}
	x, c := make([]float32, 16384), make([]float32, 16384)
	for b.Loop() {
		m.Forward(c, x)
	}
	b.SetBytes(16384 * 4)
}
