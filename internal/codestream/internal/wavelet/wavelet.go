// Package wavelet holds the reversible transforms of the codestream, from integers to integers without loss: YCoCg-R for colour
// and the 13/7 wavelet for space.
//
//	wavelet.FromRGB(r, g, b)            // in place: luma and two planes of chroma
//	wavelet.Forward(plane, w, h, done)  // one level, row by row: low-pass samples at even columns and rows
//	wavelet.Inverse(plane, w, h, fill)
//	wavelet.ToRGB(y, co, cg)
package wavelet

// The 13/7-T wavelet predicts each odd sample from the four even samples around it, and then corrects each even sample by the
// four predictions' errors around it (Adams and Kossentini, Reversible integer-to-integer wavelet transforms for image
// compression, 2000, table I):
//
//	d[n] = x[2n+1] − ⌊(9(x[2n] + x[2n+2]) − (x[2n−2] + x[2n+4]) + 8)/16⌋
//	s[n] = x[2n]   + ⌊(9(d[n−1] + d[n]) − (d[n−2] + d[n+1]) + 16)/32⌋
//
// Beyond its ends a signal is mirrored about its first and its last sample.
const (
	predictHalf, predictShift = 8, 4
	updateHalf, updateShift   = 16, 5
)

// mirror returns which of n samples, n at least 2, stands for sample i, which lies at most 3 beyond them.
func mirror(i, n int) int {
	for i < 0 || i >= n {
		if i < 0 {
			i = -i
		} else {
			i = 2*(n-1) - i
		}
	}
	return i
}

// Forward transforms one level of a picture of width×height samples, row by row in x, which it overwrites. Each row of
// coefficients is handed to done, low-pass ones at even columns and in even rows, as soon as it is finished; what done returns
// ends it.
func Forward(x []int32, width, height int, done func(y int, row []int32) error) error {
	row := func(y int) []int32 { return x[mirror(y, height)*width:][:width] }
	odd, even := 1, 0
	for y := 0; y < height; {
		if height > 1 && odd < height {
			down(odd, row, predictHalf, predictShift, -1)
			odd += 2
		}
		// An even row waits for the third after it, and any row for all that are corrected by it.
		for height > 1 && even < height && (even+3 < odd || odd >= height) {
			down(even, row, updateHalf, updateShift, 1)
			even += 2
		}
		for ; y < height && (height == 1 || y+5 <= even || even >= height); y++ {
			r := row(y)
			across(r, 1, predictHalf, predictShift, -1)
			across(r, 0, updateHalf, updateShift, 1)
			if err := done(y, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// Inverse undoes Forward: it fills x with what fill writes into each row, from the first on, and transforms it.
func Inverse(x []int32, width, height int, fill func(y int, row []int32) error) error {
	row := func(y int) []int32 { return x[mirror(y, height)*width:][:width] }
	odd, even := 1, 0
	for y := range height {
		r := row(y)
		if err := fill(y, r); err != nil {
			return err
		}
		across(r, 0, updateHalf, updateShift, -1)
		across(r, 1, predictHalf, predictShift, 1)
		for height > 1 && even < height && (even+3 <= y || y == height-1) {
			down(even, row, updateHalf, updateShift, -1)
			even += 2
			for odd < height && (odd+5 <= even || even >= height) {
				down(odd, row, predictHalf, predictShift, 1)
				odd += 2
			}
		}
	}
	return nil
}

// down lifts row y by the rows around it.
func down(y int, row func(y int) []int32, half int32, shift uint, sign int32) {
	dst, a, b, c, d := row(y), row(y-1), row(y+1), row(y-3), row(y+3)
	a, b, c, d = a[:len(dst)], b[:len(dst)], c[:len(dst)], d[:len(dst)]
	shift &= 31
	for i := range dst {
		dst[i] += sign * ((9*(a[i]+b[i]) - (c[i] + d[i]) + half) >> shift)
	}
}

// across lifts every second sample of a row, from the first on.
func across(x []int32, first int, half int32, shift uint, sign int32) {
	n := len(x)
	if n < 2 {
		return
	}
	shift &= 31
	at := func(i int) int32 { return x[mirror(i, n)] }
	i := first
	for ; i < min(n, 3); i += 2 {
		x[i] += sign * ((9*(at(i-1)+at(i+1)) - (at(i-3) + at(i+3)) + half) >> shift)
	}
	for ; i+3 < n; i += 2 {
		w := x[i-3 : i+4 : i+4]
		w[3] += sign * ((9*(w[2]+w[4]) - (w[0] + w[6]) + half) >> shift)
	}
	for ; i < n; i += 2 {
		x[i] += sign * ((9*(at(i-1)+at(i+1)) - (at(i-3) + at(i+3)) + half) >> shift)
	}
}

// FromRGB replaces red, green and blue by Y, Co and Cg of the transform YCoCg-R (Malvar, Sullivan and Srinivasan, Lifting-based
// reversible color transformations for image compression, 2008, equation 8). Of 8-bit values, Y has 8 bits, Co and Cg a sign
// more.
func FromRGB(r, g, b []int32) {
	g, b = g[:len(r)], b[:len(r)]
	for i := range r {
		co := r[i] - b[i]
		t := b[i] + co>>1
		cg := g[i] - t
		r[i], g[i], b[i] = t+cg>>1, co, cg
	}
}

// ToRGB undoes FromRGB.
func ToRGB(y, co, cg []int32) {
	co, cg = co[:len(y)], cg[:len(y)]
	for i := range y {
		t := y[i] - cg[i]>>1
		g := cg[i] + t
		b := t - co[i]>>1
		y[i], co[i], cg[i] = b+co[i], g, b
	}
}
