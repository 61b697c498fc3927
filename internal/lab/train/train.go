// Package train trains the systems of package model: the loop, its schedule, validation, checkpoints and log.
//
//	t, err := train.New(cfg, train.Data{Speech: …, Pictures: …, ValidationSpeech: …, ValidationPictures: …}, workers)
//	err = t.Resume(checkpoint, size)               // optional
//	err = t.Run(ctx, train.Options{Log: jsonl, Checkpoint: save, Progress: show})
//	err = t.Best().Save(file, true, nil)
//
// Every picture of a step is a task of its own, with a random source seeded by the step and its index, and gradients are
// summed in order: results do not depend on the number of workers.
package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/evaluate"
	"ditas/internal/lab/train/loop"
	"ditas/internal/model"
	"ditas/internal/nn"
	"ditas/internal/parallel"
	"ditas/picture"
)

// Data is what a run learns from and what it is measured on while it runs. The test set has no place here.
type Data struct {
	Speech, ValidationSpeech     *dataset.Speech
	Pictures, ValidationPictures *dataset.Pictures // for validation, as thumbnails of the tile's size
}

// Record is one line of the log.
type Record struct {
	Step    int     `json:"step"`
	Minutes float64 `json:"minutes"` // of work on this run, over all its parts
	Rate    float64 `json:"rate"`
	Loss    float64 `json:"loss"`
	Norm    float64 `json:"norm"` // of the gradient, before the limit
	// Training figures are means over the batch: PSNR in dB after each stage, and container MSE of each stage.
	PSNR      []float64    `json:"psnr"`
	Container []float64    `json:"container"`
	Gains     []float64    `json:"gains"`
	Valid     []Validation `json:"valid,omitempty"`
}

// Validation is the quality of the averaged weights on the validation set at one strength, after rounding to 16 bits.
type Validation struct {
	Threshold float64   `json:"threshold"`
	Container float64   `json:"container"` // mean squared error
	PSNR      []float64 `json:"psnr"`      // mean over pictures, after each stage
	SSIM      float64   `json:"ssim"`
}

// Options are what a run does besides learning.
type Options = loop.Options[Record]

// Trainer is a run. It must not be used by two goroutines at once.
type Trainer struct {
	cfg     Config
	data    Data
	sys     *model.System
	opt     *nn.Adam[float32]
	average *nn.Average[float32]
	best    *model.System // the averaged weights
	workers []*worker
	team    *parallel.Workers
	learn   func(worker, i int)
	grads   []*nn.Grads[float32]
	tasks   []task
	record  Record
	square  []float64 // mean square of what each stage had to hide
	step    int
	spent   time.Duration
}

// worker is what one goroutine computes with.
type worker struct {
	pipe    *model.Pipeline
	terms   []nn.Term
	source  rand.PCG
	rng     *rand.Rand
	picture *picture.Planes
	pixels  []float32 // of picture, contiguous
	covers  [][]float32
	scratch []float32
}

// task holds what came of one picture of a step.
type task struct {
	loss      float64
	missing   []float64 // mean square of S_1, and of what is missing after each stage
	container []float64
	err       error
}

// New prepares a run. Workers is the number of goroutines; it does not change results.
func New(cfg Config, data Data, workers int) (*Trainer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sys, err := model.New(cfg.Model)
	if err != nil {
		return nil, err
	}
	sys.Init(cfg.Seed)
	best, err := model.New(cfg.Model)
	if err != nil {
		return nil, err
	}
	t := &Trainer{
		cfg: cfg, data: data, sys: sys, best: best,
		opt: nn.NewAdam(sys.Weights, cfg.Beta1, cfg.Beta2), average: nn.NewAverage(sys.Weights, cfg.Average),
	}
	for range max(1, min(workers, cfg.Batch)) {
		w, err := newWorker(sys, cfg)
		if err != nil {
			return nil, err
		}
		t.workers = append(t.workers, w)
	}
	stages := cfg.Model.Stages
	t.team = parallel.NewWorkers(len(t.workers))
	t.learn = func(w, i int) { t.tasks[i].err = t.workers[w].learn(t, i) }
	t.record = Record{PSNR: make([]float64, stages), Container: make([]float64, stages), Gains: make([]float64, stages)}
	t.square = make([]float64, stages)
	for range cfg.Batch {
		t.grads = append(t.grads, nn.NewGrads(sys.Weights))
		t.tasks = append(t.tasks, task{missing: make([]float64, stages+1), container: make([]float64, stages)})
	}
	return t, nil
}

func newWorker(sys *model.System, cfg Config) (*worker, error) {
	pipe, err := sys.NewPipeline(true, cfg.DropoutWeight > 0)
	if err != nil {
		return nil, err
	}
	w := &worker{pipe: pipe}
	w.rng = rand.New(&w.source)
	w.picture, w.pixels = planes(cfg.Model.Tile)
	w.scratch = make([]float32, len(w.pixels))
	for i := range cfg.Model.Stages {
		w.covers = append(w.covers, make([]float32, cfg.Model.Samples()))
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

// Step returns the number of steps taken.
func (t *Trainer) Step() int { return t.step }

// System returns the system in training.
func (t *Trainer) System() *model.System { return t.sys }

// Best returns a system with the averaged weights as they stand.
func (t *Trainer) Best() (*model.System, error) {
	if err := t.average.CopyTo(t.best.Weights); err != nil {
		return nil, err
	}
	for i := range t.cfg.Model.Stages {
		t.best.SetGain(i, t.sys.Gain(i))
	}
	return t.best, nil
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
	}
	return r.Do(ctx, o)
}

// advance takes one step. It allocates nothing; the slices of the record are those of the one before.
func (t *Trainer) advance() (Record, error) {
	t.team.Each(t.cfg.Batch, t.learn)
	stages := t.cfg.Model.Stages
	rec := Record{PSNR: t.record.PSNR, Container: t.record.Container, Gains: t.record.Gains}
	clear(rec.PSNR)
	clear(rec.Container)
	clear(t.square)
	n := float64(t.cfg.Batch)
	for _, k := range t.tasks {
		if k.err != nil {
			return rec, fmt.Errorf("step %d: %w", t.step+1, k.err)
		}
		rec.Loss += k.loss / n
		for i := range stages {
			rec.PSNR[i] += psnr(k.missing[i+1]) / n
			rec.Container[i] += k.container[i] / n
			t.square[i] += k.missing[i] / n
		}
	}
	rec.Rate = t.cfg.Rate * nn.WarmupCosine(t.step, t.cfg.Warmup, t.cfg.Steps, t.cfg.Final)
	var err error
	if rec.Norm, err = t.opt.Step(t.grads, rec.Rate, t.cfg.Clip); err != nil {
		return rec, fmt.Errorf("step %d: %w", t.step+1, err)
	}
	t.step++
	t.average.Update(t.step)
	const keep = 0.98
	for i := range stages {
		if float64(t.step) < t.cfg.FreezeGains*float64(t.cfg.Steps) {
			g := t.sys.Gain(i)
			t.sys.SetGain(i, math.Sqrt(keep*g*g+(1-keep)*t.square[i]))
		}
		rec.Gains[i] = t.sys.Gain(i)
	}
	rec.Step = t.step
	return rec, nil
}

func psnr(mse float64) float64 { return -10 * math.Log10(max(mse, 1e-10)) }

// learn computes the gradient for picture i of the present step.
func (w *worker) learn(t *Trainer, i int) error {
	cfg := t.cfg
	dataset.Seed(&w.source, cfg.Seed, t.step, i)
	t.data.Pictures.Crop(w.rng, w.picture)
	for _, c := range w.covers {
		t.data.Speech.Clip(w.rng, c)
		// Loudness and polarity carry no meaning for hiding.
		a := float32(math.Exp(-0.5 * w.rng.Float64()))
		if w.rng.IntN(2) == 0 {
			a = -a
		}
		for j := range c {
			c[j] *= a
		}
	}
	tau := between(w.rng, cfg.Thresholds)
	if err := w.pipe.SetThresholds(tau); err != nil {
		return err
	}
	w.pipe.Step = between(w.rng, cfg.Rounding) / (1 << 15)
	for s := range w.pipe.Keep {
		w.pipe.Keep[s] = 1
		if w.rng.Float64() < cfg.Dropout {
			w.pipe.Keep[s] = 0
		}
	}
	w.pipe.Load(w.pixels, w.covers, w.scratch)
	w.pipe.Graph.Forward()

	k := &t.tasks[i]
	k.loss = 0
	k.missing[0] = 0
	for _, v := range w.scratch {
		k.missing[0] += float64(v) * float64(v) / float64(len(w.scratch))
	}
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
	if math.IsNaN(k.loss) || math.IsInf(k.loss, 0) {
		if err := w.pipe.Graph.Check(); err != nil {
			return err
		}
		return fmt.Errorf("loss: %w", nn.ErrNotFinite)
	}
	t.grads[i].Zero()
	w.pipe.Graph.Backward(t.grads[i], w.terms...)
	return nil
}

// between draws log-uniformly from a range.
func between(rng *rand.Rand, r [2]float64) float64 {
	return r[0] * math.Exp(rng.Float64()*math.Log(r[1]/r[0]))
}

// validate measures the averaged weights.
func (t *Trainer) validate(ctx context.Context) ([]Validation, error) {
	sys, err := t.Best()
	if err != nil {
		return nil, err
	}
	report, err := evaluate.System(ctx, sys, t.data.ValidationPictures, t.data.ValidationSpeech, evaluate.Options{
		Thresholds: t.cfg.ValidationThresholds, Pairs: t.cfg.ValidationPairs, Workers: len(t.workers),
	})
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	var out []Validation
	for _, r := range report.Rows {
		out = append(out, Validation{Threshold: r.Threshold, Container: r.Mean.ContainerMSE, PSNR: r.Mean.StagePSNR, SSIM: r.Mean.SSIM})
	}
	return out, nil
}
