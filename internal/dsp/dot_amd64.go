//go:build !noasm

package dsp

import "golang.org/x/sys/cpu"

func products(s *[lanes]float64, a, b []float64) {
	if !cpu.X86.HasAVX2 {
		portableProducts(s, a, b)
		return
	}
	_ = b[len(a)-1]
	productsAVX2(s, &a[0], &b[0], len(a))
}

//go:noescape
func productsAVX2(s *[lanes]float64, a, b *float64, n int)
