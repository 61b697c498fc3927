package unit

import (
	"math"
	"math/rand/v2"

	"ditas/internal/nn"
)

// What Mixture expects of pictures, the mean square around grey, and how much smaller than it was the picture is that it takes,
// since nobody can tell it from the cover yet.
const (
	pictureVariance = 0.06
	caution         = 0.3
)

// Colour says how a channel of the picture is mixed into the channels of a cover, as loud as networks see them, and taken out again:
// by what each channel gets, and gives.
type Colour struct{ Add, Take []float64 }

// Mixture draws orthonormal mixtures of a number of colours into as many channels or more, for [System.Identity]: strong enough for
// a mean squared error of samples of distortion.
func Mixture(seed uint64, colours, channels int, distortion float64) []Colour {
	amplitude := Loudness * math.Sqrt(distortion*float64(channels)/(float64(colours)*pictureVariance))
	all := make([]Colour, colours)
	for i, v := range orthonormal(rand.New(rand.NewPCG(seed, 1<<32)), colours, channels) {
		for _, x := range v {
			all[i].Add = append(all[i].Add, amplitude*x)
			all[i].Take = append(all[i].Take, caution/amplitude*x)
		}
	}
	return all
}

// Middle returns the element of a filter's kernel for an input that the output's place falls on.
func Middle(c *nn.Conv[float32], filter, input int) *float32 {
	rows, columns := c.Spec.Kernel[0], c.Spec.Kernel[1]
	return &c.Weight.Data[((filter*c.Spec.In+input)*rows+(rows-1)/2)*columns+(columns-1)/2]
}

// Scale multiplies weights by a.
func Scale(x []float32, a float32) {
	for i := range x {
		x[i] *= a
	}
}

// orthonormal returns n random vectors of a length that are orthogonal to one another, by Gram and Schmidt.
func orthonormal(rng *rand.Rand, n, length int) [][]float64 {
	var all [][]float64
	for range n {
		v := make([]float64, length)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		for _, u := range all {
			along := dot(u, v)
			for i := range v {
				v[i] -= along * u[i]
			}
		}
		norm := math.Sqrt(dot(v, v))
		for i := range v {
			v[i] /= norm
		}
		all = append(all, v)
	}
	return all
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
