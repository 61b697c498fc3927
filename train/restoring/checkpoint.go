package restoring

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"ditas/nn/safetensors"
)

// Keys of a checkpoint's metadata.
const (
	runKey     = "ditas.restoring"
	stepKey    = "ditas.step"
	secondsKey = "ditas.seconds"
)

// WriteCheckpoint writes the state of the run as a safetensors file: parameters, moments, averages and the step.
func (t *Trainer) WriteCheckpoint(w io.Writer) error {
	run, err := json.Marshal(t.cfg)
	if err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for name, v := range t.state() {
		tensors = append(tensors, safetensors.Float32(name, []int{len(v)}, v))
	}
	return safetensors.Write(w, tensors, map[string]string{
		runKey: string(run), stepKey: strconv.Itoa(t.step), secondsKey: strconv.FormatFloat(t.spent.Seconds(), 'f', 3, 64),
	})
}

// state names every array that a checkpoint holds.
func (t *Trainer) state() map[string][]float32 {
	_, m, v := t.opt.State()
	state := map[string][]float32{}
	for _, p := range t.network.Weights.Params() {
		state["weight/"+p.Name] = p.Data
		state["adam.m/"+p.Name] = m.Of(p)
		state["adam.v/"+p.Name] = v.Of(p)
		state["average/"+p.Name] = t.average.Values().Of(p)
	}
	return state
}

// Resume continues from a checkpoint of a run with the same configuration, bit for bit. It returns an error, and the
// trainer must not be used further, if the checkpoint belongs to another configuration or is damaged.
func (t *Trainer) Resume(r io.ReaderAt, size int64) error {
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	var cfg Config
	if err := json.Unmarshal([]byte(meta[runKey]), &cfg); err != nil {
		return fmt.Errorf("checkpoint: configuration: %w", err)
	}
	if !reflect.DeepEqual(cfg, t.cfg) {
		return fmt.Errorf("checkpoint is of a run with another configuration: use that one, or start afresh in an empty folder")
	}
	state := t.state()
	for _, x := range tensors {
		dst, ok := state[x.Name]
		v, err := x.Float32s()
		if err != nil || !ok || len(v) != len(dst) {
			return fmt.Errorf("checkpoint: tensor %s does not fit the configuration", x.Name)
		}
		copy(dst, v)
		delete(state, x.Name)
	}
	for name := range state {
		return fmt.Errorf("checkpoint lacks tensor %s", name)
	}
	step, err := strconv.Atoi(meta[stepKey])
	if err != nil || step < 0 || step > t.cfg.Steps {
		return fmt.Errorf("checkpoint: step is %q", meta[stepKey])
	}
	seconds, err := strconv.ParseFloat(meta[secondsKey], 64)
	if err != nil || !(seconds >= 0) {
		return fmt.Errorf("checkpoint: time is %q", meta[secondsKey])
	}
	t.step, t.spent = step, time.Duration(seconds*float64(time.Second))
	t.opt.SetSteps(step)
	t.network.Weights.Refresh()
	return nil
}
