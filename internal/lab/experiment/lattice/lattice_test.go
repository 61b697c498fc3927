package lattice

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/experimenttest"
)

// What takes no search for what is not there, which takes long, runs as a whole.
func TestLattice(t *testing.T) {
	if testing.Short() {
		t.Skip("runs with one worker")
	}
	steps := 0
	data := experimenttest.Data(t)
	r, err := Measure(t.Context(), data, Options{
		Music: data.Speech, MusicName: "the same voice",
		Options: experiment.Options{Workers: 1, Seed: 1, Progress: func(string, int, int) { steps++ }},
		Parts:   []string{"formats", "hearing", "innocents"}, Command: "ditas experiment",
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 3 || r.Pairs != 2 || steps == 0 {
		t.Errorf("%d tables of %d pairs after %d steps", len(r.Tables), r.Pairs, steps)
	}
	var page bytes.Buffer
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"*Written by `ditas experiment`", "digest made up", "Music: the same voice", "## Formats",
		"| WAV → FLAC → WAV | 1 | 100.0 % | 100.0 % |", "| music | 1 |", "0 of these samples changed",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	// What is measured later joins what was before.
	var file bytes.Buffer
	if err := json.NewEncoder(&file).Encode(r); err != nil {
		t.Fatal(err)
	}
	o := Options{Options: experiment.Options{Workers: 1, Seed: 2}, Parts: []string{"formats"}, Command: "ditas again"}
	if o.Earlier, err = ReadReport(&file); err != nil {
		t.Fatal(err)
	}
	both, err := Measure(t.Context(), experimenttest.Data(t), o)
	if err != nil {
		t.Fatal(err)
	}
	page.Reset()
	if err := both.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"*Written by `ditas again`", "| formats | `ditas again` |", "| hearing, innocents | `", "0 of these samples changed"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page of both lacks %q:\n%s", want, &page)
		}
	}
	o.Earlier.Pairs++
	if _, err := Measure(t.Context(), experimenttest.Data(t), o); err == nil {
		t.Error("results of other pairs were taken")
	}
}

func TestLatticeEndsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, experimenttest.Data(t), Options{}); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}

func TestFigure(t *testing.T) {
	r := &Report{Curves: []Curve{{Method: "one", Ratio: []float64{-10, 40}, PSNR: []float64{15, 100}}, {Method: "another", Ratio: []float64{-10, 40}, PSNR: []float64{15, 30}}}}
	var b bytes.Buffer
	if err := r.Figure(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil || m.Bounds().Dx() != 1000 || m.Bounds().Dy() != 600 {
		t.Errorf("%v, %v", m, err)
	}
}

func TestTableShowsFailure(t *testing.T) {
	good, lost := experiment.Outcome{PSNR: 100, Found: true, Exact: true}, experiment.Outcome{PSNR: 14}
	table := &Table{Title: "T", Text: "How.", Columns: pictureColumns}
	for _, o := range [][]experiment.Outcome{{good, good}, {good, lost}} {
		m := summarise(o)
		table.Rows = append(table.Rows, exactly.row("some", m, m.values()...), nothing.row("others", m, m.values()...))
	}
	var b strings.Builder
	if err := table.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	want := `## T

How.

| | pairs | found | bit-exact | mean PSNR | worst PSNR | target | met |
|---|--:|--:|--:|--:|--:|---|---|
| some | 2 | 100.0 % | 100.0 % | 100.0 dB | 100.0 dB | all bit-exact | yes |
| others | 2 | 100.0 % | 100.0 % | 100.0 dB | 100.0 dB |  |  |
| some | 2 | 50.0 % | 50.0 % | 57.0 dB | 14.0 dB | all bit-exact | **no** |
| others | 2 | 50.0 % | 50.0 % | 57.0 dB | 14.0 dB |  |  |
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestUniform(t *testing.T) {
	// Exact values of the χ² distribution.
	for _, c := range []struct {
		counts []int
		want   float64
	}{{[]int{10, 10, 10, 10}, 1}, {[]int{20, 10, 10, 20}, 0.0833}, {[]int{16, 8, 8, 8, 8, 8, 8, 8}, 0.5141}, {[]int{30, 10}, 0.0016}} {
		if got := chance(chiSquare(c.counts), len(c.counts)-1); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%v: p = %.4f, want %.4f", c.counts, got, c.want)
		}
	}
	p := phases{}
	p.count([]float64{0, 1 * experiment.Step, 3 * experiment.Step, 4 * experiment.Step, -1 * experiment.Step}, 4)
	if want := []int{2, 1, 0, 2}; !slices.Equal(p[4][:4], want) {
		t.Errorf("modulo 4: %v, want %v", p[4][:4], want)
	}
	even, odd := phases{}, phases{}
	for i := range 4000 {
		even.count([]float64{float64(i) * experiment.Step}, 8)
		odd.count([]float64{float64(i/2*2) * experiment.Step}, 8)
	}
	odd.add(even)
	if even.uniform() < 0.99 || odd.uniform() > 1e-6 {
		t.Errorf("p = %g of all values, %g of even ones more often", even.uniform(), odd.uniform())
	}
}

func TestEars(t *testing.T) {
	e := ears{[]float64{0, 0.01, 0.1, 1}}
	if e.below() != 0.75 || math.Abs(e.percentile(95)+10) > 1e-9 || math.Abs(e.mean()-10*math.Log10(1.11/4)) > 1e-9 || math.Abs(e.middle()+22.5) > 1e-9 {
		t.Errorf("%g below, 95th percentile %g, mean %g", e.below(), e.percentile(95), e.mean())
	}
	cover := experimenttest.Voice(4096, 6)
	stego := &audio.Recording{Format: cover.Format, Samples: [][]float64{slices.Clone(cover.Samples[0])}}
	for i := range 2048 {
		stego.Samples[0][i] += float64(1-2*(i%2)) / 1024
	}
	near, far := spread(cover, stego, 2048), spread(cover, stego, 4096)
	if math.Abs(near[0]*1024-1) > 1e-9 || near[4095] != 0 || math.Abs(far[4095]*1024-math.Sqrt(0.5)) > 1e-9 {
		t.Errorf("deviations %g, %g, %g", near[0], near[4095], far[4095])
	}
}

func TestInnocentsAreOfAllKinds(t *testing.T) {
	data := experimenttest.Data(t)
	s := &study{Study: experiment.New(t.Context(), data, experiment.Options{}), music: data.Speech}
	seen := make(map[string]int)
	for i := range 64 {
		seen[s.kind(i)]++
	}
	for _, kind := range innocentKinds {
		if seen[kind] == 0 {
			t.Errorf("no %s: %v", kind, seen)
		}
	}
	for i := range 64 {
		r := s.innocent(i)
		sum := 0.0
		for _, v := range r.Samples[0] {
			sum += math.Abs(v)
		}
		if silent := s.kind(i) == "silence"; (sum == 0) != silent || r.Frames() != 3*dataset.Rate {
			t.Errorf("innocent %d, %s: %d frames, sum %g", i, s.kind(i), r.Frames(), sum)
		}
	}
}
