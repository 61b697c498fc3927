package features

import (
	"fmt"
	"math"
	"slices"
)

// Depths are those of the deepest holes: levels that are means of the logarithms of cells. Over cells of noise alone they are precise, and what
// is loud now and then hardly raises them. They are in dB relative to the noise of rounding.

// depthKind is a set of levels of which low quantiles are taken.
type depthKind struct {
	name   string
	shares []float64 // in percent
}

var depthKinds = []depthKind{
	{"of bins", []float64{0, 1, 3, 10, 30}}, // at all times
	{"of bins in quiet frames", []float64{0, 1, 3, 10, 30}},
	{"of blocks", []float64{0.2, 1, 3, 10, 30}},
	{"of frames", []float64{0, 5, 20}},
}

// A depth is a feature itself, and so is how near it is to each of some marks, since it takes more than a line to say that a hole is
// either filled or as deep as rounding leaves it.
const (
	firstMark = -1.0 // dB
	marks     = 15
	apart     = 1.5 // dB
)

func depthNames() []string {
	var names []string
	for _, kind := range depthKinds {
		for _, s := range kind.shares {
			name := fmt.Sprintf("depth %s %g %%", kind.name, s)
			names = append(names, name)
			for k := range marks {
				names = append(names, fmt.Sprintf("%s near %g dB", name, firstMark+apart*float64(k)))
			}
		}
	}
	return names
}

// Blocks of the time-frequency plane, in bins and frames.
const (
	blockBins   = 8
	blockFrames = 4
)

// depths adds the low quantiles of all kinds.
func (e *Extractor) depths([]int16) {
	n := len(e.frames)
	e.logs = rows(e.logs, n)
	levels := make([]float64, n) // of frames
	// The mean logarithm of an exponentially distributed value is γ below that of its mean.
	const gamma = 0.5772156649015329
	unit := math.Log(rounding) - gamma
	for t, p := range e.frames {
		for k, v := range p {
			e.logs[t][k] = 10 / math.Ln10 * (math.Log(v+1e-4) - unit)
		}
		levels[t] = mean(e.logs[t][lowest : bins-1])
	}
	sorted := slices.Sorted(slices.Values(levels))
	limit := sorted[n/5]
	e.binDepths(levels, math.Inf(1), depthKinds[0])
	e.binDepths(levels, limit, depthKinds[1])
	e.sorted = e.sorted[:0]
	for t := 0; t+blockFrames <= n; t += blockFrames / 2 {
		for k := lowest; k+blockBins < bins; k += blockBins / 2 {
			sum := 0.0
			for _, p := range e.logs[t : t+blockFrames] {
				sum += mean(p[k : k+blockBins])
			}
			e.sorted = append(e.sorted, sum/blockFrames)
		}
	}
	e.marked(depthKinds[2])
	e.sorted = append(e.sorted[:0], levels...)
	e.marked(depthKinds[3])
}

// lowest is the first bin that is looked at: below it, windows let the mean through.
const lowest = 2

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// binDepths adds the depths of bins over frames up to a level.
func (e *Extractor) binDepths(levels []float64, limit float64, kind depthKind) {
	clear(e.spectrum)
	count := 0.0
	for t, p := range e.logs {
		if levels[t] > limit {
			continue
		}
		count++
		for k, v := range p {
			e.spectrum[k] += v
		}
	}
	const side = 2
	e.sorted = e.sorted[:0]
	for k := lowest + side; k+side < bins-1; k++ {
		e.sorted = append(e.sorted, mean(e.spectrum[k-side:k+side+1])/count)
	}
	e.marked(kind)
}

// marked adds the quantiles of what is in sorted, which it sorts, and how near they are to the marks.
func (e *Extractor) marked(kind depthKind) {
	slices.Sort(e.sorted)
	for _, s := range kind.shares {
		v := quantile(e.sorted, s/100)
		e.add(v)
		for k := range marks {
			e.add(max(0, 1-math.Abs(v-firstMark-apart*float64(k))/apart))
		}
	}
}
