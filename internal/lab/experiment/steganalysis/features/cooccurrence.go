package features

import (
	"fmt"
	"math"
	"slices"
)

// Places in a recording.
const (
	quiet = iota
	loud
	places
)

var placeNames = [places]string{"quiet", "loud"}

// pattern is how consecutive values of a residual are counted: as many at a time, each as one of −limit to limit.
type pattern struct {
	values, limit int
	class         []int // of every combination
	classes       int
}

// A pattern counts combinations as one that differ in the sign or the direction of time, for neither of which noise cares.
func newPattern(values, limit int) *pattern {
	side := 2*limit + 1
	n := 1
	for range values {
		n *= side
	}
	p := &pattern{values: values, limit: limit, class: make([]int, n)}
	digits := make([]int, values)
	for code := range n {
		for i, c := 0, code; i < values; i, c = i+1, c/side {
			digits[i] = c % side
		}
		least := code
		for _, twin := range []func(i int) int{
			func(i int) int { return side - 1 - digits[i] },
			func(i int) int { return digits[values-1-i] },
			func(i int) int { return side - 1 - digits[values-1-i] },
		} {
			other := 0
			for i := values - 1; i >= 0; i-- {
				other = other*side + twin(i)
			}
			least = min(least, other)
		}
		if least < code {
			p.class[code] = p.class[least]
			continue
		}
		p.class[code] = p.classes
		p.classes++
	}
	return p
}

// count adds to counts what there is of each class in a row of codes, −limit to limit, and returns how many combinations that are.
func (p *pattern) count(counts []float64, codes []int8) int {
	side := 2*p.limit + 1
	code, top := 0, len(p.class)/side
	for i, c := range codes {
		code = code/side + (int(c)+p.limit)*top
		if i >= p.values-1 {
			counts[p.class[code]]++
		}
	}
	return max(0, len(codes)-p.values+1)
}

// cooccurrence is one of the matrices.
type cooccurrence struct {
	residual int
	pattern  *pattern
	// adapted makes the step of the quantiser half of what is usual in the place, which shows the shape of its residuals and not their size.
	// Otherwise it is one LSB.
	adapted [places]bool
}

var cooccurrences = func() []cooccurrence {
	three, four := newPattern(3, 3), newPattern(4, 2)
	return []cooccurrence{
		{first, three, [places]bool{loud: true}},
		{second, three, [places]bool{loud: true}},
		{predicted, three, [places]bool{loud: true}},
		{second, four, [places]bool{quiet: true, loud: true}},
		{predicted, four, [places]bool{quiet: true, loud: true}},
	}
}()

func cooccurrenceNames() []string {
	var names []string
	for _, c := range cooccurrences {
		for place := range places {
			for k := range c.pattern.classes {
				names = append(names, fmt.Sprintf("co-occurrence of %d %s %s %d", c.pattern.values, residualNames[c.residual], placeNames[place], k))
			}
		}
	}
	return names
}

// cooccurrences adds the square roots of the shares of all classes, whose variances are alike.
func (e *Extractor) cooccurrences([]int16) {
	for _, c := range cooccurrences {
		for place := range places {
			step := 1.0
			if c.adapted[place] {
				step = max(1, e.usual(c.residual, place)/2)
			}
			counts := e.cleared(c.pattern.classes)
			total := 0
			for from, to := range e.runs(place) {
				total += c.pattern.count(counts, e.quantised(c.residual, from, to, step, c.pattern.limit))
			}
			for _, n := range counts {
				e.add(math.Sqrt(n / float64(max(total, 1))))
			}
		}
	}
}

// cleared returns n zeros.
func (e *Extractor) cleared(n int) []float64 {
	e.counts = slices.Grow(e.counts[:0], n)[:n]
	clear(e.counts)
	return e.counts
}

// quantised returns samples of a residual in steps, at most the limit.
func (e *Extractor) quantised(residual, from, to int, step float64, limit int) []int8 {
	e.codes = e.codes[:0]
	most := float64(limit)
	for _, v := range e.residual[residual][from:to] {
		e.codes = append(e.codes, int8(max(-most, min(most, math.RoundToEven(v/step)))))
	}
	return e.codes
}

// runs are the stretches of blocks of a kind, from sample to sample, without the first block, for which there is no prediction.
func (e *Extractor) runs(place int) func(yield func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		for b := 1; b < len(e.quiet); {
			end := b
			for end < len(e.quiet) && e.quiet[end] == (place == quiet) {
				end++
			}
			if end > b && !yield(b*block, end*block) {
				return
			}
			b = max(end, b+1)
		}
	}
}

// usual is the root of the median energy of a block, for one sample.
func (e *Extractor) usual(residual, place int) float64 {
	e.sorted = e.sorted[:0]
	for from, to := range e.runs(place) {
		for ; from < to; from += block {
			e.sorted = append(e.sorted, energy(e.residual[residual][from:][:block]))
		}
	}
	if len(e.sorted) == 0 {
		return 0
	}
	slices.Sort(e.sorted)
	return math.Sqrt(e.sorted[len(e.sorted)/2] / block)
}

// histogram's values are 0 to tallest steps of one LSB and all beyond.
const tallest = 11

func histogramNames() []string {
	var names []string
	for _, r := range residualNames {
		for _, place := range placeNames {
			for k := range tallest + 1 {
				names = append(names, fmt.Sprintf("histogram %s %s %d", r, place, k))
			}
		}
	}
	return names
}

// histograms adds the square roots of the shares of the residuals' absolute values.
func (e *Extractor) histograms([]int16) {
	for r := range residuals {
		for place := range places {
			counts := e.cleared(tallest + 1)
			total := 0
			for from, to := range e.runs(place) {
				for _, c := range e.quantised(r, from, to, 1, tallest) {
					counts[max(c, -c)]++
				}
				total += to - from
			}
			for _, n := range counts {
				e.add(math.Sqrt(n / float64(max(total, 1))))
			}
		}
	}
}
