package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
)

// checkGradients compares the gradients of a small random graph, in float64, with central differences of its loss, for
// every input and every parameter.
func checkGradients(t *testing.T, in Shape, build func(w *Weights[float64]) network, inputs int) {
	t.Helper()
	w := NewWeights(kernel.Portable[float64]())
	body := build(w)
	w.Init(3)
	for _, p := range w.Params() {
		rng := rand.New(rand.NewPCG(9, uint64(p.index)))
		for i := range p.Data {
			p.Data[i] = rng.NormFloat64()
		}
	}
	w.Refresh()
	g := NewGraph(w, true)
	var xs []*Tensor[float64]
	for i := range inputs {
		xs = append(xs, g.Variable(fmt.Sprint("x", i), in))
	}
	y := body(g, xs)
	if g.err != nil {
		t.Fatal(g.err)
	}
	target := g.Input("target", y.Shape())
	loss := g.MSE(y, target)
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([][]float64, inputs)
	for i := range xs {
		values[i] = normal(rng, in.Len())
		xs[i].Load(values[i])
	}
	target.Load(normal(rng, y.Shape().Len()))
	grads := NewGrads(w)
	g.Forward()
	const weight = 1.7
	g.Backward(grads, Term{loss, weight})

	const h = 1e-5
	at := func() float64 { g.Forward(); return weight * loss.Value }
	compare := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("%s: gradient %g, central difference %g", what, got, want)
		}
	}
	for i, x := range xs {
		got := make([]float64, in.Len())
		x.StoreGrad(got)
		for j := range values[i] {
			v := values[i][j]
			values[i][j] = v + h
			x.Load(values[i])
			up := at()
			values[i][j] = v - h
			x.Load(values[i])
			down := at()
			values[i][j] = v
			x.Load(values[i])
			compare(fmt.Sprintf("input %d[%d]", i, j), got[j], (up-down)/(2*h))
		}
	}
	for _, p := range w.Params() {
		for j := range p.Data {
			v := p.Data[j]
			p.Data[j] = v + h
			w.Refresh()
			up := at()
			p.Data[j] = v - h
			w.Refresh()
			down := at()
			p.Data[j] = v
			w.Refresh()
			compare(fmt.Sprintf("%s[%d]", p.Name, j), grads.Of(p)[j], (up-down)/(2*h))
		}
	}
}

func normal(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// network adds operations on the inputs and returns the last.
type network func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64]

func TestConvGradients(t *testing.T) {
	pad := func(y, x int) *[2]int { return &[2]int{y, x} }
	specs := map[string]ConvSpec{
		"3x3":                 {Kernel: Square(3)},
		"1x1":                 {Kernel: Square(1)},
		"5x3 dilated":         {Kernel: [2]int{5, 3}, Dilation: [2]int{1, 2}},
		"even kernel":         {Kernel: [2]int{4, 2}, Pad: pad(2, 1)},
		"valid":               {Kernel: Square(3), Pad: pad(0, 0)},
		"stride 2":            {Kernel: Square(3), Stride: Square(2)},
		"stride 2x3 dilated":  {Kernel: Square(3), Stride: [2]int{2, 3}, Dilation: Square(2), Pad: pad(2, 3)},
		"stride beyond taps":  {Kernel: Square(1), Stride: Square(2), Pad: pad(0, 0)},
		"transposed":          {Kernel: Square(3), Transposed: true},
		"transposed stride 2": {Kernel: Square(4), Stride: Square(2), Pad: pad(1, 1), Transposed: true},
		"output padding":      {Kernel: Square(3), Stride: Square(2), Pad: pad(1, 1), OutputPad: [2]int{1, 1}, Transposed: true},
		"no bias":             {Kernel: Square(3), NoBias: true},
	}
	for name, s := range specs {
		t.Run(name, func(t *testing.T) {
			s.In, s.Out = 2, 3
			checkGradients(t, Shape{2, 2, 6, 7}, func(w *Weights[float64]) network {
				c := w.Conv("c", s)
				return func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Conv(c, xs[0]) }
			}, 1)
		})
	}
	t.Run("signal", func(t *testing.T) {
		checkGradients(t, Shape{1, 2, 1, 20}, func(w *Weights[float64]) network {
			c := w.Conv("c", ConvSpec{In: 2, Out: 2, Kernel: [2]int{1, 9}, Stride: [2]int{1, 4}})
			d := w.Conv("d", ConvSpec{In: 2, Out: 2, Kernel: [2]int{1, 9}, Stride: [2]int{1, 4}, Transposed: true, OutputPad: [2]int{0, 3}})
			return func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] {
				y := g.Conv(d, g.Conv(c, xs[0]))
				if y.Shape() != xs[0].Shape() {
					t.Errorf("there and back gives %v, want %v", y.Shape(), xs[0].Shape())
				}
				return y
			}
		}, 1)
	})
}

// naiveConv is the textbook definition of a convolution layer, written without any of the engine.
func naiveConv(x, w, b []float64, in, out Shape, s ConvSpec, pad [2]int) []float64 {
	y := make([]float64, out.Len())
	for n := range out.N {
		for o := range out.C {
			for oy := range out.H {
				for ox := range out.W {
					v := b[o]
					for c := range in.C {
						for ky := range s.Kernel[0] {
							for kx := range s.Kernel[1] {
								iy, ix := oy*s.Stride[0]+ky*s.Dilation[0]-pad[0], ox*s.Stride[1]+kx*s.Dilation[1]-pad[1]
								if iy >= 0 && iy < in.H && ix >= 0 && ix < in.W {
									v += w[((o*in.C+c)*s.Kernel[0]+ky)*s.Kernel[1]+kx] * x[((n*in.C+c)*in.H+iy)*in.W+ix]
								}
							}
						}
					}
					y[((n*out.C+o)*out.H+oy)*out.W+ox] = v
				}
			}
		}
	}
	return y
}

func TestConvMatchesDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 60 {
		s := ConvSpec{
			In: 1 + rng.IntN(4), Out: 1 + rng.IntN(9), Kernel: [2]int{1 + rng.IntN(5), 1 + rng.IntN(5)},
			Stride: [2]int{1 + rng.IntN(3), 1 + rng.IntN(3)}, Dilation: [2]int{1 + rng.IntN(2), 1 + rng.IntN(2)},
		}
		pad := [2]int{rng.IntN(4), rng.IntN(4)}
		s.Pad = &pad
		in := Shape{1 + rng.IntN(2), s.In, 9 + rng.IntN(9), 9 + rng.IntN(30)}
		w := NewWeights(kernel.Best())
		c := w.Conv("c", s)
		w.Init(uint64(i))
		for j := range c.Bias.Data {
			c.Bias.Data[j] = float32(j) - 1
		}
		g := NewGraph(w, false)
		x := g.Input("x", in)
		y := g.Conv(c, x)
		if err := g.Compile(); err != nil {
			t.Fatal(err)
		}
		xv := normal(rng, in.Len())
		x32 := narrow(xv)
		x.Load(x32)
		g.Forward()
		got := make([]float32, y.Shape().Len())
		y.Store(got)
		want := naiveConv(widen(x32), widen(c.Weight.Data), widen(c.Bias.Data), in, y.Shape(), c.Spec, pad)
		for j := range got {
			if math.Abs(float64(got[j])-want[j]) > 2e-5*(1+math.Abs(want[j])) {
				t.Fatalf("%+v on %v: element %d is %g, want %g", s, in, j, got[j], want[j])
			}
		}
	}
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// mix is a small linear map with a non-trivial adjoint: it keeps two of three channels, mixed.
type mix struct{}

func (mix) OutShape(in Shape) (Shape, error) { return Shape{in.N, 2, in.H, in.W}, nil }
func (mix) Apply(dst, src []float64) {
	n := len(dst) / 2
	for i := range n {
		dst[i], dst[n+i] = 2*src[i]-src[n+i], src[2*n+i]
	}
}
func (mix) Adjoint(dst, src []float64) {
	n := len(src) / 2
	for i := range n {
		dst[i], dst[n+i], dst[2*n+i] = 2*src[i], -src[i], src[n+i]
	}
}

func TestOperationGradients(t *testing.T) {
	a := 0.7
	ops := map[string]struct {
		inputs int
		f      network
	}{
		"relu":    {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Leaky(xs[0], 0) }},
		"leaky":   {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Leaky(xs[0], 0.1) }},
		"sigmoid": {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Sigmoid(xs[0]) }},
		"tanh":    {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Tanh(xs[0]) }},
		"scale":   {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Scale(xs[0], &a) }},
		"add":     {2, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Add(xs[0], xs[1]) }},
		"sub":     {2, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Sub(xs[0], xs[1]) }},
		"mul":     {2, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Mul(xs[0], xs[1]) }},
		"gated product": {2, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] {
			return g.Mul(xs[0], g.Sigmoid(xs[1]))
		}},
		"square": {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Mul(xs[0], xs[0]) }},
		"concat": {2, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] {
			return g.Concat(xs[1], g.Tanh(xs[0]), xs[0])
		}},
		"map": {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.Map("mix", mix{}, xs[0]) }},
		"pixel shuffle": {2, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] {
			return g.PixelShuffle(g.Concat(xs[0], xs[1], xs[0], xs[1]), 2)
		}},
		"pixel unshuffle": {1, func(g *Graph[float64], xs []*Tensor[float64]) *Tensor[float64] { return g.PixelUnshuffle(xs[0], 2) }},
	}
	for name, o := range ops {
		t.Run(name, func(t *testing.T) {
			checkGradients(t, Shape{2, 3, 4, 6}, func(*Weights[float64]) network {
				return o.f
			}, o.inputs)
		})
	}
}

// The loss is ln 2 for a score that says nothing, some 0 where scores are right, and as large as the score where they are wrong, however large that is.
func TestCrossEntropy(t *testing.T) {
	const n = 5
	g := NewGraph(NewWeights(kernel.Portable[float64]()), true)
	x, label := g.Variable("x", Shape{1, 1, 1, n}), g.Input("label", Shape{1, 1, 1, n})
	loss := g.CrossEntropy(x, label)
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	x.Load([]float64{0, 50, -800, 800, 1})
	label.Load([]float64{1, 1, 0, 0, 0.25})
	g.Forward()
	if want := (math.Ln2 + 0 + 0 + 800 + math.Log(1+math.E) - 0.25) / n; math.Abs(loss.Value-want) > 1e-12 {
		t.Errorf("%g, want %g", loss.Value, want)
	}
	g.Backward(NewGrads(g.weights), Term{loss, 2})
	got := make([]float64, n)
	x.StoreGrad(got)
	for i, want := range []float64{-0.5, 0, 0, 1, 1/(1+1/math.E) - 0.25} {
		if math.Abs(got[i]-2*want/n) > 1e-7 {
			t.Errorf("gradient %d is %g, want %g", i, got[i], 2*want/n)
		}
	}
	g.CrossEntropy(x, g.Input("more", Shape{1, 1, 1, n + 1}))
	if err := g.Compile(); err == nil {
		t.Error("no error for labels of another shape")
	}
}

func TestRoundAndApply(t *testing.T) {
	g := NewGraph(NewWeights(kernel.Portable[float32]()), true)
	x := g.Variable("x", Shape{1, 1, 1, 7})
	step := 0.25
	y := g.Round(x, &step)
	twice := g.Apply("twice", x, func(dst, src []float32) {
		for i, v := range src {
			dst[i] = 2 * v
		}
	})
	loss := g.MSE(y, g.Input("zero", x.Shape()))
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	x.Load([]float32{0.1, 0.125, 0.375, -0.2, 0.6, 1.5, -2})
	g.Forward()
	got := make([]float32, 7)
	y.Store(got)
	if want := "[0 0 0.5 -0.25 0.5 0.75 -1]"; fmt.Sprint(got) != want {
		t.Errorf("rounded to %v, want %v", got, want)
	}
	twice.Store(got)
	if want := "[0.2 0.25 0.75 -0.4 1.2 3 -4]"; fmt.Sprint(got) != want {
		t.Errorf("applied: %v, want %v", got, want)
	}
	g.Backward(NewGrads(g.weights), Term{loss, 3.5})
	x.StoreGrad(got)
	if want := "[0 0 0.5 -0.25 0.5 0.75 -1]"; fmt.Sprint(got) != want {
		t.Errorf("gradient %v, want that of the identity %v", got, want)
	}
}

func TestPixelShuffleOrder(t *testing.T) {
	g := NewGraph(NewWeights(kernel.Portable[float32]()), false)
	x := g.Input("x", Shape{1, 4, 1, 2})
	y := g.Output(g.PixelShuffle(x, 2))
	z := g.PixelUnshuffle(y, 2)
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	x.Load([]float32{0, 1, 2, 3, 4, 5, 6, 7})
	g.Forward()
	got := make([]float32, 8)
	y.Store(got)
	if want := "[0 2 1 3 4 6 5 7]"; fmt.Sprint(got) != want { // torch.pixel_shuffle(arange(8).view(1,4,1,2), 2)
		t.Errorf("shuffled %v, want %v", got, want)
	}
	z.Store(got)
	if want := "[0 1 2 3 4 5 6 7]"; fmt.Sprint(got) != want {
		t.Errorf("there and back %v, want %v", got, want)
	}
}

func TestSharedMemoryChangesNothing(t *testing.T) {
	w := NewWeights(kernel.Best())
	a := w.Conv("a", ConvSpec{In: 3, Out: 3, Kernel: Square(5)})
	b := w.Conv("b", ConvSpec{In: 3, Out: 3, Kernel: Square(3), Stride: Square(2)})
	c := w.Conv("c", ConvSpec{In: 3, Out: 3, Kernel: Square(3), Stride: Square(2), Transposed: true, OutputPad: [2]int{1, 1}})
	w.Init(2)
	below := func(dst, src []float32) {
		for i, v := range src {
			dst[i] = 0
			if v < 0.3 {
				dst[i] = 1
			}
		}
	}
	run := func(train bool) (out []float32, floats int) {
		g := NewGraph(w, train)
		x := g.Input("x", Shape{2, 3, 12, 14})
		h, skip := x, x
		var kept *Tensor[float32]
		for i := range 6 {
			h = g.Sigmoid(g.Conv(a, g.Mul(h, g.Apply("below", h, below))))
			h = g.Tanh(g.Add(g.Conv(c, g.Conv(b, h)), g.Add(skip, skip)))
			if i == 2 {
				kept = g.Output(h)
			}
			skip = h
		}
		if err := g.Compile(); err != nil {
			t.Fatal(err)
		}
		seen := map[*float32]bool{}
		for _, tensor := range g.tensors {
			if !seen[&tensor.data[0]] {
				seen[&tensor.data[0]] = true
				floats += len(tensor.data)
			}
		}
		x.Load(narrow(normal(rand.New(rand.NewPCG(3, 3)), x.Shape().Len())))
		out = make([]float32, h.Shape().Len()+kept.Shape().Len())
		for range 2 { // what the first pass left behind must not matter to the second
			g.Forward()
			h.Store(out)
			kept.Store(out[h.Shape().Len():])
		}
		return out, floats
	}
	own, ownFloats := run(true)
	shared, sharedFloats := run(false)
	for i := range own {
		if own[i] != shared[i] {
			t.Fatalf("value %d is %g with shared memory and %g without", i, shared[i], own[i])
		}
	}
	if sharedFloats > ownFloats/4 {
		t.Errorf("shared tensors take %d floats, others %d", sharedFloats, ownFloats)
	}
}

func TestNaNIsNamed(t *testing.T) {
	w := NewWeights(kernel.Best())
	first := w.Conv("first", ConvSpec{In: 1, Out: 1, Kernel: Square(3)})
	second := w.Conv("second", ConvSpec{In: 1, Out: 1, Kernel: Square(3)})
	w.Init(1)
	g := NewGraph(w, true)
	x := g.Input("x", Shape{1, 1, 4, 4})
	g.Scope("hide.1")
	g.MSE(g.Leaky(g.Conv(second, g.Leaky(g.Conv(first, x), 0)), 0), x)
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Fatalf("a sound graph: %v", err)
	}
	second.Weight.Data[4] = float32(math.NaN())
	w.Refresh()
	err := g.Check()
	if !errors.Is(err, ErrNotFinite) || err.Error() != "output of operation hide.1/2:second.weight: not a finite number" {
		t.Errorf("a NaN in the second layer: %v", err)
	}
	x.Load(append(make([]float32, 15), float32(math.Inf(1))))
	if err := g.Check(); err == nil || err.Error() != "input x: not a finite number" {
		t.Errorf("an infinity in the input: %v", err)
	}
}

func TestDescriptionErrors(t *testing.T) {
	w := NewWeights(kernel.Portable[float32]())
	c := w.Conv("c", ConvSpec{In: 2, Out: 1, Kernel: Square(3)})
	for want, build := range map[string]func(g *Graph[float32]){
		"graph cannot be built: c.weight: input has 3 channels, want 2": func(g *Graph[float32]) {
			g.Tanh(g.Conv(c, g.Input("x", Shape{1, 3, 8, 8})))
		},
		"graph cannot be built: add of a (1×1×2×2) and b (1×1×2×3): shapes differ": func(g *Graph[float32]) {
			g.Add(g.Input("a", Shape{1, 1, 2, 2}), g.Input("b", Shape{1, 1, 2, 3}))
		},
		"graph cannot be built: input x has shape 1×0×2×2, which is empty": func(g *Graph[float32]) {
			g.Input("x", Shape{1, 0, 2, 2})
		},
	} {
		g := NewGraph(w, false)
		build(g)
		if err := g.Compile(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// autoencoder is a graph with most of the operations, for tests of whole steps.
func autoencoder(w *Weights[float32]) func() (*Graph[float32], *Tensor[float32], *Loss) {
	enc := w.Conv("enc", ConvSpec{In: 3, Out: 16, Kernel: Square(3)})
	gate := w.Conv("gate", ConvSpec{In: 3, Out: 16, Kernel: Square(3)})
	dec := w.Conv("dec", ConvSpec{In: 16, Out: 3, Kernel: Square(3)})
	return func() (*Graph[float32], *Tensor[float32], *Loss) {
		g := NewGraph(w, true)
		x := g.Input("x", Shape{1, 3, 16, 16})
		h := g.Mul(g.Leaky(g.Conv(enc, x), 0.1), g.Sigmoid(g.Conv(gate, x)))
		loss := g.MSE(g.Conv(dec, h), x)
		if err := g.Compile(); err != nil {
			panic(err)
		}
		return g, x, loss
	}
}

func trainAutoencoder(workers, steps int) ([]float32, float64) {
	w := NewWeights(kernel.Best())
	build := autoencoder(w)
	w.Init(7)
	const batch = 6
	type replica struct {
		g    *Graph[float32]
		x    *Tensor[float32]
		loss *Loss
		buf  []float32
	}
	replicas := make([]replica, workers)
	for i := range replicas {
		g, x, l := build()
		replicas[i] = replica{g, x, l, make([]float32, 3*16*16)}
	}
	var grads []*Grads[float32]
	for range batch {
		grads = append(grads, NewGrads(w))
	}
	opt := NewAdam(w, 0.9, 0.99)
	avg := NewAverage(w, 0.9)
	losses := make([]float64, batch)
	for step := range steps {
		parallel.Each(workers, batch, func(worker, i int) {
			r := replicas[worker]
			rng := rand.New(rand.NewPCG(uint64(step), uint64(i)))
			level := rng.Float32()
			for j := range r.buf {
				r.buf[j] = level + 0.1*rng.Float32()
			}
			r.x.Load(r.buf)
			r.g.Forward()
			grads[i].Zero()
			r.g.Backward(grads[i], Term{r.loss, 1})
			losses[i] = r.loss.Value
		})
		if _, err := opt.Step(grads, 1e-2*WarmupCosine(step, 5, steps, 0.1), 1); err != nil {
			panic(err)
		}
		avg.Update(step + 1)
	}
	var out []float32
	for _, p := range w.Params() {
		out = append(out, p.Data...)
		out = append(out, avg.Values().Of(p)...)
	}
	var loss float64
	for _, l := range losses {
		loss += l / batch
	}
	return out, loss
}

func TestTrainingLearnsAndIgnoresThreads(t *testing.T) {
	_, start := trainAutoencoder(1, 1)
	one, end := trainAutoencoder(1, 60)
	if end > start/20 {
		t.Errorf("loss went from %g to %g in 60 steps", start, end)
	}
	two, _ := trainAutoencoder(2, 60)
	for i := range one {
		if one[i] != two[i] {
			t.Fatalf("value %d is %g on one thread and %g on two", i, one[i], two[i])
		}
	}
}

func TestAdamRefusesNonFiniteGradients(t *testing.T) {
	w := NewWeights(kernel.Portable[float32]())
	c := w.Conv("c", ConvSpec{In: 1, Out: 1, Kernel: Square(1)})
	w.Init(1)
	before := c.Weight.Data[0]
	grads := NewGrads(w)
	grads.Of(c.Weight)[0] = float32(math.NaN())
	if _, err := NewAdam(w, 0.9, 0.99).Step([]*Grads[float32]{grads}, 1, 1); !errors.Is(err, ErrNotFinite) {
		t.Errorf("got %v", err)
	}
	if c.Weight.Data[0] != before {
		t.Error("the weights changed")
	}
}

func TestAdamClipsTheNorm(t *testing.T) {
	// With gradient 100 clipped to 1, Adam's first moment is 0.1 and the first step is the rate itself.
	w := NewWeights(kernel.Portable[float32]())
	c := w.Conv("c", ConvSpec{In: 1, Out: 1, Kernel: Square(1), NoBias: true})
	w.Refresh()
	grads := NewGrads(w)
	grads.Of(c.Weight)[0] = 100
	opt := NewAdam(w, 0.9, 0.99)
	norm, err := opt.Step([]*Grads[float32]{grads}, 0.5, 1)
	if err != nil || norm != 100 {
		t.Fatalf("norm %v, error %v", norm, err)
	}
	if _, m, _ := opt.State(); math.Abs(float64(m.Of(c.Weight)[0])-0.1) > 1e-6 {
		t.Errorf("first moment %v, want 0.1", m.Of(c.Weight)[0])
	}
	if got := c.Weight.Data[0]; math.Abs(float64(got)+0.5) > 1e-4 {
		t.Errorf("weight moved to %v, want -0.5", got)
	}
}

func TestWarmupCosine(t *testing.T) {
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.1}, {9, 1}, {10, 1}, {60, 0.51}, {110, 0.02}, {500, 0.02}} {
		if got := WarmupCosine(c.step, 10, 110, 0.02); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step %d: %v, want %v", c.step, got, c.want)
		}
	}
}
