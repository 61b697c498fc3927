package ditas

import (
	"context"
	"fmt"

	"ditas/internal/carrier/stream"
	"ditas/picture"
	"ditas/report"
)

// Estimator tells, before a picture is hidden, how well it will come back from a recording with a given room. Several goroutines may use it
// at once.
type Estimator struct{ stream *stream.Estimator }

// NewEstimator returns the Estimator of a picture. The error wraps [ErrTooLarge] if the picture is too large for any recording.
func NewEstimator(ctx context.Context, p *picture.Planes) (*Estimator, error) {
	if p.Width > MaxSide || p.Height > MaxSide {
		return nil, fmt.Errorf("%w: %d×%d pixels, and %d a side at most", ErrTooLarge, p.Width, p.Height, MaxSide)
	}
	e, err := stream.NewEstimator(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Estimator{e}, nil
}

// Bytes returns how many bytes the picture takes to come back exactly; for large pictures it is an estimate.
func (e *Estimator) Bytes() int { return e.stream.Bytes() }

// HidesFile reports whether [Hide] hides the picture's file in a recording with this room, rather than the pixels alone: if it fits, and takes less
// than the exact picture or has something that the picture lacks.
func (e *Estimator) HidesFile(f *File, room *report.Capacity) bool {
	return e.stream.HidesFile(f.hidden(), room.Bytes)
}

// PSNR estimates the revealed picture's PSNR in dB (capped at 100, which means exact) when the given number of bytes of its stream fit. A
// network that restores the picture may add about 1 dB. The estimate is 0 if there is hardly any room.
func (e *Estimator) PSNR(ctx context.Context, bytes int) (float64, error) {
	return e.stream.PSNR(ctx, bytes)
}
