package model

import (
	"fmt"

	"ditas/nn"
)

// network is a stack of convolutions that is linear in its content and modulated by its context: each layer's channels
// are multiplied by gates computed from the context alone. What may be erased differs from pixel to pixel; the gates turn
// one linear code into the one that fits the erasures at hand, and linearity keeps the code exact for faint residuals.
type network struct {
	context [2]*nn.Conv[float32]
	first   *nn.Conv[float32]
	hidden  []*nn.Conv[float32]
	gates   []*nn.Conv[float32] // one for first and one for each hidden layer
	last    *nn.Conv[float32]
	cross   bool
	branch  float64 // balances the identity path and the convolution of a hidden layer, so that the variance stays the same
}

func newNetwork(w *nn.Weights[float32], name string, content, context, out int, c Config, cross bool) *network {
	width := c.Width
	conv := func(layer string, in, out, kernel int, gain float64) *nn.Conv[float32] {
		return w.Conv(name+"."+layer, nn.ConvSpec{In: in, Out: out, Kernel: nn.Square(kernel), Gain: gain})
	}
	// Gains are in units of √(2/fan-in); linear layers keep the variance at 1/√2.
	const linear = 0.7071
	n := &network{cross: cross, branch: linear}
	n.context[0] = conv("context0", context, width, 3, 1)
	n.context[1] = conv("context1", width, width, 3, 1)
	n.first = conv("content0", content, width, 3, linear)
	in := width
	if cross {
		in *= 2
	}
	for i := 1; i < c.Depth-1; i++ {
		n.hidden = append(n.hidden, conv(fmt.Sprintf("content%d", i), in, width, 3, linear))
	}
	for i := range c.Depth - 1 {
		n.gates = append(n.gates, conv(fmt.Sprintf("gate%d", i), width, width, 1, linear/2))
	}
	n.last = conv(fmt.Sprintf("content%d", c.Depth-1), width, out, 3, linear/2)
	return n
}

// open sets the gates to pass everything, where training starts from.
func (n *network) open() {
	for _, g := range n.gates {
		for i := range g.Bias.Data {
			g.Bias.Data[i] = 1
		}
	}
}

// build adds the network to a graph. features are those of the stage before, or nil; it returns its own.
func (n *network) build(g *nn.Graph[float32], content, context *nn.Tensor[float32], features []*nn.Tensor[float32]) (out *nn.Tensor[float32], own []*nn.Tensor[float32]) {
	q := g.Leaky(g.Conv(n.context[0], context), 0)
	q = g.Leaky(g.Conv(n.context[1], q), 0)
	h := g.Mul(g.Conv(n.first, content), g.Conv(n.gates[0], q))
	for i, conv := range n.hidden {
		own = append(own, h)
		z := h
		if n.cross {
			z = g.Concat(h, features[i])
		}
		u := g.Mul(g.Conv(conv, z), g.Conv(n.gates[i+1], q))
		h = g.Scale(g.Add(h, u), &n.branch)
	}
	return g.Conv(n.last, h), own
}
