package turbo

import "math"

// Log-likelihoods enter the decoder as integers, metricScale to the unit (nat), at most maxMetric. A path's metric adds at
// most four of them at each of at most MaxK+3 steps, 2²⁹ in all, so metrics fit 32 bits without normalisation.
const (
	metricScale = 64
	maxMetric   = 1<<13 - 1
)

// impossible is the metric of a state that a trellis can't be in. The states that it rules out have all been reached three
// steps later, when metrics differ by less than 2¹⁸, so it need not be lower than any metric there ever is.
const impossible = -1 << 22

// start holds the metrics of a trellis that is in state zero.
var start = [8]int32{0, impossible, impossible, impossible, impossible, impossible, impossible, impossible}

// Decoder decodes one block at a time in memory that it keeps. It is not safe for concurrent use.
type Decoder struct {
	code *Code

	info     []int32    // [K] likelihoods of the information bits
	learnt   [2][]int32 // [constituent][K] what each constituent adds, in the order of info
	input    []int32    // [K+3] likelihoods of the inputs of a constituent, what it added itself left out
	output   []int32    // [K] what it adds, in its own order
	ends     [2][memory]int32
	parities [2][][2]int32 // [constituent][K+3] n0 and n1
	backward [][8]int32    // [K+3] metrics of the states after each step, from the end
}

// NewDecoder returns a decoder for c.
func NewDecoder(c *Code) *Decoder {
	d := new(Decoder)
	d.Reset(c)
	return d
}

// Reset makes d a decoder for c, reusing memory where it suffices.
func (d *Decoder) Reset(c *Code) {
	d.code = c
	k, steps := c.k, c.k+memory
	d.info = resize(d.info, k)
	d.input = resize(d.input, steps)
	d.output = resize(d.output, k)
	d.backward = resize(d.backward, steps)
	for i := range 2 {
		d.learnt[i] = resize(d.learnt[i], k)
		d.parities[i] = resize(d.parities[i], steps)
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Decode writes the most likely information bits, K bytes of 0 or 1, to info. llr[i] is ln P(1)/P(0) of position i of the
// mother codeword, Len of them, 0 if it was never received; NaN counts as 0, and beyond ±128 all are alike.
//
// It tries the received information bits first and then iterates up to the given number of times. If that fails it starts again and
// iterates at most as often in a way that does not depend on the scale of llr, for senders of likelihoods that misjudge the
// noise. It stops as soon as check, given info, reports true, and returns whether one did. If check is nil it stops when
// an iteration changes no bit, and returns whether one did not.
func (d *Decoder) Decode(info []byte, llr []float32, iterations int, check func(info []byte) bool) bool {
	c := d.code
	info, llr = info[:c.k], llr[:c.Len()]
	for i, p := range c.info {
		d.info[i] = metric(llr[p])
		info[i] = decide(d.info[i])
	}
	if check != nil && check(info) {
		return true
	}
	for i := range 2 {
		for t := range d.parities[i] {
			d.parities[i][t] = [2]int32{metric(llr[c.first[i][t]]), metric(llr[c.second[i][t]])}
		}
		for t, p := range c.ends[i] {
			d.ends[i][t] = metric(llr[p])
		}
	}
	return d.iterate(info, iterations, exact, check) || d.iterate(info, iterations, scaleFree, check)
}

// rule is how the logarithm of a sum of exponentials is approximated.
type rule struct {
	correction correction
	trust      int32 // what a constituent adds is multiplied by trust/128 before the other one believes it
}

// exact is nearly the true sum; a trust of 118 or 120 was better than 108 and 128 with short blocks and no worse with
// long ones. scaleFree takes the greatest term for the sum, whatever the unit; that overstates, hence 3/4 (Vogt and Finger
// 2000). At the right scale exact is 0.1 dB better; given likelihoods half as large as they should be, it hardly decodes.
var (
	exact     = rule{correction: 40, trust: 120}
	scaleFree = rule{correction: 0, trust: 96}
)

// iterate lets the constituents learn from each other, from nothing, until check says that info is right.
func (d *Decoder) iterate(info []byte, iterations int, r rule, check func(info []byte) bool) bool {
	c := d.code
	for i := range d.learnt {
		clear(d.learnt[i])
	}
	for n := range iterations {
		for j, x := range d.info {
			d.input[j] = x + d.learnt[1][j]
		}
		d.constituent(0, r.correction)
		for j, x := range d.output {
			d.learnt[0][j] = r.tame(x)
		}
		// Where hardly anything went wrong one constituent puts it right. Later its word would only be one more chance to be wrong.
		if n == 0 && check != nil {
			for j, x := range d.info {
				info[j] = decide(x + d.learnt[0][j] + d.learnt[1][j])
			}
			if check(info) {
				return true
			}
		}

		for t, j := range c.perm {
			d.input[t] = d.info[j] + d.learnt[0][j]
		}
		d.constituent(1, r.correction)
		for t, j := range c.perm {
			d.learnt[1][j] = r.tame(d.output[t])
		}

		settled := true
		for j, x := range d.info {
			b := decide(x + d.learnt[0][j] + d.learnt[1][j])
			settled = settled && b == info[j]
			info[j] = b
		}
		if check != nil {
			settled = check(info)
		}
		if settled {
			return true
		}
	}
	return false
}

func (r rule) tame(x int32) int32 {
	// Metrics of a whole path may be too large for the product.
	x = max(-2*maxMetric, min(2*maxMetric, x))
	return max(-maxMetric, min(maxMetric, x*r.trust>>7))
}

func metric(x float32) int32 {
	if x != x {
		return 0
	}
	return int32(math.Round(float64(max(-maxMetric, min(maxMetric, x*metricScale)))))
}

func decide(x int32) byte { return byte(uint32(-x) >> 31) }

// constituent decodes constituent i: from d.input and the parities it computes d.output, the log-likelihood of each
// information bit given all else but d.input of that bit (Bahl, Cocke, Jelinek and Raviv 1974, with logarithms of
// probabilities).
//
// A state has the newest cell in bit 0. A branch weighs the likelihoods of those of its input, n0 and n1 that are 1. The
// two branches that leave a state differ in all three:
//
//	state         0    1    2    3    4    5    6    7
//	input 0, to   0    2    5    7    1    3    4    6
//	    parities  –  n0,n1 n0   n1    –  n0,n1 n0   n1
//	input 1, to   1    3    4    6    0    2    5    7
//	    parities n0,n1 –   n1   n0  n0,n1  –   n1   n0
func (d *Decoder) constituent(i int, by correction) {
	k := d.code.k
	steps := k + memory
	x := d.input[:steps]
	copy(x[k:], d.ends[i][:])
	par := d.parities[i][:steps]

	b0, b1, b2, b3, b4, b5, b6, b7 := start[0], start[1], start[2], start[3], start[4], start[5], start[6], start[7]
	beta := d.backward[:steps]
	for t := steps - 1; t >= 0; t-- {
		beta[t] = [8]int32{b0, b1, b2, b3, b4, b5, b6, b7}
		in, p0, p1 := x[t], par[t][0], par[t][1]
		both := p0 + p1
		inAll, in0, in1 := in+both, in+p0, in+p1
		n0 := by.sum(b0, b1+inAll)
		n1 := by.sum(b2+both, b3+in)
		n2 := by.sum(b5+p0, b4+in1)
		n3 := by.sum(b7+p1, b6+in0)
		n4 := by.sum(b1, b0+inAll)
		n5 := by.sum(b3+both, b2+in)
		n6 := by.sum(b4+p0, b5+in1)
		n7 := by.sum(b6+p1, b7+in0)
		b0, b1, b2, b3, b4, b5, b6, b7 = n0, n1, n2, n3, n4, n5, n6, n7
	}

	out := d.output[:k]
	a0, a1, a2, a3, a4, a5, a6, a7 := start[0], start[1], start[2], start[3], start[4], start[5], start[6], start[7]
	for t := range out {
		in, p0, p1 := x[t], par[t][0], par[t][1]
		b := &beta[t]
		both := p0 + p1
		// Branches of input 0 and 1 out of each state, without the input.
		z0, o0 := a0, a0+both
		z1, o1 := a1+both, a1
		z2, o2 := a2+p0, a2+p1
		z3, o3 := a3+p1, a3+p0
		z4, o4 := a4, a4+both
		z5, o5 := a5+both, a5
		z6, o6 := a6+p0, a6+p1
		z7, o7 := a7+p1, a7+p0
		zero := by.sum(
			by.sum(by.sum(z0+b[0], z1+b[2]), by.sum(z2+b[5], z3+b[7])),
			by.sum(by.sum(z4+b[1], z5+b[3]), by.sum(z6+b[4], z7+b[6])))
		one := by.sum(
			by.sum(by.sum(o0+b[1], o1+b[3]), by.sum(o2+b[4], o3+b[6])),
			by.sum(by.sum(o4+b[0], o5+b[2]), by.sum(o6+b[5], o7+b[7])))
		out[t] = one - zero
		a0 = by.sum(z0, o4+in)
		a1 = by.sum(z4, o0+in)
		a2 = by.sum(z1, o5+in)
		a3 = by.sum(z5, o1+in)
		a4 = by.sum(z6, o2+in)
		a5 = by.sum(z2, o6+in)
		a6 = by.sum(z7, o3+in)
		a7 = by.sum(z3, o7+in)
	}
}

// correction is how much the logarithm of the sum of two equal exponentials exceeds either exponent, metricScale to the unit.
type correction int32

// sum approximates ln(eᵃ+eᵇ) by max(a,b) + max(0, c − |a−b|/4). A correction of 0.62 units, 40, comes within 0.08 units of it
// (Valenti and Sun 2001); one of 0 gives the greater of the two.
func (c correction) sum(a, b int32) int32 {
	d := a - b
	s := d >> 31
	return max(a, b) + max(0, int32(c)-(d^s-s)>>2)
}
