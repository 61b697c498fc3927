package nn

import (
	"math"

	"ditas/internal/nn/kernel"
)

// Loss is a scalar of a graph that Backward can start from. Value is current after Forward.
type Loss struct {
	Value  float64
	weight float64
}

type mse[T kernel.Float] struct {
	k          kernel.Set[T]
	a, b, diff *Tensor[T]
	loss       *Loss
}

// MSE is the mean over all elements of (a − b)².
func (g *Graph[T]) MSE(a, b *Tensor[T]) *Loss {
	loss := &Loss{}
	if a.shape != b.shape {
		g.fail("mean squared error of %s (%v) and %s (%v): shapes differ", a.name, a.shape, b.name, b.shape)
		return loss
	}
	diff := g.result("mse", a.shape, false, a, b)
	diff.wanted = false // the loss is where gradients start
	g.add(&mse[T]{g.kernels, a, b, diff, loss})
	g.losses = append(g.losses, loss)
	return loss
}

func (o *mse[T]) compile()             {}
func (o *mse[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.a, o.b} }
func (o *mse[T]) output() *Tensor[T]   { return o.diff }

func (o *mse[T]) forward() {
	o.k.Scale(o.diff.data, -1, o.b.data)
	o.k.Add(o.diff.data, o.diff.data, o.a.data)
	o.loss.Value = o.k.SumSquares(o.diff.data) / float64(o.a.shape.Len())
}

func (o *mse[T]) backward(*Grads[T]) {
	s := T(2 * o.loss.weight / float64(o.a.shape.Len()))
	pull(o.k, o.a, s, o.diff.data)
	pull(o.k, o.b, -s, o.diff.data)
}

func (o *mse[T]) term() *Loss { return o.loss }

type crossEntropy[T kernel.Float] struct {
	k                 kernel.Set[T]
	score, label, off *Tensor[T]
	loss              *Loss
	scores, labels    []T // packed
}

// CrossEntropy is the mean over all elements of −y·ln σ(x) − (1 − y)·ln(1 − σ(x)), where x are scores, as log-odds, y are labels from 0 to 1 and σ is [Graph.Sigmoid].
// No gradient flows to the labels. Unlike the squared error of σ(x) it teaches most where a score is most wrong.
func (g *Graph[T]) CrossEntropy(score, label *Tensor[T]) *Loss {
	loss := &Loss{}
	if score.shape != label.shape {
		g.fail("cross-entropy of %s (%v) and %s (%v): shapes differ", score.name, score.shape, label.name, label.shape)
		return loss
	}
	off := g.result("cross-entropy", score.shape, false, score, label)
	off.wanted = false // the loss is where gradients start
	g.add(&crossEntropy[T]{k: g.kernels, score: score, label: label, off: off, loss: loss})
	g.losses = append(g.losses, loss)
	return loss
}

func (o *crossEntropy[T]) compile() {
	n := o.off.shape.Len()
	o.scores, o.labels = make([]T, n), make([]T, n)
}

func (o *crossEntropy[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.score, o.label} }
func (o *crossEntropy[T]) output() *Tensor[T]   { return o.off }

func (o *crossEntropy[T]) forward() {
	o.score.Store(o.scores)
	o.label.Store(o.labels)
	sum := 0.0
	for i, v := range o.scores {
		x := float64(v)
		sum += max(0, x) - float64(o.labels[i])*x + math.Log1p(math.Exp(-math.Abs(x)))
	}
	o.loss.Value = sum / float64(len(o.scores))
	o.k.Sigmoid(o.scores, o.scores)
	o.k.Axpy(o.scores, -1, o.labels)
	o.off.Load(o.scores)
}

func (o *crossEntropy[T]) backward(*Grads[T]) {
	pull(o.k, o.score, T(o.loss.weight/float64(len(o.scores))), o.off.data)
}

func (o *crossEntropy[T]) term() *Loss { return o.loss }
