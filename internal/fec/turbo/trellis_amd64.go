//go:build !noasm

package turbo

import "golang.org/x/sys/cpu"

// fastest returns the fastest trellis that this processor runs.
func fastest() trellis {
	if cpu.X86.HasAVX2 {
		return avx2{}
	}
	return portable{}
}

// avx2 is a trellis with a state in each lane of a vector.
type avx2 struct{}

func (avx2) backward(metrics [][8]int32, input []int32, branches [][4]int32, by correction) {
	n := len(metrics)
	_, _ = input[n-1], branches[n-1]
	backwardAVX2(&metrics[0], &input[0], &branches[0], n, &start, int32(by))
}

func (avx2) forward(output []int32, metrics [][8]int32, input []int32, branches [][4]int32, by correction) {
	n := len(output)
	_, _, _ = metrics[n-1], input[n-1], branches[n-1]
	forwardAVX2(&output[0], &metrics[0], &input[0], &branches[0], n, &start, int32(by))
}

//go:noescape
func backwardAVX2(metrics *[8]int32, input *int32, branches *[4]int32, steps int, start *[8]int32, correction int32)

//go:noescape
func forwardAVX2(output *int32, metrics *[8]int32, input *int32, branches *[4]int32, steps int, start *[8]int32, correction int32)
