package carrier

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// RFC 5869, test case 1, second step: the info and key there are what Derive feeds to Expand.
func TestDerive(t *testing.T) {
	prk, _ := hex.DecodeString("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
	info, _ := hex.DecodeString("f0f1f2f3f4f5f6f7f8f9")
	want := "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf" // the first 32 of its 42 bytes
	if got := Key(prk).Derive(string(info)); hex.EncodeToString(got[:]) != want {
		t.Errorf("derived %x, want %s", got, want)
	}
}

func TestStream(t *testing.T) {
	// The first number of the sample output in the specification of chacha8rand.
	sample := Stream{rand.NewChaCha8([32]byte([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456")))}
	if got, want := sample.Dither(), float64(0xb773b6063d4616a5>>11)/(1<<53); got != want {
		t.Errorf("the generator starts with %v, want %v", got, want)
	}
	a, b, c := NewStream(Key{}, "a"), NewStream(Key{}, "a"), NewStream(Key{}, "b")
	same := 0
	for range 1000 {
		x := a.Dither()
		if x != b.Dither() {
			t.Fatal("the same key and label give another stream")
		}
		if x == c.Dither() {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d of 1000 numbers are the same under another label", same)
	}
}

// Symbols are hidden only as far as dither is uniform: chi-squared over 64 bins, 63 degrees of freedom, within 5 sigma.
func TestUniform(t *testing.T) {
	s := NewStream(PublicKey(), "test")
	for name, draw := range map[string]func() int{
		"Dither": func() int { return int(64 * s.Dither()) },
		"Below":  func() int { return s.Below(64) },
	} {
		var bins [64]float64
		const n = 1 << 18
		for range n {
			bins[draw()]++
		}
		chi := 0.0
		for _, b := range bins {
			chi += (b - n/64) * (b - n/64) / (n / 64)
		}
		if math.Abs(chi-63) > 5*math.Sqrt(2*63) {
			t.Errorf("%s: chi-squared %.1f, want 63", name, chi)
		}
	}
	p := make([]uint32, 1000)
	s.permute(p)
	if slices.IsSorted(p) {
		t.Error("nothing is permuted")
	}
	slices.Sort(p)
	for i, v := range p {
		if int(v) != i {
			t.Fatalf("not a permutation: %d at %d", v, i)
		}
	}
}

func TestNearestIsNearest(t *testing.T) {
	rng := random(1)
	for range 10000 {
		l := Lattice(math.Exp(-12 * rng.Float64()))
		sample, m, d := rng.Float64()*2-1, rng.Float64()-0.5, rng.Float64()
		y := l.Nearest(sample, m, d)
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
	dither := NewStream(PublicKey(), "test")
	for _, cover := range []func() float64{rng.NormFloat64, func() float64 { return 0 }} {
		for _, m := range []float64{-0.5, -0.25, 0, 0.25} {
			const n, l = 100000, Lattice(0.01)
			sum := 0.0
			for range n {
				v := 0.1 * cover()
				e := (l.Nearest(v, m, dither.Dither()) - v) / float64(l)
				sum += e * e
			}
			if got := sum / n * 12; math.Abs(got-1) > 0.02 {
				t.Errorf("symbol %v: mean squared error is %.3f of Δ²/12", m, got)
			}
		}
	}
}

func TestEmbedStaysInRange(t *testing.T) {
	dither := NewStream(PublicKey(), "test")
	for _, bits := range []int{8, 16, 24} {
		g := PCM(bits)
		l, _ := g.lattice()
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
		g    Grid
		want Lattice
	}{{PCM(8), coarse}, {PCM(12), coarse}, {PCM(15), fine}, {PCM(16), fine}, {PCM(24), fine}, {PCM(32), fine}, {Grid{}, fine}} {
		if got, ok := c.g.lattice(); !ok || got != c.want {
			t.Errorf("step %v has lattice %v, want %v", c.g.Step, got, c.want)
		}
	}
	if g := PCM(16); g.Step != 1.0/32768 || g.Round(0.3) != 9830.0/32768 {
		t.Errorf("16 bits: step %v, 0.3 becomes %v", g.Step, g.Round(0.3))
	}
}
