package picture

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"image/png"
	"io"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// countdown is a context that ends when it has been looked at so often.
type countdown struct {
	context.Context
	left atomic.Int64
}

func newCountdown(n int) *countdown {
	c := &countdown{Context: context.Background()}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// ramp is a picture of many shades.
func ramp(width, height int) *Planes {
	p := New(width, height)
	for i := range p.Pix[0] {
		x, y := i%width, i/width
		p.Pix[0][i], p.Pix[1][i], p.Pix[2][i] = float32(x)/float32(width), float32(y)/float32(height), float32((x*x+y*y*y)&511)/511
	}
	return p
}

// A decoder looks at the context often, and whenever it ends the error is the context's: never that the file is damaged.
func TestDecodeStops(t *testing.T) {
	for format, least := range map[Format]int{PNG: 30, JPEG: 30, BMP: 30, TIFF: 10} {
		var file bytes.Buffer
		if err := ramp(300, 200).Encode(&file, format); err != nil {
			t.Fatal(err)
		}
		looks := 0
		for ; ; looks++ {
			p, err := DecodeContext(newCountdown(looks), iotest.HalfReader(bytes.NewReader(file.Bytes())), MaxPixels)
			if err == nil {
				break
			}
			if p != nil || !errors.Is(err, context.Canceled) || errors.Is(err, ErrTruncated) {
				t.Fatalf("format %d, ended at look %d: %v", format, looks, err)
			}
		}
		if looks < least {
			t.Errorf("format %d: only %d looks at the context", format, looks)
		}
	}
	for _, name := range []string{"progressive.jpg", "interlaced.png", "still.gif", "lossy.webp", "lossless.webp", "lzw.tif"} {
		for looks := 0; ; looks++ {
			_, err := DecodeContext(newCountdown(looks), bytes.NewReader(open(t, name)), MaxPixels)
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, ended at look %d: %v", name, looks, err)
			}
		}
	}
}

// ending is a Writer that ends a context with the given write, and is written to no more after that.
type ending struct {
	t    *testing.T
	left int
	end  context.CancelFunc
}

func (w *ending) Write(p []byte) (int, error) {
	if w.left--; w.left == 0 {
		w.end()
	}
	if w.left < 0 {
		w.t.Error("written to after the context has ended")
	}
	return len(p), nil
}

func TestEncodeStops(t *testing.T) {
	p := New(1200, 900)
	for i := range p.Pix[0] {
		p.Pix[i%3][i] = float32(i*i%251) / 250
	}
	for _, format := range []Format{PNG, JPEG, BMP} {
		ctx, end := context.WithCancel(t.Context())
		rows := 0
		err := p.EncodeContext(ctx, &ending{t, 3, end}, format, func(done, total int) { rows = done })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("format %d: %v", format, err)
		}
		if rows == p.Height {
			t.Errorf("format %d: all was encoded all the same", format)
		}
	}
	// What writes nothing until the end stops as well.
	ctx, end := context.WithCancel(t.Context())
	err := p.EncodeContext(ctx, io.Discard, TIFF, func(done, _ int) {
		if done == 10 {
			end()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("TIFF: %v", err)
	}
}

// Encoders see rows, and write what they would write of the picture in memory. Progress counts the rows.
func TestEncodeContext(t *testing.T) {
	p := ramp(37, 29)
	p.Pix[0][3], p.Pix[1][4] = -1, 2
	m := p.Image()
	for format, encode := range map[Format]func(io.Writer) error{
		PNG:  func(w io.Writer) error { return png.Encode(w, m) },
		JPEG: func(w io.Writer) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 95}) },
		BMP:  func(w io.Writer) error { return bmp.Encode(w, m) },
		TIFF: func(w io.Writer) error { return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate}) },
	} {
		var got, want bytes.Buffer
		var seen []int
		err := p.EncodeContext(t.Context(), &got, format, func(done, total int) {
			if total != p.Height || len(seen) > 0 && done < seen[len(seen)-1] {
				t.Errorf("format %d: %d of %d rows after %v", format, done, total, seen)
			}
			seen = append(seen, done)
		})
		if err := errors.Join(err, encode(&want)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("format %d: other bytes than of the same picture in memory", format)
		}
		if len(seen) < p.Height || seen[0] != 0 || seen[len(seen)-1] != p.Height {
			t.Errorf("format %d: progress %v", format, seen)
		}
	}
}

func TestResizeStops(t *testing.T) {
	p := ramp(40, 30)
	for _, size := range [][2]int{{20, 10}, {80, 70}, {40, 10}} {
		looks := 0
		for ; ; looks++ {
			q, err := p.ResizeContext(newCountdown(looks), size[0], size[1])
			if err == nil {
				equal(t, q, p.Resize(size[0], size[1]))
				break
			}
			if q != nil || !errors.Is(err, context.Canceled) {
				t.Fatalf("ended at look %d: %v", looks, err)
			}
		}
		if want := 3 * (p.Height + size[1]); looks != want {
			t.Errorf("%d looks at the context, want one for each row: %d", looks, want)
		}
	}
	if _, err := p.FitContext(newCountdown(0), 20, 20); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
