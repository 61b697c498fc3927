// Package checkpoint saves and restores the state of a training run, so that one that is continued ends like one that never stopped,
// bit for bit. What networks are trained, and how, is the caller's.
package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strconv"
	"time"

	"ditas/internal/nn"
	"ditas/internal/nn/safetensors"
)

// Keys of the metadata that every checkpoint has.
const (
	stepKey    = "ditas.step"
	secondsKey = "ditas.seconds"
)

// State is what a run consists of.
type State struct {
	Weights   *nn.Weights[float32]
	Optimiser *nn.Adam[float32]
	Average   *nn.Average[float32]
	// Step is the number of steps taken, and Spent the time that they took.
	Step  int
	Spent time.Duration
}

// arrays names every array that a checkpoint holds.
func (s *State) arrays() map[string][]float32 {
	_, m, v := s.Optimiser.State()
	arrays := map[string][]float32{}
	for _, p := range s.Weights.Params() {
		arrays["weight/"+p.Name] = p.Data
		arrays["adam.m/"+p.Name] = m.Of(p)
		arrays["adam.v/"+p.Name] = v.Of(p)
		arrays["average/"+p.Name] = s.Average.Values().Of(p)
	}
	return arrays
}

// Write writes the state as a safetensors file. config is kept under key, as JSON, and so is what else the run has to remember.
func (s *State) Write(w io.Writer, key string, config any, more map[string]string) error {
	run, err := json.Marshal(config)
	if err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for name, v := range s.arrays() {
		tensors = append(tensors, safetensors.Float32(name, []int{len(v)}, v))
	}
	meta := map[string]string{
		key: string(run), stepKey: strconv.Itoa(s.Step), secondsKey: strconv.FormatFloat(s.Spent.Seconds(), 'f', 3, 64),
	}
	maps.Copy(meta, more)
	return safetensors.Write(w, tensors, meta)
}

// Read sets the state to that of a checkpoint and returns its metadata. config points to the run's configuration, which has to be
// the checkpoint's, and steps bounds the number of steps. After an error the state must not be used.
func (s *State) Read(r io.ReaderAt, size int64, key string, config any, steps int) (map[string]string, error) {
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	saved := reflect.New(reflect.TypeOf(config).Elem())
	if err := json.Unmarshal([]byte(meta[key]), saved.Interface()); err != nil {
		return nil, fmt.Errorf("checkpoint: configuration: %w", err)
	}
	if !reflect.DeepEqual(saved.Interface(), config) {
		return nil, fmt.Errorf("checkpoint is of a run with another configuration: use that one, or start afresh in an empty folder")
	}
	arrays := s.arrays()
	for _, x := range tensors {
		dst, ok := arrays[x.Name]
		v, err := x.Float32s()
		if err != nil || !ok || len(v) != len(dst) {
			return nil, fmt.Errorf("checkpoint: tensor %s does not fit the configuration", x.Name)
		}
		copy(dst, v)
		delete(arrays, x.Name)
	}
	for name := range arrays {
		return nil, fmt.Errorf("checkpoint lacks tensor %s", name)
	}
	step, err := strconv.Atoi(meta[stepKey])
	if err != nil || step < 0 || step > steps {
		return nil, fmt.Errorf("checkpoint: step is %q", meta[stepKey])
	}
	seconds, err := strconv.ParseFloat(meta[secondsKey], 64)
	if err != nil || !(seconds >= 0) {
		return nil, fmt.Errorf("checkpoint: time is %q", meta[secondsKey])
	}
	s.Step, s.Spent = step, time.Duration(seconds*float64(time.Second))
	s.Optimiser.SetSteps(step)
	s.Weights.Refresh()
	return meta, nil
}
