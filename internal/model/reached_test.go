package model

import (
	"math"
	"testing"
)

// TestReached compares with a search through the thresholds, around each of them and of the bins.
func TestReached(t *testing.T) {
	slow := func(x float32) int {
		for i := range uint8(levels - 1) {
			if float64(x) >= Level(i) {
				return int(i)
			}
		}
		if float64(x) >= Level(levels-1) {
			return levels - 1
		}
		return levels
	}
	values := []float32{0, math.SmallestNonzeroFloat32, 1e-5, 1, 2, math.MaxFloat32, float32(math.Inf(1))}
	for i := range levels {
		values = append(values, float32(Level(uint8(i))))
	}
	for bin := uint32(firstBin - 3); bin < lastBin+3; bin++ {
		values = append(values, math.Float32frombits(bin<<binBits), math.Float32frombits(bin<<binBits+12345))
	}
	for _, v := range values {
		for _, x := range []float32{math.Nextafter32(v, 0), v, math.Nextafter32(v, math.MaxFloat32)} {
			if got, want := reached(x), slow(x); got != want {
				t.Fatalf("%g (%#x) reaches level %d, want %d", x, math.Float32bits(x), got, want)
			}
		}
	}
}
