package picture

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// random returns a picture of independent values in [0, 1).
func random(seed uint64, width, height int) *Planes {
	r := rand.New(rand.NewPCG(seed, 0))
	p := New(width, height)
	for _, plane := range p.Pix {
		for i := range plane {
			plane[i] = r.Float32()
		}
	}
	return p
}

func equal(t *testing.T, got, want *Planes) {
	t.Helper()
	if got.Width != want.Width || got.Height != want.Height {
		t.Fatalf("size %d×%d, want %d×%d", got.Width, got.Height, want.Width, want.Height)
	}
	for c, plane := range want.Pix {
		for i, v := range plane {
			if got.Pix[c][i] != v {
				t.Fatalf("channel %d at (%d, %d): %v, want %v", c, i%want.Width, i/want.Width, got.Pix[c][i], v)
			}
		}
	}
}

func TestEightBitsSurvive(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 256, 1))
	for v := range 256 {
		m.SetRGBA(v, 0, color.RGBA{uint8(v), uint8(255 - v), uint8(v ^ 85), 255})
	}
	p := FromImage(m)
	if got := p.Image(); !bytes.Equal(got.Pix, m.Pix) {
		t.Error("an 8-bit picture changes on its way through Planes")
	}
	q := FromImage(p.Image())
	equal(t, q, p)
	q.Round()
	equal(t, q, p)
}

func TestImageRoundsAndClamps(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, test := range []struct {
		v    float32
		want uint8
	}{{0, 0}, {1, 255}, {-0.1, 0}, {1.1, 255}, {-inf, 0}, {inf, 255}, {nan, 0},
		{0.49 / 255, 0}, {0.51 / 255, 1}, {127.49 / 255, 127}, {127.51 / 255, 128}, {254.51 / 255, 255}} {
		p := New(1, 1)
		p.Pix[1][0] = test.v
		if c := p.Image().RGBAAt(0, 0); c != (color.RGBA{0, test.want, 0, 255}) {
			t.Errorf("%v: %v, want %d in green", test.v, c, test.want)
		}
		p.Round()
		if p.Pix[1][0] != float32(test.want)/255 {
			t.Errorf("%v rounds to %v, want %d/255", test.v, p.Pix[1][0], test.want)
		}
	}
}

// All kinds of images give the values of their pixels, whatever way they are converted and wherever they begin.
func TestFromImageSubImages(t *testing.T) {
	whole := image.Rect(0, 0, 9, 7)
	part := image.Rect(3, 2, 8, 6)
	nrgba, rgba, grey := image.NewNRGBA(whole), image.NewRGBA(whole), image.NewGray16(whole)
	full := image.NewYCbCr(whole, image.YCbCrSubsampleRatio444)
	for i := range nrgba.Pix {
		nrgba.Pix[i] = uint8(i*37) | 3*uint8(i%4/3*85)
		rgba.Pix[i] = uint8(i*53) | 3*uint8(i%4/3*85)
	}
	for i := range grey.Pix {
		grey.Pix[i] = uint8(i * 91)
	}
	for i := range full.Y {
		full.Y[i], full.Cb[i], full.Cr[i] = uint8(i*5), uint8(128+i%7), uint8(128-i%5)
	}
	for name, m := range map[string]image.Image{"NRGBA": nrgba.SubImage(part), "RGBA": rgba.SubImage(part),
		"Gray16": grey.SubImage(part), "YCbCr": full.SubImage(part)} {
		p := FromImage(m)
		if p.Width != 5 || p.Height != 4 {
			t.Fatalf("%s: size %d×%d", name, p.Width, p.Height)
		}
		for y := range 4 {
			for x := range 5 {
				r, g, b, _ := m.At(3+x, 2+y).RGBA()
				for c, want := range []uint32{r, g, b} {
					if got := p.Pix[c][y*5+x]; math.Abs(float64(got)-float64(want)/65535) > 0.6/255 {
						t.Errorf("%s: channel %d at (%d, %d): %v, want %v", name, c, x, y, got, float64(want)/65535)
					}
				}
			}
		}
	}
}

// Chroma is interpolated on the picture's own grid, so that a part of a picture looks the same as in the whole.
func TestFromImageChromaOfParts(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio410} {
		m := image.NewYCbCr(image.Rect(0, 0, 24, 20), ratio)
		for i := range m.Y {
			m.Y[i] = 128
		}
		for i := range m.Cb {
			m.Cb[i], m.Cr[i] = uint8(100+7*i), uint8(150-5*i)
		}
		whole := FromImage(m)
		part := FromImage(m.SubImage(image.Rect(5, 3, 20, 18)))
		// The outermost pixels lack neighbours that the whole has.
		for y := 4; y < 11; y++ {
			for x := 4; x < 11; x++ {
				if got, want := part.Pix[2][y*15+x], whole.Pix[2][(y+3)*24+x+5]; got != want {
					t.Fatalf("%v at (%d, %d): %v, want %v", ratio, x, y, got, want)
				}
			}
		}
	}
}

// Shrinking must equal the mean over blocks of a picture blown up so far that the blocks are whole.
func TestResizeAveragesAreas(t *testing.T) {
	for _, size := range [][4]int{{64, 64, 16, 16}, {7, 5, 3, 2}, {10, 9, 9, 10 - 2}, {5, 5, 1, 1}, {13, 1, 5, 1}, {6, 6, 6, 4}} {
		w, h, nw, nh := size[0], size[1], size[2], size[3]
		p := random(1, w, h)
		q := p.Resize(nw, nh)
		for c := range q.Pix {
			for y := range nh {
				for x := range nw {
					var sum float64
					for v := range h {
						for u := range w {
							sum += float64(p.Pix[c][(y*h+v)/nh*w+(x*w+u)/nw])
						}
					}
					if got, want := float64(q.Pix[c][y*nw+x]), sum/float64(w*h); math.Abs(got-want) > 1e-6 {
						t.Errorf("%v: (%d, %d) is %v, want %v", size, x, y, got, want)
					}
				}
			}
		}
	}
}

func TestResizeEnlarges(t *testing.T) {
	var fixture struct {
		Width, Height int
		Values        []float32
		Enlarged      []struct {
			Width, Height int
			Values        []float32
		}
	}
	if err := json.Unmarshal(open(t, "enlarge.json"), &fixture); err != nil {
		t.Fatal(err)
	}
	p := New(fixture.Width, fixture.Height)
	copy(p.Pix[0], fixture.Values)
	for i, v := range fixture.Values {
		p.Pix[1][i] = 1 - v
		p.Pix[2][i] = float32(i % 2) // overshoots
	}
	for _, want := range fixture.Enlarged {
		q := p.Resize(want.Width, want.Height)
		for i, v := range want.Values {
			v = min(max(v, 0), 1)
			if math.Abs(float64(q.Pix[0][i]-v)) > 3e-6 || math.Abs(float64(q.Pix[1][i]-(1-v))) > 3e-6 {
				t.Fatalf("%d×%d: value %d is %v, want %v", want.Width, want.Height, i, q.Pix[0][i], v)
			}
			if v := q.Pix[2][i]; v < 0 || v > 1 {
				t.Fatalf("value %v outside the range", v)
			}
		}
	}
	equal(t, p.Resize(p.Width, p.Height), p)
}

func TestFit(t *testing.T) {
	for _, test := range [][6]int{{400, 300, 100, 100, 100, 75}, {300, 400, 100, 100, 75, 100}, {100, 10, 50, 50, 50, 5},
		{1000, 2, 10, 10, 10, 1}, {40, 30, 40, 20, 27, 20}} {
		q := New(test[0], test[1]).Fit(test[2], test[3])
		if q.Width != test[4] || q.Height != test[5] {
			t.Errorf("%v: got %d×%d", test, q.Width, q.Height)
		}
	}
	p := random(2, 20, 10)
	if p.Fit(20, 10) != p || p.Fit(100, 100) != p {
		t.Error("a picture that fits is changed")
	}
}

func TestThumbnail(t *testing.T) {
	// A black picture with a white square in its middle: all of the thumbnail, and nothing but it.
	for _, size := range [][2]int{{300, 200}, {201, 300}, {130, 128}, {40, 30}, {64, 64}} {
		p := New(size[0], size[1])
		n := min(size[0], size[1])
		left, top := (size[0]-n)/2, (size[1]-n)/2
		for _, plane := range p.Pix {
			for i := range plane {
				if x, y := i%size[0]-left, i/size[0]-top; x >= 0 && x < n && y >= 0 && y < n {
					plane[i] = 1
				}
			}
		}
		q := p.Thumbnail(64)
		if q.Width != 64 || q.Height != 64 {
			t.Fatalf("%v: %d×%d", size, q.Width, q.Height)
		}
		for _, plane := range q.Pix {
			for _, v := range plane {
				if math.Abs(float64(v)-1) > 1e-6 {
					t.Fatalf("%v: value %v", size, v)
				}
			}
		}
	}
}

func TestTiles(t *testing.T) {
	for _, size := range [][2]int{{64, 64}, {128, 64}, {65, 64}, {64, 65}, {130, 70}, {1, 1}, {7, 200}} {
		p := random(3, size[0], size[1])
		tiles := p.Tiles(64)
		columns := (size[0] + 63) / 64
		for n, tile := range tiles {
			left, top := n%columns*64, n/columns*64
			for c := range tile.Pix {
				for i, v := range tile.Pix[c] {
					x, y := min(left+i%64, size[0]-1), min(top+i/64, size[1]-1)
					if want := p.Pix[c][y*size[0]+x]; v != want {
						t.Fatalf("%v: tile %d, value %d: %v, want %v", size, n, i, v, want)
					}
				}
			}
		}
		q, err := Join(tiles, size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		equal(t, q, p)
	}
}

func TestJoinRefuses(t *testing.T) {
	tiles := New(130, 70).Tiles(64)
	for _, test := range []struct {
		tiles         []*Planes
		width, height int
	}{
		{tiles[:5], 130, 70}, {tiles, 128, 70}, {tiles, 130, 64}, {tiles, -1, 70}, {tiles, 0, 0}, {nil, 1, 1}, {tiles, math.MaxInt, math.MaxInt},
		{[]*Planes{tiles[0], New(64, 32)}, 128, 64}, {[]*Planes{New(0, 0)}, 1, 1},
	} {
		if _, err := Join(test.tiles, test.width, test.height); err == nil {
			t.Errorf("%d tiles make %d×%d pixels", len(test.tiles), test.width, test.height)
		}
	}
}

func TestEncode(t *testing.T) {
	p := random(4, 31, 17)
	p.Round()
	smooth := random(5, 4, 3).Resize(31, 17)
	for _, f := range []Format{PNG, BMP, TIFF} {
		var file bytes.Buffer
		if err := p.Encode(&file, f); err != nil {
			t.Fatal(err)
		}
		q, err := Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, q, p)
	}
	var file bytes.Buffer
	if err := smooth.Encode(&file, JPEG); err != nil {
		t.Fatal(err)
	}
	q, err := Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	for c, plane := range smooth.Pix {
		for i, v := range plane {
			if d := math.Abs(float64(q.Pix[c][i] - v)); d > 20.0/255 {
				t.Fatalf("JPEG: value %d is off by %v", i, d)
			}
		}
	}
	if err := p.Encode(&file, Format(99)); err == nil {
		t.Error("wrote a format that does not exist")
	}
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]Format{"a.png": PNG, "b/c.JPG": JPEG, "x.y.jpeg": JPEG,
		"a.bmp": BMP, "A.TIF": TIFF, "a.tiff": TIFF} {
		if f, err := FormatOf(path); err != nil || f != want {
			t.Errorf("%s: %v, %v", path, f, err)
		}
	}
	for _, path := range []string{"a", "a.gif", "png", "a.png/b"} {
		if _, err := FormatOf(path); err == nil {
			t.Errorf("%s is accepted", path)
		}
	}
}

func BenchmarkThumbnail(b *testing.B) {
	p := random(6, 1500, 1000)
	b.SetBytes(1500 * 1000 * 3)
	b.ReportAllocs()
	for b.Loop() {
		p.Thumbnail(64)
	}
}

func BenchmarkResizeUp(b *testing.B) {
	p := random(7, 300, 200)
	b.SetBytes(1500 * 1000 * 3)
	for b.Loop() {
		p.Resize(1500, 1000)
	}
}
