package dsp

import (
	"math"
	"testing"
)

// Parts are what Convert makes of the whole, and what Span tells is enough for them.
func TestConvertPart(t *testing.T) {
	x := make([]float64, 3000)
	for i := range x {
		x[i] = float64(i*i%997)/500 - 1
	}
	for _, rates := range [][2]int{{44100, 16000}, {16000, 44100}, {16000, 16000}} {
		r, err := NewResampler(rates[0], rates[1])
		if err != nil {
			t.Fatal(err)
		}
		want := r.Convert(x)
		for from := -5; from < len(want); from += 301 {
			got := make([]float64, min(301, len(want)-from))
			first, end := r.Span(int64(from), len(got))
			part := make([]float64, end-first)
			for i := range part {
				if j := first + int64(i); j >= 0 && j < int64(len(x)) {
					part[i] = x[j]
				}
			}
			r.ConvertPart(got, int64(from), part, first)
			for i, v := range got {
				if j := from + i; j >= 0 && math.Abs(v-want[j]) > 1e-12 {
					t.Fatalf("%v: sample %d is %g, want %g", rates, j, v, want[j])
				}
			}
		}
	}
}
