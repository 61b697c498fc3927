package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// lengths has the multiples of every vector and of every round, their neighbours, and more than one assembly call.
func lengths() []int {
	var ns []int
	for n := range 140 {
		ns = append(ns, n)
	}
	return append(ns, 4096, 5001, 16384, 16385, 40007)
}

// binaries are the elementwise loops with their definition for one value: d before, operands a and b, and a scalar.
var binaries = []struct {
	name string
	run  func(s Set[float32], dst, a, b []float32, c float32)
	want func(d, a, b, c float64) float64
}{
	{"Add", func(s Set[float32], dst, a, b []float32, _ float32) { s.Add(dst, a, b) },
		func(_, a, b, _ float64) float64 { return a + b }},
	{"Mul", func(s Set[float32], dst, a, b []float32, _ float32) { s.Mul(dst, a, b) },
		func(_, a, b, _ float64) float64 { return a * b }},
	{"MulAdd", func(s Set[float32], dst, a, b []float32, _ float32) { s.MulAdd(dst, a, b) },
		func(d, a, b, _ float64) float64 { return d + a*b }},
	{"Axpy", func(s Set[float32], dst, a, _ []float32, c float32) { s.Axpy(dst, c, a) },
		func(d, a, _, c float64) float64 { return d + c*a }},
	{"Scale", func(s Set[float32], dst, a, _ []float32, c float32) { s.Scale(dst, c, a) },
		func(_, a, _, c float64) float64 { return c * a }},
	{"Leaky", func(s Set[float32], dst, a, _ []float32, c float32) { s.Leaky(dst, c, a) },
		func(_, a, _, c float64) float64 { return leaky(a, a, c) }},
	{"LeakyGrad", func(s Set[float32], dst, a, b []float32, c float32) { s.LeakyGrad(dst, c, a, b) },
		func(d, a, b, c float64) float64 { return d + leaky(a, b, c) }},
	{"Sigmoid", func(s Set[float32], dst, a, _ []float32, _ float32) { s.Sigmoid(dst, a) },
		func(_, a, _, _ float64) float64 { return 1 / (1 + math.Exp(-a)) }},
	{"SigmoidGrad", func(s Set[float32], dst, a, b []float32, _ float32) { s.SigmoidGrad(dst, a, b) },
		func(d, a, b, _ float64) float64 { return d + b*a*(1-a) }},
	{"Tanh", func(s Set[float32], dst, a, _ []float32, _ float32) { s.Tanh(dst, a) },
		func(_, a, _, _ float64) float64 { return math.Tanh(a) }},
	{"TanhGrad", func(s Set[float32], dst, a, b []float32, _ float32) { s.TanhGrad(dst, a, b) },
		func(d, a, b, _ float64) float64 { return d + b*(1-a*a) }},
}

func leaky(x, v, slope float64) float64 {
	if x > 0 {
		return v
	}
	return slope * v
}

func TestElementwise(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, f := range binaries {
			for _, n := range lengths() {
				dst, intact := guarded(rng, n)
				a, _ := guarded(rng, n+n%3)
				b, _ := guarded(rng, n+n%5)
				before := append([]float32(nil), dst...)
				f.run(s, dst, a, b, 0.3)
				if !intact() {
					t.Fatalf("%s of %d values: wrote outside dst", f.name, n)
				}
				for i, got := range dst {
					d, a, b := float64(before[i]), float64(a[i]), float64(b[i])
					want := f.want(d, a, b, float64(float32(0.3)))
					if !(math.Abs(float64(got)-want) <= 4e-7*(1+math.Abs(d)+math.Abs(a*b)+a*a*math.Abs(b))) {
						t.Fatalf("%s of %d values: value %d: got %g, want %g", f.name, n, i, got, want)
					}
				}
				// In place.
				again := append([]float32(nil), a[:n]...)
				f.run(s, again, again, b, 0.3)
				for i, got := range again {
					d, b := float64(a[i]), float64(b[i])
					want := f.want(d, d, b, float64(float32(0.3)))
					if !(math.Abs(float64(got)-want) <= 4e-7*(1+math.Abs(d)+math.Abs(d*b)+d*d*math.Abs(b))) {
						t.Fatalf("%s of %d values in place: value %d: got %g, want %g", f.name, n, i, got, want)
					}
				}
			}
		}
	})
}

func TestSums(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, n := range lengths() {
			x, _ := guarded(rng, n)
			var sum, squares, size float64
			for _, v := range x {
				sum += float64(v)
				squares += float64(v) * float64(v)
				size += math.Abs(float64(v))
			}
			if got := s.Sum(x); !(math.Abs(got-sum) <= 1e-13*size) {
				t.Errorf("sum of %d values: got %g, want %g", n, got, sum)
			}
			if got := s.SumSquares(x); !(math.Abs(got-squares) <= 1e-13*squares) {
				t.Errorf("sum of squares of %d values: got %g, want %g", n, got, squares)
			}
		}
	})
}

func TestAdam(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, n := range lengths() {
			var x [4][]float32
			var intact [4]func() bool
			var want [4][]float64
			for i := range x {
				x[i], intact[i] = guarded(rng, n)
				for j, v := range x[i] {
					if i == 3 { // the second moment is positive
						v = v*v + 0.01
						x[i][j] = v
					}
					want[i] = append(want[i], float64(v))
				}
			}
			w, g, m, v := want[0], want[1], want[2], want[3]
			for step := range 3 {
				p := AdamStep{Rate: 1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Scale: 0.25,
					C1: 1 / (1 - math.Pow(0.9, float64(step+1))), C2: 1 / (1 - math.Pow(0.999, float64(step+1)))}
				s.Adam(x[0], x[1], x[2], x[3], p)
				for i := range w {
					gi := g[i] * p.Scale
					m[i] = p.Beta1*m[i] + (1-p.Beta1)*gi
					v[i] = p.Beta2*v[i] + (1-p.Beta2)*gi*gi
					w[i] -= p.Rate * p.C1 * m[i] / (math.Sqrt(p.C2*v[i]) + p.Eps)
				}
			}
			for i, name := range []string{"w", "g", "m", "v"} {
				if !intact[i]() {
					t.Fatalf("%d values: wrote outside %s", n, name)
				}
				for j, got := range x[i] {
					if math.Abs(float64(got)-want[i][j]) > 2e-6*(1+math.Abs(want[i][j])+math.Abs(w[j])) {
						t.Fatalf("%d values: %s[%d] is %g, want %g", n, name, j, got, want[i][j])
					}
				}
			}
		}
	})
}

// ulps is the distance of got from want in units of the last place of float32 at want.
func ulps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

func TestSigmoidTanhAccuracy(t *testing.T) {
	stride := uint32(4099)
	if testing.Short() {
		stride = 100003
	}
	var x []float32
	for u := uint64(0); u < 1<<32; u += uint64(stride) {
		if v := math.Float32frombits(uint32(u)); v == v {
			x = append(x, v)
		}
	}
	for v := float32(-110); v < 110; v += 0.00137 {
		x = append(x, v)
	}
	each(t, func(t *testing.T, s Set[float32]) {
		y := make([]float32, len(x))
		check := func(name string, bound float64, f func(float64) float64) {
			var worst, at float64
			for i, got := range y {
				if u := ulps(got, f(float64(x[i]))); !(u <= worst) {
					worst, at = u, float64(x[i])
				}
			}
			t.Logf("%s: at most %.3f ulp, at %g", name, worst, at)
			if !(worst <= bound) {
				t.Errorf("%s(%g) is %.3f ulp off, more than %g", name, at, worst, bound)
			}
		}
		s.Sigmoid(y, x)
		check("sigmoid", 2, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
		s.Tanh(y, x)
		check("tanh", 4, math.Tanh)
	})
}

func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	negativeZero := float32(math.Copysign(0, -1))
	each(t, func(t *testing.T, s Set[float32]) {
		for _, f := range []struct {
			name    string
			run     func(dst, x []float32)
			x, want []float32
		}{
			{"Sigmoid", s.Sigmoid, []float32{inf, -inf, nan, 0, negativeZero, 1e30, -1e30}, []float32{1, 0, nan, 0.5, 0.5, 1, 0}},
			{"Tanh", s.Tanh, []float32{inf, -inf, nan, 0, negativeZero, 1e-40, -1e30}, []float32{1, -1, nan, 0, negativeZero, 1e-40, -1}},
			{"Leaky", func(dst, x []float32) { s.Leaky(dst, 0.5, x) },
				[]float32{inf, -inf, nan, 0, negativeZero, 3, -3}, []float32{inf, -inf, nan, 0, negativeZero, 3, -1.5}},
		} {
			for n := range 40 { // in every lane, of whole and of partial vectors
				x, want := make([]float32, n), make([]float32, n)
				for i := range x {
					x[i], want[i] = f.x[(i+n)%len(f.x)], f.want[(i+n)%len(f.want)]
				}
				f.run(x, x)
				for i := range x {
					if x[i] != want[i] && (x[i] == x[i] || want[i] == want[i]) ||
						math.Signbit(float64(x[i])) != math.Signbit(float64(want[i])) && want[i] == want[i] {
						t.Fatalf("%s(%g) is %g, want %g", f.name, f.x[(i+n)%len(f.x)], x[i], want[i])
					}
				}
			}
		}
	})
}

// Every vector set rounds in the same places, so they agree to the bit, but for sums over outputs.
func TestVectorSetsAgree(t *testing.T) {
	sets := vectorSets()
	if len(sets) < 2 {
		t.Skip("this processor has fewer than two vector sets")
	}
	rng := rand.New(rand.NewPCG(13, 14))
	for _, f := range binaries {
		a, _ := guarded(rng, 1003)
		b, _ := guarded(rng, 1003)
		d, _ := guarded(rng, 1003)
		for i := range a {
			a[i] *= 30
		}
		first := append([]float32(nil), d...)
		f.run(sets[0], first, a, b, 0.3)
		for _, s := range sets[1:] {
			got := append([]float32(nil), d...)
			f.run(s, got, a, b, 0.3)
			for i := range got {
				if got[i] != first[i] {
					t.Fatalf("%s(%g): %s gives %g, %s gives %g", f.name, a[i], sets[0].Name(), first[i], s.Name(), got[i])
				}
			}
		}
	}
}

func BenchmarkElementwise(b *testing.B) {
	const n = 4096 // all operands in the second-level cache
	for _, s := range sets() {
		x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
		rng := rand.New(rand.NewPCG(15, 16))
		for i := range x {
			y[i], z[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
		}
		rate := func(b *testing.B) {
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/value")
		}
		for _, f := range binaries {
			b.Run(fmt.Sprintf("%s/%s", s.Name(), f.name), func(b *testing.B) {
				clear(x)
				for b.Loop() {
					f.run(s, x, y, z, 1e-3)
				}
				rate(b)
			})
		}
		b.Run(s.Name()+"/Sum", func(b *testing.B) {
			for b.Loop() {
				s.Sum(y)
			}
			rate(b)
		})
		b.Run(s.Name()+"/SumSquares", func(b *testing.B) {
			for b.Loop() {
				s.SumSquares(y)
			}
			rate(b)
		})
		b.Run(s.Name()+"/Adam", func(b *testing.B) {
			m, v := make([]float32, n), make([]float32, n)
			for b.Loop() {
				s.Adam(x, y, m, v, AdamStep{Rate: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, C1: 1, C2: 1, Scale: 1})
			}
			rate(b)
		})
	}
}
