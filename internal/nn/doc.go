// Package nn is a small engine for convolutional networks on planes of samples or pixels: tensors, operations with
// forward and backward passes, optimisers and schedules. It computes what the networks of package model need, in pure Go
// over the loops of package kernel, and nothing else.
//
// Parameters live in [Weights]; layers such as [Conv] belong to one. A [Graph] is a fixed computation on tensors of fixed
// shape: describe it once with [Graph.Input], [Graph.Conv], [Graph.Leaky] and the other operations, call [Graph.Compile],
// and then run [Graph.Forward] and [Graph.Backward] as often as needed without allocating:
//
//	w := nn.NewWeights(kernel.Best())
//	conv := w.Conv("conv", nn.ConvSpec{In: 3, Out: 3, Kernel: nn.Square(3)})
//	w.Init(1)
//	g := nn.NewGraph(w, true)
//	x := g.Input("x", nn.Shape{N: 1, C: 3, H: 64, W: 64})
//	loss := g.MSE(g.Leaky(g.Conv(conv, x), 0), x)
//	if err := g.Compile(); err != nil { … }
//	x.Load(pixels)
//	g.Forward()
//	g.Backward(grads, nn.Term{Loss: loss, Weight: 1})
//
// A graph runs on the goroutine that calls it. Work is divided by giving each goroutine a graph of its own over the same
// Weights and summing their [Grads] in a fixed order, so that results do not depend on the number of threads.
//
// Tensors are images × channels × rows × columns; a signal is a tensor of one row. Each channel plane is stored with a
// halo of zeros as wide as its convolutions reach, so that a tap of a convolution is a constant offset.
package nn
