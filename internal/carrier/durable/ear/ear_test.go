package ear

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestBands(t *testing.T) {
	if n := math.Ceil((bark(highest) - bark(lowest)) / resolution); n != Bands {
		t.Errorf("%g bands", n)
	}
}

// White noise is masked by the offset of each band alone, since spreading leaves equal densities nearly as they are.
func TestMaskOfWhiteNoise(t *testing.T) {
	e, r := New(), rand.New(rand.NewPCG(1, 2))
	x, mask, mean := make([]float64, Window), make([]float64, Bands), make([]float64, Bands)
	const frames = 400
	for range frames {
		for i := range x {
			x[i] = r.NormFloat64()
		}
		e.Mask(mask, x)
		for i := range mean {
			mean[i] += mask[i] * 10 * math.Log10(2) / frames
		}
	}
	for i := 20; i < Bands; i++ {
		if mean[i] < -12 || mean[i] > -1 {
			t.Errorf("band %d: the mask lies at %.1f dB", i, mean[i])
		}
	}
	t.Log(mean)
}

// A recording that is twice as loud takes a change that is twice as strong.
func TestLoudness(t *testing.T) {
	e, r := New(), rand.New(rand.NewPCG(3, 4))
	x, y := make([]float64, Window), make([]float64, Window)
	for i := range x {
		x[i] = r.NormFloat64() * 0.1
		y[i] = 2 * x[i]
	}
	a, b := make([]float64, Bands), make([]float64, Bands)
	e.Mask(a, x)
	e.Mask(b, y)
	sa, sb := make([]float64, Hop), make([]float64, Hop)
	e.Sigma(sa, 0, a, a, a)
	e.Sigma(sb, 0, b, b, b)
	for k := range sa {
		if math.Abs(sb[k]/sa[k]-2) > 1e-6 {
			t.Fatalf("coefficient %d: %g and %g", k, sa[k], sb[k])
		}
	}
}
