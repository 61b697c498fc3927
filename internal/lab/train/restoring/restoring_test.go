package restoring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train/loop"
	"ditas/internal/model/restorer"
	"ditas/picture"
)

// folder returns a data folder with a few made-up pictures of smooth waves and edges.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"train", "validation"} {
		photos := filepath.Join(dir, part, "photos")
		if err := os.MkdirAll(photos, 0o755); err != nil {
			t.Fatal(err)
		}
		for k := range 3 {
			p := picture.New(96, 80)
			for c, plane := range p.Pix {
				for i := range plane {
					x, y := float64(i%96), float64(i/96)
					v := 0.5 + 0.3*math.Sin(x/float64(5+k)+float64(c))*math.Cos(y/7)
					if x+float64(k)*y > 90 {
						v = 1 - v
					}
					plane[i] = float32(v)
				}
			}
			var file bytes.Buffer
			if err := p.Encode(&file, picture.PNG); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(photos, fmt.Sprintf("%d.png", k)), file.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func small() Config {
	c := Default()
	c.Model = restorer.Config{Width: 8, Blocks: 1}
	c.Tile, c.Steps, c.Batch, c.Warmup, c.Average, c.Rate = 16, 40, 4, 2, 0.5, 5e-3
	c.ValidateEvery, c.ValidationBytes = 20, []int{20, 60}
	return c
}

func open(t *testing.T, dir string, tile int) Data {
	t.Helper()
	ctx := context.Background()
	p, err := dataset.OpenPictures(ctx, filepath.Join(dir, "train"), dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := dataset.OpenThumbnails(ctx, filepath.Join(dir, "validation"), tile, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return Data{p, v}
}

func weights(t *testing.T, r *Trainer) []byte {
	t.Helper()
	n, err := r.Best()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := n.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRun trains with one worker, with three, and with an interruption: all come to the same weights, and to better ones.
func TestRun(t *testing.T) {
	data := open(t, folder(t), 16)
	cfg := small()
	var log bytes.Buffer
	one, err := New(cfg, data, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Run(context.Background(), Options{Log: &log, LogEvery: 10}); err != nil {
		t.Fatal(err)
	}
	var records []Record
	for d := json.NewDecoder(&log); ; {
		var r Record
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if len(records) != 4 || len(records[3].Valid) != 2 || records[3].Step != 40 {
		t.Fatalf("log is %+v", records)
	}
	if last := records[3]; last.Gain <= 0 || last.Valid[0].Decoded < 5 || last.Valid[0].Restored < 5 {
		t.Errorf("training ends with %+v", last)
	}

	three, err := New(cfg, data, 3)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var state bytes.Buffer
	err = three.Run(ctx, Options{
		Progress: func(r Record) {
			if r.Step == 13 {
				cancel()
			}
		},
		Checkpoint: func(write func(io.Writer) error) error { state.Reset(); return write(&state) },
	})
	if !errors.Is(err, loop.ErrStopped) || three.Step() != 13 {
		t.Fatalf("stopped after %d steps: %v", three.Step(), err)
	}
	resumed, err := New(cfg, data, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := resumed.Resume(bytes.NewReader(state.Bytes()), int64(state.Len())); err != nil {
		t.Fatal(err)
	}
	if err := resumed.Run(context.Background(), Options{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(weights(t, resumed), weights(t, one)) {
		t.Error("an interruption or the number of workers changes the weights")
	}

	other := cfg
	other.Seed++
	wrong, err := New(other, data, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong.Resume(bytes.NewReader(state.Bytes()), int64(state.Len())); err == nil {
		t.Error("resumes the run of another configuration")
	}
	if err := wrong.Resume(bytes.NewReader(state.Bytes()[:50]), 50); err == nil {
		t.Error("resumes from a checkpoint that is cut off")
	}
}

func TestTrain(t *testing.T) {
	dir, out := folder(t), t.TempDir()
	cfg := small()
	cfg.Steps = 4
	for range 2 { // the second finds nothing left to do
		if err := Train(context.Background(), cfg, dir, out, 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{checkpointName, logName, weightsName} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(left) != 3 {
		t.Errorf("files left: %v, error %v", left, err)
	}
}

func TestConfig(t *testing.T) {
	f, err := os.Open("../../../../configs/restorer.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(c) != fmt.Sprint(Default()) {
		t.Errorf("configs/restorer.json is %+v, the default %+v", c, Default())
	}
	for _, text := range []string{
		`{"stesp":1}`, `{"steps":0}`, `{"tile":7}`, `{"rate":0}`, `{"bits":[2,1]}`, `{"large":2}`, `{"validateEvery":0}`,
		`{"model":{"width":0}}`, ``,
	} {
		if _, err := ReadConfig(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
