package experiment_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/experimenttest"
)

func TestExhibit(t *testing.T) {
	speech := experimenttest.Voice(experiment.Samples+5, 3)
	for i := range speech.Samples[0] {
		speech.Samples[0][i] /= 8
	}
	e, err := experiment.NewExhibit(experimenttest.Scene(1), speech, "")
	if err != nil {
		t.Fatal(err)
	}
	if x := e.Subject.Cover.Samples[0]; len(x) != experiment.Samples || math.Abs(slices.Max(x)-dataset.Peak) > 0.2 || max(slices.Max(x), -slices.Min(x)) != speech.Format.Quantize(dataset.Peak) {
		t.Errorf("%d samples from %g to %g", len(x), slices.Min(x), slices.Max(x))
	}
	for name, bad := range map[string]*audio.Recording{
		"short": experimenttest.Voice(experiment.Samples-1, 3), "silent": experiment.Recording(make([]float32, experiment.Samples)),
		"at another rate": {Format: audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, Samples: [][]float64{make([]float64, experiment.Samples)}},
	} {
		if _, err := experiment.NewExhibit(experimenttest.Scene(1), bad, ""); err == nil {
			t.Errorf("a recording that is %s is taken", name)
		}
	}
	data := experimenttest.Data(t)
	if _, err := data.Exhibit(2); err == nil {
		t.Error("pair 3 of 2 exists")
	}
	if e, err := data.Exhibit(1); err != nil || !strings.Contains(e.Attribution, "a.wav") {
		t.Errorf("%v, %v", e, err)
	}
}
