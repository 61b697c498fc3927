package contender

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"ditas/internal/lab/experiment"
	"ditas/internal/model"
	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
	"ditas/internal/model/weights"
	"ditas/picture"
)

// Systems are the systems of the paper's Table 1, in its order. Each is a folder of a run of ditas train.
func Systems() []string {
	return append([]string{deepsteg.Name, kreuk.Name}, model.Names()...)
}

// Threshold is the strength at which the DITAS systems hide for Table 1.
const Threshold = 0.1

// Training is how a system was trained.
type Training struct {
	Steps    int     `json:"steps"`
	Pictures int     `json:"pictures"` // looked at, parts of one counting as such
	Minutes  float64 `json:"minutes"`
	Seed     uint64  `json:"seed"`
}

// Trained returns the contenders whose runs are in a folder of runs, in the order of [Systems], and the names of systems that it lacks.
func Trained(runs fs.FS) (all []*Contender, untrained []string, err error) {
	for _, name := range Systems() {
		c, err := Load(runs, name)
		if errors.Is(err, fs.ErrNotExist) {
			untrained = append(untrained, name)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, c)
	}
	return all, untrained, nil
}

// Load returns the contender of one run, a DITAS system unless its name is one of the others. Its own strength is [Threshold], or
// what it was trained to.
func Load(runs fs.FS, name string) (*Contender, error) {
	data, err := fs.ReadFile(runs, name+"/weights.safetensors")
	if err != nil {
		return nil, err
	}
	training, err := TrainingOf(runs, name)
	if err != nil {
		return nil, err
	}
	var c *Contender
	r, size := bytes.NewReader(data), int64(len(data))
	switch name {
	case deepsteg.Name:
		var sys *deepsteg.System
		if sys, _, err = deepsteg.Load(r, size); err == nil {
			c, err = ofUnits(name, sys.NewCodec)
		}
	case kreuk.Name:
		var sys *kreuk.System
		if sys, _, err = kreuk.Load(r, size); err == nil {
			c, err = ofUnits(name, sys.NewCodec)
		}
	default:
		var sys *model.System
		if sys, _, err = weights.Read(r, size); err == nil {
			c, err = OfSystem(name, sys)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s/weights.safetensors: %w", name, err)
	}
	c.Training = training
	return c, nil
}

// System reads the networks of a run.
func System(runs fs.FS, name string) (*model.System, error) {
	file := name + "/weights.safetensors"
	data, err := fs.ReadFile(runs, file)
	if err != nil {
		return nil, err
	}
	sys, _, err := weights.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return sys, nil
}

// TrainingOf reads what the folder of a run says of it.
func TrainingOf(runs fs.FS, name string) (*Training, error) {
	text, err := fs.ReadFile(runs, name+"/config.json")
	if err != nil {
		return nil, err
	}
	config := struct {
		Seed                uint64
		Steps, Batch, Rows  int
		Finish, FinishBatch int
	}{Rows: experiment.Side} // the rows of the stripes of pictures that some systems are trained on, before they finish with whole ones
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s/config.json: %w", name, err)
	}
	log, err := runs.Open(name + "/log.jsonl")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	var record struct {
		Step    int
		Minutes float64
	}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			return nil, fmt.Errorf("%s/log.jsonl: %w", name, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s/log.jsonl: %w", name, err)
	}
	if config.FinishBatch == 0 {
		config.FinishBatch = max(1, config.Batch*config.Rows/experiment.Side)
	}
	whole := max(0, record.Step-(config.Steps-config.Finish))
	pictures := (record.Step-whole)*config.Batch*config.Rows/experiment.Side + whole*config.FinishBatch
	return &Training{Steps: record.Step, Pictures: pictures, Minutes: record.Minutes, Seed: config.Seed}, nil
}

// OfSystem returns a contender that is one of the DITAS systems.
func OfSystem(name string, sys *model.System) (*Contender, error) {
	pipeline, err := sys.NewPipeline(false, false)
	if err != nil {
		return nil, err
	}
	// Without a transform, thresholds have no meaning.
	plain := sys.Config.Transform == model.NoTransform
	c := &Contender{Name: name, Parameters: sys.Weights.Count(), FLOPs: pipeline.Graph.FLOPs(), Scaled: plain}
	c.Worker = func() (Hider, error) {
		n, err := NewNetworks(sys)
		return func(_ int, p *experiment.Subject) (m *Sent, err error) {
			threshold := Threshold
			var x []float64
			if p.Target > 0 && !plain {
				x, threshold, err = n.hide(p, p.Target)
			} else {
				x, err = n.hideAt(p, threshold)
			}
			if p.Target > 0 && plain && err == nil {
				x, err = scaled(p, x)
			}
			return &Sent{x, func(received []float64) (*picture.Planes, error) { return n.Reveal(received, threshold) }}, err
		}, err
	}
	return c, nil
}

// ofUnits returns a contender that is a system of another paper.
func ofUnits(name string, newCodec func() (*unit.Codec, error)) (*Contender, error) {
	codec, err := newCodec()
	if err != nil {
		return nil, err
	}
	c := &Contender{Name: name, Parameters: codec.Parameters(), FLOPs: codec.FLOPs(), Scaled: true}
	c.Worker = func() (Hider, error) {
		codec, err := newCodec()
		cover, container, pixels := make([]float32, unit.Samples), make([]float32, unit.Samples), make([]float32, 3*experiment.Side*experiment.Side)
		return func(_ int, p *experiment.Subject) (*Sent, error) {
			for i, v := range p.Cover.Samples[0] {
				cover[i] = float32(v)
			}
			flatten(pixels, p.Secret)
			codec.Hide(container, pixels, cover, experiment.Step)
			x := make([]float64, len(container))
			var err error
			for i, v := range container {
				x[i] = float64(v)
			}
			if p.Target > 0 {
				if x, err = scaled(p, x); err != nil {
					return nil, err
				}
			}
			return &Sent{x, func(received []float64) (*picture.Planes, error) {
				for i, v := range received {
					cover[i] = float32(v)
				}
				codec.Reveal(pixels, cover)
				return inEightBits(pixels), nil
			}}, nil
		}, err
	}
	return c, nil
}

// scaled returns a container with as much of its change of the cover as makes the subject's target.
func scaled(p *experiment.Subject, container []float64) ([]float64, error) {
	mse, err := p.MSE(container)
	if err != nil || mse == 0 {
		return container, err
	}
	scale := math.Sqrt(p.Target / mse)
	out := make([]float64, len(container))
	for i, v := range p.Cover.Samples[0][:len(container)] {
		out[i] = v + scale*(container[i]-v)
	}
	return out, nil
}
