package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// ppm is an 8-bit picture as testdata/make.py writes it.
type ppm struct {
	width, height int
	rgb           []byte
}

func readPPM(t *testing.T, name string) ppm {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var p ppm
	if _, err := fmt.Sscanf(string(data), "P6 %d %d 255", &p.width, &p.height); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p.rgb = data[len(data)-3*p.width*p.height:]
	return p
}

// compare fails t unless p, in 8 bits, is within tolerance of want everywhere.
func (want ppm) compare(t *testing.T, p *Planes, tolerance int) {
	t.Helper()
	if p.Width != want.width || p.Height != want.height {
		t.Fatalf("size %d×%d, want %d×%d", p.Width, p.Height, want.width, want.height)
	}
	m := p.Image()
	worst := 0
	for y := range p.Height {
		for x := range p.Width {
			for c := range 3 {
				got, w := int(m.Pix[m.PixOffset(x, y)+c]), int(want.rgb[3*(y*p.Width+x)+c])
				if d := max(got-w, w-got); d > worst {
					worst = d
					if d > tolerance {
						t.Errorf("channel %d at (%d, %d): %d, want %d", c, x, y, got, w)
					}
				}
			}
		}
	}
}

func open(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDecode compares every format with what Pillow reads. The tolerance of lossy formats leaves room for another inverse
// transform and another rounding of interpolated chroma; that of palette.tif for Pillow, which writes 16-bit palettes a little
// dark.
func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name      string
		tolerance int
	}{
		{"rgb.png", 0}, {"grey.png", 0}, {"palette.png", 0}, {"bilevel.png", 0}, {"interlaced.png", 0},
		{"rgba.png", 1}, {"greyalpha.png", 1}, {"transparent.png", 0}, {"deep.png", 0}, {"deepgrey.png", 0},
		{"444.jpg", 2}, {"422.jpg", 3}, {"420.jpg", 3}, {"440.jpg", 3}, {"411.jpg", 3}, {"progressive.jpg", 3},
		{"grey.jpg", 1}, {"cmyk.jpg", 2}, {"rgb.jpg", 1},
		{"still.gif", 0}, {"partial.gif", 0},
		{"lossy.webp", 1}, {"lossyalpha.webp", 1}, {"lossless.webp", 0}, {"losslessalpha.webp", 1},
		{"24.bmp", 0}, {"8.bmp", 0}, {"1.bmp", 0},
		{"raw.tif", 0}, {"lzw.tif", 0}, {"deflate.tif", 0}, {"packbits.tif", 0}, {"grey.tif", 0}, {"palette.tif", 1},
		{"alpha.tif", 1}, {"fax.tif", 0}, {"bigendian.tif", 0}, {"tiled.tif", 0}, {"deep.tif", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Decode(iotest.HalfReader(bytes.NewReader(open(t, test.name))))
			if err != nil {
				t.Fatal(err)
			}
			readPPM(t, test.name+".ppm").compare(t, p, test.tolerance)
		})
	}
}

func TestDecodeKeeps16Bits(t *testing.T) {
	p, err := Decode(bytes.NewReader(open(t, "deep.png")))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Pix[0][2*p.Width+5], float32(5*1771+2)/65535; got != want {
		t.Errorf("red at (5, 2): %v, want %v", got, want)
	}
}

func TestDecodeTurnsUpright(t *testing.T) {
	want := readPPM(t, "upright.ppm")
	names, err := filepath.Glob("testdata/orientation*")
	if err != nil || len(names) != 20 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			p, err := Decode(bytes.NewReader(open(t, filepath.Base(name))))
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 0
			if strings.HasSuffix(name, ".jpg") {
				tolerance = 4 // of the JPEG's own
			}
			want.compare(t, p, tolerance)
		})
	}
}

// An opaque 8-bit file gives values that Round leaves alone, whatever its compression.
func TestDecodeGivesEightBitValues(t *testing.T) {
	for _, name := range []string{"rgb.png", "420.jpg", "cmyk.jpg", "lossy.webp", "still.gif", "24.bmp", "raw.tif"} {
		p, err := Decode(bytes.NewReader(open(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		q := p.Resize(p.Width, p.Height)
		q.Round()
		equal(t, q, p)
	}
}

func TestDecodeTruncated(t *testing.T) {
	for _, name := range []string{"rgb.png", "420.jpg", "progressive.jpg", "still.gif", "lossy.webp", "lossyalpha.webp",
		"lossless.webp", "24.bmp", "raw.tif", "lzw.tif"} {
		data := open(t, name)
		for _, n := range []int{len(data) * 2 / 3, 32, 20} {
			if _, err := Decode(bytes.NewReader(data[:n])); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut to %d of %d bytes: %v", name, n, len(data), err)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	damaged := bytes.Clone(open(t, "rgb.png"))
	damaged[len(damaged)/2] ^= 1
	empty := bytes.Clone(open(t, "24.bmp"))
	clear(empty[18:26])
	for _, test := range []struct {
		name, data string
		is         error
		says       string
	}{
		{"nothing", "", ErrFormat, "not a picture (PNG, JPEG, GIF, WebP, HEIC, AVIF, BMP or TIFF)"},
		{"text", "BMW makes cars, and motorcycles, and more.", ErrFormat, "not a picture"},
		{"WAV", "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00", ErrFormat, "not a picture"},
		{"damaged", string(damaged), nil, "reading PNG: the picture file is damaged, or of a rare kind; open the picture in another program and save it as PNG"},
		{"empty", string(empty), nil, "the BMP picture is empty: its size is 0×0"},
		{"large", hugePNG, ErrTooLarge, "the picture is too large: 20000×20000 is more than 100 megapixels"},
	} {
		_, err := Decode(strings.NewReader(test.data))
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %q, want %v saying %q", test.name, err, test.is, test.says)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := Decode(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("reader that fails: %v", err)
	}
}

// hugePNG is the beginning of a PNG file that promises 400 megapixels.
var hugePNG = func() string {
	ihdr := binary.BigEndian.AppendUint32([]byte("IHDR"), 20000)
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, 20000), 8, 2, 0, 0, 0)
	s := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return string(binary.BigEndian.AppendUint32(s, crc32.ChecksumIEEE(ihdr)))
}()

func TestDecodeLimit(t *testing.T) {
	data := open(t, "rgb.png") // 37×26
	if _, err := DecodeContext(t.Context(), bytes.NewReader(data), 37*26); err != nil {
		t.Error(err)
	}
	if _, err := DecodeContext(t.Context(), bytes.NewReader(data), 37*26-1); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	endless := io.MultiReader(bytes.NewReader(data), zeros{})
	if _, err := DecodeContext(t.Context(), endless, 37*26); !errors.Is(err, ErrTooLarge) {
		t.Errorf("file without end: %v", err)
	}
}

// zeros is a reader without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestOrientationIgnoresNonsense(t *testing.T) {
	good := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00")
	if o := orientation(good); o != 6 {
		t.Fatalf("orientation %d, want 6", o)
	}
	for n := range good {
		if o := orientation(good[:n]); o != 1 {
			t.Errorf("cut to %d bytes: orientation %d", n, o)
		}
	}
	for at, b := range map[int]byte{0: 'X', 4: 0xff, 8: 0, 13: 4, 17: 2, 18: 1, 19: 9} {
		bad := bytes.Clone(good)
		bad[at] = b
		if at == 8 {
			bad[9] = 0
		}
		if o := orientation(bad); o != 1 {
			t.Errorf("byte %d set to %d: orientation %d", at, b, o)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"transparent.png", "orientation6.png", "420.jpg", "progressive.jpg", "cmyk.jpg", "partial.gif",
		"lossyalpha.webp", "orientation6.webp", "8.bmp", "lzw.tif", "orientation6.tif"} {
		f.Add(open(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeContext(t.Context(), bytes.NewReader(data), 1<<16)
		if err != nil {
			return
		}
		if p.Width < 1 || p.Height < 1 || p.Width*p.Height > 1<<16 {
			t.Fatalf("size %d×%d", p.Width, p.Height)
		}
		for _, plane := range p.Pix {
			if len(plane) != p.Width*p.Height {
				t.Fatalf("%d values for %d×%d", len(plane), p.Width, p.Height)
			}
			for _, v := range plane {
				if !(v >= 0 && v <= 1) {
					t.Fatalf("value %v", v)
				}
			}
		}
	})
}

func FuzzExif(f *testing.F) {
	for _, name := range []string{"orientation6.jpg", "orientation5.png", "orientation3.webp", "orientation6.tif"} {
		f.Add(open(f, name))
	}
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, find := range []func([]byte) []byte{jpegExif, pngExif, webpExif, func(b []byte) []byte { return b }} {
			if o := orientation(find(data)); o < 1 || o > 8 {
				t.Fatalf("orientation %d", o)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	photo := New(1500, 1000)
	for i := range photo.Pix[0] {
		x, y := i%1500, i/1500
		photo.Pix[0][i], photo.Pix[1][i], photo.Pix[2][i] = float32(x)/1500, float32(y)/1000, float32((x*x+y*y)&511)/511
	}
	for name, format := range map[string]Format{"PNG": PNG, "JPEG": JPEG} {
		var file bytes.Buffer
		if err := photo.Encode(&file, format); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(1500 * 1000 * 3)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(bytes.NewReader(file.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
