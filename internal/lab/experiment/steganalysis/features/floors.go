package features

import (
	"fmt"
	"math"
	"slices"
)

// Shares of frames or cells whose levels are features, in percent.
var (
	blockShares = []float64{1, 3, 5, 10, 20, 35, 50, 75}
	bandShares  = []float64{1, 10, 25, 50}
	cellShares  = []float64{1, 5, 10, 25, 50}
)

// bands is the number of equally wide bands for noise floors.
const bands = 32

// floorBlock is the number of samples whose energies are the floors of residuals.
const floorBlock = 256

func floorNames() []string {
	var names []string
	for _, r := range residualNames {
		for _, share := range blockShares {
			names = append(names, fmt.Sprintf("floor %s %g %%", r, share))
		}
	}
	for b := range bands {
		for _, share := range bandShares {
			names = append(names, fmt.Sprintf("floor band %d %g %%", b, share))
		}
	}
	return names
}

// floors adds low quantiles of the energies of residuals and of bands, in dB.
func (e *Extractor) floors([]int16) {
	for _, r := range e.residual {
		e.sorted = e.sorted[:0]
		for from := floorBlock; from+floorBlock <= len(r); from += floorBlock {
			e.sorted = append(e.sorted, decibels(energy(r[from:][:floorBlock])/floorBlock))
		}
		e.quantiles(blockShares)
	}
	for b := range bands {
		from, to := 1+b*(bins-1)/bands, 1+(b+1)*(bins-1)/bands
		e.sorted = e.sorted[:0]
		for _, p := range e.frames {
			sum := 0.0
			for _, v := range p[from:to] {
				sum += v
			}
			e.sorted = append(e.sorted, decibels(sum/float64(to-from)))
		}
		e.quantiles(bandShares)
	}
}

// quantiles adds those of what is in sorted, which it sorts.
func (e *Extractor) quantiles(shares []float64) {
	slices.Sort(e.sorted)
	for _, s := range shares {
		e.add(quantile(e.sorted, s/100))
	}
}

// quefrencies is the number of coefficients of a cepstrum.
const quefrencies = 20

var cepstrumKinds = []string{"mean", "deviation", "of quiet frames", "of the floor"}

func cepstrumNames() []string {
	var names []string
	for _, kind := range cepstrumKinds {
		for k := range quefrencies {
			names = append(names, fmt.Sprintf("cepstrum %s %d", kind, k))
		}
	}
	return names
}

// cepstra adds statistics of the cosine transforms of smoothed spectra in dB.
func (e *Extractor) cepstra([]int16) {
	n := len(e.smooth)
	all := make([][quefrencies]float64, n)
	levels := make([]float64, n)
	for t, p := range e.smooth {
		for k, v := range p {
			e.spectrum[k] = decibels(v)
			levels[t] += e.spectrum[k]
		}
		cepstrum(&all[t], e.spectrum)
	}
	e.sorted = append(e.sorted[:0], levels...)
	slices.Sort(e.sorted)
	limit := e.sorted[n/5]
	var mean, square, still [quefrencies]float64
	count := 0.0
	for t, c := range all {
		low := levels[t] <= limit
		if low {
			count++
		}
		for k, v := range c {
			mean[k] += v / float64(n)
			square[k] += v * v / float64(n)
			if low {
				still[k] += v
			}
		}
	}
	e.add(mean[:]...)
	for k := range square {
		e.add(math.Sqrt(max(0, square[k]-mean[k]*mean[k])))
	}
	for _, v := range still {
		e.add(v / count)
	}
	for k := range e.spectrum {
		e.sorted = e.sorted[:0]
		for _, p := range e.smooth {
			e.sorted = append(e.sorted, p[k])
		}
		slices.Sort(e.sorted)
		e.spectrum[k] = decibels(quantile(e.sorted, 0.1))
	}
	var floor [quefrencies]float64
	cepstrum(&floor, e.spectrum)
	e.add(floor[:]...)
}

var cosines = func() (c [quefrencies][bins]float64) {
	for q := range c {
		for k := range c[q] {
			c[q][k] = math.Cos(math.Pi*float64(q)*(float64(k)+0.5)/bins) / bins
		}
	}
	return c
}()

// cepstrum is the cosine transform of a spectrum in dB, divided by the number of its bins.
func cepstrum(dst *[quefrencies]float64, spectrum []float64) {
	for q := range dst {
		sum := 0.0
		for k, v := range spectrum {
			sum += v * cosines[q][k]
		}
		dst[q] = sum
	}
}

// holeBands is the number of equally wide bands in which holes are looked for.
const holeBands = 15

// rounding is the variance of the noise of rounding to whole numbers.
const rounding = 1.0 / 12

// holeLimits are the levels below which a cell is a hole, in units of rounding.
var holeLimits = []float64{1.5, 3, 6, 12, 48}

func holeNames() []string {
	var names []string
	for b := range holeBands {
		for _, s := range cellShares {
			names = append(names, fmt.Sprintf("hole %d %g %%", b, s))
		}
		for _, l := range holeLimits {
			names = append(names, fmt.Sprintf("hole %d below %g", b, l))
		}
		names = append(names, fmt.Sprintf("hole %d depth", b), fmt.Sprintf("hole %d raw", b))
	}
	return names
}

// holes adds, for every band, quantiles of the levels of its cells in dB, the square roots of the shares of cells that are holes, the depth,
// which is the level of (mean S⁻²)^(−½) as holes alone count for it, and a low quantile of the cells as they are before smoothing.
func (e *Extractor) holes([]int16) {
	for b := range holeBands {
		from, to := 6+b*(bins-8)/holeBands, 6+(b+1)*(bins-8)/holeBands
		e.sorted = e.sorted[:0]
		depth := 0.0
		for _, p := range e.smooth {
			for _, v := range p[from:to] {
				v += 1e-3
				depth += 1 / (v * v)
				e.sorted = append(e.sorted, v)
			}
		}
		slices.Sort(e.sorted)
		for _, s := range cellShares {
			e.add(decibels(quantile(e.sorted, s/100)))
		}
		for _, l := range holeLimits {
			below, _ := slices.BinarySearch(e.sorted, l*rounding)
			e.add(math.Sqrt(float64(below) / float64(len(e.sorted))))
		}
		e.add(-5 * math.Log10(depth/float64(len(e.sorted))))
		e.sorted = e.sorted[:0]
		for _, p := range e.frames {
			e.sorted = append(e.sorted, p[from:to]...)
		}
		slices.Sort(e.sorted)
		e.add(decibels(quantile(e.sorted, 0.1)))
	}
}
