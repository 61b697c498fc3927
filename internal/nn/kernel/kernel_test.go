package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// each runs f for every set that this processor runs.
func each(t *testing.T, f func(t *testing.T, s Set[float32])) {
	for _, s := range sets() {
		t.Run(s.Name(), func(t *testing.T) { f(t, s) })
	}
}

const guard = 12345.5

// guarded returns a slice of n random values with capacity n, between guards, and a check that the guards still stand.
func guarded(rng *rand.Rand, n int) (x []float32, intact func() bool) {
	const margin = 64
	whole := make([]float32, n+2*margin)
	for i := range whole {
		whole[i] = guard
	}
	x = whole[margin : margin+n : margin+n]
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x, func() bool {
		for i, v := range whole {
			if (i < margin || i >= margin+n) && v != guard {
				return false
			}
		}
		return true
	}
}

type correlation struct {
	rows, k, n, pitch   int
	accumulate, hasBias bool
}

func correlations() []correlation {
	var cs []correlation
	for rows := 1; rows <= 17; rows++ {
		for i, k := range []int{1, 2, 5, 6, 7, 13, 27, 70} {
			for j, n := range []int{1, 2, 7, 8, 15, 16, 17, 31, 47, 48, 49, 64, 95, 97, 150, 191, 200, 385} {
				b := rows + i + j
				if b%3 == 2 {
					continue // every pair of rows and n, rows and k, and k and n stays
				}
				cs = append(cs, correlation{rows, k, n, n + (b*7)%5, b%3 == 0, b/3%2 == 0})
			}
		}
	}
	for _, k := range []int{9, 300, 700} {
		cs = append(cs, correlation{19, k, 1009, 1020, false, true}, correlation{3, k, 4097, 4097, false, true},
			correlation{8, k, 4160, 4224, true, false}, correlation{1, k, 5000, 5001, false, false})
	}
	return cs
}

// sources returns a source for n outputs and k offsets that overlap, some equal.
func sources(rng *rand.Rand, n, k int) (src []float32, offs []int, intact func() bool) {
	src, intact = guarded(rng, n+3*k+40)
	offs = make([]int, k)
	for i := range offs {
		offs[i] = rng.IntN(len(src) - n + 1)
	}
	offs[0], offs[k-1] = 0, len(src)-n
	return src, offs, intact
}

func TestCorrelate(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		rng := rand.New(rand.NewPCG(1, 2))
		var p Packed[float32]
		for _, c := range correlations() {
			w, _ := guarded(rng, c.rows*c.k)
			src, offs, _ := sources(rng, c.n, c.k)
			dst, intact := guarded(rng, (c.rows-1)*c.pitch+c.n)
			before := append([]float32(nil), dst...)
			var bias []float32
			if c.hasBias {
				bias, _ = guarded(rng, c.rows)
			}
			s.Pack(&p, w, c.rows, c.k, 1, c.rows)
			s.Correlate(dst, c.pitch, c.n, &p, bias, src, offs, c.accumulate)
			if !intact() {
				t.Fatalf("%+v: wrote outside dst", c)
			}
			for r := range c.rows {
				for q := range min(c.pitch, len(dst)-r*c.pitch) {
					got := float64(dst[r*c.pitch+q])
					if q >= c.n {
						if got != float64(before[r*c.pitch+q]) {
							t.Fatalf("%+v: wrote between rows at %d, %d", c, r, q)
						}
						continue
					}
					var want, size float64
					if c.accumulate {
						want = float64(before[r*c.pitch+q])
					} else if c.hasBias {
						want = float64(bias[r])
					}
					for i, o := range offs {
						term := float64(w[i*c.rows+r]) * float64(src[o+q])
						want += term
						size += math.Abs(term)
					}
					if !(math.Abs(got-want) <= 1e-6*(size+1)) {
						t.Fatalf("%+v: row %d, output %d: got %g, want %g", c, r, q, got, want)
					}
				}
			}
		}
	})
}

func TestCorrelateGrad(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, c := range correlations() {
			src, offs, _ := sources(rng, c.n, c.k)
			dy, _ := guarded(rng, (c.rows-1)*c.pitch+c.n)
			gw, intact := guarded(rng, c.rows*c.k)
			before := append([]float32(nil), gw...)
			s.CorrelateGrad(gw, dy, c.pitch, c.rows, c.n, src, offs)
			if !intact() {
				t.Fatalf("%+v: wrote outside gw", c)
			}
			for r := range c.rows {
				for i, o := range offs {
					want, size := float64(before[r*c.k+i]), 0.0
					for q := range c.n {
						term := float64(dy[r*c.pitch+q]) * float64(src[o+q])
						want += term
						size += math.Abs(term)
					}
					if got := float64(gw[r*c.k+i]); !(math.Abs(got-want) <= 1e-6*(size+1)) {
						t.Fatalf("%+v: row %d, offset %d: got %g, want %g", c, r, i, got, want)
					}
				}
			}
		}
	})
}

// flops reports the throughput of the last b.N iterations of n floating-point operations.
func flops(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/1e9/b.Elapsed().Seconds(), "GFLOP/s")
}

// shape is a convolution over planes stored flat with a zero halo.
type shape struct {
	name          string
	rows, planes  int
	height, width int // of the kernel
	n, stride     int
}

var shapes = []shape{
	{"32ch 64x64 3x3", 32, 32, 3, 3, 64 * 65, 65},
	{"64ch 64x64 3x3", 64, 64, 3, 3, 64 * 65, 65},
	{"64ch 64x64 1x1", 64, 64, 1, 1, 64 * 65, 65},
	{"32ch 16384 k9", 32, 32, 1, 9, 16384, 16384 + 8},
	{"16ch 256x256 3x3", 16, 16, 3, 3, 256 * 257, 257},
	{"4ch to 32ch 64x64 3x3", 32, 4, 3, 3, 64 * 65, 65},
	{"32ch to 4ch 64x64 3x3", 4, 32, 3, 3, 64 * 65, 65},
	{"32ch to 3ch 64x64 3x3", 3, 32, 3, 3, 64 * 65, 65},
	{"32ch to 1ch 16384 k9", 1, 32, 1, 9, 16384, 16384 + 8},
	{"128ch 16x16 3x3", 128, 128, 3, 3, 16 * 17, 17},
}

func (c shape) k() int     { return c.planes * c.height * c.width }
func (c shape) flops() int { return 2 * c.rows * c.k() * c.n }

// operands returns a source with its offsets, and a destination with its pitch.
func (c shape) operands() (src []float32, offs []int, dst []float32, pitch int) {
	rng := rand.New(rand.NewPCG(5, 6))
	pitch = (c.n+c.stride*(c.height-1)+c.width+63)/64*64 | 16
	src, _ = guarded(rng, c.planes*pitch)
	dst, _ = guarded(rng, c.rows*pitch)
	for p := range c.planes {
		for y := range c.height {
			for x := range c.width {
				offs = append(offs, p*pitch+y*c.stride+x)
			}
		}
	}
	return src, offs, dst, pitch
}

func benchmarkSets(b *testing.B, f func(b *testing.B, s Set[float32], c shape)) {
	for _, s := range sets() {
		for _, c := range shapes {
			b.Run(fmt.Sprintf("%s/%s", s.Name(), c.name), func(b *testing.B) {
				f(b, s, c)
				flops(b, c.flops())
			})
		}
	}
}

func BenchmarkCorrelate(b *testing.B) {
	benchmarkSets(b, func(b *testing.B, s Set[float32], c shape) {
		src, offs, dst, pitch := c.operands()
		var p Packed[float32]
		s.Pack(&p, make([]float32, c.rows*c.k()), c.rows, c.k(), c.k(), 1)
		for b.Loop() {
			s.Correlate(dst, pitch, c.n, &p, nil, src, offs, false)
		}
	})
}

func BenchmarkCorrelateGrad(b *testing.B) {
	benchmarkSets(b, func(b *testing.B, s Set[float32], c shape) {
		src, offs, dy, pitch := c.operands()
		gw := make([]float32, c.rows*c.k())
		for b.Loop() {
			s.CorrelateGrad(gw, dy, pitch, c.rows, c.n, src, offs)
		}
	})
}

// A caller may divide the outputs and rows of one correlation as it likes: no result changes.
func TestCorrelateDivided(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		rng := rand.New(rand.NewPCG(17, 18))
		const rows, k, n, pitch = 11, 300, 333, 340
		src, offs, _ := sources(rng, n, k)
		w, _ := guarded(rng, rows*k)
		whole, parts := make([]float32, rows*pitch), make([]float32, rows*pitch)
		var p Packed[float32]
		s.Pack(&p, w, rows, k, k, 1)
		s.Correlate(whole, pitch, n, &p, nil, src, offs, false)
		for q, m := 0, 1; q < n; q, m = q+m, m+13 {
			s.Correlate(parts[q:], pitch, min(m, n-q), &p, nil, src[q:], offs, false)
		}
		for i := range whole {
			if whole[i] != parts[i] {
				t.Fatalf("divided by outputs, output %d is %g, not %g", i, parts[i], whole[i])
			}
		}
		for r, m := 0, 1; r < rows; r, m = r+m, m+1 {
			s.Pack(&p, w[r*k:], min(m, rows-r), k, k, 1)
			s.Correlate(parts[r*pitch:], pitch, n, &p, nil, src, offs, false)
		}
		for i := range whole {
			if whole[i] != parts[i] {
				t.Fatalf("divided by rows, output %d is %g, not %g", i, parts[i], whole[i])
			}
		}
		gw, divided := make([]float32, rows*k), make([]float32, rows*k)
		s.CorrelateGrad(gw, whole, pitch, rows, n, src, offs)
		for r, m := 0, 1; r < rows; r, m = r+m, m+1 {
			s.CorrelateGrad(divided[r*k:], whole[r*pitch:], pitch, min(m, rows-r), n, src, offs)
		}
		for i := range gw {
			if gw[i] != divided[i] {
				t.Fatalf("divided by rows, weight %d's gradient is %g, not %g", i, divided[i], gw[i])
			}
		}
	})
}

func TestContracts(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		var p Packed[float32]
		x := make([]float32, 100)
		s.Pack(&p, x, 2, 3, 3, 1)
		offs := []int{0, 40, 50}
		for name, f := range map[string]func(){
			"source too short":      func() { s.Correlate(x, 50, 50, &p, nil, x[:99:99], offs, false) },
			"negative offset":       func() { s.Correlate(x, 50, 50, &p, nil, x, []int{0, -1, 2}, false) },
			"destination too short": func() { s.Correlate(x[:99:99], 50, 50, &p, nil, x, offs, false) },
			"bias too short":        func() { s.Correlate(x, 50, 50, &p, x[:1], x, offs, false) },
			"offsets missing":       func() { s.Correlate(x, 50, 50, &p, nil, x, offs[:2], false) },
			"gradient too short":    func() { s.CorrelateGrad(x[:5], x, 50, 2, 50, x, offs) },
			"rows too short":        func() { s.CorrelateGrad(x, x[:99:99], 50, 2, 50, x, offs) },
			"operand too short":     func() { s.Add(x, x, x[:99:99]) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				f()
			}()
		}
	})
}

func TestFor(t *testing.T) {
	for _, s := range sets() {
		if got, err := For(s.Name()); err != nil || got != s {
			t.Errorf("For(%q) = %v, %v", s.Name(), got, err)
		}
	}
	if _, err := For("abacus"); err == nil {
		t.Error("no error for an unknown set")
	}
}
