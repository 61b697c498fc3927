package nn

import (
	"fmt"
	"math"

	"ditas/internal/nn/kernel"
)

// Adam is the optimiser of Kingma and Ba 2015 with its moments. The zero value of Eps means 1e-8.
type Adam[T kernel.Float] struct {
	Beta1, Beta2, Eps float64

	steps  int
	m, v   *Grads[T]
	sum    *Grads[T]
	weight *Weights[T]
}

// NewAdam returns an optimiser for w, which must be complete.
func NewAdam[T kernel.Float](w *Weights[T], beta1, beta2 float64) *Adam[T] {
	return &Adam[T]{Beta1: beta1, Beta2: beta2, m: NewGrads(w), v: NewGrads(w), sum: NewGrads(w), weight: w}
}

// Step sums the gradients in the order given, divides by their number, limits the norm over all parameters to clip (no
// limit where clip is 0), takes one step of size rate, and refreshes the layers. It returns the norm before the limit, and
// an error that wraps [ErrNotFinite], with the weights unchanged, if that is not finite.
func (a *Adam[T]) Step(grads []*Grads[T], rate, clip float64) (norm float64, err error) {
	k := a.weight.kernels
	var squares float64
	for i, s := range a.sum.data {
		copy(s, grads[0].data[i])
		for _, g := range grads[1:] {
			k.Add(s, s, g.data[i])
		}
		squares += k.SumSquares(s)
	}
	scale := 1 / float64(len(grads))
	norm = math.Sqrt(squares) * scale
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, fmt.Errorf("gradient: %w", ErrNotFinite)
	}
	if clip > 0 && norm > clip {
		scale *= clip / norm
	}
	a.steps++
	eps := a.Eps
	if eps == 0 {
		eps = 1e-8
	}
	t := float64(a.steps)
	s := kernel.AdamStep{
		Rate: rate, Beta1: a.Beta1, Beta2: a.Beta2, Eps: eps, Scale: scale,
		C1: 1 / (1 - math.Pow(a.Beta1, t)), C2: 1 / (1 - math.Pow(a.Beta2, t)),
	}
	for i, p := range a.weight.params {
		k.Adam(p.Data, a.sum.data[i], a.m.data[i], a.v.data[i], s)
	}
	a.weight.Refresh()
	return norm, nil
}

// State returns the number of steps taken and the two moments, for a checkpoint. The moments are shared, not copied.
func (a *Adam[T]) State() (steps int, m, v *Grads[T]) { return a.steps, a.m, a.v }

// SetSteps continues from a checkpoint whose moments have been copied into those that State returns.
func (a *Adam[T]) SetSteps(steps int) { a.steps = steps }

// Average is an exponential moving average of weights.
type Average[T kernel.Float] struct {
	Decay  float64
	values *Grads[T]
	weight *Weights[T]
}

// NewAverage starts an average at the present weights.
func NewAverage[T kernel.Float](w *Weights[T], decay float64) *Average[T] {
	a := &Average[T]{Decay: decay, values: NewGrads(w), weight: w}
	for i, p := range w.params {
		copy(a.values.data[i], p.Data)
	}
	return a
}

// Update takes the present weights in; step counts from 1. Early on the decay is limited to step/(step+9), so that the
// average does not cling to the initial weights.
func (a *Average[T]) Update(step int) {
	d := T(min(a.Decay, float64(step)/float64(step+9)))
	for i, p := range a.weight.params {
		a.weight.kernels.Scale(a.values.data[i], d, a.values.data[i])
		a.weight.kernels.Axpy(a.values.data[i], 1-d, p.Data)
	}
}

// Values returns the averaged parameters. They are shared, not copied.
func (a *Average[T]) Values() *Grads[T] { return a.values }

// CopyTo sets the weights of a system of the same configuration to the averages.
func (a *Average[T]) CopyTo(w *Weights[T]) error {
	values := map[string][]T{}
	for i, p := range a.weight.params {
		values[p.Name] = a.values.data[i]
	}
	return w.CopyFrom(values)
}

// WarmupCosine is a schedule of learning rates: linear from 0 over the first warmup steps, then a half cosine down to
// final, as shares of the peak rate. step counts from 0 and total is the number of steps.
func WarmupCosine(step, warmup, total int, final float64) float64 {
	if step < warmup {
		return float64(step+1) / float64(warmup)
	}
	t := min(1, float64(step-warmup)/float64(max(1, total-warmup)))
	return final + (1-final)*(1+math.Cos(math.Pi*t))/2
}
