//go:build !race

package metric

import (
	"testing"
)

func TestMaskingAllocatesNothingPerFrame(t *testing.T) {
	m := newMasking(t, 16000)
	cover, stego := fading(16000, 16000)
	count := func(n int) float64 {
		return testing.AllocsPerRun(2, func() {
			if _, err := m.NoiseToMask(cover[:n], stego[:n]); err != nil {
				t.Fatal(err)
			}
		})
	}
	if short, long := count(1000), count(16000); short != long {
		t.Errorf("%v allocations for 1000 samples, %v for 16000", short, long)
	}
}
