package nn

import "ditas/internal/nn/kernel"

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
