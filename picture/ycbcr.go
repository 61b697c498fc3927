package picture

import "image"

// yuv converts luma and chroma to RGB: luma runs from black to black+255/gain, and the other factors multiply chroma less 128.
type yuv struct {
	black, gain                     float32
	redCr, greenCb, greenCr, blueCb float32
}

var (
	// fullRange is JFIF's conversion: ITU-R BT.601, luma in [0, 255].
	fullRange = yuv{0, 1, 1.402, -0.344136, -0.714136, 1.772}
	// studioRange is WebP's: ITU-R BT.601 with luma in [16, 235] (WebP container specification, "Simple File Format (Lossy)").
	// The webp package hands out such samples as image.YCbCr, which means full range (golang.org/issue/40173).
	studioRange = yuv{16, 255.0 / 219, 1.596027, -0.391762, -0.812968, 2.017232}
)

// coefficients returns the conversion by the matrix of a code point of ITU-T H.273 (section 8.3), ITU-R BT.601's for what is not said or not
// known, and nothing for the code point of no conversion.
func coefficients(matrix int, full bool) yuv {
	const identity, bt709, bt2020 = 0, 1, 9
	kr, kb := float32(0.299), float32(0.114)
	switch matrix {
	case identity:
		return yuv{}
	case bt709:
		kr, kb = 0.2126, 0.0722
	case bt2020:
		kr, kb = 0.2627, 0.0593
	}
	kg := 1 - kr - kb
	k := yuv{0, 1, 2 * (1 - kr), -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg, 2 * (1 - kb)}
	if !full {
		k.black, k.gain = 16, 255.0/219
		for _, v := range []*float32{&k.redCr, &k.greenCb, &k.greenCr, &k.blueCb} {
			*v *= 255.0 / 224
		}
	}
	return k
}

// fromGBR converts m where luma is green, and chroma blue and red.
func fromGBR(m *image.YCbCr, full bool) *Planes {
	p := New(m.Rect.Dx(), m.Rect.Dy())
	for y := range p.Height {
		for x := range p.Width {
			i := m.COffset(x, y)
			for c, v := range [...]uint8{m.Cr[i], m.Y[m.YOffset(x, y)], m.Cb[i]} {
				if !full {
					v = nearest((float32(v) - 16) * 255 / 219)
				}
				p.Pix[c][y*p.Width+x] = level[v]
			}
		}
	}
	return p
}

// fromYCbCr converts m, interpolating chroma linearly. Chroma samples are centred on the luma samples that share them, as JFIF
// and WebP have it. Coordinates in m must not be negative.
func fromYCbCr(m *image.YCbCr, k yuv) *Planes {
	b := m.Rect
	p := New(b.Dx(), b.Dy())
	if b.Empty() {
		return p
	}
	h, v := subsampling(m.SubsampleRatio)
	columns := chromaTaps(b.Min.X, b.Max.X, h)
	rows := chromaTaps(b.Min.Y, b.Max.Y, v)
	unit := 1 / float32(4*h*v)
	chromaWidth := (b.Max.X-1)/h - b.Min.X/h + 1
	cb := make([]int32, chromaWidth)
	cr := make([]int32, chromaWidth)
	for y := range p.Height {
		t := rows[y]
		t.blendRows(cb, m.Cb, m.CStride)
		t.blendRows(cr, m.Cr, m.CStride)
		luma := m.Y[y*m.YStride:][:p.Width]
		at := y * p.Width
		red, green, blue := p.Pix[0][at:][:p.Width], p.Pix[1][at:][:p.Width], p.Pix[2][at:][:p.Width]
		for x, t := range columns {
			l := k.gain * (float32(luma[x]) - k.black)
			u := unit*float32(t.near*cb[t.i]+t.far*cb[t.j]) - 128
			w := unit*float32(t.near*cr[t.i]+t.far*cr[t.j]) - 128
			red[x] = level[nearest(l+k.redCr*w)]
			green[x] = level[nearest(l+k.greenCb*u+k.greenCr*w)]
			blue[x] = level[nearest(l+k.blueCb*u)]
		}
	}
	return p
}

// nearest returns the integer in [0, 255] nearest to v.
func nearest(v float32) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// subsampling returns how many luma samples share a chroma sample, across and down.
func subsampling(r image.YCbCrSubsampleRatio) (h, v int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// chromaTap says which two chroma samples a luma sample lies between, and in which proportion.
type chromaTap struct{ i, j, near, far int32 }

// chromaTaps returns the taps of the luma samples in [low, high) when each chroma sample serves n of them. Indices count from
// the chroma sample of low; near and far sum to 2n.
func chromaTaps(low, high, n int) []chromaTap {
	first, last := low/n, (high-1)/n
	taps := make([]chromaTap, high-low)
	for i := range taps {
		// Chroma sample c sits at luma position n·c + (n−1)/2; at is that of the luma sample, in units of 1/(2n) samples.
		at := 2*(low+i) + 1 - n
		c := (at+2*n)/(2*n) - 1
		far := at - 2*n*c
		taps[i] = chromaTap{int32(max(c, first) - first), int32(min(c+1, last) - first), int32(2*n - far), int32(far)}
	}
	return taps
}

// blendRows writes to dst the blend of the two rows of plane that t names.
func (t chromaTap) blendRows(dst []int32, plane []byte, stride int) {
	a, b := plane[int(t.i)*stride:], plane[int(t.j)*stride:]
	a, b = a[:len(dst)], b[:len(dst)]
	for x := range dst {
		dst[x] = t.near*int32(a[x]) + t.far*int32(b[x])
	}
}
