// Package restoring trains the restorer of package model/restorer.
//
//	t, err := restoring.New(cfg, restoring.Data{Pictures: …, Validation: …}, workers)
//	err = t.Resume(checkpoint, size) // optional
//	err = t.Run(ctx, restoring.Options{Log: jsonl, Checkpoint: save})
//	n, err := t.Best()
//	err = n.Save(file)
//
// Every sample of a step is a task of its own, with a random source seeded by the step and its index, and gradients are
// summed in order: results do not depend on the number of workers.
package restoring

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"ditas/internal/codestream"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train/loop"
	"ditas/internal/model/restorer"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
	"ditas/picture"
)

// Data is what a run learns from, and thumbnails of the tile's size that it is measured on while it runs.
type Data struct{ Pictures, Validation *dataset.Pictures }

// Record is one line of the log.
type Record struct {
	Step    int     `json:"step"`
	Minutes float64 `json:"minutes"` // of work on this run, over all its parts
	Rate    float64 `json:"rate"`
	Norm    float64 `json:"norm"` // of the gradient, before the limit
	// Gain is by how much the network raises the PSNR, in dB, as a mean over the samples since the record before.
	Gain  float64      `json:"gain"`
	Valid []Validation `json:"valid,omitempty"`
}

// Validation is the quality of the averaged weights on the validation thumbnails at one length of prefixes.
type Validation struct {
	Bytes    int     `json:"bytes"`
	Decoded  float64 `json:"decoded"`  // mean PSNR in dB
	Restored float64 `json:"restored"` // likewise
}

// Options are what a run does besides learning.
type Options = loop.Options[Record]

// Trainer is a run. It must not be used by two goroutines at once.
type Trainer struct {
	cfg     Config
	data    Data
	network *restorer.Network
	best    *restorer.Network // the averaged weights
	opt     *nn.Adam[float32]
	average *nn.Average[float32]
	workers []*worker
	team    *parallel.Workers
	grads   []*nn.Grads[float32]
	tasks   []task
	step    int
	spent   time.Duration
	gain    float64 // sum since the last record
	gains   int
}

// worker is what one goroutine computes with.
type worker struct {
	graph  *nn.Graph[float32]
	in     restorer.Inputs
	truth  *nn.Tensor[float32]
	loss   *nn.Loss
	source rand.PCG
	rng    *rand.Rand
}

// task holds what came of one sample.
type task struct {
	gain float64
	err  error
}

// New prepares a run. Workers is the number of goroutines; it does not change results.
func New(cfg Config, data Data, workers int) (*Trainer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	network, err := restorer.NewNetwork(cfg.Model, kernel.Best())
	if err != nil {
		return nil, err
	}
	network.Init(cfg.Seed)
	best, err := restorer.NewNetwork(cfg.Model, kernel.Best())
	if err != nil {
		return nil, err
	}
	t := &Trainer{
		cfg: cfg, data: data, network: network, best: best,
		opt:     nn.NewAdam(network.Weights, cfg.Beta1, cfg.Beta2),
		average: nn.NewAverage(network.Weights, cfg.Average), tasks: make([]task, cfg.Batch),
	}
	for range max(1, min(workers, cfg.Batch)) {
		w, err := newWorker(network, cfg.Tile)
		if err != nil {
			return nil, err
		}
		t.workers = append(t.workers, w)
	}
	t.team = parallel.NewWorkers(len(t.workers))
	for range cfg.Batch {
		t.grads = append(t.grads, nn.NewGrads(network.Weights))
	}
	return t, nil
}

func newWorker(n *restorer.Network, tile int) (*worker, error) {
	w := &worker{graph: nn.NewGraph(n.Weights, true)}
	w.rng = rand.New(&w.source)
	var restored *nn.Tensor[float32]
	w.in, restored = n.Build(w.graph, tile, tile)
	w.truth = w.graph.Input("truth", nn.Shape{N: 1, C: 3, H: tile, W: tile})
	w.loss = w.graph.MSE(restored, w.truth)
	return w, w.graph.Compile()
}

// Step returns the number of steps taken.
func (t *Trainer) Step() int { return t.step }

// Best returns a network with the averaged weights as they stand.
func (t *Trainer) Best() (*restorer.Network, error) {
	return t.best, t.average.CopyTo(t.best.Weights)
}

// Run takes the remaining steps. Its error wraps [loop.ErrStopped] if it ended before the last one.
func (t *Trainer) Run(ctx context.Context, o Options) error {
	r := loop.Run[Record]{
		Step: &t.step, Spent: &t.spent, Steps: t.cfg.Steps, ValidateEvery: t.cfg.ValidateEvery,
		Advance: t.advance, Write: t.WriteCheckpoint,
		Stamp: func(r *Record, spent time.Duration) { r.Minutes = spent.Minutes() },
		Validate: func(ctx context.Context, r *Record) (err error) {
			r.Valid, err = t.validate(ctx)
			return err
		},
		Logged: func() { t.gain, t.gains = 0, 0 },
	}
	return r.Do(ctx, o)
}

// advance takes one step.
func (t *Trainer) advance() (Record, error) {
	t.team.Each(t.cfg.Batch, func(w, i int) { t.tasks[i].err = t.workers[w].learn(t, i) })
	for _, k := range t.tasks {
		if k.err != nil {
			return Record{}, fmt.Errorf("step %d: %w", t.step+1, k.err)
		}
		t.gain += k.gain
		t.gains++
	}
	rec := Record{Gain: t.gain / float64(t.gains)}
	rec.Rate = t.cfg.Rate * nn.WarmupCosine(t.step, t.cfg.Warmup, t.cfg.Steps, t.cfg.Final)
	var err error
	if rec.Norm, err = t.opt.Step(t.grads, rec.Rate, t.cfg.Clip); err != nil {
		return rec, fmt.Errorf("step %d: %w", t.step+1, err)
	}
	t.step++
	t.average.Update(t.step)
	rec.Step = t.step
	return rec, nil
}

// learn computes the gradient for sample i of the present step.
func (w *worker) learn(t *Trainer, i int) error {
	dataset.Seed(&w.source, t.cfg.Seed, t.step, i)
	truth, decoded, info, err := w.sample(t)
	if err != nil {
		return err
	}
	tile := t.cfg.Tile
	w.truth.Load(slices.Concat(truth.Pix[:]...))
	w.in.Picture.Load(slices.Concat(decoded.Pix[:]...))
	w.in.Features.Load(slices.Concat(restorer.Features(decoded, info)...))
	context, scale := restorer.Condition(info, tile, tile)
	w.in.Context.Load(context)
	w.in.Scale.Load(scale)
	w.graph.Forward()
	// The logarithm of the mean squared error makes every decibel count the same, at short prefixes and at long ones.
	const floor = 1e-8
	got := w.loss.Value + floor
	t.tasks[i].gain = 10 * math.Log10((meanSquare(truth, decoded)+floor)/got)
	if math.IsNaN(got) || math.IsInf(got, 0) {
		if err := w.graph.Check(); err != nil {
			return err
		}
		return fmt.Errorf("loss: %w", nn.ErrNotFinite)
	}
	t.grads[i].Zero()
	w.graph.Backward(t.grads[i], nn.Term{Loss: w.loss, Weight: 1 / got})
	return nil
}

// sample draws a square of a picture, and what a prefix of random length holds of it.
func (w *worker) sample(t *Trainer) (truth, decoded *picture.Planes, info codestream.Info, err error) {
	tile := t.cfg.Tile
	side := tile
	if w.rng.Float64() < t.cfg.Large {
		side = 2 * tile
	}
	bits := t.cfg.Bits[0] * math.Exp(w.rng.Float64()*math.Log(t.cfg.Bits[1]/t.cfg.Bits[0]))
	truth = picture.New(side, side)
	t.data.Pictures.Crop(w.rng, truth)
	truth.Round()
	prefix, _, err := codestream.Encode(context.Background(), truth, codestream.EncodeOptions{Limit: int(bits * float64(side*side) / 8)})
	if err != nil {
		return nil, nil, info, err
	}
	if decoded, info, err = codestream.Decode(context.Background(), prefix, codestream.DecodeOptions{}); err != nil {
		return nil, nil, info, err
	}
	if side > tile {
		// Even, so that the wavelet's grid lies in the tile as it does in a whole picture.
		left, top := 2*w.rng.IntN(tile/2+1), 2*w.rng.IntN(tile/2+1)
		truth, decoded = crop(truth, left, top, tile), crop(decoded, left, top, tile)
	}
	return truth, decoded, info, nil
}

func crop(p *picture.Planes, left, top, side int) *picture.Planes {
	q := picture.New(side, side)
	for c, plane := range p.Pix {
		for y := range side {
			copy(q.Pix[c][y*side:][:side], plane[(top+y)*p.Width+left:])
		}
	}
	return q
}

func meanSquare(a, b *picture.Planes) float64 {
	var sum float64
	for c, plane := range a.Pix {
		for i, v := range plane {
			d := float64(v - b.Pix[c][i])
			sum += d * d
		}
	}
	return sum / float64(3*len(a.Pix[0]))
}

// validate measures the averaged weights.
func (t *Trainer) validate(ctx context.Context) ([]Validation, error) {
	best, err := t.Best()
	if err != nil {
		return nil, err
	}
	return Measure(ctx, restorer.With(best), t.data.Validation, t.cfg.Tile, t.cfg.ValidationBytes)
}

// Measure returns what a restorer does for the thumbnails of pictures, size×size pixels, at each of the lengths of prefixes.
func Measure(
	ctx context.Context, r *restorer.Restorer, pictures *dataset.Pictures, size int, lengths []int,
) ([]Validation, error) {
	out := make([]Validation, len(lengths))
	n := float64(pictures.Len())
	truth := picture.New(size, size)
	for k := range pictures.Len() {
		pictures.Thumbnail(k, truth)
		stream, _, err := codestream.Encode(ctx, truth, codestream.EncodeOptions{})
		if err != nil {
			return nil, err
		}
		for i, length := range lengths {
			decoded, info, err := codestream.Decode(ctx, stream[:min(length, len(stream))], codestream.DecodeOptions{})
			if err != nil {
				return nil, fmt.Errorf("measuring: %s, %d bytes: %w", pictures.Name(k), length, err)
			}
			restored, err := r.Restore(ctx, decoded, info, restorer.Options{})
			if err != nil {
				return nil, err
			}
			out[i].Bytes = length
			out[i].Decoded += psnr(meanSquare(truth, decoded)) / n
			out[i].Restored += psnr(meanSquare(truth, restored)) / n
		}
	}
	return out, nil
}

func psnr(mse float64) float64 { return -10 * math.Log10(max(mse, 1e-10)) }
