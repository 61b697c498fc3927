// Command bench measures the engine against PyTorch: convolutions, and a whole training step of DITAS-M-ED.
//
//	go run ./internal/lab/bench -o docs/BENCHMARKS.md
//
// It takes two minutes, and wants the machine for itself. Rounds of the two alternate, so that whatever else happens hits
// both. PyTorch gets OPENBLAS_CORETYPE set, oneDNN, and the better of two memory layouts; what the environment sets already
// stands. Without PyTorch only the engine is measured.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ditas/internal/lab/machine"
	"ditas/internal/model"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
	"ditas/internal/replace"
)

const (
	threads = 2
	batch   = 8 // pictures of a training step
	images  = 16
	width   = 32 // channels of the single convolutions
)

// task is one row of the table.
type task struct {
	name    string // as pytorch.py knows it
	title   string
	flops   float64
	repeats int // per round
	run     func() error

	allocs  float64
	engine  []float64            // seconds
	pytorch map[string][]float64 // seconds by layout
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context) error {
	rounds := flag.Int("rounds", 15, "number of rounds")
	python := flag.String("python", "/usr/bin/python3", "Python that has PyTorch")
	script := flag.String("script", "internal/lab/bench/pytorch.py", "PyTorch side of the benchmark")
	out := flag.String("o", "", "write the table, in Markdown, to this file instead of standard output")
	flag.Parse()
	if *rounds < 1 {
		return fmt.Errorf("%d rounds: want at least 1", *rounds)
	}

	runtime.GOMAXPROCS(threads)
	config, err := model.Named("ditas-m-ed")
	if err != nil {
		return err
	}
	tasks, err := newTasks(config)
	if err != nil {
		return err
	}
	env := environment()
	torch, err := startTorch(ctx, *python, *script, env, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: only the engine is measured:", err)
	} else {
		defer torch.close()
	}
	for _, t := range tasks {
		if t.allocs, err = allocations(t.run); err != nil {
			return err
		}
	}
	for round := range *rounds {
		fmt.Fprintf(os.Stderr, "\rround %d of %d ", round+1, *rounds)
		for _, t := range tasks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := t.measure(); err != nil {
				return err
			}
			if torch != nil {
				if err := torch.measure(t); err != nil {
					return fmt.Errorf("pytorch.py, %s: %w", t.name, err)
				}
			}
		}
	}
	fmt.Fprintln(os.Stderr)
	var report bytes.Buffer
	write(&report, tasks, torch, env, *rounds)
	if *out == "" {
		_, err := report.WriteTo(os.Stdout)
		return err
	}
	return replace.File(*out, func(w io.Writer) error {
		_, err := report.WriteTo(w)
		return err
	})
}

func newTasks(c model.Config) ([]*task, error) {
	var tasks []*task
	add := func(kind, title string, s nn.Shape, kernel [2]int) error {
		forward, both, err := convolution(s, kernel)
		if err != nil {
			return err
		}
		flops := 2 * float64(images*width*width*kernel[0]*kernel[1]*s.H*s.W)
		tasks = append(tasks,
			&task{name: kind + " forward", title: title + ", forward", flops: flops, repeats: 6, run: forward},
			&task{name: kind + " both", title: title + ", forward and backward", flops: 3 * flops, repeats: 3, run: both})
		return nil
	}
	if err := add("conv2d", "conv2d 16×32×64×64, 3×3", nn.Shape{H: 64, W: 64}, nn.Square(3)); err != nil {
		return nil, err
	}
	if err := add("conv1d", "conv1d 16×32×16384, 9", nn.Shape{H: 1, W: 16384}, [2]int{1, 9}); err != nil {
		return nil, err
	}
	step, flops, err := training(c)
	if err != nil {
		return nil, err
	}
	return append(tasks, &task{name: "step", title: fmt.Sprintf("training step of DITAS-M-ED, %d pictures", batch), flops: flops, repeats: 1, run: step}), nil
}

// convolution returns functions that convolve a batch, forward only and with a mean squared error and its gradients, each
// thread its part of the batch.
func convolution(s nn.Shape, size [2]int) (forward, both func() error, err error) {
	k := kernel.Best()
	w := nn.NewWeights(k)
	conv := w.Conv("conv", nn.ConvSpec{In: width, Out: width, Kernel: size})
	w.Init(1)
	s.N, s.C = images/threads, width
	values := make([]float32, s.Len())
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	var plain, learning []*nn.Graph[float32]
	var grads []*nn.Grads[float32]
	var terms [][]nn.Term
	for range threads {
		g := nn.NewGraph(w, false)
		x := g.Input("x", s)
		g.Conv(conv, x)
		if err := g.Compile(); err != nil {
			return nil, nil, err
		}
		x.Load(values)
		plain = append(plain, g)

		g = nn.NewGraph(w, true)
		x, target := g.Variable("x", s), g.Input("target", s)
		loss := g.MSE(g.Conv(conv, x), target)
		if err := g.Compile(); err != nil {
			return nil, nil, err
		}
		x.Load(values)
		slices.Reverse(values)
		target.Load(values)
		learning = append(learning, g)
		grads = append(grads, nn.NewGrads(w))
		terms = append(terms, []nn.Term{{Loss: loss, Weight: 1.0 / threads}})
	}
	pass := func(_, i int) { plain[i].Forward() }
	learn := func(_, i int) {
		grads[i].Zero()
		learning[i].Forward()
		learning[i].Backward(grads[i], terms[i]...)
	}
	workers := parallel.NewWorkers(threads)
	forward = func() error {
		workers.Each(threads, pass)
		return nil
	}
	both = func() error {
		workers.Each(threads, learn)
		for _, p := range w.Params() {
			sum := grads[0].Of(p)
			for _, g := range grads[1:] {
				k.Add(sum, sum, g.Of(p))
			}
		}
		return nil
	}
	return forward, both, nil
}

// training returns a function that takes a step as package train does, and the operations of its convolutions: those of
// the forward pass, and as many again for the gradients of weights and of inputs.
func training(c model.Config) (step func() error, flops float64, err error) {
	sys, err := model.New(c)
	if err != nil {
		return nil, 0, err
	}
	sys.Init(1)
	var pipes []*model.Pipeline
	var terms [][]nn.Term
	for range threads {
		p, err := sys.NewPipeline(true, false)
		if err != nil {
			return nil, 0, err
		}
		p.Step = 1.0 / (1 << 15)
		var ts []nn.Term
		for i := range c.Stages {
			ts = append(ts, nn.Term{Loss: p.RevealLoss[i]}, nn.Term{Loss: p.ContainerLoss[i]})
		}
		pipes, terms = append(pipes, p), append(terms, ts)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var pictures [][]float32
	var covers [][][]float32
	var grads []*nn.Grads[float32]
	for range batch {
		picture := make([]float32, 3*c.Tile*c.Tile)
		for i := range picture {
			picture[i] = rng.Float32()
		}
		var parts [][]float32
		for range c.Stages {
			part := make([]float32, c.Samples())
			for i := range part {
				part[i] = float32(0.02 * rng.NormFloat64())
			}
			parts = append(parts, part)
		}
		pictures, covers, grads = append(pictures, picture), append(covers, parts), append(grads, nn.NewGrads(sys.Weights))
	}
	scratch := make([][]float32, threads)
	for i := range scratch {
		scratch[i] = make([]float32, 3*c.Tile*c.Tile)
	}
	weights := []float64{0.3, 0.3, 1}
	opt := nn.NewAdam(sys.Weights, 0.9, 0.99)
	errs := make([]error, batch)
	learn := func(w, i int) {
		p := pipes[w]
		tau := 0.01 + 0.09*float64(i)/(batch-1)
		if errs[i] = p.SetThresholds(tau); errs[i] != nil {
			return
		}
		p.Load(pictures[i], covers[i], scratch[w])
		p.Graph.Forward()
		for s := range c.Stages {
			terms[w][2*s].Weight = weights[s] / (p.RevealLoss[s].Value + 1e-9)
			terms[w][2*s+1].Weight = 0.1 / (tau * tau)
		}
		grads[i].Zero()
		p.Graph.Backward(grads[i], terms[w]...)
	}
	for _, p := range sys.Weights.Params() {
		if len(p.Shape) > 1 {
			flops += 3 * 2 * batch * float64(len(p.Data)*c.Tile*c.Tile)
		}
	}
	workers := parallel.NewWorkers(threads)
	return func() error {
		workers.Each(batch, learn)
		if err := errors.Join(errs...); err != nil {
			return err
		}
		_, err := opt.Step(grads, 2e-3, 1)
		return err
	}, flops, nil
}

// allocations counts the allocations of one run, once it is warm.
func allocations(run func() error) (float64, error) {
	if err := run(); err != nil {
		return 0, err
	}
	const runs = 3
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := run(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs, nil
}

// measure times the engine, after one run to warm up.
func (t *task) measure() error {
	if err := t.run(); err != nil {
		return err
	}
	for range t.repeats {
		start := time.Now()
		if err := t.run(); err != nil {
			return err
		}
		t.engine = append(t.engine, time.Since(start).Seconds())
	}
	return nil
}

// torch is the running pytorch.py.
type torch struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	info struct {
		Version, OneDNN, ISA, BLAS string
		Threads                    int
	}
}

// environment is what PyTorch gets besides what is set already.
func environment() []string {
	core := "Haswell"
	if kernel.Best().Name() == "avx512" {
		core = "SkylakeX" // OpenBLAS takes processors it does not know for a Prescott
	}
	n := strconv.Itoa(threads)
	env := []string{"OPENBLAS_CORETYPE=" + core, "OPENBLAS_NUM_THREADS=" + n, "OMP_NUM_THREADS=" + n}
	var added []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if v, ok := os.LookupEnv(name); ok {
			e = name + "=" + v
		}
		added = append(added, e)
	}
	return added
}

func startTorch(ctx context.Context, python, script string, env []string, c model.Config) (*torch, error) {
	config, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, script, strconv.Itoa(threads), strconv.Itoa(batch), string(config))
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &torch{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	if err := t.read(&t.info); err != nil {
		return nil, errors.Join(err, cmd.Wait())
	}
	return t, nil
}

// close lets pytorch.py end.
func (p *torch) close() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

func (p *torch) read(v any) error {
	if !p.out.Scan() {
		return errors.Join(errors.New("no answer"), p.out.Err())
	}
	return json.Unmarshal(p.out.Bytes(), v)
}

func (p *torch) measure(t *task) error {
	if _, err := fmt.Fprintln(p.in, t.name, t.repeats); err != nil {
		return err
	}
	var seconds map[string][]float64
	if err := p.read(&seconds); err != nil {
		return err
	}
	if t.pytorch == nil {
		t.pytorch = map[string][]float64{}
	}
	for layout, s := range seconds {
		t.pytorch[layout] = append(t.pytorch[layout], s...)
	}
	return nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[len(x)/2] + x[(len(x)-1)/2]) / 2
}

// best returns PyTorch's times in the layout whose median is less.
func (t *task) best() (layout string, seconds []float64) {
	least := math.Inf(1)
	for l, s := range t.pytorch {
		if m := median(s); m < least {
			least, layout, seconds = m, l, s
		}
	}
	return layout, seconds
}

func write(w io.Writer, tasks []*task, p *torch, env []string, rounds int) {
	fmt.Fprintf(w, `# Benchmarks

Written by %[1]sgo run ./internal/lab/bench%[1]s. The engine against PyTorch, both on %[2]d threads, in alternating rounds of one run (%[3]d rounds).

`, "`", threads, rounds)
	fmt.Fprintf(w, "- Processor: %s, %d cores, %s/%s\n", machine.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "- Engine: %s, kernels %s\n", runtime.Version(), kernel.Best().Name())
	if p != nil {
		fmt.Fprintf(w, "- PyTorch: %s, oneDNN %s, %s, own loops %s, %d threads; %s\n", p.info.Version, p.info.OneDNN, p.info.BLAS, p.info.ISA, p.info.Threads, strings.Join(env, " "))
	} else {
		fmt.Fprintln(w, "- PyTorch: not installed")
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	row := func(cells ...string) { fmt.Fprintf(table, "|\t%s\t|\n", strings.Join(cells, "\t| ")) }
	row("", "engine, ms", "GFLOP/s", "allocations", "PyTorch, ms", "GFLOP/s", "layout", "ratio")
	row("---", "---", "---", "---", "---", "---", "---", "---")
	for _, t := range tasks {
		times := func(s []float64) (ms, gflops string) {
			return fmt.Sprintf("%.1f (%.1f)", 1e3*median(s), 1e3*slices.Min(s)), fmt.Sprintf("%.0f", t.flops/median(s)/1e9)
		}
		ms, gflops := times(t.engine)
		cells := []string{t.title, ms, gflops, fmt.Sprintf("%.0f", t.allocs)}
		if layout, s := t.best(); s != nil {
			torchMS, torchGFLOPS := times(s)
			ratio := fmt.Sprintf("%.2f (%.2f)", median(s)/median(t.engine), slices.Min(s)/slices.Min(t.engine))
			cells = append(cells, torchMS, torchGFLOPS, layout, ratio)
		} else {
			cells = append(cells, "–", "–", "–", "–")
		}
		row(cells...)
	}
	table.Flush()
	fmt.Fprint(w, `
Times are medians, with the shortest in brackets; the ratio is PyTorch's time over the engine's. Operations are counted for
the convolutions alone: the forward pass, and as much again for the gradients of the weights and of the input. "Backward"
starts from a mean squared error. A training step is what package train does: the whole system for a batch at various
strengths, rounding to 16 bits, all losses, gradients summed in order, their norm limited, and Adam; in PyTorch it is the
independent implementation in model/testdata/ditas.py, which the goldens come from. PyTorch's layout is the faster of
contiguous and channels last. Allocations are those of the engine in one run: a stray one is the
runtime's own, since a step makes none (TestStepDoesNotAllocate in packages nn and train).
`)
}
