package experiment

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"

	"ditas"
	"ditas/audio"
	"ditas/internal/dataset"
	"ditas/internal/model"
	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
	"ditas/internal/model/weights"
	"ditas/picture"
)

// Systems are those of the paper's Table 1, in its order. Each is a folder of a run of ditas train.
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

// contender is a system that takes part in a comparison.
type contender struct {
	name       string
	weights    string // identity of the file
	parameters int
	flops      int // of hiding and revealing one picture
	training   *Training
	// scaled tells that the system was trained to one strength, so that where a container MSE is asked for, its change of the cover
	// is scaled.
	scaled bool
	// synchronises tells that the receiver finds out by itself where the recording begins; the others are told.
	synchronises bool
	// worker returns a function that hides subject i, of which every goroutine has its own.
	worker func() (func(i int, p *subject) (*sent, error), error)
}

// hiders returns as many workers of a contender as there are goroutines.
func (s *study) hiders(c *contender) (chan func(i int, p *subject) (*sent, error), error) {
	hiders := make(chan func(int, *subject) (*sent, error), s.workers)
	for range s.workers {
		hide, err := c.worker()
		if err != nil {
			return nil, err
		}
		hiders <- hide
	}
	return hiders, nil
}

// trained returns the contender whose run is in a folder of runs. Its own strength is [Threshold], or what it was trained to.
func trained(runs fs.FS, name string) (*contender, error) {
	c := &contender{name: name}
	data, err := fs.ReadFile(runs, name+"/weights.safetensors")
	if err != nil {
		return nil, err
	}
	if c.training, err = trainingOf(runs, name); err != nil {
		return nil, err
	}
	r, size := bytes.NewReader(data), int64(len(data))
	switch name {
	case deepsteg.Name:
		var sys *deepsteg.System
		if sys, _, err = deepsteg.Load(r, size); err == nil {
			err = c.unit(sys.NewCodec)
		}
	case kreuk.Name:
		var sys *kreuk.System
		if sys, _, err = kreuk.Load(r, size); err == nil {
			err = c.unit(sys.NewCodec)
		}
	default:
		var sys *model.System
		var id [4]byte
		if sys, id, err = weights.Read(r, size); err == nil {
			c.weights = hex.EncodeToString(id[:])
			err = c.networks(sys)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s/weights.safetensors: %w", name, err)
	}
	return c, nil
}

// trainingOf reads what the folder of a run says of it.
func trainingOf(runs fs.FS, name string) (*Training, error) {
	text, err := fs.ReadFile(runs, name+"/config.json")
	if err != nil {
		return nil, err
	}
	config := struct {
		Seed        uint64
		Batch, Rows int
	}{Rows: Side} // those of the stripes of pictures that some systems are trained on
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
	return &Training{Steps: record.Step, Pictures: record.Step * config.Batch * config.Rows / Side, Minutes: record.Minutes, Seed: config.Seed}, nil
}

// networks makes the contender one of the DITAS systems.
func (c *contender) networks(sys *model.System) error {
	pipeline, err := sys.NewPipeline(false, false)
	if err != nil {
		return err
	}
	c.parameters, c.flops = sys.Weights.Count(), pipeline.Graph.FLOPs()
	c.worker = func() (func(int, *subject) (*sent, error), error) {
		n, err := newNetworks(sys)
		return func(_ int, p *subject) (m *sent, err error) {
			threshold := Threshold
			var x []float64
			if p.target > 0 {
				x, threshold, err = n.hide(p, p.target)
			} else {
				x, err = n.hideAt(p, threshold)
			}
			return &sent{x, func(received []float64) (*picture.Planes, error) { return n.reveal(received, threshold) }}, err
		}, err
	}
	return nil
}

// unit makes the contender a system of another paper.
func (c *contender) unit(newCodec func() (*unit.Codec, error)) error {
	codec, err := newCodec()
	if err != nil {
		return err
	}
	c.parameters, c.flops, c.scaled = codec.Parameters(), codec.FLOPs(), true
	c.worker = func() (func(int, *subject) (*sent, error), error) {
		codec, err := newCodec()
		cover, container, pixels := make([]float32, unit.Samples), make([]float32, unit.Samples), make([]float32, 3*Side*Side)
		return func(_ int, p *subject) (*sent, error) {
			for i, v := range p.cover.Samples[0] {
				cover[i] = float32(v)
			}
			flatten(pixels, p.secret)
			codec.Hide(container, pixels, cover, grid.Step())
			x := make([]float64, len(container))
			var err error
			for i, v := range container {
				x[i] = float64(v)
			}
			if p.target > 0 {
				if x, err = p.scaled(x); err != nil {
					return nil, err
				}
			}
			return &sent{x, func(received []float64) (*picture.Planes, error) {
				for i, v := range received {
					cover[i] = float32(v)
				}
				codec.Reveal(pixels, cover)
				return inEightBits(pixels), nil
			}}, nil
		}, err
	}
	return nil
}

// arithmetic are the contenders of Table 1 that were not trained on recordings: ours, at the default and at the faint setting, the
// linear map, and a JPEG file in the lowest bits.
func (s *study) arithmetic() []*contender {
	return []*contender{
		s.lattice("lattice", ditas.HideOptions{}), s.lattice("lattice, faint", ditas.HideOptions{Faint: true}), s.linear(), lowestBits(2),
	}
}

// scaled returns a container with as much of its change of the cover as makes the target.
func (p *subject) scaled(container []float64) ([]float64, error) {
	mse, err := p.mse(container)
	if err != nil || mse == 0 {
		return container, err
	}
	scale := math.Sqrt(p.target / mse)
	out := make([]float64, len(container))
	for i, v := range p.cover.Samples[0][:len(container)] {
		out[i] = v + scale*(container[i]-v)
	}
	return out, nil
}

// stateless returns a contender whose workers are all the same.
func stateless(name string, send func(i int, p *subject) (*sent, error)) *contender {
	return &contender{name: name, worker: func() (func(int, *subject) (*sent, error), error) { return send, nil }}
}

// lattice is ours. Hearing limits its strength, so no container MSE can be asked of it: where subjects have one it is that of
// their stego, which is what it sends.
func (s *study) lattice(name string, o ditas.HideOptions) *contender {
	c := stateless(name, func(_ int, p *subject) (*sent, error) {
		stego := p.stego
		if p.target == 0 {
			var err error
			if stego, err = s.hide(p.cover, p.secret, o); err != nil {
				return nil, err
			}
		}
		return &sent{stego.Samples[0], func(received []float64) (*picture.Planes, error) {
			return s.reveal(&audio.Recording{Format: stego.Format, Samples: [][]float64{received}}, ditas.RevealOptions{})
		}}, nil
	})
	c.synchronises = true
	return c
}

// linear is the linear map; its own container MSE is 1e-7.
func (s *study) linear() *contender {
	return stateless("linear map, 3 stages", func(i int, p *subject) (*sent, error) {
		mse := 1e-7
		if p.target > 0 {
			mse = p.target
		}
		l := newLinear(mse, s.source(forDither, i))
		return &sent{l.hide(p), l.reveal}, nil
	})
}

// lowestBits is a JPEG file in so many of the lowest bits. No container MSE can be asked of it.
func lowestBits(bits int) *contender {
	return stateless(fmt.Sprintf("JPEG in the %d lowest bits", bits), func(_ int, p *subject) (*sent, error) {
		x, err := jpegInBits(p, bits)
		return &sent{x, func(received []float64) (*picture.Planes, error) { return jpegFromBits(received, bits) }}, err
	})
}

// through returns what a 16-bit WAV file holds of samples.
func through(x []float64) ([]float64, error) {
	f, err := file(&audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: [][]float64{x}})
	if err != nil {
		return nil, err
	}
	r, err := audio.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return r.Samples[0], nil
}
