package dsp

// lanes is in how many sums an inner product is formed side by side.
const lanes = 16

// dot is the inner product of a and b, which are equally long. Every machine forms the same sums in the same order, and rounds every
// product, so that it gives the same bits everywhere.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s [lanes]float64
	whole := len(a) / lanes * lanes
	if whole > 0 {
		products(&s, a[:whole], b[:whole])
	}
	for i, v := range a[whole:] {
		s[i] += float64(v * b[whole+i])
	}
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			s[i] += s[i+n]
		}
	}
	return s[0]
}

// portableProducts adds to each sum the products of every lanes-th pair of values, of which there are a multiple of lanes.
func portableProducts(s *[lanes]float64, a, b []float64) {
	for ; len(a) >= lanes && len(b) >= lanes; a, b = a[lanes:], b[lanes:] {
		for i := range s {
			s[i] += float64(a[i] * b[i])
		}
	}
}
