package model

import (
	"fmt"

	"ditas/internal/nn"
)

// network makes planes of a content and a context, which may be nil, and of the features of the stage before, which are nil where
// there are no connections; it returns its own features, one for each hidden layer.
type network interface {
	open()
	build(g *nn.Graph[float32], content, context *nn.Tensor[float32], features []*nn.Tensor[float32]) (out *nn.Tensor[float32], own []*nn.Tensor[float32])
}

// plain is a stack of rectified convolutions, the paper's.
type plain struct {
	layers []*nn.Conv[float32]
	cross  []*nn.Conv[float32] // one for each hidden layer but the first, or none
}

func newPlain(w *nn.Weights[float32], name string, in, out int, c Config, cross bool) *plain {
	n := &plain{}
	for i := range c.Depth {
		s := nn.ConvSpec{In: c.Width, Out: c.Width, Kernel: nn.Square(3)}
		if i == 0 {
			s.In = in
		}
		if i == c.Depth-1 {
			// What is added to a recording, and to a picture, begins small.
			s.Out, s.Gain = out, 0.1
		}
		n.layers = append(n.layers, w.Conv(fmt.Sprintf("%s.layer%d", name, i), s))
		if cross && i > 0 && i < c.Depth-1 {
			n.cross = append(n.cross, w.Conv(fmt.Sprintf("%s.cross%d", name, i),
				nn.ConvSpec{In: c.Width, Out: c.Width, Kernel: nn.Square(1), Gain: nn.ZeroGain}))
		}
	}
	return n
}

func (n *plain) open() {}

func (n *plain) build(g *nn.Graph[float32], content, context *nn.Tensor[float32], features []*nn.Tensor[float32]) (out *nn.Tensor[float32], own []*nn.Tensor[float32]) {
	h := content
	if context != nil {
		h = g.Concat(content, context)
	}
	last := len(n.layers) - 1
	for i, conv := range n.layers[:last] {
		h = g.Conv(conv, h)
		if n.cross != nil && i > 0 {
			h = g.Add(h, g.Conv(n.cross[i-1], features[i-1]))
		}
		h = g.Leaky(h, 0)
		if i > 0 {
			own = append(own, h)
		}
	}
	return g.Conv(n.layers[last], h), own
}

// gated is a stack of convolutions that is linear in its content and modulated by its context: each layer's channels
// are multiplied by gates computed from the context alone. What may be erased differs from pixel to pixel; the gates turn
// one linear code into the one that fits the erasures at hand, and linearity keeps the code exact for faint residuals.
//
// A cross-stage connection adds the features of the stage before, through a 1×1 convolution, to the same layer. It starts
// at zero, so that a system with connections starts as the one without.
type gated struct {
	context [2]*nn.Conv[float32]
	first   *nn.Conv[float32]
	hidden  []*nn.Conv[float32]
	gates   []*nn.Conv[float32] // one for first and one for each hidden layer
	cross   []*nn.Conv[float32] // one for each hidden layer, or none
	last    *nn.Conv[float32]
	skip    *nn.Conv[float32]
	branch  float64 // balances the identity path and the convolution of a hidden layer, so that the variance stays the same
}

// linear is the gain, in units of √(2/fan-in), with which a convolution without rectifier keeps the variance.
const linear = 0.7071

func newGated(w *nn.Weights[float32], name string, content, context, out int, c Config, cross bool) *gated {
	conv := func(layer string, in, out, kernel int, gain float64) *nn.Conv[float32] {
		return w.Conv(name+"."+layer, nn.ConvSpec{In: in, Out: out, Kernel: nn.Square(kernel), Gain: gain})
	}
	n := &gated{branch: linear}
	n.context[0] = conv("context0", context, c.Width, 3, 1)
	n.context[1] = conv("context1", c.Width, c.Width, 3, 1)
	n.first = conv("content0", content, c.Width, 3, linear)
	for i := 1; i < c.Depth-1; i++ {
		n.hidden = append(n.hidden, conv(fmt.Sprintf("content%d", i), c.Width, c.Width, 3, linear))
		if cross {
			n.cross = append(n.cross, conv(fmt.Sprintf("cross%d", i), c.Width, c.Width, 1, nn.ZeroGain))
		}
	}
	for i := range c.Depth - 1 {
		n.gates = append(n.gates, conv(fmt.Sprintf("gate%d", i), c.Width, c.Width, 1, linear/2))
	}
	n.last = conv(fmt.Sprintf("content%d", c.Depth-1), c.Width, out, 3, linear/2)
	n.skip = conv("skip", content, out, 1, linear/2)
	return n
}

// open sets the gates to pass everything, where training starts from.
func (n *gated) open() {
	for _, g := range n.gates {
		for i := range g.Bias.Data {
			g.Bias.Data[i] = 1
		}
	}
}

func (n *gated) build(g *nn.Graph[float32], content, context *nn.Tensor[float32], features []*nn.Tensor[float32]) (out *nn.Tensor[float32], own []*nn.Tensor[float32]) {
	q := g.Leaky(g.Conv(n.context[0], context), 0)
	q = g.Leaky(g.Conv(n.context[1], q), 0)
	h := g.Mul(g.Conv(n.first, content), g.Conv(n.gates[0], q))
	for i, conv := range n.hidden {
		u := g.Conv(conv, h)
		if n.cross != nil {
			u = g.Add(u, g.Conv(n.cross[i], features[i]))
		}
		h = g.Scale(g.Add(h, g.Mul(u, g.Conv(n.gates[i+1], q))), &n.branch)
		own = append(own, h)
	}
	return g.Add(g.Conv(n.last, h), g.Conv(n.skip, content)), own
}
