package channel

import (
	"math"

	"ditas/audio"
)

// SoftLowPass is a Butterworth low-pass of second order: 3 dB down at a frequency in Hz, 12 dB an octave beyond, and late by less than a
// millisecond. From 49 % of the recording's rate on it passes everything.
func SoftLowPass(r *audio.Recording, frequency float64) *audio.Recording {
	return second(r, frequency, func(cos, alpha float64) biquad {
		return biquad{(1 - cos) / 2, 1 - cos, (1 - cos) / 2, 1 + alpha, -2 * cos, 1 - alpha}
	})
}

// SoftHighPass is the high-pass of the same kind.
func SoftHighPass(r *audio.Recording, frequency float64) *audio.Recording {
	return second(r, frequency, func(cos, alpha float64) biquad {
		return biquad{(1 + cos) / 2, -(1 + cos), (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha}
	})
}

// second filters by a design of second order with a quality of 1/√2.
func second(r *audio.Recording, frequency float64, design func(cos, alpha float64) biquad) *audio.Recording {
	if frequency <= 0 || frequency >= 0.49*float64(r.Format.Rate) {
		return each(r, func(v float64) float64 { return v })
	}
	w := 2 * math.Pi * frequency / float64(r.Format.Rate)
	return filter(r, design(math.Cos(w), math.Sin(w)/math.Sqrt2))
}

// BarkBands are the middles of Zwicker's 24 critical bands, in Hz: E. Zwicker, Subdivision of the audible frequency range into critical
// bands, J. Acoust. Soc. Am. 33 (1961).
var BarkBands = [24]float64{50, 150, 250, 350, 450, 570, 700, 840, 1000, 1170, 1370, 1600, 1850, 2150, 2500, 2900, 3400, 4000, 4800, 5800, 7000, 8500, 10500, 13500}

// barkWidths are the widths of the same, in Hz.
var barkWidths = [24]float64{100, 100, 100, 100, 110, 120, 140, 150, 160, 190, 210, 240, 280, 320, 380, 450, 550, 700, 900, 1100, 1300, 1800, 2500, 3500}

// Equalize is a graphic equaliser: a peaking filter of second order for each of [BarkBands], one after another, with a gain in nepers
// (1 Np is 8.7 dB) in its middle. Bands that the recording's rate does not hold are left out.
func Equalize(r *audio.Recording, nepers [24]float64) *audio.Recording {
	var list []biquad
	for i, f := range BarkBands {
		if f >= 0.45*float64(r.Format.Rate) {
			break
		}
		w := 2 * math.Pi * f / float64(r.Format.Rate)
		cos, alpha, a := math.Cos(w), math.Sin(w)*barkWidths[i]/f/2, math.Exp(nepers[i]/2)
		list = append(list, biquad{1 + alpha*a, -2 * cos, 1 - alpha*a, 1 + alpha/a, -2 * cos, 1 - alpha/a})
	}
	return filter(r, list...)
}

// biquad is a filter of second order: (b0 + b1/z + b2/z²) / (a0 + a1/z + a2/z²). The designs are those of R. Bristow-Johnson's cookbook
// formulae for audio EQ biquad filter coefficients (W3C Note, 2021).
type biquad struct{ b0, b1, b2, a0, a1, a2 float64 }

// filter applies filters one after another to every channel.
func filter(r *audio.Recording, list ...biquad) *audio.Recording {
	c := each(r, func(v float64) float64 { return v })
	for _, x := range c.Samples {
		for _, f := range list {
			b0, b1, b2, a1, a2 := f.b0/f.a0, f.b1/f.a0, f.b2/f.a0, f.a1/f.a0, f.a2/f.a0
			var s1, s2 float64 // transposed direct form II
			for i, v := range x {
				y := b0*v + s1
				s1 = b1*v - a1*y + s2
				s2 = b2*v - a2*y
				x[i] = y
			}
		}
	}
	return c
}
