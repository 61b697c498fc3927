// Package baseline teaches the systems of other papers that Table 1 compares with, in packages model/deepsteg and
// model/kreuk.
//
// They learn from the same recordings and pictures as the systems of package model. What they hide is hidden in a file of 16 bits,
// whose rounding the sender knows.
package baseline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/train"
	"ditas/internal/model/unit"
	"ditas/internal/nn"
	"ditas/internal/parallel"
	"ditas/picture"
)

// roundingStep is the step of a 16-bit file.
const roundingStep = 1.0 / (1 << 15)

// Figures are means over stripes since the record before or over pictures, after rounding to 16 bits.
type Figures struct {
	PSNR      float64 `json:"psnr"`      // of the picture, in dB
	Container float64 `json:"container"` // mean squared error of samples, full scale 1
	SNR       float64 `json:"snr"`       // in dB, of the mean powers
	// Weight is the container's weight in the loss, where a controller sets it.
	Weight float64 `json:"containerWeight,omitempty"`
	// Stripes is the PSNR of the pictures of a validation if they are hidden in stripes, as they are learnt from. It should be
	// that of whole ones.
	Stripes float64 `json:"stripes,omitempty"`
}

// String tells what they are.
func (f *Figures) String() string {
	return fmt.Sprintf("%.2f dB at MSE %.2g, SNR %.1f dB", f.PSNR, f.Container, f.SNR)
}

// Task is the training of a system: see [train.Task].
type Task struct {
	cfg       Config
	data      train.Material
	sys, best unit.System // best has the averaged weights
	examples  []example
	figures   Figures
	memory    memory
	validate  []*validator // one for each goroutine, made when they are first needed
	flops     float64
}

// memory is what the task knows besides its weights.
type memory struct {
	Recent     sums             `json:"recent"` // since the last record
	Controller train.Controller `json:"controller"`
}

// example holds what came of one stripe or picture.
type example struct {
	loss                       float64
	missing, distortion, power float64 // mean squares
}

// worker is what one goroutine learns with: from stripes and, if the run ends with them, from whole pictures.
type worker struct {
	task   *Task
	stripe *learner
	whole  *learner // nil if it is not needed
}

// learner learns from parts of pictures with a number of rows.
type learner struct {
	rows          int
	pipe          *unit.Pipeline
	picture       *picture.Planes
	pixels, cover []float32
}

// New returns the task. The validation pictures are thumbnails of [unit.Side] pixels.
func New(cfg Config, data train.Material) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Task{cfg: cfg, data: data}
	for _, s := range []*unit.System{&t.sys, &t.best} {
		var err error
		if *s, err = cfg.Model.new(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Config implements [train.Task], as do the other methods.
func (t *Task) Config() train.Config { return &t.cfg }

func (t *Task) Weights() *nn.Weights[float32]  { return t.sys.Weights() }
func (t *Task) Averaged() *nn.Weights[float32] { return t.best.Weights() }
func (t *Task) Logged()                        { t.memory.Recent = sums{} }

func (t *Task) Begin(seed uint64) error {
	if t.cfg.Identity {
		t.sys.Identity(seed, t.cfg.ContainerTarget)
	} else {
		t.sys.Init(seed)
	}
	return nil
}

func (t *Task) Load(r io.ReaderAt, size int64) error {
	from, err := t.cfg.Model.load(r, size)
	if err != nil {
		return err
	}
	values := map[string][]float32{}
	for _, p := range from.Weights().Params() {
		values[p.Name] = p.Data
	}
	return t.sys.Weights().CopyFrom(values)
}

func (t *Task) Examples(step int) int {
	_, n := t.cfg.At(step, unit.Side, &t.cfg.Common)
	return n
}

// FLOPs implements [train.Counted]. It is 0 before there is a worker.
func (t *Task) FLOPs() float64 { return t.flops }

func (t *Task) NewWorker() (train.Worker, error) {
	w := &worker{task: t}
	first, last := t.Examples(0), t.Examples(t.cfg.Steps-1)
	var err error
	rows, _ := t.cfg.At(0, unit.Side, &t.cfg.Common)
	if w.stripe, err = newLearner(t.sys, rows); err != nil {
		return nil, err
	}
	t.flops = 3 * float64(w.stripe.pipe.Graph.FLOPs()) * float64(t.cfg.Batch) * float64(t.cfg.Steps-t.cfg.Finish)
	if t.cfg.Finish > 0 {
		if w.whole, err = newLearner(t.sys, unit.Side); err != nil {
			return nil, err
		}
		t.flops += 3 * float64(w.whole.pipe.Graph.FLOPs()) * float64(last) * float64(t.cfg.Finish)
	}
	for len(t.examples) < max(first, last) {
		t.examples = append(t.examples, example{})
	}
	return w, nil
}

func newLearner(s unit.System, rows int) (*learner, error) {
	pipe, err := unit.NewPipeline(s, rows)
	if err != nil {
		return nil, err
	}
	pipe.Step = roundingStep
	return &learner{
		rows: rows, pipe: pipe, picture: picture.New(unit.Side, unit.Side),
		pixels: make([]float32, 3*rows*unit.Side), cover: make([]float32, rows*unit.RowSamples),
	}, nil
}

// Learn implements [train.Worker].
func (w *worker) Learn(step, i int, rng *rand.Rand, grads *nn.Grads[float32]) error {
	t, l := w.task, w.stripe
	if rows, _ := t.cfg.At(step, unit.Side, &t.cfg.Common); rows > l.rows {
		l = w.whole
	}
	l.draw(&t.data, rng)
	l.pipe.Graph.Forward()
	k, container := &t.examples[i], t.containerWeight()
	k.loss = container*l.pipe.ContainerLoss.Value + t.cfg.SecretWeight*l.pipe.SecretLoss.Value
	k.missing, k.distortion, k.power = l.pipe.SecretLoss.Value, l.pipe.Distortion.Value, meanSquare(l.cover)
	if err := train.Finite(k.loss, l.pipe.Graph); err != nil {
		return err
	}
	l.pipe.Graph.Backward(grads,
		nn.Term{Loss: l.pipe.ContainerLoss, Weight: container},
		nn.Term{Loss: l.pipe.SecretLoss, Weight: t.cfg.SecretWeight})
	return nil
}

// draw loads a part of a picture and a cover for it.
func (l *learner) draw(data *train.Material, rng *rand.Rand) {
	data.Pictures.Crop(rng, l.picture)
	top, n := rng.IntN(unit.Side-l.rows+1), l.rows*unit.Side
	for c, plane := range l.picture.Pix {
		copy(l.pixels[c*n:][:n], plane[top*unit.Side:])
	}
	data.Speech.Clip(rng, l.cover)
	// Polarity carries no meaning for hiding.
	if rng.IntN(2) == 0 {
		for j := range l.cover {
			l.cover[j] = -l.cover[j]
		}
	}
	l.pipe.Load(l.pixels, l.cover)
}

// containerWeight returns the container's weight in the present step.
func (t *Task) containerWeight() float64 {
	if t.cfg.ContainerTarget > 0 {
		return t.cfg.ContainerWeight * t.memory.Controller.Weight()
	}
	return t.cfg.ContainerWeight
}

// Settle also controls the weight of the container, if it has a target.
func (t *Task) Settle(step int) (loss float64, figures any, err error) {
	var now sums
	for _, k := range t.examples[:t.Examples(step-1)] {
		now.add(k)
		t.memory.Recent.add(k)
	}
	loss, t.figures = t.memory.Recent.mean()
	if t.cfg.ContainerTarget > 0 {
		t.figures.Weight = t.containerWeight()
		t.memory.Controller.Update(now.Distortion/now.N, t.cfg.ContainerTarget)
	}
	return loss, &t.figures, nil
}

// Remember implements [train.Remembering], as does Recall.
func (t *Task) Remember() ([]byte, error) { return json.Marshal(t.memory) }

func (t *Task) Recall(text []byte, _ int) error {
	if err := json.Unmarshal(text, &t.memory); err != nil {
		return fmt.Errorf("memory is %q", text)
	}
	return nil
}

// sums of what came of examples.
type sums struct {
	N          float64 `json:"n"`
	Loss       float64 `json:"loss"`
	PSNR       float64 `json:"psnr"`
	Distortion float64 `json:"distortion"`
	Power      float64 `json:"power"`
}

func (s *sums) add(k example) {
	s.N++
	s.Loss += k.loss
	s.PSNR += train.PSNR(k.missing)
	s.Distortion += k.distortion
	s.Power += k.power
}

func (s *sums) mean() (loss float64, f Figures) {
	// A pause has no power, and a log no infinities.
	const floor = 1e-12
	f = Figures{PSNR: s.PSNR / s.N, Container: s.Distortion / s.N}
	f.SNR = 10 * math.Log10((s.Power/s.N+floor)/(s.Distortion/s.N+floor))
	return s.Loss / s.N, f
}

func meanSquare(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(x))
}

// validator is what one goroutine validates with.
type validator struct {
	whole, stripe *pass
	picture       *picture.Planes
	cover         []float32
}

// pass hides and reveals parts of pictures with a number of rows.
type pass struct {
	codec           *unit.Codec
	rows            int
	pixels, decoded []float32
	received        []float32
}

func newPass(s unit.System, rows int) (*pass, error) {
	codec, err := unit.NewStripeCodec(s, rows)
	n := 3 * rows * unit.Side
	return &pass{codec, rows, make([]float32, n), make([]float32, n), make([]float32, rows*unit.RowSamples)}, err
}

// measure returns the mean squared errors of a whole picture and of its container, hidden part by part.
func (p *pass) measure(picture *picture.Planes, cover []float32) (missing, distortion float64) {
	parts, n, samples := float64(unit.Side/p.rows), p.rows*unit.Side, len(p.received)
	for top := 0; top+p.rows <= unit.Side; top += p.rows {
		for c, plane := range picture.Pix {
			copy(p.pixels[c*n:][:n], plane[top*unit.Side:])
		}
		part := cover[top*unit.RowSamples:][:samples]
		p.codec.Hide(p.received, p.pixels, part, roundingStep)
		p.codec.Reveal(p.decoded, p.received)
		missing += difference(p.decoded, p.pixels) / parts
		distortion += difference(p.received, part) / parts
	}
	return missing, distortion
}

// Validate measures whole pictures, and the same in stripes.
func (t *Task) Validate(_ context.Context, _, workers int) (fmt.Stringer, error) {
	rows, _ := t.cfg.At(0, unit.Side, &t.cfg.Common)
	for len(t.validate) < workers {
		v := &validator{picture: picture.New(unit.Side, unit.Side), cover: make([]float32, unit.Samples)}
		var err error
		if v.whole, err = newPass(t.best, unit.Side); err != nil {
			return nil, err
		}
		if v.stripe, err = newPass(t.best, rows); err != nil {
			return nil, err
		}
		t.validate = append(t.validate, v)
	}
	pairs := dataset.Pairs(t.data.ValidationPictures.Len(), t.data.ValidationSpeech.Len())
	pairs = pairs[:min(len(pairs), t.cfg.ValidationPairs)]
	examples, stripes := make([]example, len(pairs)), make([]example, len(pairs))
	parallel.Each(workers, len(pairs), func(worker, i int) {
		w := t.validate[worker]
		t.data.ValidationPictures.Thumbnail(pairs[i].Picture, w.picture)
		t.data.ValidationSpeech.Cover(pairs[i].Clip, w.cover)
		for k, p := range map[*example]*pass{&examples[i]: w.whole, &stripes[i]: w.stripe} {
			k.missing, k.distortion = p.measure(w.picture, w.cover)
			k.power = meanSquare(w.cover)
		}
	})
	var all, parts sums
	for i, k := range examples {
		all.add(k)
		parts.add(stripes[i])
	}
	_, f := all.mean()
	_, s := parts.mean()
	f.Stripes = s.PSNR
	if math.IsNaN(f.PSNR + f.Container) {
		return nil, errors.New("the averaged weights give no numbers")
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

func (t *Task) Save(w io.Writer, half bool, about map[string]string) error {
	return t.best.Save(w, half, about)
}
