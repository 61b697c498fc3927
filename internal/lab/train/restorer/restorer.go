// Package restorer teaches the restorer of package model/restorer, from prefixes of streams of photographs.
package restorer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"ditas/internal/codestream"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/model/restorer"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
	"ditas/picture"
)

// Figures are means over the samples since the record before.
type Figures struct {
	Gain float64 `json:"gain"` // by how much the network raises the PSNR, in dB
}

// Validation is the quality of the averaged weights on the validation thumbnails at each length of prefixes.
type Validation []Length

// Length is the quality at one of them.
type Length struct {
	Bytes    int     `json:"bytes"`
	Decoded  float64 `json:"decoded"`  // mean PSNR in dB
	Restored float64 `json:"restored"` // likewise
}

// String tells the gains.
func (v Validation) String() string {
	var all []string
	for _, l := range v {
		all = append(all, fmt.Sprintf("%+.2f dB at %d bytes", l.Restored-l.Decoded, l.Bytes))
	}
	return strings.Join(all, ", ")
}

// Task is the training of a restorer: see [train.Task].
type Task struct {
	cfg        Config
	pictures   *dataset.Pictures
	validation *dataset.Pictures // thumbnails of the tile's size
	network    *restorer.Network
	best       *restorer.Network // the averaged weights
	examples   []example
	figures    Figures
	memory     memory
	flops      float64
}

// example holds what came of one sample.
type example struct{ gain, loss float64 }

// memory is what the task knows besides its weights: sums since the last record.
type memory struct {
	Gain  float64 `json:"gain"`
	Loss  float64 `json:"loss"`
	Count int     `json:"count"`
}

// worker is what one goroutine computes with.
type worker struct {
	task  *Task
	graph *nn.Graph[float32]
	in    restorer.Inputs
	truth *nn.Tensor[float32]
	loss  *nn.Loss
}

// New returns the task. The validation pictures are thumbnails of the tile's size.
func New(cfg Config, pictures, validation *dataset.Pictures) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Task{cfg: cfg, pictures: pictures, validation: validation, examples: make([]example, cfg.Batch)}
	for _, n := range []**restorer.Network{&t.network, &t.best} {
		var err error
		if *n, err = restorer.NewNetwork(cfg.Model, kernel.Best()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Config implements [train.Task], as do the other methods.
func (t *Task) Config() train.Config { return &t.cfg }

func (t *Task) Weights() *nn.Weights[float32]  { return t.network.Weights }
func (t *Task) Averaged() *nn.Weights[float32] { return t.best.Weights }
func (t *Task) Examples(int) int               { return t.cfg.Batch }
func (t *Task) Logged()                        { t.memory = memory{} }

func (t *Task) Begin(seed uint64) error {
	t.network.Init(seed)
	return nil
}

func (t *Task) Load(r io.ReaderAt, size int64) error {
	from, err := restorer.Load(r, size, kernel.Best())
	if err != nil {
		return err
	}
	values := map[string][]float32{}
	for _, p := range from.Weights.Params() {
		values[p.Name] = p.Data
	}
	return t.network.Weights.CopyFrom(values)
}

// FLOPs implements [train.Counted]. It is 0 before there is a worker.
func (t *Task) FLOPs() float64 { return t.flops }

func (t *Task) NewWorker() (train.Worker, error) {
	w := &worker{task: t, graph: nn.NewGraph(t.network.Weights, true)}
	tile := t.cfg.Tile
	var restored *nn.Tensor[float32]
	w.in, restored = t.network.Build(w.graph, tile, tile)
	w.truth = w.graph.Input("truth", nn.Shape{N: 1, C: 3, H: tile, W: tile})
	w.loss = w.graph.MSE(restored, w.truth)
	if err := w.graph.Compile(); err != nil {
		return nil, err
	}
	t.flops = 3 * float64(w.graph.FLOPs()) * float64(t.cfg.Batch) * float64(t.cfg.Steps)
	return w, nil
}

// Learn implements [train.Worker].
func (w *worker) Learn(_, i int, rng *rand.Rand, grads *nn.Grads[float32]) error {
	truth, decoded, info, err := w.sample(rng)
	if err != nil {
		return err
	}
	tile := w.task.cfg.Tile
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
	w.task.examples[i] = example{gain: 10 * math.Log10((meanSquare(truth, decoded)+floor)/got), loss: math.Log(got)}
	if err := train.Finite(got, w.graph); err != nil {
		return err
	}
	w.graph.Backward(grads, nn.Term{Loss: w.loss, Weight: 1 / got})
	return nil
}

// sample draws a square of a picture, and what a prefix of random length holds of it.
func (w *worker) sample(rng *rand.Rand) (truth, decoded *picture.Planes, info codestream.Info, err error) {
	cfg := &w.task.cfg
	tile := cfg.Tile
	side := tile
	if rng.Float64() < cfg.Large {
		side = 2 * tile
	}
	bits := cfg.Bits[0] * math.Exp(rng.Float64()*math.Log(cfg.Bits[1]/cfg.Bits[0]))
	truth = picture.New(side, side)
	w.task.pictures.Crop(rng, truth)
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
		left, top := 2*rng.IntN(tile/2+1), 2*rng.IntN(tile/2+1)
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

func (t *Task) Settle(int) (loss float64, figures any, err error) {
	m := &t.memory
	for _, k := range t.examples {
		m.Gain += k.gain
		m.Loss += k.loss
		m.Count++
	}
	t.figures.Gain = m.Gain / float64(m.Count)
	return m.Loss / float64(m.Count), &t.figures, nil
}

// Remember implements [train.Remembering], as does Recall.
func (t *Task) Remember() ([]byte, error) { return json.Marshal(t.memory) }

func (t *Task) Recall(text []byte, _ int) error {
	if err := json.Unmarshal(text, &t.memory); err != nil || t.memory.Count < 0 {
		return fmt.Errorf("memory is %q", text)
	}
	return nil
}

func (t *Task) Validate(ctx context.Context, _, workers int) (fmt.Stringer, error) {
	return measure(ctx, restorer.With(t.best), t.validation, t.cfg.Tile, t.cfg.ValidationBytes, workers)
}

// Save writes the network, whose weights always have 16 bits and whose file says nothing else.
func (t *Task) Save(w io.Writer, _ bool, _ map[string]string) error { return t.best.Save(w) }

// measure returns what a restorer does for the thumbnails of pictures, size×size pixels, at each of the lengths of prefixes. Workers
// is the number of goroutines; it does not change results.
func measure(
	ctx context.Context, r *restorer.Restorer, pictures *dataset.Pictures, size int, lengths []int, workers int,
) (Validation, error) {
	all := make([]Validation, pictures.Len())
	errs := make([]error, len(all))
	parallel.Each(workers, len(all), func(_, k int) {
		if errs[k] = ctx.Err(); errs[k] == nil {
			all[k], errs[k] = measureOne(ctx, r, pictures, k, size, lengths)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	out := make(Validation, len(lengths))
	for i, length := range lengths {
		out[i].Bytes = length
		for _, v := range all {
			out[i].Decoded += v[i].Decoded / float64(len(all))
			out[i].Restored += v[i].Restored / float64(len(all))
		}
	}
	return out, nil
}

// measureOne is measure for picture k.
func measureOne(
	ctx context.Context, r *restorer.Restorer, pictures *dataset.Pictures, k, size int, lengths []int,
) (Validation, error) {
	truth := picture.New(size, size)
	pictures.Thumbnail(k, truth)
	stream, _, err := codestream.Encode(ctx, truth, codestream.EncodeOptions{})
	if err != nil {
		return nil, err
	}
	var out Validation
	for _, length := range lengths {
		decoded, info, err := codestream.Decode(ctx, stream[:min(length, len(stream))], codestream.DecodeOptions{})
		if err != nil {
			return nil, fmt.Errorf("measuring: %s, %d bytes: %w", pictures.Name(k), length, err)
		}
		restored, err := r.Restore(ctx, decoded, info, restorer.Options{Workers: 1})
		if err != nil {
			return nil, err
		}
		out = append(out, Length{length, train.PSNR(meanSquare(truth, decoded)), train.PSNR(meanSquare(truth, restored))})
	}
	return out, nil
}
