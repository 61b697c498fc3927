package nn

import (
	"fmt"

	"ditas/internal/nn/kernel"
)

// ConvSpec describes a convolution over rows and columns. Pairs are {rows, columns}; a convolution over a signal has
// Kernel {1, k}. Zero values of Stride and Dilation mean 1.
type ConvSpec struct {
	In, Out  int
	Kernel   [2]int
	Stride   [2]int
	Dilation [2]int
	// Pad is the number of zero rows and columns on each side. Nil means dilation·(kernel−1)/2, which keeps the extent at
	// stride 1; if that is not whole there, the far side has one more than the near one, as with padding='same' in PyTorch.
	Pad *[2]int
	// Transposed makes it the adjoint of the convolution from Out to In channels: the extent grows by the stride.
	Transposed bool
	// OutputPad adds rows and columns at the far edge of a transposed convolution's output; it must be less than the stride.
	OutputPad [2]int
	NoBias    bool
	// Gain multiplies the initial standard deviation √(2/fan-in). Zero means 1; [ZeroGain] starts at zero.
	Gain float64
}

// ZeroGain is the Gain of a layer whose weights start at zero.
const ZeroGain = -1

// Square returns {k, k}, for kernels, strides and dilations.
func Square(k int) [2]int { return [2]int{k, k} }

// Conv is a convolution layer. Its weight has shape Out×In×rows×columns, or In×Out×rows×columns where transposed.
type Conv[T kernel.Float] struct {
	Spec         ConvSpec
	Weight, Bias *Param[T] // Bias is nil where the layer has none

	// The wide side is the input of an ordinary convolution and the output of a transposed one; the narrow side is the other.
	wide, narrow int
	pad          [2]int // zeros before the first row and column
	padding      [2]int // zeros on both sides together
	taps         []tap
	phases       []phase // one per place within a stride

	toNarrow kernel.Packed[T]
	toWide   []kernel.Packed[T] // one per phase
	scratch  []T
}

// tap is one element of the kernel: the phase of the wide side it reads and its shift there in rows and columns.
type tap struct{ phase, dy, dx int }

// phase is one place (y, x) within a stride, and the taps that read it.
type phase struct {
	y, x int
	taps []int
}

// Conv adds a convolution layer. It panics if the description makes no sense.
func (w *Weights[T]) Conv(name string, s ConvSpec) *Conv[T] {
	for i := range 2 {
		s.Stride[i] = max(s.Stride[i], 1)
		s.Dilation[i] = max(s.Dilation[i], 1)
	}
	if s.In < 1 || s.Out < 1 || s.Kernel[0] < 1 || s.Kernel[1] < 1 {
		panic(fmt.Sprintf("nn: convolution %s from %d to %d channels with kernel %v", name, s.In, s.Out, s.Kernel))
	}
	switch s.Gain {
	case 0:
		s.Gain = 1
	case ZeroGain:
		s.Gain = 0
	}
	c := &Conv[T]{Spec: s, wide: s.In, narrow: s.Out}
	fanIn := s.In * s.Kernel[0] * s.Kernel[1]
	if s.Transposed {
		c.wide, c.narrow = s.Out, s.In
		fanIn = max(1, fanIn/(s.Stride[0]*s.Stride[1]))
	}
	c.Weight = w.param(name+".weight", s.Gain*kaiming(fanIn), c.narrow, c.wide, s.Kernel[0], s.Kernel[1])
	if !s.NoBias {
		c.Bias = w.param(name+".bias", 0, s.Out)
	}
	for i := range 2 {
		reach := s.Dilation[i] * (s.Kernel[i] - 1)
		c.pad[i] = reach / 2
		if s.Pad != nil {
			c.pad[i] = s.Pad[i]
		}
		c.padding[i] = 2 * c.pad[i]
		if s.Pad == nil && s.Stride[i] == 1 {
			c.padding[i] = reach
		}
	}
	for y := range s.Stride[0] {
		for x := range s.Stride[1] {
			c.phases = append(c.phases, phase{y: y, x: x})
		}
	}
	for ky := range s.Kernel[0] {
		for kx := range s.Kernel[1] {
			dy, py := floorDiv(ky*s.Dilation[0]-c.pad[0], s.Stride[0])
			dx, px := floorDiv(kx*s.Dilation[1]-c.pad[1], s.Stride[1])
			p := py*s.Stride[1] + px
			c.phases[p].taps = append(c.phases[p].taps, len(c.taps))
			c.taps = append(c.taps, tap{p, dy, dx})
		}
	}
	c.toWide = make([]kernel.Packed[T], len(c.phases))
	c.scratch = make([]T, len(c.Weight.Data))
	w.convs = append(w.convs, c)
	return c
}

func floorDiv(a, b int) (quotient, remainder int) {
	quotient, remainder = a/b, a%b
	if remainder < 0 {
		quotient, remainder = quotient-1, remainder+b
	}
	return quotient, remainder
}

func (c *Conv[T]) refresh(k kernel.Set[T]) {
	n := len(c.taps)
	k.Pack(&c.toNarrow, c.Weight.Data, c.narrow, c.wide*n, c.wide*n, 1)
	for i, p := range c.phases {
		cols := c.narrow * len(p.taps)
		for w := range c.wide {
			for o := range c.narrow {
				for j, t := range p.taps {
					c.scratch[w*cols+o*len(p.taps)+j] = c.Weight.Data[(o*c.wide+w)*n+t]
				}
			}
		}
		k.Pack(&c.toWide[i], c.scratch, c.wide, cols, cols, 1)
	}
}

// outShape returns the extent of the layer's output.
func (c *Conv[T]) outShape(in Shape) (Shape, error) {
	if in.C != c.Spec.In {
		return in, fmt.Errorf("%s: input has %d channels, want %d", c.Weight.Name, in.C, c.Spec.In)
	}
	size := func(n, i int) int {
		reach := c.Spec.Dilation[i]*(c.Spec.Kernel[i]-1) + 1
		if c.Spec.Transposed {
			return (n-1)*c.Spec.Stride[i] + reach - c.padding[i] + c.Spec.OutputPad[i]
		}
		if n+c.padding[i] < reach {
			return 0
		}
		return (n+c.padding[i]-reach)/c.Spec.Stride[i] + 1
	}
	out := Shape{in.N, c.Spec.Out, size(in.H, 0), size(in.W, 1)}
	if !out.positive() {
		return out, fmt.Errorf("%s: input of %v is too small for the kernel", c.Weight.Name, in)
	}
	return out, nil
}

type convOp[T kernel.Float] struct {
	k            kernel.Set[T]
	c            *Conv[T]
	x, y         *Tensor[T]
	wide, narrow *Tensor[T]

	// Offsets into a wide image per channel and tap, and into a narrow image per phase, channel and tap.
	wideOffs   []int
	narrowOffs [][]int

	// Where the two sides differ in extent, both are computed in scratch of one layout, the wide side split into phases.
	split              bool
	l                  *layout
	wideBuf, narrowBuf []T
}

// Conv applies a layer.
func (g *Graph[T]) Conv(c *Conv[T], x *Tensor[T]) *Tensor[T] {
	s, err := c.outShape(x.shape)
	if err != nil {
		g.fail("%w", err)
		return x
	}
	y := g.result(c.Weight.Name, s, true, x)
	o := &convOp[T]{k: g.kernels, c: c, x: x, y: y, wide: x, narrow: y}
	if c.Spec.Transposed {
		o.wide, o.narrow = y, x
	}
	o.split = len(c.phases) > 1 || o.wide.layout != o.narrow.layout
	o.l = o.wide.layout
	if o.split {
		n, w := o.narrow.shape, o.wide.shape
		o.l = &layout{
			h: max(n.H, (w.H+c.Spec.Stride[0]-1)/c.Spec.Stride[0]),
			w: max(n.W, (w.W+c.Spec.Stride[1]-1)/c.Spec.Stride[1]),
		}
	}
	for _, t := range c.taps {
		o.l.padY = max(o.l.padY, t.dy, -t.dy)
		o.l.padX = max(o.l.padX, t.dx, -t.dx)
	}
	return g.add(o)
}

func (o *convOp[T]) inputs() []*Tensor[T] { return []*Tensor[T]{o.x} }
func (o *convOp[T]) output() *Tensor[T]   { return o.y }

func (o *convOp[T]) compile() {
	c, l := o.c, o.l
	if o.split {
		l.settle()
		o.wideBuf = make([]T, len(c.phases)*c.wide*l.plane)
		o.narrowBuf = make([]T, c.narrow*l.plane)
	}
	for ch := range c.wide {
		for _, t := range c.taps {
			o.wideOffs = append(o.wideOffs, (t.phase*c.wide+ch)*l.plane+l.start+t.dy*l.row+t.dx)
		}
	}
	for _, p := range c.phases {
		var offs []int
		for ch := range c.narrow {
			for _, i := range p.taps {
				t := c.taps[i]
				offs = append(offs, ch*l.plane+l.start-t.dy*l.row-t.dx)
			}
		}
		o.narrowOffs = append(o.narrowOffs, offs)
	}
}

func (o *convOp[T]) forward() {
	var bias []T
	if o.c.Bias != nil {
		bias = o.c.Bias.Data
	}
	if o.c.Spec.Transposed {
		o.toWide(o.y.data, o.x.data, bias, false)
	} else {
		o.toNarrow(o.y.data, o.x.data, bias, false)
	}
}

func (o *convOp[T]) backward(grads *Grads[T]) {
	y := o.y
	if o.c.Bias != nil {
		gb := grads.Of(o.c.Bias)
		for p := range y.shape.N * y.shape.C {
			gb[p%y.shape.C] += T(o.k.Sum(y.grad[p*y.layout.plane:][:y.layout.plane]))
		}
	}
	if o.c.Spec.Transposed {
		o.gradWeight(grads.Of(o.c.Weight), o.y.grad, o.x.data)
		if o.x.wanted {
			dx, first := o.x.into()
			o.toNarrow(dx, o.y.grad, nil, !first)
		}
		return
	}
	o.gradWeight(grads.Of(o.c.Weight), o.x.data, o.y.grad)
	if o.x.wanted {
		dx, first := o.x.into()
		o.toWide(dx, o.y.grad, nil, !first)
	}
}

// toNarrow is the convolution proper, from the wide to the narrow side.
func (o *convOp[T]) toNarrow(narrow, wide, bias []T, accumulate bool) {
	for i := range o.x.shape.N {
		src, dst := o.image(wide, o.wide, i), o.image(narrow, o.narrow, i)
		if !o.split {
			o.k.Correlate(dst[o.l.start:], o.l.plane, o.l.span(), &o.c.toNarrow, bias, src, o.wideOffs, accumulate)
			clearGaps(dst, o.l, o.c.narrow)
			continue
		}
		o.scatterPhases(src)
		n := o.narrow.layout
		o.k.Correlate(o.narrowBuf[o.l.start:], o.l.plane, (n.h-1)*o.l.row+n.w, &o.c.toNarrow, bias, o.wideBuf, o.wideOffs, false)
		for ch := range o.c.narrow {
			for y := range n.h {
				d := dst[ch*n.plane+n.start+y*n.row:][:n.w]
				s := o.narrowBuf[ch*o.l.plane+o.l.start+y*o.l.row:]
				if accumulate {
					o.k.Add(d, d, s)
				} else {
					copy(d, s)
				}
			}
		}
	}
}

// toWide is its adjoint, from the narrow to the wide side.
func (o *convOp[T]) toWide(wide, narrow, bias []T, accumulate bool) {
	for i := range o.x.shape.N {
		src, dst := o.image(narrow, o.narrow, i), o.image(wide, o.wide, i)
		if !o.split {
			o.k.Correlate(dst[o.l.start:], o.l.plane, o.l.span(), &o.c.toWide[0], bias, src, o.narrowOffs[0], accumulate)
			clearGaps(dst, o.l, o.c.wide)
			continue
		}
		o.fillNarrow(src)
		for p := range o.c.phases {
			o.k.Correlate(o.wideBuf[p*o.c.wide*o.l.plane+o.l.start:], o.l.plane, o.l.span(), &o.c.toWide[p], bias, o.narrowBuf, o.narrowOffs[p], false)
		}
		o.gatherPhases(dst, accumulate)
	}
}

func (o *convOp[T]) gradWeight(gw, wide, narrow []T) {
	for i := range o.x.shape.N {
		w, n := o.image(wide, o.wide, i), o.image(narrow, o.narrow, i)
		if o.split {
			o.scatterPhases(w)
			o.fillNarrow(n)
			w, n = o.wideBuf, o.narrowBuf
		}
		o.k.CorrelateGrad(gw, n[o.l.start:], o.l.plane, o.c.narrow, o.l.span(), w, o.wideOffs)
	}
}

// image returns the planes of the i-th image of t's data or gradient.
func (o *convOp[T]) image(data []T, t *Tensor[T], i int) []T {
	n := t.shape.C * t.layout.plane
	return data[i*n:][:n]
}

// scatterPhases splits a wide image into the planes of its phases.
func (o *convOp[T]) scatterPhases(src []T) {
	clear(o.wideBuf)
	o.eachPhaseRow(func(buf, row []T, stride int) {
		for i := range buf {
			buf[i] = row[i*stride]
		}
	}, src)
}

// gatherPhases joins the planes of the phases to a wide image.
func (o *convOp[T]) gatherPhases(dst []T, accumulate bool) {
	o.eachPhaseRow(func(buf, row []T, stride int) {
		for i, v := range buf {
			if accumulate {
				v += row[i*stride]
			}
			row[i*stride] = v
		}
	}, dst)
}

// eachPhaseRow calls f with each row of each phase plane and the place of its first element in the wide image.
func (o *convOp[T]) eachPhaseRow(f func(buf, row []T, stride int), wide []T) {
	l, w := o.l, o.wide.layout
	sy, sx := o.c.Spec.Stride[0], o.c.Spec.Stride[1]
	for i, p := range o.c.phases {
		cols := (w.w - p.x + sx - 1) / sx
		if cols <= 0 {
			continue
		}
		for ch := range o.c.wide {
			for y := 0; y*sy+p.y < w.h; y++ {
				buf := o.wideBuf[(i*o.c.wide+ch)*l.plane+l.start+y*l.row:][:cols]
				f(buf, wide[ch*w.plane+w.start+(y*sy+p.y)*w.row+p.x:], sx)
			}
		}
	}
}

func (o *convOp[T]) fillNarrow(src []T) {
	clear(o.narrowBuf)
	n := o.narrow.layout
	for ch := range o.c.narrow {
		for y := range n.h {
			copy(o.narrowBuf[ch*o.l.plane+o.l.start+y*o.l.row:][:n.w], src[ch*n.plane+n.start+y*n.row:])
		}
	}
}
