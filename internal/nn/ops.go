package nn

import (
	"fmt"
	"math"

	"ditas/internal/nn/kernel"
)

// unary is an operation on each element by itself.
type unary[T kernel.Float] struct {
	k    kernel.Set[T]
	x, y *Tensor[T]
	f    func(y, x []T)
	// df adds to dx given the value y, the input x and the gradient dy. Where it is nil, the gradient is slope·dy.
	df    func(dx, x, y, dy []T)
	slope *float64
	// lifts says that f(0) is not 0, so that the halo has to be cleared.
	lifts bool
}

func (o *unary[T]) compile()             {}
func (o *unary[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.x} }
func (o *unary[T]) output() *Tensor[T]   { return o.y }

func (o *unary[T]) forward() {
	o.f(o.y.data, o.x.data)
	if o.lifts {
		clearHalo(o.y.data, o.y.layout, o.y.shape.N*o.y.shape.C)
	}
}

func (o *unary[T]) backward(*Grads[T]) {
	if o.df == nil {
		pull(o.k, o.x, T(*o.slope), o.y.grad)
		return
	}
	o.df(o.x.sum(), o.x.data, o.y.data, o.y.grad)
}

// pull passes the gradient a·dy on to x, if it wants one.
func pull[T kernel.Float](k kernel.Set[T], x *Tensor[T], a T, dy []T) {
	if !x.wanted {
		return
	}
	switch dx, first := x.into(); {
	case first && a == 1:
		copy(dx, dy)
	case first:
		k.Scale(dx, a, dy)
	case a == 1:
		k.Add(dx, dx, dy)
	default:
		k.Axpy(dx, a, dy)
	}
}

// Leaky is the leaky rectifier: x where positive, slope·x elsewhere. Slope 0 is ReLU.
func (g *Graph[T]) Leaky(x *Tensor[T], slope float64) *Tensor[T] {
	k, s := g.kernels, T(slope)
	return g.add(&unary[T]{
		k: k, x: x, y: g.result("leaky", x.shape, false, x),
		f:  func(y, x []T) { k.Leaky(y, s, x) },
		df: func(dx, x, _, dy []T) { k.LeakyGrad(dx, s, x, dy) },
	})
}

// Sigmoid is the logistic function 1/(1+e^−x).
func (g *Graph[T]) Sigmoid(x *Tensor[T]) *Tensor[T] {
	k := g.kernels
	return g.add(&unary[T]{
		k: k, x: x, y: g.result("sigmoid", x.shape, false, x), lifts: true,
		f:  func(y, x []T) { k.Sigmoid(y, x) },
		df: func(dx, _, y, dy []T) { k.SigmoidGrad(dx, y, dy) },
	})
}

// Tanh is the hyperbolic tangent.
func (g *Graph[T]) Tanh(x *Tensor[T]) *Tensor[T] {
	k := g.kernels
	return g.add(&unary[T]{
		k: k, x: x, y: g.result("tanh", x.shape, false, x),
		f:  func(y, x []T) { k.Tanh(y, x) },
		df: func(dx, _, y, dy []T) { k.TanhGrad(dx, y, dy) },
	})
}

// Scale multiplies by *a as it stands when the graph runs; a constant that changes between steps may be shared by many
// graphs. No gradient flows to it.
func (g *Graph[T]) Scale(x *Tensor[T], a *float64) *Tensor[T] {
	k := g.kernels
	return g.add(&unary[T]{
		k: k, x: x, y: g.result("scale", x.shape, false, x),
		f:     func(y, x []T) { k.Scale(y, T(*a), x) },
		slope: a,
	})
}

// Round rounds to the nearest multiple of *step, halves to even, and limits to [−1, 1 − *step], as a file of integer
// samples does; a step of 0 changes nothing. Its gradient is the identity's.
func (g *Graph[T]) Round(x *Tensor[T], step *float64) *Tensor[T] {
	identity := 1.0
	return g.add(&unary[T]{
		k: g.kernels, x: x, y: g.result("round", x.shape, false, x), slope: &identity,
		f: func(y, x []T) {
			s := *step
			if s == 0 {
				copy(y, x)
				return
			}
			for i, v := range x {
				y[i] = T(max(-1, min(1-s, math.RoundToEven(float64(v)/s)*s)))
			}
		},
	})
}

type binaryOp int

const (
	plus binaryOp = iota
	minus
	times
)

type binary[T kernel.Float] struct {
	k       kernel.Set[T]
	kind    binaryOp
	a, b, y *Tensor[T]
}

func (g *Graph[T]) binary(kind binaryOp, name string, a, b *Tensor[T]) *Tensor[T] {
	if a.shape != b.shape {
		g.fail("%s of %s (%v) and %s (%v): shapes differ", name, a.name, a.shape, b.name, b.shape)
		return a
	}
	return g.add(&binary[T]{g.kernels, kind, a, b, g.result(name, a.shape, false, a, b)})
}

// Add is a + b.
func (g *Graph[T]) Add(a, b *Tensor[T]) *Tensor[T] { return g.binary(plus, "add", a, b) }

// Sub is a − b.
func (g *Graph[T]) Sub(a, b *Tensor[T]) *Tensor[T] { return g.binary(minus, "sub", a, b) }

// Mul is the elementwise product a·b; Mul(x, Sigmoid(z)) is a gated product.
func (g *Graph[T]) Mul(a, b *Tensor[T]) *Tensor[T] { return g.binary(times, "mul", a, b) }

func (o *binary[T]) compile()             {}
func (o *binary[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.a, o.b} }
func (o *binary[T]) output() *Tensor[T]   { return o.y }

func (o *binary[T]) forward() {
	switch o.kind {
	case plus:
		o.k.Add(o.y.data, o.a.data, o.b.data)
	case minus:
		o.k.Scale(o.y.data, -1, o.b.data)
		o.k.Add(o.y.data, o.y.data, o.a.data)
	case times:
		o.k.Mul(o.y.data, o.a.data, o.b.data)
	}
}

func (o *binary[T]) backward(*Grads[T]) {
	dy := o.y.grad
	switch o.kind {
	case plus:
		pull(o.k, o.a, 1, dy)
		pull(o.k, o.b, 1, dy)
	case minus:
		pull(o.k, o.a, 1, dy)
		pull(o.k, o.b, -1, dy)
	case times:
		o.scaled(o.a, o.b.data)
		o.scaled(o.b, o.a.data)
	}
}

// scaled passes the gradient dy·other on to x, if it wants one.
func (o *binary[T]) scaled(x *Tensor[T], other []T) {
	if !x.wanted {
		return
	}
	if dx, first := x.into(); first {
		o.k.Mul(dx, o.y.grad, other)
	} else {
		o.k.MulAdd(dx, o.y.grad, other)
	}
}

type concat[T kernel.Float] struct {
	k  kernel.Set[T]
	xs []*Tensor[T]
	y  *Tensor[T]
}

// Concat joins tensors of one extent along the channels.
func (g *Graph[T]) Concat(xs ...*Tensor[T]) *Tensor[T] {
	if len(xs) == 0 {
		g.fail("concat of nothing")
		return g.tensor("concat", Shape{})
	}
	s := xs[0].shape
	for _, x := range xs[1:] {
		if x.shape.N != s.N || x.layout != xs[0].layout {
			g.fail("concat of %s (%v) and %s (%v): only channels may differ", xs[0].name, xs[0].shape, x.name, x.shape)
			return xs[0]
		}
		s.C += x.shape.C
	}
	return g.add(&concat[T]{g.kernels, xs, g.result("concat", s, false, xs...)})
}

func (o *concat[T]) compile()             {}
func (o *concat[T]) inputs() []*Tensor[T] { return o.xs }
func (o *concat[T]) output() *Tensor[T]   { return o.y }

func (o *concat[T]) forward() {
	o.each(func(x *Tensor[T], part, whole int, n int) { copy(o.y.data[whole:][:n], x.data[part:]) })
}

func (o *concat[T]) backward(*Grads[T]) {
	for _, x := range o.xs {
		if x.wanted {
			x.sum()
		}
	}
	o.each(func(x *Tensor[T], part, whole int, n int) {
		if x.wanted {
			d := x.grad[part:][:n]
			o.k.Add(d, d, o.y.grad[whole:])
		}
	})
}

// each calls f with where the planes of one image of one part start in the part and in the whole, and their length.
func (o *concat[T]) each(f func(x *Tensor[T], part, whole int, n int)) {
	at := 0
	for i := range o.y.shape.N {
		for _, x := range o.xs {
			n := x.shape.C * x.layout.plane
			f(x, i*n, at, n)
			at += n
		}
	}
}

// Map is a fixed linear map of one image, such as an orthonormal transform or a rearrangement. Apply and Adjoint assign
// to dst; both get packed values, channels × rows × columns. Implementations must not keep state, since graphs on several
// goroutines share them.
type Map[T kernel.Float] interface {
	// OutShape returns the extent of the output for an input, or an error if the map does not take it.
	OutShape(in Shape) (Shape, error)
	Apply(dst, src []T)
	Adjoint(dst, src []T)
}

type mapOp[T kernel.Float] struct {
	k      kernel.Set[T]
	m      Map[T]
	x, y   *Tensor[T]
	xb, yb []T // one image, packed
}

// Map applies a fixed linear map to every image.
func (g *Graph[T]) Map(name string, m Map[T], x *Tensor[T]) *Tensor[T] {
	s, err := m.OutShape(x.shape)
	if err != nil {
		g.fail("%s of %s: %w", name, x.name, err)
		return x
	}
	return g.add(&mapOp[T]{k: g.kernels, m: m, x: x, y: g.result(name, s, false, x)})
}

func (o *mapOp[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.x} }
func (o *mapOp[T]) output() *Tensor[T]   { return o.y }

func (o *mapOp[T]) compile() {
	o.xb = make([]T, o.x.shape.Len()/o.x.shape.N)
	o.yb = make([]T, o.y.shape.Len()/o.y.shape.N)
}

func (o *mapOp[T]) forward() {
	xn, yn := o.x.shape.C*o.x.layout.plane, o.y.shape.C*o.y.layout.plane
	for i := range o.x.shape.N {
		pack(o.xb, o.x.data[i*xn:], o.x.layout, o.x.shape.C)
		o.m.Apply(o.yb, o.xb)
		unpack(o.y.data[i*yn:], o.yb, o.y.layout, o.y.shape.C)
	}
}

func (o *mapOp[T]) backward(*Grads[T]) {
	dx := o.x.sum()
	xn, yn := o.x.shape.C*o.x.layout.plane, o.y.shape.C*o.y.layout.plane
	for i := range o.x.shape.N {
		pack(o.yb, o.y.grad[i*yn:], o.y.layout, o.y.shape.C)
		o.m.Adjoint(o.xb, o.yb)
		l := o.x.layout
		for r := range o.x.shape.C * l.h {
			d := dx[i*xn+r/l.h*l.plane+l.start+r%l.h*l.row:][:l.w]
			o.k.Add(d, d, o.xb[r*l.w:])
		}
	}
}

type applyOp[T kernel.Float] struct {
	x, y   *Tensor[T]
	f      func(dst, src []T)
	xb, yb []T // one image, packed
}

// Apply computes f of every image, packed; f must assign all of dst, which has the extent of src. No gradient flows through
// it. It serves decisions, such as masks.
func (g *Graph[T]) Apply(name string, x *Tensor[T], f func(dst, src []T)) *Tensor[T] {
	return g.add(&applyOp[T]{x: x, y: g.result(name, x.shape, false), f: f})
}

func (o *applyOp[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.x} }
func (o *applyOp[T]) output() *Tensor[T]   { return o.y }
func (o *applyOp[T]) backward(*Grads[T])   {}

func (o *applyOp[T]) compile() {
	o.xb = make([]T, o.x.shape.Len()/o.x.shape.N)
	o.yb = make([]T, len(o.xb))
}

func (o *applyOp[T]) forward() {
	c, l := o.x.shape.C, o.x.layout
	for i := range o.x.shape.N {
		pack(o.xb, o.x.data[i*c*l.plane:], l, c)
		o.f(o.yb, o.xb)
		unpack(o.y.data[i*c*l.plane:], o.yb, l, c)
	}
}

// shuffle is the pixel shuffle of Shi et al. 2016: channels·r² × rows × columns to channels × r·rows × r·columns.
type shuffle[T kernel.Float] struct {
	r       int
	inverse bool
	in      Shape
}

// PixelShuffle spreads groups of r² channels over r×r pixels, in the order of PyTorch's pixel_shuffle.
func (g *Graph[T]) PixelShuffle(x *Tensor[T], r int) *Tensor[T] {
	return g.Map("pixel shuffle", shuffle[T]{r, false, x.shape}, x)
}

// PixelUnshuffle is its inverse: r×r pixels become r² channels.
func (g *Graph[T]) PixelUnshuffle(x *Tensor[T], r int) *Tensor[T] {
	return g.Map("pixel unshuffle", shuffle[T]{r, true, x.shape}, x)
}

func (s shuffle[T]) OutShape(in Shape) (Shape, error) {
	r := s.r
	if s.inverse {
		if r < 1 || in.H%r != 0 || in.W%r != 0 {
			return in, fmt.Errorf("%d×%d pixels cannot be divided by %d", in.H, in.W, r)
		}
		return Shape{in.N, in.C * r * r, in.H / r, in.W / r}, nil
	}
	if r < 1 || in.C%(r*r) != 0 {
		return in, fmt.Errorf("%d channels cannot be divided by %d", in.C, r*r)
	}
	return Shape{in.N, in.C / (r * r), in.H * r, in.W * r}, nil
}

func (s shuffle[T]) Apply(dst, src []T) { s.move(dst, src, s.inverse) }

func (s shuffle[T]) Adjoint(dst, src []T) { s.move(dst, src, !s.inverse) }

// move copies between the deep side (many channels) and the broad side (many pixels).
func (s shuffle[T]) move(dst, src []T, deepen bool) {
	r := s.r
	c, h, w := s.in.C, s.in.H, s.in.W // of the deep side
	if s.inverse {
		c, h, w = c*r*r, h/r, w/r
	}
	for ch := range c {
		oc, oy, ox := ch/(r*r), ch/r%r, ch%r
		for y := range h {
			deep, broad := (ch*h+y)*w, (oc*h*r+y*r+oy)*w*r+ox
			for x := range w {
				if deepen {
					dst[deep+x] = src[broad+x*r]
				} else {
					dst[broad+x*r] = src[deep+x]
				}
			}
		}
	}
}
