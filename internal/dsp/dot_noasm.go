//go:build noasm || !amd64

package dsp

// dot is the inner product of a and b, which are equally long.
func dot(a, b []float64) float64 { return portableDot(a, b) }
