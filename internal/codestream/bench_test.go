package codestream

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"ditas/picture"
)

// benchmarkSizes are those of a small picture, of a screen's and of a camera's, with the bytes that three minutes of music have
// room for.
var benchmarkSizes = []struct{ width, height, bytes int }{
	{256, 192, 0}, {1024, 768, 700_000}, {4032, 3024, 2_000_000},
}

// camera returns a picture that is as hard to code as a photograph of its size: the demonstration's photograph scaled up, with
// grain of its own at every octave that the scaling leaves empty.
func camera(t testing.TB, width, height int) *picture.Planes {
	p := photo(t).Resize(width, height)
	rng := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	strength := float32(0.03)
	for side := 192 * 2; side < 2*width; side *= 2 {
		w, h := min(side, width), min(side*height/width, height)
		grain := picture.New(w, h)
		for i := range grain.Pix[0] {
			v := strength * float32(rng.NormFloat64())
			for c := range grain.Pix {
				grain.Pix[c][i] = 0.5 + v + 0.2*strength*float32(rng.NormFloat64())
			}
		}
		grain = grain.Resize(width, height)
		for c, plane := range p.Pix {
			for i, v := range grain.Pix[c] {
				plane[i] = min(max(plane[i]+v-0.5, 0), 1)
			}
		}
		strength *= 0.6
	}
	p.Round()
	return p
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range benchmarkSizes {
		b.Run(fmt.Sprintf("%dx%d", s.width, s.height), func(b *testing.B) {
			p := camera(b, s.width, s.height)
			b.SetBytes(3 * int64(s.width) * int64(s.height))
			b.ReportAllocs()
			for b.Loop() {
				stream, _, err := Encode(b.Context(), p, EncodeOptions{Limit: s.bytes})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(stream)), "bytes")
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range benchmarkSizes {
		b.Run(fmt.Sprintf("%dx%d", s.width, s.height), func(b *testing.B) {
			stream, _, err := Encode(b.Context(), camera(b, s.width, s.height), EncodeOptions{Limit: s.bytes})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(3 * int64(s.width) * int64(s.height))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Decode(b.Context(), stream, DecodeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPrefixes makes the pictures of four stages, as hiding does for its report and revealing while it shows what arrives.
func BenchmarkPrefixes(b *testing.B) {
	for _, s := range benchmarkSizes {
		b.Run(fmt.Sprintf("%dx%d", s.width, s.height), func(b *testing.B) {
			stream, _, err := Encode(b.Context(), camera(b, s.width, s.height), EncodeOptions{Limit: s.bytes})
			if err != nil {
				b.Fatal(err)
			}
			n := len(stream)
			b.SetBytes(3 * int64(s.width) * int64(s.height))
			b.ReportAllocs()
			for b.Loop() {
				err := Prefixes(b.Context(), stream, []int{n / 200, n / 20, n / 3, n}, DecodeOptions{}, func(_ int, v *View) error {
					_, _, err := v.Picture(b.Context(), v.Width*v.Height)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
