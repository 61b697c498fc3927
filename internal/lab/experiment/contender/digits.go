package contender

import (
	"fmt"
	"math"
	"math/rand/v2"

	"ditas/internal/lab/experiment"
)

// DigitLevels is the number of levels of the digits that are compared where the noise is not known, which suits noise 17 dB below the container's error.
// The sender does not know the noise, so it is one number for all.
const DigitLevels = 3

// Digits are plain digits with a number of levels. They have no strength of their own.
func Digits(s *experiment.Study, levels int) *Contender {
	return Stateless(fmt.Sprintf("digits, %d levels", levels), func(i int, p *experiment.Subject) (*Sent, error) {
		d := newDigits(p.Target, levels, s.Source(experiment.ForDither, i))
		return &Sent{d.hide(p), d.reveal}, nil
	})
}

// newDigits returns plain digits: two stages of digits with the given levels, which the receiver slices, and an analog third one
// for what they leave.
func newDigits(mse float64, levels int, source rand.Source) *stages {
	l := newLattice(mse, colours, experiment.Samples, source)
	n := float64(levels)
	// Noise that digits stand does not carry an analog symbol across the end of the circle either.
	use := min(1-1/n, tight*(1-2*l.rounding()))
	width := [experiment.Stages]float64{1, 1 / n, 1 / (n * n)} // of what is left before each stage
	slice := func(v float64) float64 {                         // the middle of the level, in widths
		return (max(0, min(math.Floor((v+0.5)*n), n-1))+0.5)/n - 0.5
	}
	return &stages{
		lattice: l,
		code: func(k int, residual float64) float64 {
			if k < 2 {
				return slice(residual / width[k])
			}
			return use * residual / width[k]
		},
		decode: func(k int, symbol float64) float64 {
			if k < 2 {
				return width[k] * slice(symbol)
			}
			return width[k] * symbol / use
		},
	}
}

// LevelsFor returns how many levels suit a container MSE and its ratio to the noise in dB: neighbours lie eight standard
// deviations of noise and rounding apart.
func LevelsFor(mse, ratio float64) int {
	variance := mse*math.Pow(10, -ratio/10) + experiment.Step*experiment.Step/12
	interval := math.Sqrt(12 * mse / colours)
	return int(max(2, math.Floor(interval/(8*math.Sqrt(variance)))))
}
