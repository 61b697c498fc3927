package detector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/traintest"
	"ditas/internal/nn"
)

// tiny is a small detector that learns fast.
func tiny() Config {
	c := Default()
	c.Window, c.Width = 256, 4
	c.Steps, c.Batch, c.Rate, c.Warmup, c.Final, c.Average, c.ValidateEvery = 60, 4, 0.01, 5, 0.1, 0.8, 20
	return c
}

// voices returns pairs of something like a voice, with noise of a deviation in steps of a 16-bit file added to the stegos. Where it is 0,
// the stegos are other stretches of the same voices.
func voices(n int, seed uint64, deviation float64) []Pair {
	const frames = 1024
	rng := rand.New(rand.NewPCG(seed, 0))
	voice := func(pitch, phase float64) []float32 {
		x := make([]float32, frames)
		for i := range x {
			v := 8000*math.Sin(pitch*float64(i)+phase) + 2000*math.Sin(3*pitch*float64(i)) + 3*rng.NormFloat64()
			x[i] = float32(math.RoundToEven(v) / (1 << 15))
		}
		return x
	}
	pairs := make([]Pair, n)
	for i := range pairs {
		pitch, phase := 0.02+0.05*rng.Float64(), 6*rng.Float64()
		p := Pair{Cover: voice(pitch, phase)}
		if deviation == 0 {
			p.Stego = voice(pitch, 6*rng.Float64())
		} else {
			p.Stego = slices.Clone(p.Cover)
			for j := range p.Stego {
				p.Stego[j] += float32(math.RoundToEven(deviation*rng.NormFloat64()) / (1 << 15))
			}
		}
		pairs[i] = p
	}
	return pairs
}

// learnt returns what a tiny detector makes of new pairs, and of those that its threshold is chosen with.
func learnt(t *testing.T, deviation float64, o Options) (test, validation trial.Scores, training *Training) {
	t.Helper()
	check := voices(12, 2, deviation)
	d, training, err := Train(t.Context(), tiny(), voices(30, 1, deviation), check, o)
	if err != nil {
		t.Fatal(err)
	}
	if validation, err = d.Scores(check, 1); err != nil {
		t.Fatal(err)
	}
	if test, err = d.Scores(voices(40, 3, deviation), 2); err != nil {
		t.Fatal(err)
	}
	return test, validation, training
}

func TestFindsABlatantChange(t *testing.T) {
	test, validation, training := learnt(t, 20, Options{Seed: 1})
	if auc, e := test.AUC(), test.Error(validation.Threshold()); auc < 0.99 || e > 0.05 {
		t.Errorf("AUC %.3f, error %.3f", auc, e)
	}
	if training.Loss > 0.1 || training.Steps != 60 || training.Best%20 != 0 || training.Pairs != 30 {
		t.Errorf("%+v", training)
	}
}

// What is tried has not been learnt from, and the threshold is the one that others chose.
func TestTry(t *testing.T) {
	pairs := voices(40, 5, 20)
	var l trial.Labels
	for i := range pairs {
		l.Groups, l.Sources, l.Part = append(l.Groups, fmt.Sprint(i/4)), append(l.Sources, "package"), append(l.Part, i/4%trial.Parts)
	}
	v, d, training, err := Try(t.Context(), tiny(), pairs, l, Options{Seed: 1, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if v.Tried != 8 || training.Pairs != 24 || v.Error.Value > 0.1 || v.AUC.Value < 0.95 {
		t.Errorf("%+v, %+v", v, training)
	}
	if s, err := d.Scores(pairs[:4], 1); err != nil || s.AUC() < 0.9 {
		t.Errorf("the network that it returns: %+v, %v", s, err)
	}
	l.Part = slices.Repeat([]int{1}, len(pairs))
	if _, _, _, err := Try(t.Context(), tiny(), pairs, l, Options{Seed: 1}); err == nil {
		t.Error("no error where there is nothing to try")
	}
}

func TestFindsNothingWhereNothingIs(t *testing.T) {
	test, validation, training := learnt(t, 0, Options{Seed: 1})
	if auc := test.AUC(); math.Abs(auc-0.5) > 0.2 {
		t.Errorf("AUC %.3f", auc)
	}
	if e := test.Error(validation.Threshold()); e < 0.3 || e > 0.7 {
		t.Errorf("error %.3f", e)
	}
	if training.Loss < 0.62 {
		t.Errorf("a loss of %.3f: want that of guessing, 0.69", training.Loss)
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	one, _, _ := learnt(t, 5, Options{Seed: 7, Workers: 1})
	four, _, _ := learnt(t, 5, Options{Seed: 7, Workers: 4})
	if !slices.Equal(one.Cover, four.Cover) || !slices.Equal(one.Stego, four.Stego) {
		t.Error("four workers make another detector than one")
	}
	other, _, _ := learnt(t, 5, Options{Seed: 8, Workers: 4})
	if slices.Equal(one.Cover, other.Cover) {
		t.Error("the seed does not matter")
	}
}

// A detector that goes on from another begins with what that one knows, and leaves it as it is.
func TestGoesOn(t *testing.T) {
	check := voices(12, 2, 20)
	cfg := tiny()
	first, _, err := Train(t.Context(), cfg, voices(30, 1, 20), check, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	before, err := first.Scores(check, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Steps, cfg.Rate, cfg.ValidateEvery = 1, 1e-6, 1
	second, _, err := Train(t.Context(), cfg, voices(30, 1, 20), check, Options{Seed: 2, Start: first})
	if err != nil {
		t.Fatal(err)
	}
	after, err := second.Scores(check, 1)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := first.Scores(check, 1); err != nil || !slices.Equal(again.Stego, before.Stego) || after.AUC() < 0.99 {
		t.Errorf("AUC %.3f, was %.3f; %v", after.AUC(), before.AUC(), err)
	}
	cfg.Width = 2
	if _, _, err := Train(t.Context(), cfg, check, check, Options{Start: first}); err == nil {
		t.Error("a detector goes on from one of another width")
	}
}

func TestErrors(t *testing.T) {
	pairs := voices(2, 1, 5)
	for name, c := range map[string]struct {
		cfg               func(c *Config)
		learn, validation []Pair
	}{
		"no steps":       {func(c *Config) { c.Steps = 0 }, pairs, pairs},
		"no rate":        {func(c *Config) { c.Rate = math.NaN() }, pairs, pairs},
		"tiny windows":   {func(c *Config) { c.Window = 4 }, pairs, pairs},
		"no pairs":       {func(*Config) {}, nil, pairs},
		"no validation":  {func(*Config) {}, pairs, nil},
		"short pairs":    {func(c *Config) { c.Window = 2000 }, pairs, pairs},
		"one-sided pair": {func(*Config) {}, []Pair{{Cover: pairs[0].Cover}}, pairs},
	} {
		cfg := tiny()
		c.cfg(&cfg)
		if _, _, err := Train(t.Context(), cfg, c.learn, c.validation, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Train(ctx, tiny(), pairs, pairs, Options{}); !errors.Is(err, train.ErrStopped) {
		t.Errorf("cancelled: %v", err)
	}
	cfg := Default()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

// The fixed maps against their definitions: Adjoint is that of Apply, and white noise keeps its power.
func TestMaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	noise := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64() / (1 << 15))
		}
		return x
	}
	dot := func(a, b []float32) (sum float64) {
		for i, v := range a {
			sum += float64(v) * float64(b[i])
		}
		return sum
	}
	for name, m := range map[string]nn.Map[float32]{"residual": residual{}, "mean": mean{}} {
		in := nn.Shape{N: 1, C: 1, H: 1, W: 4000}
		out, err := m.OutShape(in)
		if err != nil {
			t.Fatal(err)
		}
		x, y := noise(in.Len()), noise(out.Len())
		fx, ay := make([]float32, out.Len()), make([]float32, in.Len())
		m.Apply(fx, x)
		m.Adjoint(ay, y)
		if a, b := dot(fx, y), dot(x, ay); math.Abs(a-b) > 1e-5*math.Sqrt(dot(fx, fx)*dot(y, y)) {
			t.Errorf("%s: ⟨Fx, y⟩ = %g, ⟨x, F*y⟩ = %g", name, a, b)
		}
		if power := dot(fx, fx) / float64(out.Len()); name == "residual" && math.Abs(power-1) > 0.1 {
			t.Errorf("white noise of one step has a power of %.2f behind the filters", power)
		}
	}
}

// pairsIn writes pairs to two folders of WAV files.
func pairsIn(t *testing.T, pairs []Pair) (covers, stegos string) {
	t.Helper()
	covers, stegos = t.TempDir(), t.TempDir()
	write := func(name string, x []float32) {
		rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, len(x))}
		for i, v := range x {
			rec.Samples[0][i] = float64(v)
		}
		var b bytes.Buffer
		if err := errors.Join(wav.Encode(&b, rec), os.WriteFile(name, b.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range pairs {
		name := string(rune('a'+i)) + ".wav"
		write(filepath.Join(covers, name), p.Cover)
		write(filepath.Join(stegos, name), p.Stego)
	}
	return covers, stegos
}

// Training by configuration and folders, as ditas train does it.
func TestTask(t *testing.T) {
	cfg := tiny()
	learn, check := voices(20, 1, 20), voices(8, 2, 20)
	var f train.Folders
	f.Speech, f.Stegos = pairsIn(t, learn)
	f.ValidationSpeech, f.ValidationStegos = pairsIn(t, check)
	lines := traintest.Conform(t, &cfg, f)
	first, last := lines[0], lines[len(lines)-1]
	var training Training
	if err := json.Unmarshal(last.Valid, &training); err != nil {
		t.Fatal(err)
	}
	if last.Step != 60 || last.Loss > 0.5*first.Loss || training.Loss > 0.1 {
		t.Errorf("training begins with %+v and ends with %+v", first, last)
	}

	// Files hold the very samples, and so the same detector as from memory comes of them.
	run := traintest.New(t, &cfg, f, 1)
	if err := run.Run(t.Context(), train.Options{}); err != nil {
		t.Fatal(err)
	}
	file := traintest.Result(t, run)
	loaded, err := Load(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	direct, _, err := Train(t.Context(), cfg, learn, check, Options{Seed: cfg.Seed})
	if err != nil {
		t.Fatal(err)
	}
	a, errA := loaded.Scores(check, 1)
	b, errB := direct.Scores(check, 1)
	if errA != nil || errB != nil || !slices.Equal(a.Stego, b.Stego) {
		t.Errorf("scores are %v and %v; %v, %v", a.Stego, b.Stego, errA, errB)
	}

	// A run that starts from that detector begins with what it knows, constants and all.
	cfg.Init = filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(cfg.Init, file, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Steps, cfg.Rate, cfg.Warmup, cfg.ValidateEvery, cfg.Seed = 2, 1e-9, 0, 2, 9
	var loss float64
	if err := traintest.New(t, &cfg, f, 1).Run(t.Context(), train.Options{Progress: func(r train.Record) { loss = r.Loss }}); err != nil || loss > 0.1 {
		t.Errorf("it starts with a loss of %.3f: %v", loss, err)
	}

	if err := os.Remove(filepath.Join(f.Stegos, "a.wav")); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Load(t.Context(), f); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a stego is missing: %v", err)
	}
	f.Stegos = ""
	var missing *train.MissingError
	if _, err := cfg.Load(t.Context(), f); !errors.As(err, &missing) || missing.Folder != "stegos" {
		t.Errorf("no stegos: %v", err)
	}
	f.Speech, f.Stegos = t.TempDir(), f.ValidationStegos
	if _, err := cfg.Load(t.Context(), f); err == nil {
		t.Error("learns from nothing")
	}
}

func TestRead(t *testing.T) {
	text, err := os.ReadFile("../../../../../configs/detector.json")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	if c, err := Read(text); err != nil || !reflect.DeepEqual(c, train.Config(&want)) {
		t.Errorf("configs/detector.json is %+v, the default %+v; %v", c, want, err)
	}
	for _, text := range []string{`{"stesp": 1}`, `{"window": 3}`, `{"width": 0}`, `{"steps": 0}`, `{"width": 1000000}`} {
		if _, err := Read([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	d := newDetector(Config{Window: 64, Width: 1})
	if err := d.Save(&b, true, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(bytes.Replace(b.Bytes(), []byte(`\"width\":1`), []byte(`\"width\":9`), 1))
	f.Add(bytes.Replace(b.Bytes(), []byte("centre"), []byte("center"), 1))
	f.Fuzz(func(t *testing.T, file []byte) {
		d, err := Load(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := d.Save(&again, false, nil); err != nil {
			t.Error(err)
		}
	})
}
