package steganalysis

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
)

// spoken is a loud tone amid the noise of a room, with a pause of exact zeros and the fades around it that data sets make.
func spoken(n, from, to int, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]int16, n)
	before := 0.0
	for i := range x {
		v := 20 * rng.NormFloat64()
		room := v + 0.9*before // dull, as rooms are: a variance of 20²·1.81
		before = v
		if i/8000%2 == 1 {
			room += 3000 * math.Sin(float64(i)/5)
		}
		window := min(1, max(0, float64(max(from-i, i-to+1))/edge))
		x[i] = int16(math.RoundToEven(room * window))
	}
	return x
}

// Pauses of zeros get the room's level and spectrum, and nothing else changes.
func TestFurnished(t *testing.T) {
	const n, from, to = 48000, 17000, 19000
	x := spoken(n, from, to, 1)
	y := furnished(x, rand.New(rand.NewPCG(2, 2)))
	for i, v := range y {
		const rounded = 20 // of the fades' ends, which are zeros too
		if (i < from-edge-rounded || i >= to+edge+rounded) && v != float64(x[i]) {
			t.Fatalf("sample %d, of no pause, became %g from %d", i, v, x[i])
		}
	}
	statistics := func(x []float64) (level, dullness float64) {
		var power, product float64
		for i := 1; i < len(x); i++ {
			power, product = power+x[i]*x[i], product+x[i]*x[i-1]
		}
		return 10 * math.Log10(power/float64(len(x)-1)), product / power
	}
	level, dullness := statistics(y[from:to])
	if want := 10 * math.Log10(400*1.81); math.Abs(level-want) > 1 {
		t.Errorf("a pause of %.1f dB, want %.1f", level, want)
	}
	if want := 0.9 / 1.81; math.Abs(dullness-want) > 0.08 {
		t.Errorf("neighbours correlate by %.2f, want %.2f", dullness, want)
	}
	// Where the recording fades out, the noise has faded in.
	if faded, _ := statistics(slices.Concat(y[from-edge:from], y[to:to+edge])); math.Abs(faded-level) > 1.5 {
		t.Errorf("%.1f dB where it fades", faded)
	}
	if again := furnished(x, rand.New(rand.NewPCG(2, 2))); !slices.Equal(y, again) {
		t.Error("another noise of the same seed")
	}
	// Where all is silence, no room is heard.
	if i := slices.IndexFunc(furnished(make([]int16, n), rand.New(rand.NewPCG(2, 2))), func(v float64) bool { return v != 0 }); i >= 0 {
		t.Errorf("sample %d of silence is none any more", i)
	}
}

// recordings writes clips of speakers, each of two sounds, and reads them as a set.
func recordings(t *testing.T, speakers, clips int) *dataset.Speech {
	t.Helper()
	dir := t.TempDir()
	for s := range speakers {
		for c := range clips {
			x := spoken(experiment.Samples+100, 30000, 31000, uint64(100*s+c))
			samples := make([]float32, len(x))
			for i, v := range x {
				samples[i] = float32(v) * experiment.Step
			}
			var b bytes.Buffer
			if err := wav.Encode(&b, experiment.Recording(samples)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s_%c_%03d.wav", []string{"one", "two"}[s%2], 'a'+s, c)), b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	speech, err := dataset.OpenSpeech(t.Context(), dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return speech
}

func TestCovers(t *testing.T) {
	all, err := covers(Scene{Rate: dataset.Rate, Sets: []*dataset.Speech{recordings(t, 3, 3), recordings(t, 1, 1)}, Samples: experiment.Samples}, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, c := range all {
		counts[c.source+" "+c.group]++
		x := c.recording.Samples[0]
		if len(x) != experiment.Samples {
			t.Errorf("a cover of %d samples", len(x))
		}
		zeros, longest := 0, 0
		for _, v := range x {
			if v != math.Round(v/experiment.Step)*experiment.Step {
				t.Fatalf("%g is no sample of a 16-bit file", v)
			}
			if zeros++; v != 0 {
				zeros = 0
			}
			longest = max(longest, zeros)
		}
		if longest >= stillness {
			t.Errorf("%d zeros in a row", longest)
		}
	}
	if len(all) != 6 || counts["one one_a"] != 2 || counts["two two_b"] != 2 || counts["one one_c"] != 2 {
		t.Errorf("%d covers: %v", len(all), counts)
	}
	if _, err := covers(Scene{Rate: dataset.Rate, Samples: experiment.Samples}, 2, 1); err == nil {
		t.Error("there are covers of nothing")
	}
}

func TestGroupOf(t *testing.T) {
	for name, want := range map[string]string{
		"ast_en_allison_0012.wav": "ast_en_allison", "ufo_dawn-120.flac": "ufo_dawn", "DR1/FCJF0/SA1.WAV": "DR1/FCJF0/SA1", "kl_uk_0001.wav": "kl_uk",
	} {
		if got := groupOf(name); got != want {
			t.Errorf("%s is of the group %s, want %s", name, got, want)
		}
	}
}
