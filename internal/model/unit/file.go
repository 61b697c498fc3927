package unit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"ditas/internal/nn"
	"ditas/internal/nn/safetensors"
)

// ErrFormat reports a safetensors file that does not hold the system asked for.
var ErrFormat = errors.New("not the weights of this system")

// configKey is where the metadata hold the configuration, as in the files of package model.
const configKey = "ditas.config"

// Save writes weights as a safetensors file, with the configuration and extra in its metadata. Half stores them in 16 bits.
func Save(w io.Writer, weights *nn.Weights[float32], config any, half bool, extra map[string]string) error {
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	meta := maps.Clone(extra)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[configKey] = string(text)
	store := safetensors.Float32
	if half {
		store = safetensors.Float16
	}
	var tensors []safetensors.Tensor
	for _, p := range weights.Params() {
		tensors = append(tensors, store(p.Name, p.Shape, p.Data))
	}
	return safetensors.Write(w, tensors, meta)
}

// Config is the configuration of a system.
type Config interface {
	// Validate reports what is wrong with it.
	Validate() error
	// LeastWeights is a lower bound of the number of weights.
	LeastWeights() int
}

// Load reads what Save wrote: a configuration, the weights, into the system that build makes from it, and the extra
// metadata. Errors wrap [ErrFormat] or safetensors.ErrFormat.
func Load[C Config, S System](r io.ReaderAt, size int64, build func(C) (S, error)) (s S, extra map[string]string, err error) {
	var config C
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return s, nil, err
	}
	if err := json.Unmarshal([]byte(meta[configKey]), &config); err != nil {
		return s, nil, fmt.Errorf("%w: configuration: %w", ErrFormat, err)
	}
	delete(meta, configKey)
	values := map[string][]float32{}
	held := 0
	for _, t := range tensors {
		v, err := t.Float32s()
		if err != nil {
			return s, nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		values[t.Name] = v
		held += len(v)
	}
	if err := config.Validate(); err != nil {
		return s, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	// A few bytes can describe networks of gigabytes: build them only if the file can fill them.
	if least := config.LeastWeights(); held < least {
		return s, nil, fmt.Errorf("%w: %d weights, want more than %d", ErrFormat, held, least)
	}
	if s, err = build(config); err != nil {
		return s, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := s.Weights().CopyFrom(values); err != nil {
		return s, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return s, meta, nil
}
