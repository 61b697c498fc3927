package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func noise(n int, sigma float64, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(math.RoundToEven(sigma * rng.NormFloat64()))
	}
	return x
}

func TestDev(t *testing.T) {
	names := Names()
	kinds := map[string]int{}
	for _, n := range names {
		kinds[strings.Fields(n)[0]]++
	}
	t.Log(len(names), kinds)
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		t.Error("doubles")
	}
	e := NewExtractor()
	dst := make([]float64, len(names))
	x := noise(49152, 20, 1)
	if err := e.Extract(dst, x); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	e.Extract(dst, x)
	t.Log(time.Since(begin))
	for i, n := range names {
		if math.IsNaN(dst[i]) || math.IsInf(dst[i], 0) {
			t.Error(n, dst[i])
		}
	}
}
