package ditas

import (
	"context"
	"errors"
	"math"

	"ditas/audio"
	"ditas/internal/carrier/lattice"
)

// Survey is what [Listen] has heard of a recording. It tells the recording's capacity at any strength at once, where [Capacity] listens to
// all of it every time. It may be used by several goroutines at once.
type Survey struct{ heard *lattice.Survey }

// Listen listens to a whole recording. workers is the number of goroutines, 0 meaning one per processor; progress may be nil, and may
// be called from several goroutines at once. The error is a *[TooShortError], an *audio.TruncatedError or [ErrSilent] if that is
// what is wrong.
func Listen(ctx context.Context, cover audio.File, n int, progress func(done, total int)) (*Survey, error) {
	s, err := lattice.NewSurvey(ctx, cover, shaping, workers(n), progress)
	if errors.Is(err, lattice.ErrTooShort) {
		format := cover.Format()
		return nil, &TooShortError{Need: format.Duration(lattice.LeastLength), Have: format.Duration(max(0, cover.Frames()))}
	}
	if errors.Is(err, lattice.ErrSilent) {
		return nil, ErrSilent
	}
	if err != nil {
		return nil, err
	}
	return &Survey{s}, nil
}

// Capacity tells what the recording can take. Of o it looks at SNR and Faint.
func (s *Survey) Capacity(o CapacityOptions) *CapacityReport {
	r, _ := s.plans(o)
	return r
}

// plans tells what the recording can take and how, with the most protection first.
func (s *Survey) plans(o CapacityOptions) (*CapacityReport, []*lattice.Plan) {
	if o.SNR == 0 {
		o.SNR = DefaultSNR
	}
	var plans []*lattice.Plan
	if o.Faint {
		plans = []*lattice.Plan{s.heard.Faintest()}
	} else {
		mse := s.heard.MSE(o.SNR)
		plans = []*lattice.Plan{s.heard.Plan(lattice.Robust, mse), s.heard.Plan(lattice.Lean, mse)}
		if plans[1].Room() <= plans[0].Room() {
			plans = plans[:1]
		}
	}
	r := &CapacityReport{Duration: s.heard.Duration(), Bytes: plans[len(plans)-1].Room(), SNR: o.SNR}
	if !o.Faint {
		r.Robust = plans[0].Room()
	}
	r.Pixels = int(8 * float64(r.Bytes) / LeastBits)
	r.Side = min(MaxSide, int(math.Sqrt(float64(r.Pixels))))
	return r, plans
}
