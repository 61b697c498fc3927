package baseline

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
	"reflect"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/loop"
	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
	"ditas/picture"
)

// material returns a made-up recording and pictures.
func material(t *testing.T) train.Data {
	t.Helper()
	dir := t.TempDir()
	rec := &audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 20000)}
	for i := range rec.Samples[0] {
		rec.Samples[0][i] = 0.5 * math.Sin(float64(i)/9) * math.Sin(float64(i)/1500)
	}
	p := picture.New(70, 80)
	for c, plane := range p.Pix {
		for i := range plane {
			plane[i] = float32(0.5 + 0.4*math.Sin(float64(i%70)/9+float64(c)))
		}
	}
	for name, encode := range map[string]func(io.Writer) error{
		"a.wav": func(w io.Writer) error { return wav.Encode(w, rec) },
		"a.png": func(w io.Writer) error { return p.Encode(w, picture.PNG) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	speech, err := dataset.OpenSpeech(ctx, dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := dataset.OpenPictures(ctx, dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	thumbnails, err := dataset.OpenThumbnails(ctx, dir, unit.Side, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return train.Data{Speech: speech, Pictures: pictures, ValidationSpeech: speech, ValidationPictures: thumbnails}
}

// small returns short runs of small systems.
func small(t *testing.T) []Config {
	t.Helper()
	var all []Config
	for _, m := range []Model{
		{deepSteg: &deepsteg.Config{Name: deepsteg.Name, Layers: 2, Filters: 4}},
		{kreuk: &kreuk.Config{Name: kreuk.Name, Width: 4, Encode: 2, Decode: 2, Reveal: 2}},
	} {
		c, err := Default(Names()[len(all)])
		if err != nil {
			t.Fatal(err)
		}
		c.Model, c.Rows, c.Batch, c.Steps, c.Rate, c.Warmup, c.Average = m, 2, 3, 40, 0.01, 2, 0.5
		c.ValidateEvery, c.ValidationPairs = 20, 1
		all = append(all, c)
	}
	return all
}

func marshalled(t *testing.T, cfg Config) []byte {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func weights(t *testing.T, r *Trainer) []byte {
	t.Helper()
	s, err := r.Best()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Save(&b, false, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRun trains with one worker, with three, and with an interruption: all come to the same weights, and to better ones.
func TestRun(t *testing.T) {
	data := material(t)
	for _, cfg := range small(t) {
		name := SystemOf(marshalled(t, cfg))
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
		if len(records) != 4 || records[3].Step != 40 || records[3].Valid == nil || records[0].Valid != nil {
			t.Fatalf("%s: log is %+v", name, records)
		}
		if first, last := records[0], records[3]; last.Loss > 0.7*first.Loss || last.PSNR < 8 || last.Valid.PSNR < 8 ||
			!(last.Container > 0) || !(last.Valid.Container > 0) {
			t.Errorf("%s: training begins with %+v and ends with %+v, %+v", name, first, last, last.Valid)
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
			t.Fatalf("%s: stopped after %d steps: %v", name, three.Step(), err)
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
			t.Errorf("%s: an interruption or the number of workers changes the weights", name)
		}

		other := cfg
		other.Seed++
		wrong, err := New(other, data, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := wrong.Resume(bytes.NewReader(state.Bytes()), int64(state.Len())); err == nil {
			t.Errorf("%s: resumes the run of another configuration", name)
		}
	}
}

func TestBudget(t *testing.T) {
	r, err := New(small(t)[0], material(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background(), Options{Budget: 1}); !errors.Is(err, loop.ErrStopped) || r.Step() == r.cfg.Steps {
		t.Errorf("a budget of a nanosecond ends with %v after %d steps", err, r.Step())
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
		small := c
		small.Rows, small.Steps, small.Batch = 1, 1, 1
		r, err := New(small, train.Data{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.FLOPs(), stripe/float64(c.Rows); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("%s: a step of one row takes %g FLOPs, want %g", name, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, name := range Names() {
		text, err := os.ReadFile("../../../../configs/table1/photos/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if !Trains(text) {
			t.Errorf("%s is not for this package", text)
		}
		c, err := ReadConfig(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		want, err := Default(name)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("configs/table1/photos/%s.json is %+v, the default %+v", name, c, want)
		}
		// What ditas train keeps in the folder of a run has to be read again.
		whole, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ReadConfig(bytes.NewReader(whole)); err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s comes back as %+v, error %v", whole, back, err)
		}
	}
	c, err := ReadConfig(strings.NewReader(`{"model": {"name": "kreuk", "width": 7}, "rows": 64}`))
	if err != nil || c.Model.kreuk.Width != 7 || c.Model.kreuk.Reveal != 6 || c.Rows != 64 || c.ContainerWeight != 3 {
		t.Errorf("configuration is %+v with %+v, error %v", c, c.Model.kreuk, err)
	}
	for _, config := range []string{
		``, `{}`, `{"model": {"name": "ditas-s"}}`, `{"model": {"name": "kreuk", "filters": 3}}`,
	} {
		if _, err := ReadConfig(strings.NewReader(config)); err == nil {
			t.Errorf("%s is taken", config)
		}
	}
	for _, field := range []string{
		`"stesp": 1`, `"steps": 0`, `"batch": 0`, `"rows": 0`, `"rows": 65`, `"rate": 0`, `"average": 1`, `"validateEvery": 0`,
		`"validationPairs": 0`, `"containerWeight": -1`, `"containerWeight": 0, "secretWeight": 0`,
	} {
		if _, err := ReadConfig(strings.NewReader(fmt.Sprintf(`{"model": {"name": "kreuk"}, %s}`, field))); err == nil {
			t.Errorf("%s is taken", field)
		}
	}
	if Trains([]byte(`{"model": {"name": "ditas-m-ed"}}`)) || Trains(nil) || Trains([]byte(`{"model": 3}`)) {
		t.Error("trains the systems of package model")
	}
	if _, err := New(Config{}, train.Data{}, 1); err == nil {
		t.Error("trains nothing")
	}
}
