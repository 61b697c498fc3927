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

	"ditas/internal/lab/dataset"
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
	// Weights are those of the containers in the loss, where controllers set them.
	Weights []float64 `json:"containerWeights,omitempty"`
}

// Validation is the quality of the averaged weights on the validation set at each strength.
type Validation []Strength

// Strength is the quality at one of them, after rounding to 16 bits.
type Strength struct {
	Threshold float64   `json:"threshold"`
	Container float64   `json:"container"` // mean squared error
	PSNR      []float64 `json:"psnr"`      // mean over pictures, after each stage
	SSIM      float64   `json:"ssim"`
	// Stripes is the PSNR if the pictures are hidden in stripes, where they are learnt from. It should be that of whole ones.
	Stripes float64 `json:"stripes,omitempty"`
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
	square    []float64          // mean square of what each stage had to hide
	control   []train.Controller // one for each stage: of the mean alone, a later stage would find its best in saying nothing
	flops     float64
}

// example holds what came of one picture of a step.
type example struct {
	loss      float64
	missing   []float64 // mean square of S_1, and of what is missing after each stage
	container []float64
}

// worker is what one goroutine learns with: from stripes and, if the run ends with them, from whole pictures.
type worker struct {
	task   *Task
	stripe *learner
	whole  *learner // nil if it is not needed
}

// learner learns from parts of pictures with a number of rows.
type learner struct {
	*Task
	rows    int
	pipe    *model.Pipeline
	terms   []nn.Term
	picture *picture.Planes
	pixels  []float32 // of the rows, contiguous
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
	t.figures = Figures{PSNR: make([]float64, stages), Container: make([]float64, stages), Gains: make([]float64, stages)}
	t.square = make([]float64, stages)
	if cfg.ContainerTarget > 0 {
		t.control, t.figures.Weights = make([]train.Controller, stages), make([]float64, stages)
	}
	for range max(t.Examples(0), t.Examples(cfg.Steps-1)) {
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
func (t *Task) Logged()                        {}

func (t *Task) Examples(step int) int {
	_, n := t.at(step)
	return n
}

func (t *Task) at(step int) (rows, examples int) {
	return t.cfg.At(step, t.cfg.Model.Tile, &t.cfg.Common)
}

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
	w := &worker{task: t}
	rows, examples := t.at(0)
	var err error
	if w.stripe, err = t.newLearner(rows); err != nil {
		return nil, err
	}
	t.flops = 3 * float64(w.stripe.pipe.Graph.FLOPs()) * float64(examples) * float64(t.cfg.Steps-t.cfg.Finish)
	if t.cfg.Finish > 0 {
		if w.whole, err = t.newLearner(t.cfg.Model.Tile); err != nil {
			return nil, err
		}
		t.flops += 3 * float64(w.whole.pipe.Graph.FLOPs()) * float64(t.Examples(t.cfg.Steps-1)) * float64(t.cfg.Finish)
	}
	return w, nil
}

func (t *Task) newLearner(rows int) (*learner, error) {
	pipe, err := t.sys.NewStripe(rows, t.cfg.DropoutWeight > 0)
	if err != nil {
		return nil, err
	}
	side := t.cfg.Model.Tile
	l := &learner{
		Task: t, rows: rows, pipe: pipe, picture: picture.New(side, side),
		pixels: make([]float32, 3*rows*side), scratch: make([]float32, 3*rows*side),
	}
	for i := range t.cfg.Model.Stages {
		l.covers = append(l.covers, make([]float32, model.SamplesPerPixel*rows*side))
		l.terms = append(l.terms, nn.Term{Loss: pipe.RevealLoss[i]}, nn.Term{Loss: pipe.ContainerLoss[i]})
	}
	if pipe.LossyLoss != nil {
		l.terms = append(l.terms, nn.Term{Loss: pipe.LossyLoss})
	}
	return l, nil
}

// Learn implements [train.Worker].
func (w *worker) Learn(step, i int, rng *rand.Rand, grads *nn.Grads[float32]) error {
	l := w.stripe
	if rows, _ := w.task.at(step); rows > l.rows {
		l = w.whole
	}
	return l.learn(&w.task.examples[i], rng, grads)
}

func (l *learner) learn(k *example, rng *rand.Rand, grads *nn.Grads[float32]) error {
	cfg := &l.cfg
	tau, err := l.draw(rng)
	if err != nil {
		return err
	}
	l.pipe.Graph.Forward()
	k.missing[0] = 0
	for _, v := range l.scratch {
		k.missing[0] += float64(v) * float64(v) / float64(len(l.scratch))
	}
	k.loss = 0
	term := l.terms
	add := func(weight float64) {
		term[0].Weight = weight
		k.loss += weight * term[0].Loss.Value
		term = term[1:]
	}
	// The logarithm of the mean squared error makes every decibel count the same, at the first stage and at the last.
	logarithm := func(weight float64) {
		v := term[0].Loss.Value + 1e-9
		term[0].Weight = weight / v
		k.loss += weight * math.Log(v)
		term = term[1:]
	}
	for s := range cfg.Model.Stages {
		k.missing[s+1] = term[0].Loss.Value
		if gain := l.sys.Gain(s); cfg.Relative {
			add(cfg.stageWeight(s) / (gain * gain))
		} else {
			logarithm(cfg.stageWeight(s))
		}
		k.container[s] = term[0].Loss.Value
		if l.control != nil {
			add(cfg.ContainerWeight * l.control[s].Weight() / cfg.ContainerTarget)
		} else {
			add(cfg.ContainerWeight / (tau * tau))
		}
	}
	if len(term) > 0 {
		logarithm(cfg.DropoutWeight)
	}
	if err := train.Finite(k.loss, l.pipe.Graph); err != nil {
		return err
	}
	l.pipe.Graph.Backward(grads, l.terms...)
	return nil
}

// draw loads a part of a picture, clips of speech and a strength, which it returns.
func (l *learner) draw(rng *rand.Rand) (tau float64, err error) {
	cfg, data := &l.cfg, &l.data
	data.Pictures.Crop(rng, l.picture)
	top, n := 0, l.rows*cfg.Model.Tile
	if l.rows < cfg.Model.Tile {
		top = rng.IntN(cfg.Model.Tile - l.rows + 1)
	}
	for c, plane := range l.picture.Pix {
		copy(l.pixels[c*n:][:n], plane[top*cfg.Model.Tile:])
	}
	for _, c := range l.covers {
		data.Speech.Clip(rng, c)
		// Loudness and polarity carry no meaning for hiding.
		a := float32(math.Exp(cfg.Loudness[1] - (cfg.Loudness[1]-cfg.Loudness[0])*rng.Float64()))
		if rng.IntN(2) == 0 {
			a = -a
		}
		for j := range c {
			c[j] *= a
		}
	}
	tau = between(rng, cfg.Thresholds)
	if err := l.pipe.SetThresholds(tau); err != nil {
		return 0, err
	}
	l.pipe.Step = between(rng, cfg.Rounding) / (1 << 15)
	for s := range l.pipe.Keep {
		l.pipe.Keep[s] = 1
		if rng.Float64() < cfg.Dropout {
			l.pipe.Keep[s] = 0
		}
	}
	l.pipe.Load(l.pixels, l.covers, l.scratch)
	return tau, nil
}

// between draws log-uniformly from a range.
func between(rng *rand.Rand, r [2]float64) float64 {
	return r[0] * math.Exp(rng.Float64()*math.Log(r[1]/r[0]))
}

// Settle also controls the weights of the containers, if they have a target, and adapts the gains of the stages, as long as they are
// not frozen, to what they had to hide.
func (t *Task) Settle(step int) (loss float64, figures any, err error) {
	f := &t.figures
	clear(f.PSNR)
	clear(f.Container)
	clear(t.square)
	examples := t.examples[:t.Examples(step-1)]
	n := float64(len(examples))
	for _, k := range examples {
		loss += k.loss / n
		for i := range f.PSNR {
			f.PSNR[i] += train.PSNR(k.missing[i+1]) / n
			f.Container[i] += k.container[i] / n
			t.square[i] += k.missing[i] / n
		}
	}
	for i := range t.control {
		f.Weights[i] = t.cfg.ContainerWeight * t.control[i].Weight()
		t.control[i].Update(f.Container[i], t.cfg.ContainerTarget)
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
	Gains   []float64          `json:"gains"`
	Control []train.Controller `json:"controllers,omitempty"`
}

// Remember implements [train.Remembering], as does Recall.
func (t *Task) Remember() ([]byte, error) {
	m := memory{Control: t.control}
	for i := range t.cfg.Model.Stages {
		m.Gains = append(m.Gains, t.sys.Gain(i))
	}
	return json.Marshal(m)
}

func (t *Task) Recall(text []byte, _ int) error {
	var m memory
	if err := json.Unmarshal(text, &m); err != nil || len(m.Gains) != t.cfg.Model.Stages || len(m.Control) != len(t.control) {
		return fmt.Errorf("memory is %q", text)
	}
	copy(t.control, m.Control)
	for i, g := range m.Gains {
		if !(g > 0) {
			return fmt.Errorf("memory is %q", text)
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
		Thresholds: t.cfg.validationThresholds(), Pairs: t.cfg.ValidationPairs, Workers: workers,
	})
	if err != nil {
		return nil, err
	}
	var out Validation
	for _, r := range report.Rows {
		out = append(out, Strength{Threshold: r.Threshold, Container: r.Mean.ContainerMSE, PSNR: r.Mean.StagePSNR, SSIM: r.Mean.SSIM})
	}
	if rows, _ := t.at(0); rows < t.cfg.Model.Tile {
		out[0].Stripes, err = t.stripes(rows)
	}
	return out, err
}

// stripes returns the mean PSNR of the validation pictures hidden in stripes.
func (t *Task) stripes(rows int) (psnr float64, err error) {
	side := t.cfg.Model.Tile
	pipe, err := t.best.NewStripe(rows, false)
	if err != nil {
		return 0, err
	}
	pipe.Step = 1.0 / (1 << 15)
	pairs := dataset.Pairs(t.data.ValidationPictures.Len(), t.data.ValidationSpeech.Len())
	pairs = pairs[:min(len(pairs), t.cfg.ValidationPairs)]
	secret := picture.New(side, side)
	n, samples := rows*side, model.SamplesPerPixel*rows*side
	cover := make([]float32, t.cfg.Model.Stages*t.cfg.Model.Samples())
	pixels, revealed, scratch := make([]float32, 3*n), make([]float32, 3*n), make([]float32, 3*n)
	covers := make([][]float32, t.cfg.Model.Stages)
	for _, pair := range pairs {
		t.data.ValidationPictures.Thumbnail(pair.Picture, secret)
		t.data.ValidationSpeech.Cover(pair.Clip, cover)
		var missing float64
		for top := 0; top+rows <= side; top += rows {
			for c, plane := range secret.Pix {
				copy(pixels[c*n:][:n], plane[top*side:])
			}
			for i := range covers {
				covers[i] = cover[i*t.cfg.Model.Samples()+top/rows*samples:][:samples]
			}
			pipe.Load(pixels, covers, scratch)
			pipe.Graph.Forward()
			pipe.Sum(revealed, scratch)
			for i, v := range revealed {
				d := float64(v - pixels[i])
				missing += d * d / float64(3*n*(side/rows))
			}
		}
		psnr += train.PSNR(missing) / float64(len(pairs))
	}
	return psnr, nil
}

func (t *Task) Save(w io.Writer, half bool, about map[string]string) error {
	return t.averaged().Save(w, half, about)
}
