// Package residual measures what is missing of a picture: how much it is, and how sparse.
//
//	missing := residual.Difference(revealed, secret)
//	profiles = append(profiles, residual.Measure(missing))
//	mean := residual.Mean("ditas-m", 1, profiles)
package residual

import (
	"math"
	"slices"

	"ditas/picture"
)

const (
	// PictureStep is the step of a picture's values in 8 bits.
	PictureStep = 1.0 / 255
	// Histograms of magnitudes have so many bins a decade, from 10^LowestDecade to 10^HighestDecade.
	BinsPerDecade, LowestDecade, HighestDecade = 8, -6, 1
	// Bins is the number of bins; the first also has what is smaller, the last what is larger.
	Bins = BinsPerDecade * (HighestDecade - LowestDecade)
)

// Gaussian returns the measures of shape of white Gaussian noise, for many values: P(|z| < 1/10) = erf(0.1/√2); P(|z| > t) with t such
// that E[z²; |z| > t] = 0.9, which is the 0.1 quantile of χ² with three degrees of freedom, t² = 0.58437; and 1 − √(2/π).
func Gaussian() (small, hold, hoyer float64) {
	return math.Erf(0.1 / math.Sqrt2), math.Erfc(math.Sqrt(0.58437 / 2)), 1 - math.Sqrt(2/math.Pi)
}

// Difference returns revealed − secret, planar RGB.
func Difference(secret, revealed *picture.Planes) []float64 {
	var d []float64
	for c, plane := range secret.Pix {
		for i, v := range plane {
			d = append(d, float64(revealed.Pix[c][i])-float64(v))
		}
	}
	return d
}

// Energy returns the mean square of values.
func Energy(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v / float64(len(values))
	}
	return sum
}

// Sparsity is how what a picture lacks before or after a stage is distributed, as means over pictures.
type Sparsity struct {
	System string `json:"system"`
	// Stage is the number of stages before: the residual is S_{Stage+1}.
	Stage    int     `json:"stage"`
	Energy   float64 `json:"energy"`   // mean square
	RMS      float64 `json:"rms"`      // its root
	NearZero float64 `json:"nearZero"` // share below half a step of an 8-bit picture
	NearTwo  float64 `json:"nearTwo"`  // share below two steps
	Small    float64 `json:"small"`    // share below a tenth of a picture's RMS
	Hold     float64 `json:"hold"`     // share of values that hold 90 % of a picture's energy
	Hoyer    float64 `json:"hoyer"`    // Hoyer's sparseness
	// Histogram has the shares of magnitudes, and Shape those of magnitudes over a picture's RMS, in bins of an eighth of a decade
	// from 1e-6 on.
	Histogram []float64 `json:"histogram"`
	Shape     []float64 `json:"shape"`
}

// Profile is Sparsity of one picture.
type Profile struct {
	energy, nearZero, nearTwo, small, hold, hoyer float64
	histogram, shape                              [Bins]float64
}

// Measure measures a residual. One without any value but 0 counts as the sparsest there is.
func Measure(values []float64) Profile {
	m := magnitudes(values)
	n := float64(len(m))
	p := Profile{energy: Energy(values), nearZero: below(m, PictureStep/2), nearTwo: below(m, 2*PictureStep)}
	rms := math.Sqrt(p.energy)
	sum := 0.0
	for _, v := range m {
		p.histogram[bin(v)] += 1 / n
		sum += v
		if rms > 0 {
			p.shape[bin(v/rms)] += 1 / n
		}
	}
	if rms == 0 {
		p.shape[0], p.small, p.hoyer = 1, 1, 1
		return p
	}
	p.small = below(m, rms/10)
	p.hoyer = (math.Sqrt(n) - sum/(rms*math.Sqrt(n))) / (math.Sqrt(n) - 1)
	held := 0.0
	for i := len(m) - 1; i >= 0 && held < 0.9*n*p.energy; i-- {
		held += m[i] * m[i]
		p.hold += 1 / n
	}
	return p
}

// Mean returns the means of the profiles of pictures' residuals after a number of stages.
func Mean(system string, stage int, profiles []Profile) Sparsity {
	s := Sparsity{System: system, Stage: stage, Histogram: make([]float64, Bins), Shape: make([]float64, Bins)}
	n := float64(len(profiles))
	for _, p := range profiles {
		s.Energy += p.energy / n
		s.NearZero += p.nearZero / n
		s.NearTwo += p.nearTwo / n
		s.Small += p.small / n
		s.Hold += p.hold / n
		s.Hoyer += p.hoyer / n
		for i := range Bins {
			s.Histogram[i] += p.histogram[i] / n
			s.Shape[i] += p.shape[i] / n
		}
	}
	s.RMS = math.Sqrt(s.Energy)
	return s
}

// bin returns the bin of a histogram that a magnitude is in.
func bin(v float64) int {
	return max(0, min(Bins-1, int(math.Floor(BinsPerDecade*(math.Log10(max(v, 1e-300))-LowestDecade)))))
}

// below returns the share of ascending magnitudes that are less than a limit.
func below(ascending []float64, limit float64) float64 {
	n, _ := slices.BinarySearch(ascending, limit)
	return float64(n) / float64(len(ascending))
}

// quantile returns the least magnitude that a share of values does not exceed.
func quantile(values []float64, share float64) float64 {
	m := magnitudes(values)
	return m[min(len(m)-1, max(0, int(math.Ceil(share*float64(len(m))))-1))]
}

// magnitudes returns the magnitudes of values, in ascending order.
func magnitudes(values []float64) []float64 {
	m := make([]float64, len(values))
	for i, v := range values {
		m[i] = math.Abs(v)
	}
	slices.Sort(m)
	return m
}

// Amplification returns the power of two, at least 1, by which values can be multiplied so that 99 % of them stay within ±½.
func Amplification(values []float64) float64 {
	limit := 0.5 / max(quantile(values, 0.99), 1e-12)
	return math.Pow(2, max(0, min(30, math.Floor(math.Log2(limit)))))
}
