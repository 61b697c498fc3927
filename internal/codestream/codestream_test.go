package codestream

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ditas/internal/racetest"
	"ditas/picture"
	measure "ditas/picture/quality"
)

var update = flag.Bool("update", false, "write the golden streams and the quality baseline anew")

func photo(t testing.TB) *picture.Planes {
	t.Helper()
	f, err := os.Open("../../cmd/ditas/demo/photo.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := picture.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// made returns a picture of 8-bit values.
func made(width, height int, value func(c, x, y int) int) *picture.Planes {
	p := picture.New(width, height)
	for c, plane := range p.Pix {
		for i := range plane {
			plane[i] = float32(value(c, i%width, i/width)) / 255
		}
	}
	return p
}

func noise(width, height int) *picture.Planes {
	rng := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	return made(width, height, func(int, int, int) int { return rng.IntN(256) })
}

func grey(p *picture.Planes) *picture.Planes {
	q := picture.New(p.Width, p.Height)
	for c := range q.Pix {
		copy(q.Pix[c], p.Pix[1])
	}
	return q
}

func same(a, b *picture.Planes) error {
	if a.Width != b.Width || a.Height != b.Height {
		return fmt.Errorf("size is %d×%d, want %d×%d", a.Width, a.Height, b.Width, b.Height)
	}
	for c, plane := range a.Pix {
		for i, v := range plane {
			if v != b.Pix[c][i] {
				return fmt.Errorf("channel %d of pixel %d is %g, want %g", c, i, v*255, b.Pix[c][i]*255)
			}
		}
	}
	return nil
}

func encode(t testing.TB, p *picture.Planes) []byte {
	t.Helper()
	stream, complete, err := Encode(t.Context(), p, EncodeOptions{Limit: 0})
	if err != nil || !complete {
		t.Fatalf("complete is %t, error %v", complete, err)
	}
	return stream
}

// checkerboard has the largest coefficients.
func checkerboard(c, x, y int) int { return 255 * ((x + y + c) & 1) }

func TestLossless(t *testing.T) {
	racetest.Skip(t)
	pictures := map[string]*picture.Planes{
		"flat":         made(40, 30, func(int, int, int) int { return 77 }),
		"black":        made(64, 64, func(int, int, int) int { return 0 }),
		"white":        made(5, 5, func(int, int, int) int { return 255 }),
		"red":          made(33, 31, func(c, _, _ int) int { return 255 * ((c + 1) & 1 & (2 - c) / 2) }),
		"checkerboard": made(65, 64, checkerboard),
		"columns":      made(64, 64, func(c, x, _ int) int { return 255 * ((x + c) & 1) }),
		"line":         made(300, 200, func(_, x, y int) int { return 255 * max(1-(x-y)*(x-y), 0) }),
		"photo":        photo(t),
		"thumbnail":    photo(t).Thumbnail(64),
	}
	for _, s := range [][2]int{
		{1, 1}, {1, 2}, {2, 1}, {1, 37}, {400, 1}, {2, 2}, {3, 5}, {4, 4}, {17, 16}, {64, 64}, {64, 63}, {513, 7}, {7, 300},
	} {
		pictures[fmt.Sprintf("noise of %d×%d", s[0], s[1])] = noise(s[0], s[1])
	}
	for name, p := range pictures {
		p.Round()
		for _, g := range []bool{false, true} {
			if g {
				p = grey(p)
			}
			stream := encode(t, p)
			for _, tail := range [][]byte{nil, {0, 0, 0, 0, 0, 0}, {255, 255, 255, 255, 255}} {
				q, info, err := Decode(t.Context(), append(stream[:len(stream):len(stream)], tail...), DecodeOptions{MaxPixels: 1 << 20})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := same(q, p); err != nil {
					t.Errorf("%s, %x after the stream: %v", name, tail, err)
				}
				want := Info{Width: p.Width, Height: p.Height, Grey: info.Grey || g, Complete: true}
				if info != want {
					t.Errorf("%s: info is %+v", name, info)
				}
			}
			if _, info, err := Decode(t.Context(), stream[:len(stream)-1], DecodeOptions{MaxPixels: 1 << 20}); err == nil && info.Complete {
				t.Errorf("%s: complete without its last byte", name)
			}
		}
	}
}

func TestSizeOfThumbnails(t *testing.T) {
	racetest.Skip(t)
	p := photo(t).Thumbnail(64)
	stream := encode(t, p)
	if bits := float64(8*len(stream)) / 4096; bits > 15 {
		t.Errorf("thumbnail takes %.2f bits a pixel, want at most 15", bits)
	}
	if n := len(encode(t, grey(p))); n*2 > len(stream) {
		t.Errorf("grey takes %d bytes, colour %d", n, len(stream))
	}
	if n := len(encode(t, made(64, 64, func(int, int, int) int { return 128 }))); n > 40 {
		t.Errorf("a flat picture takes %d bytes", n)
	}
}

func TestEncodeLimit(t *testing.T) {
	racetest.Skip(t)
	p := photo(t).Thumbnail(64)
	all := encode(t, p)
	for _, n := range []int{1, 2, 3, 50, 1000, len(all) - 1, len(all), len(all) + 1, 1 << 20} {
		got, complete, err := Encode(t.Context(), p, EncodeOptions{Limit: n})
		if err != nil {
			t.Fatal(err)
		}
		if want := all[:min(n, len(all))]; !bytes.Equal(got, want) {
			t.Errorf("limit %d: %d bytes that are not the first %d of the stream", n, len(got), len(want))
		}
		if complete != (n >= len(all)) {
			t.Errorf("limit %d of %d: complete is %t", n, len(all), complete)
		}
	}
}

func psnr(a, b *picture.Planes) float64 {
	var sum float64
	for c, plane := range a.Pix {
		for i, v := range plane {
			d := float64(v - b.Pix[c][i])
			sum += d * d
		}
	}
	return -10 * math.Log10(max(sum/float64(3*len(a.Pix[0])), 1e-10))
}

// TestPrefixes checks that a picture gets better with every few bytes.
func TestPrefixes(t *testing.T) {
	racetest.Skip(t)
	p := photo(t).Thumbnail(64)
	p.Round()
	stream := encode(t, p)
	best := 0.0
	for n := 1; n < len(stream); n += 1 + n/20 {
		q, info, err := Decode(t.Context(), stream[:n], DecodeOptions{MaxPixels: 1 << 20})
		if err != nil {
			if n < 2 && errors.Is(err, ErrShort) {
				continue
			}
			t.Fatalf("%d bytes: %v", n, err)
		}
		got := psnr(q, p)
		// The first bytes are about single coefficients, whose intervals shrink towards the far end now and then.
		if dip := 0.1 + 4/float64(n); got < best-dip {
			t.Errorf("%d bytes give %.2f dB, fewer gave %.2f", n, got, best)
		}
		best = max(best, got)
		e := info.Error
		expected := -10 * math.Log10(float64(3*e[0]*e[0]+0.5*e[1]*e[1]+0.75*e[2]*e[2])/3)
		if math.Abs(expected-got) > 6 {
			t.Errorf("%d bytes: info expects %.1f dB, and it is %.1f", n, expected, got)
		}
	}
}

// TestEveryPrefix checks that no prefix is refused, whatever follows where it was cut.
func TestEveryPrefix(t *testing.T) {
	racetest.Skip(t)
	p := photo(t).Thumbnail(20)
	stream := encode(t, p)
	for n := range stream {
		if _, _, err := Decode(t.Context(), stream[:n], DecodeOptions{MaxPixels: 400}); err != nil && (n > 4 || !errors.Is(err, ErrShort)) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// quality is the baseline: PSNR in dB by the length of the prefix.
type quality struct {
	Bytes    int     `json:"bytes"`
	PSNR     float64 `json:"psnr"`
	Complete bool    `json:"complete,omitempty"`
}

func TestQuality(t *testing.T) {
	racetest.Skip(t)
	const tolerated = 0.2 // dB
	path := filepath.Join("testdata", "quality.json")
	p := photo(t)
	thumbnail := p.Thumbnail(64)
	thumbnail.Round()
	got := map[string][]quality{}
	for name, p := range map[string]*picture.Planes{"photo": p, "thumbnail": thumbnail} {
		stream := encode(t, p)
		for _, bits := range []float64{0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4} {
			n := int(bits * float64(p.Width*p.Height) / 8)
			q, _, err := Decode(t.Context(), stream[:n], DecodeOptions{MaxPixels: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			got[name] = append(got[name], quality{n, math.Round(psnr(q, p)*100) / 100, false})
		}
		got[name] = append(got[name], quality{len(stream), 0, true})
	}
	if *update {
		write(t, path, got)
	}
	var want map[string][]quality
	read(t, path, &want)
	for name, all := range want {
		for i, w := range all {
			g := got[name][i]
			switch {
			case w.Complete && float64(g.Bytes) > 1.005*float64(w.Bytes):
				t.Errorf("%s takes %d bytes, the baseline %d", name, g.Bytes, w.Bytes)
			case !w.Complete && g.PSNR < w.PSNR-tolerated:
				t.Errorf("%s in %d bytes: %.2f dB, the baseline has %.2f", name, w.Bytes, g.PSNR, w.PSNR)
			}
		}
	}
}

func write(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestGolden pins the format: streams in testdata have to come out of Encode, and their pictures out of Decode, to the bit.
func TestGolden(t *testing.T) {
	racetest.Skip(t)
	for name, p := range map[string]*picture.Planes{
		"thumbnail": photo(t).Thumbnail(64),
		"grey":      grey(photo(t).Thumbnail(64)),
		"strip":     photo(t).Resize(61, 9),
		"noise":     noise(7, 12),
	} {
		p.Round()
		path := filepath.Join("testdata", name+".codestream")
		stream := encode(t, p)
		if *update {
			if err := os.WriteFile(path, stream, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stream, golden) {
			t.Errorf("%s: stream differs from %s", name, path)
		}
		q, _, err := Decode(t.Context(), golden, DecodeOptions{MaxPixels: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := same(q, p); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestGoldenPrefix pins what prefixes decode to.
func TestGoldenPrefix(t *testing.T) {
	racetest.Skip(t)
	golden, err := os.ReadFile(filepath.Join("testdata", "thumbnail.codestream"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{60, 600} {
		p, _, err := Decode(t.Context(), golden[:n], DecodeOptions{MaxPixels: 4096})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", fmt.Sprintf("thumbnail.%d.png", n))
		var file bytes.Buffer
		if err := p.Encode(&file, picture.PNG); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		q, err := picture.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := same(p, q); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestRounds checks that values between and beyond those of 8 bits are rounded, and NaN is black.
func TestRounds(t *testing.T) {
	racetest.Skip(t)
	p := picture.New(4, 3)
	for c, plane := range p.Pix {
		for i := range plane {
			plane[i] = float32(i-3)/6 + float32(c)/1000
		}
	}
	p.Pix[1][2] = float32(math.NaN())
	q, _, err := Decode(t.Context(), encode(t, p), DecodeOptions{MaxPixels: 12})
	if err != nil {
		t.Fatal(err)
	}
	p.Round()
	if err := same(q, p); err != nil {
		t.Error(err)
	}
}

func TestRefuses(t *testing.T) {
	for _, p := range []*picture.Planes{picture.New(0, 0), picture.New(0, 5), picture.New(1<<16, 1)} {
		if _, _, err := Encode(t.Context(), p, EncodeOptions{Limit: 0}); !errors.Is(err, ErrSize) {
			t.Errorf("%d×%d: error %v, want ErrSize", p.Width, p.Height, err)
		}
	}
	stream := encode(t, noise(30, 20))
	for n, want := range map[int]error{599: ErrSize, 600: nil, 0: nil, 1: ErrSize, -1: ErrSize} {
		if _, _, err := Decode(t.Context(), stream, DecodeOptions{MaxPixels: n}); !errors.Is(err, want) {
			t.Errorf("at most %d pixels: error %v, want %v", n, err, want)
		}
	}
	for _, b := range [][]byte{nil, {}, stream[:1]} {
		if _, _, err := Decode(t.Context(), b, DecodeOptions{MaxPixels: 1 << 20}); !errors.Is(err, ErrShort) {
			t.Errorf("%x: error %v, want ErrShort", b, err)
		}
	}
}

// FuzzDecode decodes anything: it has to give a picture of the size it says, or an error, and a prefix must not know more than
// the whole.
func FuzzDecode(f *testing.F) {
	for _, p := range []*picture.Planes{noise(3, 5), noise(64, 1), photo(f).Thumbnail(16), grey(photo(f).Thumbnail(8))} {
		stream := encode(f, p)
		f.Add(stream)
		f.Add(stream[:len(stream)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		const most = 4096
		p, info, err := Decode(t.Context(), b, DecodeOptions{MaxPixels: most})
		if err != nil {
			if !errors.Is(err, ErrShort) && !errors.Is(err, ErrSize) {
				t.Fatal(err)
			}
			return
		}
		if p.Width != info.Width || p.Height != info.Height || p.Width*p.Height > most || len(p.Pix[0]) != p.Width*p.Height {
			t.Fatalf("picture of %d×%d pixels, info %+v", p.Width, p.Height, info)
		}
		if info.Complete {
			q, again, err := Decode(t.Context(), append(b[:len(b):len(b)], 0x5a), DecodeOptions{MaxPixels: most})
			if err != nil || !again.Complete {
				t.Fatalf("one byte more: %+v, %v", again, err)
			}
			if err := same(p, q); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestEncodeShowsWhatPrefixesTell compares the pictures that are shown while encoding with those that prefixes a few bytes shorter and longer
// decode to.
func TestEncodeShowsWhatPrefixesTell(t *testing.T) {
	racetest.Skip(t)
	for name, p := range map[string]*picture.Planes{
		"photo": photo(t).Resize(97, 61), "grey": grey(photo(t).Resize(31, 40)), "noise": noise(9, 8),
		"flat": made(300, 200, func(int, int, int) int { return 9 }),
	} {
		stream := encode(t, p)
		for _, limit := range []int{0, 300} {
			var lengths []int
			shown := 0
			_, _, err := Encode(t.Context(), p, EncodeOptions{
				Limit: limit,
				Lengths: func(size int, complete bool) []int {
					if complete != (limit == 0 || size < limit) {
						t.Errorf("%s, at most %d bytes: complete is %t after %d", name, limit, complete, size)
					}
					for n := 8; n < size; n += 1 + n/7 {
						lengths = append(lengths, n)
					}
					lengths = append(lengths, size, size)
					return lengths
				},
				Show: func(i int, v *View) error {
					if i != shown {
						t.Errorf("%s: prefix %d is shown, want %d", name, i, shown)
					}
					shown++
					lost, err := v.Distance(t.Context(), p)
					if err != nil {
						return err
					}
					worst, best := 0.0, math.Inf(1)
					for n := max(2, lengths[i]-4); n <= min(lengths[i]+4, len(stream)); n++ {
						d := distance(t, decoded(t, stream[:n]), p)
						worst, best = max(worst, d), min(best, d)
					}
					if lost > 1.01*worst+1e-9 || lost < 0.99*best-1e-9 {
						t.Errorf("%s, %d bytes: mean square error %g, decoded it is %g to %g with four bytes more or less",
							name, lengths[i], lost, best, worst)
					}
					return nil
				},
			})
			if err != nil || shown != len(lengths) {
				t.Errorf("%s: %d of %d prefixes are shown: %v", name, shown, len(lengths), err)
			}
		}
	}
	wrong := errors.New("wrong")
	_, _, err := Encode(t.Context(), noise(9, 8), EncodeOptions{
		Lengths: func(int, bool) []int { return []int{5, 20} }, Show: func(int, *View) error { return wrong },
	})
	if !errors.Is(err, wrong) {
		t.Errorf("Encode returns %v, want what Show does", err)
	}
}

func decoded(t *testing.T, prefix []byte) *picture.Planes {
	p, _, err := Decode(t.Context(), prefix, DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// distance returns the mean square error.
func distance(t *testing.T, a, b *picture.Planes) float64 {
	mse, err := measure.MSE(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return mse
}
