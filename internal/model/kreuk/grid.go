package kreuk

import (
	"fmt"

	"ditas/internal/dsp"
	"ditas/internal/model/unit"
	"ditas/internal/nn"
)

// transform maps 1×1×samples to their STFT, 2×frames×bins: real parts, then imaginary parts.
type transform struct{ *dsp.STFT[float32] }

func (t transform) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 1 || in.H != 1 || in.W%hop != 0 {
		return in, fmt.Errorf("want 1×1×samples, a multiple of %d, have %v", hop, in)
	}
	return nn.Shape{N: in.N, C: 2, H: t.Frames(in.W), W: bins}, nil
}

func (t transform) Apply(dst, src []float32) {
	n := len(dst) / 2
	t.Forward(dst[:n], dst[n:], src)
}

func (t transform) Adjoint(dst, src []float32) {
	n := len(src) / 2
	t.STFT.Adjoint(dst, src[:n], src[n:])
}

// inverse is the adjoint of a transform, its least-squares inverse, as a map of its own.
type inverse struct{ t transform }

func (v inverse) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 2 || in.W != bins {
		return in, fmt.Errorf("want 2×frames×%d, have %v", bins, in)
	}
	return nn.Shape{N: in.N, C: 1, H: 1, W: in.H * hop}, nil
}

func (v inverse) Apply(dst, src []float32)   { v.t.Adjoint(dst, src) }
func (v inverse) Adjoint(dst, src []float32) { v.t.Apply(dst, src) }

// layout says how networks see the time-frequency grid, and a picture laid out on it.
type layout struct {
	cells, message int // channels of each
	fold, unfold   func(*nn.Graph[float32], *nn.Tensor[float32]) *nn.Tensor[float32]
	spread, pool   func(*nn.Graph[float32], *nn.Tensor[float32]) *nn.Tensor[float32]
}

var (
	onGrid   = layout{1, 1, asIs, asIs, by("spread", spread{}), by("pool", pool{})}
	onPixels = layout{pixelCells, colours, by("fold", fold{}), by("unfold", unfold{}), asIs, asIs}
)

func asIs(_ *nn.Graph[float32], x *nn.Tensor[float32]) *nn.Tensor[float32] { return x }

func by(name string, m nn.Map[float32]) func(*nn.Graph[float32], *nn.Tensor[float32]) *nn.Tensor[float32] {
	return func(g *nn.Graph[float32], x *nn.Tensor[float32]) *nn.Tensor[float32] { return g.Map(name, m, x) }
}

// fold makes the cells of each pixel channels, frame by frame; unfold is its inverse and its adjoint.
type (
	fold   struct{}
	unfold struct{}
)

func (fold) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 1 || in.W != bins || in.H%rowFrames != 0 {
		return in, fmt.Errorf("want frames of %d bins, %d for each row of pixels, have %v", bins, rowFrames, in)
	}
	return nn.Shape{N: in.N, C: pixelCells, H: in.H / rowFrames, W: unit.Side}, nil
}

func (fold) Apply(dst, src []float32) {
	for i, v := range src {
		dst[place(i, len(src))] = v
	}
}

func (fold) Adjoint(dst, src []float32) { unfold{}.Apply(dst, src) }

func (unfold) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != pixelCells || in.W != unit.Side {
		return in, fmt.Errorf("want %d×rows×%d, have %v", pixelCells, unit.Side, in)
	}
	return nn.Shape{N: in.N, C: 1, H: in.H * rowFrames, W: bins}, nil
}

func (unfold) Apply(dst, src []float32) {
	for i := range dst {
		dst[i] = src[place(i, len(dst))]
	}
}

func (unfold) Adjoint(dst, src []float32) { fold{}.Apply(dst, src) }

// place returns where the i-th of n cells of the grid is among the channels of pixels.
func place(i, n int) int {
	frame, bin := i/bins, i%bins
	channel := frame%rowFrames*valueBins + bin%valueBins
	return channel*(n/pixelCells) + frame/rowFrames*unit.Side + bin/valueBins
}

// spread lays a picture out on the time-frequency grid: a row of pixels takes 6 frames, 2 for each colour, and a pixel 2 bins.
// pool takes the means of the 4 cells that a value was repeated over. Each is the other's adjoint, but for the factor.
type (
	spread struct{}
	pool   struct{}
)

const (
	colours     = 3
	rowFrames   = unit.RowSamples / hop
	valueFrames = rowFrames / colours
	valueBins   = bins / unit.Side
	cells       = valueFrames * valueBins
	pixelCells  = rowFrames * valueBins
)

func (spread) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != colours || in.W != unit.Side {
		return in, fmt.Errorf("want %d×rows×%d, have %v", colours, unit.Side, in)
	}
	return nn.Shape{N: in.N, C: 1, H: in.H * rowFrames, W: bins}, nil
}

func (spread) Apply(dst, src []float32) {
	for i := range dst {
		dst[i] = src[value(i, len(dst))]
	}
}

func (spread) Adjoint(dst, src []float32) { sum(dst, src, 1) }

func (pool) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 1 || in.W != bins || in.H%rowFrames != 0 {
		return in, fmt.Errorf("want frames of %d bins, %d for each row of pixels, have %v", bins, rowFrames, in)
	}
	return nn.Shape{N: in.N, C: colours, H: in.H / rowFrames, W: unit.Side}, nil
}

func (pool) Apply(dst, src []float32) { sum(dst, src, 1.0/cells) }

func (pool) Adjoint(dst, src []float32) {
	for i := range dst {
		dst[i] = src[value(i, len(dst))] / cells
	}
}

// value returns the place in a picture's planes of the value that the i-th of n cells belongs to.
func value(i, n int) int {
	frame, bin := i/bins, i%bins
	rows := n / (bins * rowFrames)
	row, colour := frame/rowFrames, frame%rowFrames/valueFrames
	return (colour*rows+row)*unit.Side + bin/valueBins
}

// sum writes to dst the sums over each value's cells, times a.
func sum(dst, src []float32, a float32) {
	clear(dst)
	for i, v := range src {
		dst[value(i, len(src))] += a * v
	}
}
