// Package traintest checks what has to hold for the training of anything.
package traintest

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
	"regexp"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/picture"
)

// Folders writes a little made-up material to a folder: tones with noise, the same with more noise as stegos, and waves with edges.
func Folders(t testing.TB) train.Folders {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(5, 5))
	write := func(name string, encode func(io.Writer) error) {
		t.Helper()
		name = filepath.Join(dir, name)
		var b bytes.Buffer
		if err := errors.Join(encode(&b), os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, b.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		rec := &audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 8000)}
		x := rec.Samples[0]
		for j := range x {
			x[j] = 0.5*math.Sin(float64(j)*0.05*float64(i+1)) + 0.001*rng.NormFloat64()
		}
		write(fmt.Sprintf("speech/%d.wav", i), func(w io.Writer) error { return wav.Encode(w, rec) })
		for j := range x {
			x[j] += 0.002 * rng.NormFloat64()
		}
		write(fmt.Sprintf("stegos/%d.wav", i), func(w io.Writer) error { return wav.Encode(w, rec) })
		p := picture.New(96, 80)
		for c, plane := range p.Pix {
			for j := range plane {
				x, y := float64(j%96), float64(j/96)
				v := 0.5 + 0.3*math.Sin(x/float64(5+i)+float64(c))*math.Cos(y/7)
				if x+float64(i)*y > 90 {
					v = 1 - v
				}
				plane[j] = float32(v)
			}
		}
		write(fmt.Sprintf("pictures/%d.png", i), func(w io.Writer) error { return p.Encode(w, picture.PNG) })
	}
	speech, pictures, stegos := filepath.Join(dir, "speech"), filepath.Join(dir, "pictures"), filepath.Join(dir, "stegos")
	return train.Folders{
		Speech: speech, ValidationSpeech: speech, Pictures: pictures, ValidationPictures: pictures, Stegos: stegos, ValidationStegos: stegos,
	}
}

// Load returns the task of a configuration with that material.
func Load(t testing.TB, cfg train.Config, f train.Folders) train.Task {
	t.Helper()
	task, err := cfg.Load(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// New returns a run of the configuration.
func New(t testing.TB, cfg train.Config, f train.Folders, workers int) *train.Trainer {
	t.Helper()
	r, err := train.New(Load(t, cfg, f), workers)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Result returns what has been learnt, as a file.
func Result(t testing.TB, r *train.Trainer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Save(&b, false, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Line is a line of a log.
type Line struct {
	Step  int             `json:"step"`
	Loss  float64         `json:"loss"`
	Valid json.RawMessage `json:"valid"`
}

// Log reads a log.
func Log(t testing.TB, log []byte) (lines []Line) {
	t.Helper()
	for line := range bytes.Lines(log) {
		var l Line
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// timeless is a log without its times.
func timeless(log []byte) string {
	return regexp.MustCompile(`"minutes":[^,]*,`).ReplaceAllString(string(log), "")
}

// Conform trains with one worker, and with several and an interruption in the middle: both have to come to the same, and to write the
// same log, bit for bit. It returns the log.
func Conform(t *testing.T, cfg train.Config, f train.Folders) []Line {
	t.Helper()
	var log bytes.Buffer
	whole := New(t, cfg, f, 1)
	if err := whole.Run(t.Context(), train.Options{Log: &log, LogEvery: 3}); err != nil {
		t.Fatal(err)
	}
	half := whole.Steps() / 2
	ctx, cancel := context.WithCancel(t.Context())
	var parts, state bytes.Buffer
	first := New(t, cfg, f, 3)
	err := first.Run(ctx, train.Options{
		Log: &parts, LogEvery: 3,
		Progress: func(r train.Record) {
			if r.Step == half {
				cancel()
			}
		},
		Checkpoint: func(write func(io.Writer) error) error { state.Reset(); return write(&state) },
	})
	if !errors.Is(err, train.ErrStopped) || first.Step() != half {
		t.Fatalf("interrupted after step %d: %v", first.Step(), err)
	}
	resume := func(cfg train.Config, state []byte) (*train.Trainer, error) {
		r := New(t, cfg, f, 2)
		return r, r.Resume(bytes.NewReader(state), int64(len(state)))
	}
	second, err := resume(cfg, state.Bytes())
	if err != nil || second.Step() != half {
		t.Fatalf("resumed after step %d: %v", second.Step(), err)
	}
	if err := second.Run(t.Context(), train.Options{Log: &parts, LogEvery: 3}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Result(t, whole), Result(t, second)) {
		t.Error("an interruption or the number of workers changes what is learnt")
	}
	if a, b := timeless(log.Bytes()), timeless(parts.Bytes()); a != b {
		t.Errorf("the log in one piece:\n%sand in two:\n%s", a, b)
	}
	if _, err := resume(cfg, state.Bytes()[:state.Len()/2]); err == nil {
		t.Error("resumes from half a checkpoint")
	}
	cfg.Shared().Seed++
	if _, err := resume(cfg, state.Bytes()); err == nil {
		t.Error("resumes the run of another configuration")
	}
	cfg.Shared().Seed--
	return Log(t, log.Bytes())
}
