package ear

import "math"

// Powers of two and their logarithms, within 1e-9 of math.Exp2 (relative) and math.Log2 (absolute) and some times as fast, since a table takes
// them most of the way and a polynomial the rest. Every product is rounded, so that all machines arrive at the same bits.

const (
	fineness = 7 // bits of the fraction that the tables tell apart
	steps    = 1 << fineness
)

// exponentials[i] is 2^(i/steps).
var exponentials = func() (t [steps]float64) {
	for i := range t {
		t[i] = math.Exp2(float64(i) / steps)
	}
	return t
}()

// logarithms has, for the middle of each step from 1 to 2, its inverse and its logarithm.
var logarithms = func() (t [steps]struct{ inverse, log float64 }) {
	for i := range t {
		t[i].inverse = 1 / (1 + (float64(i)+0.5)/steps)
		t[i].log = -math.Log2(t[i].inverse)
	}
	return t
}()

// exp2 returns 2^x, for x from -1000 to 1000; beyond, what it returns for the nearest of these.
func exp2(x float64) float64 {
	x = max(-1000, min(x, 1000))
	scaled := float64(x * steps)
	n := math.Floor(scaled)
	r := (scaled - n) * (math.Ln2 / steps)
	p := 1 + float64(r*(1+float64(r*(0.5+float64(r*(1.0/6))))))
	i := int64(n)
	return math.Float64frombits(uint64(1023+i>>fineness)<<52) * float64(exponentials[i&(steps-1)]*p)
}

// log2 returns the binary logarithm of a positive number that is not subnormal.
func log2(x float64) float64 {
	b := math.Float64bits(x)
	t := &logarithms[b>>(52-fineness)&(steps-1)]
	r := float64(math.Float64frombits(b&(1<<52-1)|1023<<52)*t.inverse) - 1
	p := float64(r * (1 - float64(r*(0.5-float64(r*(1.0/3-float64(r*0.25)))))))
	return float64(int64(b>>52)-1023) + (t.log + float64(p*math.Log2E))
}
