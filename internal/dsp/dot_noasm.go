//go:build noasm || !amd64

package dsp

func products(s *[lanes]float64, a, b []float64) { portableProducts(s, a, b) }
