// Package resample changes the rate of recordings.
//
// A [Converter] filters with a sinc under a Kaiser window, evaluated at the exact positions of the new samples. It passes
// what lies below 92 % of the lower of both Nyquist frequencies within 0.001 dB, suppresses what lies above that Nyquist
// frequency by 100 dB, has linear phase and no delay, and gives the same bits on every call.
package resample

import (
	"ditas/audio"
	"ditas/internal/dsp"
)

// Converter converts from one rate to another. It may be used by several goroutines at once.
type Converter struct{ filter *dsp.Resampler }

// New returns the Converter from one rate to another, both in Hz.
func New(from, to int) (*Converter, error) {
	r, err := dsp.NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	return &Converter{r}, nil
}

// Length returns how many samples Convert makes from n: all that begin within the time that n samples last.
func (c *Converter) Length(n int) int { return c.filter.Length(n) }

// Convert returns x at the new rate. Sample j of the result lies at the time j/to, and x is silent outside its bounds.
// Values may exceed the largest of x by the overshoot of the filter.
func (c *Converter) Convert(x []float64) []float64 { return c.filter.Convert(x) }

// Recording returns rec at the given rate in Hz. The samples of the result may lie between the steps of its format.
func Recording(rec *audio.Recording, rate int) (*audio.Recording, error) {
	c, err := New(rec.Format.Rate, rate)
	if err != nil {
		return nil, err
	}
	out := &audio.Recording{Format: rec.Format, Samples: make([][]float64, len(rec.Samples))}
	out.Format.Rate = rate
	for i, channel := range rec.Samples {
		out.Samples[i] = c.Convert(channel)
	}
	return out, nil
}
