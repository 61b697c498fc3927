package dsp

// lanes is in how many sums an inner product is formed side by side.
const lanes = 16

// portableDot is the inner product of a and b, which are equally long. It defines the order of the sums, which is that of vectors, and
// that every product is rounded, so that all machines arrive at the same bits.
func portableDot(a, b []float64) float64 {
	var s [lanes]float64
	whole := len(a) / lanes * lanes
	const half = lanes / 2 // as many sums as processors keep in registers
	for first := 0; first < lanes; first += half {
		var s0, s1, s2, s3, s4, s5, s6, s7 float64
		for i := first; i < whole; i += lanes {
			x, y := a[i:i+half:i+half], b[i:i+half:i+half]
			s0 += float64(x[0] * y[0])
			s1 += float64(x[1] * y[1])
			s2 += float64(x[2] * y[2])
			s3 += float64(x[3] * y[3])
			s4 += float64(x[4] * y[4])
			s5 += float64(x[5] * y[5])
			s6 += float64(x[6] * y[6])
			s7 += float64(x[7] * y[7])
		}
		*(*[half]float64)(s[first:]) = [half]float64{s0, s1, s2, s3, s4, s5, s6, s7}
	}
	a, b = a[whole:], b[whole:]
	for i, v := range a {
		s[i] += float64(v * b[i])
	}
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			s[i] += s[i+n]
		}
	}
	return s[0]
}
