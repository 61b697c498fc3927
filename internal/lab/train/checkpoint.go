package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"ditas/internal/nn/safetensors"
)

// Keys of a checkpoint's metadata.
const (
	runKey     = "ditas.run" // the configuration
	stepKey    = "ditas.step"
	secondsKey = "ditas.seconds"
	memoryKey  = "ditas.memory" // what the task remembers
)

// arrays names every array that a checkpoint holds.
func (t *Trainer) arrays() map[string][]float32 {
	arrays := map[string][]float32{}
	if t.opt == nil {
		return arrays
	}
	_, m, v := t.opt.State()
	for _, p := range t.task.Weights().Params() {
		arrays["weight/"+p.Name] = p.Data
		arrays["adam.m/"+p.Name] = m.Of(p)
		arrays["adam.v/"+p.Name] = v.Of(p)
		arrays["average/"+p.Name] = t.average.Values().Of(p)
	}
	return arrays
}

// WriteCheckpoint writes the state of the run as a safetensors file: weights, moments, averages, the step, and what the task
// remembers besides.
func (t *Trainer) WriteCheckpoint(w io.Writer) error {
	run, err := json.Marshal(t.task.Config())
	if err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for name, v := range t.arrays() {
		tensors = append(tensors, safetensors.Float32(name, []int{len(v)}, v))
	}
	meta := map[string]string{
		runKey: string(run), stepKey: strconv.Itoa(t.step), secondsKey: strconv.FormatFloat(t.spent.Seconds(), 'f', 3, 64),
	}
	if r, ok := t.task.(Remembering); ok {
		memory, err := r.Remember()
		if err != nil {
			return err
		}
		meta[memoryKey] = string(memory)
	}
	return safetensors.Write(w, tensors, meta)
}

// Resume continues from a checkpoint of a run with the same configuration, bit for bit. It returns an error, and the trainer must
// not be used further, if the checkpoint belongs to another configuration or is damaged.
func (t *Trainer) Resume(r io.ReaderAt, size int64) error {
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	cfg := t.task.Config()
	saved := reflect.New(reflect.TypeOf(cfg).Elem())
	if err := json.Unmarshal([]byte(meta[runKey]), saved.Interface()); err != nil {
		return fmt.Errorf("checkpoint: configuration: %w", err)
	}
	if !reflect.DeepEqual(saved.Interface(), cfg) {
		return errors.New("checkpoint is of a run with another configuration: use that one, or start afresh in an empty folder")
	}
	arrays := t.arrays()
	for _, x := range tensors {
		dst, ok := arrays[x.Name]
		v, err := x.Float32s()
		if err != nil || !ok || len(v) != len(dst) {
			return fmt.Errorf("checkpoint: tensor %s does not fit the configuration", x.Name)
		}
		copy(dst, v)
		delete(arrays, x.Name)
	}
	for name := range arrays {
		return fmt.Errorf("checkpoint lacks tensor %s", name)
	}
	step, err := strconv.Atoi(meta[stepKey])
	if err != nil || step < 0 || step > t.common.Steps {
		return fmt.Errorf("checkpoint: step is %q", meta[stepKey])
	}
	seconds, err := strconv.ParseFloat(meta[secondsKey], 64)
	if err != nil || !(seconds >= 0 && seconds < 1e9) {
		return fmt.Errorf("checkpoint: time is %q", meta[secondsKey])
	}
	if k, ok := t.task.(Remembering); ok {
		if err := k.Recall([]byte(meta[memoryKey]), step); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	t.step, t.spent = step, time.Duration(seconds*float64(time.Second))
	if t.opt != nil {
		t.opt.SetSteps(step)
		t.task.Weights().Refresh()
	}
	return nil
}
