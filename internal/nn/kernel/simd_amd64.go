//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go -C _gen run . -isa avx2 -out ../avx2_amd64.s -stubs ../avx2_amd64.go -pkg kernel
//go:generate go -C _gen run . -isa avx512 -out ../avx512_amd64.s -stubs ../avx512_amd64.go -pkg kernel

// vectorSets lists the vector sets that this processor and its operating system run, fastest first.
func vectorSets() []Set[float32] {
	var sets []Set[float32]
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 {
		if x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW {
			sets = append(sets, &avx512)
		}
		sets = append(sets, &avx2)
	}
	return sets
}

// A tileFunc correlates its number of rows with tiles·width outputs. The weights at a are k columns of rows. Row r of the
// result starts at dst+r·pitch; it starts from itself if accumulate is not 0, else from bias. In the kernels for tails, the last
// vector has tail lanes.
type tileFunc func(tiles, k int, a, src *float32, offs *int, dst *float32, pitch int, bias *float32, accumulate, tail int)

// A dotFunc adds the dot products of its number of rows of dy with its number of shifted sources to gw.
type dotFunc func(n int, dy *float32, pitch int, src *float32, offs *int, gw *float32, gwPitch int)

// A loopFunc is an elementwise loop over n values; one with fewer operands ignores the rest.
type loopFunc func(n int, dst, a, b *float32, scalar float32)

// midVecs is the number of vectors per row of the tiles in simd.mid.
const midVecs = 3

// simd is a vector set: the loops around the assembly of one instruction set.
type simd struct {
	name  string
	lanes int
	// The tile kernels by number of rows, less one: the widest, with its vectors per row; those of midVecs vectors, which
	// blocks of rows share, the tallest of which has a twin that prefetches; and those of 1 to midVecs vectors, the last one
	// partial.
	wide     []tileFunc
	wideVecs []int
	mid      []tileFunc
	fetch    tileFunc
	tail     [][midVecs]tileFunc
	// The weight-gradient kernels, by number of rows and of taps, less one.
	dot [][6]dotFunc

	add, mul, mulAdd, axpy, scale, leaky, leakyGrad, sigmoid, sigmoidGrad, tanh, tanhGrad loopFunc

	sum, sumSquares func(n int, a *float32) float64
	adam            func(n int, w, grad, m, v *float32, scale, beta1, gain1, beta2, gain2, rate, c2, eps float32)
}

func (s *simd) Name() string { return s.name }

// Pack stores blocks of as many rows as the tallest tile has, each block column by column.
func (s *simd) Pack(p *Packed[float32], w []float32, rows, k, rowStride, colStride int) {
	p.Rows, p.K = rows, k
	if cap(p.Data) < rows*k {
		p.Data = make([]float32, rows*k)
	}
	p.Data = p.Data[:rows*k]
	for r0 := 0; r0 < rows; r0 += len(s.mid) {
		m := min(len(s.mid), rows-r0)
		block := p.Data[r0*k:][:m*k]
		for r := range m {
			at := (r0 + r) * rowStride
			for i := range k {
				block[i*m+r] = w[at+i*colStride]
			}
		}
	}
}

var noBias [8]float32

// maxBlocks bounds the number of reduction blocks. It is reached by reductions over thousands of planes only.
const maxBlocks = 64

// reductionBlocks cuts offs so that the source tiles and weights of a block stay in the first-level cache while the blocks
// of rows run over them, and returns the ends of the blocks. Neighbouring taps share the cache lines of their tiles.
func (s *simd) reductionBlocks(ends *[maxBlocks]int, offs []int) []int {
	const cache = 24 << 10
	width := midVecs * s.lanes
	blocks, used, last := 0, 0, -1<<62
	for i, o := range offs {
		cost := 4 * len(s.mid)
		if d := o - last; d < 0 || d > width/2 {
			cost += 4*width + 64
		}
		last = o
		if used+cost > cache && blocks < maxBlocks-1 {
			ends[blocks] = i
			blocks++
			used = 0
		}
		used += cost
	}
	ends[blocks] = len(offs)
	return ends[:blocks+1]
}

// maxFlop bounds the work of one assembly call, which the scheduler cannot interrupt, to some ten microseconds.
const maxFlop = 2 << 20

func (s *simd) Correlate(dst []float32, pitch, n int, p *Packed[float32], bias []float32, src []float32, offs []int, accumulate bool) {
	rows, k := p.Rows, p.K
	if rows <= 0 || n <= 0 {
		return
	}
	if len(offs) != k {
		panic("kernel: Correlate needs one offset for each column of weights")
	}
	if k == 0 {
		portable[float32]{}.Correlate(dst, pitch, n, p, bias, src, offs, accumulate)
		return
	}
	checkOffsets(src, offs, n)
	checkRows(dst, pitch, rows, n)
	weights := p.Data[:rows*k]
	acc := 0
	if accumulate {
		acc = 1
	} else if bias != nil {
		_ = bias[rows-1]
	}
	biasAt := func(r int) *float32 {
		if acc == 1 || bias == nil {
			return &noBias[0]
		}
		return &bias[r]
	}

	height := len(s.mid)
	if rows <= height {
		q := 0
		sweep := func(f tileFunc, vecs int) {
			width := vecs * s.lanes
			most := max(1, maxFlop/(2*rows*k*width))
			for t := (n - q) / width; t > 0; {
				tiles := min(t, most)
				f(tiles, k, &weights[0], &src[q], &offs[0], &dst[q], pitch, biasAt(0), acc, 0)
				q += tiles * width
				t -= tiles
			}
		}
		sweep(s.wide[rows-1], s.wideVecs[rows-1])
		sweep(s.mid[rows-1], midVecs)
		if q < n {
			vecs, tail := s.tailOf(n - q)
			s.tail[rows-1][vecs-1](1, k, &weights[0], &src[q], &offs[0], &dst[q], pitch, biasAt(0), acc, tail)
		}
		return
	}

	var store [maxBlocks]int
	ends := s.reductionBlocks(&store, offs)
	width := midVecs * s.lanes
	for q := 0; q < n; q += width {
		vecs, tail := midVecs, 0
		if n-q < width {
			vecs, tail = s.tailOf(n - q)
		}
		i, acc := 0, acc
		for _, end := range ends {
			for r := 0; r < rows; r += height {
				m := min(height, rows-r)
				f := s.mid[m-1]
				if tail != 0 {
					f = s.tail[m-1][vecs-1]
				} else if r == 0 {
					f = s.fetch
				}
				f(1, end-i, &weights[r*k+i*m], &src[q], &offs[i], &dst[r*pitch+q], pitch, biasAt(r), acc, tail)
			}
			i, acc = end, 1
		}
	}
}

// tailOf returns the number of vectors that hold n values, and the number of values in the last one.
func (s *simd) tailOf(n int) (vecs, last int) {
	vecs = (n + s.lanes - 1) / s.lanes
	return vecs, n - (vecs-1)*s.lanes
}

// gradStrip is the number of outputs over which one dot product runs, so that its rows stay in the first-level cache.
const gradStrip = 1024

func (s *simd) CorrelateGrad(gw []float32, dy []float32, pitch, rows, n int, src []float32, offs []int) {
	k := len(offs)
	if rows <= 0 || n <= 0 || k == 0 {
		return
	}
	checkOffsets(src, offs, n)
	checkRows(dy, pitch, rows, n)
	_ = gw[rows*k-1]
	height, taps := len(s.dot), len(s.dot[0])
	for q := 0; q < n; q += gradStrip {
		m := min(gradStrip, n-q)
		for r := 0; r < rows; r += height {
			dots := &s.dot[min(height, rows-r)-1]
			for i := 0; i < k; i += taps {
				t := min(taps, k-i)
				dots[t-1](m, &dy[r*pitch+q], pitch, &src[q], &offs[i], &gw[r*k+i], k)
			}
		}
	}
}

// checkOffsets panics unless src holds n values from every offset: the assembly does not check.
func checkOffsets(src []float32, offs []int, n int) {
	low, high := offs[0], offs[0]
	for _, o := range offs {
		low, high = min(low, o), max(high, o)
	}
	_, _ = src[low], src[high+n-1]
}

// checkRows panics unless x holds rows of n values, pitch apart.
func checkRows(x []float32, pitch, rows, n int) {
	if pitch < 0 {
		panic("kernel: negative pitch")
	}
	_ = x[(rows-1)*pitch+n-1]
}

// run is the number of values that one assembly call of an elementwise loop handles; see maxFlop.
const run = 16 << 10

func loop(f loopFunc, dst, a, b []float32, scalar float32) {
	if len(dst) == 0 {
		return
	}
	_, _ = a[len(dst)-1], b[len(dst)-1]
	for i := 0; i < len(dst); i += run {
		f(min(run, len(dst)-i), &dst[i], &a[i], &b[i], scalar)
	}
}

func (s *simd) Add(dst, a, b []float32)                         { loop(s.add, dst, a, b, 0) }
func (s *simd) Mul(dst, a, b []float32)                         { loop(s.mul, dst, a, b, 0) }
func (s *simd) MulAdd(dst, a, b []float32)                      { loop(s.mulAdd, dst, a, b, 0) }
func (s *simd) Axpy(dst []float32, a float32, x []float32)      { loop(s.axpy, dst, x, x, a) }
func (s *simd) Scale(dst []float32, a float32, x []float32)     { loop(s.scale, dst, x, x, a) }
func (s *simd) Leaky(dst []float32, slope float32, x []float32) { loop(s.leaky, dst, x, x, slope) }
func (s *simd) LeakyGrad(dx []float32, slope float32, x, dy []float32) {
	loop(s.leakyGrad, dx, x, dy, slope)
}
func (s *simd) Sigmoid(dst, x []float32)        { loop(s.sigmoid, dst, x, x, 0) }
func (s *simd) SigmoidGrad(dx, y, dy []float32) { loop(s.sigmoidGrad, dx, y, dy, 0) }
func (s *simd) Tanh(dst, x []float32)           { loop(s.tanh, dst, x, x, 0) }
func (s *simd) TanhGrad(dx, y, dy []float32)    { loop(s.tanhGrad, dx, y, dy, 0) }
func (s *simd) Sum(x []float32) float64         { return total(s.sum, x) }
func (s *simd) SumSquares(x []float32) float64  { return total(s.sumSquares, x) }

func total(f func(n int, a *float32) float64, x []float32) float64 {
	var sum float64
	for i := 0; i < len(x); i += run {
		sum += f(min(run, len(x)-i), &x[i])
	}
	return sum
}

func (s *simd) Adam(w, g, m, v []float32, step AdamStep) {
	if len(w) == 0 {
		return
	}
	_, _, _ = g[len(w)-1], m[len(w)-1], v[len(w)-1]
	b1, b2 := float32(step.Beta1), float32(step.Beta2)
	for i := 0; i < len(w); i += run {
		s.adam(min(run, len(w)-i), &w[i], &g[i], &m[i], &v[i], float32(step.Scale), b1, 1-b1, b2, 1-b2,
			float32(step.Rate*step.C1), float32(step.C2), float32(step.Eps))
	}
}
