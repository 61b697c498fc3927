// Package detector tells recordings in which something is hidden from recordings as they were, by a small convolutional
// network that learns it from pairs of both, and measures how well.
//
//	d, training, err := detector.Train(ctx, detector.Default(), learn, validation, detector.Options{Seed: 1})
//	known, err := d.Scores(validation, workers)
//	scores, err := d.Scores(test, workers)
//	fmt.Println(scores.AUC(), scores.Error(known.Threshold()))
//
// The network follows Chen, Luo and Li, Audio Steganalysis with Convolutional Neural Network (IH&MMSec 2017): a fixed high-pass
// filter first, (−1, 2, −1), because what is hidden is faint beside the recording; then convolutions of a row that grow in channels
// and thin it out by strides, theirs by max pooling too, with residual blocks in between, as SRNet has them; then the mean over time. From Ye, Ni and Yi, Deep Learning Hierarchical
// Representations for Image Steganalysis (IEEE TIFS 2017), it has more than one fixed filter and the truncated linear units behind
// them, here hyperbolic tangents of several widths, since it does not know how strong a change it looks for; from there and from
// Boroumand, Chen and Fridrich, Deep Residual Network for Steganalysis of Digital Images (IEEE TIFS 2019), that a cover and its stego are
// always in one batch, and that a detector of faint changes goes on from one of strong ones. In place of batch normalisation, which
// the engine lacks, the means are standardised with what they are before the first step, as in Salimans and Kingma, Weight
// Normalization (NIPS 2016). It is far smaller than theirs, and learns from far less.
//
// The same pairs, configuration and seed give the same detector, bit for bit, however many workers there are.
package detector

import (
	"errors"
	"fmt"
	"slices"

	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/internal/lab/train"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/parallel"
)

// TaskName is the name of the task in configurations of training.
const TaskName = "detector"

// Config is what a detector is and how it learns: see [train.Config]. A step's examples are pairs of windows, and the detector is the
// best of those that are validated.
type Config struct {
	Window int `json:"window"` // samples that the network looks at at once
	Width  int `json:"width"`  // channels of its first layer
	Blocks int `json:"blocks"` // residual blocks behind each of its four layers
	train.Common
}

// Default returns the configuration that docs/STEGANALYSIS.md is made with.
func Default() Config {
	c := Config{Window: 4096, Width: 12, Blocks: 1, Common: train.Defaults()}
	c.Task, c.Steps, c.Batch, c.Rate, c.Warmup, c.Final, c.Average, c.ValidateEvery = TaskName, 1200, 16, 0.003, 20, 0.02, 0.98, 200
	return c
}

// Read reads a configuration as JSON. Fields it lacks are taken from Default; fields it does not know are an error.
func Read(text []byte) (train.Config, error) {
	c := Default()
	return &c, train.Decode(text, &c)
}

// Validate implements [train.Config].
func (c *Config) Validate() error {
	if err := c.Check(); err != nil {
		return err
	}
	return c.network()
}

// network reports what is wrong with the size of the network.
func (c *Config) network() error {
	if c.Window < 64 || c.Window > 1<<20 || c.Width < 1 || c.Width > 512 || c.Blocks < 0 || c.Blocks > 16 {
		return fmt.Errorf("windows of %d samples, %d channels and %d blocks: want 64 to %d, 1 to 512, and 0 to 16", c.Window, c.Width, c.Blocks, 1<<20)
	}
	return nil
}

// Detector is a network that gives windows of a recording a score. It may be used by several goroutines at once, but for training.
type Detector struct {
	cfg     Config
	weights *nn.Weights[float32]
	layers  []layer             // over time
	decide  []*nn.Conv[float32] // of the means
	// The means of every channel, which differ by far less between covers and stegos than from 0, are standardised with constants: less
	// their centre, times their scale.
	centre, scale []float32
}

// layer is a convolution and what refines its result: blocks of two convolutions each, whose sum with what goes into them comes out of them.
type layer struct {
	conv   *nn.Conv[float32]
	blocks [][2]*nn.Conv[float32]
}

// newDetector returns a detector whose weights are zero.
func newDetector(cfg Config) *Detector {
	d := &Detector{cfg: cfg, weights: nn.NewWeights(kernel.Best())}
	in := len(filters) * len(widths)
	conv := func(out, stride int, gain float64, name string, numbers ...any) *nn.Conv[float32] {
		s := nn.ConvSpec{In: in, Out: out, Kernel: [2]int{1, 5}, Stride: [2]int{1, stride}, Gain: gain}
		in = out
		return d.weights.Conv(fmt.Sprintf(name, numbers...), s)
	}
	for i, out := range []int{cfg.Width, 2 * cfg.Width, 2 * cfg.Width, 3 * cfg.Width} {
		l := layer{conv: conv(out, min(i+1, 2), 1, "conv.%d", i)}
		for k := range cfg.Blocks {
			// The second one begins with little, so that a deep network begins as a shallow one.
			l.blocks = append(l.blocks, [2]*nn.Conv[float32]{conv(out, 1, 1, "block.%d.%d.0", i, k), conv(out, 1, 0.1, "block.%d.%d.1", i, k)})
		}
		d.layers = append(d.layers, l)
	}
	d.centre, d.scale = make([]float32, in), slices.Repeat([]float32{1}, in)
	d.decide = append(d.decide, d.weights.Conv("decide.0", nn.ConvSpec{In: in, Out: in, Kernel: nn.Square(1)}))
	d.decide = append(d.decide, d.weights.Conv("decide.1", nn.ConvSpec{In: in, Out: 1, Kernel: nn.Square(1), Gain: 0.1}))
	return d
}

// network is the detector as a graph for one goroutine.
type network struct {
	graph    *nn.Graph[float32]
	windows  *nn.Tensor[float32] // that it looks at in one pass
	labels   *nn.Tensor[float32] // 1 for stego
	means    *nn.Tensor[float32] // of the channels, not yet standardised
	centre   *nn.Tensor[float32] // what they are standardised with
	scale    *nn.Tensor[float32]
	score    *nn.Tensor[float32] // log-odds
	loss     *nn.Loss            // cross-entropy
	scores   []float32
	together []float32
}

func (d *Detector) network(n int, train bool) (*network, error) {
	g := nn.NewGraph(d.weights, train)
	one := nn.Shape{N: n, C: 1, H: 1, W: 1}
	w := &network{graph: g, scores: make([]float32, n), together: make([]float32, n*d.cfg.Window)}
	w.windows = g.Input("windows", nn.Shape{N: n, C: 1, H: 1, W: d.cfg.Window})
	w.labels = g.Input("labels", one)
	residual := g.Map("residual", residual{}, w.windows)
	var seen []*nn.Tensor[float32]
	for _, width := range widths {
		scale := 1 / width
		seen = append(seen, g.Tanh(g.Scale(residual, &scale)))
	}
	x := g.Concat(seen...)
	for _, l := range d.layers {
		x = g.Leaky(g.Conv(l.conv, x), slope)
		for _, b := range l.blocks {
			x = g.Leaky(g.Add(x, g.Conv(b[1], g.Leaky(g.Conv(b[0], x), slope))), slope)
		}
	}
	w.means = g.Output(g.Map("mean", mean{}, x))
	constants := nn.Shape{N: n, C: len(d.centre), H: 1, W: 1}
	w.centre, w.scale = g.Input("centre", constants), g.Input("scale", constants)
	x = g.Mul(g.Sub(w.means, w.centre), w.scale)
	x = g.Leaky(g.Conv(d.decide[0], x), slope)
	w.score = g.Output(g.Conv(d.decide[1], x))
	w.loss = g.CrossEntropy(w.score, w.labels)
	if err := g.Compile(); err != nil {
		return nil, err
	}
	w.standardise(d)
	return w, nil
}

// standardise takes over a detector's constants.
func (w *network) standardise(d *Detector) {
	n := len(w.scores)
	w.centre.Load(slices.Repeat(d.centre, n))
	w.scale.Load(slices.Repeat(d.scale, n))
}

// slope is the slope of rectifiers below 0.
const slope = 0.1

// Size returns how many weights a detector has, and how many floating-point operations its convolutions take for one window.
func (c Config) Size() (parameters, flops int, err error) {
	d := newDetector(c)
	w, err := d.network(1, false)
	if err != nil {
		return 0, 0, err
	}
	return d.weights.Count(), w.graph.FLOPs(), nil
}

// Pair is a recording as it was, and with something hidden in it: 16 kHz samples of a 16-bit file, full scale 1.
type Pair struct{ Cover, Stego []float32 }

// frames is the number of samples that both have.
func (p Pair) frames() int { return min(len(p.Cover), len(p.Stego)) }

// check reports pairs that no window fits into.
func (c Config) check(pairs []Pair) error {
	if len(pairs) == 0 {
		return errors.New("no pairs of recordings")
	}
	for i, p := range pairs {
		if p.frames() < c.Window {
			return fmt.Errorf("recordings of pair %d have %d samples: want at least %d", i, p.frames(), c.Window)
		}
	}
	return nil
}

// Scores returns what the detector makes of recordings: of each the mean over its windows, one after the other, of the log-odds
// that something is hidden there.
func (d *Detector) Scores(pairs []Pair, workers int) (trial.Scores, error) {
	s, _, err := d.measure(pairs, workers)
	return s, err
}

// measure also returns the mean cross-entropy of all windows.
func (d *Detector) measure(pairs []Pair, workers int) (s trial.Scores, loss float64, err error) {
	if err := d.cfg.check(pairs); err != nil {
		return s, 0, err
	}
	networks := make([]*network, max(1, min(workers, len(pairs))))
	for i := range networks {
		if networks[i], err = d.network(2, false); err != nil {
			return s, 0, err
		}
		networks[i].labels.Load(labels)
	}
	s = trial.Scores{Cover: make([]float64, len(pairs)), Stego: make([]float64, len(pairs))}
	losses := make([]float64, len(pairs))
	parallel.Each(len(networks), len(pairs), func(worker, i int) {
		w, p := networks[worker], pairs[i]
		n := p.frames() / d.cfg.Window
		for k := range n {
			w.load(p, k*d.cfg.Window, 1)
			w.graph.Forward()
			w.score.Store(w.scores)
			s.Cover[i] += float64(w.scores[0]) / float64(n)
			s.Stego[i] += float64(w.scores[1]) / float64(n)
			losses[i] += w.loss.Value / float64(n)
		}
	})
	for _, l := range losses {
		loss += l / float64(len(pairs))
	}
	return s, loss, nil
}

// labels are the labels of a pair.
var labels = []float32{0, 1}

// load takes the windows of a pair from a sample on, multiplied by a sign.
func (w *network) load(p Pair, from int, sign float32) {
	n := len(w.together) / 2
	for i := range n {
		w.together[i] = sign * p.Cover[from+i]
		w.together[n+i] = sign * p.Stego[from+i]
	}
	w.windows.Load(w.together)
}

// filters are the fixed ones, differences of the second and the fourth order, at unit gain for white noise.
var filters = [][]float64{
	{-1 / 2.449489742783178, 2 / 2.449489742783178, -1 / 2.449489742783178},
	{1 / 8.366600265340756, -4 / 8.366600265340756, 6 / 8.366600265340756, -4 / 8.366600265340756, 1 / 8.366600265340756},
}

// widths are the widths of the truncated units behind them, in steps of a 16-bit file.
var widths = []float64{2, 16, 128}

// reach is the number of samples that the longest filter spans.
const reach = 5

// residual applies the filters where they fit, in steps of a 16-bit file.
type residual struct{}

func (residual) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 1 || in.H != 1 || in.W < reach {
		return in, fmt.Errorf("%v is no row of at least %d samples", in, reach)
	}
	return nn.Shape{N: in.N, C: len(filters), H: 1, W: in.W - reach + 1}, nil
}

func (residual) Apply(dst, src []float32) {
	n := len(src) - reach + 1
	for c, filter := range filters {
		at := (reach - len(filter)) / 2
		for i := range n {
			sum := 0.0
			for k, f := range filter {
				sum += f * float64(src[at+i+k])
			}
			dst[c*n+i] = float32(sum * (1 << 15))
		}
	}
}

func (residual) Adjoint(dst, src []float32) {
	clear(dst)
	n := len(src) / len(filters)
	for c, filter := range filters {
		at := (reach - len(filter)) / 2
		for i := range n {
			for k, f := range filter {
				dst[at+i+k] += float32(f * (1 << 15) * float64(src[c*n+i]))
			}
		}
	}
}

// mean averages every channel over time.
type mean struct{}

func (mean) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.H != 1 {
		return in, fmt.Errorf("%v is no row", in)
	}
	return nn.Shape{N: in.N, C: in.C, H: 1, W: 1}, nil
}

func (mean) Apply(dst, src []float32) {
	n := len(src) / len(dst)
	for c := range dst {
		sum := 0.0
		for _, v := range src[c*n:][:n] {
			sum += float64(v)
		}
		dst[c] = float32(sum / float64(n))
	}
}

func (mean) Adjoint(dst, src []float32) {
	n := len(dst) / len(src)
	for c, v := range src {
		for i := range n {
			dst[c*n+i] = v / float32(n)
		}
	}
}
