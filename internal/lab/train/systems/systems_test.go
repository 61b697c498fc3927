package systems_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ditas/internal/lab/train"
	"ditas/internal/lab/train/systems"
	"ditas/internal/lab/train/traintest"
	"ditas/internal/model"
)

func tiny(t *testing.T) *systems.Config {
	t.Helper()
	c, err := systems.Default("ditas-m-ed")
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Tile, c.Model.Bands, c.Model.Width, c.Model.Depth = 16, 64, 8, 4
	c.Steps, c.Batch, c.Warmup, c.ValidateEvery, c.ValidationPairs = 20, 3, 2, 8, 2
	c.Dropout, c.DropoutWeight = 0.3, 0.1
	c.ValidationThresholds = []float64{0.05}
	return c
}

func TestConforms(t *testing.T) {
	traintest.Conform(t, tiny(t), traintest.Folders(t))
}

// plain is a system without a transform, which learns from stripes and then from whole pictures under a controller.
func plain(t *testing.T) *systems.Config {
	t.Helper()
	c := tiny(t)
	c.Model.Transform, c.Model.Amplitude = model.NoTransform, 0.1
	c.Rows, c.Finish, c.FinishBatch = 4, 5, 2
	c.ContainerWeight, c.ContainerTarget = 0.03, 1e-3
	return c
}

func TestPlainConforms(t *testing.T) {
	c := plain(t)
	folders := traintest.Folders(t)
	task := traintest.Load(t, c, folders).(*systems.Task)
	if a, b := task.Examples(14), task.Examples(15); a != 3 || b != 2 {
		t.Errorf("%d and %d examples, want 3 stripes, then 2 pictures", a, b)
	}
	lines := traintest.Conform(t, c, folders)
	if v := validated(t, lines); len(v[0]) != 1 {
		t.Errorf("validates %d strengths where there is but one", len(v[0]))
	}
}

// A system without a transform learns, at the container that it was told to keep.
func TestPlainImproves(t *testing.T) {
	c := plain(t)
	c.Steps, c.Finish, c.Batch, c.Rows, c.DropoutWeight, c.ValidateEvery, c.FreezeGains = 800, 50, 8, 8, 0, 800, 0.5
	lines := traintest.Conform(t, c, traintest.Folders(t))
	v := validated(t, lines)[0][0]
	if v.PSNR[2] < 16 || v.Container < c.ContainerTarget/4 || v.Container > c.ContainerTarget*4 {
		t.Errorf("comes to %+v, the target is %g", v, c.ContainerTarget)
	}
}

// validated returns the validations of a log.
func validated(t *testing.T, lines []traintest.Line) (all []systems.Validation) {
	t.Helper()
	for _, l := range lines {
		if l.Valid == nil {
			continue
		}
		var v systems.Validation
		if err := json.Unmarshal(l.Valid, &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func TestTrainingImproves(t *testing.T) {
	c := tiny(t)
	c.Steps, c.ValidateEvery, c.DropoutWeight = 60, 20, 0
	lines := traintest.Conform(t, c, traintest.Folders(t))
	if first, last := lines[0], lines[len(lines)-1]; last.Loss > first.Loss-1 || last.Step != 60 {
		t.Errorf("the loss goes from %+v to %+v", first, last)
	}
	seen := validated(t, lines)
	first, last := seen[0][0], seen[len(seen)-1][0]
	if last.PSNR[2] < first.PSNR[2]+3 || last.PSNR[2] < last.PSNR[0]+2 || !(last.Container > 0) || !(last.SSIM > 0) {
		t.Errorf("validation goes from %+v to %+v", first, last)
	}
}

// A run that starts from weights begins with what these know, gains and all.
func TestInit(t *testing.T) {
	c, f := tiny(t), traintest.Folders(t)
	c.Steps = 60
	first := traintest.New(t, c, f, 2)
	var quality systems.Validation
	if err := first.Run(t.Context(), train.Options{Progress: func(r train.Record) {
		if v, ok := r.Valid.(systems.Validation); ok {
			quality = v
		}
	}}); err != nil {
		t.Fatal(err)
	}
	c.Init = filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(c.Init, traintest.Result(t, first), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Steps, c.Rate, c.Warmup, c.ValidateEvery, c.FreezeGains = 1, 1e-9, 0, 1, 0
	err := traintest.New(t, c, f, 2).Run(t.Context(), train.Options{Progress: func(r train.Record) {
		if v := r.Valid.(systems.Validation); v[0].PSNR[2] < quality[0].PSNR[2]-0.1 {
			t.Errorf("starts with %v, want %v", v, quality)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Width = 4
	if err := traintest.New(t, c, f, 2).Run(t.Context(), train.Options{}); err == nil || !strings.Contains(err.Error(), "another architecture") {
		t.Errorf("starts from a system of another width: %v", err)
	}
	c.Init = "nowhere"
	if err := traintest.New(t, c, f, 2).Run(t.Context(), train.Options{}); err == nil || !strings.Contains(err.Error(), "weights to start from") {
		t.Errorf("starts from nothing: %v", err)
	}
}

func TestRead(t *testing.T) {
	read, err := systems.Read([]byte(`{"model": {"name": "ditas-m"}, "steps": 7, "eps": 1e-3}`))
	if err != nil {
		t.Fatal(err)
	}
	c := read.(*systems.Config)
	m, _ := model.Named("ditas-m")
	if c.Steps != 7 || c.Model != m || c.Batch != 8 || c.Eps != 1e-3 {
		t.Errorf("%+v", c)
	}
	for text, want := range map[string]string{
		`{`:                           "training configuration",
		`{"model": {"name": "nope"}}`: `unknown system "nope"`,
		`{"model": {"name": "ditas-m"}, "stepz": 7}`:           `unknown field "stepz"`,
		`{"model": {"name": "ditas-m"}, "steps": 0}`:           "0 steps",
		`{"model": {"name": "ditas-m"}, "thresholds": [2, 1]}`: "thresholds",
		`{"model": {"name": "ditas-m"}, "loudness": [1, 0]}`:   "loudness",
		`{"model": {"name": "ditas-m"}, "dropout": 1}`:         "dropout",
		`{"model": {"name": "ditas-m"}, "rows": 8}`:            "takes whole pictures",
		`{"model": {"name": "ditas-m", "transform": "none"}}`:  "needs a containerTarget",
		`{"model": {"name": "ditas-m"}, "containerTarget": 1}`: "no other takes a target",
		`{"model": {"name": "ditas-m", "transform": "dct"}}`:   `transform "dct"`,
	} {
		if _, err := systems.Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The configuration of the shipped weights is written out, so that a change of the defaults does not change what they are.
func TestShippedConfig(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "configs", "ditas-m-ed.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := systems.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := systems.Default("ditas-m-ed")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, train.Config(want)) {
		t.Errorf("configs/ditas-m-ed.json says %+v, the default is %+v", got, want)
	}
}

func TestDamagedMemory(t *testing.T) {
	task := traintest.Load(t, tiny(t), traintest.Folders(t)).(*systems.Task)
	for _, text := range []string{``, `{}`, `{"gains":[1,2]}`, `{"gains":[1,2,0]}`, `{"gains":[1,2,-3]}`} {
		if err := task.Recall([]byte(text), 1); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	task = traintest.Load(t, plain(t), traintest.Folders(t)).(*systems.Task)
	memory, err := task.Remember()
	if err != nil || task.Recall(memory, 1) != nil {
		t.Errorf("%s is not taken: %v", memory, err)
	}
	for _, text := range []string{`{"gains":[1,2,3]}`, `{"gains":[1,2,3],"controllers":[{"log":0}]}`} {
		if err := task.Recall([]byte(text), 1); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if v := fmt.Sprint(systems.Validation{{PSNR: []float64{1, 20}, Container: 1e-3}, {PSNR: []float64{30}}}); v != "20.00 dB at MSE 0.001, 30.00 dB at MSE 0" {
		t.Error(v)
	}
}
