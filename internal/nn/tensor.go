package nn

import (
	"fmt"

	"ditas/internal/nn/kernel"
)

// Shape is the extent of a tensor: images × channels × rows × columns.
type Shape struct{ N, C, H, W int }

// Len returns the number of elements.
func (s Shape) Len() int { return s.N * s.C * s.H * s.W }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d×%d", s.N, s.C, s.H, s.W) }

func (s Shape) positive() bool { return s.N > 0 && s.C > 0 && s.H > 0 && s.W > 0 }

// layout is how a plane of h rows and w columns lies in memory: rows a stride apart, with padX zeros between them that
// serve as the right halo of one row and the left halo of the next, and padY rows of zeros above and below.
type layout struct {
	h, w, padY, padX  int
	row, plane, start int // strides of rows and planes, and the place of element (0, 0) in its plane
}

// settle derives the strides from the extent and the halo. Planes are an odd number of cache lines apart, so that the
// same element of neighbouring channels never falls into the same set of the first-level cache.
func (l *layout) settle() {
	const line = 16
	l.row = l.w + l.padX
	l.start = l.padX + l.padY*l.row
	lines := (l.padX + (l.h+2*l.padY)*l.row + line - 1) / line
	l.plane = (lines | 1) * line
}

// span is the number of elements from (0, 0) to the last element of a plane, halo between the rows included.
func (l *layout) span() int { return (l.h-1)*l.row + l.w }

// Tensor is a value in a [Graph]: the output of an operation, or an input.
type Tensor[T kernel.Float] struct {
	name   string
	shape  Shape
	layout *layout
	data   []T
	grad   []T // nil where no gradient is wanted
	wanted bool
	pulled bool // the present Backward has put something into grad
	output bool // keeps its memory after its last use
}

// size is the number of elements that the tensor takes, halos included.
func (t *Tensor[T]) size() int { return t.shape.N * t.shape.C * t.layout.plane }

// Shape returns the tensor's extent.
func (t *Tensor[T]) Shape() Shape { return t.shape }

// into returns the gradient for an operation to add to, or to assign where first says that it holds nothing yet.
func (t *Tensor[T]) into() (grad []T, first bool) {
	first, t.pulled = !t.pulled, true
	return t.grad, first
}

// sum returns the gradient for an operation to add to.
func (t *Tensor[T]) sum() []T {
	grad, first := t.into()
	if first {
		clear(grad)
	}
	return grad
}

// Load copies packed values, images × channels × rows × columns, into the tensor. It panics if src is too short.
func (t *Tensor[T]) Load(src []T) { unpack(t.data, src, t.layout, t.shape.N*t.shape.C) }

// Store copies the tensor's values to dst, packed. It panics if dst is too short.
func (t *Tensor[T]) Store(dst []T) { pack(dst, t.data, t.layout, t.shape.N*t.shape.C) }

// StoreGrad copies the gradient of the last Backward to dst, packed. Tensors that no gradient flows to store zeros.
func (t *Tensor[T]) StoreGrad(dst []T) {
	if !t.pulled {
		clear(dst[:t.shape.Len()])
		return
	}
	pack(dst, t.grad, t.layout, t.shape.N*t.shape.C)
}

// unpack spreads planes of packed rows into haloed ones; pack gathers them.
func unpack[T kernel.Float](dst, src []T, l *layout, planes int) {
	for p := range planes {
		for y := range l.h {
			copy(dst[p*l.plane+l.start+y*l.row:][:l.w], src[(p*l.h+y)*l.w:])
		}
	}
}

func pack[T kernel.Float](dst, src []T, l *layout, planes int) {
	for p := range planes {
		for y := range l.h {
			copy(dst[(p*l.h+y)*l.w:][:l.w], src[p*l.plane+l.start+y*l.row:])
		}
	}
}

// clearGaps zeroes the halo between the rows, where correlations over whole spans leave values that mean nothing.
func clearGaps[T kernel.Float](data []T, l *layout, planes int) {
	if l.padX == 0 {
		return
	}
	for p := range planes {
		plane := data[p*l.plane+l.start:]
		for y := range l.h {
			if l.padX == 1 {
				plane[y*l.row+l.w] = 0
				continue
			}
			clear(plane[y*l.row+l.w:][:l.padX])
		}
	}
}

// clearHalo zeroes everything outside the rows.
func clearHalo[T kernel.Float](data []T, l *layout, planes int) {
	clearGaps(data, l, planes)
	for p := range planes {
		clear(data[p*l.plane:][:l.start])
		clear(data[p*l.plane+l.start+l.span() : (p+1)*l.plane])
	}
}
