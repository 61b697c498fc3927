package experiment

import (
	"math"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/internal/dataset"
)

func TestExhibit(t *testing.T) {
	speech := voice(samples+5, 3)
	for i := range speech.Samples[0] {
		speech.Samples[0][i] /= 8
	}
	e, err := NewExhibit(scene(1), speech, "")
	if err != nil {
		t.Fatal(err)
	}
	if x := e.subject.cover.Samples[0]; len(x) != samples || math.Abs(slices.Max(x)-dataset.Peak) > 0.2 || max(slices.Max(x), -slices.Min(x)) != speech.Format.Quantize(dataset.Peak) {
		t.Errorf("%d samples from %g to %g", len(x), slices.Min(x), slices.Max(x))
	}
	for name, bad := range map[string]*audio.Recording{
		"short": voice(samples-1, 3), "silent": recording(make([]float32, samples)),
		"at another rate": {Format: audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, Samples: [][]float64{make([]float64, samples)}},
	} {
		if _, err := NewExhibit(scene(1), bad, ""); err == nil {
			t.Errorf("a recording that is %s is taken", name)
		}
	}
	data := sets(t)
	if _, err := data.Exhibit(2); err == nil {
		t.Error("pair 3 of 2 exists")
	}
	if e, err := data.Exhibit(1); err != nil || !strings.Contains(e.Attribution, "a.wav") {
		t.Errorf("%v, %v", e, err)
	}
}
