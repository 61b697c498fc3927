package heif

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
)

// guard turns a panic into an error, of the machine's or of what a decoder makes of a hostile file.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = malformed("the decoder failed: %v", r)
	}
}

// What a decoder may take of time: the turns of its loops, of which photographs take some 15 for each pixel.
const (
	turnsPerPixel = 1000
	turnsEach     = 1 << 22 // of an image
	turnsAnyway   = 1 << 28 // of all of them
)

// pollsFor returns how often the loops of a decoder may call for all of so many images of a size.
func pollsFor(images int, size image.Point) int64 {
	return turnsAnyway/pollEvery + int64(images)*(turnsEach/pollEvery+int64(size.X)*int64(size.Y)/(pollEvery/turnsPerPixel))
}

// unpack returns a decoder as it was before it was compressed, with loops that can be ended.
func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	module, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return interruptible(module)
}

// machine is a decoder at work on one image.
type machine struct {
	ctx    context.Context
	module instance
	err    error // the first one
}

// instance is a decoder with a memory of its own.
type instance interface {
	// call calls a function, and returns its result.
	call(ctx context.Context, name string, a ...uint64) (uint32, error)
	// read returns so many bytes of memory, which the next call may change, and write changes some. Both report whether they are in the memory.
	read(at uint64, n int) ([]byte, bool)
	write(at uint64, b []byte) bool
	close()
}

// call calls a function, and returns 0 once there was an error.
func (m *machine) call(name string, a ...uint64) uint32 {
	if m.err != nil {
		return 0
	}
	r, err := m.module.call(m.ctx, name, a...)
	switch {
	case m.ctx.Err() != nil:
		m.err = m.ctx.Err()
	case err != nil:
		m.err = malformed("the decoder gave up")
	default:
		return r
	}
	return 0
}

// alloc returns the address of so many bytes.
func (m *machine) alloc(n uint64) uint64 {
	at := m.call("malloc", n)
	if at == 0 && m.err == nil {
		m.err = errors.New("there is no memory for the picture")
	}
	return uint64(at)
}

// word reads a word of 32 bits.
func (m *machine) word(at uint64) int {
	b, ok := m.module.read(at, 4)
	if ok {
		return int(binary.LittleEndian.Uint32(b))
	}
	if m.err == nil {
		m.err = malformed("the decoder lost its memory")
	}
	return 0
}

// copy returns a copy of the memory.
func (m *machine) copy(at uint64, n int) []byte {
	if m.err != nil {
		return nil
	}
	b, ok := m.module.read(at, n)
	if !ok {
		m.err = malformed("the decoder lost its memory")
	}
	return bytes.Clone(b)
}

// decode decodes a coded image whose item says this size.
func (d *decoder) decode(ctx context.Context, i *item, data []byte, size image.Point) (img pixels, err error) {
	defer guard(&err)
	var s *sequence
	if d.kind == hevc {
		if s, err = i.sequence(); err != nil {
			return nil, err
		}
		// A decoder may round sizes up.
		if s.width < size.X || s.height < size.Y || s.width > size.X+64 || s.height > size.Y+64 {
			return nil, malformed("the size of an image is not what its file says")
		}
		size = image.Pt(s.width, s.height)
	}
	file, err := single(i, s, data, size)
	if err != nil {
		return nil, err
	}
	module, err := d.start(ctx)
	if err != nil {
		return nil, err
	}
	defer module.close()
	m := &machine{ctx: ctx, module: module}
	at := m.alloc(uint64(len(file)))
	if m.err == nil && !module.write(at, file) {
		m.err = errors.New("there is no memory for the picture")
	}
	words := m.alloc(6 * 4)
	if d.kind == hevc {
		img = m.hevc(at, uint64(len(file)), words, s)
	} else {
		img = m.av1(at, uint64(len(file)), words, size)
	}
	if m.err != nil {
		return nil, m.err
	}
	return img, nil
}

// errDamaged is what a decoder says of any fault in a file.
var errDamaged = fmt.Errorf("%w: the decoder cannot make a picture of it", ErrMalformed)

// Numbers of libheif for what an image consists of.
const (
	spaceYCbCr = 0
	spaceRGB   = 1
	spaceGrey  = 2
)

// hevc decodes a file at an address, by heif.c of the decoder's makers.
func (m *machine) hevc(at, length, words uint64, s *sequence) pixels {
	width, height, space, chroma, premultiplied := words, words+4, words+8, words+12, words+16
	if m.call("decode", at, length, 1, width, height, space, chroma, premultiplied, 0) == 0 && m.err == nil {
		m.err = errDamaged
	}
	if m.err != nil {
		return nil
	}
	want := spaceRGB
	switch {
	case s.chroma == 0:
		want = spaceGrey
	case s.deep():
		want = spaceYCbCr
	}
	if m.word(width) != s.width || m.word(height) != s.height || m.word(space) != want {
		m.err = malformed("an image is not what its file says")
		return nil
	}
	bytes, planes := 1, 1
	switch want {
	case spaceRGB:
		bytes = 4
	case spaceYCbCr:
		planes = 3
	}
	if s.deep() {
		bytes *= 2
	}
	stride := (bytes*max((s.width+1)&^1, 64) + 15) &^ 15 // libheif's
	data := m.output(planes*stride*s.height, func(out uint64) uint32 {
		return m.call("decode", at, length, 0, width, height, space, chroma, premultiplied, out)
	})
	switch {
	case m.err != nil:
		return nil
	case s.deep():
		return s.deepImage(data, stride, planes)
	}
	return s.image(data, stride, bytes)
}

// image makes an image of bytes that are luma alone, or RGBA with luma as green, and chroma as blue and red.
func (s *sequence) image(data []byte, stride, bytes int) *image.YCbCr {
	ratio := [...]image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444}[s.chroma]
	img := image.NewYCbCr(image.Rect(0, 0, s.width, s.height), ratio)
	if bytes == 1 {
		for y := range s.height {
			copy(img.Y[y*img.YStride:][:s.width], data[y*stride:])
		}
		for i := range img.Cb {
			img.Cb[i], img.Cr[i] = 128, 128
		}
		return img
	}
	across, down := halved(ratio)
	for y := range s.height {
		row := data[y*stride:]
		luma := img.Y[y*img.YStride:][:s.width]
		for x := range luma {
			luma[x] = row[4*x+1]
		}
		if y%down > 0 {
			continue
		}
		blue, red := img.Cb[y/down*img.CStride:][:img.CStride], img.Cr[y/down*img.CStride:][:img.CStride]
		for x := range blue {
			blue[x], red[x] = row[4*across*x+2], row[4*across*x]
		}
	}
	return img
}

// deepImage makes an image of planes of two bytes a sample.
func (s *sequence) deepImage(data []byte, stride, planes int) *Deep {
	img := newDeep(s.width, s.height, s.depth[0], planes)
	for c, plane := range img.Planes[:planes] {
		for y := range s.height {
			row := data[(c*s.height+y)*stride:]
			for x := range s.width {
				plane[y*s.width+x] = binary.LittleEndian.Uint16(row[2*x:])
			}
		}
		if c > 0 && s.chroma == 1 {
			img.mendEdges(plane)
		}
	}
	return img
}

// mendEdges computes the outermost rows and columns of chroma that libheif 1.18 took from half to full resolution, linearly between the centres of its
// samples, and wrongly there (Op_YCbCr420_bilinear_to_YCbCr444 takes the neighbours of samples at half their place). Beyond the last centre all is as
// there, half a row outside of the next to last one.
func (d *Deep) mendEdges(plane []uint16) {
	mend := func(at, step int) {
		v := (3*int(plane[at+step]) - int(plane[at+2*step]) + 1) >> 1
		plane[at] = uint16(min(max(v, 0), 1<<d.Bits-1))
	}
	// The last row of an odd number shares its chroma with no other, and is right.
	for x := range d.Width {
		mend(x, d.Width)
		if d.Height%2 == 0 {
			mend((d.Height-1)*d.Width+x, -d.Width)
		}
	}
	for y := range d.Height {
		mend(y*d.Width, 1)
		if d.Width%2 == 0 {
			mend(y*d.Width+d.Width-1, -1)
		}
	}
}

// output has so many bytes decoded.
func (m *machine) output(n int, decode func(out uint64) uint32) []byte {
	out := m.alloc(uint64(n) + 4096)
	if m.err == nil && decode(out) == 0 && m.err == nil {
		m.err = errDamaged
	}
	return m.copy(out, n)
}

// av1 decodes a file at an address, by decode.c of the decoder's makers.
func (m *machine) av1(at, length, words uint64, size image.Point) pixels {
	width, height, depth, count := words, words+4, words+8, words+12
	if m.call("decode", at, length, 1, 0, width, height, depth, count, 0, 0) == 0 && m.err == nil {
		m.err = errDamaged
	}
	if m.err != nil {
		return nil
	}
	if m.word(width) != size.X || m.word(height) != size.Y {
		m.err = malformed("the size of an image is not what its file says")
		return nil
	}
	r := image.Rect(0, 0, size.X, size.Y)
	bytes, opaque := 4, 3
	if m.word(depth) > 8 {
		bytes, opaque = 8, 6
	}
	delay := m.alloc(8)
	// The decoder does not say so if it writes nothing. What it writes is opaque.
	data := m.output(bytes*size.X*size.Y, func(out uint64) uint32 {
		m.module.write(out+uint64(opaque), []byte{0})
		return m.call("decode", at, length, 0, 0, width, height, depth, count, delay, out)
	})
	if m.err == nil && data[opaque] != 255 {
		m.err = errDamaged
	}
	if m.err != nil {
		return nil
	}
	if bytes == 8 {
		for i := 0; i < len(data); i += 2 {
			data[i], data[i+1] = data[i+1], data[i]
		}
		return &image.RGBA64{Pix: data, Stride: 8 * size.X, Rect: r}
	}
	return &image.RGBA{Pix: data, Stride: 4 * size.X, Rect: r}
}
