package detector

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/nn"
)

// Options are what there is to training besides configuration and pairs.
type Options struct {
	Seed    uint64 // takes the place of the configuration's
	Workers int    // goroutines; results do not depend on it
	// Start, if set, is a detector of the same configuration to go on from; it is left as it is.
	Start *Detector
	// Progress, if set, is called after every step.
	Progress func(done, total int)
}

// Training is how a detector came about.
type Training struct {
	Pairs   int     `json:"pairs"`
	Steps   int     `json:"steps"`
	Best    int     `json:"best"` // the step after which the detector is taken
	Loss    float64 `json:"loss"` // mean cross-entropy of windows of the validation pairs, in nats; ln 2 is chance
	Minutes float64 `json:"minutes"`
}

// String tells how good it is.
func (t *Training) String() string {
	return fmt.Sprintf("a cross-entropy of %.4f after step %d is the best so far", t.Loss, t.Best)
}

// Train makes a detector from pairs, and takes it from the step at which it does best with the validation pairs. Its error wraps
// [train.ErrStopped] if the context ended before the last step.
func Train(ctx context.Context, cfg Config, pairs, validation []Pair, o Options) (*Detector, *Training, error) {
	cfg.Seed = o.Seed
	task, err := NewTask(cfg, pairs, validation)
	if err != nil {
		return nil, nil, err
	}
	task.start = o.Start
	t, err := train.New(task, o.Workers)
	if err != nil {
		return nil, nil, err
	}
	var minutes float64
	err = t.Run(ctx, train.Options{Progress: func(r train.Record) {
		minutes = r.Minutes
		if o.Progress != nil {
			o.Progress(r.Step, cfg.Steps)
		}
	}})
	if err != nil {
		return nil, nil, err
	}
	task.training.Minutes = minutes
	return task.best, &task.training, nil
}

// Task is the training of a detector: see [train.Task].
type Task struct {
	*Detector  // in training
	averaged   *Detector
	best       *Detector // of those that were validated; their averages
	pairs      []Pair
	validation []Pair
	start      *Detector // nil if it starts afresh
	workers    []*worker
	losses     []float64
	training   Training
}

// worker is what one goroutine computes with.
type worker struct {
	task *Task
	*network
}

// NewTask returns the task of telling covers from stegos.
func NewTask(cfg Config, pairs, validation []Pair) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := cfg.check(pairs); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	if err := cfg.check(validation); err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	return &Task{
		Detector: newDetector(cfg), averaged: newDetector(cfg), best: newDetector(cfg), pairs: pairs, validation: validation,
		losses: make([]float64, cfg.Batch), training: Training{Pairs: len(pairs), Steps: cfg.Steps},
	}, nil
}

// Config implements [train.Task], as do the other methods.
func (t *Task) Config() train.Config { return &t.cfg }

func (t *Task) Weights() *nn.Weights[float32]  { return t.weights }
func (t *Task) Averaged() *nn.Weights[float32] { return t.averaged.weights }
func (t *Task) Examples(int) int               { return t.cfg.Batch }
func (t *Task) Logged()                        {}

func (t *Task) Begin(seed uint64) error {
	if t.start != nil {
		return t.from(t.start)
	}
	t.weights.Init(seed)
	return t.standardise(seed)
}

func (t *Task) Load(r io.ReaderAt, size int64) error {
	d, err := Load(r, size)
	if err != nil {
		return err
	}
	return t.from(d)
}

// from makes the run start with a detector's weights and constants.
func (t *Task) from(start *Detector) error {
	if err := t.weights.CopyFrom(start.values()); err != nil {
		return fmt.Errorf("the detector to go on from: %w", err)
	}
	t.setConstants(start.centre, start.scale)
	return nil
}

// setConstants sets them, also for the workers that there are.
func (t *Task) setConstants(centre, scale []float32) {
	t.centre, t.scale = centre, scale
	for _, w := range t.workers {
		w.standardise(t.Detector)
	}
}

// standardise sets the constants so that the means of random windows have a mean of 0 and a variance of 1.
func (t *Task) standardise(seed uint64) error {
	const pairs = 64
	n, err := t.network(2, false)
	if err != nil {
		return err
	}
	w := &worker{t, n}
	m := make([]float32, 2*len(t.centre))
	sums, squares := make([]float64, len(t.centre)), make([]float64, len(t.centre))
	var source rand.PCG
	rng := rand.New(&source)
	for i := range pairs {
		dataset.Seed(&source, seed, 0, i)
		w.draw(rng)
		w.graph.Forward()
		w.means.Store(m)
		for k, v := range m {
			c := k % len(sums)
			sums[c] += float64(v) / (2 * pairs)
			squares[c] += float64(v) * float64(v) / (2 * pairs)
		}
	}
	for c, mean := range sums {
		const floor = 1e-12 // for channels that never change
		t.centre[c], t.scale[c] = float32(mean), float32(1/math.Sqrt(max(squares[c]-mean*mean, floor)))
	}
	return nil
}

func (t *Task) NewWorker() (train.Worker, error) {
	n, err := t.network(2, true)
	if err != nil {
		return nil, err
	}
	n.labels.Load(labels)
	w := &worker{t, n}
	t.workers = append(t.workers, w)
	return w, nil
}

// draw loads a window of a pair, at the same place of its cover and its stego.
func (w *worker) draw(rng *rand.Rand) {
	p := w.task.pairs[rng.IntN(len(w.task.pairs))]
	// Polarity carries no meaning.
	w.load(p, rng.IntN(p.frames()-w.task.cfg.Window+1), float32(1-2*rng.IntN(2)))
}

// Learn implements [train.Worker].
func (w *worker) Learn(_, i int, rng *rand.Rand, grads *nn.Grads[float32]) error {
	w.draw(rng)
	w.graph.Forward()
	w.task.losses[i] = w.loss.Value
	if err := train.Finite(w.loss.Value, w.graph); err != nil {
		return err
	}
	w.graph.Backward(grads, nn.Term{Loss: w.loss, Weight: 1})
	return nil
}

func (t *Task) Settle(int) (loss float64, figures any, err error) {
	for _, l := range t.losses {
		loss += l / float64(len(t.losses))
	}
	return loss, nil, nil
}

// Validate keeps the averaged weights if they do better than those before.
func (t *Task) Validate(_ context.Context, step, workers int) (fmt.Stringer, error) {
	t.averaged.centre, t.averaged.scale = t.centre, t.scale
	_, loss, err := t.averaged.measure(t.validation, workers)
	if err != nil {
		return nil, err
	}
	if t.training.Best == 0 || loss < t.training.Loss {
		if err := t.best.weights.CopyFrom(t.averaged.values()); err != nil {
			return nil, err
		}
		t.best.centre, t.best.scale = t.centre, t.scale
		t.training.Best, t.training.Loss = step, loss
	}
	now := t.training
	return &now, nil
}

// Save writes the best detector; before there is one, the averaged weights.
func (t *Task) Save(w io.Writer, half bool, about map[string]string) error {
	if t.training.Best == 0 {
		t.averaged.centre, t.averaged.scale = t.centre, t.scale
		return t.averaged.Save(w, half, about)
	}
	return t.best.Save(w, half, about)
}

// memory is what the task knows besides its weights: constants, and the best detector.
type memory struct {
	Centre []float32            `json:"centre"`
	Scale  []float32            `json:"scale"`
	Step   int                  `json:"step"`
	Loss   float64              `json:"loss"`
	Best   map[string][]float32 `json:"best,omitempty"`
}

// Remember implements [train.Remembering], as does Recall.
func (t *Task) Remember() ([]byte, error) {
	m := memory{Centre: t.centre, Scale: t.scale, Step: t.training.Best, Loss: t.training.Loss}
	if m.Step > 0 {
		m.Best = t.best.values()
	}
	return json.Marshal(m)
}

func (t *Task) Recall(text []byte, _ int) error {
	var m memory
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("the best detector: %w", err)
	}
	if len(m.Centre) != len(t.centre) || len(m.Scale) != len(t.scale) {
		return fmt.Errorf("constants of %d and %d channels, want %d", len(m.Centre), len(m.Scale), len(t.centre))
	}
	t.setConstants(m.Centre, m.Scale)
	if m.Step == 0 {
		return nil
	}
	t.best.centre, t.best.scale = t.centre, t.scale
	t.training.Best, t.training.Loss = m.Step, m.Loss
	return t.best.weights.CopyFrom(m.Best)
}
