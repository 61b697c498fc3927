package detector

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"ditas/internal/nn/safetensors"
)

// ErrFormat reports a safetensors file that does not hold a detector.
var ErrFormat = errors.New("not the weights of a detector")

// Names in a detector's file, besides its weights'.
const (
	configKey  = "ditas.detector"
	centreName = "centre"
	scaleName  = "scale"
)

// values returns the weights by name.
func (d *Detector) values() map[string][]float32 {
	values := map[string][]float32{}
	for _, p := range d.weights.Params() {
		values[p.Name] = p.Data
	}
	return values
}

// Save writes the detector as a safetensors file. Half stores weights in 16 bits. about is added to the metadata.
func (d *Detector) Save(w io.Writer, half bool, about map[string]string) error {
	text, err := json.Marshal(d.cfg)
	if err != nil {
		return err
	}
	meta := map[string]string{}
	maps.Copy(meta, about)
	meta[configKey] = string(text)
	store := safetensors.Float32
	if half {
		store = safetensors.Float16
	}
	tensors := []safetensors.Tensor{
		safetensors.Float32(centreName, []int{len(d.centre)}, d.centre), safetensors.Float32(scaleName, []int{len(d.scale)}, d.scale),
	}
	for _, p := range d.weights.Params() {
		tensors = append(tensors, store(p.Name, p.Shape, p.Data))
	}
	return safetensors.Write(w, tensors, meta)
}

// Load reads what Save wrote. Errors wrap [ErrFormat] or safetensors.ErrFormat.
func Load(r io.ReaderAt, size int64) (*Detector, error) {
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return nil, err
	}
	var cfg Config
	if err := json.Unmarshal([]byte(meta[configKey]), &cfg); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", ErrFormat, err)
	}
	if err := cfg.network(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	values := map[string][]float32{}
	held := 0
	for _, t := range tensors {
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		values[t.Name] = v
		held += len(v)
	}
	// A few bytes can describe networks of megabytes: build one only if the file can fill it. Convolutions have 60 times the square of
	// the width of weights, the decision 9 times, and blocks 180 times.
	if least := (69 + 180*cfg.Blocks) * cfg.Width * cfg.Width; held < least {
		return nil, fmt.Errorf("%w: %d weights, want more than %d", ErrFormat, held, least)
	}
	d := newDetector(cfg)
	if len(values[centreName]) != len(d.centre) || len(values[scaleName]) != len(d.scale) {
		return nil, fmt.Errorf("%w: it has no constants", ErrFormat)
	}
	d.centre, d.scale = values[centreName], values[scaleName]
	if err := d.weights.CopyFrom(values); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return d, nil
}
