package prior

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ditas/internal/codestream/learning"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/traintest"
)

func small() *Config {
	c := Default()
	c.Quick, c.ValidateEvery, c.Every = true, 4, 1
	return c
}

func TestConforms(t *testing.T) {
	folders, cfg := traintest.Folders(t), small()
	lines := traintest.Conform(t, cfg, folders)
	last := lines[len(lines)-1]
	var v Validation
	if err := json.Unmarshal(last.Valid, &v); err != nil {
		t.Fatal(err)
	}
	// What photographs have taught is of use: tables that know nothing take more.
	task := traintest.Load(t, cfg, folders).(*Task)
	var ignorant float64
	for _, s := range task.samples {
		ignorant += learning.Ignorant().Practise(learning.Analyse(s), learning.Rate) / float64(len(task.samples)*64*64)
	}
	if last.Step != 24 || v.Bits > ignorant-0.2 || last.Loss > ignorant-0.2 {
		t.Errorf("training ends with %+v and %+v; without it takes %.4f bits a pixel", last, v, ignorant)
	}
}

// It can be interrupted while it counts, too.
func TestInterruptedWhileCounting(t *testing.T) {
	if testing.Short() {
		t.Skip("coding takes long")
	}
	folders, cfg := traintest.Folders(t), small()
	cfg.Every, cfg.Rates = 3, []int{20} // two samples
	whole := traintest.New(t, cfg, folders, 2)
	if err := whole.Run(t.Context(), train.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := learning.Read(bytes.NewReader(traintest.Result(t, whole))); err != nil {
		t.Errorf("the codestream cannot read the tables: %v", err)
	}
	for _, step := range []int{1, 2, 3} {
		one := traintest.New(t, cfg, folders, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var state bytes.Buffer
		if err := one.Run(ctx, train.Options{
			Checkpoint: func(write func(io.Writer) error) error { state.Reset(); return write(&state) },
			Progress: func(r train.Record) {
				if r.Step == step {
					cancel()
				}
			},
		}); err == nil || one.Step() != step {
			t.Fatalf("step %d: %v", one.Step(), err)
		}
		two := traintest.New(t, cfg, folders, 2)
		if err := two.Resume(bytes.NewReader(state.Bytes()), int64(state.Len())); err != nil {
			t.Fatal(err)
		}
		if err := two.Run(t.Context(), train.Options{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(traintest.Result(t, two), traintest.Result(t, whole)) {
			t.Errorf("an interruption after step %d changes the tables", step)
		}
	}
}

func TestRead(t *testing.T) {
	text, err := os.ReadFile("../../../../configs/prior.json")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Read(text); err != nil || !reflect.DeepEqual(c, train.Config(Default())) {
		t.Errorf("configs/prior.json is %+v, error %v, the default %+v", c, err, Default())
	}
	for text, want := range map[string]string{
		`{"stesp":1}`: "unknown field", `{"every":0}`: "every", `{"rates":[]}`: "rates", `{"rates":[-1]}`: "rates", `{"rate":1}`: "leave them out",
		`{"init":"x"}`: "leave them out", `{"validateEvery":0}`: "validateEvery", `{"steps":-1}`: "steps",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	folders := traintest.Folders(t)
	c := small()
	c.Steps = 7
	if _, err := c.Load(t.Context(), folders); err == nil || !strings.Contains(err.Error(), "leave steps out") {
		t.Errorf("7 steps: %v", err)
	}
	empty := folders
	empty.Pictures = filepath.Join(t.TempDir())
	if _, err := small().Load(t.Context(), empty); err == nil || !strings.Contains(err.Error(), "no photographs") {
		t.Errorf("an empty folder: %v", err)
	}
	empty.Pictures = ""
	if _, err := small().Load(t.Context(), empty); err == nil {
		t.Error("takes no folder")
	}
}
