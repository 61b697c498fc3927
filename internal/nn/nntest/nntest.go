// Package nntest has what the tests of networks have in common.
package nntest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/internal/nn"
)

// Gradient compares the gradient of a loss of a loaded graph along a number of random directions with differences of the loss. They may differ
// by a share of the gradient's norm, which the derivative in a random direction is about as large as: rectifiers have no gradient
// where they bend. what names the loss.
func Gradient(t testing.TB, what string, w *nn.Weights[float32], g *nn.Graph[float32], loss *nn.Loss, directions int, share float64) {
	t.Helper()
	grads := nn.NewGrads(w)
	g.Forward()
	g.Backward(grads, nn.Term{Loss: loss, Weight: 1})
	rng := rand.New(rand.NewPCG(1, 1))
	for range directions {
		var want, squares float64
		var direction, start [][]float32
		for _, q := range w.Params() {
			d := make([]float32, len(q.Data))
			for i, g := range grads.Of(q) {
				d[i] = float32(rng.NormFloat64())
				want += float64(g) * float64(d[i])
				squares += float64(g) * float64(g)
			}
			direction, start = append(direction, d), append(start, slices.Clone(q.Data))
		}
		at := func(h float32) float64 {
			for i, q := range w.Params() {
				for j := range q.Data {
					q.Data[j] = start[i][j] + h*direction[i][j]
				}
			}
			w.Refresh()
			g.Forward()
			return loss.Value
		}
		const h = 5e-5
		got := (at(h) - at(-h)) / (2 * h)
		at(0)
		if norm := math.Sqrt(squares); norm == 0 || math.Abs(got-want) > share*norm {
			t.Errorf("%s: gradient %g, difference %g; the norm is %g", what, want, got, norm)
		}
	}
}
