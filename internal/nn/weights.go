package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"ditas/internal/nn/kernel"
)

// Param is one named array of trainable numbers, packed in the order of its shape.
type Param[T kernel.Float] struct {
	Name  string
	Shape []int
	Data  []T

	index int
	std   float64 // of the initial values
}

// Weights is an ordered set of parameters and the layers they belong to, for one set of kernels.
type Weights[T kernel.Float] struct {
	kernels kernel.Set[T]
	params  []*Param[T]
	convs   []*Conv[T]
}

// NewWeights returns an empty set whose layers compute with the given kernels.
func NewWeights[T kernel.Float](k kernel.Set[T]) *Weights[T] { return &Weights[T]{kernels: k} }

// Params returns the parameters in the order in which layers were added.
func (w *Weights[T]) Params() []*Param[T] { return w.params }

// Count returns the number of trainable numbers.
func (w *Weights[T]) Count() int {
	n := 0
	for _, p := range w.params {
		n += len(p.Data)
	}
	return n
}

func (w *Weights[T]) param(name string, std float64, shape ...int) *Param[T] {
	n := 1
	for _, s := range shape {
		n *= s
	}
	p := &Param[T]{Name: name, Shape: shape, Data: make([]T, n), index: len(w.params), std: std}
	w.params = append(w.params, p)
	return p
}

// Init draws all parameters from the seed: normal with the standard deviation of their layer, biases zero. Each parameter
// has a stream of its own, so that adding a layer does not change the others.
func (w *Weights[T]) Init(seed uint64) {
	for _, p := range w.params {
		rng := rand.New(rand.NewPCG(seed, uint64(p.index)))
		for i := range p.Data {
			p.Data[i] = 0
			if p.std > 0 {
				p.Data[i] = T(rng.NormFloat64() * p.std)
			}
		}
	}
	w.Refresh()
}

// Refresh brings the layers' packed copies up to date. Call it after changing Data by other means than Init or an
// optimiser, and never while a graph runs.
func (w *Weights[T]) Refresh() {
	for _, c := range w.convs {
		c.refresh(w.kernels)
	}
}

// CopyFrom takes over the values of every parameter from src by name, and refreshes. It returns an error, and changes
// nothing, if one is missing or has another shape.
func (w *Weights[T]) CopyFrom(src map[string][]T) error {
	for _, p := range w.params {
		v, ok := src[p.Name]
		if !ok {
			return fmt.Errorf("weights lack %s: they belong to another architecture", p.Name)
		}
		if len(v) != len(p.Data) {
			return fmt.Errorf("weights hold %d values for %s, want %d: they belong to another architecture", len(v), p.Name, len(p.Data))
		}
	}
	for _, p := range w.params {
		copy(p.Data, src[p.Name])
	}
	w.Refresh()
	return nil
}

// Grads holds a gradient for every parameter of a set.
type Grads[T kernel.Float] struct{ data [][]T }

// NewGrads returns zero gradients for w, which must be complete.
func NewGrads[T kernel.Float](w *Weights[T]) *Grads[T] {
	g := &Grads[T]{data: make([][]T, len(w.params))}
	for i, p := range w.params {
		g.data[i] = make([]T, len(p.Data))
	}
	return g
}

// Of returns the gradient of one parameter, packed like its data.
func (g *Grads[T]) Of(p *Param[T]) []T { return g.data[p.index] }

// Zero resets all gradients.
func (g *Grads[T]) Zero() {
	for _, d := range g.data {
		clear(d)
	}
}

// kaiming is the standard deviation of He et al. 2015, section 2.2, for ReLU networks.
func kaiming(fanIn int) float64 { return math.Sqrt(2 / float64(fanIn)) }
