package experiment

import (
	"math"
	"slices"
)

const (
	// pictureStep is that of a picture's values in 8 bits.
	pictureStep = 1.0 / 255
	// Histograms of magnitudes have so many bins a decade, from 10^lowestDecade to 10^highestDecade.
	binsPerDecade, lowestDecade, highestDecade = 8, -6, 1
	// histogramBins is the number of bins; the first also has what is smaller, the last what is larger.
	histogramBins = binsPerDecade * (highestDecade - lowestDecade)
)

// gaussian has the measures of shape of white Gaussian noise, for many values: P(|z| < 1/10) = erf(0.1/√2); P(|z| > t) with t such that
// E[z²; |z| > t] = 0.9, which is the 0.1 quantile of χ² with three degrees of freedom, t² = 0.58437; and 1 − √(2/π).
var gaussian = struct{ small, hold, hoyer float64 }{
	math.Erf(0.1 / math.Sqrt2), math.Erfc(math.Sqrt(0.58437 / 2)), 1 - math.Sqrt(2/math.Pi),
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

// profile is Sparsity of one picture.
type profile struct {
	energy, nearZero, nearTwo, small, hold, hoyer float64
	histogram, shape                              [histogramBins]float64
}

// newProfile measures a residual. One without any value but 0 counts as the sparsest there is.
func newProfile(values []float64) profile {
	m := magnitudes(values)
	n := float64(len(m))
	p := profile{energy: energy(values), nearZero: below(m, pictureStep/2), nearTwo: below(m, 2*pictureStep)}
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

// sparsity returns the means of the profiles of the pictures' residuals after so many stages.
func sparsity(system string, stage int, profiles []profile) Sparsity {
	s := Sparsity{System: system, Stage: stage, Histogram: make([]float64, histogramBins), Shape: make([]float64, histogramBins)}
	n := float64(len(profiles))
	for _, p := range profiles {
		s.Energy += p.energy / n
		s.NearZero += p.nearZero / n
		s.NearTwo += p.nearTwo / n
		s.Small += p.small / n
		s.Hold += p.hold / n
		s.Hoyer += p.hoyer / n
		for i := range histogramBins {
			s.Histogram[i] += p.histogram[i] / n
			s.Shape[i] += p.shape[i] / n
		}
	}
	s.RMS = math.Sqrt(s.Energy)
	return s
}

// bin returns the bin of a histogram that a magnitude is in.
func bin(v float64) int {
	return max(0, min(histogramBins-1, int(math.Floor(binsPerDecade*(math.Log10(max(v, 1e-300))-lowestDecade)))))
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

// magnitudes returns those of values, in ascending order.
func magnitudes(values []float64) []float64 {
	m := make([]float64, len(values))
	for i, v := range values {
		m[i] = math.Abs(v)
	}
	slices.Sort(m)
	return m
}
