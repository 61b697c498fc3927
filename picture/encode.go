package picture

import (
	"fmt"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
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
	m := p.Image()
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
