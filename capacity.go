package ditas

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"ditas/audio"
	"ditas/internal/carrier/lattice"
	"ditas/picture"
)

// CapacityOptions says for which use of a recording to tell its room; its fields are those of [HideOptions].
type CapacityOptions struct {
	SNR      float64
	Faint    bool
	Workers  int
	Progress func(done, total int)
}

// CapacityReport tells what a recording can take by the method [Lattice].
type CapacityReport struct {
	Duration time.Duration `json:"duration"` // of the recording, in nanoseconds
	// Bytes is how much of a picture's stream fits, and Robust how much with protection against noise.
	Bytes  int `json:"bytes"`
	Robust int `json:"robust"`
	// Pixels of the largest picture that is taken: LeastBits are left for each of them.
	Pixels int `json:"pixels"`
	Side   int `json:"side"` // of the largest square picture, in pixels
	// SNR in dB is the one that is aimed at. Hearing sets a limit of its own, so the change may turn out smaller.
	SNR float64 `json:"snr"`
}

// LeastBits is the number of bits a pixel below which a picture is not hidden: with as many, photographs come back at about 30 dB,
// and small ones somewhat better. With 11 to 15 they come back exactly.
const LeastBits = 1.0

// ErrSilent reports a recording in which there is nothing but silence.
var ErrSilent = errors.New("the recording is silent: there is nothing to hide in")

// Capacity tells what a recording can take. The error is an *audio.TruncatedError if the file is cut off.
func Capacity(ctx context.Context, cover audio.File, o CapacityOptions) (*CapacityReport, error) {
	r, _, err := survey(ctx, cover, o)
	return r, err
}

// survey tells what a recording can take and how, with the most protection first.
func survey(ctx context.Context, cover audio.File, o CapacityOptions) (*CapacityReport, []*lattice.Plan, error) {
	s, err := Listen(ctx, cover, o.Workers, o.Progress)
	if err != nil {
		return nil, nil, err
	}
	r, plans := s.plans(o)
	return r, plans, nil
}

// Need returns how much of a recording like this a picture takes.
func (r *CapacityReport) Need(width, height int) time.Duration {
	if r.Pixels == 0 {
		return 0
	}
	return time.Duration(float64(r.Duration) * float64(width) * float64(height) / float64(r.Pixels))
}

// Fit returns the size to which a picture has to be scaled down to fit, its own if it does, and zeros if nothing fits.
func (r *CapacityReport) Fit(width, height int) (w, h int) {
	if width < 1 || height < 1 || r.Pixels < 1 {
		return 0, 0
	}
	if width*height <= r.Pixels {
		return width, height
	}
	scale := math.Sqrt(float64(r.Pixels) / (float64(width) * float64(height)))
	w, h = max(1, int(float64(width)*scale)), max(1, int(float64(height)*scale))
	if w*h > r.Pixels { // one side was less than a pixel
		if w == 1 {
			h = r.Pixels
		} else {
			w = r.Pixels
		}
	}
	return w, h
}

// check returns an error unless the picture fits.
func (r *CapacityReport) check(p *picture.Planes) error {
	switch {
	case p.Width < 1 || p.Height < 1:
		return errors.New("the picture is empty")
	case p.Width > MaxSide || p.Height > MaxSide:
		return fmt.Errorf("%w: %d×%d pixels, at most %d a side", ErrTooLarge, p.Width, p.Height, MaxSide)
	case p.Width*p.Height > r.Pixels:
		e := &TooShortError{Need: r.Need(p.Width, p.Height), Have: r.Duration}
		e.Width, e.Height = r.Fit(p.Width, p.Height)
		return e
	}
	return nil
}
