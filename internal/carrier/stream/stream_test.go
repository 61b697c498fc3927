package stream

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"ditas/internal/carrier"
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
