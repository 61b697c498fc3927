// Package systems teaches the systems of package model: DITAS-S, -M, -E, -D and -ED.
package systems

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"

	"ditas/internal/lab/evaluate"
	"ditas/internal/lab/train"
	"ditas/internal/model"
	"ditas/internal/nn"
	"ditas/picture"
)

// Figures are means over the batch of a step: PSNR in dB after each stage, and container MSE of each stage.
type Figures struct {
	PSNR      []float64 `json:"psnr"`
	Container []float64 `json:"container"`
	Gains     []float64 `json:"gains"` // after the step
}

// Validation is the quality of the averaged weights on the validation set at each strength.
type Validation []Strength

// Strength is the quality at one of them, after rounding to 16 bits.
type Strength struct {
	Threshold float64   `json:"threshold"`
	Container float64   `json:"container"` // mean squared error
	PSNR      []float64 `json:"psnr"`      // mean over pictures, after each stage
	SSIM      float64   `json:"ssim"`
}

// String tells the PSNR after the last stage.
func (v Validation) String() string {
	var all []string
	for _, s := range v {
		all = append(all, fmt.Sprintf("%.2f dB at MSE %.2g", s.PSNR[len(s.PSNR)-1], s.Container))
	}
	return strings.Join(all, ", ")
}

// Task is the training of a system: see [train.Task].
type Task struct {
	cfg       Config
	data      train.Material
	sys, best *model.System // best has the averaged weights
	examples  []example
	figures   Figures
	square    []float64 // mean square of what each stage had to hide
	flops     float64
}

// example holds what came of one picture of a step.
type example struct {
	loss      float64
	missing   []float64 // mean square of S_1, and of what is missing after each stage
	container []float64
}

// worker is what one goroutine computes with.
type worker struct {
	task    *Task
	pipe    *model.Pipeline
	terms   []nn.Term
	picture *picture.Planes
	pixels  []float32 // of picture, contiguous
	covers  [][]float32
	scratch []float32
}

// New returns the task. The validation pictures are thumbnails of the tile's size.
func New(cfg Config, data train.Material) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Task{cfg: cfg, data: data}
	for _, s := range []**model.System{&t.sys, &t.best} {
		var err error
		if *s, err = model.New(cfg.Model); err != nil {
			return nil, err
		}
	}
	stages := cfg.Model.Stages
	t.figures = Figures{make([]float64, stages), make([]float64, stages), make([]float64, stages)}
	t.square = make([]float64, stages)
	for range cfg.Batch {
		t.examples = append(t.examples, example{missing: make([]float64, stages+1), container: make([]float64, stages)})
	}
	return t, nil
}

// Config implements [train.Task], as do the other methods.
func (t *Task) Config() train.Config { return &t.cfg }

// System returns the system in training.
func (t *Task) System() *model.System { return t.sys }

func (t *Task) Weights() *nn.Weights[float32]  { return t.sys.Weights }
func (t *Task) Averaged() *nn.Weights[float32] { return t.best.Weights }
func (t *Task) Examples(int) int               { return t.cfg.Batch }
func (t *Task) Logged()                        {}

func (t *Task) Begin(seed uint64) error {
	t.sys.Init(seed)
	return nil
}

func (t *Task) Load(r io.ReaderAt, size int64) error {
	from, _, err := model.Load(r, size)
	if err != nil {
		return err
	}
	if from.Config.Stages != t.cfg.Model.Stages {
		return fmt.Errorf("a system of %d stages, want %d", from.Config.Stages, t.cfg.Model.Stages)
	}
	values := map[string][]float32{}
	for _, p := range from.Weights.Params() {
		values[p.Name] = p.Data
	}
	if err := t.sys.Weights.CopyFrom(values); err != nil {
		return err
	}
	for i := range t.cfg.Model.Stages {
		t.sys.SetGain(i, from.Gain(i))
	}
	return nil
}

// FLOPs implements [train.Counted]. It is 0 before there is a worker.
func (t *Task) FLOPs() float64 { return t.flops }

func (t *Task) NewWorker() (train.Worker, error) {
	pipe, err := t.sys.NewPipeline(true, t.cfg.DropoutWeight > 0)
	if err != nil {
		return nil, err
	}
	t.flops = 3 * float64(pipe.Graph.FLOPs()) * float64(t.cfg.Batch) * float64(t.cfg.Steps)
	w := &worker{task: t, pipe: pipe}
	w.picture, w.pixels = planes(t.cfg.Model.Tile)
	w.scratch = make([]float32, len(w.pixels))
	for i := range t.cfg.Model.Stages {
		w.covers = append(w.covers, make([]float32, t.cfg.Model.Samples()))
		w.terms = append(w.terms, nn.Term{Loss: pipe.RevealLoss[i]}, nn.Term{Loss: pipe.ContainerLoss[i]})
	}
	if pipe.LossyLoss != nil {
		w.terms = append(w.terms, nn.Term{Loss: pipe.LossyLoss})
	}
	return w, nil
}

// planes returns a square picture and its pixels in one piece.
func planes(side int) (*picture.Planes, []float32) {
	n := side * side
	pixels := make([]float32, 3*n)
	return &picture.Planes{Width: side, Height: side, Pix: [3][]float32{pixels[:n], pixels[n : 2*n], pixels[2*n:]}}, pixels
}

// Learn implements [train.Worker].
func (w *worker) Learn(_, i int, rng *rand.Rand, grads *nn.Grads[float32]) error {
	cfg := &w.task.cfg
	tau, err := w.draw(rng)
	if err != nil {
		return err
	}
	w.pipe.Graph.Forward()
	k := &w.task.examples[i]
	k.missing[0] = 0
	for _, v := range w.scratch {
		k.missing[0] += float64(v) * float64(v) / float64(len(w.scratch))
	}
	k.loss = 0
	term := w.terms
	// The logarithm of the mean squared error makes every decibel count the same, at the first stage and at the last.
	logarithm := func(weight float64) {
		v := term[0].Loss.Value + 1e-9
		k.loss += weight * math.Log(v)
		term[0].Weight = weight / v
		term = term[1:]
	}
	for s := range cfg.Model.Stages {
		k.missing[s+1] = term[0].Loss.Value
		logarithm(cfg.stageWeight(s))
		k.container[s] = term[0].Loss.Value
		term[0].Weight = cfg.ContainerWeight / (tau * tau)
		k.loss += term[0].Weight * term[0].Loss.Value
		term = term[1:]
	}
	if len(term) > 0 {
		logarithm(cfg.DropoutWeight)
	}
	if err := train.Finite(k.loss, w.pipe.Graph); err != nil {
		return err
	}
	w.pipe.Graph.Backward(grads, w.terms...)
	return nil
}

// draw loads a picture, clips of speech and a strength, which it returns.
func (w *worker) draw(rng *rand.Rand) (tau float64, err error) {
	cfg, data := &w.task.cfg, &w.task.data
	data.Pictures.Crop(rng, w.picture)
	for _, c := range w.covers {
		data.Speech.Clip(rng, c)
		// Loudness and polarity carry no meaning for hiding.
		a := float32(math.Exp(-0.5 * rng.Float64()))
		if rng.IntN(2) == 0 {
			a = -a
		}
		for j := range c {
			c[j] *= a
		}
	}
	tau = between(rng, cfg.Thresholds)
	if err := w.pipe.SetThresholds(tau); err != nil {
		return 0, err
	}
	w.pipe.Step = between(rng, cfg.Rounding) / (1 << 15)
	for s := range w.pipe.Keep {
		w.pipe.Keep[s] = 1
		if rng.Float64() < cfg.Dropout {
			w.pipe.Keep[s] = 0
		}
	}
	w.pipe.Load(w.pixels, w.covers, w.scratch)
	return tau, nil
}

// between draws log-uniformly from a range.
func between(rng *rand.Rand, r [2]float64) float64 {
	return r[0] * math.Exp(rng.Float64()*math.Log(r[1]/r[0]))
}

// Settle also adapts the gains of the stages, as long as they are not frozen, to what they had to hide.
func (t *Task) Settle(step int) (loss float64, figures any, err error) {
	f := &t.figures
	clear(f.PSNR)
	clear(f.Container)
	clear(t.square)
	n := float64(t.cfg.Batch)
	for _, k := range t.examples {
		loss += k.loss / n
		for i := range f.PSNR {
			f.PSNR[i] += train.PSNR(k.missing[i+1]) / n
			f.Container[i] += k.container[i] / n
			t.square[i] += k.missing[i] / n
		}
	}
	const keep = 0.98
	for i := range f.Gains {
		if float64(step) < t.cfg.FreezeGains*float64(t.cfg.Steps) {
			g := t.sys.Gain(i)
			t.sys.SetGain(i, math.Sqrt(keep*g*g+(1-keep)*t.square[i]))
		}
		f.Gains[i] = t.sys.Gain(i)
	}
	return loss, f, nil
}

// memory is what a system knows besides its weights.
type memory struct {
	Gains []float64 `json:"gains"`
}

// Remember implements [train.Remembering], as does Recall.
func (t *Task) Remember() ([]byte, error) {
	var m memory
	for i := range t.cfg.Model.Stages {
		m.Gains = append(m.Gains, t.sys.Gain(i))
	}
	return json.Marshal(m)
}

func (t *Task) Recall(text []byte, _ int) error {
	var m memory
	if err := json.Unmarshal(text, &m); err != nil || len(m.Gains) != t.cfg.Model.Stages {
		return fmt.Errorf("gains are %q", text)
	}
	for i, g := range m.Gains {
		if !(g > 0) {
			return fmt.Errorf("gains are %q", text)
		}
		t.sys.SetGain(i, g)
	}
	return nil
}

// averaged returns the system with the averaged weights.
func (t *Task) averaged() *model.System {
	for i := range t.cfg.Model.Stages {
		t.best.SetGain(i, t.sys.Gain(i))
	}
	return t.best
}

func (t *Task) Validate(ctx context.Context, _, workers int) (fmt.Stringer, error) {
	report, err := evaluate.System(ctx, t.averaged(), t.data.ValidationPictures, t.data.ValidationSpeech, evaluate.Options{
		Thresholds: t.cfg.ValidationThresholds, Pairs: t.cfg.ValidationPairs, Workers: workers,
	})
	if err != nil {
		return nil, err
	}
	var out Validation
	for _, r := range report.Rows {
		out = append(out, Strength{Threshold: r.Threshold, Container: r.Mean.ContainerMSE, PSNR: r.Mean.StagePSNR, SSIM: r.Mean.SSIM})
	}
	return out, nil
}

func (t *Task) Save(w io.Writer, half bool, about map[string]string) error {
	return t.averaged().Save(w, half, about)
}
