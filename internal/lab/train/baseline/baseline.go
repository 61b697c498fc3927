// Package baseline trains the systems of other papers that Table 1 compares with: those of packages model/deepsteg and
// model/kreuk.
//
//	t, err := baseline.New(cfg, train.Data{…}, workers)
//	err = t.Resume(checkpoint, size) // optional
//	err = t.Run(ctx, baseline.Options{Log: jsonl, Checkpoint: save})
//	s, err := t.Best()
//	err = s.Save(file, false, nil)
//
// They learn from the same recordings and pictures as the systems of package model, whose trainer is package train. What they
// hide is hidden in a file of 16 bits, whose rounding the sender knows.
//
// Every stripe of a step is a task of its own, with a random source seeded by the step and its index, and gradients are
// summed in order: results do not depend on the number of workers.
package baseline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/loop"
	"ditas/internal/model/unit"
	"ditas/internal/nn"
	"ditas/internal/parallel"
	"ditas/picture"
)

// roundingStep is that of a 16-bit file.
const roundingStep = 1.0 / (1 << 15)

// Record is one line of the log.
type Record struct {
	Step    int      `json:"step"`
	Minutes float64  `json:"minutes"` // of work on this run, over all its parts
	Rate    float64  `json:"rate"`
	Loss    float64  `json:"loss"`
	Norm    float64  `json:"norm"` // of the gradient, before the limit
	Figures          // of the stripes of the step, before it was taken
	Valid   *Figures `json:"valid,omitempty"` // of the averaged weights on whole pictures of the validation set
}

// Figures are means over stripes or pictures, after rounding to 16 bits.
type Figures struct {
	PSNR      float64 `json:"psnr"`      // of the picture, in dB
	Container float64 `json:"container"` // mean squared error of samples, full scale 1
	SNR       float64 `json:"snr"`       // in dB, of the mean powers
}

// Options are what a run does besides learning.
type Options = loop.Options[Record]

// Trainer is a run. It must not be used by two goroutines at once.
type Trainer struct {
	cfg       Config
	data      train.Data
	sys, best unit.System // best has the averaged weights
	opt       *nn.Adam[float32]
	average   *nn.Average[float32]
	workers   []*worker
	team      *parallel.Workers
	learn     func(worker, i int)
	grads     []*nn.Grads[float32]
	tasks     []task
	step      int
	spent     time.Duration
	recent    sums // since the last record
}

// worker is what one goroutine computes with.
type worker struct {
	pipe           *unit.Pipeline
	source         rand.PCG
	rng            *rand.Rand
	picture        *picture.Planes
	stripe, cover  []float32
	codec          *unit.Codec // for validation, made when it is first needed
	whole, decoded []float32
	long, received []float32
}

// task holds what came of one stripe or picture.
type task struct {
	loss                       float64
	missing, distortion, power float64 // mean squares
	err                        error
}

// New prepares a run. The validation pictures are thumbnails of [unit.Side] pixels. Workers is the number of goroutines; it
// does not change results.
func New(cfg Config, data train.Data, workers int) (*Trainer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sys, err := cfg.Model.new()
	if err != nil {
		return nil, err
	}
	sys.Init(cfg.Seed)
	best, err := cfg.Model.new()
	if err != nil {
		return nil, err
	}
	t := &Trainer{
		cfg: cfg, data: data, sys: sys, best: best, tasks: make([]task, max(cfg.Batch, cfg.ValidationPairs)),
		opt: nn.NewAdam(sys.Weights(), cfg.Beta1, cfg.Beta2), average: nn.NewAverage(sys.Weights(), cfg.Average),
	}
	for range max(1, min(workers, cfg.Batch)) {
		w := &worker{
			picture: picture.New(unit.Side, unit.Side),
			stripe:  make([]float32, 3*cfg.Rows*unit.Side), cover: make([]float32, cfg.Rows*unit.RowSamples),
		}
		w.rng = rand.New(&w.source)
		if w.pipe, err = unit.NewPipeline(sys, cfg.Rows); err != nil {
			return nil, err
		}
		w.pipe.Step = roundingStep
		t.workers = append(t.workers, w)
	}
	t.team = parallel.NewWorkers(len(t.workers))
	t.learn = func(w, i int) { t.tasks[i].err = t.workers[w].learn(t, i) }
	for range cfg.Batch {
		t.grads = append(t.grads, nn.NewGrads(sys.Weights()))
	}
	return t, nil
}

// Step returns the number of steps taken.
func (t *Trainer) Step() int { return t.step }

// FLOPs returns the number of floating-point operations of the whole run: those of its graphs, and twice as many for their
// gradients. Validation is not counted.
func (t *Trainer) FLOPs() float64 {
	return 3 * float64(t.workers[0].pipe.Graph.FLOPs()) * float64(t.cfg.Batch) * float64(t.cfg.Steps)
}

// Best returns a system with the averaged weights as they stand.
func (t *Trainer) Best() (unit.System, error) {
	return t.best, t.average.CopyTo(t.best.Weights())
}

// Run takes the remaining steps. Its error wraps [loop.ErrStopped] if it ended before the last one.
func (t *Trainer) Run(ctx context.Context, o Options) error {
	r := loop.Run[Record]{
		Step: &t.step, Spent: &t.spent, Steps: t.cfg.Steps, ValidateEvery: t.cfg.ValidateEvery,
		Advance: t.advance, Write: t.WriteCheckpoint,
		Stamp: func(r *Record, spent time.Duration) { r.Minutes = spent.Minutes() },
		Validate: func(_ context.Context, r *Record) (err error) {
			r.Valid, err = t.validate()
			return err
		},
		Logged: func() { t.recent = sums{} },
	}
	return r.Do(ctx, o)
}

// advance takes one step. It allocates nothing.
func (t *Trainer) advance() (Record, error) {
	t.team.Each(t.cfg.Batch, t.learn)
	tasks := t.tasks[:t.cfg.Batch]
	var rec Record
	for _, k := range tasks {
		if k.err != nil {
			return rec, fmt.Errorf("step %d: %w", t.step+1, k.err)
		}
		t.recent.add(k)
	}
	rec.Loss, rec.Figures = t.recent.mean()
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

// sums of what came of tasks.
type sums struct{ n, loss, psnr, distortion, power float64 }

func (s *sums) add(k task) {
	s.n++
	s.loss += k.loss
	s.psnr += psnr(k.missing)
	s.distortion += k.distortion
	s.power += k.power
}

func (s *sums) mean() (loss float64, f Figures) {
	// A pause has no power, and a log no infinities.
	const floor = 1e-12
	f = Figures{s.psnr / s.n, s.distortion / s.n, 10 * math.Log10((s.power/s.n+floor)/(s.distortion/s.n+floor))}
	return s.loss / s.n, f
}

func psnr(mse float64) float64 { return -10 * math.Log10(max(mse, 1e-10)) }

// learn computes the gradient for stripe i of the present step.
func (w *worker) learn(t *Trainer, i int) error {
	dataset.Seed(&w.source, t.cfg.Seed, t.step, i)
	t.data.Pictures.Crop(w.rng, w.picture)
	top, n := w.rng.IntN(unit.Side-t.cfg.Rows+1), t.cfg.Rows*unit.Side
	for c, plane := range w.picture.Pix {
		copy(w.stripe[c*n:][:n], plane[top*unit.Side:])
	}
	t.data.Speech.Clip(w.rng, w.cover)
	// Polarity carries no meaning for hiding.
	if w.rng.IntN(2) == 0 {
		for j := range w.cover {
			w.cover[j] = -w.cover[j]
		}
	}
	w.pipe.Load(w.stripe, w.cover)
	w.pipe.Graph.Forward()
	k := &t.tasks[i]
	k.loss = t.cfg.ContainerWeight*w.pipe.ContainerLoss.Value + t.cfg.SecretWeight*w.pipe.SecretLoss.Value
	k.missing, k.distortion, k.power = w.pipe.SecretLoss.Value, w.pipe.Distortion.Value, meanSquare(w.cover)
	if math.IsNaN(k.loss) || math.IsInf(k.loss, 0) {
		if err := w.pipe.Graph.Check(); err != nil {
			return err
		}
		return fmt.Errorf("loss: %w", nn.ErrNotFinite)
	}
	t.grads[i].Zero()
	w.pipe.Graph.Backward(t.grads[i],
		nn.Term{Loss: w.pipe.ContainerLoss, Weight: t.cfg.ContainerWeight},
		nn.Term{Loss: w.pipe.SecretLoss, Weight: t.cfg.SecretWeight})
	return nil
}

func meanSquare(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(x))
}

// validate measures the averaged weights on whole pictures.
func (t *Trainer) validate() (*Figures, error) {
	best, err := t.Best()
	if err != nil {
		return nil, err
	}
	for _, w := range t.workers {
		if w.codec == nil {
			if w.codec, err = unit.NewCodec(best); err != nil {
				return nil, fmt.Errorf("validation: %w", err)
			}
			w.whole, w.decoded = make([]float32, 3*unit.Side*unit.Side), make([]float32, 3*unit.Side*unit.Side)
			w.long, w.received = make([]float32, unit.Samples), make([]float32, unit.Samples)
		}
	}
	pairs := dataset.Pairs(t.data.ValidationPictures.Len(), t.data.ValidationSpeech.Len())
	pairs = pairs[:min(len(pairs), t.cfg.ValidationPairs)]
	tasks := t.tasks[:len(pairs)]
	t.team.Each(len(pairs), func(worker, i int) {
		w := t.workers[worker]
		t.data.ValidationPictures.Thumbnail(pairs[i].Picture, w.picture)
		for c, plane := range w.picture.Pix {
			copy(w.whole[c*len(plane):], plane)
		}
		t.data.ValidationSpeech.Cover(pairs[i].Clip, w.long)
		w.codec.Hide(w.received, w.whole, w.long, roundingStep)
		w.codec.Reveal(w.decoded, w.received)
		tasks[i] = task{missing: difference(w.decoded, w.whole), distortion: difference(w.received, w.long), power: meanSquare(w.long)}
	})
	var all sums
	for _, k := range tasks {
		all.add(k)
	}
	_, f := all.mean()
	if math.IsNaN(f.PSNR + f.Container) {
		return nil, errors.New("validation: the averaged weights give no numbers")
	}
	return &f, nil
}

// difference is the mean square of a − b.
func difference(a, b []float32) float64 {
	var sum float64
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}
