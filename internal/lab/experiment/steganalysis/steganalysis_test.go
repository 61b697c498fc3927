package steganalysis

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/internal/lab/experiment/steganalysis/detector"
	"ditas/metric"
)

// smallDetector learns in a moment.
var smallDetector = func() detector.Config {
	c := detector.Default()
	c.Window, c.Width = 512, 4
	c.Steps, c.Batch, c.Rate, c.Warmup, c.Final, c.Average, c.ValidateEvery = 40, 4, 0.01, 5, 0.1, 0.8, 20
	return c
}()

// A loud change is found in the recordings of all speakers, LSB matching is made at its rate, and nothing depends on how many workers there are.
func TestMeasure(t *testing.T) {
	speech, pictures := recordings(t, 6, 5), experimenttest.Data(t).Pictures
	measure := func(workers int) *Report {
		r, err := Measure(t.Context(), Data{Scenes: []Scene{{
			Name: "made up", Rate: dataset.Rate, Sets: []*dataset.Speech{speech}, Samples: experiment.Samples, Networks: []string{Weak, Loud},
		}}, Pictures: pictures, Digest: "made up"}, Options{
			Options: experiment.Options{Seed: 2, Workers: workers}, Each: 5, Only: []string{Weak, Loud, untouched}, Features: true, Networks: true, Detector: smallDetector,
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := measure(1)
	if len(r.Scenes) != 1 || r.Features < 1800 || r.Network.Parameters == 0 || r.Network.FLOPs == 0 {
		t.Fatalf("%+v", r)
	}
	s := r.Scenes[0]
	if len(s.Methods) != 3 || s.Covers != 30 || s.Groups != 6 {
		t.Fatalf("%+v", s)
	}
	loud, matching, nothing := s.Methods[0], s.Methods[1], s.Methods[2]
	for kind, v := range map[string]Splits{"features": loud.Features, "networks": loud.Networks} {
		if v.Disjoint.Error.Value > 0.05 || v.Known.Error.Value > 0.05 {
			t.Errorf("by %s loud noise is found with P_E %+v and %+v", kind, v.Disjoint.Error, v.Known.Error)
		}
	}
	if loud.Features.Disjoint.Tried != 30 || loud.Networks.Disjoint.Tried >= 30 || nothing.Networks.Disjoint != nil || nothing.SNR != 0 {
		t.Errorf("%+v, %+v", loud, nothing)
	}
	// A quarter of the samples change by 1 LSB.
	power := 0.0
	all, err := covers(Scene{Rate: dataset.Rate, Sets: []*dataset.Speech{speech}, Samples: experiment.Samples}, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		power += experiment.Power(c.recording.Samples[0]) / float64(len(all))
	}
	if want := 10 * math.Log10(power/(0.25*experiment.Step*experiment.Step)); math.Abs(matching.SNR-want) > 0.1 {
		t.Errorf("LSB matching in half of the samples: SNR %.2f dB, want %.2f", matching.SNR, want)
	}
	var page bytes.Buffer
	r.Command = "ditas experiment steganalysis"
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n| white noise, loud | ", "\n| nothing hidden | – | ", "made up", "30 excerpts", "6 speakers", "features: P_E, known", "networks: P_E, disjoint"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	text := func(r *Report) string {
		r.Origin = experiment.Origin{}
		for _, m := range r.Scenes[0].Methods {
			for _, v := range []*Verdict{m.Networks.Disjoint, m.Networks.Known} {
				if v != nil {
					v.Training.Minutes = 0
				}
			}
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if one, three := text(r), text(measure(3)); one != three {
		t.Errorf("with one worker:\n%s\nwith three:\n%s", one, three)
	}
}

// A method that goes on from one that was not asked for has the same network as where it was.
func TestNetworksGoOn(t *testing.T) {
	speech, pictures, config := recordings(t, 6, 2), experimenttest.Data(t).Pictures, smallDetector
	config.Steps, config.ValidateEvery = 6, 3
	measure := func(only ...string) *Verdict {
		r, err := Measure(t.Context(), Data{Scenes: []Scene{{
			Name: "made up", Rate: dataset.Rate, Sets: []*dataset.Speech{speech}, Samples: experiment.Samples / 4, Networks: []string{Loud, strongest, Weak},
		}}, Pictures: pictures}, Options{Options: experiment.Options{Seed: 2, Workers: 2}, Each: 2, Only: only, Networks: true, Detector: config})
		if err != nil {
			t.Fatal(err)
		}
		m := r.Scenes[0].Methods
		return m[len(m)-1].Networks.Known
	}
	if alone, last := measure(Weak), measure(Loud, strongest, Weak); alone.AUC != last.AUC || alone.Training.Loss != last.Training.Loss {
		t.Errorf("alone %+v, after others %+v", alone, last)
	}
}

// A run that goes on from an earlier one measures what that lacks, and what it is asked for by name.
func TestEarlier(t *testing.T) {
	speech, pictures, config := recordings(t, 6, 2), experimenttest.Data(t).Pictures, smallDetector
	config.Steps, config.ValidateEvery = 2, 1
	data := Data{Scenes: []Scene{{
		Name: "made up", Rate: dataset.Rate, Sets: []*dataset.Speech{speech}, Samples: experiment.Samples / 2, Only: []string{Loud, Weak, untouched}, Networks: []string{Loud},
	}}, Pictures: pictures, Digest: "made up"}
	measure := func(o Options) (*Report, error) {
		o.Seed, o.Workers, o.Each, o.Detector = max(o.Seed, 2), 2, 2, config
		r, err := Measure(t.Context(), data, o)
		if err != nil {
			return nil, err
		}
		var file bytes.Buffer
		if err := json.NewEncoder(&file).Encode(r); err != nil {
			t.Fatal(err)
		}
		return ReadReport(&file)
	}
	first, err := measure(Options{Only: []string{Loud, Weak}, Features: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range first.Scenes[0].Methods {
		m.Features.Disjoint.Build = "before"
	}
	second, err := measure(Options{Features: true, Networks: true, Earlier: first})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range second.Scenes[0].Methods {
		names = append(names, m.Name)
		if before := m.Features.Disjoint.Build == "before"; before != (m.Name != untouched) || (m.Networks.Known != nil) != (m.Name == Loud) {
			t.Errorf("%s: %+v, %+v", m.Name, m.Features.Disjoint, m.Networks.Known)
		}
	}
	if !slices.Equal(names, []string{Loud, Weak, untouched}) || second.Minutes <= first.Minutes || second.Network == nil {
		t.Errorf("%v, %.2f after %.2f minutes, %+v", names, second.Minutes, first.Minutes, second.Network)
	}
	other := SceneReport{Name: "not yet reached", Methods: []MethodReport{{Name: Loud}}}
	second.Scenes = append(second.Scenes, other) // which a run that is stopped before it must not lose
	third, err := measure(Options{Features: true, Only: []string{Weak}, Earlier: second})
	if err != nil {
		t.Fatal(err)
	}
	loud, weak := third.Scenes[0].Methods[0], third.Scenes[0].Methods[1]
	if len(third.Scenes) != 2 || third.Scenes[1].Name != other.Name || len(third.Scenes[1].Methods) != 1 {
		t.Errorf("%+v", third.Scenes)
	}
	if loud.Features.Disjoint.Build != "before" || weak.Features.Disjoint.Build == "before" || loud.Networks.Known == nil || len(third.Scenes[0].Methods) != 3 {
		t.Errorf("%+v, %+v", loud, weak)
	}
	if _, err := measure(Options{Options: experiment.Options{Seed: 3}, Features: true, Earlier: first}); err == nil {
		t.Error("no error for the results of another seed")
	}
	config.Steps++
	if _, err := measure(Options{Networks: true, Earlier: second}); err == nil {
		t.Error("no error for the results of other networks")
	}
	for _, file := range []string{"", "[]", `{"scenes":[{"methods":[{"features":{"known":{"build":"x"}}}]}]}`} {
		if _, err := ReadReport(strings.NewReader(file)); err == nil {
			t.Errorf("no error for %q", file)
		}
	}
}

func TestNothingToMeasure(t *testing.T) {
	scenes := []Scene{{Rate: dataset.Rate, Sets: []*dataset.Speech{recordings(t, 1, 2)}, Samples: experiment.Samples}}
	if _, err := Measure(t.Context(), Data{Scenes: scenes, Pictures: experimenttest.Data(t).Pictures}, Options{Only: []string{"no such method"}, Features: true}); err == nil {
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
	// Half of the samples stay, the others go up or down.
	if c := changes(s.matching(strongest, 1)); len(c) != 6 || !near(c[8]) || !near(c[7]+c[9]) || !near(2*c[7]) || !near(c[1<<8|8]) || !near(2*c[1<<8|9]) {
		t.Errorf("LSB matching: %v", c)
	}
	for want, mse := range map[float64]float64{1e-6: 0, blatant: blatant} { // 0 is that of the subject
		make, err := s.noisy(Loud, mse).worker()
		if err != nil {
			t.Fatal(err)
		}
		cover, stego, err := make(0, p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := metric.MSE(cover, stego); err != nil || math.Abs(got/want-1) > 0.05 {
			t.Errorf("MSE %g, want %g, %v", got, want, err)
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
