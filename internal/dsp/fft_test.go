package dsp_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"ditas/internal/dsp"
)

func newFFT[T float32 | float64](t testing.TB, points int) *dsp.FFT[T] {
	t.Helper()
	f, err := dsp.NewFFT[T](points)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFFTMatchesDefinition(t *testing.T) {
	for points := 1; points <= 1024; points *= 2 {
		f := newFFT[float64](t, points)
		x, y := signal(points), signal(2 * points)[points:]
		re, im := append([]float64(nil), x...), append([]float64(nil), y...)
		f.Forward(re, im)
		for k := range points {
			var want complex128
			for n := range points {
				a := -2 * math.Pi * float64(k*n%points) / float64(points)
				want += complex(x[n], y[n]) * cmplx.Exp(complex(0, a))
			}
			if got := complex(re[k], im[k]); cmplx.Abs(got-want) > 1e-13*float64(points) {
				t.Fatalf("%d points, value %d: %g, want %g", points, k, got, want)
			}
		}
		f.Forward(im, re)
		for n := range points {
			if r, i := re[n]/float64(points), im[n]/float64(points); math.Abs(r-x[n]) > 1e-13 || math.Abs(i-y[n]) > 1e-13 {
				t.Fatalf("%d points: value %d came back as %g%+gi, was %g%+gi", points, n, r, i, x[n], y[n])
			}
		}
	}
}

func TestFFTInSinglePrecision(t *testing.T) {
	const points = dsp.MaxPoints
	f := newFFT[float32](t, points)
	re, im := make([]float32, points), make([]float32, points)
	re[3] = 1
	if n := testing.AllocsPerRun(1, func() {
		clear(re)
		clear(im)
		re[3] = 1
		f.Forward(re, im)
	}); n != 0 {
		t.Errorf("a transform allocates %v times", n)
	}
	for k := range points {
		s, c := math.Sincos(-2 * math.Pi * 3 * float64(k) / points)
		if math.Abs(float64(re[k])-c) > 1e-6 || math.Abs(float64(im[k])-s) > 1e-6 {
			t.Fatalf("value %d of a displaced impulse: %g%+gi, want %g%+gi", k, re[k], im[k], c, s)
		}
	}
}

func TestFFTRefusesOddSizes(t *testing.T) {
	for _, points := range []int{math.MinInt, -4, 0, 3, 1000, 2 * dsp.MaxPoints} {
		if _, err := dsp.NewFFT[float64](points); err == nil {
			t.Errorf("%d points were accepted", points)
		}
	}
}

func ExampleFFT() {
	f, err := dsp.NewFFT[float64](4)
	if err != nil {
		fmt.Println(err)
		return
	}
	re, im := []float64{1, 2, 3, 4}, make([]float64, 4)
	f.Forward(re, im)
	fmt.Printf("%.3f %.3f\n", re, im)
	// Output: [10.000 -2.000 -2.000 -2.000] [0.000 2.000 0.000 -2.000]
}

func BenchmarkFFT(b *testing.B) {
	f := newFFT[float64](b, 1024)
	re, im := make([]float64, 1024), make([]float64, 1024)
	for b.Loop() {
		copy(re, im)
		f.Forward(re, im)
	}
}
