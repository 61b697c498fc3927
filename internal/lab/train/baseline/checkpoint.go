package baseline

import (
	"io"

	"ditas/internal/lab/train/checkpoint"
)

// runKey is where a checkpoint's metadata have the configuration.
const runKey = "ditas.baseline"

func (t *Trainer) state() *checkpoint.State {
	return &checkpoint.State{Weights: t.sys.Weights(), Optimiser: t.opt, Average: t.average, Step: t.step, Spent: t.spent}
}

// WriteCheckpoint writes the state of the run as a safetensors file: parameters, moments, averages and the step.
func (t *Trainer) WriteCheckpoint(w io.Writer) error {
	return t.state().Write(w, runKey, t.cfg, nil)
}

// Resume continues from a checkpoint of a run with the same configuration, bit for bit. It returns an error, and the
// trainer must not be used further, if the checkpoint belongs to another configuration or is damaged.
func (t *Trainer) Resume(r io.ReaderAt, size int64) error {
	s := t.state()
	if _, err := s.Read(r, size, runKey, &t.cfg, t.cfg.Steps); err != nil {
		return err
	}
	t.step, t.spent = s.Step, s.Spent
	return nil
}
