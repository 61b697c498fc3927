package metric

import (
	"math"
	"strings"
	"testing"
)

func TestCriterionQ(t *testing.T) {
	figures := func(nmr, odg float64, marked bool, moments ...NMR) Figures {
		return Figures{NMR: nmr, Moments: [][]NMR{moments}, PEAQ: &PEAQResult{ODG: odg, Marked: marked}}
	}
	calm := make([]NMR, 99)
	for i := range calm {
		calm[i] = NMR{Mean: -11, Max: 1.5}
	}
	with := func(m ...NMR) []NMR { return append(append([]NMR{}, calm...), m...) }
	for _, test := range []struct {
		name string
		f    Figures
		want string // of each failure, one word, in order
	}{
		{"at all limits", figures(-14, -1, false, with(NMR{0, 9})...), ""},
		{"equal", figures(math.Inf(-1), 0.2, false, NMR{math.Inf(-1), math.Inf(-1)}), ""},
		{"loud", figures(-13.9, 0, false, calm...), "NMR"},
		{"loud now and then", figures(-14, 0, false, with(NMR{-10.9, 0}, NMR{-10.9, 0})...), "frames"},
		{"loud in a band", figures(-14, 0, false, with(NMR{-12, 1.6}, NMR{-12, 1.6})...), "band"},
		{"graded badly", figures(-20, -1.01, false, calm...), "ODG"},
		{"graded badly but marked", figures(-20, -3, true, calm...), ""},
		{"all of it", figures(0, -3, false, NMR{0, 9}), "NMR frames band ODG"},
	} {
		got, err := CriterionQ().Failures(test.f)
		want := strings.Fields(test.want)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %q, %v", test.name, got, err)
			continue
		}
		for i, word := range want {
			if !strings.Contains(got[i], word) {
				t.Errorf("%s: %q has no %q", test.name, got[i], word)
			}
		}
	}
	set := []Figures{figures(-20, -0.9, false, calm...), figures(-20, -0.2, false, calm...), figures(-20, -3, true, calm...)}
	if got, err := CriterionQ().SetFailures(set); err != nil || len(got) != 1 || !strings.Contains(got[0], "mean ODG -0.55") {
		t.Errorf("%q, %v", got, err)
	}
	set[0].PEAQ.ODG = -0.8
	if got, err := CriterionQ().SetFailures(set); err != nil || got != nil {
		t.Errorf("%q, %v", got, err)
	}
	set[1].NMR = 0
	if got, err := CriterionQ().SetFailures(set); err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "recording 1: NMR") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := CriterionQ().SetFailures([]Figures{{}}); err == nil {
		t.Error("figures without PEAQ were judged")
	}
}

// What the criterion is made for: noise that nobody hears in a dense recording holds it, at a level that everybody
// hears does not.
func TestCriterionQOfRecordings(t *testing.T) {
	pairs := peaqPairs()
	for i, held := range map[int]bool{0: true, 2: false, 8: false} {
		c, err := NewComparisonWithPEAQ(48000, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add([][]float64{pairs[i].ref}, [][]float64{pairs[i].test}); err != nil {
			t.Fatal(err)
		}
		if got, err := CriterionQ().Failures(c.Figures()); err != nil || (len(got) == 0) != held {
			t.Errorf("%s: %q, %v", pairs[i].name, got, err)
		}
	}
}
