package stream

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"ditas/internal/carrier"
	"ditas/internal/codestream"
	"ditas/internal/keystream"
	"ditas/picture"
	"ditas/report"
)

// forgetful is a cover with plenty of room that gives back less than it is given, until little is asked of it. It tries twice each time.
type forgetful struct{ keeps int }

func (f forgetful) Room(carrier.Strength) carrier.Room { return carrier.Room{Bytes: 1 << 20} }

func (f forgetful) Divide(_ carrier.Strength, size int) []int { return []int{size} }

func (f forgetful) Embed(
	_ context.Context, _ io.Writer, _ carrier.Strength, payload []byte, _ keystream.Key, _ io.Reader, o carrier.Options,
) (*carrier.Report, error) {
	for range 2 {
		for done := range 11 {
			o.Progress(report.Embedding, done, 10)
		}
		if len(payload) <= f.keeps {
			return &carrier.Report{Payload: payload, Stages: []carrier.Protection{{Bytes: len(payload)}}}, nil
		}
	}
	return nil, &carrier.LostError{Arrived: len(payload) - 1, Size: len(payload)}
}

// However often hiding begins again, progress moves with each try, never falls, and ends at its total.
func TestProgressOfTries(t *testing.T) {
	p := picture.New(40, 40)
	for i := range p.Pix[0] {
		p.Pix[i%3][i] = float32(i*i%101) / 100
	}
	for _, keeps := range []int{1 << 20, 4000, 2000} {
		var seen []int
		last, end := 0, 0
		_, err := (&survey{"forgetful", forgetful{keeps}}).Hide(t.Context(), io.Discard, p, carrier.HideOptions{
			Options: carrier.Options{Workers: 1, Progress: func(phase report.Phase, done, total int) {
				if phase == report.Embedding {
					seen = append(seen, done)
					last, end = done, total
				}
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(seen) || last != end {
			t.Errorf("keeps %d bytes: progress %v of %d", keeps, seen, end)
		}
		if keeps < 1<<20 && len(seen) < 40 {
			t.Errorf("keeps %d bytes: only %d reports: hiding did not begin again", keeps, len(seen))
		}
		for i := 11; i < len(seen); i += 11 {
			if seen[i-1] <= seen[i-11] {
				t.Errorf("keeps %d bytes: a try moves from %d to %d only", keeps, seen[i-11], seen[i-1])
			}
		}
	}
}

// looks is a context that ends when it has been looked at so often.
type looks struct {
	context.Context
	left int
}

func (c *looks) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestEstimatorStops(t *testing.T) {
	p := picture.New(120, 90)
	for i := range p.Pix[0] {
		p.Pix[i%3][i] = float32(i*i%101) / 100
	}
	for _, n := range []int{0, 1, 5} {
		if _, err := NewEstimator(&looks{t.Context(), n}, p); !errors.Is(err, context.Canceled) {
			t.Errorf("ended at look %d: %v", n, err)
		}
	}
	e, err := NewEstimator(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.PSNR(&looks{t.Context(), 0}, e.Bytes()/2); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// bomb is a message that claims a picture of a hundred megapixels.
type bomb []byte

func (b bomb) Read(context.Context, carrier.Options) (*carrier.Message, error) {
	return &carrier.Message{Payload: b, Size: len(b), Gain: 1, Stages: []carrier.Arrival{{Bytes: len(b), Blocks: 1, Arrived: 1}}}, nil
}

// TestBombs checks that what a few bytes claim takes memory for these bytes alone, whether a picture is asked for or a report.
func TestBombs(t *testing.T) {
	claim := []byte{0x8d, 0x36, 0x01} // 10000×10000 pixels in colour
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{3, 1000, 50_000} {
		for fill := range 3 {
			b := slices.Clone(claim)
			for len(b) < n {
				b = append(b, []byte{0, 255, byte(rng.Uint32())}[fill])
			}
			for _, only := range []bool{false, true} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				p, r, err := (&found{"bomb", bomb(b)}).Reveal(t.Context(), carrier.RevealOptions{
					Options: carrier.Options{Workers: 1}, Report: only, Plain: true,
				})
				runtime.ReadMemStats(&after)
				if err != nil {
					t.Fatal(err)
				}
				if r.Width != 10000 || r.Exact || !only && p.Width*p.Height > codestream.Allowed(n) {
					t.Errorf("%d bytes: %+v", n, r)
				}
				if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 80+uint64(n)>>10 {
					t.Errorf("%d bytes, filled with %d: %d MiB, a report only: %t", n, fill, took, only)
				}
			}
		}
	}
}

// TestBombsCanBeStopped checks that decoding ends with the context.
func TestBombsCanBeStopped(t *testing.T) {
	b := append([]byte{0x8d, 0x36, 0x01}, make([]byte, 500_000)...)
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, _, err := (&found{"bomb", bomb(b)}).Reveal(ctx, carrier.RevealOptions{Plain: true, Options: carrier.Options{
		Workers: 1, Progress: func(report.Phase, int, int) {
			if steps++; steps == 3 {
				cancel()
			}
			if steps > 30 {
				t.Error("goes on")
			}
		},
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// short is a message of which the last bytes are missing.
type short struct {
	payload []byte
	missing int
}

func (s short) Read(context.Context, carrier.Options) (*carrier.Message, error) {
	n := len(s.payload)
	return &carrier.Message{Payload: s.payload[:n-s.missing], Size: n, Gain: 1, Stages: []carrier.Arrival{{Bytes: n, Blocks: 1}}}, nil
}

// TestExactIsWhatArrivedWhole checks that a picture is called exact only with all of its payload, even where less decodes to it.
func TestExactIsWhatArrivedWhole(t *testing.T) {
	p := picture.New(16, 16)
	for i := range p.Pix[0] {
		p.Pix[0][i] = float32(i%7) / 255
	}
	payload, complete, err := codestream.Encode(t.Context(), p, codestream.EncodeOptions{Limit: 1 << 20})
	if err != nil || !complete {
		t.Fatal(complete, err)
	}
	payload = append(payload, make([]byte, 20)...) // which no decoder needs
	for missing, exact := range map[int]bool{0: true, 1: false, 20: false} {
		_, r, err := (&found{"short", short{payload, missing}}).Reveal(t.Context(), carrier.RevealOptions{Options: carrier.Options{Workers: 1}, Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Exact != exact || r.Complete != exact {
			t.Errorf("without %d bytes: exact %t, complete %t", missing, r.Exact, r.Complete)
		}
	}
}
