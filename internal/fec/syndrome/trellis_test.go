package syndrome

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The fastest trellis gives what the plain one gives, at all heights and whatever the costs.
func TestFastest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for height := MinHeight; height <= MaxHeight; height++ {
		states := 1 << height
		plain, fast := make([]int32, states), make([]int32, states)
		for i := range plain {
			plain[i] = r.Int32N(1 << 20)
			fast[i] = plain[i]
		}
		plainTaken, fastTaken := make([]uint64, states/64), make([]uint64, states/64)
		for range 100 {
			column, cost := uint32(column(height, r.Uint32())), r.Int32N(1<<r.IntN(19))
			zero, one := cost, int32(0)
			if r.IntN(2) == 0 {
				zero, one = one, zero
			}
			portable{}.next(plain, plainTaken, column, zero, one)
			fastest().next(fast, fastTaken, column, zero, one)
			if r.IntN(3) == 0 {
				before, last := slices.Clone(plain), byte(r.IntN(2))
				portable{}.first(plain, before, column, last, zero, one)
				fastest().first(fast, before, column, last, zero, one)
			}
			if !slices.Equal(plain, fast) || !slices.Equal(plainTaken, fastTaken) {
				t.Fatalf("height %d, column %#x, costs %d and %d: another result", height, column, zero, one)
			}
		}
	}
}
