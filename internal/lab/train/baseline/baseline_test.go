package baseline

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ditas/internal/lab/train"
	"ditas/internal/lab/train/traintest"
	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
)

// small returns short runs of small systems.
func small(t *testing.T) map[string]*Config {
	t.Helper()
	all := map[string]*Config{}
	for i, m := range []Model{
		{deepSteg: &deepsteg.Config{Name: deepsteg.Name, Layers: 2, Filters: 4}},
		{kreuk: &kreuk.Config{Name: kreuk.Name, Width: 4, Encode: 2, Decode: 2, Reveal: 2}},
	} {
		c, err := Default(Names()[i])
		if err != nil {
			t.Fatal(err)
		}
		c.Model, c.Rows, c.Batch, c.Steps, c.Rate, c.Warmup, c.Average = m, 2, 3, 40, 0.01, 2, 0.5
		c.ValidateEvery, c.ValidationPairs = 20, 1
		all[Names()[i]] = c
	}
	return all
}

// figures are those of a line of the log.
func validation(t *testing.T, l traintest.Line) (f Figures) {
	t.Helper()
	if err := json.Unmarshal(l.Valid, &f); err != nil {
		t.Fatalf("step %d: %v", l.Step, err)
	}
	return f
}

func TestConforms(t *testing.T) {
	folders := traintest.Folders(t)
	for name, cfg := range small(t) {
		t.Run(name, func(t *testing.T) {
			lines := traintest.Conform(t, cfg, folders)
			first, last := lines[0], lines[len(lines)-1]
			if v := validation(t, last); last.Step != 40 || last.Loss > 0.7*first.Loss || v.PSNR < 8 || !(v.Container > 0) {
				t.Errorf("training begins with %+v and ends with %+v", first, last)
			}
		})
	}
}

// A run that ends with whole pictures, under a controller, conforms too, and comes to the container that it was told to.
func TestFinishAndController(t *testing.T) {
	if testing.Short() {
		t.Skip("whole pictures take long")
	}
	folders := traintest.Folders(t)
	for name, cfg := range small(t) {
		t.Run(name, func(t *testing.T) {
			cfg.Steps, cfg.Finish, cfg.FinishBatch, cfg.Eps, cfg.ValidateEvery = 12, 3, 2, 1e-5, 12
			cfg.ContainerTarget, cfg.Identity = 2e-3, true
			task := traintest.Load(t, cfg, folders).(*Task)
			if a, b, c := task.Examples(8), task.Examples(9), task.Examples(11); a != 3 || b != 2 || c != 2 {
				t.Errorf("%d, %d and %d examples, want 3 stripes, then 2 pictures", a, b, c)
			}
			traintest.Conform(t, cfg, folders)
			stripes := *cfg
			stripes.Finish = 0
			if whole := traintest.Load(t, &stripes, folders).(*Task); whole.Examples(11) != 3 {
				t.Error("without a finish the last step is not one of stripes")
			}
		})
	}
}

// TestController comes to the container that it is told to, from a weight that is far off.
func TestController(t *testing.T) {
	cfg := small(t)[kreuk.Name]
	cfg.Steps, cfg.Rate, cfg.Final, cfg.ValidateEvery, cfg.ContainerWeight, cfg.ContainerTarget = 700, 3e-3, 0.3, 700, 20, 3e-4
	var last Figures
	if err := traintest.New(t, cfg, traintest.Folders(t), 2).Run(t.Context(), train.Options{LogEvery: 40, Progress: func(r train.Record) {
		last = *r.Figures.(*Figures)
	}}); err != nil {
		t.Fatal(err)
	}
	if off := math.Abs(math.Log(last.Container / cfg.ContainerTarget)); off > math.Log(1.6) || !(last.Weight > 0) || last.Weight > 10 {
		t.Errorf("training ends with %+v, the target is %g", last, cfg.ContainerTarget)
	}
}

// A run that starts from weights begins with what these know.
func TestInit(t *testing.T) {
	folders := traintest.Folders(t)
	for name, cfg := range small(t) {
		first := traintest.New(t, cfg, folders, 2)
		var want *Figures
		if err := first.Run(t.Context(), train.Options{Progress: func(r train.Record) { want, _ = r.Valid.(*Figures) }}); err != nil {
			t.Fatal(err)
		}
		cfg.Init = filepath.Join(t.TempDir(), "weights")
		if err := os.WriteFile(cfg.Init, traintest.Result(t, first), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.Steps, cfg.Rate, cfg.Warmup, cfg.ValidateEvery = 1, 1e-9, 0, 1
		if err := traintest.New(t, cfg, folders, 2).Run(t.Context(), train.Options{Progress: func(r train.Record) {
			if got := r.Valid.(*Figures); math.Abs(got.PSNR-want.PSNR) > 0.01 || math.Abs(got.SNR-want.SNR) > 0.01 {
				t.Errorf("%s starts with %v, want %v", name, got, want)
			}
		}}); err != nil {
			t.Fatal(err)
		}
		other := small(t)[deepsteg.Name]
		if name == deepsteg.Name {
			other = small(t)[kreuk.Name]
		}
		other.Init = cfg.Init
		if err := traintest.New(t, other, folders, 1).Run(t.Context(), train.Options{}); err == nil {
			t.Errorf("another system starts from the weights of %s", name)
		}
	}
}

// TestCost pins that a run of Table 1 costs what configs/table1/README.md says, as much as one of the systems of package model.
func TestCost(t *testing.T) {
	for _, name := range Names() {
		c, err := Default(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Model.new()
		if err != nil {
			t.Fatal(err)
		}
		codec, err := unit.NewCodec(s)
		if err != nil {
			t.Fatal(err)
		}
		stripe := 3 * float64(codec.FLOPs()) * float64(c.Rows) / unit.Side
		if got := stripe * float64(c.Steps*c.Batch) / 1e12; got < 66 || got > 68 {
			t.Errorf("%s takes %.1f TFLOP, want 67", name, got)
		}
		small := *c
		small.Rows, small.Steps, small.Batch = 1, 1, 1
		task, err := New(small, train.Material{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := task.NewWorker(); err != nil {
			t.Fatal(err)
		}
		if got, want := task.FLOPs(), stripe/float64(c.Rows); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("%s: a step of one row takes %g FLOPs, want %g", name, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, name := range Names() {
		text, err := os.ReadFile("../../../../configs/table1/photos/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		c, err := Read(text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Default(name)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c, train.Config(want)) {
			t.Errorf("configs/table1/photos/%s.json is %+v, the default %+v", name, c, want)
		}
		// What ditas train keeps in the folder of a run has to be read again.
		whole, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Read(whole); err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s comes back as %+v, error %v", whole, back, err)
		}
	}
	read, err := Read([]byte(`{"model": {"name": "kreuk", "width": 7}, "rows": 64}`))
	if err != nil {
		t.Fatal(err)
	}
	if c := read.(*Config); c.Model.kreuk.Width != 7 || c.Model.kreuk.Reveal != 6 || c.Rows != 64 || c.ContainerWeight != 3 {
		t.Errorf("configuration is %+v with %+v", c, c.Model.kreuk)
	}
	for _, config := range []string{
		``, `{}`, `{"model": {"name": "ditas-s"}}`, `{"model": {"name": "kreuk", "filters": 3}}`,
	} {
		if _, err := Read([]byte(config)); err == nil {
			t.Errorf("%s is taken", config)
		}
	}
	for _, field := range []string{
		`"stesp": 1`, `"steps": 0`, `"batch": 0`, `"rows": -1`, `"rows": 65`, `"rate": 0`, `"average": 1`, `"validateEvery": 0`,
		`"validationPairs": 0`, `"containerWeight": -1`, `"containerWeight": 0, "secretWeight": 0`, `"finish": -1`, `"finish": 6000`,
		`"finishBatch": -1`, `"containerTarget": -1`, `"containerTarget": 1e-3, "containerWeight": 0`, `"eps": -1`, `"clip": -1`,
		`"warmup": -1`, `"final": 2`, `"identity": true`,
	} {
		if _, err := Read(fmt.Appendf(nil, `{"model": {"name": "kreuk"}, %s}`, field)); err == nil || !strings.Contains(err.Error(), "training configuration") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := New(Config{}, train.Material{}); err == nil {
		t.Error("trains nothing")
	}
}
