//go:build !race

package dataset

import (
	"math/rand/v2"
	"testing"

	"ditas/picture"
)

func TestDrawingTakesNoMemory(t *testing.T) {
	s := speech(t)
	p, _ := pictures(t, LoadOptions{})
	var source rand.PCG
	rng := rand.New(&source)
	x, q := make([]float32, 1000), picture.New(32, 32)
	if n := testing.AllocsPerRun(100, func() {
		Seed(&source, 1, 2, 3)
		s.Clip(rng, x)
		s.Cover(2, x)
		p.Crop(rng, q)
		p.Thumbnail(0, q)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
