package picture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDecodeHEIF compares pictures with what ffmpeg, zimg and avifdec make of them. The tolerance leaves room for another rounding, of grey.heic,
// deep.heic, deepalpha.heic, turned.avif and those in PQ for the compression, and of transparency for what is rounded twice.
func TestDecodeHEIF(t *testing.T) {
	for _, test := range []struct {
		name      string
		tolerance int
		losses    string
	}{
		{"420.heic", 1, ""}, {"422.heic", 1, ""}, {"444.heic", 1, ""}, {"grey.heic", 2, ""},
		{"alpha.heic", 3, lostTransparency}, {"deep.heic", 6, "10 bits a channel became 8"},
		{"deepgrey.heic", 1, "10 bits a channel became 8"}, {"deep420.heic", 1, "10 bits a channel became 8"}, {"deep422.heic", 1, "12 bits a channel became 8"},
		{"deepalpha.heic", 4, "10 bits a channel became 8; " + lostTransparency}, {"narrow.heic", 1, ""},
		{"444.avif", 1, ""}, {"420.avif", 1, ""}, {"grey.avif", 1, ""}, {"limited.avif", 1, ""}, {"grid.avif", 1, ""},
		{"alpha.avif", 2, lostTransparency}, {"deep.avif", 1, "10 bits a channel became 8"}, {"turned.avif", 12, ""},
		{"pq.heic", 4, "10 bits a channel became 8; its colours were converted from the profile BT.2020 PQ to sRGB"},
		{"pq.avif", 4, "10 bits a channel became 8; its colours were converted from the profile BT.2020 PQ to sRGB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() && test.name != "grid.avif" { // each takes the decoder's translation anew
				t.Skip("one in short tests")
			}
			p, err := Decode(bytes.NewReader(open(t, filepath.Join("heif", test.name))))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(p.Losses, "; "); got != test.losses {
				t.Errorf("says %q, want %q", got, test.losses)
			}
			readPPM(t, filepath.Join("heif", test.name+".ppm")).compare(t, p, test.tolerance)
		})
	}
}

// A telephone's picture is a grid of tiles, turned, in Display P3.
func TestDecodeHEIFGrid(t *testing.T) {
	p, err := Decode(bytes.NewReader(open(t, "heif/grid.heic")))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Losses) != 1 || !strings.Contains(p.Losses[0], "converted from the profile Display P3") {
		t.Errorf("says %q", p.Losses)
	}
	want := readPPM(t, "heif/grid.heic.ppm")
	q := New(want.width, want.height)
	for i, v := range want.rgb {
		q.Pix[i%3][i/3] = level[v]
	}
	q.manage(codedProfile("nclx", codeP3, codeSRGBCurve))
	q.Round()
	m := q.Image()
	for i := range want.rgb {
		want.rgb[i] = m.Pix[i/3*4+i%3]
	}
	want.compare(t, p, 8) // where the curve is steep, a rounded value is some others
}

// What else is in a file is said, and how large the picture is where its coded size is not even.
func TestHEIFLosses(t *testing.T) {
	for name, want := range map[string]string{
		"three.heic": "only the main one of its 3 pictures was read", "animated.avif": "only the first of its 3 frames was read",
		"p3.avif": "its colours were converted from the profile Display P3 to sRGB", "odd.heic": "",
	} {
		if testing.Short() && strings.HasSuffix(name, ".avif") {
			continue
		}
		p, err := Decode(bytes.NewReader(open(t, filepath.Join("heif", name))))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := strings.Join(p.Losses, "; "); got != want {
			t.Errorf("%s: says %q, want %q", name, got, want)
		}
		if name == "odd.heic" && (p.Width != 37 || p.Height != 26) {
			t.Errorf("%s: %d×%d", name, p.Width, p.Height)
		}
	}
}

// Files that are cut, damaged or too large are refused, whatever a decoder makes of them.
func TestHEIFRefuses(t *testing.T) {
	for _, name := range []string{"420.heic", "grid.heic", "444.avif"} {
		if testing.Short() && name != "grid.heic" {
			continue
		}
		data := open(t, filepath.Join("heif", name))
		for _, n := range []int{len(data) - 1, len(data) * 2 / 3, 40} {
			if _, err := Decode(bytes.NewReader(data[:n])); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut to %d of %d bytes: %v", name, n, len(data), err)
			}
		}
		if _, err := DecodeContext(t.Context(), bytes.NewReader(data), 1000); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want that it is too large", name, err)
		}
	}
	// A size that the file is too small for.
	data := open(t, "heif/444.avif")
	size := bytes.Index(data, []byte("ispe")) + 8
	for _, forged := range []string{"\x00\x00\x20\x00\x00\x00\x20\x00"} {
		bad := bytes.Clone(data)
		copy(bad[size:], forged)
		if p, err := Decode(bytes.NewReader(bad)); err == nil {
			t.Errorf("forged size: a picture of %d×%d", p.Width, p.Height)
		}
	}
	_, err := Decode(strings.NewReader("\x00\x00\x00\x14ftypheic\x00\x00\x00\x00heic\x00\x00\x00\x08meta"))
	if err == nil || !strings.Contains(err.Error(), "save it as PNG") {
		t.Error(err)
	}
}

// Colours by ITU-R BT.709 and BT.2020 in studio range: white, and the primary colours at full strength as the formulas of both give them.
func TestCoefficients(t *testing.T) {
	for _, test := range []struct {
		matrix       int
		y, cb, cr    uint8
		red, grn, bl uint8
	}{
		{1, 235, 128, 128, 255, 255, 255}, {1, 63, 102, 240, 255, 0, 0}, {1, 32, 240, 118, 0, 0, 255},
		{9, 74, 97, 240, 255, 0, 0}, {6, 81, 90, 240, 255, 0, 0}, {2, 145, 54, 34, 0, 255, 0},
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio444)
		m.Y[0], m.Cb[0], m.Cr[0] = test.y, test.cb, test.cr
		got := fromYCbCr(m, coefficients(test.matrix, false)).Image().Pix
		for c, want := range []uint8{test.red, test.grn, test.bl} {
			if max(got[c], want)-min(got[c], want) > 2 {
				t.Errorf("matrix %d: %v becomes %v", test.matrix, []uint8{test.y, test.cb, test.cr}, got[:3])
				break
			}
		}
	}
}

// A decoder ends with the context, soon and with its error. In the worst case it had not yet begun.
func TestHEIFStops(t *testing.T) {
	data := open(t, "heif/grid.heic")
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := DecodeContext(ctx, bytes.NewReader(data), MaxPixels); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A tile that is much larger than its picture is refused before it is decoded.
func TestHEIFLargeTile(t *testing.T) {
	data := bytes.Clone(open(t, "heif/grid.heic"))
	grid := bytes.Index(data, []byte("idat")) + 4
	copy(data[grid:], "\x00\x00\x01\x01\x00\x64\x00\x5a")
	size := bytes.Index(data, []byte("ispe")) + 8 // of the tiles
	copy(data[size:], "\x00\x00\x00\x40\x00\x00\xff\xff")
	if _, err := Decode(bytes.NewReader(data)); err == nil {
		t.Error("rows of tiles beyond the picture were decoded")
	}
	copy(data[size:], "\x00\x00\x00\x63\x00\x00\x00\x59") // the sequence parameter set says 64×64
	if _, err := Decode(bytes.NewReader(data)); err == nil {
		t.Error("tiles of a forged size were decoded")
	}
}
