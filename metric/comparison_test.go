package metric

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// However recordings are cut into blocks, the figures are those of the functions for whole ones.
func TestComparisonIsThatOfTheWhole(t *testing.T) {
	const rate = 16000
	for _, length := range []int{1, 319, 320, 321, 682, 683, 1000, 1364, 1365, 1366, 2047, 20001} {
		for _, block := range []int{1, 100, 1024, 100000} {
			if block == 1 && length > 3000 {
				continue
			}
			rng := rand.New(rand.NewPCG(1, uint64(length)))
			x, y := make([][]float64, 2), make([][]float64, 2)
			for c := range x {
				for i := range length {
					v := 0.3 * math.Sin(float64(i*(c+1))/20) * math.Sin(float64(i)/3000)
					if i%4000 < 700 {
						v = 0
					}
					x[c] = append(x[c], v)
					if i%3 == 0 {
						v += 0.001 * rng.NormFloat64()
					}
					y[c] = append(y[c], v)
				}
			}
			c, err := NewComparison(rate, 2)
			if err != nil {
				t.Fatal(err)
			}
			for from := 0; from < length; from += block {
				to := min(from+block, length)
				if err := c.Add([][]float64{x[0][from:to], x[1][from:to]}, [][]float64{y[0][from:to], y[1][from:to]}); err != nil {
					t.Fatal(err)
				}
			}
			got := c.Figures()
			check := func(name string, got, want float64, err error) {
				if err != nil || math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
					t.Errorf("%d samples in blocks of %d: %s %g, want %g, %v", length, block, name, got, want, err)
				}
			}
			both := func(f func(x, y []float64) (float64, error)) (float64, error) {
				return f(slices.Concat(x...), slices.Concat(y...))
			}
			want, err := both(MSE)
			check("MSE", got.MSE, want, err)
			want, err = both(SNR)
			check("SNR", got.SNR, want, err)
			want, err = both(MaxDeviation)
			check("largest deviation", got.MaxDeviation, want, err)
			differing, masked, moments, sum := 0, 0.0, 0.0, 0.0
			m, err := NewMasking(rate)
			if err != nil {
				t.Fatal(err)
			}
			for i := range x {
				for k, v := range x[i] {
					if y[i][k] != v {
						differing++
					}
				}
				ratios, err := m.NoiseToMask(x[i], y[i])
				if err != nil || !slices.Equal(ratios, got.Moments[i]) {
					t.Errorf("%d samples in blocks of %d: %d moments, want %d", length, block, len(got.Moments[i]), len(ratios))
				}
				for _, r := range ratios {
					moments++
					sum += math.Pow(10, r.Mean/10)
					if r.Mean < 0 {
						masked++
					}
				}
			}
			check("differing", float64(got.Differing), float64(differing), nil)
			check("masked", got.Masked, masked/moments, nil)
			check("NMR", math.Pow(10, got.NMR/10), sum/moments, nil)
			if length%(rate/50) == 0 {
				want, err = both(func(x, y []float64) (float64, error) { return SegmentalSNR(x, y, rate/50) })
				check("segmental SNR", got.SegmentalSNR, want, err)
			}
		}
	}
}

func TestComparisonOfEqualRecordings(t *testing.T) {
	c, err := NewComparison(44100, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := [][]float64{make([]float64, 5000)}
	x[0][10] = 0.5
	if err := c.Add(x, x); err != nil {
		t.Fatal(err)
	}
	if f := c.Figures(); f.Differing != 0 || f.MSE != 0 || !math.IsInf(f.SNR, 1) || !math.IsInf(f.NMR, -1) || f.Masked != 1 || f.Disturbed != 0 {
		t.Errorf("%+v", f)
	}
}

func TestComparisonErrors(t *testing.T) {
	if _, err := NewComparison(0, 1); err == nil {
		t.Error("a rate of 0 was accepted")
	}
	c, err := NewComparison(100, 1) // no ear model is for this rate
	if err != nil {
		t.Fatal(err)
	}
	one := func(n int) [][]float64 { return [][]float64{make([]float64, n)} }
	for _, pair := range [][2][][]float64{{one(1), one(2)}, {one(1), {}}, {slices.Concat(one(1), one(1)), one(1)}} {
		if err := c.Add(pair[0], pair[1]); !errors.Is(err, ErrSize) {
			t.Errorf("%v", err)
		}
	}
	if f := c.Figures(); f.Moments != nil || !math.IsNaN(f.NMR) {
		t.Errorf("%+v", f)
	}
}
