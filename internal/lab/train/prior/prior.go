// Package prior teaches the codestream the tables that it starts from, by photographs.
//
// They are not learnt by gradients: a run goes over all samples several times, one a step. The first time it collects what
// coefficients amount to and how signs are predicted, the second time the bits of every cell, and then it practises coding, once for
// every rate. New tables change the format: streams made with the old ones cannot be read any more.
package prior

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"ditas/internal/codestream/learning"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/nn"
	"ditas/internal/parallel"
	"ditas/picture"
)

// TaskName is the name of the task in configurations.
const TaskName = "prior"

// side is the side of the thumbnails to validate with, in pixels.
const side = 64

// Config is the configuration of a run: see [train.Config]. The number of samples decides the number of steps; rate, batch, and what
// else belongs to gradients have no meaning here and are 0.
type Config struct {
	train.Common
	Every int   `json:"every"` // every which photograph is used
	Quick bool  `json:"quick"` // two small samples of each photograph: for experiments
	Rates []int `json:"rates"` // of practising, one for each round; the codec's is 14
}

// Default returns the configuration that the codestream's tables are learnt with.
func Default() *Config {
	c := &Config{Every: 1, Rates: []int{28, 10}}
	c.Task, c.Seed, c.ValidateEvery = TaskName, 1, 1000
	return c
}

// Read reads a configuration as JSON. Fields it lacks are taken from Default; fields it does not know are an error.
func Read(text []byte) (train.Config, error) {
	c := Default()
	return c, train.Decode(text, c)
}

// Validate implements [train.Config].
func (c *Config) Validate() error {
	own := train.Common{Task: c.Task, Seed: c.Seed, Steps: c.Steps, ValidateEvery: c.ValidateEvery}
	switch {
	case c.Common != own:
		return errors.New("the prior takes no init, batch, rate, warmup, final, beta1, beta2, eps, clip or average: leave them out")
	case c.Steps < 0 || c.Every < 1 || c.ValidateEvery < 1:
		return errors.New("steps must not be negative, and every and validateEvery at least 1")
	case len(c.Rates) == 0 || len(c.Rates) > 100:
		return errors.New("rates must hold one for each round of practising, at least one and at most 100")
	}
	for _, r := range c.Rates {
		if r < 0 || r > 1000 {
			return fmt.Errorf("rates are %v: want 0 to 1000", c.Rates)
		}
	}
	return nil
}

// Load implements [train.Config].
func (c *Config) Load(ctx context.Context, f train.Folders) (train.Task, error) {
	if f.Pictures == "" {
		return nil, &train.MissingError{Folder: "pictures"}
	}
	if f.ValidationPictures == "" {
		return nil, &train.MissingError{Folder: "validation-pictures"}
	}
	samples, err := c.load(ctx, f.Pictures)
	if err != nil {
		return nil, err
	}
	validation, err := dataset.OpenThumbnails(ctx, f.ValidationPictures, side, dataset.LoadOptions{})
	if err != nil {
		return nil, err
	}
	return New(*c, samples, validation)
}

// Figures tell how far a run is.
type Figures struct {
	Pass int `json:"pass"` // over the samples, from 1
}

// Validation is how well the tables code the validation pictures, every one from the same start.
type Validation struct {
	Bits float64 `json:"bits"` // a pixel
}

// String tells it.
func (v Validation) String() string { return fmt.Sprintf("%.4f bits a pixel", v.Bits) }

// Task is the learning of the tables: see [train.Task].
type Task struct {
	cfg        Config
	samples    []*picture.Planes
	validation *dataset.Pictures
	orders     [][]int // of the samples, for each round of practising
	prior      *learning.Prior
	moments    learning.Moments
	lines      learning.Regression
	tally      *learning.Tally
	figures    Figures
	bits       float64 // since the last record
	pixels     float64
}

// counting is the number of passes before practising.
const counting = 2

// New returns the task. The validation pictures are thumbnails of 64×64 pixels.
func New(cfg Config, samples []*picture.Planes, validation *dataset.Pictures) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	steps := (counting + len(cfg.Rates)) * len(samples)
	if cfg.Steps != 0 && cfg.Steps != steps {
		return nil, fmt.Errorf("%d steps: %d samples take %d; leave steps out", cfg.Steps, len(samples), steps)
	}
	cfg.Steps = steps
	t := &Task{cfg: cfg, samples: samples, validation: validation}
	rng := rand.New(rand.NewPCG(cfg.Seed, 2))
	for range cfg.Rates {
		t.orders = append(t.orders, rng.Perm(len(samples)))
	}
	return t, nil
}

// Config implements [train.Task], as do the other methods.
func (t *Task) Config() train.Config { return &t.cfg }

func (t *Task) Weights() *nn.Weights[float32]  { return nil }
func (t *Task) Averaged() *nn.Weights[float32] { return nil }
func (t *Task) Logged()                        { t.bits, t.pixels = 0, 0 }

func (t *Task) Begin(uint64) error {
	t.prior = learning.Ignorant()
	return nil
}

func (t *Task) Load(io.ReaderAt, int64) error { return errors.New("tables are learnt from nothing") }

// Examples of the first pass are two: moments and predictions of the same sample.
func (t *Task) Examples(step int) int {
	if pass, _ := t.at(step); pass == 0 {
		return 2
	}
	return 1
}

// at returns the pass that a step belongs to, from 0, and its number in it.
func (t *Task) at(step int) (pass, number int) { return step / len(t.samples), step % len(t.samples) }

func (t *Task) NewWorker() (train.Worker, error) { return worker{t}, nil }

type worker struct{ t *Task }

// Learn implements [train.Worker].
func (w worker) Learn(step, i int, _ *rand.Rand, _ *nn.Grads[float32]) error {
	t := w.t
	pass, number := t.at(step)
	switch {
	case pass == 0 && i == 0:
		t.moments.Add(learning.Analyse(t.samples[number]))
	case pass == 0:
		t.lines.Add(learning.Analyse(t.samples[number]))
	case pass == 1:
		if t.tally == nil {
			t.tally = learning.NewTally(t.prior)
		}
		t.tally.Add(learning.Analyse(t.samples[number]))
	default:
		round := pass - counting
		s := t.samples[t.orders[round][number]]
		t.bits += t.prior.Practise(learning.Analyse(s), t.cfg.Rates[round])
		t.pixels += float64(s.Width * s.Height)
	}
	return nil
}

// Settle ends a pass after its last step. The loss is the number of bits a pixel, the mean over samples since the record before, and 0
// before any are coded.
func (t *Task) Settle(step int) (loss float64, figures any, err error) {
	pass, number := t.at(step - 1)
	if number == len(t.samples)-1 {
		switch pass {
		case 0:
			t.moments.Solve(t.prior)
			t.lines.Solve(t.prior)
		case 1:
			t.tally.Fit(t.prior)
			t.tally = nil
		}
	}
	t.figures = Figures{Pass: pass + 1}
	if t.pixels > 0 {
		loss = t.bits / t.pixels
	}
	return loss, &t.figures, nil
}

// memory is all that a run knows, but for what a pass that counts has seen, which is counted again.
type memory struct {
	Prior  []byte  `json:"prior"`
	Bits   float64 `json:"bits"`
	Pixels float64 `json:"pixels"`
}

// Remember implements [train.Remembering], as does Recall.
func (t *Task) Remember() ([]byte, error) {
	var b bytes.Buffer
	if err := t.prior.Write(&b); err != nil {
		return nil, err
	}
	return json.Marshal(memory{b.Bytes(), t.bits, t.pixels})
}

func (t *Task) Recall(text []byte, step int) error {
	var m memory
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	p, err := learning.Read(bytes.NewReader(m.Prior))
	if err != nil {
		return err
	}
	t.prior, t.bits, t.pixels = p, m.Bits, m.Pixels
	if pass, number := t.at(step); pass < counting {
		w := worker{t}
		for k := range number {
			at := pass*len(t.samples) + k
			for i := range t.Examples(at) {
				if err := w.Learn(at, i, nil, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Validate measures nothing before there is something to measure.
func (t *Task) Validate(ctx context.Context, step, workers int) (fmt.Stringer, error) {
	if pass, _ := t.at(step); pass < counting {
		return nil, nil
	}
	var tables bytes.Buffer
	if err := t.prior.Write(&tables); err != nil {
		return nil, err
	}
	n := t.validation.Len()
	bits, errs := make([]float64, n), make([]error, n)
	parallel.Each(workers, n, func(_, i int) {
		// Practising changes tables: every picture gets its own.
		p, err := learning.Read(bytes.NewReader(tables.Bytes()))
		if errs[i] = errors.Join(err, ctx.Err()); errs[i] != nil {
			return
		}
		s := picture.New(side, side)
		t.validation.Thumbnail(i, s)
		bits[i] = p.Practise(learning.Analyse(s), learning.Rate)
	})
	var v Validation
	for _, b := range bits {
		v.Bits += b / float64(n) / (side * side)
	}
	return v, errors.Join(errs...)
}

// Save writes the tables as internal/codestream embeds them.
func (t *Task) Save(w io.Writer, _ bool, _ map[string]string) error { return t.prior.Write(w) }
