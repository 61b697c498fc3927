package nn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
)

// goldenCase is one operation of testdata/golden.py.
type goldenCase struct {
	Name, Op                          string
	Inputs                            int
	Kernel, Stride, Dilation, Padding [2]int
	OutputPadding                     [2]int
	Slope                             float64
	Factor                            int
}

// TestOperationsMatchPyTorch compares outputs and gradients of single operations with those PyTorch computes in float64.
func TestOperationsMatchPyTorch(t *testing.T) {
	const tolerance = 2e-6 // as a share of the largest value
	file, err := os.ReadFile("testdata/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	tensors, meta, err := safetensors.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	values, shapes := map[string][]float32{}, map[string][]int{}
	for _, x := range tensors {
		if values[x.Name], err = x.Float32s(); err != nil {
			t.Fatal(err)
		}
		shapes[x.Name] = x.Shape
	}
	shape := func(name string) Shape {
		s := shapes[name]
		return Shape{s[0], s[1], s[2], s[3]}
	}
	weight, err := strconv.ParseFloat(meta["weight"], 64)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal([]byte(meta["cases"]), &cases); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"portable", "avx2", "avx512"} {
		k, err := kernel.For(set)
		if err != nil {
			t.Log(err)
			continue
		}
		worst := 0.0
		for _, c := range cases {
			t.Run(set+"/"+c.Name, func(t *testing.T) {
				w := NewWeights(k)
				g := NewGraph(w, true)
				var xs []*Tensor[float32]
				for i := range c.Inputs {
					xs = append(xs, g.Variable(fmt.Sprint("x", i), shape(fmt.Sprint(c.Name, ".x", i))))
				}
				y := c.build(w, g, xs, shape(c.Name+".y").C, values[c.Name+".bias"] == nil)
				target := g.Input("target", shape(c.Name+".target"))
				loss := g.MSE(y, target)
				if err := g.Compile(); err != nil {
					t.Fatal(err)
				}
				if y.Shape() != shape(c.Name+".y") {
					t.Fatalf("output has shape %v, want %v", y.Shape(), shape(c.Name+".y"))
				}
				for i, x := range xs {
					x.Load(values[fmt.Sprint(c.Name, ".x", i)])
				}
				target.Load(values[c.Name+".target"])
				params := map[string]*Param[float32]{}
				for _, p := range w.Params() {
					name := c.Name + p.Name[len("c"):]
					params[name] = p
					copy(p.Data, values[name])
				}
				w.Refresh()
				grads := NewGrads(w)
				g.Forward()
				g.Backward(grads, Term{loss, weight})

				compare := func(name string, got []float32) {
					t.Helper()
					if len(values[name]) != len(got) {
						t.Fatalf("the fixture holds %d values of %s, want %d", len(values[name]), name, len(got))
					}
					var difference, scale float64
					for i, want := range values[name] {
						difference = max(difference, math.Abs(float64(got[i])-float64(want)))
						scale = max(scale, math.Abs(float64(want)))
					}
					if !(difference <= tolerance*scale) {
						t.Errorf("%s is off by %.1e of its largest value", name, difference/scale)
					}
					worst = max(worst, difference/scale)
				}
				got := make([]float32, y.Shape().Len())
				y.Store(got)
				compare(c.Name+".y", got)
				for i, x := range xs {
					got := make([]float32, x.Shape().Len())
					x.StoreGrad(got)
					compare(fmt.Sprint(c.Name, ".x", i, ".grad"), got)
				}
				for name, p := range params {
					compare(name+".grad", grads.Of(p))
				}
			})
		}
		t.Logf("%s: worst off by %.1e of the largest value", set, worst)
	}
}

// build adds the operation.
func (c goldenCase) build(w *Weights[float32], g *Graph[float32], xs []*Tensor[float32], out int, noBias bool) *Tensor[float32] {
	switch x := xs[0]; c.Op {
	case "conv", "transpose":
		return g.Conv(w.Conv("c", ConvSpec{
			In: x.Shape().C, Out: out, Kernel: c.Kernel, Stride: c.Stride, Dilation: c.Dilation, Pad: &c.Padding,
			Transposed: c.Op == "transpose", OutputPad: c.OutputPadding, NoBias: noBias,
		}), x)
	case "leaky":
		return g.Leaky(x, c.Slope)
	case "sigmoid":
		return g.Sigmoid(x)
	case "tanh":
		return g.Tanh(x)
	case "gated":
		return g.Mul(x, g.Sigmoid(xs[1]))
	case "sub":
		return g.Sub(x, xs[1])
	case "concat":
		return g.Concat(xs...)
	case "shuffle":
		return g.PixelShuffle(x, c.Factor)
	case "unshuffle":
		return g.PixelUnshuffle(x, c.Factor)
	}
	panic("unknown operation " + c.Op)
}
