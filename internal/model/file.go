package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
)

// ErrFormat reports a safetensors file that does not hold a system.
var ErrFormat = errors.New("not the weights of a ditas system")

// Keys of the file's metadata.
const (
	configKey = "ditas.config"
	gainKey   = "ditas.gain" // followed by the number of the stage
)

// Save writes the system as a safetensors file, with the configuration and the gains in its metadata. Half stores weights
// in 16 bits: half the size for an error of 2⁻¹¹ each. extra is added to the metadata.
func (s *System) Save(w io.Writer, half bool, extra map[string]string) error {
	meta := map[string]string{}
	for k, v := range extra {
		meta[k] = v
	}
	c, err := json.Marshal(s.Config)
	if err != nil {
		return err
	}
	meta[configKey] = string(c)
	for i, st := range s.stages {
		meta[gainKey+strconv.Itoa(i)] = strconv.FormatFloat(st.gain, 'g', -1, 64)
	}
	var tensors []safetensors.Tensor
	for _, p := range s.Weights.Params() {
		store := safetensors.Float32
		if half {
			store = safetensors.Float16
		}
		tensors = append(tensors, store(p.Name, p.Shape, p.Data))
	}
	return safetensors.Write(w, tensors, meta)
}

// Load reads a system and the extra metadata that Save was given. Errors wrap [ErrFormat] or safetensors.ErrFormat.
func Load(r io.ReaderAt, size int64) (*System, map[string]string, error) {
	return LoadWith(r, size, kernel.Best())
}

// LoadWith is Load for a given set of kernels.
func LoadWith(r io.ReaderAt, size int64, k kernel.Set[float32]) (*System, map[string]string, error) {
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return nil, nil, err
	}
	var c Config
	text, ok := meta[configKey]
	if !ok {
		return nil, nil, fmt.Errorf("%w: no configuration in the metadata", ErrFormat)
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, nil, fmt.Errorf("%w: configuration: %w", ErrFormat, err)
	}
	// A few bytes can describe networks of gigabytes: build them only if the file can fill them.
	held := 0
	for _, t := range tensors {
		held += len(t.Data) / t.DType.Size()
	}
	if err := c.Validate(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if least := c.leastWeights(); held < least {
		return nil, nil, fmt.Errorf("%w: %d weights, want more than %d", ErrFormat, held, least)
	}
	s, err := NewWith(c, k)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	delete(meta, configKey)
	for i := range s.stages {
		key := gainKey + strconv.Itoa(i)
		gain, err := strconv.ParseFloat(meta[key], 64)
		if err != nil || !(gain > 0) || math.IsInf(gain, 0) {
			return nil, nil, fmt.Errorf("%w: gain of stage %d is %q", ErrFormat, i, meta[key])
		}
		s.SetGain(i, gain)
		delete(meta, key)
	}
	values := map[string][]float32{}
	for _, t := range tensors {
		v, err := t.Float32s()
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		values[t.Name] = v
	}
	if err := s.Weights.CopyFrom(values); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return s, meta, nil
}
