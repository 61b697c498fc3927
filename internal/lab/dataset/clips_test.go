package dataset

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestUtterance(t *testing.T) {
	// Half a second of a tone between seconds of quiet noise.
	x := make([]float32, 3*Rate)
	for i := range x {
		x[i] = 1e-5 * float32(i%7-3)
		if i >= Rate && i < Rate*3/2 {
			x[i] = 0.02 * float32(math.Sin(float64(i)/5))
		}
	}
	y := utterance(x)
	if len(y) < Rate/2+trimBefore || len(y) > Rate/2+trimBefore+trimAfter+2*trimFrame {
		t.Errorf("%d samples are left of the half second", len(y))
	}
	var sum float64
	for _, v := range y {
		sum += float64(v) * float64(v)
	}
	if db := 10 * math.Log10(sum/float64(len(y))); math.Abs(db-level) > 0.1 {
		t.Errorf("its level is %.2f dB, want %v", db, level)
	}
	if y[0] != 0 || y[len(y)-1] != 0 {
		t.Error("its ends are not faded")
	}

	click := make([]float32, Rate)
	click[Rate/4], click[Rate/2] = 0.01, 0.01
	if y := utterance(click); slices.Max(y) > levelPeak+1e-6 || slices.Max(y) < levelPeak-1e-6 {
		t.Errorf("the peak of a click is %v, want %v", slices.Max(y), levelPeak)
	}
	for name, x := range map[string][]float32{"nothing": nil, "silence": make([]float32, Rate), "a frame": {1, 2, 3}, "too little": x[Rate : Rate+2000]} {
		if y := utterance(x); y != nil {
			t.Errorf("%s gave %d samples", name, len(y))
		}
	}
}

func TestJoiner(t *testing.T) {
	seconds := func(s ...float64) (all [][]float32) {
		for i, v := range s {
			x := make([]float32, int(v*Rate))
			for k := range x {
				x[k] = float32(i + 1)
			}
			all = append(all, x)
		}
		return all
	}
	type clip struct {
		seconds float64
		sources string
	}
	for name, c := range map[string]struct {
		limit int
		in    [][]float32
		want  []clip
	}{
		"words":              {0, seconds(1.5, 1.5, 1.5, 1, 2), []clip{{4.7, "[1 2 3]"}}},
		"a sentence":         {0, seconds(5), []clip{{5, "[1]"}}},
		"it would not fit":   {0, seconds(3.5, 4), []clip{{3.5, "[1]"}, {4, "[2]"}}},
		"too short to leave": {0, seconds(3, 4), []clip{{3.55, "[1 2]"}, {3.55, "[2]"}}},
		"cut in halves":      {0, seconds(8), []clip{{4, "[1]"}, {4, "[1]"}}},
		"no half too short":  {0, seconds(6.1, 1), []clip{{3.072, "[1]"}, {4.128, "[1 2]"}}},
		"a long one":         {0, seconds(16), []clip{{6, "[1]"}, {6, "[1]"}, {4, "[1]"}}},
		"limited":            {2, seconds(16, 5), []clip{{6, "[1]"}, {6, "[1]"}}},
		"nothing":            {0, seconds(1, 1), nil},
	} {
		var got []clip
		j := joiner{limit: c.limit, emit: func(x []float32, sources []string) error {
			got = append(got, clip{math.Round(float64(len(x))/Rate*1000) / 1000, fmt.Sprint(sources)})
			if len(x) < minClip || len(x) > maxClip {
				t.Errorf("%s: a clip of %d samples", name, len(x))
			}
			for _, v := range x { // what is in it is what it says
				if v != 0 && !slices.Contains(sources, fmt.Sprint(v)) {
					t.Fatalf("%s: samples of %v in a clip of %v", name, v, sources)
				}
			}
			return nil
		}}
		for i, x := range c.in {
			if j.full() {
				break
			}
			if err := j.add(fmt.Sprint(i+1), x); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
