// Package restorer improves pictures decoded from prefixes of streams of package codestream: a network that has seen what such
// prefixes lack of photographs guesses it.
//
//	photo, info, err := codestream.Decode(ctx, prefix, codestream.DecodeOptions{})
//	r, err := restorer.New()
//	if restorer.Worth(photo, info) {
//		photo, err = r.Restore(ctx, photo, info, restorer.Options{})
//	}
//
// What it returns is nearer to the original on average, not always: who knows the original can tell whether it is.
package restorer

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"ditas/internal/codestream"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
	"ditas/picture"
)

// Restorer holds the weights of a network. It may be used by several goroutines at once.
type Restorer struct{ network *Network }

// New returns the restorer that ditas ships.
func New() (*Restorer, error) {
	weights, err := shipped()
	if err != nil {
		return nil, fmt.Errorf("restorer: %w", err)
	}
	n, err := Load(bytes.NewReader(weights), int64(len(weights)), kernel.Best())
	if err != nil {
		return nil, fmt.Errorf("restorer: %w", err)
	}
	return With(n), nil
}

// With returns a restorer that uses a network, whose weights must not change from now on.
func With(n *Network) *Restorer { return &Restorer{n} }

// core is the side of the square of pixels that a tile is computed for, even: what a tile takes stays far below a tenth of a
// second, and half of it is not spent on what tiles have in common.
const core = 120

const (
	// worthPixels is the size up to which a picture is worth restoring: a core takes a second for each of these megapixels.
	worthPixels = 4 << 20
	// worthError is the error in RGB from which on it is, 42 dB: less cannot be seen.
	worthError = 0.008
)

// Worth reports whether restoring p, known as info tells, is worth its cost: at least a quarter of a decibel, for a second of a core
// per megapixel. It is not for complete pictures, for pictures whose expected error is too small to see, and above four
// megapixels.
func Worth(p *picture.Planes, info codestream.Info) bool {
	return !info.Complete && p.Width*p.Height <= worthPixels && rms(info) >= worthError
}

// Options are what else Restore can be told.
type Options struct {
	Workers int // goroutines, on which the result does not depend; 0 means one
	// Progress, where set, is called with how many of all tiles are done, by one goroutine at a time.
	Progress func(done, total int)
}

// Restore returns a better guess at the picture that p was decoded from; p itself where info says that it is complete. Pictures
// of any size are computed tile by tile. Values are limited to [0, 1]. The error is ctx's.
func (r *Restorer) Restore(ctx context.Context, p *picture.Planes, info codestream.Info, o Options) (*picture.Planes, error) {
	if info.Complete || p.Width < 1 || p.Height < 1 {
		return p, nil
	}
	// An odd side is made even by repeating the last row or column.
	width, height := p.Width+p.Width&1, p.Height+p.Height&1
	reach := r.network.Reach()
	side := core + 2*reach
	windowWidth, windowHeight := min(width, side), min(height, side)
	across, down := cuts(width, windowWidth, reach), cuts(height, windowHeight, reach)
	tiles := len(across) * len(down)
	workers := max(1, min(o.Workers, tiles))
	teams := make([]*worker, workers)
	for i := range teams {
		w, err := r.worker(info, windowHeight, windowWidth)
		if err != nil {
			return nil, err
		}
		teams[i] = w
	}
	out := picture.New(p.Width, p.Height)
	var reporting sync.Mutex
	done := 0
	parallel.Each(workers, tiles, func(w, i int) {
		if ctx.Err() != nil {
			return
		}
		teams[w].restore(out, p, info, across[i%len(across)], down[i/len(across)])
		if o.Progress != nil {
			reporting.Lock()
			defer reporting.Unlock()
			done++
			o.Progress(done, tiles)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// cut is a stretch of pixels that one tile is for: from low to high, out of a window that starts at window.
type cut struct{ window, low, high int }

// cuts divides n pixels into stretches, each the middle of a window that lies within the n pixels and reaches far enough beyond
// it, or to the end.
func cuts(n, window, reach int) []cut {
	var all []cut
	for low := 0; low < n; {
		start := max(min(low-reach, n-window), 0)
		high := start + window - reach
		if start+window == n {
			high = n
		}
		all = append(all, cut{start, low, high})
		low = high
	}
	return all
}

// worker is what one goroutine computes with.
type worker struct {
	graph         *nn.Graph[float32]
	in            Inputs
	restored      *nn.Tensor[float32]
	pixels        []float32 // of all planes: the picture and its features
	height, width int
}

func (r *Restorer) worker(info codestream.Info, height, width int) (*worker, error) {
	w := &worker{graph: nn.NewGraph(r.network.Weights, false), height: height, width: width}
	w.pixels = make([]float32, (3+Channels)*height*width)
	w.in, w.restored = r.network.Build(w.graph, height, width)
	w.graph.Output(w.restored)
	if err := w.graph.Compile(); err != nil {
		return nil, fmt.Errorf("restorer: %w", err)
	}
	context, scale := Condition(info, height, width)
	w.in.Context.Load(context)
	w.in.Scale.Load(scale)
	return w, nil
}

// restore computes one tile of out from a picture.
func (w *worker) restore(out, p *picture.Planes, info codestream.Info, across, down cut) {
	n := w.height * w.width
	// Features reach a few pixels beyond the window.
	far := slices.Max(radii[:])
	left, top := max(across.window-far, 0), max(down.window-far, 0)
	part := crop(p, left, top, min(across.window+w.width+far, p.Width), min(down.window+w.height+far, p.Height))
	for c, src := range append(part.Pix[:3:3], Features(part, info)...) {
		for y := range w.height {
			row := src[min(down.window+y-top, part.Height-1)*part.Width:][:part.Width]
			dst := w.pixels[c*n+y*w.width:][:w.width]
			if copy(dst, row[across.window-left:]) < len(dst) {
				dst[len(dst)-1] = row[part.Width-1]
			}
		}
	}
	w.in.Picture.Load(w.pixels)
	w.in.Features.Load(w.pixels[3*n:])
	w.graph.Forward()
	w.restored.Store(w.pixels)
	right, bottom := min(across.high, out.Width), min(down.high, out.Height)
	for c, dst := range out.Pix {
		for y := down.low; y < bottom; y++ {
			src := w.pixels[c*n+(y-down.window)*w.width+across.low-across.window:]
			for i := range dst[y*out.Width+across.low : y*out.Width+right] {
				dst[y*out.Width+across.low+i] = min(max(src[i], 0), 1)
			}
		}
	}
	if !info.Grey {
		return
	}
	for y := down.low; y < bottom; y++ {
		for i := y*out.Width + across.low; i < y*out.Width+right; i++ {
			v := (out.Pix[0][i] + out.Pix[1][i] + out.Pix[2][i]) / 3
			out.Pix[0][i], out.Pix[1][i], out.Pix[2][i] = v, v, v
		}
	}
}

// crop returns the part of p from left and top to right and bottom.
func crop(p *picture.Planes, left, top, right, bottom int) *picture.Planes {
	q := picture.New(right-left, bottom-top)
	for c, plane := range p.Pix {
		for y := range q.Height {
			copy(q.Pix[c][y*q.Width:][:q.Width], plane[(top+y)*p.Width+left:])
		}
	}
	return q
}
