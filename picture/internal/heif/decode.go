package heif

import (
	"context"
	"encoding/binary"
	"image"
	"runtime"
	"slices"
	"sync/atomic"

	"ditas/internal/parallel"
)

// Decode decodes the picture. It ends with ctx's error within a hundredth of a second or so when ctx does. What is damaged is an error that
// wraps ErrTruncated or ErrMalformed.
func (f *File) Decode(ctx context.Context) (*Picture, error) {
	p := &Picture{Matrix: f.matrix, Full: f.full, Premultiplied: f.premul}
	kind, largest := f.box.items[f.tiles.items[0]].kind, f.tiles.side
	if f.alpha != nil {
		if f.box.items[f.alpha.items[0]].kind != kind {
			return nil, malformed("its transparency is coded in another way than the picture")
		}
		largest = image.Pt(max(largest.X, f.alpha.side.X), max(largest.Y, f.alpha.side.Y))
	}
	images := len(f.tiles.items)
	if f.alpha != nil {
		images += len(f.alpha.items)
	}
	d, err := newDecoder(ctx, kind, images, largest)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if p.Image, err = f.join(ctx, d, f.tiles); err != nil {
		return nil, err
	}
	if f.alpha == nil {
		return p, nil
	}
	m, err := f.join(ctx, d, *f.alpha)
	if err != nil {
		return nil, err
	}
	p.Alpha, err = f.opacity(m)
	return p, err
}

// opacity takes an alpha channel out of the decoded auxiliary image.
func (f *File) opacity(m pixels) (*image.Gray, error) {
	a := image.NewGray(m.Bounds())
	switch m := m.(type) {
	case *image.YCbCr:
		full, err := f.alphaRange()
		if err != nil {
			return nil, err
		}
		for y := range a.Rect.Dy() {
			row := a.Pix[y*a.Stride:][:a.Stride]
			copy(row, m.Y[y*m.YStride:])
			for x, v := range row {
				if !full {
					row[x] = uint8((min(max(int(v)-16, 0), 219)*255 + 109) / 219)
				}
			}
		}
	case *Deep:
		full, err := f.alphaRange()
		if err != nil {
			return nil, err
		}
		black, white := 0, 1<<m.Bits-1
		if !full {
			black, white = 16<<(m.Bits-8), 235<<(m.Bits-8)
		}
		for i, v := range m.Planes[0] {
			a.Pix[i] = uint8((min(max(int(v)-black, 0), white-black)*255 + (white-black)/2) / (white - black))
		}
	case *image.RGBA:
		for i := range a.Pix {
			a.Pix[i] = m.Pix[4*i]
		}
	case *image.RGBA64:
		for i := range a.Pix {
			a.Pix[i] = uint8((uint32(binary.BigEndian.Uint16(m.Pix[8*i:]))*255 + 32767) / 65535)
		}
	}
	return a, nil
}

// alphaRange reports whether the values of an alpha channel in HEVC run from 0 to 255.
func (f *File) alphaRange() (bool, error) {
	i := f.box.items[f.alpha.items[0]]
	if c, ok := i.property("colr"); ok && len(c) >= 11 && string(c[:4]) == "nclx" {
		return c[10]&0x80 != 0, nil
	}
	s, err := i.sequence()
	if err != nil {
		return false, err
	}
	return s.full, nil
}

// anywayCoded is how many bytes the tiles of a picture may have, whatever the size of the file.
const anywayCoded = 64 << 20

// join decodes tiles and puts them together.
func (f *File) join(ctx context.Context, d *decoder, t tiles) (pixels, error) {
	var left atomic.Int64 // bytes of all tiles: they may be the same ones
	left.Store(2*int64(len(f.box.data)) + anywayCoded)
	tile := func(n int) (pixels, error) {
		i := f.box.items[t.items[n]]
		data, err := f.box.content(i, len(f.box.data))
		if err == nil && left.Add(-int64(len(data))) < 0 {
			err = malformed("the tiles of a grid overlap")
		}
		if err != nil {
			return nil, err
		}
		return d.decode(ctx, i, data, t.side)
	}
	first, err := tile(0)
	if err != nil {
		return nil, err
	}
	if len(t.items) == 1 && first.Bounds() == image.Rect(0, 0, t.width, t.height) {
		return first, nil
	}
	whole := like(first, t.width, t.height)
	if err := place(whole, first, 0, 0); err != nil {
		return nil, err
	}
	rest := len(t.items) - 1
	errs := make([]error, rest)
	parallel.Each(runtime.GOMAXPROCS(0), rest, func(_, i int) {
		if ctx.Err() != nil {
			return
		}
		m, err := tile(i + 1)
		if err == nil {
			err = place(whole, m, t.side.X*((i+1)%t.columns), t.side.Y*((i+1)/t.columns))
		}
		errs[i] = err
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs { // the first of them, whichever came first
		if err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// like returns an image of the kind of another one.
func like(m pixels, width, height int) pixels {
	r := image.Rect(0, 0, width, height)
	switch m := m.(type) {
	case *image.YCbCr:
		return image.NewYCbCr(r, m.SubsampleRatio)
	case *image.RGBA64:
		return image.NewRGBA64(r)
	case *Deep:
		return newDeep(width, height, m.Bits, m.channels())
	}
	return image.NewRGBA(r)
}

// place copies what fits of a tile to a place in a picture.
func place(whole, tile pixels, x, y int) error {
	part := tile.Bounds().Add(image.Pt(x, y)).Intersect(whole.Bounds())
	copyRows := func(to, from []byte, stride, fromStride, bytes, rows int) {
		for row := range rows {
			copy(to[row*stride:][:bytes], from[row*fromStride:])
		}
	}
	switch w := whole.(type) {
	case *image.YCbCr:
		t, ok := tile.(*image.YCbCr)
		h, v := halved(w.SubsampleRatio)
		if !ok || t.SubsampleRatio != w.SubsampleRatio || x%h != 0 || y%v != 0 {
			return malformed("the tiles of a grid do not fit together")
		}
		copyRows(w.Y[w.YOffset(x, y):], t.Y, w.YStride, t.YStride, part.Dx(), part.Dy())
		at, bytes, rows := w.COffset(x, y), (part.Dx()+h-1)/h, (part.Dy()+v-1)/v
		copyRows(w.Cb[at:], t.Cb, w.CStride, t.CStride, bytes, rows)
		copyRows(w.Cr[at:], t.Cr, w.CStride, t.CStride, bytes, rows)
	case *image.RGBA:
		t, ok := tile.(*image.RGBA)
		if !ok {
			return malformed("the tiles of a grid do not fit together")
		}
		copyRows(w.Pix[w.PixOffset(x, y):], t.Pix, w.Stride, t.Stride, 4*part.Dx(), part.Dy())
	case *image.RGBA64:
		t, ok := tile.(*image.RGBA64)
		if !ok {
			return malformed("the tiles of a grid do not fit together")
		}
		copyRows(w.Pix[w.PixOffset(x, y):], t.Pix, w.Stride, t.Stride, 8*part.Dx(), part.Dy())
	case *Deep:
		t, ok := tile.(*Deep)
		if !ok || t.Bits != w.Bits || t.channels() != w.channels() {
			return malformed("the tiles of a grid do not fit together")
		}
		for c, plane := range w.Planes[:w.channels()] {
			for row := range part.Dy() {
				copy(plane[(y+row)*w.Width+x:][:part.Dx()], t.Planes[c][row*t.Width:])
			}
		}
	}
	return nil
}

// halved returns by how much chroma is coarser, across and down.
func halved(r image.YCbCrSubsampleRatio) (h, v int) {
	switch r {
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	}
	return 1, 1
}

// passed are the properties that a decoder gets to see as they are.
var passed = []string{"hvcC", "av1C", "a1op", "a1lx", "lsel"}

// seen returns the properties of an item that a decoder gets to see, besides its size.
//
// Of colours it sees what AV1 becomes RGB by. libheif would take the chroma of HEVC to full resolution and back, which blurs it, so what is in HEVC
// is said to be RGB, of 8 bits, and comes out as it is. Samples of more bits keep all of them where nothing is converted but chroma to full resolution:
// they are said to be YCbCr that has it. libheif 1.18 leaves the samples of grey pictures as they are, whatever heif.c asks for.
func (i *item) seen(s *sequence) []property {
	var list []property
	for _, p := range i.properties {
		switch {
		case p.kind == "hvcC" && s != nil && s.chroma > 0 && s.deep() && len(p.body) > chromaAt:
			p.body = slices.Clone(p.body)
			p.body[chromaAt] |= 3
			list = append(list, p)
		case slices.Contains(passed, p.kind), i.kind == av1 && p.kind == "pixi", i.kind == av1 && p.kind == "colr" && len(p.body) >= 4 && string(p.body[:4]) == "nclx":
			list = append(list, p)
		}
	}
	switch {
	case s == nil:
	case s.chroma == 0:
		list = append(list, property{"pixi", []byte{0, 0, 0, 0, 1, byte(s.depth[0])}})
	case !s.deep():
		list = append(list, property{"colr", []byte("nclx\x00\x01\x00\x0d\x00\x00\x80")})
	}
	return list
}

// chromaAt is where the configuration of HEVC names the resolution of chroma, in two bits (ISO/IEC 14496-15, section 8.3.3.1).
const chromaAt = 16

// mostPassed bounds what a decoder gets to see of properties, in bytes, which is copied for each tile.
const mostPassed = 1 << 16

// single makes a file of a single coded image. If it is in HEVC, s is its sequence parameter set.
func single(i *item, s *sequence, data []byte, size image.Point) ([]byte, error) {
	be := binary.BigEndian
	full := []byte{0, 0, 0, 0}
	dimensions := be.AppendUint32(be.AppendUint32(slices.Clone(full), uint32(size.X)), uint32(size.Y))
	properties, bytes := [][]byte{box("ispe", dimensions)}, 0
	for _, p := range i.seen(s) {
		if bytes += len(p.body); bytes > mostPassed {
			return nil, malformed("an image has a configuration of more than %d bytes", mostPassed)
		}
		properties = append(properties, box(p.kind, p.body))
	}
	associations := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, byte(min(len(properties), 127))}
	for n := range min(len(properties), 127) {
		associations = append(associations, byte(n+1))
	}
	brands := []string{"heic", "heic"}
	if i.kind == av1 {
		brands = []string{"avif", "avif"}
	}
	head := box("ftyp", []byte(brands[0]), full, []byte("mif1"), []byte(brands[1]), []byte("miaf"))
	meta := func(at int) []byte {
		place := []byte{0, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1}
		place = be.AppendUint32(be.AppendUint32(place, uint32(at)), uint32(len(data)))
		return box("meta", full,
			box("hdlr", full, full, []byte("pict"), make([]byte, 13)),
			box("pitm", full, []byte{0, 1}),
			box("iloc", place),
			box("iinf", full, []byte{0, 1}, box("infe", []byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte(i.kind), []byte{0})),
			box("iprp", box("ipco", properties...), box("ipma", associations)))
	}
	at := len(head) + len(meta(0)) + 8
	return slices.Concat(head, meta(at), box("mdat", data)), nil
}

// box makes a box of what is in it.
func box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}
