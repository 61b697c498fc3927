// Package train trains everything here that is learnt: the systems of package model, other papers' systems, the restorer, the
// detectors of steganalysis and the codestream's prior.
//
//	cfg, err := tasks.Read(text)                         // which task, and how
//	task, err := cfg.Load(ctx, train.Folders{…})         // with what
//	t, err := train.New(task, workers)
//	err = t.Resume(checkpoint, size)                     // optional
//	err = t.Run(ctx, train.Options{Log: jsonl, Checkpoint: save, Progress: show})
//	err = t.Save(file, true, nil)
//
// A [Trainer] owns what all of them need: workers, gradients, the optimiser and the schedule of its rate, the moving average of
// weights, the clock, the log and checkpoints. A [Task] says what is learnt from one example and how good the result is.
//
// Every example of a step has a random source of its own, seeded by the run's seed, the step and the example's index, and
// gradients are summed in order: results do not depend on the number of workers.
package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"ditas/internal/lab/dataset"
	"ditas/internal/nn"
	"ditas/internal/parallel"
)

// ErrStopped reports a run that ended before its last step because the context was done or the budget was spent. Its state has
// been handed to Options.Checkpoint.
var ErrStopped = errors.New("training stopped early")

// Task is what a run learns. One goroutine at a time calls its methods; many call its workers.
type Task interface {
	// Config returns the configuration of the run.
	Config() Config
	// Weights returns the weights in training. A task without any learns in Settle alone.
	Weights() *nn.Weights[float32]
	// Averaged returns weights of the same shapes that the trainer sets to the moving averages before Validate and Save.
	Averaged() *nn.Weights[float32]
	// Begin sets everything to what a fresh run starts with.
	Begin(seed uint64) error
	// Load reads the weights, and what belongs to them, from a file that Save wrote.
	Load(r io.ReaderAt, size int64) error
	// Examples returns the number of examples that a step learns from, steps counting from 0.
	Examples(step int) int
	// NewWorker returns what one goroutine computes with.
	NewWorker() (Worker, error)
	// Settle is called after each step, with the number of steps taken and when the weights have changed. It returns the loss
	// and what else the log tells of the step, a pointer to a struct that is valid until the next call, or nil.
	Settle(step int) (loss float64, figures any, err error)
	// Logged is called when a record is due for the log, whether there is one or not: means over several steps begin anew.
	Logged()
	// Validate measures what has been learnt; step is the number of steps taken.
	Validate(ctx context.Context, step, workers int) (fmt.Stringer, error)
	// Save writes what has been learnt. Half stores weights in 16 bits; about is added to the file's metadata, if it has any.
	Save(w io.Writer, half bool, about map[string]string) error
}

// Worker computes gradients on one goroutine.
type Worker interface {
	// Learn adds the gradient of example i of a step to grads, which is nil if the task has no weights. All that it draws at
	// random it draws from rng. What it keeps for Settle has to be kept by example, not by worker.
	Learn(step, i int, rng *rand.Rand, grads *nn.Grads[float32]) error
}

// Remembering is a task that knows more from step to step than its weights.
type Remembering interface {
	// Remember returns that as JSON.
	Remember() ([]byte, error)
	// Recall takes it back; step is the number of steps taken.
	Recall(text []byte, step int) error
}

// Counted is a task that knows what it costs.
type Counted interface {
	// FLOPs returns the number of floating-point operations of the whole run: its graphs once, and twice more for
	// their gradients. Validation is not counted.
	FLOPs() float64
}

// Record is one line of the log.
type Record struct {
	Step    int     `json:"step"`
	Minutes float64 `json:"minutes"` // of work on this run, over all its parts
	Rate    float64 `json:"rate,omitempty"`
	Loss    float64 `json:"loss"`
	Norm    float64 `json:"norm,omitempty"` // of the gradient, before the limit
	// Figures are the task's own, and stand beside the fields above in the log.
	Figures any `json:"-"`
	// Valid is what a validation after the step measured.
	Valid fmt.Stringer `json:"-"`
}

// MarshalJSON writes all of a record as one object.
func (r Record) MarshalJSON() ([]byte, error) {
	type head Record
	out, err := json.Marshal(head(r))
	if err != nil {
		return nil, err
	}
	join := func(v any) error {
		text, err := json.Marshal(v)
		if err == nil && string(text) != "{}" && string(text) != "null" {
			out = append(append(out[:len(out)-1], ','), text[1:]...)
		}
		return err
	}
	if err := join(r.Figures); err != nil {
		return nil, err
	}
	return out, join(struct {
		Valid any `json:"valid,omitempty"`
	}{r.Valid})
}

// Options are what a run does besides learning.
type Options struct {
	Log      io.Writer // gets a record per LogEvery steps and per validation, as JSON lines
	LogEvery int
	// Checkpoint is called with the state to be saved at every validation, at the end, and when the run is interrupted.
	Checkpoint func(write func(io.Writer) error) error
	// Progress is called after every step, with a record whose figures are valid until it returns.
	Progress func(Record)
	// Budget stops the run after so much time, as an interruption would; 0 means no limit.
	Budget time.Duration
}

// Trainer is a run. It must not be used by two goroutines at once.
type Trainer struct {
	task    Task
	common  Common
	opt     *nn.Adam[float32] // nil, like average, if the task has no weights
	average *nn.Average[float32]
	workers []worker
	team    *parallel.Workers
	learn   func(worker, i int)
	grads   []*nn.Grads[float32]
	errs    []error
	step    int
	spent   time.Duration
	started bool // from the weights that the configuration names
}

// worker is one of the task with its source of random numbers.
type worker struct {
	Worker
	source *rand.PCG
	rng    *rand.Rand
}

// New prepares a run. Workers is the number of goroutines; it does not change results.
func New(task Task, workers int) (*Trainer, error) {
	cfg := task.Config()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Trainer{task: task, common: *cfg.Shared()}
	if err := task.Begin(t.common.Seed); err != nil {
		return nil, err
	}
	if w := task.Weights(); w != nil {
		t.opt = nn.NewAdam(w, t.common.Beta1, t.common.Beta2)
		t.opt.Eps = t.common.Eps
		t.average = nn.NewAverage(w, t.common.Average)
	}
	most := max(task.Examples(0), task.Examples(t.common.Steps-1))
	for range max(1, min(workers, most)) {
		w, err := task.NewWorker()
		if err != nil {
			return nil, err
		}
		source := new(rand.PCG)
		t.workers = append(t.workers, worker{w, source, rand.New(source)})
	}
	t.team = parallel.NewWorkers(len(t.workers))
	t.learn = func(w, i int) {
		k := &t.workers[w]
		dataset.Seed(k.source, t.common.Seed, t.step, i)
		var g *nn.Grads[float32]
		if t.opt != nil {
			g = t.grads[i]
			g.Zero()
		}
		t.errs[i] = k.Learn(t.step, i, k.rng, g)
	}
	return t, nil
}

// Step returns the number of steps taken.
func (t *Trainer) Step() int { return t.step }

// Steps returns the number of steps of the whole run.
func (t *Trainer) Steps() int { return t.common.Steps }

// Save writes what has been learnt so far, the averaged weights: see [Task].
func (t *Trainer) Save(w io.Writer, half bool, about map[string]string) error {
	if err := t.takeAverage(); err != nil {
		return err
	}
	return t.task.Save(w, half, about)
}

func (t *Trainer) takeAverage() error {
	if t.average == nil {
		return nil
	}
	return t.average.CopyTo(t.task.Averaged())
}

// Run takes the remaining steps. Its error wraps [ErrStopped] if it ended before the last one.
func (t *Trainer) Run(ctx context.Context, o Options) error {
	if err := t.Start(); err != nil {
		return err
	}
	begin, spent := time.Now(), t.spent
	for t.step < t.common.Steps {
		if ctx.Err() != nil || o.Budget > 0 && time.Since(begin) > o.Budget {
			if err := t.save(o); err != nil {
				return err
			}
			return fmt.Errorf("%w after %d of %d steps", ErrStopped, t.step, t.common.Steps)
		}
		rec, err := t.advance()
		if err != nil {
			return err
		}
		validate := t.step%t.common.ValidateEvery == 0 || t.step == t.common.Steps
		if validate {
			if err := t.takeAverage(); err != nil {
				return err
			}
			// An interruption here must not lose the steps taken, so that it waits for the end.
			if rec.Valid, err = t.task.Validate(context.WithoutCancel(ctx), t.step, len(t.workers)); err != nil {
				return fmt.Errorf("validation after step %d: %w", t.step, err)
			}
		}
		t.spent = spent + time.Since(begin)
		rec.Minutes = t.spent.Minutes()
		if validate || o.LogEvery > 0 && t.step%o.LogEvery == 0 {
			t.task.Logged()
			if err := write(o.Log, rec); err != nil {
				return err
			}
		}
		if o.Progress != nil {
			o.Progress(rec)
		}
		if validate {
			if err := t.save(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Start takes over the weights that the configuration says the run starts from, if it has not begun. Run does so itself; whoever
// wants to know before whether they can be had calls it first.
func (t *Trainer) Start() error {
	name := t.common.Init
	if t.started || t.step > 0 || name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("weights to start from: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.task.Load(f, info.Size()); err != nil {
		return fmt.Errorf("weights to start from, %s: %w", name, err)
	}
	if t.average != nil {
		t.average = nn.NewAverage(t.task.Weights(), t.common.Average)
	}
	t.started = true
	return nil
}

// advance takes one step. Unless the task does, it allocates nothing.
func (t *Trainer) advance() (rec Record, err error) {
	n := t.task.Examples(t.step)
	t.reserve(n)
	t.team.Each(n, t.learn)
	for _, err := range t.errs[:n] {
		if err != nil {
			return rec, fmt.Errorf("step %d: %w", t.step+1, err)
		}
	}
	rec.Rate = t.common.rate(t.step)
	if t.opt != nil {
		if rec.Norm, err = t.opt.Step(t.grads[:n], rec.Rate, t.common.Clip); err != nil {
			return rec, fmt.Errorf("step %d: %w", t.step+1, err)
		}
		t.average.Update(t.step + 1)
	}
	t.step++
	rec.Step = t.step
	if rec.Loss, rec.Figures, err = t.task.Settle(t.step); err != nil {
		return rec, fmt.Errorf("step %d: %w", t.step, err)
	}
	return rec, nil
}

// reserve makes room for n examples.
func (t *Trainer) reserve(n int) {
	for len(t.errs) < n {
		t.errs = append(t.errs, nil)
	}
	for t.opt != nil && len(t.grads) < n {
		t.grads = append(t.grads, nn.NewGrads(t.task.Weights()))
	}
}

// write adds a line to the log.
func write(w io.Writer, rec Record) error {
	if w == nil {
		return nil
	}
	line, err := json.Marshal(rec)
	if err == nil {
		_, err = w.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("training log: %w", err)
	}
	return nil
}

func (t *Trainer) save(o Options) error {
	if o.Checkpoint == nil {
		return nil
	}
	if err := o.Checkpoint(t.WriteCheckpoint); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// Finite reports a loss that is no number, and where in the graph it came from.
func Finite(loss float64, g *nn.Graph[float32]) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	if err := g.Check(); err != nil {
		return err
	}
	return fmt.Errorf("loss: %w", nn.ErrNotFinite)
}

// PSNR returns the peak signal-to-noise ratio of a mean squared error in dB, at most 100, full scale being 1.
func PSNR(mse float64) float64 { return -10 * math.Log10(max(mse, 1e-10)) }
