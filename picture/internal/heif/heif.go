// Package heif reads pictures in the High Efficiency Image File Format (ISO/IEC 23008-12:2022) that are coded in HEVC or AV1: HEIC and AVIF.
//
// What a file consists of is read here, in Go: items, their properties, grids of tiles, colours, transparency. Each coded image, a tile of a
// grid or the whole picture, then becomes a small file of its own for a decoder: libheif with libde265, or libavif with libaom,
// compiled to WebAssembly (see decoders/README.md). A decoder runs in a machine of its own, which sees nothing but that small file, has a
// bounded memory, and ends when the context does.
package heif

import (
	"errors"
	"fmt"
	"image"
)

// Errors that Parse and Decode wrap.
var (
	ErrTruncated   = errors.New("the file ends too early")
	ErrMalformed   = errors.New("malformed HEIF")
	ErrUnsupported = errors.New("not supported") // what comes with it names a kind of file
)

// File is what a file says of its picture.
type File struct {
	// Width and Height are the size in pixels of the decoded picture, before it is transformed: 1 to 65536 each.
	Width, Height int
	// Transforms are to be applied to the picture in this order.
	Transforms []Transform
	// Profile is the ICC profile; nil if there is none.
	Profile []byte
	// Primaries and Transfer are code points of ITU-T H.273; 2 is unspecified.
	Primaries, Transfer int
	// Depth is the number of bits of a channel.
	Depth int
	// Transparent tells whether the picture has an alpha channel.
	Transparent bool
	// Pictures is how many pictures there are in the file, of which this is the main one, and Frames how many frames follow each other.
	Pictures, Frames int

	box    *meta
	tiles  tiles
	alpha  *tiles // nil if there is none
	premul bool
	matrix int
	full   bool
}

// Transform is a step on the way to the picture as it is shown. If Crop is not empty, the picture is cut to that; else it
// is turned or mirrored as Exif's orientation of that value says, from 1 to 8.
type Transform struct {
	Crop        image.Rectangle
	Orientation int
}

// Picture is a decoded picture of the File's Width and Height.
type Picture struct {
	// Image is *image.YCbCr, *image.RGBA, *image.RGBA64 or *Deep; those of package image that are RGB are opaque.
	Image pixels
	// Matrix is the code point of H.273 by which YCbCr becomes RGB, and Full tells whether luma runs from 0 to 255 rather than from 16 to 235.
	Matrix int
	Full   bool
	// Alpha is nil if the picture is opaque. If Premultiplied, the colours are.
	Alpha         *image.Gray
	Premultiplied bool
}

// Deep is an image of more than 8 bits a sample: luma, or luma and chroma, both of full resolution.
type Deep struct {
	Width, Height int
	// Bits of a sample, 9 to 16.
	Bits int
	// Planes are Y, Cb and Cr, each in rows of Width samples; the latter two are nil if the image is grey.
	Planes [3][]uint16
}

// newDeep returns an empty image of 1 or 3 planes.
func newDeep(width, height, bits, planes int) *Deep {
	d := &Deep{Width: width, Height: height, Bits: bits}
	for c := range planes {
		d.Planes[c] = make([]uint16, width*height)
	}
	return d
}

// Bounds returns the rectangle of the pixels.
func (d *Deep) Bounds() image.Rectangle { return image.Rect(0, 0, d.Width, d.Height) }

// channels returns how many planes there are.
func (d *Deep) channels() int {
	if d.Planes[1] == nil {
		return 1
	}
	return len(d.Planes)
}

// pixels are what Picture's Image may be.
type pixels = interface{ Bounds() image.Rectangle }

// tiles is a picture made of coded images of equal size, in rows; often it is a single one.
type tiles struct {
	width, height int // of the picture
	columns, rows int
	side          image.Point // of a tile
	items         []uint32
}

// Coded returns the size in pixels of all that is decoded, which is more than the picture where the last tiles go beyond it.
func (f *File) Coded() (width, height int) {
	width, height = f.tiles.coded()
	if f.alpha != nil {
		w, h := f.alpha.coded()
		width, height = max(width, w), max(height, h)
	}
	return width, height
}

func (t *tiles) coded() (width, height int) { return t.columns * t.side.X, t.rows * t.side.Y }

// malformed returns an error that wraps ErrMalformed.
func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

// Parse reads a file but for its pixels. What it allocates is bounded by the length of data, which must not change as long as the File is used.
func Parse(data []byte) (*File, error) {
	m, err := parseMeta(data)
	if err != nil {
		return nil, err
	}
	f := &File{box: m, Primaries: unspecified, Transfer: unspecified, matrix: unspecified, Depth: 8, Frames: m.frames}
	if f.tiles, err = m.tilesOf(m.primary); err != nil {
		return nil, err
	}
	f.Width, f.Height = f.tiles.width, f.tiles.height
	if err := f.colours(); err != nil {
		return nil, err
	}
	if f.Transforms, err = transforms(m.items[m.primary].properties, f.Width, f.Height); err != nil {
		return nil, err
	}
	if id, ok := m.alphaOf(m.primary); ok {
		a, err := m.tilesOf(id)
		if err != nil {
			return nil, fmt.Errorf("reading its transparency: %w", err)
		}
		if a.width != f.Width || a.height != f.Height {
			return nil, fmt.Errorf("%w: HEIF with transparency of another size than the picture's", ErrUnsupported)
		}
		f.alpha, f.Transparent = &a, true
		f.premul = m.refers("prem", m.primary, id)
	}
	f.Pictures = m.pictures()
	return f, nil
}

// Exif returns the Exif data of a file, in TIFF form, nil if there are none (ISO/IEC 23008-12, annex A.2.1). Which way is up they do not tell here.
func Exif(data []byte) []byte {
	m, err := parseMeta(data)
	if err != nil {
		return nil
	}
	left := len(data) // for all of them: they may be the same bytes
	for _, id := range m.order {
		if i := m.items[id]; i.kind == "Exif" {
			b, err := m.content(i, left)
			left -= len(b)
			if c := (cursor{b: b}); err == nil {
				if skip := uint64(c.u32()); skip < uint64(len(c.b)) {
					return c.b[skip:]
				}
			}
		}
	}
	return nil
}

// unspecified is H.273's code point for what is not said.
const unspecified = 2

// colours finds out what the primary item, its first tile and that one's bitstream say of colours and depth. What an item says goes before
// what the bitstream does.
func (f *File) colours() error {
	first := f.box.items[f.tiles.items[0]]
	said := false
	for _, properties := range [][]property{f.box.items[f.box.primary].properties, first.properties} {
		for _, p := range properties {
			if p.kind != "colr" || len(p.body) < 4 {
				continue
			}
			switch body := p.body[4:]; string(p.body[:4]) {
			case "prof", "rICC":
				if f.Profile == nil {
					f.Profile = body
				}
			case "nclx":
				if len(body) < 7 {
					return malformed("a colour property is too short")
				}
				if !said {
					c := cursor{b: body}
					f.Primaries, f.Transfer, f.matrix, f.full = int(c.u16()), int(c.u16()), int(c.u16()), body[6]&0x80 != 0
					said = true
				}
			}
		}
	}
	switch first.kind {
	case hevc:
		s, err := first.sequence()
		if err != nil {
			return err
		}
		f.Depth = max(s.depth[0], s.depth[1])
		if !said {
			f.Primaries, f.Transfer, f.matrix, f.full = s.primaries, s.transfer, s.matrix, s.full
		}
	case av1:
		c, ok := first.property("av1C")
		if !ok || len(c) < 4 {
			return malformed("an AV1 image has no configuration")
		}
		// AV1-ISOBMFF, section 2.3.3: high_bitdepth and twelve_bit.
		if c[2]&0x40 != 0 {
			f.Depth = 10
			if c[2]&0x20 != 0 {
				f.Depth = 12
			}
		}
	}
	return nil
}

// mostTransforms is how many transforms a picture may have. Three make sense: one of each kind.
const mostTransforms = 8

// transforms returns what an item's properties ask for (sections 6.5.8 to 6.5.12).
func transforms(properties []property, width, height int) ([]Transform, error) {
	var list []Transform
	for _, p := range properties {
		switch p.kind {
		case "clap":
			crop, err := aperture(p.body, width, height)
			if err != nil {
				return nil, err
			}
			if crop == image.Rect(0, 0, width, height) {
				continue
			}
			width, height = crop.Dx(), crop.Dy()
			list = append(list, Transform{Crop: crop})
		case "irot", "imir":
			if len(p.body) < 1 {
				return nil, malformed("a rotation is too short")
			}
			orientation := [...]int{1, 8, 3, 6}[p.body[0]&3] // quarter turns, counterclockwise
			if p.kind == "imir" {
				orientation = [...]int{4, 2}[p.body[0]&1] // top to bottom, left to right
			}
			if orientation > 4 {
				width, height = height, width
			}
			list = append(list, Transform{Orientation: orientation})
		}
		if len(list) > mostTransforms {
			return nil, malformed("the picture is to be turned and cut more than %d times", mostTransforms)
		}
	}
	return list, nil
}

// aperture returns the part of a picture that a clean aperture leaves (ISO/IEC 14496-12, section 12.1.4).
func aperture(body []byte, width, height int) (image.Rectangle, error) {
	c := cursor{b: body}
	var v [8]int64 // width, height, and how far its middle is from that of the picture, each with its denominator
	for i := range v {
		v[i] = int64(c.u32())
	}
	if c.bad || v[1] == 0 || v[3] == 0 || v[5] == 0 || v[7] == 0 {
		return image.Rectangle{}, malformed("a clean aperture makes no sense")
	}
	side := func(n, d, offset, by int64, whole int) (from, to int) {
		size := n / d
		shift := float64(int32(offset)) / float64(by)
		at := int64(shift + float64(int64(whole)-size)/2 + 0.5)
		return int(max(at, 0)), int(min(at+size, int64(whole)))
	}
	x0, x1 := side(v[0], v[1], v[4], v[5], width)
	y0, y1 := side(v[2], v[3], v[6], v[7], height)
	if x0 >= x1 || y0 >= y1 {
		return image.Rectangle{}, malformed("a clean aperture leaves nothing")
	}
	return image.Rect(x0, y0, x1, y1), nil
}
