//go:build !noasm

package kernel

var avx2 = simd{
	name:     "avx2",
	lanes:    8,
	wide:     []tileFunc{avx2Correlate1x12, avx2Correlate2x6, avx2Correlate3x4, avx2Correlate4x3},
	wideVecs: []int{12, 6, 4, 3},
	mid:      []tileFunc{avx2Correlate1x3, avx2Correlate2x3, avx2Correlate3x3, avx2Correlate4x3},
	fetch:    avx2Correlate4x3Fetch,
	tail: [][midVecs]tileFunc{
		{avx2Correlate1x1Tail, avx2Correlate1x2Tail, avx2Correlate1x3Tail},
		{avx2Correlate2x1Tail, avx2Correlate2x2Tail, avx2Correlate2x3Tail},
		{avx2Correlate3x1Tail, avx2Correlate3x2Tail, avx2Correlate3x3Tail},
		{avx2Correlate4x1Tail, avx2Correlate4x2Tail, avx2Correlate4x3Tail},
	},
	dot: [][6]dotFunc{
		{avx2Dot1x1, avx2Dot1x2, avx2Dot1x3, avx2Dot1x4, avx2Dot1x5, avx2Dot1x6},
		{avx2Dot2x1, avx2Dot2x2, avx2Dot2x3, avx2Dot2x4, avx2Dot2x5, avx2Dot2x6},
	},

	add:         avx2Add,
	mul:         avx2Mul,
	mulAdd:      avx2MulAdd,
	axpy:        avx2Axpy,
	scale:       avx2Scale,
	leaky:       avx2Leaky,
	leakyGrad:   avx2LeakyGrad,
	sigmoid:     avx2Sigmoid,
	sigmoidGrad: avx2SigmoidGrad,
	tanh:        avx2Tanh,
	tanhGrad:    avx2TanhGrad,
	sum:         avx2Sum,
	sumSquares:  avx2SumSquares,
	adam:        avx2Adam,
}

var avx512 = simd{
	name:     "avx512",
	lanes:    16,
	wide:     []tileFunc{avx512Correlate1x12, avx512Correlate2x9, avx512Correlate3x6, avx512Correlate4x6, avx512Correlate5x5, avx512Correlate6x4, avx512Correlate7x3, avx512Correlate8x3},
	wideVecs: []int{12, 9, 6, 6, 5, 4, 3, 3},
	mid:      []tileFunc{avx512Correlate1x3, avx512Correlate2x3, avx512Correlate3x3, avx512Correlate4x3, avx512Correlate5x3, avx512Correlate6x3, avx512Correlate7x3, avx512Correlate8x3},
	fetch:    avx512Correlate8x3Fetch,
	tail: [][midVecs]tileFunc{
		{avx512Correlate1x1Tail, avx512Correlate1x2Tail, avx512Correlate1x3Tail},
		{avx512Correlate2x1Tail, avx512Correlate2x2Tail, avx512Correlate2x3Tail},
		{avx512Correlate3x1Tail, avx512Correlate3x2Tail, avx512Correlate3x3Tail},
		{avx512Correlate4x1Tail, avx512Correlate4x2Tail, avx512Correlate4x3Tail},
		{avx512Correlate5x1Tail, avx512Correlate5x2Tail, avx512Correlate5x3Tail},
		{avx512Correlate6x1Tail, avx512Correlate6x2Tail, avx512Correlate6x3Tail},
		{avx512Correlate7x1Tail, avx512Correlate7x2Tail, avx512Correlate7x3Tail},
		{avx512Correlate8x1Tail, avx512Correlate8x2Tail, avx512Correlate8x3Tail},
	},
	dot: [][6]dotFunc{
		{avx512Dot1x1, avx512Dot1x2, avx512Dot1x3, avx512Dot1x4, avx512Dot1x5, avx512Dot1x6},
		{avx512Dot2x1, avx512Dot2x2, avx512Dot2x3, avx512Dot2x4, avx512Dot2x5, avx512Dot2x6},
		{avx512Dot3x1, avx512Dot3x2, avx512Dot3x3, avx512Dot3x4, avx512Dot3x5, avx512Dot3x6},
		{avx512Dot4x1, avx512Dot4x2, avx512Dot4x3, avx512Dot4x4, avx512Dot4x5, avx512Dot4x6},
	},

	add:         avx512Add,
	mul:         avx512Mul,
	mulAdd:      avx512MulAdd,
	axpy:        avx512Axpy,
	scale:       avx512Scale,
	leaky:       avx512Leaky,
	leakyGrad:   avx512LeakyGrad,
	sigmoid:     avx512Sigmoid,
	sigmoidGrad: avx512SigmoidGrad,
	tanh:        avx512Tanh,
	tanhGrad:    avx512TanhGrad,
	sum:         avx512Sum,
	sumSquares:  avx512SumSquares,
	adam:        avx512Adam,
}
