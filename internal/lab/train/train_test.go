package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/loop"
	"ditas/internal/model"
	"ditas/picture"
)

// data writes a few clips and pictures to a folder and loads them.
func data(t *testing.T, tile int) train.Data {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(5, 5))
	write := func(name string, encode func(io.Writer) error) {
		t.Helper()
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		rec := &audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 8000)}
		for j := range rec.Samples[0] {
			rec.Samples[0][j] = 0.5*math.Sin(float64(j)*0.05*float64(i+1)) + 0.001*rng.NormFloat64()
		}
		write(fmt.Sprintf("%d.wav", i), func(w io.Writer) error { return wav.Encode(w, rec) })
		p := picture.New(80, 70)
		for c := range p.Pix {
			for j := range p.Pix[c] {
				p.Pix[c][j] = float32(0.5 + 0.4*math.Sin(float64(j%80)/9+float64(c+i))*math.Cos(float64(j/80)/11))
			}
		}
		write(fmt.Sprintf("%d.png", i), func(w io.Writer) error { return p.Encode(w, picture.PNG) })
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
	thumbnails, err := dataset.OpenThumbnails(ctx, dir, tile, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return train.Data{Speech: speech, ValidationSpeech: speech, Pictures: pictures, ValidationPictures: thumbnails}
}

func tiny(t *testing.T) train.Config {
	t.Helper()
	c, err := train.Default("ditas-m-ed")
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Tile, c.Model.Bands, c.Model.Width, c.Model.Depth = 16, 64, 8, 4
	c.Steps, c.Batch, c.Warmup, c.ValidateEvery, c.ValidationPairs = 12, 3, 2, 6, 2
	c.Dropout, c.DropoutWeight = 0.3, 0.1
	c.ValidationThresholds = []float64{0.05}
	return c
}

func trainer(t *testing.T, c train.Config, d train.Data, workers int) *train.Trainer {
	t.Helper()
	tr, err := train.New(c, d, workers)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func state(t *testing.T, tr *train.Trainer) []byte {
	t.Helper()
	best, err := tr.Best()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := errors.Join(tr.System().Save(&b, false, nil), best.Save(&b, false, nil)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInterruptionsAndWorkersChangeNothing(t *testing.T) {
	c, d := tiny(t), data(t, 16)
	whole := trainer(t, c, d, 1)
	var log bytes.Buffer
	if err := whole.Run(context.Background(), train.Options{Log: &log, LogEvery: 1}); err != nil {
		t.Fatal(err)
	}

	// The same run on two workers, interrupted in its fifth step and resumed from the checkpoint.
	ctx, cancel := context.WithCancel(context.Background())
	first := trainer(t, c, d, 2)
	var checkpoint bytes.Buffer
	err := first.Run(ctx, train.Options{
		Checkpoint: func(write func(io.Writer) error) error { checkpoint.Reset(); return write(&checkpoint) },
		Progress: func(r train.Record) {
			if r.Step == 5 {
				cancel()
			}
		},
	})
	if !errors.Is(err, loop.ErrStopped) || first.Step() != 5 {
		t.Fatalf("interrupted: %v after step %d", err, first.Step())
	}
	second := trainer(t, c, d, 2)
	if err := second.Resume(bytes.NewReader(checkpoint.Bytes()), int64(checkpoint.Len())); err != nil {
		t.Fatal(err)
	}
	if second.Step() != 5 {
		t.Errorf("resumed at step %d, want 5", second.Step())
	}
	if err := second.Run(context.Background(), train.Options{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(state(t, whole), state(t, second)) {
		t.Error("the resumed run ended with other weights than the uninterrupted one")
	}

	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != c.Steps {
		t.Fatalf("%d lines in the log, want %d", len(lines), c.Steps)
	}
	var last train.Record
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if last.Step != c.Steps || len(last.PSNR) != 3 || len(last.Valid) != 1 || len(last.Valid[0].PSNR) != 3 || last.Valid[0].Container <= 0 {
		t.Errorf("last record %+v", last)
	}
}

func TestTrainingImproves(t *testing.T) {
	c, d := tiny(t), data(t, 16)
	c.Steps, c.ValidateEvery, c.DropoutWeight = 60, 20, 0
	var seen []train.Validation
	err := trainer(t, c, d, 2).Run(context.Background(), train.Options{Progress: func(r train.Record) {
		seen = append(seen, r.Valid...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	first, last := seen[0].PSNR, seen[len(seen)-1].PSNR
	if last[2] < first[2]+3 || last[2] < last[0]+2 {
		t.Errorf("validation went from %.1f to %.1f dB after each stage", first, last)
	}
}

func TestBudgetStops(t *testing.T) {
	tr := trainer(t, tiny(t), data(t, 16), 1)
	saved := false
	err := tr.Run(context.Background(), train.Options{
		Budget:     time.Nanosecond,
		Checkpoint: func(func(io.Writer) error) error { saved = true; return nil },
	})
	if !errors.Is(err, loop.ErrStopped) || !saved {
		t.Errorf("error %v, saved %v", err, saved)
	}
}

func TestResumeRefusesOtherRuns(t *testing.T) {
	c, d := tiny(t), data(t, 16)
	var b bytes.Buffer
	if err := trainer(t, c, d, 1).WriteCheckpoint(&b); err != nil {
		t.Fatal(err)
	}
	c.Rate *= 2
	if err := trainer(t, c, d, 1).Resume(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Errorf("a checkpoint of another run: %v", err)
	}
	if err := trainer(t, c, d, 1).Resume(strings.NewReader("not a checkpoint"), 16); err == nil {
		t.Error("garbage was accepted")
	}
}

func TestReadConfig(t *testing.T) {
	c, err := train.ReadConfig(strings.NewReader(`{"model": {"name": "ditas-m"}, "steps": 7}`))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := model.Named("ditas-m")
	if c.Steps != 7 || c.Model != m || c.Batch != 8 {
		t.Errorf("%+v", c)
	}
	for text, want := range map[string]string{
		`{`:                           "training configuration",
		`{"model": {"name": "nope"}}`: `unknown system "nope"`,
		`{"model": {"name": "ditas-m"}, "stepz": 7}`:           `unknown field "stepz"`,
		`{"model": {"name": "ditas-m"}, "steps": 0}`:           "0 steps",
		`{"model": {"name": "ditas-m"}, "thresholds": [2, 1]}`: "thresholds",
	} {
		if _, err := train.ReadConfig(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The configuration of the shipped weights is written out, so that a change of the defaults does not change what they are.
func TestShippedConfig(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "configs", "ditas-m-ed.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := train.ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	want, err := train.Default("ditas-m-ed")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("configs/ditas-m-ed.json says %+v, the default is %+v", got, want)
	}
}
