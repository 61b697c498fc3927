//go:build !noasm

package dsp

import "golang.org/x/sys/cpu"

// Dot is the inner product of a and b, which are equally long. Its bits are the same on all machines.
func Dot(a, b []float64) float64 {
	if !cpu.X86.HasAVX2 || len(a) == 0 {
		return portableDot(a, b)
	}
	_ = b[len(a)-1]
	return dotAVX2(&a[0], &b[0], len(a))
}

//go:noescape
func dotAVX2(a, b *float64, n int) float64
