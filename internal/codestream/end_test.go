package codestream

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"ditas/internal/racetest"
	"ditas/picture"
)

// A stream that says where it ends gives the same picture whatever follows, of every prefix.
func TestEnd(t *testing.T) {
	racetest.Skip(t)
	for _, size := range [][2]int{{64, 64}, {40, 30}, {1, 1}, {64, 32}, {200, 200}} {
		p := picture.New(size[0], size[1])
		for c := range p.Pix {
			for i := range p.Pix[c] {
				p.Pix[c][i] = float32((i*i*(c+1)+i/7)%256) / 255
			}
		}
		whole, _, err := Encode(t.Context(), p, EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if end, isPicture := End(whole); end != 0 || !isPicture {
			t.Errorf("%v: a stream that does not say where it ends is said to at %d (a picture: %t)", size, end, isPicture)
		}
		for _, limit := range []int{LeastEnd, len(whole)/2 + LeastEnd, 2*len(whole) + LeastEnd} {
			stream, complete, err := Encode(t.Context(), p, EncodeOptions{Limit: limit, Ends: true})
			if err != nil || len(stream) != limit || size[0] > 1 && complete != (limit > len(whole)+LeastEnd) {
				t.Fatalf("%v: %d bytes of %d, complete %t: %v", size, len(stream), limit, complete, err)
			}
			if end, isPicture := End(stream); end != limit || !isPicture {
				t.Errorf("%v: ends at %d of %d (a picture: %t)", size, end, limit, isPicture)
			}
			followed := append(bytes.Clone(stream), bytes.Repeat([]byte{0xA5, 0x5A}, 500)...)
			for _, n := range []int{LeastEnd - 4, limit / 2, limit - 1, limit, limit + 1, len(followed)} {
				want, info, err := Decode(t.Context(), stream[:min(n, limit)], DecodeOptions{})
				if errors.Is(err, ErrShort) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				got, other, err := Decode(t.Context(), followed[:n], DecodeOptions{})
				if err != nil || other != info || info.End != limit {
					t.Fatalf("%v: %+v, %v with more behind it, %+v without", size, other, err, info)
				}
				for c := range got.Pix {
					if !slices.Equal(got.Pix[c], want.Pix[c]) {
						t.Fatalf("%v: %d of %d bytes give another picture with more behind them", size, n, limit)
					}
				}
				if info.Complete != (complete && n >= limit) && n >= limit {
					t.Errorf("%v: complete %t after %d of %d bytes", size, info.Complete, n, limit)
				}
			}
		}
	}
}

// A stream of no picture says so, and where it ends.
func TestNone(t *testing.T) {
	stream := append(None(), "anything"...)
	if end, isPicture := End(stream); end != LeastEnd || isPicture {
		t.Errorf("ends at %d, a picture: %t", end, isPicture)
	}
	if _, _, err := Decode(t.Context(), stream, DecodeOptions{}); !errors.Is(err, ErrNoPicture) {
		t.Errorf("decoded: %v", err)
	}
	if end, isPicture := End(stream[:2]); end != 0 || !isPicture {
		t.Errorf("of two bytes: ends at %d, a picture: %t", end, isPicture)
	}
	for _, limit := range []int{0, LeastEnd - 1} {
		if _, _, err := Encode(t.Context(), picture.New(8, 8), EncodeOptions{Limit: limit, Ends: true}); !errors.Is(err, ErrSize) {
			t.Errorf("a stream that ends after %d bytes: %v", limit, err)
		}
	}
}
