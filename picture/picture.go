// Package picture reads pictures, scales and cuts them, and writes them.
//
// [Decode] reads what [Readable] lists, PNG, JPEG, HEIC and others, into [Planes]: red, green and blue as separate planes of
// float32 in [0, 1], upright and opaque. Planes are cropped ([Planes.CropSquare]), scaled ([Planes.Resize], [Planes.Fit],
// [Planes.Thumbnail]), cut into squares of a fixed size and joined again ([Planes.Tiles], [Join]), and written ([Planes.Encode]). What
// may take long with a large picture has a twin that a context ends, such as [DecodeContext].
//
//	photo, err := picture.Decode(file)
//	small := photo.Thumbnail(64) // the unit experiment's 64×64 picture
//
// Values are sRGB: what has a colour profile of another space, of three primaries and curves as cameras and telephones embed, is
// converted, and so are pictures of high dynamic range, in PQ or HLG, whose highlights are dimmed (ITU-R BT.2408 and BT.2390). A value of an opaque 8-bit file is a multiple of 1/255 and survives Decode, [Planes.Image] and back exactly.
//
// [Planes.Losses] tells what else of the picture was in the file: other profiles, CMYK, more than 8 bits a channel, transparency, further frames,
// pages and pictures. It does not tell what programs keep beside a picture and nobody sees in it, such as previews, notes, depth maps and gain maps.
package picture

import (
	"image"
	"image/color"
)

// Planes is a picture as planes of float32, where 1 is full intensity. The value of channel c (red, green, blue) at column x and
// row y, both from the upper left, is Pix[c][y*Width+x].
type Planes struct {
	Width, Height int
	Pix           [3][]float32
	// Losses tells what Decode did not take over from the file: "16 bits a channel became 8". What is made of the picture has none.
	Losses []string
}

// New returns a black picture of width×height pixels, neither of them negative.
func New(width, height int) *Planes {
	n := width * height
	all := make([]float32, 3*n)
	return &Planes{Width: width, Height: height, Pix: [3][]float32{all[:n:n], all[n : 2*n : 2*n], all[2*n:]}}
}

// level holds the 256 values of an 8-bit channel.
var level = func() (t [256]float32) {
	for v := range t {
		t[v] = float32(v) / 255
	}
	return t
}()

// quantize returns the 8-bit value nearest to v: 0 below the range and for NaN, 255 above it.
func quantize(v float32) uint8 {
	switch {
	case v >= 1:
		return 255
	case v > 0:
		return uint8(v*255 + 0.5)
	}
	return 0
}

// FromImage converts img. It lays what is transparent over white, on sRGB values, and interpolates subsampled chroma linearly
// between its samples, as libjpeg and libwebp do at half resolution, where the image package would repeat them.
func FromImage(img image.Image) *Planes {
	if m, ok := img.(*image.YCbCr); ok && m.Rect.Min.X >= 0 && m.Rect.Min.Y >= 0 {
		return fromYCbCr(m, fullRange)
	}
	b := img.Bounds()
	p := New(b.Dx(), b.Dy())
	switch m := img.(type) {
	case *image.RGBA:
		if m.Opaque() {
			p.fromBytes(m.Pix, m.Stride)
			return p
		}
	case *image.NRGBA:
		if m.Opaque() {
			p.fromBytes(m.Pix, m.Stride)
			return p
		}
	}
	at := func(x, y int) color.RGBA64 { return color.RGBA64Model.Convert(img.At(x, y)).(color.RGBA64) }
	if m, ok := img.(image.RGBA64Image); ok {
		at = m.RGBA64At
	}
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			// The channels are premultiplied: adding what alpha lacks lays them over white.
			c := at(x, y)
			white := 0xffff - uint32(c.A)
			p.Pix[0][i] = float32(uint32(c.R)+white) / 0xffff
			p.Pix[1][i] = float32(uint32(c.G)+white) / 0xffff
			p.Pix[2][i] = float32(uint32(c.B)+white) / 0xffff
			i++
		}
	}
	return p
}

// fromBytes fills p from rows of red, green, blue and an ignored fourth byte.
func (p *Planes) fromBytes(pix []byte, stride int) {
	for y := range p.Height {
		row := pix[y*stride:][:4*p.Width]
		for x := range p.Width {
			i := y*p.Width + x
			p.Pix[0][i] = level[row[4*x]]
			p.Pix[1][i] = level[row[4*x+1]]
			p.Pix[2][i] = level[row[4*x+2]]
		}
	}
}

// Image returns p in 8 bits a channel, each value rounded to the nearest and clamped to the range.
func (p *Planes) Image() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	r, g, b := p.Pix[0], p.Pix[1], p.Pix[2]
	for i := range r {
		m.Pix[4*i] = quantize(r[i])
		m.Pix[4*i+1] = quantize(g[i])
		m.Pix[4*i+2] = quantize(b[i])
		m.Pix[4*i+3] = 255
	}
	return m
}

// Round replaces every value by the nearest that an 8-bit file can hold, a multiple of 1/255 in [0, 1].
func (p *Planes) Round() {
	for _, plane := range p.Pix {
		for i, v := range plane {
			plane[i] = level[quantize(v)]
		}
	}
}
