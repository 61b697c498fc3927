package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// extract returns the features of a recording by their names.
func extract(t *testing.T, x []int16) func(name string) float64 {
	t.Helper()
	names := Names()
	values := make([]float64, len(names))
	if err := NewExtractor().Extract(values, x); err != nil {
		t.Fatal(err)
	}
	return func(name string) float64 {
		t.Helper()
		i := slices.Index(names, name)
		if i < 0 {
			t.Fatalf("no feature %q", name)
		}
		return values[i]
	}
}

// samples rounds what a function gives for each.
func samples(n int, f func(i int) float64) []int16 {
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(math.RoundToEven(max(math.MinInt16, min(math.MaxInt16, f(i)))))
	}
	return x
}

// white is Gaussian noise of a deviation.
func white(n int, deviation float64, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	return samples(n, func(int) float64 { return deviation * rng.NormFloat64() })
}

// low is a sound of loud partials in the lower half of the band, and rounding alone above it.
func low(n int) []int16 {
	rng := rand.New(rand.NewPCG(7, 7))
	var pitch, phase [40]float64
	for k := range pitch {
		pitch[k], phase[k] = 0.45*math.Pi*rng.Float64(), 2*math.Pi*rng.Float64()
	}
	return samples(n, func(i int) float64 {
		v := 0.0
		for k, w := range pitch {
			v += 200 * math.Sin(w*float64(i)+phase[k])
		}
		return v
	})
}

func TestNames(t *testing.T) {
	names := Names()
	kinds := map[string]int{}
	for _, n := range names {
		kind, _, _ := strings.Cut(n, " ")
		kinds[kind]++
	}
	if len(kinds) != len(parts) || len(names) < 1800 {
		t.Errorf("%d features: %v", len(names), kinds)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(names))); len(unique) != len(names) {
		t.Errorf("%d names for %d features", len(unique), len(names))
	}
}

// Whatever the recording, features are numbers, and follow from it alone.
func TestExtract(t *testing.T) {
	e, n := NewExtractor(), len(Names())
	first := make([]float64, n)
	if err := e.Extract(first, white(20000, 30, 1)); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for name, x := range map[string][]int16{
		"silence": make([]int16, Shortest), "extremes": samples(10007, func(i int) float64 { return 40000 * math.Cos(math.Pi*float64(i)) }),
		"constant": samples(9000, func(int) float64 { return -32768 }), "an impulse": samples(9000, func(i int) float64 { return float64(i / 8999 * 9) }),
		"loud noise": samples(40000, func(int) float64 { return 20000 * rng.NormFloat64() }),
	} {
		values := make([]float64, n)
		if err := e.Extract(values, x); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: %s is %g", name, Names()[i], v)
			}
		}
	}
	again := make([]float64, n)
	if err := e.Extract(again, white(20000, 30, 1)); err != nil || !slices.Equal(first, again) {
		t.Errorf("other features after other recordings: %v", err)
	}
	if err := e.Extract(again, make([]int16, Shortest-1)); err == nil {
		t.Error("a recording that is too short has features")
	}
	if err := e.Extract(again[1:], make([]int16, Shortest)); err == nil {
		t.Error("there is no room for all features")
	}
}

// The classes are the orbits of combinations under changes of sign and direction, by Burnside's lemma: for 2T + 1 = s values and three at a time
// (s³ + 1 + s² + s)/4, for four (s⁴ + 1 + 2s²)/4.
func TestPattern(t *testing.T) {
	for _, c := range []struct{ values, limit, classes int }{{3, 3, (343 + 1 + 49 + 7) / 4}, {3, 1, (27 + 1 + 9 + 3) / 4}, {4, 2, (625 + 1 + 50) / 4}} {
		if p := newPattern(c.values, c.limit); p.classes != c.classes {
			t.Errorf("%+v: %d classes", c, p.classes)
		}
	}
	p := newPattern(3, 1)
	counts := make([]float64, p.classes)
	// (1, 0, −1), (0, −1, 0), (−1, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, −1): the first is the third, the second the fourth, and the fifth the sixth.
	if n := p.count(counts, []int8{1, 0, -1, 0, 1, 0, 0, -1}); n != 6 {
		t.Errorf("%d combinations", n)
	}
	slices.Sort(counts)
	if !slices.Equal(counts, []float64{0, 0, 0, 0, 0, 0, 0, 2, 2, 2}) {
		t.Error(counts)
	}
}

// Differences of x = 0, 1, 0, 1, … are ±1 by turns, of which all combinations are of one class, and second differences ±2.
func TestCooccurrences(t *testing.T) {
	f := extract(t, samples(Shortest, func(i int) float64 { return float64(i % 2) }))
	var seen []float64
	for _, name := range Names() {
		if strings.HasPrefix(name, "co-occurrence of 3 first quiet ") && f(name) != 0 {
			seen = append(seen, f(name))
		}
	}
	if !slices.Equal(seen, []float64{1}) {
		t.Error(seen)
	}
	if f("histogram first quiet 1") != 1 || f("histogram second quiet 2") != 1 || f("histogram second quiet 1") != 0 {
		t.Error("the histograms are of other residuals")
	}
}

// White noise has the histogram of its distribution and the level of its variance in every band.
func TestFloors(t *testing.T) {
	f := extract(t, white(200000, 2, 5))
	within := func(name string, want, by float64) {
		t.Helper()
		if got := f(name); math.Abs(got-want) > by {
			t.Errorf("%s: %.3f, want %.3f", name, got, want)
		}
	}
	level := 10 * math.Log10(4+rounding)
	for _, name := range []string{"floor band 3 50 %", "floor band 31 50 %", "floor predicted 50 %"} {
		within(name, level, 0.35) // less what the median of few cells is below their mean, and what prediction learns of noise
	}
	within("floor first 50 %", level+10*math.Log10(2), 0.1)
	within("floor second 50 %", level+10*math.Log10(6), 0.1)
	// The difference of neighbours has a variance of 2·(4 + 1/12): its share at 0 is nearly its density there.
	within("histogram first loud 0", math.Sqrt(1/math.Sqrt(2*math.Pi*2*(4+rounding))), 0.02)
	within("depth of bins 10 %", level-10*math.Log10(rounding), 0.5)
}

// Where a recording has nothing but its rounding, 1/12 LSB², the holes are as deep as that, and noise of another 1/12 fills them by 3 dB.
func TestHoles(t *testing.T) {
	x := low(49152)
	noisy := slices.Clone(x)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range noisy {
		if v := rng.IntN(24); v < 2 {
			noisy[i] += int16(2*v - 1)
		}
	}
	before, after := extract(t, x), extract(t, noisy)
	for _, name := range []string{"depth of bins 10 %", "depth of bins in quiet frames 10 %", "depth of blocks 10 %"} {
		if d := after(name) - before(name); math.Abs(d-3) > 0.4 || before(name) > 0.2 || before(name) < -2 {
			t.Errorf("%s: %.2f dB, and with noise %.2f", name, before(name), after(name))
		}
	}
	if d := after("hole 12 10 %") - before("hole 12 10 %"); math.Abs(d-3) > 0.3 {
		t.Errorf("a low quantile rises by %.2f dB", d)
	}
	// A band of nothing else is all holes below 1.8/12 LSB², but for one cell in fifty, and with the noise there are few.
	if a, b := before("hole 12 below 1.8"), after("hole 12 below 1.3"); a < 0.99 || b > 0.5 {
		t.Errorf("holes: %.3f, and with noise %.3f", a, b)
	}
	if a, b := before("hole 2 below 50"), before("floor band 2 50 %"); a > 0.5 || b < 0 {
		t.Errorf("there are holes (%.2f) where the sound is (%.1f dB)", a, b)
	}
	// A depth is near the mark below it and the one above it, together 1.
	sum := 0.0
	for _, name := range Names() {
		if strings.HasPrefix(name, "depth of bins 30 % near ") {
			sum += after(name)
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the marks add up to %g", sum)
	}
}

// Replacing the lowest bits makes values of a pair equally frequent, and sample pairs tell how many were replaced.
func TestPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	v := 0.0
	cover := samples(200000, func(int) float64 {
		v = 0.99*v + 8*rng.NormFloat64()
		return v
	})
	for i, c := range cover { // Every other value is rare, as in recordings that were made louder.
		if c&1 == 1 && rng.IntN(4) > 0 {
			cover[i]--
		}
	}
	if f := extract(t, cover); f("pairs Westfeld") < 2 {
		t.Errorf("pairs of a cover whose odd values are rare: %.2f", f("pairs Westfeld"))
	}
	smooth := samples(200000, func(int) float64 {
		v = 0.99*v + 8*rng.NormFloat64()
		return v
	})
	for _, share := range []float64{0, 0.25, 0.5, 1} {
		stego := slices.Clone(smooth)
		for i := range stego {
			if rng.Float64() < share {
				stego[i] = stego[i]&^1 | int16(rng.IntN(2))
			}
		}
		f := extract(t, stego)
		if got := f("pairs sample pairs"); math.Abs(got-share) > 0.06 {
			t.Errorf("%g of the bits are replaced, sample pairs say %.3f", share, got)
		}
		if odd := f("pairs odd"); math.Abs(odd-0.5) > 0.01 {
			t.Errorf("%g of the values are odd", odd)
		}
	}
}
