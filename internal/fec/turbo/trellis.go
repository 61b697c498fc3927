package turbo

// trellis goes through the trellis of a constituent. Metrics of states are log-likelihoods, metricScale to the unit.
//
// A state has the newest cell in bit 0. A branch weighs the likelihoods of those of its input, n0 and n1 that are 1. The
// two branches that leave a state differ in all three:
//
//	state         0    1    2    3    4    5    6    7
//	input 0, to   0    2    5    7    1    3    4    6
//	    parities  –  n0,n1 n0   n1    –  n0,n1 n0   n1
//	input 1, to   1    3    4    6    0    2    5    7
//	    parities n0,n1 –   n1   n0  n0,n1  –   n1   n0
type trellis interface {
	// backward sets metrics[t] to those of the states after step t, given all that comes after it, for a trellis that ends in state
	// zero. input[t] is the log-likelihood of step t's input, branches[t] what the parities add to branches that have none, both, n0
	// or n1 of 1. All have the same length, at least 1.
	backward(metrics [][8]int32, input []int32, branches [][4]int32, by correction)
	// forward sets output to the log-likelihoods of the inputs, at least one, given all else, for a trellis that begins in state zero.
	forward(output []int32, metrics [][8]int32, input []int32, branches [][4]int32, by correction)
}

// impossible is the metric of a state that a trellis can't be in. The states that it rules out have all been reached three
// steps later, when metrics differ by less than 2¹⁸, so it need not be lower than any metric there ever is.
const impossible = -1 << 22

// start holds the metrics of a trellis that is in state zero.
var start = [8]int32{0, impossible, impossible, impossible, impossible, impossible, impossible, impossible}

// portable is a trellis in Go.
type portable struct{}

func (portable) backward(metrics [][8]int32, input []int32, branches [][4]int32, by correction) {
	b0, b1, b2, b3, b4, b5, b6, b7 := start[0], start[1], start[2], start[3], start[4], start[5], start[6], start[7]
	for t := len(metrics) - 1; t >= 0; t-- {
		metrics[t] = [8]int32{b0, b1, b2, b3, b4, b5, b6, b7}
		in, both, p0, p1 := input[t], branches[t][1], branches[t][2], branches[t][3]
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
}

func (portable) forward(output []int32, metrics [][8]int32, input []int32, branches [][4]int32, by correction) {
	a0, a1, a2, a3, a4, a5, a6, a7 := start[0], start[1], start[2], start[3], start[4], start[5], start[6], start[7]
	for t := range output {
		in, both, p0, p1 := input[t], branches[t][1], branches[t][2], branches[t][3]
		b := &metrics[t]
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
		output[t] = one - zero
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
