package slots

import (
	"math"

	"ditas/internal/carrier"
)

// Lattice is the dithered scalar lattice of quantisation index modulation: its value is Δ, the distance in full scales
// between points that carry the same symbol. A sample t carries the symbol m ∈ [−½, ½) under the dither d ∈ [0, 1) if it is
// congruent to Δ(m+d) modulo Δ. Since the embedder knows the host, the host does not disturb the symbol, whatever it is.
//
// Sources: Chen and Wornell, "Quantization index modulation: a class of provably good methods for digital watermarking and
// information embedding", IEEE Trans. Inf. Theory 47 (2001); Costa, "Writing on dirty paper", IEEE Trans. Inf. Theory 29 (1983).
type Lattice float64

// Embed returns the value on the grid g that replaces t: the rounded nearest point, or the next one inward where that would
// exceed full scale. A float that exceeds full scale already keeps its nearest point; one that is not finite is returned.
func (l Lattice) Embed(t, m, d float64, g carrier.Grid) float64 {
	if t-t != 0 {
		return t
	}
	nearest := carrier.Nearest(t, float64(l), m+d)
	y := g.Round(nearest)
	switch {
	case y > 1-g.Step && t <= 1-g.Step:
		y = g.Round(nearest - float64(l))
	case y < -1 && t >= -1:
		y = g.Round(nearest + float64(l))
	}
	return y
}

// Symbol returns the soft reading of a sample, m^ = wrap(t/Δ − d): the symbol it carries plus the noise it met, over Δ.
// It is NaN if t is not finite.
func (l Lattice) Symbol(t, d float64) float64 { return wrap(t/float64(l) - d) }

// wrap returns x modulo 1 in [−½, ½).
func wrap(x float64) float64 {
	x -= math.Floor(x)
	if x >= 0.5 {
		x--
	}
	return x
}

// bitSymbol returns the symbol of a bit: ¼ for 1 and −¼ for 0, as far from each other as the circle allows.
func bitSymbol(bit byte) float64 { return float64(bit)/2 - 0.25 }

// The noise levels, as standard deviations over Δ, between which readings are weighed. Below the first a reading is as good
// as certain and a wrong level would do harm; above the second the level cannot be told from readings.
const minNoise, maxNoise = 0.05, 0.24

// noise estimates the standard deviation over Δ of the noise in soft readings of bits. Doubled, both symbols coincide at ½,
// so that −E cos 4πm^ = exp(−8π²σ²) for Gaussian σ whatever the bits are. NaNs are passed over.
func noise(readings []float64) float64 {
	sum, n := 0.0, 0
	for _, m := range readings {
		if m == m {
			sum -= math.Cos(4 * math.Pi * m)
			n++
		}
	}
	if c := sum / float64(n); c > math.Exp(-8*math.Pi*math.Pi*maxNoise*maxNoise) {
		return max(minNoise, math.Sqrt(-math.Log(c)/(8*math.Pi*math.Pi)))
	}
	return maxNoise
}

// certainty returns ln P(1)/P(0) for the reading ¼, exactly on the symbol of bit 1, under Gaussian noise sigma wrapped
// modulo 1.
func certainty(sigma float64) float64 {
	var one, zero float64
	for k := -2.0; k <= 2; k++ {
		one += math.Exp(-k * k / (2 * sigma * sigma))
		zero += math.Exp(-(k + 0.5) * (k + 0.5) / (2 * sigma * sigma))
	}
	return math.Log(one / zero)
}

// logLikelihood returns ln P(1)/P(0) for the reading m ∈ [−½, ½), given the certainty at m = ¼. It is the triangle through
// the exact values at 0, ±¼ and ½; where it departs from the exact curve, by a fifth of the certainty at most, the bit is
// doubtful in any case.
func logLikelihood(m, certainty float64) float64 {
	switch {
	case m > 0.25:
		m = 0.5 - m
	case m < -0.25:
		m = -0.5 - m
	}
	return 4 * m * certainty
}
