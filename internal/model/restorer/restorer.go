// Package restorer improves pictures decoded from prefixes of streams of package codestream: a network that has seen what such
// prefixes lack of photographs guesses it.
//
//	photo, info, err := codestream.Decode(prefix, maxPixels)
//	r, err := restorer.New()
//	photo, err = r.Restore(ctx, photo, info, workers)
//
// What it returns is nearer to the original on average, not always: who knows the original can tell whether it is.
package restorer

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"

	"ditas/internal/codestream"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
	"ditas/picture"
)

//go:embed restorer.safetensors
var shipped []byte

// Restorer holds the weights of a network. It may be used by several goroutines at once.
type Restorer struct{ network *Network }

// New returns the restorer that ditas ships.
func New() (*Restorer, error) {
	n, err := Load(bytes.NewReader(shipped), int64(len(shipped)), kernel.Best())
	if err != nil {
		return nil, fmt.Errorf("restorer: %w", err)
	}
	return With(n), nil
}

// With returns a restorer that uses a network, whose weights must not change from now on.
func With(n *Network) *Restorer { return &Restorer{n} }

// core is the side of the square of pixels that a tile is computed for, even.
const core = 80

// Restore returns a better guess at the picture that p was decoded from; p itself where info says that it is complete. Pictures
// of any size are computed tile by tile by so many workers, at least one, on which the result does not depend. Values are
// limited to [0, 1].
func (r *Restorer) Restore(ctx context.Context, p *picture.Planes, info codestream.Info, workers int) (*picture.Planes, error) {
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
	workers = max(1, min(workers, tiles))
	teams := make([]*worker, workers)
	for i := range teams {
		w, err := r.worker(info, windowHeight, windowWidth)
		if err != nil {
			return nil, err
		}
		teams[i] = w
	}
	planes := append(p.Pix[:3:3], Features(p, info)...)
	out := picture.New(p.Width, p.Height)
	parallel.Each(workers, tiles, func(w, i int) {
		if ctx.Err() == nil {
			teams[w].restore(out, planes, across[i%len(across)], down[i/len(across)])
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, plane := range out.Pix {
		for i, v := range plane {
			plane[i] = min(max(v, 0), 1)
		}
	}
	if info.Grey {
		for i := range out.Pix[0] {
			v := (out.Pix[0][i] + out.Pix[1][i] + out.Pix[2][i]) / 3
			out.Pix[0][i], out.Pix[1][i], out.Pix[2][i] = v, v, v
		}
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

// restore computes one tile of out from the planes of a picture and its features.
func (w *worker) restore(out *picture.Planes, planes [][]float32, across, down cut) {
	n := w.height * w.width
	for c, src := range planes {
		for y := range w.height {
			row := src[min(down.window+y, out.Height-1)*out.Width:][:out.Width]
			dst := w.pixels[c*n+y*w.width:][:w.width]
			if copy(dst, row[across.window:]) < len(dst) {
				dst[len(dst)-1] = row[out.Width-1]
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
			src := w.pixels[c*n+(y-down.window)*w.width:]
			copy(dst[y*out.Width+across.low:y*out.Width+right], src[across.low-across.window:])
		}
	}
}
