package nn

import (
	"errors"
	"fmt"
	"math"

	"ditas/internal/nn/kernel"
)

// Graph is a fixed computation over one set of weights. Errors in its description are kept and returned by Compile, so
// that operations can be chained. A graph must not be used by two goroutines at once.
type Graph[T kernel.Float] struct {
	weights  *Weights[T]
	kernels  kernel.Set[T]
	train    bool
	compiled bool
	ops      []op[T]
	tensors  []*Tensor[T]
	losses   []*Loss
	layouts  map[[2]int]*layout
	scope    string
	err      error
}

// op is one operation: it reads its input tensors and writes one output.
type op[T kernel.Float] interface {
	// compile takes the memory the operation needs besides its output, once layouts are settled.
	compile()
	forward()
	// backward passes the gradient of the output on to the inputs that want one, through into or sum.
	backward(grads *Grads[T])
	inputs() []*Tensor[T]
	output() *Tensor[T]
}

// ErrNotFinite reports a NaN or an infinity in a computation.
var ErrNotFinite = errors.New("not a finite number")

// NewGraph starts a graph. With train set, Backward is available, and every tensor and its gradient have memory of their
// own. Without it tensors share memory: only those that [Graph.Output] names, inputs, and tensors that nothing reads can be
// stored after Forward.
func NewGraph[T kernel.Float](w *Weights[T], train bool) *Graph[T] {
	return &Graph[T]{weights: w, kernels: w.kernels, train: train, layouts: map[[2]int]*layout{}}
}

// Output marks a tensor that will be stored after Forward, though operations read it. It returns t.
func (g *Graph[T]) Output(t *Tensor[T]) *Tensor[T] {
	t.output = true
	return t
}

// Scope sets a prefix for the names of the operations that follow, as they appear in errors: "hide.1".
func (g *Graph[T]) Scope(name string) { g.scope = name }

// Input adds a tensor that the caller fills with Load. No gradient flows to it.
func (g *Graph[T]) Input(name string, s Shape) *Tensor[T] {
	t := g.tensor(name, s)
	if !s.positive() {
		g.fail("input %s has shape %v, which is empty", name, s)
	}
	return t
}

// Variable is an Input whose gradient is wanted.
func (g *Graph[T]) Variable(name string, s Shape) *Tensor[T] {
	t := g.Input(name, s)
	t.wanted = g.train
	return t
}

func (g *Graph[T]) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// tensor adds a tensor with the layout that all tensors of its resolution share.
func (g *Graph[T]) tensor(name string, s Shape) *Tensor[T] {
	key := [2]int{s.H, s.W}
	l := g.layouts[key]
	if l == nil {
		l = &layout{h: s.H, w: s.W}
		g.layouts[key] = l
	}
	t := &Tensor[T]{name: name, shape: s, layout: l}
	g.tensors = append(g.tensors, t)
	return t
}

// result adds an operation's output tensor; it wants a gradient if one of the inputs does, or if weights are involved.
func (g *Graph[T]) result(kind string, s Shape, weights bool, inputs ...*Tensor[T]) *Tensor[T] {
	if g.compiled {
		g.fail("%s was added to a compiled graph", kind)
	}
	name := fmt.Sprintf("%d:%s", len(g.ops), kind)
	if g.scope != "" {
		name = g.scope + "/" + name
	}
	t := g.tensor(name, s)
	t.wanted = g.train && weights
	for _, in := range inputs {
		t.wanted = t.wanted || in.wanted
	}
	return t
}

func (g *Graph[T]) add(o op[T]) *Tensor[T] {
	g.ops = append(g.ops, o)
	return o.output()
}

// Compile checks the description and takes the memory it needs. The graph is ready to run afterwards.
func (g *Graph[T]) Compile() error {
	if g.err != nil {
		return fmt.Errorf("graph cannot be built: %w", g.err)
	}
	if g.compiled {
		return nil
	}
	g.compiled = true
	for _, l := range g.layouts {
		l.settle()
	}
	if g.train {
		for _, t := range g.tensors {
			t.data = make([]T, t.size())
			if t.wanted {
				t.grad = make([]T, t.size())
			}
		}
	} else {
		g.share()
	}
	for _, o := range g.ops {
		o.compile()
	}
	return nil
}

// share gives each tensor the memory of one that is no longer needed when it is computed, if there is one of the same
// size and layout. The layout has to be the same because operations rely on halos being zero, and keep them so.
func (g *Graph[T]) share() {
	type kind struct {
		layout *layout
		size   int
	}
	free := map[kind][][]T{}
	last := map[*Tensor[T]]int{}
	computed := map[*Tensor[T]]bool{}
	for i, o := range g.ops {
		computed[o.output()] = true
		for _, t := range o.inputs() {
			last[t] = i
		}
	}
	for _, t := range g.tensors {
		if !computed[t] {
			t.data = make([]T, t.size())
		}
	}
	for i, o := range g.ops {
		t := o.output()
		k := kind{t.layout, t.size()}
		if n := len(free[k]); n > 0 {
			t.data, free[k] = free[k][n-1], free[k][:n-1]
		} else {
			t.data = make([]T, t.size())
		}
		for _, t := range o.inputs() {
			if last[t] == i && computed[t] && !t.output {
				k := kind{t.layout, t.size()}
				free[k] = append(free[k], t.data)
				last[t] = -1 // it may be an input twice
			}
		}
	}
}

// Forward computes every tensor from the inputs and the weights.
func (g *Graph[T]) Forward() {
	for _, o := range g.ops {
		o.forward()
	}
}

// Check runs Forward and returns an error that wraps [ErrNotFinite] and names the first input or operation, in order of
// computation, whose value is NaN or infinite. It is slower than Forward; training calls it once something has gone wrong.
func (g *Graph[T]) Check() error {
	finite := func(t *Tensor[T]) bool {
		s := g.kernels.SumSquares(t.data)
		return !math.IsNaN(s) && !math.IsInf(s, 0)
	}
	outputs := map[*Tensor[T]]bool{}
	for _, o := range g.ops {
		outputs[o.output()] = true
	}
	for _, t := range g.tensors {
		if !outputs[t] && !finite(t) {
			return fmt.Errorf("input %s: %w", t.name, ErrNotFinite)
		}
	}
	for _, o := range g.ops {
		o.forward()
		if t := o.output(); !finite(t) {
			return fmt.Errorf("output of operation %s: %w", t.name, ErrNotFinite)
		}
	}
	return nil
}

// Term is one summand of the objective: a loss of the graph and its weight.
type Term struct {
	Loss   *Loss
	Weight float64
}

// Backward adds the gradient of Σ Weight·Loss with respect to the weights to grads. Forward must have run. It panics on a
// graph that was not made for training.
func (g *Graph[T]) Backward(grads *Grads[T], terms ...Term) {
	if !g.train {
		panic("nn: Backward on a graph that was not made for training")
	}
	for _, t := range g.tensors {
		t.pulled = false
	}
	for _, l := range g.losses {
		l.weight = 0
	}
	for _, t := range terms {
		t.Loss.weight += t.Weight
	}
	for i := len(g.ops) - 1; i >= 0; i-- {
		o := g.ops[i]
		if l, ok := o.(interface{ term() *Loss }); ok && l.term().weight != 0 || o.output().pulled {
			o.backward(grads)
		}
	}
}
