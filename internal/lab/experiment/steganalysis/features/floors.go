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

// rounding is the variance of the noise of rounding to whole numbers.
const rounding = 1.0 / 12

// holeBands is the number of equally wide bands in which holes are looked for.
const holeBands = 15

// Levels below which a cell is a hole, in units of rounding: of all cells, and of those of a band.
var (
	allLimits = func() (l []float64) {
		for dB := -2.0; dB < 22; dB += 1.25 {
			l = append(l, math.Pow(10, dB/10))
		}
		return l
	}()
	bandLimits = []float64{1.3, 1.8, 2.5, 3.5, 5, 7, 10, 20, 50}
	holeShares = []float64{1, 10}
)

func holeNames() []string {
	var names []string
	for _, cells := range []string{"still", "brief"} {
		for _, l := range allLimits {
			names = append(names, fmt.Sprintf("hole %s below %.1f", cells, l))
		}
	}
	for b := range holeBands {
		for _, l := range bandLimits {
			names = append(names, fmt.Sprintf("hole %d below %g", b, l))
		}
		for _, s := range holeShares {
			names = append(names, fmt.Sprintf("hole %d %g %%", b, s))
		}
		names = append(names, fmt.Sprintf("hole %d depth", b))
	}
	for _, s := range holeShares {
		for _, of := range []string{"least", "mean", "deviation", "most"} {
			names = append(names, fmt.Sprintf("hole bands %g %% %s", s, of))
		}
	}
	for _, half := range []string{"all", "upper"} {
		for _, s := range flatShares {
			names = append(names, fmt.Sprintf("hole flatness %s %g %%", half, s))
		}
	}
	return names
}

var flatShares = []float64{5, 25, 50, 75, 95, 99}

// holes adds the square roots of the shares of cells that are holes, with cells smoothed over bins and three frames or over bins alone; for every band, the same, low quantiles of
// the levels in dB, and the depth, which is the level of (mean S⁻²)^(−½), for which holes alone count; how these quantiles differ from band to band;
// and quantiles of the flatness of frames, which white noise raises.
func (e *Extractor) holes([]int16) {
	n := len(e.smooth)
	e.still = rows(e.still, n)
	for t := range n {
		a, b, c := e.smooth[max(0, t-1)], e.smooth[t], e.smooth[min(n-1, t+1)]
		for k := range bins {
			e.still[t][k] = (a[k] + b[k] + c[k]) / 3
		}
	}
	for _, cells := range [][][]float64{e.still, e.smooth} {
		e.sorted = e.sorted[:0]
		for _, p := range cells {
			for _, v := range p[6 : bins-2] {
				if v < allLimits[len(allLimits)-1]*rounding {
					e.sorted = append(e.sorted, v)
				}
			}
		}
		e.shares(allLimits, n*(bins-8))
	}
	var levels [2][holeBands]float64
	for b := range holeBands {
		from, to := 6+b*(bins-8)/holeBands, 6+(b+1)*(bins-8)/holeBands
		e.sorted = e.sorted[:0]
		depth := 0.0
		for _, p := range e.still {
			for _, v := range p[from:to] {
				v += 1e-3
				depth += 1 / (v * v)
				e.sorted = append(e.sorted, v)
			}
		}
		e.shares(bandLimits, len(e.sorted))
		for i, s := range holeShares {
			levels[i][b] = decibels(quantile(e.sorted, s/100))
			e.add(levels[i][b])
		}
		e.add(-5 * math.Log10(depth/float64(len(e.sorted))))
	}
	for i := range holeShares {
		l := levels[i][:]
		var mean, square float64
		for _, v := range l {
			mean += v / holeBands
			square += v * v / holeBands
		}
		e.add(slices.Min(l), mean, math.Sqrt(max(0, square-mean*mean)), slices.Max(l))
	}
	for half := range 2 {
		e.sorted = e.sorted[:0]
		for _, p := range e.smooth {
			var sum, logs float64
			p = p[6+half*bins/2 : bins-2]
			for _, v := range p {
				sum += v + 1e-3
				logs += math.Log10(v + 1e-3)
			}
			m := float64(len(p))
			e.sorted = append(e.sorted, 10*(logs/m-math.Log10(sum/m)))
		}
		slices.Sort(e.sorted)
		for _, s := range flatShares {
			e.add(quantile(e.sorted, s/100))
		}
	}
}

// shares sorts what is in sorted and adds the square roots of the shares below limits, of a total.
func (e *Extractor) shares(limits []float64, total int) {
	slices.Sort(e.sorted)
	for _, l := range limits {
		below, _ := slices.BinarySearch(e.sorted, l*rounding)
		e.add(math.Sqrt(float64(below) / float64(total)))
	}
}
