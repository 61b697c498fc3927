package turbo

import "math"

// Log-likelihoods enter the decoder as integers, metricScale to the unit (nat), at most maxMetric. A path's metric adds at
// most four of them at each of at most MaxK+3 steps, 2²⁹ in all, so metrics fit 32 bits without normalisation.
const (
	metricScale = 64
	maxMetric   = 1<<13 - 1
)

// Decoder decodes one block at a time in memory that it keeps. It is not safe for concurrent use.
type Decoder struct {
	code *Code

	info     []int32    // [K] likelihoods of the information bits
	learnt   [2][]int32 // [constituent][K] what each constituent adds, in the order of info
	input    []int32    // [K+3] likelihoods of the inputs of a constituent, what it added itself left out
	output   []int32    // [K] what it adds, in its own order
	ends     [2][memory]int32
	branches [2][][4]int32 // [constituent][K+3] 0, n0+n1, n0 and n1
	backward [][8]int32    // [K+3] metrics of the states after each step, from the end
	trellis  trellis
}

// NewDecoder returns a decoder for c.
func NewDecoder(c *Code) *Decoder {
	d := &Decoder{trellis: fastest()}
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
		d.branches[i] = resize(d.branches[i], steps)
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
		for t := range d.branches[i] {
			n0, n1 := metric(llr[c.first[i][t]]), metric(llr[c.second[i][t]])
			d.branches[i][t] = [4]int32{0, n0 + n1, n0, n1}
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
	v := float64(max(-maxMetric, min(maxMetric, x*metricScale)))
	return int32(v + math.Copysign(0.5, v)) // rounded, as math.Round does in more time
}

func decide(x int32) byte { return byte(uint32(-x) >> 31) }

// constituent decodes constituent i: from d.input and the parities it computes d.output, the log-likelihood of each
// information bit given all else but d.input of that bit (Bahl, Cocke, Jelinek and Raviv 1974, with logarithms of
// probabilities).
func (d *Decoder) constituent(i int, by correction) {
	copy(d.input[d.code.k:], d.ends[i][:])
	d.trellis.backward(d.backward, d.input, d.branches[i], by)
	d.trellis.forward(d.output, d.backward, d.input, d.branches[i], by)
}
