//go:build !race

package model_test

import (
	"testing"

	"ditas/internal/nn/kernel"
)

func TestHidingAndRevealingDoNotAllocate(t *testing.T) {
	s := newSystem(t, tiny, kernel.Best())
	x := hide(t, s)
	r := newRevealer(t, s)
	picture := make([]float32, len(x.picture))
	if n := testing.AllocsPerRun(3, func() {
		x.hider.Hide(x.containers, x.picture, x.covers, step)
		r.Reveal(picture, x.containers)
	}); n != 0 {
		t.Errorf("hiding and revealing allocates %v times", n)
	}
}
