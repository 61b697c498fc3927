package dsp

import (
	"math"
	"math/rand/v2"
	"testing"
)

// autocorrelation writes r[k] = Σ_n x[n]·x[n+k], x being zero beyond its ends.
func autocorrelation(r, x []float64) {
	for k := range r {
		r[k] = 0
		for i := k; i < len(x); i++ {
			r[k] += x[i-k] * x[i]
		}
	}
}

// solve returns x with m·x = b, by Gaussian elimination with pivots.
func solve(m [][]float64, b []float64) []float64 {
	for i := range m {
		pivot := i
		for j := i; j < len(m); j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		m[i], m[pivot], b[i], b[pivot] = m[pivot], m[i], b[pivot], b[i]
		for j := i + 1; j < len(m); j++ {
			f := m[j][i] / m[i][i]
			for k := i; k < len(m); k++ {
				m[j][k] -= f * m[i][k]
			}
			b[j] -= f * b[i]
		}
	}
	for i := len(m) - 1; i >= 0; i-- {
		for k := i + 1; k < len(m); k++ {
			b[i] -= m[i][k] * b[k]
		}
		b[i] /= m[i][i]
	}
	return b
}

// The coefficients solve the normal equations, and the error's energy is what these leave.
func TestLPCSolvesTheNormalEquations(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for order := range 20 {
		x := make([]float64, 400)
		for i := range x {
			x[i] = rng.NormFloat64()
			if i > 1 {
				x[i] += 1.6*x[i-1] - 0.8*x[i-2]
			}
		}
		r, a := make([]float64, order+1), make([]float64, order+1)
		autocorrelation(r, x)
		energy := LPC(a, r)

		m, b := make([][]float64, order), make([]float64, order)
		for i := range m {
			b[i] = -r[i+1]
			for j := range order {
				m[i] = append(m[i], r[max(i-j, j-i)])
			}
		}
		want := append([]float64{1}, solve(m, b)...)
		left := 0.0
		for i, v := range want {
			if math.Abs(a[i]-v) > 1e-9 {
				t.Errorf("order %d: a[%d] = %g, want %g", order, i, a[i], v)
			}
			left += v * r[i]
		}
		if math.Abs(energy/left-1) > 1e-9 {
			t.Errorf("order %d: an error of %g, want %g", order, energy, left)
		}
		// The energy of the error itself, tails included.
		sum := 0.0
		for n := range len(x) + order {
			e := 0.0
			for i, v := range a {
				if n-i >= 0 && n-i < len(x) {
					e += v * x[n-i]
				}
			}
			sum += e * e
		}
		if math.Abs(sum/energy-1) > 1e-9 {
			t.Errorf("order %d: A leaves %g of the signal, %g was returned", order, sum, energy)
		}
	}
}

// Where there is nothing to predict, or nothing left to, the filter does nothing more.
func TestLPCWithoutASignal(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name string
		r    []float64
		want []float64
	}{
		{"silence", []float64{0, 0, 0}, []float64{1, 0, 0}},
		{"white noise", []float64{2, 0, 0}, []float64{1, 0, 0}},
		{"alternating", []float64{1, -1, 1}, []float64{1, 0, 0}},
		{"impossible", []float64{1, 2, 1}, []float64{1, 0, 0}},
		{"negative energy", []float64{-1, 0.5, 0}, []float64{1, 0, 0}},
		{"not a number", []float64{nan, nan, nan}, []float64{1, 0, 0}},
		{"infinite", []float64{inf, inf, inf}, []float64{1, 0, 0}},
		{"a number that is none, later", []float64{1, nan, 0}, []float64{1, 0, 0}},
		{"order 0", []float64{3}, []float64{1}},
	} {
		a := make([]float64, len(c.r))
		LPC(a, c.r)
		for i, v := range a {
			if v != c.want[i] {
				t.Errorf("%s: %g, want %g", c.name, a, c.want)
				break
			}
		}
	}
}
