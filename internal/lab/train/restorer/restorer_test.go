package restorer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"ditas/internal/lab/train"
	"ditas/internal/lab/train/traintest"
	"ditas/internal/model/restorer"
)

func small() *Config {
	c := Default()
	c.Model = restorer.Config{Width: 8, Blocks: 1}
	c.Tile, c.Steps, c.Batch, c.Warmup, c.Average, c.Rate = 16, 40, 3, 2, 0.5, 5e-3
	c.ValidateEvery, c.ValidationBytes = 20, []int{20, 60}
	return c
}

func TestConforms(t *testing.T) {
	folders := traintest.Folders(t)
	cfg := small()
	lines := traintest.Conform(t, cfg, folders)
	last := lines[len(lines)-1]
	var v Validation
	if err := json.Unmarshal(last.Valid, &v); err != nil {
		t.Fatal(err)
	}
	if last.Step != 40 || len(v) != 2 || v[0].Decoded < 5 || v[0].Restored < v[0].Decoded-0.2 || v[1].Restored < v[1].Decoded+0.1 || v[1].Bytes != 60 {
		t.Errorf("training ends with %+v", v)
	}
}

// A run that starts from weights begins with what these know.
func TestInit(t *testing.T) {
	folders, cfg := traintest.Folders(t), small()
	cfg.Steps, cfg.ValidateEvery = 12, 12
	first := traintest.New(t, cfg, folders, 2)
	var want Validation
	if err := first.Run(t.Context(), train.Options{Progress: func(r train.Record) { want, _ = r.Valid.(Validation) }}); err != nil {
		t.Fatal(err)
	}
	cfg.Init = filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(cfg.Init, traintest.Result(t, first), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Steps, cfg.Rate, cfg.Warmup, cfg.ValidateEvery = 1, 1e-9, 0, 1
	if err := traintest.New(t, cfg, folders, 2).Run(t.Context(), train.Options{Progress: func(r train.Record) {
		if got := r.Valid.(Validation); got[0].Restored < want[0].Restored-0.05 || got[0].Restored > want[0].Restored+0.05 {
			t.Errorf("starts with %v, want %v", got, want)
		}
	}}); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	text, err := os.ReadFile("../../../../configs/restorer.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, train.Config(Default())) {
		t.Errorf("configs/restorer.json is %+v, the default %+v", c, Default())
	}
	for _, text := range []string{
		`{"stesp":1}`, `{"steps":0}`, `{"tile":7}`, `{"rate":0}`, `{"bits":[2,1]}`, `{"large":2}`, `{"validateEvery":0}`,
		`{"model":{"width":0}}`, `{"validationBytes":[]}`, ``, `{} {}`,
	} {
		if _, err := Read([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
