//go:build !race

package nn

import (
	"testing"

	"ditas/internal/nn/kernel"
)

func TestStepDoesNotAllocate(t *testing.T) {
	w := NewWeights(kernel.Best())
	g, x, loss := autoencoder(w)()
	w.Init(1)
	buf := make([]float32, x.Shape().Len())
	grads := []*Grads[float32]{NewGrads(w)}
	opt := NewAdam(w, 0.9, 0.99)
	terms := []Term{{loss, 1}}
	if n := testing.AllocsPerRun(5, func() {
		x.Load(buf)
		g.Forward()
		g.Backward(grads[0], terms...)
		if _, err := opt.Step(grads, 1e-3, 1); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a training step allocates %v times", n)
	}
}
