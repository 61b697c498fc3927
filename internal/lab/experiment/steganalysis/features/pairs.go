package features

import (
	"math"
	"math/cmplx"
)

// near is the magnitude up to which the histogram of samples is looked at, in LSB: beyond there are too few of each.
const near = 256

var pairStatistics = []string{
	"Westfeld", "Westfeld near 0", "Westfeld shifted", "sample pairs", "sample pairs in quiet places", "odd", "odd in quiet places", "equal bits",
	"equal bits in quiet places", "equal neighbours", "roughness 1", "roughness 2", "centre of mass", "centre of mass halved", "zeros", "clipped",
}

func pairNames() []string {
	var names []string
	for _, s := range pairStatistics {
		names = append(names, "pairs "+s)
	}
	return names
}

// pairs adds statistics of the lowest bits and of the histogram of samples.
func (e *Extractor) pairs(x []int16) {
	clear(e.values)
	for _, v := range x {
		e.values[int(v)+1<<15]++
	}
	h := func(v int) float64 { return float64(e.values[v+1<<15]) }
	e.add(westfeld(h, near, 0), westfeld(h, 16, 0), westfeld(h, near, 1))
	e.add(e.samplePairs(x, false), e.samplePairs(x, true))
	for _, still := range []bool{false, true} {
		e.add(e.share(x, still, func(_, b int16) bool { return b&1 == 1 }))
	}
	for _, still := range []bool{false, true} {
		e.add(e.share(x, still, func(a, b int16) bool { return a&1 == b&1 }))
	}
	e.add(e.share(x, true, func(a, b int16) bool { return a == b }))
	// How rough is the histogram?
	for order := 1; order <= 2; order++ {
		sum, total := 0.0, 1.0
		for v := -near; v < near; v++ {
			d := h(v+1) - h(v)
			if order == 2 {
				d = h(v) - (h(v-1)+h(v+1))/2
			}
			sum += d * d / (h(v) + h(v+1) + 1)
			total++
		}
		e.add(math.Log(sum/total + 1e-3))
	}
	e.add(centre(h, 1), centre(h, 2))
	zeros, clipped := h(0), h(math.MinInt16)+h(math.MaxInt16)
	e.add(math.Sqrt(zeros/float64(len(x))), math.Sqrt(clipped/float64(len(x))))
}

// westfeld is how far values of a pair (2k, 2k + 1) are from equally frequent, the χ² of a degree of freedom, as its logarithm. LSB
// replacement brings it to 1. Shifted pairs are (2k + 1, 2k + 2).
func westfeld(h func(v int) float64, most, shift int) float64 {
	sum, n := 0.0, 1.0
	for v := -most + shift; v < most; v += 2 {
		if a, b := h(v), h(v+1); a+b > 8 {
			sum += (a - b) * (a - b) / (a + b)
			n++
		}
	}
	return math.Log(sum/n + 1e-3)
}

// samplePairs estimates the share p of the lowest bits that were replaced, within −1 and 2, by the sample pairs of Dumitrescu, Wu and Wang: the
// root next to 0 of ½γp² + (2|X| − |P|)p + |Y| − |X| = 0. Of all neighbours P, X are those (u, v) with an even v > u or an odd v < u, and Y the
// others that differ; in covers both are equally frequent. γ is how many are equal or
// differ in the lowest bit alone.
func (e *Extractor) samplePairs(x []int16, still bool) float64 {
	var nx, ny, nz, nw float64
	for i := 1; i < len(x); i++ {
		if still && (i/block >= len(e.quiet) || !e.quiet[i/block]) {
			continue
		}
		u, v := int(x[i-1]), int(x[i])
		switch {
		case u == v:
			nz++
		case u>>1 == v>>1:
			nw++
			ny++
		case v&1 == 0 && u < v || v&1 == 1 && u > v:
			nx++
		default:
			ny++
		}
	}
	a, b, c := (nw+nz)/2, 2*nx-(nx+ny+nz), ny-nx
	if a == 0 {
		return 0
	}
	root := b*b - 4*a*c
	if root < 0 {
		return max(-1, min(2, -b/(2*a)))
	}
	p, q := (-b-math.Sqrt(root))/(2*a), (-b+math.Sqrt(root))/(2*a)
	if math.Abs(q) < math.Abs(p) {
		p = q
	}
	return max(-1, min(2, p))
}

// share is that of pairs of neighbours, in quiet places or everywhere.
func (e *Extractor) share(x []int16, still bool, is func(a, b int16) bool) float64 {
	count, total := 0, 1
	for i := 1; i < len(x); i++ {
		if still && (i/block >= len(e.quiet) || !e.quiet[i/block]) {
			continue
		}
		total++
		if is(x[i-1], x[i]) {
			count++
		}
	}
	return float64(count) / float64(total)
}

// turns is the number of frequencies at which the spectrum of the histogram is looked at.
const turns = 32

// centre is the centre of mass of the histogram's spectrum, of values divided by a number, 0 to 1. Noise of ±1 lowers it.
func centre(h func(v int) float64, divisor int) float64 {
	var sum, total float64
	for k := 1; k <= turns; k++ {
		c := complex(0, 0)
		for v := -near; v < near; v++ {
			if n := h(v); n > 0 {
				at := math.Floor(float64(v) / float64(divisor))
				c += complex(n, 0) * cmplx.Rect(1, math.Pi*at*float64(k)/turns)
			}
		}
		sum += float64(k) / turns * cmplx.Abs(c)
		total += cmplx.Abs(c)
	}
	if total == 0 {
		return 0
	}
	return sum / total
}
