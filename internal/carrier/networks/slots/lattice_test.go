package slots

import (
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"math"
	"testing"
)

func TestNearestIsNearest(t *testing.T) {
	rng := random(1)
	for range 10000 {
		l := Lattice(math.Exp(-12 * rng.Float64()))
		sample, m, d := rng.Float64()*2-1, rng.Float64()-0.5, rng.Float64()
		y := carrier.Nearest(sample, float64(l), m+d)
		if e := math.Abs(y - sample); e > float64(l)/2*(1+1e-9) {
			t.Fatalf("the point lies %v Δ away", e/float64(l))
		}
		if e := math.Abs(wrap(l.Symbol(y, d) - m)); e > 1e-9 {
			t.Fatalf("symbol %v is read as %v", m, l.Symbol(y, d))
		}
	}
}

// The error is Δ²/12 whatever is hidden and wherever, and independent of the symbol.
func TestDistortion(t *testing.T) {
	rng := random(2)
	dither := keystream.New(keystream.Public(), "test")
	for _, cover := range []func() float64{rng.NormFloat64, func() float64 { return 0 }} {
		for _, m := range []float64{-0.5, -0.25, 0, 0.25} {
			const n, l = 100000, Lattice(0.01)
			sum := 0.0
			for range n {
				v := 0.1 * cover()
				e := (carrier.Nearest(v, float64(l), m+dither.Dither()) - v) / float64(l)
				sum += e * e
			}
			if got := sum / n * 12; math.Abs(got-1) > 0.02 {
				t.Errorf("symbol %v: mean squared error is %.3f of Δ²/12", m, got)
			}
		}
	}
}

func TestEmbedStaysInRange(t *testing.T) {
	dither := keystream.New(keystream.Public(), "test")
	for _, bits := range []int{8, 16, 24} {
		g := pcm(bits)
		l, _ := latticeFor(g)
		for _, v := range []float64{-1, -1 + g.Step, 1 - 2*g.Step, 1 - g.Step} {
			for range 1000 {
				m, d := bitSymbol(byte(dither.Below(2))), dither.Dither()
				y := l.Embed(v, m, d, g)
				if y < -1 || y > 1-g.Step || y != g.Round(y) {
					t.Fatalf("%d bits: %v becomes %v", bits, v, y)
				}
				if e := math.Abs(y - v); e > float64(l)+g.Step {
					t.Fatalf("%d bits: %v moves by %v Δ", bits, v, e/float64(l))
				}
				if e := math.Abs(wrap(l.Symbol(y, d) - m)); e > g.Step/2/float64(l)+1e-9 {
					t.Fatalf("%d bits: symbol %v is read as %v", bits, m, l.Symbol(y, d))
				}
			}
		}
	}
}

// The exact log-likelihood under wrapped Gaussian noise.
func exact(m, sigma float64) float64 {
	var one, zero float64
	for k := -6.0; k <= 6; k++ {
		one += math.Exp(-(m - 0.25 + k) * (m - 0.25 + k) / (2 * sigma * sigma))
		zero += math.Exp(-(m + 0.25 + k) * (m + 0.25 + k) / (2 * sigma * sigma))
	}
	return math.Log(one / zero)
}

func TestLogLikelihood(t *testing.T) {
	for _, sigma := range []float64{0.05, 0.08, 0.12, 0.17, 0.24} {
		c := certainty(sigma)
		for i := range 1000 {
			m := float64(i)/1000 - 0.5
			got, want := logLikelihood(m, c), exact(m, sigma)
			if math.Abs(got-want) > 0.2*c || got*want < -1e-9 {
				t.Fatalf("noise %v: log-likelihood of %v is %v, want %v within a fifth of %v", sigma, m, got, want, c)
			}
		}
		for m, want := range map[float64]float64{0: 0, 0.25: c, -0.25: -c, -0.5: 0} {
			if got := logLikelihood(m, c); math.Abs(got-want) > 1e-9 || math.Abs(want-exact(m, sigma)) > 1e-6*c {
				t.Errorf("noise %v: log-likelihood of %v is %v, want %v", sigma, m, got, want)
			}
		}
	}
}

func TestNoise(t *testing.T) {
	rng := random(3)
	for _, c := range []struct{ sigma, want float64 }{
		{0, minNoise}, {0.01, minNoise}, {0.08, 0.08}, {0.12, 0.12}, {0.16, 0.16}, {0.5, maxNoise},
	} {
		readings := []float64{math.NaN()}
		for range 10000 {
			readings = append(readings, wrap(bitSymbol(byte(rng.IntN(2)))+c.sigma*rng.NormFloat64()))
		}
		if got := noise(readings); math.Abs(got-c.want) > 0.05*c.want {
			t.Errorf("noise %v is estimated as %v, want %v", c.sigma, got, c.want)
		}
	}
	if got := noise(nil); got != maxNoise {
		t.Errorf("noise of nothing is %v, want %v", got, maxNoise)
	}
}

func TestGrids(t *testing.T) {
	for _, c := range []struct {
		g    carrier.Grid
		want Lattice
	}{{pcm(8), coarse}, {pcm(12), coarse}, {pcm(15), fine}, {pcm(16), fine}, {pcm(24), fine}, {pcm(32), fine}, {carrier.Grid{}, fine}} {
		if got, ok := latticeFor(c.g); !ok || got != c.want {
			t.Errorf("step %v has lattice %v, want %v", c.g.Step, got, c.want)
		}
	}
	if g := pcm(16); g.Step != 1.0/32768 || g.Round(0.3) != 9830.0/32768 {
		t.Errorf("16 bits: step %v, 0.3 becomes %v", g.Step, g.Round(0.3))
	}
}
