package nn

import (
	"math"

	"ditas/internal/nn/kernel"
)

// magnitude takes the absolute value of complex numbers.
type magnitude[T kernel.Float] struct{ x, y *Tensor[T] }

// Magnitude is |x| of complex numbers: the first half of x's channels holds their real parts, the second half the imaginary
// ones. Its gradient is x/|x|, and 0 at 0.
func (g *Graph[T]) Magnitude(x *Tensor[T]) *Tensor[T] {
	s := x.shape
	if s.C%2 != 0 {
		g.fail("magnitude of %s (%v): want an even number of channels", x.name, s)
		return x
	}
	s.C /= 2
	return g.add(&magnitude[T]{x, g.result("magnitude", s, false, x)})
}

func (o *magnitude[T]) compile()             {}
func (o *magnitude[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.x} }
func (o *magnitude[T]) output() *Tensor[T]   { return o.y }

func (o *magnitude[T]) forward() {
	n := o.y.shape.C * o.y.layout.plane
	for i := range o.y.shape.N {
		re, im := o.x.data[2*i*n:][:n], o.x.data[(2*i+1)*n:][:n]
		y := o.y.data[i*n:][:n]
		for j := range y {
			y[j] = T(math.Sqrt(float64(re[j]*re[j] + im[j]*im[j])))
		}
	}
}

func (o *magnitude[T]) backward(*Grads[T]) {
	dx := o.x.sum()
	n := o.y.shape.C * o.y.layout.plane
	for i := range o.y.shape.N {
		re, im := o.x.data[2*i*n:][:n], o.x.data[(2*i+1)*n:][:n]
		dre, dim := dx[2*i*n:][:n], dx[(2*i+1)*n:][:n]
		y, dy := o.y.data[i*n:][:n], o.y.grad[i*n:][:n]
		for j, v := range y {
			if v > 0 {
				d := dy[j] / v
				dre[j] += d * re[j]
				dim[j] += d * im[j]
			}
		}
	}
}
