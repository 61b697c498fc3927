package wavelet

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// floor is division rounded down.
func floor(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }

// naive transforms a signal by the formulas of the package comment, on the mirrored signal.
func naive(x []int) []int {
	n := len(x)
	if n == 1 {
		return x
	}
	at := func(v []int, i int) int {
		period := 2 * (n - 1)
		i = (i%period + period) % period
		return v[min(i, period-i)]
	}
	y := slices.Clone(x)
	for i := 1; i < n; i += 2 {
		y[i] = x[i] - floor(9*(at(x, i-1)+at(x, i+1))-(at(x, i-3)+at(x, i+3))+8, 16)
	}
	z := slices.Clone(y)
	for i := 0; i < n; i += 2 {
		z[i] = y[i] + floor(9*(at(y, i-1)+at(y, i+1))-(at(y, i-3)+at(y, i+3))+16, 32)
	}
	return z
}

// forward returns the coefficients of x, which it overwrites. Rows have to be finished in order.
func forward(x []int32, width, height int) []int32 {
	var rows []int32
	err := Forward(x, width, height, func(y int, row []int32) error {
		if len(rows) != y*width {
			return fmt.Errorf("row %d after %d samples", y, len(rows))
		}
		rows = append(rows, row...)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return rows
}

// inverse writes to x the picture that coefficients make.
func inverse(x, coefficients []int32, width, height int) {
	err := Inverse(x, width, height, func(y int, row []int32) error {
		copy(row, coefficients[y*width:])
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// TestStops checks that what a function for rows returns ends the transform.
func TestStops(t *testing.T) {
	stop := errors.New("stop")
	x := make([]int32, 20*20)
	rows := 0
	third := func(y int, _ []int32) error {
		if rows++; y == 2 {
			return stop
		}
		return nil
	}
	if err := Forward(x, 20, 20, third); err != stop || rows != 3 {
		t.Errorf("forward: error %v after %d rows", err, rows)
	}
	rows = 0
	if err := Inverse(x, 20, 20, third); err != stop || rows != 3 {
		t.Errorf("inverse: error %v after %d rows", err, rows)
	}
}

func TestForward(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {3, 3}, {4, 5}, {5, 4}, {6, 7}, {1, 9}, {16, 1}, {33, 18}, {3, 6}, {2, 8}, {8, 10}} {
		w, h := s[0], s[1]
		x := make([]int32, w*h)
		want := make([][]int, h)
		for y := range h {
			want[y] = make([]int, w)
			for i := range w {
				v := rng.IntN(511) - 255
				x[y*w+i], want[y][i] = int32(v), v
			}
		}
		for i := range w {
			column := make([]int, h)
			for y := range h {
				column[y] = want[y][i]
			}
			for y, v := range naive(column) {
				want[y][i] = v
			}
		}
		before := slices.Clone(x)
		got := forward(x, w, h)
		for y := range h {
			for i, v := range naive(want[y]) {
				if int(got[y*w+i]) != v {
					t.Fatalf("%d×%d: sample %d of row %d is %d, want %d", w, h, i, y, got[y*w+i], v)
				}
			}
		}
		inverse(x, got, w, h)
		if !slices.Equal(x, before) {
			t.Errorf("%d×%d: Inverse does not undo Forward", w, h)
		}
	}
}

func TestColour(t *testing.T) {
	var r, g, b []int32
	for i := range 16 * 16 * 16 {
		r, g, b = append(r, int32(i&15*17)), append(g, int32(i>>4&15*17)), append(b, int32(i>>8*17))
	}
	y, co, cg := slices.Clone(r), slices.Clone(g), slices.Clone(b)
	FromRGB(y, co, cg)
	for i := range y {
		wantCo := int(r[i]) - int(b[i])
		middle := int(b[i]) + floor(wantCo, 2)
		wantCg := int(g[i]) - middle
		if want := middle + floor(wantCg, 2); int(y[i]) != want || int(co[i]) != wantCo || int(cg[i]) != wantCg {
			t.Fatalf("%d %d %d became %d %d %d", r[i], g[i], b[i], y[i], co[i], cg[i])
		}
		if y[i] < 0 || y[i] > 255 || co[i] < -255 || co[i] > 255 || cg[i] < -255 || cg[i] > 255 {
			t.Fatalf("%d %d %d became %d %d %d: out of range", r[i], g[i], b[i], y[i], co[i], cg[i])
		}
	}
	ToRGB(y, co, cg)
	if !slices.Equal(y, r) || !slices.Equal(co, g) || !slices.Equal(cg, b) {
		t.Error("ToRGB does not undo FromRGB")
	}
}

func Benchmark(b *testing.B) {
	for _, n := range []int{64, 512} {
		x := make([]int32, n*n)
		for i := range x {
			x[i] = int32(i * 7919 % 256)
		}
		b.Run(fmt.Sprintf("side=%d", n), func(b *testing.B) {
			b.SetBytes(int64(n * n))
			for b.Loop() {
				inverse(x, forward(x, n, n), n, n)
			}
		})
	}
}
