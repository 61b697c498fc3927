package covert

import (
	"math"

	"ditas/internal/fec/syndrome"
)

// mostDeflection bounds how well what is done to a recording of 16 bits can be found: the deflection of a likelihood-ratio test that knows the power of
// everything, by the Gaussian approximation of [power]. Such a test errs in Φ(−δ/2) of all cases, cover and stego being as frequent: in 45 %.
const mostDeflection = 0.25

// efficiency is how little more the codes change than the rate-distortion bound has it, and about how much less they tell by the same changes.
const efficiency = 0.9

// counts are the numbers of samples of each class.
type counts [classes]int64

// dry returns how many samples may be changed.
func (c *counts) dry() (n int64) {
	for _, v := range c[1:] {
		n += v
	}
	return n
}

// flips says with which probability the samples of each class are flipped.
type flips [classes]float64

// leastPrice is what a flip costs at least, ln((1−p)/p) for a p of 0.4. What costs nothing would be set as the code likes, and not at random.
const leastPrice = 0.4055

// flipsAt returns those of which none could be exchanged for others that are harder to find: for the information I = power⁻² of a sample, p·I is
// λ·ln((1−p)/p), up to the p of leastPrice (Sedighi, Cogranne and Fridrich 2016, (13), for changes of which the sign tells nothing).
func flipsAt(lambda float64) (f flips) {
	for class := 1; class < classes; class++ {
		v := powerOf(class)
		low, high := leastPrice, 60.0 // of ln((1−p)/p)
		for range 50 {
			mid := (low + high) / 2
			if lambda*mid*v*v*(1+math.Exp(mid)) < 1 {
				low = mid
			} else {
				high = mid
			}
		}
		f[class] = 1 / (1 + math.Exp(low))
	}
	return f
}

// entropy returns how many bits samples can tell that are flipped so.
func (f *flips) entropy(c *counts) (bits float64) {
	for class, p := range f {
		if c[class] > 0 {
			bits += float64(c[class]) * entropy(p)
		}
	}
	return bits
}

// changed returns how many samples are flipped.
func (f *flips) changed(c *counts) (n float64) {
	for class, p := range f {
		n += p * float64(c[class])
	}
	return n
}

// deflection returns how well samples that are flipped so are found.
func (f *flips) deflection(c *counts) float64 {
	sum := 0.0
	for class, p := range f {
		if p > 0 && c[class] > 0 {
			v := p / powerOf(class)
			sum += float64(c[class]) * v * v
		}
	}
	return math.Sqrt(sum / 2)
}

// solve returns the flips for which a function, which rises with λ, comes up to a value, or nearly so.
func solve(value float64, of func(*flips) float64) flips {
	low, high := -60.0, 40.0 // of ln λ
	for range 48 {
		mid := (low + high) / 2
		f := flipsAt(math.Exp(mid))
		if of(&f) <= value {
			low = mid
		} else {
			high = mid
		}
	}
	return flipsAt(math.Exp(low))
}

// room returns how many bits may be told.
func (c *counts) room() float64 {
	f := solve(mostDeflection, func(f *flips) float64 { return f.deflection(c) })
	return efficiency * f.entropy(c)
}

// prices returns what flipping a sample of each class costs where so many bits are told.
func (c *counts) prices(bits float64) (prices [classes]float32) {
	f := solve(bits/efficiency, func(f *flips) float64 { return f.entropy(c) })
	for class, p := range f {
		prices[class] = float32(math.Log((1 - p) / p))
	}
	prices[0] = syndrome.Wet
	return prices
}
