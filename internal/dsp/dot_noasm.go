//go:build noasm || !amd64

package dsp

// Dot is the inner product of a and b, which are equally long.
// Dot is the inner product of a and b, which are equally long. Its bits are the same on all machines.
func Dot(a, b []float64) float64 { return portableDot(a, b) }
