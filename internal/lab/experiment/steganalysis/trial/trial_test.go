package trial

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestScores(t *testing.T) {
	for _, c := range []struct {
		name        string
		scores      Scores
		auc, lowest float64
	}{
		{"apart", Scores{[]float64{-2, -1, -3}, []float64{4, 5, 1}}, 1, 0},
		{"the wrong way round", Scores{[]float64{1, 2}, []float64{-1, -2}}, 0, 0.5},
		{"all equal", Scores{[]float64{1, 1}, []float64{1, 1}}, 0.5, 0.5},
		// Of nine comparisons, 2 > 1; 3 > 1, 2 is a tie; 4 > 1, 2, 3: a cover of 2 ties with a stego of 2.
		{"overlapping", Scores{[]float64{1, 2, 3}, []float64{2, 3, 4}}, 7.0 / 9, 1.0 / 3},
		{"a half", Scores{[]float64{0, 1, 2, 3}, []float64{2.5, 1.5, 4, 5}}, 13.0 / 16, 0.25},
	} {
		if got := c.scores.AUC(); math.Abs(got-c.auc) > 1e-12 {
			t.Errorf("%s: AUC %g, want %g", c.name, got, c.auc)
		}
		if got := c.scores.Error(c.scores.Threshold()); math.Abs(got-c.lowest) > 1e-12 {
			t.Errorf("%s: lowest error %g, want %g", c.name, got, c.lowest)
		}
	}
	if got := (Scores{[]float64{0, 1}, []float64{9, 3}}).Threshold(); got != 2 {
		t.Errorf("threshold %g, want the middle of the gap, 2", got)
	}
}

func TestDeal(t *testing.T) {
	var groups []string
	for g, n := range []int{16, 1, 5, 16, 9, 16, 16, 3, 12, 16, 16, 2} {
		groups = append(groups, slices.Repeat([]string{fmt.Sprint(g)}, n)...)
	}
	for _, split := range []Split{Disjoint, Known} {
		part := Deal(groups, split, 1)
		var size [Parts]int
		of := map[string]map[int]bool{}
		for i, p := range part {
			size[p]++
			if of[groups[i]] == nil {
				of[groups[i]] = map[int]bool{}
			}
			of[groups[i]][p] = true
		}
		if least, most := slices.Min(size[:]), slices.Max(size[:]); least < len(groups)/Parts/2 || most > len(groups)/Parts*2 {
			t.Errorf("parts of %v", size)
		}
		for g, parts := range of {
			if split == Disjoint && len(parts) != 1 || split == Known && len(parts) < 2 && g != "1" {
				t.Errorf("group %s is in %d parts", g, len(parts))
			}
		}
	}
}

// The bootstrap is over groups: where these are all right or all wrong, there are as many observations as groups.
func TestJudge(t *testing.T) {
	var s Scores
	var groups, sources []string
	const n, each = 40, 10
	for i := range n * each {
		g := i / each
		cover, stego := -1.0, 1.0
		if g%2 == 0 {
			cover, stego = 1, -1
		}
		s.Cover, s.Stego = append(s.Cover, cover), append(s.Stego, stego)
		groups = append(groups, fmt.Sprint(g))
		sources = append(sources, []string{"seen", "unseen", "few"}[min(g%2, 1)])
	}
	sources[0] = "few"
	v, err := Judge(t.Context(), s, Labels{Groups: groups, Sources: sources}, 1)
	if err != nil {
		t.Fatal(err)
	}
	half := 1.96 * math.Sqrt(0.25/n)
	if v.Error.Value != 0.5 || math.Abs(v.Error.Low-(0.5-half)) > 0.03 || math.Abs(v.Error.High-(0.5+half)) > 0.03 {
		t.Errorf("%+v, want ±%.3f", v.Error, half)
	}
	want := []Source{{"unseen", 200, 0}, {"seen", 199, 1}}
	if !slices.Equal(v.Sources, want) || v.Worst != want[0] {
		t.Errorf("sources %+v, worst %+v", v.Sources, v.Worst)
	}
}
