package dsp

// Autocorrelation writes r[k] = Σ_n x[n]·x[n+k] for 0 ≤ k < len(r), x being zero beyond its ends.
func Autocorrelation(r, x []float64) {
	// Four lags at a time share what they load.
	k := 0
	for ; k+4 <= len(r) && k+3 < len(x); k += 4 {
		n := len(x) - k - 3
		v, y := x[:n], x[k:][:n+3]
		var a, b, c, d float64
		for i, s := range v {
			a += s * y[i]
			b += s * y[i+1]
			c += s * y[i+2]
			d += s * y[i+3]
		}
		for i := n; i < n+3; i++ {
			a += x[i] * y[i]
			if i < n+2 {
				b += x[i] * y[i+1]
			}
			if i < n+1 {
				c += x[i] * y[i+2]
			}
		}
		r[k], r[k+1], r[k+2], r[k+3] = a, b, c, d
	}
	for ; k < len(r); k++ {
		r[k] = 0
		for i := k; i < len(x); i++ {
			r[k] += x[i-k] * x[i]
		}
	}
}

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
