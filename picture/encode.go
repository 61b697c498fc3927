package picture

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"sync"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"ditas/internal/parallel"
)

// Format is a file format that [Planes.Encode] writes.
type Format int

// Formats to write. All but JPEG keep the 8-bit picture exactly. JPEG is written at quality 95 with chroma at half resolution.
const (
	PNG Format = iota
	JPEG
	BMP
	TIFF
)

// Encode writes p in 8 bits a channel, as [Planes.Image] rounds it.
func (p *Planes) Encode(w io.Writer, f Format) error {
	return p.EncodeContext(context.Background(), w, f, nil)
}

// EncodeContext is [Planes.Encode] that returns ctx's error at once when ctx ends, and then writes no more to w. progress, where set, is
// called with how many of p's rows are encoded, by one goroutine at a time. p must not change before EncodeContext returns, nor after it if
// ctx has ended.
func (p *Planes) EncodeContext(ctx context.Context, w io.Writer, f Format, progress func(done, total int)) error {
	m := &rows{p: p}
	out := &writer{w: w, ctx: ctx}
	if progress != nil {
		m.report = func(row int) {
			out.do(func() error {
				progress(row, p.Height)
				return nil
			})
		}
	}
	err := parallel.Within(ctx, func() error { return f.encode(out, m) })
	out.mu.Lock() // what has begun ends first
	defer out.mu.Unlock()
	if err == nil && progress != nil {
		progress(p.Height, p.Height)
	}
	return err
}

func (f Format) encode(w io.Writer, m image.Image) error {
	switch f {
	case PNG:
		return png.Encode(w, m)
	case JPEG:
		return jpeg.Encode(w, m, &jpeg.Options{Quality: 95})
	case BMP:
		return bmp.Encode(w, m)
	case TIFF:
		return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	}
	return fmt.Errorf("picture format %d does not exist", f)
}

// writer writes to w until a context ends.
type writer struct {
	mu  sync.Mutex
	w   io.Writer
	ctx context.Context
}

func (w *writer) Write(b []byte) (n int, err error) {
	err = w.do(func() (err error) {
		n, err = w.w.Write(b)
		return err
	})
	return n, err
}

// do does something unless the context has ended.
func (w *writer) do(what func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return what()
}

// rows is a picture as encoders see it, for one goroutine. It tells how far they are.
type rows struct {
	p      *Planes
	report func(row int) // may be nil
	pixel  pixel         // the latest one, for no color.Color to be allocated
	begun  int           // how many rows
}

// pixel is an opaque colour.
type pixel struct{ r, g, b uint8 }

func (c *pixel) RGBA() (r, g, b, a uint32) {
	return uint32(c.r) * 0x101, uint32(c.g) * 0x101, uint32(c.b) * 0x101, 0xffff
}

func (m *rows) ColorModel() color.Model { return color.RGBAModel }
func (m *rows) Bounds() image.Rectangle { return image.Rect(0, 0, m.p.Width, m.p.Height) }
func (m *rows) Opaque() bool            { return true }

func (m *rows) At(x, y int) color.Color {
	if x == 0 && m.report != nil {
		m.begun++
		m.report(min(m.begun, m.p.Height) - 1)
	}
	i := y*m.p.Width + x
	m.pixel = pixel{quantize(m.p.Pix[0][i]), quantize(m.p.Pix[1][i]), quantize(m.p.Pix[2][i])}
	return &m.pixel
}
