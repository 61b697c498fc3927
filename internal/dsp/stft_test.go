package dsp

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// naiveSTFT is the definition.
func naiveSTFT(x []float64, window, bins int) []complex128 {
	var out []complex128
	for f := range len(x) / (window / 2) {
		for k := range bins {
			c := math.Sqrt(2 / float64(window))
			if k == 0 || 2*k == window {
				c = math.Sqrt(1 / float64(window))
			}
			var sum complex128
			for n := range window {
				w := math.Sin(math.Pi * (float64(n) + 0.5) / float64(window))
				sum += complex(w*x[(f*window/2+n)%len(x)], 0) * cmplx.Exp(complex(0, -2*math.Pi*float64(k*n)/float64(window)))
			}
			out = append(out, complex(c, 0)*sum)
		}
	}
	return out
}

func TestSTFT(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ window, bins, samples int }{{4, 3, 2}, {4, 3, 10}, {16, 9, 16}, {16, 5, 40}, {64, 32, 96}, {256, 128, 384}} {
		s, err := NewSTFT[float64](c.window, c.bins)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, c.samples)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		n := s.Frames(c.samples) * s.Bins()
		re, im := make([]float64, n), make([]float64, n)
		s.Forward(re, im, x)
		want := naiveSTFT(x, c.window, c.bins)
		if len(want) != n {
			t.Fatalf("%+v: %d values, want %d", c, n, len(want))
		}
		for i, v := range want {
			if cmplx.Abs(complex(re[i], im[i])-v) > 1e-12 {
				t.Fatalf("%+v: value %d is %g%+gi, want %g", c, i, re[i], im[i], v)
			}
		}

		// 〈STFT x, y〉 = 〈x, adjoint y〉 for any y.
		yr, yi := make([]float64, n), make([]float64, n)
		var left, right float64
		for i := range yr {
			yr[i], yi[i] = rng.NormFloat64(), rng.NormFloat64()
			left += re[i]*yr[i] + im[i]*yi[i]
		}
		back := make([]float64, len(x))
		back[0] = 7 // it assigns
		s.Adjoint(back, yr, yi)
		for i, v := range x {
			right += v * back[i]
		}
		if math.Abs(left-right) > 1e-9 {
			t.Errorf("%+v: not the adjoint: %g, %g", c, left, right)
		}

		if c.bins == c.window/2+1 {
			s.Adjoint(back, re, im)
			for i, v := range x {
				if math.Abs(back[i]-v) > 1e-12 {
					t.Fatalf("%+v: sample %d comes back as %g, want %g", c, i, back[i], v)
				}
			}
		}
	}
}

func TestSTFTLimits(t *testing.T) {
	for _, c := range [][2]int{{0, 1}, {2, 1}, {24, 4}, {2 * MaxWindow, 4}, {16, 0}, {16, 10}} {
		if _, err := NewSTFT[float32](c[0], c[1]); err == nil {
			t.Errorf("a window of %d with %d bins is taken", c[0], c[1])
		}
	}
	s, err := NewSTFT[float32](16, 9)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a signal of 12 samples is taken for frames of 8")
		}
	}()
	s.Frames(12)
}
