package train_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/internal/lab/train"
	"ditas/internal/lab/train/tasks"
	"ditas/internal/lab/train/traintest"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
)

// config and task are those of the simplest thing to learn: y = 3x, by a single weight.
type config struct {
	train.Common
	Slope float64 `json:"slope"`
}

func (c *config) Validate() error { return c.Check() }

func (c *config) Load(context.Context, train.Folders) (train.Task, error) { return newTask(*c), nil }

func simple() *config {
	c := &config{Common: train.Defaults(), Slope: 3}
	c.Steps, c.Rate, c.Average, c.ValidateEvery = 300, 0.2, 0.9, 100
	return c
}

type task struct {
	cfg           config
	weights, best *nn.Weights[float32]
	layers        [2]*nn.Conv[float32]
	losses        []float64
	bad           bool // its loss is no number
}

func newTask(c config) *task {
	t := &task{cfg: c, losses: make([]float64, max(1, c.Batch))}
	for i, w := range []**nn.Weights[float32]{&t.weights, &t.best} {
		*w = nn.NewWeights(kernel.Best())
		t.layers[i] = (*w).Conv("layer", nn.ConvSpec{In: 1, Out: 1, Kernel: nn.Square(1)})
	}
	return t
}

func (t *task) Config() train.Config             { return &t.cfg }
func (t *task) Weights() *nn.Weights[float32]    { return t.weights }
func (t *task) Averaged() *nn.Weights[float32]   { return t.best }
func (t *task) Begin(seed uint64) error          { t.weights.Init(seed); return nil }
func (t *task) Load(io.ReaderAt, int64) error    { return nil }
func (t *task) Examples(int) int                 { return t.cfg.Batch }
func (t *task) Logged()                          {}
func (t *task) Settle(int) (float64, any, error) { return t.losses[0], nil, nil }

type slope float32

func (s slope) String() string { return fmt.Sprint(float32(s)) }

func (t *task) slope() slope { return slope(t.best.Params()[0].Data[0]) }

func (t *task) Validate(context.Context, int, int) (fmt.Stringer, error) { return t.slope(), nil }

func (t *task) Save(w io.Writer, _ bool, _ map[string]string) error {
	_, err := fmt.Fprint(w, t.slope())
	return err
}

type worker struct {
	t     *task
	graph *nn.Graph[float32]
	x, y  *nn.Tensor[float32]
	loss  *nn.Loss
	v     []float32
}

func (t *task) NewWorker() (train.Worker, error) {
	w := &worker{t: t, graph: nn.NewGraph(t.weights, true), v: make([]float32, 1)}
	one := nn.Shape{N: 1, C: 1, H: 1, W: 1}
	w.x, w.y = w.graph.Input("x", one), w.graph.Input("y", one)
	w.loss = w.graph.MSE(w.graph.Conv(t.layers[0], w.x), w.y)
	return w, w.graph.Compile()
}

func (w *worker) Learn(_, i int, rng *rand.Rand, grads *nn.Grads[float32]) error {
	w.v[0] = rng.Float32()
	if w.t.bad {
		w.v[0] = float32(math.NaN())
	}
	w.x.Load(w.v)
	w.v[0] *= float32(w.t.cfg.Slope)
	w.y.Load(w.v)
	w.graph.Forward()
	w.t.losses[i] = w.loss.Value
	if err := train.Finite(w.loss.Value, w.graph); err != nil {
		return err
	}
	w.graph.Backward(grads, nn.Term{Loss: w.loss, Weight: 1})
	return nil
}

func TestTrainer(t *testing.T) {
	for name, change := range map[string]func(c *config){
		"as it is": func(*config) {}, "eps": func(c *config) { c.Eps = 1e-2 }, "no limit": func(c *config) { c.Clip = 0 },
		"one example": func(c *config) { c.Batch = 1 }, "no warm-up": func(c *config) { c.Warmup = 0 }, "a constant rate": func(c *config) { c.Final = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := simple()
			c.Warmup = 20
			change(c)
			lines := traintest.Conform(t, c, train.Folders{})
			last := lines[len(lines)-1]
			if string(last.Valid) == "" || last.Loss > 1e-2 {
				t.Errorf("ends with %+v", last)
			}
			var rates []float64
			r := traintest.New(t, c, train.Folders{}, 1)
			if err := r.Run(t.Context(), train.Options{Progress: func(r train.Record) { rates = append(rates, r.Rate) }}); err != nil {
				t.Fatal(err)
			}
			if got := rates[len(rates)-1]; math.Abs(got/c.Rate-c.Final) > 0.01 {
				t.Errorf("the rate ends at %g of %g", got, c.Rate)
			}
			if c.Warmup > 0 && math.Abs(rates[9]/c.Rate-0.5) > 1e-9 {
				t.Errorf("the rate after half of the warm-up is %g of %g", rates[9], c.Rate)
			}
			var slope float64
			if _, err := fmt.Sscan(string(traintest.Result(t, r)), &slope); err != nil || math.Abs(slope-c.Slope) > 0.1 {
				t.Errorf("learns a slope of %g, want %g: %v", slope, c.Slope, err)
			}
		})
	}
}

// Adam's eps takes part in a step: where it is large beside gradients, steps are small.
func TestEps(t *testing.T) {
	moved := func(eps float64) float64 {
		c := simple()
		c.Steps, c.Eps, c.Average, c.Clip, c.Warmup = 1, eps, 0, 0, 0
		before, after := newTask(*c), newTask(*c)
		if err := before.Begin(c.Seed); err != nil {
			t.Fatal(err)
		}
		r, err := train.New(after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context(), train.Options{}); err != nil {
			t.Fatal(err)
		}
		return math.Abs(float64(after.weights.Params()[0].Data[0] - before.weights.Params()[0].Data[0]))
	}
	if small, normal := moved(1e3), moved(0); normal < 0.099 || small > 1e-3 {
		t.Errorf("a step goes %g, with a large eps %g", normal, small)
	}
	if a, b := moved(0), moved(1e-8); a != b {
		t.Errorf("a step goes %g with no eps, %g with Adam's own", a, b)
	}
}

func TestStops(t *testing.T) {
	r := traintest.New(t, simple(), train.Folders{}, 2)
	saved := 0
	save := func(func(io.Writer) error) error { saved++; return nil }
	if err := r.Run(t.Context(), train.Options{Budget: 1, Checkpoint: save}); !errors.Is(err, train.ErrStopped) || saved != 1 || r.Step() > 100 {
		t.Errorf("a budget of a nanosecond ends after %d steps, saved %d times: %v", r.Step(), saved, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	at := r.Step()
	if err := r.Run(ctx, train.Options{Checkpoint: save}); !errors.Is(err, train.ErrStopped) || saved != 2 || r.Step() != at {
		t.Errorf("a cancelled run goes on to step %d: %v", r.Step(), err)
	}
	full := errors.New("disk full")
	if err := r.Run(ctx, train.Options{Checkpoint: func(func(io.Writer) error) error { return full }}); !errors.Is(err, full) {
		t.Errorf("a checkpoint that cannot be written: %v", err)
	}
	if err := r.Run(t.Context(), train.Options{Log: failing{full}}); !errors.Is(err, full) {
		t.Errorf("a log that cannot be written: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestNoNumbers(t *testing.T) {
	k := newTask(*simple())
	k.bad = true
	r, err := train.New(k, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context(), train.Options{}); !errors.Is(err, nn.ErrNotFinite) || !strings.Contains(err.Error(), "step 1") {
		t.Errorf("a loss that is no number: %v", err)
	}
}

func TestResumeRefuses(t *testing.T) {
	c := simple()
	var b bytes.Buffer
	if err := traintest.New(t, c, train.Folders{}, 1).WriteCheckpoint(&b); err != nil {
		t.Fatal(err)
	}
	resume := func(c *config, state string) error {
		return traintest.New(t, c, train.Folders{}, 1).Resume(strings.NewReader(state), int64(len(state)))
	}
	if err := resume(c, b.String()); err != nil {
		t.Error(err)
	}
	other := *c
	other.Rate *= 2
	if err := resume(&other, b.String()); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Errorf("a checkpoint of another run: %v", err)
	}
	for what, state := range map[string]string{
		"garbage": "not a checkpoint", "nothing": "",
		"a later step": strings.Replace(b.String(), `"ditas.step":"0"`, `"ditas.step":"9"`, 1),
		"another name": strings.Replace(b.String(), `adam.m/layer`, `adam.x/layer`, 1),
	} {
		if err := resume(c, state); (err == nil) != (what == "a later step") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := resume(c, strings.Replace(b.String(), `"ditas.step":"0"`, `"ditas.step":"-"`, 1)); err == nil {
		t.Error("a step that is no number is taken")
	}
}

// quick returns a small configuration of every kind that is trained by gradients.
func quick(t *testing.T) map[string]train.Config {
	t.Helper()
	all := map[string]train.Config{}
	for name, text := range map[string]string{
		"systems":   `{"model": {"name": "ditas-m-ed", "tile": 16, "bands": 64, "width": 8, "depth": 4}, "batch": 3, "dropout": 0.3, "dropoutWeight": 0.1}`,
		"deep-steg": `{"model": {"name": "deep-steg", "layers": 2, "filters": 4}, "rows": 2, "batch": 3, "containerTarget": 1e-3}`,
		"kreuk":     `{"model": {"name": "kreuk", "width": 4, "encode": 2, "decode": 2, "reveal": 2}, "rows": 2, "batch": 3, "steps": 1, "finish": 1}`,
		"plain": `{"model": {"name": "ditas-m-ed", "transform": "none", "tile": 16, "bands": 64, "width": 8, "depth": 4}, "batch": 3, "rows": 4,
			"containerWeight": 0.03, "containerTarget": 1e-3, "relative": true}`,
		"identity": `{"model": {"name": "deep-steg", "layers": 2, "filters": 16}, "rows": 2, "batch": 3, "identity": true, "containerTarget": 1e-3}`,
		"folded": `{"model": {"name": "kreuk", "width": 16, "encode": 2, "decode": 2, "reveal": 2, "folded": true}, "rows": 2, "batch": 3,
			"identity": true, "containerTarget": 1e-3}`,
		"detector": `{"task": "detector", "window": 256, "width": 4, "batch": 3}`,
	} {
		_, cfg, err := tasks.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = cfg
	}
	return all
}

// The controller holds a container whose error falls with the square root of its weight, and is not led astray by noise.
func TestController(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, target := range []float64{1e-4, 1e-2, 0.3} {
		var c train.Controller
		if w := c.Weight(); w != 1 {
			t.Errorf("the weight starts at %g", w)
		}
		sum, n := 0.0, 0.0
		for step := range 1000 {
			err := 0.01 / math.Sqrt(c.Weight()) * math.Exp(0.3*rng.NormFloat64())
			c.Update(err, target)
			if step >= 500 {
				sum, n = sum+err, n+1
			}
		}
		if got := sum / n; math.Abs(got/target-1) > 0.15 {
			t.Errorf("the error is %g, want %g", got, target)
		}
	}
	// One update moves the weight by the fourth root of e at most, however far the error is off; that of nothing is not lost.
	var c train.Controller
	for range 5 {
		c.Update(1, 1e-9)
	}
	if math.Abs(c.Log-0.3) > 1e-12 {
		t.Errorf("the weight rises by e^%g, want e^0.3", c.Log)
	}
	for range 5000 {
		c.Update(0, 1e-3)
	}
	if w := c.Weight(); !(w > 0) {
		t.Errorf("the weight falls to %g", w)
	}
}

func TestStripes(t *testing.T) {
	c := train.Common{Steps: 100, Batch: 8}
	for _, k := range []struct {
		s                    train.Stripes
		step, rows, examples int
	}{
		{train.Stripes{Rows: 8}, 99, 8, 8},
		{train.Stripes{Rows: 8, Finish: 15}, 84, 8, 8},
		{train.Stripes{Rows: 8, Finish: 15}, 85, 64, 1},
		{train.Stripes{Rows: 16, Finish: 15}, 85, 64, 2},
		{train.Stripes{Rows: 1, Finish: 15}, 85, 64, 1},
		{train.Stripes{Rows: 8, Finish: 15, FinishBatch: 4}, 99, 64, 4},
		{train.Stripes{Rows: 8, Finish: 100}, 0, 64, 1},
		{train.Stripes{}, 50, 64, 8},
		{train.Stripes{Finish: 10}, 95, 64, 8},
	} {
		if err := k.s.Check(64, &c); err != nil {
			t.Errorf("%+v: %v", k.s, err)
		}
		if rows, examples := k.s.At(k.step, 64, &c); rows != k.rows || examples != k.examples {
			t.Errorf("%+v, step %d: %d examples of %d rows, want %d of %d", k.s, k.step, examples, rows, k.examples, k.rows)
		}
	}
	for _, s := range []train.Stripes{{Rows: -1}, {Rows: 65}, {Rows: 8, Finish: 101}, {Rows: 8, Finish: -1}, {Rows: 8, FinishBatch: -1}} {
		if s.Check(64, &c) == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// Every configuration of the repository, and that of every run whose weights or logs it has, can be read.
func TestConfigurationsCanBeRead(t *testing.T) {
	found := 0
	for _, pattern := range []string{"configs/*.json", "configs/*/*.json", "configs/*/*/*.json", "weights/*/*/config.json", "docs/runs/*/config.json"} {
		names, err := filepath.Glob(filepath.Join("..", "..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			found++
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := tasks.Read(text); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d configurations were found", found)
	}
}
