package durable

import (
	"fmt"

	"ditas/internal/carrier"
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/dsp"
)

// The lowest and the highest rate of a recording, in Hz.
const (
	minRate = 1000
	maxRate = 768000
)

// rateStep divides the rates that recordings are taken to have. It keeps the filters between them and 16 kHz small, and 16 kHz off by what
// clocks are, where a rate is not a multiple of it.
const rateStep = 25

// nominal returns the rate that a recording of a rate is taken to have: the nearest multiple of 25 Hz.
func nominal(rate int) int64 { return int64(rate+rateStep/2) / rateStep * rateStep }

// checkRate returns an error that wraps [carrier.ErrRate] for rates beyond the bounds.
func checkRate(rate int) error {
	if rate < minRate || rate > maxRate {
		return fmt.Errorf("%w: %d Hz, and %d to %d Hz are taken", carrier.ErrRate, rate, minRate, maxRate)
	}
	return nil
}

// lowLength returns how many samples at 16 kHz so many make.
func lowLength(samples int64, rate int) int64 {
	r := nominal(rate)
	return (samples*ear.Rate + r - 1) / r
}

// rates convert samples from a recording's rate to 16 kHz and back. They may be used by several goroutines at once.
type rates struct{ down, up *dsp.Resampler }

func newRates(rate int) (*rates, error) {
	if err := checkRate(rate); err != nil {
		return nil, err
	}
	down, err := dsp.NewResampler(int(nominal(rate)), ear.Rate)
	if err != nil {
		return nil, err
	}
	up, err := dsp.NewResampler(ear.Rate, int(nominal(rate)))
	return &rates{down, up}, err
}
