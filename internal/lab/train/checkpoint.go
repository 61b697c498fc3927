package train

import (
	"encoding/json"
	"fmt"
	"io"

	"ditas/internal/lab/train/checkpoint"
)

// Keys of a checkpoint's metadata.
const (
	runKey   = "ditas.run"
	gainsKey = "ditas.gains"
)

func (t *Trainer) state() *checkpoint.State {
	return &checkpoint.State{Weights: t.sys.Weights, Optimiser: t.opt, Average: t.average, Step: t.step, Spent: t.spent}
}

// WriteCheckpoint writes the state of the run as a safetensors file: parameters, moments, averages, gains and the step.
func (t *Trainer) WriteCheckpoint(w io.Writer) error {
	var gains []float64
	for i := range t.cfg.Model.Stages {
		gains = append(gains, t.sys.Gain(i))
	}
	g, err := json.Marshal(gains)
	if err != nil {
		return err
	}
	return t.state().Write(w, runKey, t.cfg, map[string]string{gainsKey: string(g)})
}

// Resume continues from a checkpoint of a run with the same configuration, bit for bit. It returns an error, and the
// trainer must not be used further, if the checkpoint belongs to another configuration or is damaged.
func (t *Trainer) Resume(r io.ReaderAt, size int64) error {
	s := t.state()
	meta, err := s.Read(r, size, runKey, &t.cfg, t.cfg.Steps)
	if err != nil {
		return err
	}
	var gains []float64
	if err := json.Unmarshal([]byte(meta[gainsKey]), &gains); err != nil || len(gains) != t.cfg.Model.Stages {
		return fmt.Errorf("checkpoint: gains are %q", meta[gainsKey])
	}
	for i, g := range gains {
		if !(g > 0) {
			return fmt.Errorf("checkpoint: gains are %q", meta[gainsKey])
		}
		t.sys.SetGain(i, g)
	}
	t.step, t.spent = s.Step, s.Spent
	return nil
}
