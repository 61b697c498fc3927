package carrier

import (
	"math"

	"ditas/audio"
)

// Grid is the set of values that a file's samples can take: multiples of Step in [−1, 1−Step], or any number if Step is 0.
type Grid struct{ Step float64 }

// GridOf returns the grid of a format. That of floating-point formats has a Step of 0.
func GridOf(f audio.Format) Grid {
	if f.Encoding.IsFloat() {
		return Grid{}
	}
	return Grid{f.Step()}
}

// Round returns the multiple of the step nearest to v, without regard to full scale.
func (g Grid) Round(v float64) float64 {
	if g.Step == 0 {
		return v
	}
	return math.RoundToEven(v/g.Step) * g.Step
}

// Nearest returns the point nearest to t that is congruent to step·symbol modulo step:
//
//	step·(round(t/step − symbol) + symbol).
//
// Where symbol is the sum of what a sample carries and a uniform dither, the squared error is step²/12 on average, whatever is carried
// (Chen and Wornell, "Quantization index modulation", IEEE Trans. Information Theory 47, 2001).
func Nearest(t, step, symbol float64) float64 {
	return step * (math.RoundToEven(t/step-symbol) + symbol)
}
