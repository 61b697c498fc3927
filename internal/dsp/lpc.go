package dsp

// LPC writes to a the coefficients a[0] = 1, a[1], … of the filter A(z) = Σ a[i]·z⁻ⁱ that predicts a signal with the
// autocorrelation r best, A's output being the error, and returns that error's energy. It needs len(r) ≥ len(a), and uses
// Levinson's recursion (Makhoul, "Linear prediction: a tutorial review", Proc. IEEE 63, 1975). A has its zeros inside the unit
// circle. Where the signal is zero, or predicted perfectly with fewer coefficients, the remaining ones are 0.
func LPC(a, r []float64) float64 {
	clear(a)
	a[0] = 1
	e := r[0]
	for i := 1; i < len(a); i++ {
		if !(e > 0) {
			break
		}
		var sum float64
		for j := range i {
			sum += a[j] * r[i-j]
		}
		k := -sum / e
		if !(k > -1 && k < 1) {
			break
		}
		for j := 0; j <= i/2; j++ {
			p, q := a[j], a[i-j]
			a[j] = p + k*q
			if j != i-j {
				a[i-j] = q + k*p
			}
		}
		e *= 1 - k*k
	}
	return e
}
