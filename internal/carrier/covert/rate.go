package covert

import (
	"math"

	"ditas/internal/fec/syndrome"
)

// mostDeflection bounds how well what is done to a recording of 16 bits can be found: the deflection of a likelihood-ratio test that knows the power of
// everything, by the Gaussian approximation of [power]. Such a test errs in Φ(−δ/2) of all cases, cover and stego being as frequent: in 45 %.
const mostDeflection = 0.25

// stepRate is how many bits are told by a sample at most, of those that may be changed. Loud recordings would have more by the bound, which no
// code fits into blocks of which a part is not to be changed.
const stepRate = 1

// efficiency is how many of the bits that the rate-distortion bound has for some changes the codes tell by them, about.
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

// steps says with which probability the samples of each class are moved by a step up, and with which by a step down.
type steps [classes]float64

// leastPrice is what a step costs at least, ln((1−2p)/p) for a p of 0.29. What costs nothing would be set as the code likes, and not at random.
const leastPrice = 0.4055

// stepsAt returns those of which none could be exchanged for others that are harder to find: for the information I = power⁻² of a sample, 2p·I is
// λ·ln((1−2p)/p), up to the p of leastPrice (Sedighi, Cogranne and Fridrich 2016, (13)).
func stepsAt(lambda float64) (s steps) {
	for class := 1; class < classes; class++ {
		v := powerOf(class)
		low, high := leastPrice, 60.0 // of ln((1−2p)/p)
		for range 50 {
			mid := (low + high) / 2
			if lambda*mid*v*v*(2+math.Exp(mid)) < 2 {
				low = mid
			} else {
				high = mid
			}
		}
		s[class] = 1 / (2 + math.Exp(low))
	}
	return s
}

// entropy returns how many bits samples can tell that are moved so: those that their second lowest bits tell, of which a step flips half, and those that
// the lowest bits tell of samples of which it does not.
func (s *steps) entropy(c *counts) (second, lowest float64) {
	for class, p := range s {
		if c[class] > 0 {
			second += float64(c[class]) * entropy(p)
			lowest += float64(c[class]) * (1 - p) * entropy(p/(1-p))
		}
	}
	return second, lowest
}

// bits returns how many bits samples can tell that are moved so.
func (s *steps) bits(c *counts) float64 {
	second, lowest := s.entropy(c)
	return second + lowest
}

// moved returns how many samples are moved.
func (s *steps) moved(c *counts) (n float64) {
	for class, p := range s {
		n += 2 * p * float64(c[class])
	}
	return n
}

// deflection returns how well samples that are moved so are found.
func (s *steps) deflection(c *counts) float64 {
	sum := 0.0
	for class, p := range s {
		if p > 0 && c[class] > 0 {
			v := 2 * p / powerOf(class)
			sum += float64(c[class]) * v * v
		}
	}
	return math.Sqrt(sum / 2)
}

// solve returns the steps for which a function, which rises with λ, comes up to a value, or nearly so.
func solve(value float64, of func(*steps) float64) steps {
	low, high := -60.0, 40.0 // of ln λ
	for range 48 {
		mid := (low + high) / 2
		s := stepsAt(math.Exp(mid))
		if of(&s) <= value {
			low = mid
		} else {
			high = mid
		}
	}
	return stepsAt(math.Exp(low))
}

// room returns how many bits may be told.
func (c *counts) room() float64 {
	s := solve(mostDeflection, func(s *steps) float64 { return s.deflection(c) })
	return efficiency * s.bits(c)
}

// telling returns the steps by which so many bits are told.
func (c *counts) telling(bits float64) steps {
	return solve(bits/efficiency, func(s *steps) float64 { return s.bits(c) })
}

// prices are what flipping the lowest bits of samples costs where the second lowest are not flipped, and what flipping these costs.
type prices [classes][layers]float32

// prices returns those by which samples are moved so.
func (s *steps) prices() (prices prices) {
	for class, p := range s {
		prices[class] = [layers]float32{float32(math.Log((1 - 2*p) / p)), float32(math.Log((1 - p) / p))}
	}
	prices[0] = [layers]float32{syndrome.Wet, syndrome.Wet}
	return prices
}
