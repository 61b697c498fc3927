package residual

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// naive measures a residual as its documentation says, value by value.
func naive(values []float64) (nearZero, small, hold, hoyer float64) {
	n := float64(len(values))
	var l1, l2 float64
	for _, v := range values {
		l1 += math.Abs(v)
		l2 += v * v
	}
	rms := math.Sqrt(l2 / n)
	descending := slices.Clone(values)
	sort.Slice(descending, func(i, j int) bool { return math.Abs(descending[i]) > math.Abs(descending[j]) })
	held, holding := 0.0, false
	for _, v := range descending {
		if math.Abs(v) < 0.5/255 {
			nearZero += 1 / n
		}
		if math.Abs(v) < rms/10 {
			small += 1 / n
		}
		if !holding {
			hold += 1 / n
			held += v * v
			holding = held >= 0.9*l2
		}
	}
	return nearZero, small, hold, (math.Sqrt(n) - l1/math.Sqrt(l2)) / (math.Sqrt(n) - 1)
}

func TestProfile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	values := make([]float64, 3000)
	for i := range values {
		values[i] = 0.01 * rng.NormFloat64() * rng.ExpFloat64()
	}
	p := Measure(values)
	nearZero, small, hold, hoyer := naive(values)
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"near zero", p.nearZero, nearZero}, {"small", p.small, small}, {"hold", p.hold, hold}, {"Hoyer", p.hoyer, hoyer}} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: %g, want %g", c.name, c.got, c.want)
		}
	}
	var all, normalised float64
	for i := range Bins {
		all += p.histogram[i]
		normalised += p.shape[i]
	}
	if math.Abs(all-1) > 1e-9 || math.Abs(normalised-1) > 1e-9 {
		t.Errorf("histograms sum to %g and %g", all, normalised)
	}
	// The shape does not depend on the size.
	for i := range values {
		values[i] *= 1000
	}
	if q := Measure(values); math.Abs(q.hoyer-p.hoyer) > 1e-9 || q.hold != p.hold || q.shape != p.shape || q.nearZero >= p.nearZero {
		t.Errorf("a thousand times as large: %+v, was %+v", q, p)
	}
}

func TestProfileOfKnownShapes(t *testing.T) {
	const n = 1 << 16
	rng := rand.New(rand.NewPCG(2, 2))
	noise, equal, spike, nothing := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range noise {
		noise[i], equal[i] = rng.NormFloat64(), 0.3*float64(1-2*(i%2))
	}
	spike[77] = -0.5
	gaussianSmall, gaussianHold, gaussianHoyer := Gaussian()
	for _, c := range []struct {
		name               string
		values             []float64
		small, hold, hoyer float64
	}{
		{"noise", noise, gaussianSmall, gaussianHold, gaussianHoyer}, {"equal", equal, 0, 0.9, 0},
		{"spike", spike, 1, 0, 1}, {"nothing", nothing, 1, 0, 1},
	} {
		p := Measure(c.values)
		if math.Abs(p.small-c.small) > 0.004 || math.Abs(p.hold-c.hold) > 0.004 || math.Abs(p.hoyer-c.hoyer) > 0.004 {
			t.Errorf("%s: %g, %g, %g, want %g, %g, %g", c.name, p.small, p.hold, p.hoyer, c.small, c.hold, c.hoyer)
		}
	}
	if math.Abs(gaussianHold-0.445) > 0.001 {
		t.Errorf("%g of Gaussian noise hold 90 %% of its energy, want 0.445", gaussianHold)
	}
}

func TestBin(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want int
	}{{0, 0}, {1e-9, 0}, {1.01e-6, 0}, {1.01e-5, 8}, {0.999e-5, 7}, {1.01, 48}, {9.9, 55}, {100, 55}} {
		if got := bin(c.v); got != c.want {
			t.Errorf("%g is in bin %d, want %d", c.v, got, c.want)
		}
	}
}

func TestSparsity(t *testing.T) {
	s := Mean("x", 2, []Profile{{energy: 1, nearZero: 0.5, hold: 0.2}, {energy: 3, nearZero: 1, hold: 0.4}})
	if s.Energy != 2 || s.RMS != math.Sqrt2 || s.NearZero != 0.75 || math.Abs(s.Hold-0.3) > 1e-12 || s.Stage != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAmplification(t *testing.T) {
	values := make([]float64, 100)
	for i := range values {
		values[i] = 0.011
	}
	values[0] = -100 // one in a hundred may exceed the range
	if got := Amplification(values); got != 32 {
		t.Errorf("× %g, want 32", got)
	}
	if got := Amplification([]float64{0.9}); got != 1 {
		t.Errorf("× %g, want 1", got)
	}
	if got := quantile([]float64{-4, 1, 2, 3}, 0.5); got != 2 {
		t.Errorf("median %g, want 2", got)
	}
}
