// Package kernel holds the inner loops of the engine: correlation of haloed planes with packed weights, its weight
// gradient, and the elementwise loops of layers and optimisers. Package nn is its only intended caller.
//
// A [Set] is one implementation of all loops. [Portable] defines the results in plain Go for float32 and float64;
// [Best] is the fastest set this processor runs (AVX-512, AVX2 or portable). [For] picks one by name, which is how tests
// run every path on any machine. All loops are single-threaded and allocate nothing; callers divide the work. They panic,
// as indexing does, where slices are shorter than their contract says.
//
// # Reproducibility
//
// Each output of Correlate is one chain of fused multiply-adds in the order of the offsets, so the vector sets agree to the
// bit, and however a caller divides the outputs and rows, or splits a reduction by accumulating, nothing changes. The
// elementwise loops of the vector sets agree to the bit as well. CorrelateGrad, Sum and SumSquares add over outputs in an
// order of their own: divide CorrelateGrad by rows or offsets, never by outputs, to get the same bits for any number of
// threads.
//
// # Speed
//
// The vector sets keep a tile of outputs in registers (8×48 for AVX-512, 4×24 for AVX2, wider ones for fewer rows) while
// the reduction runs over it, and reach the processor's peak while a tile's sources stay in the first-level cache; offsets
// of one plane should therefore follow each other. Planes a multiple of 4096 bytes apart compete for the same lines of
// that cache: give them a pitch well off it. Rows are cheapest in multiples of 8, and of 4 in CorrelateGrad. On one core of
// an AMD Zen 4 server, where the peak of both is near 116 GFLOP/s, 3×3 correlations of 32 channels run at 114 (AVX-512) and
// 110 GFLOP/s (AVX2), their weight gradients at 112 and 110; the portable set at 10 and 5.
//
// The assembly is written by the generator in _gen, a module of its own. To build without it, set the tag noasm.
package kernel

// Float is an element type the engine computes with. Training and inference use float32; float64 exists so that
// gradients can be checked against finite differences.
type Float interface{ float32 | float64 }

// Set is one implementation of the engine's loops. Slices that a loop writes must not overlap those it reads unless
// stated; elementwise loops allow dst to be one of their inputs. The length of dst counts; inputs must be at least as long.
type Set[T Float] interface {
	// Name is the name that [For] takes: "portable", "avx2" or "avx512".
	Name() string

	// Pack lays the rows×k matrix w, whose element (r, i) is w[r*rowStride+i*colStride], out for Correlate, reusing
	// the storage of p where it suffices.
	Pack(p *Packed[T], w []T, rows, k, rowStride, colStride int)

	// Correlate computes, for every row r of p and every q in [0, n),
	//
	//	dst[r*pitch+q] = start + Σ_i p(r, i) · src[offs[i]+q]
	//
	// where start is dst[r*pitch+q] if accumulate is set, else bias[r], or 0 where bias is nil. len(offs) is p's k. A
	// convolution over planes stored flat with a zero halo is this sum with one offset per channel and tap.
	Correlate(dst []T, pitch, n int, p *Packed[T], bias []T, src []T, offs []int, accumulate bool)

	// CorrelateGrad adds to the rows×len(offs) matrix gw, row-major, the gradient of Correlate with respect to the weights:
	//
	//	gw[r*len(offs)+i] += Σ_q dy[r*pitch+q] · src[offs[i]+q]
	CorrelateGrad(gw []T, dy []T, pitch, rows, n int, src []T, offs []int)

	Add(dst, a, b []T)             // dst = a + b
	Mul(dst, a, b []T)             // dst = a·b
	MulAdd(dst, a, b []T)          // dst += a·b
	Axpy(dst []T, a T, x []T)      // dst += a·x
	Scale(dst []T, a T, x []T)     // dst = a·x
	Sum(x []T) float64             // Σ x, accumulated in float64
	SumSquares(x []T) float64      // Σ x², accumulated in float64
	Leaky(dst []T, slope T, x []T) // dst = x where x > 0, slope·x elsewhere
	// LeakyGrad adds dy·(1 where x > 0, slope elsewhere) to dx.
	LeakyGrad(dx []T, slope T, x, dy []T)
	Sigmoid(dst, x []T)        // dst = 1/(1+e^−x), to 2 units in the last place of float32
	SigmoidGrad(dx, y, dy []T) // dx += dy·y·(1−y), y being Sigmoid's output
	Tanh(dst, x []T)           // dst = tanh x, to 4 units in the last place of float32
	TanhGrad(dx, y, dy []T)    // dx += dy·(1−y²), y being Tanh's output
	// Adam takes one step of Adam (Kingma and Ba 2015, algorithm 1) on w, its gradient g times scale, and the moments m and v.
	Adam(w, g, m, v []T, s AdamStep)
}

// AdamStep holds the constants of one Adam step. C1 and C2 are the bias corrections 1/(1−β₁ᵗ) and 1/(1−β₂ᵗ).
type AdamStep struct {
	Rate, Beta1, Beta2, Eps, C1, C2 float64
	Scale                           float64 // multiplies the gradient: 1/batch, and clipping
}

// Packed is a weight matrix in the order in which the Set that packed it reads it.
type Packed[T Float] struct {
	Rows, K int
	Data    []T
}
