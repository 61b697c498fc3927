package robustness

import (
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"ditas/internal/ffmpeg"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/picture"
)

// Fast correlation against its definition, with what is received longer and shorter than the reference.
func TestCorrelate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	for _, c := range [][2]int{{100, 100}, {37, 900}, {900, 37}, {1, 1}} {
		x, y := noise(c[0]), noise(c[1])
		got, err := correlate(x, y)
		if err != nil {
			t.Fatal(err)
		}
		for _, lag := range []int{-farthest, -899, -100, -36, -1, 0, 1, 36, 63, 899, farthest} {
			want := 0.0
			for i, v := range x {
				if j := i + lag; j >= 0 && j < len(y) {
					want += v * y[j]
				}
			}
			if g := got[(lag+len(got))%len(got)]; math.Abs(g-want) > 1e-9 {
				t.Errorf("%d and %d samples, lag %d: %g, want %g", c[0], c[1], lag, g, want)
			}
		}
	}
}

func TestAlign(t *testing.T) {
	x := experimenttest.Voice(20000, 1).Samples[0]
	for _, c := range []struct {
		name       string
		received   []float64
		head, tail int // samples that are missing
	}{
		{"as it is", x, 0, 0},
		{"late", slices.Concat(make([]float64, 2257), x, make([]float64, 700)), 0, 0},
		{"as late as can be", slices.Concat(make([]float64, farthest), x), 0, 0},
		{"early", x[1105:], 1105, 0},
		{"without its end", slices.Concat(make([]float64, 5), x[:19000]), 0, 1000},
	} {
		got, err := align(x, c.received)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(x)
		clear(want[:c.head])
		clear(want[len(want)-c.tail:])
		if !slices.Equal(got, want) {
			t.Errorf("%s: wrong", c.name)
		}
	}
	if got, err := align(x, nil); err != nil || len(got) != len(x) {
		t.Errorf("nothing received: %d samples, %v", len(got), err)
	}
}

func TestCodecs(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			if why := c.lacking(t.Context()); why != "" {
				t.Skip(why)
			}
			r := experimenttest.Voice(12000, 2)
			left, err := c.pass(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if left.Format != r.Format || left.Frames() < 11000 {
				t.Fatalf("%d frames of %v", left.Frames(), left.Format)
			}
			aligned, err := align(r.Samples[0], left.Samples[0])
			if err != nil {
				t.Fatal(err)
			}
			var change float64
			for i, v := range r.Samples[0] {
				change += (aligned[i] - v) * (aligned[i] - v) / 12000
			}
			if snr := 10 * math.Log10(experiment.Power(r.Samples[0])/change); snr < 5 || snr > 60 {
				t.Errorf("SNR of %.1f dB", snr)
			}
		})
	}
	unknown := codec{"None", "no-such-encoder", "mp3", 64}
	if why := unknown.lacking(t.Context()); why == "" {
		t.Error("there is an encoder of no name")
	} else if _, err := ffmpeg.Find(); err == nil && why != "ffmpeg has no no-such-encoder that works" {
		t.Errorf("it lacks %q", why)
	}
	t.Setenv("PATH", t.TempDir())
	if why := codecs[0].lacking(t.Context()); why != "ffmpeg not found" {
		t.Errorf("without ffmpeg it lacks %q", why)
	}
}

// All methods with a strength to choose make the MSE of the lattice, and what was sent comes back as well as in other experiments.
func TestEndure(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(1), Cover: experimenttest.Voice(experiment.Samples, 1), Target: 1e-5}
	s := experiment.New(t.Context(), experiment.Data{}, experiment.Options{Workers: 1})
	conditions := conditionsOf(s, []string{"noise", "bits", "low-pass", "gain"}, []float64{60, 20})
	if len(conditions) != 9 {
		t.Errorf("%d conditions", len(conditions))
	}
	m, err := endure(s, contender.Linear(s), []*experiment.Subject{p}, conditions)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(m.MSE/1e-5-1) > 0.02 {
		t.Errorf("container MSE %g", m.MSE)
	}
	of := func(name string) *Result {
		k := slices.IndexFunc(conditions, func(c condition) bool { return c.Name == name })
		if k < 0 {
			t.Fatalf("no %s", name)
		}
		return m.Results[k]
	}
	if r := of("as sent"); r.Exact != 1 || r.Failed != 0 || r.PSNR != experiment.Best {
		t.Errorf("as sent: %+v", r)
	}
	if bits, noise := of("12 bits").PSNR, of("noise 60 dB below").PSNR; bits < 30 || bits > 60 || noise < 20 || noise > 60 {
		t.Errorf("12 bits %.1f dB, noise %.1f dB", bits, noise)
	}
	for _, name := range []string{"gain −6 dB", "noise 20 dB below", "low-pass 4 kHz"} {
		if r := of(name); r.Failed != 1 || r.Found != 1 || r.Exact != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	j, err := endure(s, contender.LowestBits(2), []*experiment.Subject{p}, conditions)
	if err != nil {
		t.Fatal(err)
	}
	if j.MSE > 1e-8 || j.Results[0].Failed != 0 || j.Results[1].Found != 0 || j.Results[1].Failed != 1 {
		t.Errorf("JPEG: MSE %g, %+v, %+v", j.MSE, j.Results[0], j.Results[1])
	}
	// Whoever hides does so once, before anything happens.
	var heard [][]float64
	hidden := 0
	probe := &contender.Contender{Name: "probe", Worker: func() (contender.Hider, error) {
		return func(_ int, p *experiment.Subject) (*contender.Sent, error) {
			hidden++
			return &contender.Sent{Samples: p.Cover.Samples[0], Reveal: func(received []float64) (*picture.Planes, error) {
				heard = append(heard, received)
				return nil, nil
			}}, nil
		}, nil
	}}
	if _, err := endure(s, probe, []*experiment.Subject{p}, conditions); err != nil {
		t.Fatal(err)
	}
	if hidden != 1 || len(heard) != len(conditions) || !slices.Equal(heard[0], p.Cover.Samples[0]) || slices.Equal(heard[1], heard[0]) {
		t.Errorf("hidden %d times, heard %d times", hidden, len(heard))
	}
}

func TestRobustnessPage(t *testing.T) {
	level := func(dB float64) *float64 { return &dB }
	result := func(psnr float64, exact, found, failed int) *Result {
		return &Result{PSNR: psnr, Exact: exact, Found: found, Failed: failed}
	}
	r := &Report{
		Pairs: 2, Grey: 14, Origin: experiment.Origin{Command: "ditas experiment robustness"}, Untrained: []string{"kreuk"},
		Conditions: []Condition{{Name: "12 bits"}, {Name: "MP3, 64 kbit/s", Lacking: "ffmpeg not found"}, {Name: "n", Below: level(60)}, {Name: "n", Below: level(10)}},
		Methods: []Method{
			{Name: "lattice", Results: []*Result{result(experiment.Best, 2, 2, 0), nil, result(30.25, 0, 2, 0), result(14, 0, 0, 2)}},
			{Name: "deep-steg", Results: []*Result{result(20, 0, 2, 1), nil, result(25, 0, 2, 0), result(9, 0, 2, 2)}},
			{Name: "deep-steg", Own: true, MSE: 1e-3, Results: []*Result{result(20, 0, 2, 0), nil, result(25, 0, 2, 0), result(9, 0, 2, 2)}},
		},
	}
	var page strings.Builder
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nNot measured, for want of weights: Kreuk's model.\n", "\nMP3, 64 kbit/s: not measured: ffmpeg not found.\n", "no ffmpeg",
		"| lattice | 0.00e+00 | 0.0 dB | 30.2 | fails (14.0) |\n", "| lattice | 0.00e+00 | 0.0 dB | exact | – |\n",
		"| Deep-Steg | 0.00e+00 | 0.0 dB | 20.0 (1 of 2 fails) | – |\n", "| Deep-Steg, as trained | 1.00e-03 |", "| *at their own strength:* | | | | |\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, &page)
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	var b bytes.Buffer
	if err := r.Figure(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil || m.Bounds().Dx() != 1500 || m.Bounds().Dy() != 1260 {
		t.Errorf("%v, %v", m.Bounds(), err)
	}
}

// A folder without a system is no error, one with a broken system is.
func TestRobustnessOfBrokenRun(t *testing.T) {
	data := experimenttest.Data(t)
	o := Options{Options: experiment.Options{Pairs: 1, Workers: 1}, Noise: []float64{}}
	runs := fstest.MapFS{
		"kreuk/weights.safetensors": &fstest.MapFile{Data: []byte("nothing")}, "kreuk/config.json": &fstest.MapFile{Data: []byte("{}")},
		"kreuk/log.jsonl": &fstest.MapFile{},
	}
	if _, err := Measure(t.Context(), data, runs, o); err == nil || !strings.Contains(err.Error(), "kreuk/weights.safetensors") {
		t.Errorf("error %v", err)
	}
}
