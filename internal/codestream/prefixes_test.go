package codestream

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"ditas/internal/codestream/internal/entropy"
	"ditas/internal/racetest"
	"ditas/picture"
)

// TestPrefixesEqualDecode decodes many prefixes in one go, which must give to the bit what decoding each of them alone does.
func TestPrefixesEqualDecode(t *testing.T) {
	racetest.Skip(t)
	for name, p := range map[string]*picture.Planes{
		"photo": photo(t).Resize(97, 61), "grey": grey(photo(t).Resize(31, 40)), "noise": noise(9, 8),
		"flat": made(300, 200, func(int, int, int) int { return 9 }),
	} {
		stream := encode(t, p)
		var lengths []int
		for n := 0; n < len(stream); n += 1 + n/7 {
			lengths = append(lengths, n)
		}
		lengths = append(lengths, len(stream)-1, len(stream)-1, len(stream), len(stream)+5, len(stream)+5)
		slices.Sort(lengths)
		shown := 0
		err := Prefixes(t.Context(), stream, lengths, DecodeOptions{}, func(i int, v *View) error {
			shown++
			want, wantInfo, err := Decode(t.Context(), stream[:min(lengths[i], len(stream))], DecodeOptions{})
			if err != nil {
				t.Fatalf("%s: %d bytes are shown: %v", name, lengths[i], err)
			}
			got, info, err := v.Picture(t.Context(), math.MaxInt)
			if err != nil {
				t.Fatal(err)
			}
			if info != wantInfo {
				t.Errorf("%s, %d bytes: info is %+v, want %+v", name, lengths[i], info, wantInfo)
			}
			if err := same(got, want); err != nil {
				t.Errorf("%s, %d bytes: %v", name, lengths[i], err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		short := 0
		for _, n := range lengths {
			if _, _, err := Decode(t.Context(), stream[:min(n, len(stream))], DecodeOptions{}); errors.Is(err, ErrShort) {
				short++
			}
		}
		if shown != len(lengths)-short {
			t.Errorf("%s: %d of %d prefixes are shown, and %d are short", name, shown, len(lengths), short)
		}
	}
}

func TestPrefixesRefuse(t *testing.T) {
	stream := encode(t, noise(30, 20))
	never := func(int, *View) error { t.Error("shown"); return nil }
	if err := Prefixes(t.Context(), stream, []int{5, 4}, DecodeOptions{}, never); err == nil {
		t.Error("takes lengths that fall")
	}
	if err := Prefixes(t.Context(), stream, []int{0, 1}, DecodeOptions{}, never); !errors.Is(err, ErrShort) {
		t.Errorf("error %v, want ErrShort", err)
	}
	if err := Prefixes(t.Context(), stream, nil, DecodeOptions{}, never); err != nil {
		t.Error(err)
	}
	stop := errors.New("stop")
	calls := 0
	err := Prefixes(t.Context(), stream, []int{100, 200, 300}, DecodeOptions{}, func(int, *View) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("error %v after %d calls, want that of the first", err, calls)
	}
}

// TestHalved compares halved pictures with what averaging the original makes of it.
func TestHalved(t *testing.T) {
	racetest.Skip(t)
	p := photo(t)
	stream := encode(t, p)
	err := Prefixes(t.Context(), stream, []int{len(stream) / 4, len(stream)}, DecodeOptions{}, func(_ int, v *View) error {
		for halvings := 1; halvings < 4; halvings++ {
			width, height := p.Width>>halvings, p.Height>>halvings
			got, info, err := v.Picture(t.Context(), width*height)
			if err != nil {
				return err
			}
			if got.Width != width || got.Height != height || info.Halvings != halvings || info.Width != p.Width {
				t.Errorf("%d×%d pixels, info %+v, want %d×%d", got.Width, got.Height, info, width, height)
			}
			// Low-pass samples stand where the first of each pair of pixels does, an average between the two: it is another filter.
			if d := psnr(got, p.Resize(width, height)); d < 20 {
				t.Errorf("halved %d times: %.1f dB from the average", halvings, d)
			}
		}
		one, _, err := v.Picture(t.Context(), 0)
		if err != nil || one.Width != 1 || one.Height != 1 {
			t.Errorf("the smallest picture has %d×%d pixels, error %v", one.Width, one.Height, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claim returns the header of a picture.
func claim(width, height int, grey bool) []byte {
	c := entropy.NewEncoder(0)
	header{width: width, height: height, grey: grey}.code(c)
	b, _ := c.Finish()
	return b
}

// TestClaims checks that a few bytes that claim a hundred megapixels take no memory for them, whatever follows.
func TestClaims(t *testing.T) {
	racetest.Skip(t)
	const side = 10000
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 10, 30, 100, 400, 10_000, 50_000} {
		for _, fill := range []func() byte{func() byte { return 0 }, func() byte { return 255 }, func() byte { return byte(rng.Uint32()) }} {
			b := claim(side, side, false)
			for range n {
				b = append(b, fill())
			}
			var before, after runtime.MemStats
			var p *picture.Planes
			var info Info
			runtime.ReadMemStats(&before)
			err := Prefixes(t.Context(), b, []int{len(b)}, DecodeOptions{}, func(_ int, v *View) (err error) {
				p, info, err = v.Picture(t.Context(), side*side)
				return err
			})
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				continue
			}
			if info.Width != side || p.Width<<info.Halvings < side {
				t.Errorf("%d bytes more: %d columns, info %+v", n, p.Width, info)
			}
			if p.Width*p.Height > Allowed(len(b)) || info.Complete {
				t.Errorf("%d bytes more: %d×%d pixels, info %+v", n, p.Width, p.Height, info)
			}
			const perPixel = 18 + 34 // to decode and to make a picture
			if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20+uint64(perPixel*Allowed(len(b))) {
				t.Errorf("%d bytes more: took %d MiB for %d×%d pixels", n, took>>20, p.Width, p.Height)
			}
		}
	}
}

// TestLargeFlat checks that a picture of which there is little to say comes back at its full size from what it takes to say that.
func TestLargeFlat(t *testing.T) {
	racetest.Skip(t)
	p := made(1100, 1000, func(c, _, _ int) int { return 60 * (c + 1) })
	p.Pix[1][765432] = 1
	stream := encode(t, p)
	if len(stream) > 4000 {
		t.Errorf("takes %d bytes", len(stream))
	}
	q, info, err := Decode(t.Context(), stream, DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := same(q, p); err != nil || !info.Complete {
		t.Errorf("%v, info %+v", err, info)
	}
}

// counting is a context that is cancelled once it has been asked a number of times.
type counting struct {
	context.Context
	asked, most int
}

func (c *counting) Err() error {
	if c.asked++; c.asked > c.most {
		return context.Canceled
	}
	return nil
}

// TestCancelled cancels at many of the places at which the context is asked, and checks that nothing goes on after that.
func TestCancelled(t *testing.T) {
	racetest.Skip(t)
	p := photo(t).Resize(24, 16)
	stream := encode(t, p)
	for _, do := range []func(ctx context.Context) error{
		func(ctx context.Context) error { _, _, err := Encode(ctx, p, EncodeOptions{}); return err },
		func(ctx context.Context) error {
			_, _, err := Decode(ctx, stream[:len(stream)/2], DecodeOptions{})
			return err
		},
	} {
		all := &counting{t.Context(), 0, math.MaxInt}
		if err := do(all); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < all.asked; n += 29 {
			ctx := &counting{t.Context(), 0, n}
			if err := do(ctx); !errors.Is(err, context.Canceled) || ctx.asked != n+1 {
				t.Fatalf("cancelled at %d of %d: error %v, and asked %d times", n, all.asked, err, ctx.asked)
			}
		}
	}
}

// TestProgress checks that progress begins at 0, rises and ends at its end.
func TestProgress(t *testing.T) {
	racetest.Skip(t)
	p := photo(t)
	stream := encode(t, p)
	for name, do := range map[string]func(report func(done, total int)) error{
		"encode": func(report func(done, total int)) error {
			_, _, err := Encode(t.Context(), p, EncodeOptions{Progress: report})
			return err
		},
		"encode to a limit": func(report func(done, total int)) error {
			_, _, err := Encode(t.Context(), p, EncodeOptions{Limit: 5000, Progress: report})
			return err
		},
		"decode": func(report func(done, total int)) error {
			_, _, err := Decode(t.Context(), stream, DecodeOptions{Progress: report})
			return err
		},
		"decode a prefix": func(report func(done, total int)) error {
			_, _, err := Decode(t.Context(), stream[:5000], DecodeOptions{Progress: report})
			return err
		},
	} {
		last, steps, ended := -1, 0, false
		err := do(func(done, total int) {
			if done <= last || done > total || last < 0 && done != 0 {
				t.Errorf("%s: %d of %d after %d", name, done, total, last)
			}
			last, ended = done, done == total
			steps++
		})
		if err != nil {
			t.Fatal(err)
		}
		if !ended || steps < 10 {
			t.Errorf("%s: %d steps up to %d", name, steps, last)
		}
	}
}
