package dsp

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// The product of a spectrum and the conjugate of another is the spectrum of their correlation, which the definition gives as well.
func TestCorrelator(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{4, 8, 16, 32, 128, 512, 8192, 16384} {
		c, err := NewCorrelator(n)
		if err != nil {
			t.Fatal(err)
		}
		var parts [4][]float32
		for i := range parts {
			for range n {
				parts[i] = append(parts[i], float32(rng.NormFloat64()))
			}
		}
		x, y := make([]complex128, n), make([]complex128, n)
		for i := range n {
			x[i] = complex(float64(parts[0][i]), float64(parts[1][i]))
			y[i] = complex(float64(parts[2][i]), float64(parts[3][i]))
		}
		c.Forward(parts[0], parts[1])
		c.Forward(parts[2], parts[3])
		for i := range n {
			a, b := complex(parts[0][i], -parts[1][i]), complex(parts[2][i], parts[3][i])
			parts[0][i], parts[1][i] = real(a*b), imag(a*b)
		}
		c.Inverse(parts[0], parts[1])
		for _, lag := range []int{0, 1, 3, n / 2, n - 1} {
			var want complex128
			for i := range n {
				want += cmplx.Conj(x[i]) * y[(i+lag)%n]
			}
			got := complex(float64(parts[0][lag]), float64(parts[1][lag])) / complex(float64(n), 0)
			if cmplx.Abs(got-want) > 1e-5*float64(n)*math.Log2(float64(n)) {
				t.Errorf("%d points, lag %d: %g, want %g", n, lag, got, want)
			}
		}
	}
	for _, n := range []int{0, 1, 2, 3, 24, 2 * MaxPoints} {
		if _, err := NewCorrelator(n); err == nil {
			t.Errorf("a correlator of %d points", n)
		}
	}
}

func BenchmarkCorrelator(b *testing.B) {
	c, err := NewCorrelator(1 << 19)
	if err != nil {
		b.Fatal(err)
	}
	re, im := make([]float32, 1<<19), make([]float32, 1<<19)
	re[3] = 1
	for b.Loop() {
		c.Forward(re, im)
		c.Inverse(re, im)
		for i := range re {
			re[i], im[i] = re[i]/(1<<19), im[i]/(1<<19)
		}
	}
}
