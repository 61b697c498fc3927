package steganalysis

import (
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/internal/lab/experiment/steganalysis/detector"
)

// smallDetector learns in a moment.
var smallDetector = func() detector.Config {
	c := detector.Default()
	c.Window, c.Width = 512, 4
	c.Steps, c.Batch, c.Rate, c.Warmup, c.Final, c.Average, c.ValidateEvery = 40, 4, 0.01, 5, 0.1, 0.8, 20
	return c
}()

// analysed tries small detectors on methods of next to no recordings.
func analysed(t *testing.T, workers int, fainter []float64, only ...string) *Report {
	t.Helper()
	data := experimenttest.Data(t)
	r, err := Measure(t.Context(), Data{Learn: data, Validation: data, Test: data, Runs: fstest.MapFS{}}, Options{
		Options: experiment.Options{Seed: 3, Workers: workers}, Learn: 2, Validation: 1, Fainter: fainter, Only: only, Detector: smallDetector,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSteganalysis(t *testing.T) {
	r := analysed(t, 1, []float64{10}, "linear map, 3 stages", "white noise, loud", untouched)
	if len(r.Groups) != 2 || *r.Groups[0].Fainter != 10 || len(r.Groups[0].Methods) != 1 || len(r.Groups[1].Methods) != 2 {
		t.Fatalf("%+v", r.Groups)
	}
	if len(r.Untrained) != len(contender.Systems()) || r.Seed != 3 || r.Parameters == 0 || r.FLOPs == 0 {
		t.Errorf("%d untrained systems, seed %d, %d parameters, %d FLOPs", len(r.Untrained), r.Seed, r.Parameters, r.FLOPs)
	}
	for i, want := range []Set{{"training", 2, 1, 2}, {"validation", 2, 1, 1}, {"test", 2, 1, 2}} {
		if r.Sets[i] != want {
			t.Errorf("set %+v, want %+v", r.Sets[i], want)
		}
	}
	linear, loud, nothing := r.Groups[0].Methods[0], r.Groups[1].Methods[0], r.Groups[1].Methods[1]
	// 60 dB below the voice, as the lattice is.
	if math.Abs(linear.SNR-60) > 3 {
		t.Errorf("the linear map has an SNR of %.1f dB, %.2g", linear.SNR, linear.MSE)
	}
	if math.Abs(loud.MSE/blatant-1) > 0.05 || loud.AUC.Value != 1 || loud.Error.Value != 0 {
		t.Errorf("loud noise: %+v", loud)
	}
	if nothing.MSE != 0 {
		t.Errorf("nothing was hidden: MSE %g", nothing.MSE)
	}
	r.Command = "ditas experiment steganalysis --seed 3"
	var page, figure bytes.Buffer
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"    ditas experiment steganalysis --seed 3\n", "\n## 10 dB fainter: container MSE ", "\n| linear map, 3 stages | ", "\n## Strengths of their own\n",
		"\n| white noise, loud | 1.0", "\n| nothing hidden | – | – | ", " | 1.000 (1.000–1.000) | 0.0 % (0.0–0.0) | 0.0 % (0.0–0.0) | ",
		"Not measured, for want of weights: Deep-Steg, ", "learn from 2 pairs", "(three in 2)", "made up",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	if err := r.Figure(&figure); err != nil {
		t.Fatal(err)
	}
	if m, err := png.Decode(&figure); err != nil || m.Bounds().Dx() != 1250 || m.Bounds().Dy() != 750 {
		t.Errorf("%v, %v", m.Bounds(), err)
	}
}

// All but the time is the same however many workers there are.
func TestSteganalysisRepeats(t *testing.T) {
	result := func(workers int) string {
		r := analysed(t, workers, []float64{}, "JPEG in the 2 lowest bits", "LSB matching", untouched)
		r.Origin = experiment.Origin{}
		for _, m := range r.Groups[0].Methods {
			m.Training.Minutes = 0
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if one, three := result(1), result(3); one != three {
		t.Errorf("with one worker:\n%s\nwith three:\n%s", one, three)
	}
}

func TestSteganalysisOfNothing(t *testing.T) {
	data := experimenttest.Data(t)
	if _, err := Measure(t.Context(), Data{Learn: data, Validation: data, Test: data, Runs: fstest.MapFS{}},
		Options{Fainter: []float64{}, Only: []string{"no such method"}}); err == nil {
		t.Error("no error where no method is measured")
	}
}

func TestSuspects(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(1), Cover: experimenttest.Voice(experiment.Samples, 1), Target: 1e-6}
	p.Cover.Samples[0][0], p.Cover.Samples[0][1] = math.MaxInt16*experiment.Step, -1
	s := &study{experiment.New(t.Context(), experiment.Data{}, experiment.Options{Workers: 1})}
	changes := func(x suspect) map[int]int {
		t.Helper()
		make, err := x.worker()
		if err != nil {
			t.Fatal(err)
		}
		cover, stego, err := make(0, p)
		if err != nil || len(cover) != len(stego) {
			t.Fatal(err)
		}
		counts := map[int]int{}
		for i, v := range cover {
			before, after := int(v/experiment.Step), int(math.Round(stego[i]/experiment.Step))
			if after > math.MaxInt16 || after < math.MinInt16 {
				t.Fatalf("%s: sample %d", x.name, after)
			}
			counts[(before&1)<<8|(after-before+8)]++
		}
		return counts
	}
	near := func(n int) bool { return math.Abs(float64(n)/experiment.Samples-0.25) < 0.02 }
	// Even samples stay or go up, odd ones stay or go down.
	if c := changes(s.replacing()); len(c) != 4 || !near(c[8]) || !near(c[9]) || !near(c[1<<8|8]) || !near(c[1<<8|7]) {
		t.Errorf("LSB replacement: %v", c)
	}
	// Half of the samples stay, the others go up or down.
	if c := changes(s.matching("LSB matching", 1)); len(c) != 6 || !near(c[8]) || !near(c[7]+c[9]) || !near(2*c[7]) || !near(c[1<<8|8]) || !near(2*c[1<<8|9]) {
		t.Errorf("LSB matching: %v", c)
	}
	for name, want := range map[string]float64{whiteNoise: 1e-6, "white noise, loud": blatant} {
		mse := want
		if name == whiteNoise {
			mse = 0 // that of the subject
		}
		s.Subjects = []*experiment.Subject{p}
		pairs, got, _, err := s.pairs(s.noisy(name, mse))
		if err != nil || math.Abs(got/want-1) > 0.05 || len(pairs) != 1 {
			t.Errorf("%s: MSE %g, %v", name, got, err)
		}
	}
	// The halves of recordings, either of them as often as the other first.
	make, err := s.control().worker()
	if err != nil {
		t.Fatal(err)
	}
	first, x := 0, p.Cover.Samples[0]
	for i := range 100 {
		cover, stego, err := make(i, p)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case slices.Equal(cover, x[:experiment.Samples/2]) && slices.Equal(stego, x[experiment.Samples/2:]):
			first++
		case !slices.Equal(stego, x[:experiment.Samples/2]) || !slices.Equal(cover, x[experiment.Samples/2:]):
			t.Fatal("they are no halves")
		}
	}
	if first < 30 || first > 70 {
		t.Errorf("the first half is the cover %d times in 100", first)
	}
}

// Within a panel every method is told from every other by its marker.
func TestSuspiciousLooksDiffer(t *testing.T) {
	s := &study{experiment.New(t.Context(), experiment.Data{}, experiment.Options{})}
	var systems []*contender.Contender
	for _, name := range contender.Systems() {
		systems = append(systems, &contender.Contender{Name: name})
	}
	for _, panel := range [][]suspect{s.strengths(0, systems), s.own()} {
		seen := map[any]string{}
		for _, m := range panel {
			l, ok := suspicious[m.name]
			if !ok {
				l, ok = contender.LookOf(m.name)
			}
			if other, double := seen[l.Glyph]; !ok || double {
				t.Errorf("%s has the look of %s, or none", m.name, other)
			}
			seen[l.Glyph] = m.name
		}
	}
}
