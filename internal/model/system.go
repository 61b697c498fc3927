package model

import (
	"errors"
	"fmt"

	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
)

// System is a configuration with its weights. It may be shared by any number of Hiders and Revealers, on any number of
// goroutines, as long as nobody changes the weights.
type System struct {
	Config  Config
	Weights *nn.Weights[float32]
	stages  []*Stage
}

// Stage is one step of multi-stage residual hiding: H_i, R_i and the place of a subsequence's samples on the picture.
type Stage struct {
	hide, reveal network
	fold         *Fold
	amplitude    float64 // unit of what is added to samples where there is no transform; 0 where there is one
	// gain is the typical magnitude of S_i; the network hides S_i/gain and reveals S~_i/gain.
	gain, inverse float64
}

// initialGains start training; the trainer replaces them by what it measures.
var initialGains = [...]float64{0.25, 0.06, 0.02}

// New returns a system with weights that have yet to be initialised or loaded.
func New(c Config) (*System, error) { return NewWith(c, kernel.Best()) }

// NewWith is New for a given set of kernels.
func NewWith(c Config, k kernel.Set[float32]) (*System, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &System{Config: c, Weights: nn.NewWeights(k)}
	for i := range c.Stages {
		fold, err := NewFold(c, i)
		if err != nil {
			return nil, err
		}
		st := &Stage{fold: fold}
		hide, reveal := fmt.Sprintf("hide%d", i), fmt.Sprintf("reveal%d", i)
		crossHide, crossReveal := c.CrossHide && i > 0, c.CrossReveal && i > 0
		if c.Transform == NoTransform {
			st.hide = newPlain(s.Weights, hide, 3+SamplesPerPixel, SamplesPerPixel, c, crossHide)
			st.reveal = newPlain(s.Weights, reveal, SamplesPerPixel, 3, c, crossReveal)
			st.amplitude = c.Amplitude
		} else {
			st.hide = newGated(s.Weights, hide, 3, SamplesPerPixel, SamplesPerPixel, c, crossHide)
			st.reveal = newGated(s.Weights, reveal, SamplesPerPixel, SamplesPerPixel, 3, c, crossReveal)
		}
		s.stages = append(s.stages, st)
		s.SetGain(i, initialGains[min(i, len(initialGains)-1)])
	}
	return s, nil
}

// Init draws fresh weights from a seed.
func (s *System) Init(seed uint64) {
	s.Weights.Init(seed)
	for _, st := range s.stages {
		st.hide.open()
		st.reveal.open()
	}
	s.Weights.Refresh()
}

// Gain returns the typical magnitude of the residual that stage i hides, counted from 0.
func (s *System) Gain(i int) float64 { return s.stages[i].gain }

// SetGain changes it. Graphs see the change at once.
func (s *System) SetGain(i int, gain float64) {
	s.stages[i].gain, s.stages[i].inverse = gain, 1/gain
}

// Middle is the grey that residuals start from: S_1 = S − ½.
const Middle = 0.5

// louder brings samples to the strength of pictures over their gain, which is where networks without a transform learn fastest: speech with a peak of
// 1 has an RMS of about 0.14.
var louder = 5.0

// hideStage adds T~ = H(S, T) in the transform domain: the message where there is room, else the cover. Where there is no transform,
// the message is added to the cover.
func (st *Stage) hideStage(g *nn.Graph[float32], s *strengths, i int, secret, cover *nn.Tensor[float32], features []*nn.Tensor[float32]) (container *nn.Tensor[float32], own []*nn.Tensor[float32]) {
	if st.amplitude > 0 {
		out, own := st.hide.build(g, g.Scale(secret, &st.inverse), g.Scale(cover, &louder), features)
		return g.Add(cover, g.Scale(out, &st.amplitude)), own
	}
	t := &s.thresholds[i]
	free := g.Apply("free", cover, func(dst, src []float32) { st.fold.free(dst, src, float32(t.value), s.least) })
	kept := g.Apply("kept", cover, func(dst, src []float32) {
		st.fold.kept(dst, src, float32(t.value), float32(t.peak), s.least)
	})
	out, own := st.hide.build(g, g.Scale(secret, &st.inverse), free, features)
	message := g.Mul(free, g.Scale(g.Tanh(out), &t.peak))
	return g.Add(kept, message), own
}

// revealStage adds S~ = R(T~), T~ being in the transform domain.
func (st *Stage) revealStage(g *nn.Graph[float32], s *strengths, i int, received *nn.Tensor[float32], features []*nn.Tensor[float32]) (revealed *nn.Tensor[float32], own []*nn.Tensor[float32]) {
	if st.amplitude > 0 {
		out, own := st.reveal.build(g, g.Scale(received, &louder), nil, features)
		return g.Scale(out, &st.gain), own
	}
	t := &s.thresholds[i]
	free := g.Apply("free", received, func(dst, src []float32) { st.fold.free(dst, src, float32(t.limit), s.least) })
	out, own := st.reveal.build(g, g.Scale(g.Mul(free, received), &t.gain), free, features)
	return g.Scale(out, &st.gain), own
}

// Pipeline is the whole system as one graph, for training and for hiding: the sender's recursion with the rounding of the
// file, which the sender knows, and nothing else that happens on the way.
type Pipeline struct {
	Graph *nn.Graph[float32]
	Step  float64 // of the file's samples, full scale 1; 0 for none

	Secret     *nn.Tensor[float32]   // S_1, 3×tile×tile
	Covers     []*nn.Tensor[float32] // T_i, samples
	Containers []*nn.Tensor[float32] // T~_i, samples as the file holds them
	Revealed   []*nn.Tensor[float32] // S~_i

	ContainerLoss []*nn.Loss // mean squared T~_i − T_i before rounding
	RevealLoss    []*nn.Loss // mean squared S_{i+1}
	// LossyLoss is the mean squared error of the picture when the stages whose Keep is 0 do not arrive. It is nil unless
	// the pipeline was made with dropout.
	LossyLoss *nn.Loss
	Keep      []float64

	strengths
}

// NewPipeline builds the graph for one picture. With train set it has gradients; with dropout, a loss for lost stages.
func (s *System) NewPipeline(train, dropout bool) (*Pipeline, error) {
	return s.newPipeline(purpose{train: train, dropout: dropout, reveals: true})
}

// NewStripe is NewPipeline for training with stripes of a few rows of a picture and the samples that go with them, which only systems
// without a transform have.
func (s *System) NewStripe(rows int, dropout bool) (*Pipeline, error) {
	if rows != s.Config.Tile && s.Config.Transform != NoTransform {
		return nil, errors.New("a transform takes whole pictures: set rows to the tile's")
	}
	if rows < 1 || rows > s.Config.Tile {
		return nil, fmt.Errorf("stripes of %d rows: want 1 to %d", rows, s.Config.Tile)
	}
	return s.newPipeline(purpose{train: true, dropout: dropout, reveals: true, rows: rows})
}

// purpose is what a pipeline is for.
type purpose struct {
	rows           int // of pictures, all where it is 0
	train, dropout bool
	// reveals has every stage reveal. Without it the last one does not: no stage hides what it misses.
	reveals bool
	// written, if it is set, changes what has been made of a stage's subsequence before the networks reveal it.
	written func(stage int, samples []float32)
}

func (s *System) newPipeline(o purpose) (*Pipeline, error) {
	c := s.Config
	train, dropout := o.train, o.dropout
	g := nn.NewGraph(s.Weights, train)
	p := &Pipeline{Graph: g, Keep: make([]float64, c.Stages), strengths: newStrengths(c)}
	tile, samples := nn.Shape{N: 1, C: 3, H: c.Tile, W: c.Tile}, c.Samples()
	if o.rows > 0 {
		tile.H, samples = o.rows, SamplesPerPixel*o.rows*c.Tile
	}
	p.Secret = g.Input("secret", tile)
	missing := p.Secret
	lossy := p.Secret
	var hideFeatures, revealFeatures []*nn.Tensor[float32]
	for i, st := range s.stages {
		fold := st.fold
		if tile.H != c.Tile {
			fold = newPixels(tile.H, c.Tile)
		}
		g.Scope(fmt.Sprintf("hide%d", i))
		unchanged := g.Input(fmt.Sprintf("cover%d", i), nn.Shape{N: 1, C: 1, H: 1, W: samples})
		cover := g.Map("fold", fold, unchanged)
		var container, revealed *nn.Tensor[float32]
		container, hideFeatures = st.hideStage(g, &p.strengths, i, missing, cover, hideFeatures)
		if train {
			p.ContainerLoss = append(p.ContainerLoss, g.MSE(container, cover))
		}
		written := g.Round(g.Map("unfold", unfold{fold}, container), &p.Step)
		if o.written != nil {
			written = g.Apply("written", written, func(dst, src []float32) {
				copy(dst, src)
				o.written(i, dst)
			})
		}
		p.Covers = append(p.Covers, unchanged)
		p.Containers = append(p.Containers, g.Output(written))
		if !o.reveals && i == c.Stages-1 {
			break
		}
		g.Scope(fmt.Sprintf("reveal%d", i))
		revealed, revealFeatures = st.revealStage(g, &p.strengths, i, g.Map("fold", fold, written), revealFeatures)
		if train {
			p.RevealLoss = append(p.RevealLoss, g.MSE(missing, revealed))
		}
		if dropout {
			p.Keep[i] = 1
			lossy = g.Sub(lossy, g.Scale(revealed, &p.Keep[i]))
		}
		missing = g.Sub(missing, revealed)
		if o.reveals {
			p.Revealed = append(p.Revealed, g.Output(revealed))
		}
	}
	if dropout {
		zero := g.Input("zero", tile)
		p.LossyLoss = g.MSE(lossy, zero)
	}
	if err := g.Compile(); err != nil {
		return nil, fmt.Errorf("system %s: %w", c.Name, err)
	}
	return p, nil
}

// Load sets the picture, 3×tile×tile in [0, 1], and the subsequences. It panics if one is too short.
func (p *Pipeline) Load(picture []float32, covers [][]float32, scratch []float32) {
	for i := range scratch[:p.Secret.Shape().Len()] {
		scratch[i] = picture[i] - Middle
	}
	p.Secret.Load(scratch)
	for i, t := range p.Covers {
		t.Load(covers[i])
	}
}

// Sum writes to picture, as long as the one that was loaded, what all stages reveal, limited to [0, 1]. It panics if a slice is shorter.
func (p *Pipeline) Sum(picture, scratch []float32) {
	sum(picture, scratch, p.Revealed, func(int) bool { return true })
}
