package detector

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train/loop"
	"ditas/internal/nn"
	"ditas/internal/parallel"
)

// Options are what there is to training besides configuration and pairs.
type Options struct {
	Seed    uint64
	Workers int // goroutines; results do not depend on it
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
	Loss    float64 `json:"loss"` // mean squared error of the probabilities of windows of the validation pairs; ¼ is chance
	Minutes float64 `json:"minutes"`
}

// record is what a step comes to.
type record struct{ minutes float64 }

// trainer is a run.
type trainer struct {
	*Detector
	average    *nn.Average[float32]
	opt        *nn.Adam[float32]
	pairs      []Pair
	validation []Pair
	best       *Detector
	o          Options
	training   Training
	workers    []*worker
	team       *parallel.Workers
	grads      []*nn.Grads[float32]
	step       int
	spent      time.Duration
}

// worker is what one goroutine computes with.
type worker struct {
	*network
	source rand.PCG
}

// Train makes a detector from pairs, and takes it from the step at which it does best with the validation pairs. Its error wraps
// [loop.ErrStopped] if the context ended before the last step.
func Train(ctx context.Context, cfg Config, pairs, validation []Pair, o Options) (*Detector, *Training, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	if err := cfg.check(pairs); err != nil {
		return nil, nil, fmt.Errorf("training: %w", err)
	}
	if err := cfg.check(validation); err != nil {
		return nil, nil, fmt.Errorf("validation: %w", err)
	}
	t := &trainer{Detector: newDetector(cfg), pairs: pairs, validation: validation, best: newDetector(cfg), o: o}
	t.training = Training{Pairs: len(pairs), Steps: cfg.Steps}
	if err := t.begin(); err != nil {
		return nil, nil, err
	}
	t.average, t.opt = nn.NewAverage(t.weights, cfg.Average), nn.NewAdam(t.weights, 0.9, 0.99)
	for range max(1, min(o.Workers, cfg.Batch)) {
		w := &worker{}
		var err error
		if w.network, err = t.network(2, true); err != nil {
			return nil, nil, err
		}
		w.labels.Load(labels)
		t.workers = append(t.workers, w)
	}
	t.team = parallel.NewWorkers(len(t.workers))
	for range cfg.Batch {
		t.grads = append(t.grads, nn.NewGrads(t.weights))
	}
	run := loop.Run[record]{
		Step: &t.step, Spent: &t.spent, Steps: cfg.Steps, ValidateEvery: cfg.ValidateEvery, Advance: t.advance,
		Stamp:    func(r *record, spent time.Duration) { r.minutes = spent.Minutes() },
		Validate: func(context.Context, *record) error { return t.validate() },
	}
	if err := run.Do(ctx, loop.Options[record]{}); err != nil {
		return nil, nil, err
	}
	t.training.Minutes = t.spent.Minutes()
	return t.best, &t.training, nil
}

// begin sets the weights and the constants that the run starts with.
func (t *trainer) begin() error {
	start := t.o.Start
	if start == nil {
		t.weights.Init(t.o.Seed)
		return t.standardise()
	}
	values := map[string][]float32{}
	for _, p := range start.weights.Params() {
		values[p.Name] = p.Data
	}
	if err := t.weights.CopyFrom(values); err != nil {
		return fmt.Errorf("the detector to go on from: %w", err)
	}
	t.centre, t.scale = start.centre, start.scale
	return nil
}

// standardise sets the constants so that the means of random windows have a mean of 0 and a variance of 1.
func (t *trainer) standardise() error {
	const pairs = 64
	n, err := t.network(2, false)
	if err != nil {
		return err
	}
	w := &worker{network: n}
	m := make([]float32, 2*len(t.centre))
	sums, squares := make([]float64, len(t.centre)), make([]float64, len(t.centre))
	for i := range pairs {
		w.draw(t, i)
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

// advance takes a step.
func (t *trainer) advance() (record, error) {
	t.team.Each(t.cfg.Batch, func(worker, i int) { t.workers[worker].learn(t, i) })
	rate := t.cfg.Rate * nn.WarmupCosine(t.step, t.cfg.Warmup, t.cfg.Steps, t.cfg.Final)
	if _, err := t.opt.Step(t.grads, rate, 1); err != nil {
		return record{}, fmt.Errorf("step %d: %w", t.step+1, err)
	}
	t.step++
	t.average.Update(t.step)
	if t.o.Progress != nil {
		t.o.Progress(t.step, t.cfg.Steps)
	}
	return record{}, nil
}

// draw loads a window of a pair, at the same place of its cover and its stego.
func (w *worker) draw(t *trainer, i int) {
	dataset.Seed(&w.source, t.o.Seed, t.step, i)
	rng := rand.New(&w.source)
	p := t.pairs[rng.IntN(len(t.pairs))]
	// Polarity carries no meaning.
	w.load(p, rng.IntN(p.frames()-t.cfg.Window+1), float32(1-2*rng.IntN(2)))
}

// learn computes the gradient of one.
func (w *worker) learn(t *trainer, i int) {
	w.draw(t, i)
	w.graph.Forward()
	t.grads[i].Zero()
	w.graph.Backward(t.grads[i], nn.Term{Loss: w.loss, Weight: 1})
}

// validate keeps the averaged weights if they do better than those before.
func (t *trainer) validate() error {
	d := newDetector(t.cfg)
	if err := t.average.CopyTo(d.weights); err != nil {
		return err
	}
	d.centre, d.scale = t.centre, t.scale
	_, loss, err := d.measure(t.validation, len(t.workers))
	if err != nil {
		return err
	}
	if t.training.Best == 0 || loss < t.training.Loss {
		t.best, t.training.Best, t.training.Loss = d, t.step, loss
	}
	return nil
}
