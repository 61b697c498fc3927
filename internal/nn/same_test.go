package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/internal/nn/kernel"
)

// TestEvenKernelsKeepTheExtent checks layers without a Pad against the definition with one zero less before than after.
func TestEvenKernelsKeepTheExtent(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, kernelSize := range [][2]int{{4, 4}, {2, 2}, {4, 3}, {1, 6}} {
		w := NewWeights(kernel.Best())
		c := w.Conv("c", ConvSpec{In: 3, Out: 5, Kernel: kernelSize})
		w.Init(1)
		in := Shape{2, 3, 9, 11}
		g := NewGraph(w, false)
		x := g.Input("x", in)
		y := g.Conv(c, x)
		if err := g.Compile(); err != nil {
			t.Fatal(err)
		}
		if want := (Shape{2, 5, 9, 11}); y.Shape() != want {
			t.Fatalf("kernel %v: output is %v, want %v", kernelSize, y.Shape(), want)
		}
		values := narrow(normal(rng, in.Len()))
		x.Load(values)
		g.Forward()
		got := make([]float32, y.Shape().Len())
		y.Store(got)
		before := [2]int{(kernelSize[0] - 1) / 2, (kernelSize[1] - 1) / 2}
		want := naiveConv(widen(values), widen(c.Weight.Data), widen(c.Bias.Data), in, y.Shape(), c.Spec, before)
		for i, v := range got {
			if math.Abs(float64(v)-want[i]) > 2e-5*(1+math.Abs(want[i])) {
				t.Fatalf("kernel %v: element %d is %g, want %g", kernelSize, i, v, want[i])
			}
		}
	}
}

func TestSameConvGradients(t *testing.T) {
	for _, transposed := range []bool{false, true} {
		t.Run(fmt.Sprintf("transposed %v", transposed), func(t *testing.T) {
			checkGradients(t, Shape{2, 2, 6, 7}, func(w *Weights[float64]) network {
				even := w.Conv("even", ConvSpec{In: 2, Out: 3, Kernel: Square(4), Transposed: transposed})
				odd := w.Conv("odd", ConvSpec{In: 2, Out: 3, Kernel: Square(5), Transposed: transposed})
				return func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] {
					return g.Concat(g.Conv(even, xs[0]), g.Conv(odd, xs[0]))
				}
			}, 1)
		})
	}
}

func TestMagnitude(t *testing.T) {
	checkGradients(t, Shape{2, 4, 3, 5}, func(*Weights[float64]) network {
		return func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Magnitude(xs[0]) }
	}, 1)

	g := NewGraph(NewWeights(kernel.Portable[float32]()), true)
	x := g.Variable("x", Shape{1, 2, 1, 2})
	y := g.Magnitude(x)
	loss := g.MSE(y, g.Input("target", y.Shape()))
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	x.Load([]float32{3, 0, -4, 0}) // 3−4i and 0
	g.Forward()
	got := make([]float32, 4)
	y.Store(got)
	if got[0] != 5 || got[1] != 0 {
		t.Errorf("magnitudes of 3−4i and 0 are %v", got[:2])
	}
	g.Backward(NewGrads(g.weights), Term{loss, 1})
	x.StoreGrad(got)
	if want := "[3 0 -4 0]"; fmt.Sprint(got) != want {
		t.Errorf("gradient is %v, want %v: finite at 0", got, want)
	}

	bad := NewGraph(NewWeights(kernel.Portable[float32]()), false)
	bad.Magnitude(bad.Input("x", Shape{1, 3, 1, 2}))
	if bad.Compile() == nil {
		t.Error("takes an odd number of channels")
	}
}

func TestFLOPs(t *testing.T) {
	w := NewWeights(kernel.Portable[float32]())
	a := w.Conv("a", ConvSpec{In: 3, Out: 7, Kernel: Square(3)})
	b := w.Conv("b", ConvSpec{In: 7, Out: 2, Kernel: Square(4), Stride: Square(2), Pad: &[2]int{1, 1}, Transposed: true})
	g := NewGraph(w, false)
	g.Conv(b, g.Leaky(g.Conv(a, g.Input("x", Shape{2, 3, 8, 10})), 0))
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	// Of the transposed layer, each of 2×8×10 inputs meets each weight once.
	if got, want := g.FLOPs(), 2*(2*8*10*3*7*9+2*8*10*7*2*16); got != want {
		t.Errorf("%d FLOPs, want %d", got, want)
	}
}
