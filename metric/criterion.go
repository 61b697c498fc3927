package metric

import (
	"fmt"
	"math"
)

// Criterion says what counts as inaudible: a limit for every measure by which an ear model may find a change.
// Methods have to meet [CriterionQ].
type Criterion struct {
	NMR      float64 // dB, the largest [Figures].NMR of a recording
	FrameNMR float64 // dB, the largest mean over a frame's bands, which Share of the frames must not exceed
	BandNMR  float64 // dB, the largest ratio in a band, likewise
	Share    float64 // of the frames of all channels
	MeanODG  float64 // the least mean of [PEAQResult].ODG over a set of recordings
	LeastODG float64 // the least ODG of a recording
}

// CriterionQ returns the criterion "no worse than MP3 at 128 kbit/s". A noise-to-mask ratio below 0 dB is
// not enough: even Opus at 24 kbit/s reaches it, at a signal-to-noise ratio of 7 dB.
func CriterionQ() Criterion {
	return Criterion{NMR: -14, FrameNMR: -11, BandNMR: 1.5, Share: 0.99, MeanODG: -0.5, LeastODG: -1}
}

// Failures returns the limits that a recording exceeds, none if it meets the criterion. Its ODG counts unless it is
// marked, as at rates of 16 kHz and less: then only the noise-to-mask ratios count. The error tells what was not
// measured.
func (c Criterion) Failures(f Figures) ([]string, error) {
	if f.Moments == nil || f.PEAQ == nil {
		return nil, fmt.Errorf("criterion: noise-to-mask ratios or PEAQ are missing: want a comparison with PEAQ at %d to %d Hz",
			MinMaskingRate, MaxMaskingRate)
	}
	var list []string
	fail := func(format string, arguments ...any) { list = append(list, fmt.Sprintf(format, arguments...)) }
	if f.NMR > c.NMR {
		fail("NMR %.1f dB, want at most %g", f.NMR, c.NMR)
	}
	frames, below, calm := 0, 0, 0
	for _, channel := range f.Moments {
		for _, m := range channel {
			frames++
			if m.Mean <= c.FrameNMR {
				below++
			}
			if m.Max <= c.BandNMR {
				calm++
			}
		}
	}
	if share := float64(below) / float64(frames); share < c.Share {
		fail("%.1f %% of the frames have an NMR of at most %g dB, want %g %%", 100*share, c.FrameNMR, 100*c.Share)
	}
	if share := float64(calm) / float64(frames); share < c.Share {
		fail("%.1f %% of the frames have no band above %g dB, want %g %%", 100*share, c.BandNMR, 100*c.Share)
	}
	if !f.PEAQ.Marked && f.PEAQ.ODG < c.LeastODG {
		fail("ODG %.2f, want at least %g", f.PEAQ.ODG, c.LeastODG)
	}
	return list, nil
}

// SetFailures returns the limits that a set of recordings exceeds: each recording by itself, numbered from 0, and
// all by their mean ODG.
func (c Criterion) SetFailures(set []Figures) ([]string, error) {
	var list []string
	var sum, graded float64
	for i, f := range set {
		failures, err := c.Failures(f)
		if err != nil {
			return nil, fmt.Errorf("recording %d: %w", i, err)
		}
		for _, s := range failures {
			list = append(list, fmt.Sprintf("recording %d: %s", i, s))
		}
		if !f.PEAQ.Marked && !math.IsNaN(f.PEAQ.ODG) {
			sum += f.PEAQ.ODG
			graded++
		}
	}
	if graded > 0 && sum/graded < c.MeanODG {
		list = append(list, fmt.Sprintf("mean ODG %.2f, want at least %g", sum/graded, c.MeanODG))
	}
	return list, nil
}
