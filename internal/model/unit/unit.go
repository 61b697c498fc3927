// Package unit is what the systems of other papers have in common here: the task of the experiment that they are carried over
// to, hiding a picture of 64×64 pixels in 49,152 samples of speech; how they are put together for training and for use; and
// their files. Packages deepsteg and kreuk are such systems.
//
// A row of the picture goes with 768 consecutive samples. The networks are convolutions, so that a stripe of a few rows and
// its samples are a task like the whole, which is how they are trained.
//
// Pictures are planar RGB, 3×rows×64 values in [0, 1]; covers are RowSamples samples a row with full scale 1.
package unit

import (
	"fmt"
	"io"

	"ditas/internal/nn"
)

const (
	// Side is the number of rows and columns of a picture.
	Side = 64
	// SamplesPerPixel is the number of samples that each pixel gets, as in the three stages of DITAS-M together.
	SamplesPerPixel = 12
	// RowSamples is the number of samples that go with one row.
	RowSamples = Side * SamplesPerPixel
	// Samples is the length of a cover, in samples.
	Samples = Side * RowSamples
)

// Loudness is the factor that systems apply to samples, or to magnitudes of the same energy, to make them as strong as the pictures
// that they hide, as the papers do, and to weigh both errors alike: the standard deviation of pictures is about a quarter, and half of
// that for the samples of speech with a peak of 1.
const Loudness = 2.0

// grey is what networks see as 0.
const grey = 0.5

// System is a pair of networks, one that hides and one that reveals, with its weights.
type System interface {
	// Weights returns the weights. Graphs see changes at once.
	Weights() *nn.Weights[float32]
	// Init draws fresh weights from a seed.
	Init(seed uint64)
	// Identity draws weights from a seed with which the networks already pass on what they get, the rest being small: the
	// container is the cover with the picture added, with a mean squared error of samples of about distortion.
	Identity(seed uint64, distortion float64)
	// Hide adds the sender's network to a graph, for a secret of 3×rows×64 values around 0 and a cover of 1×1×samples.
	Hide(g *nn.Graph[float32], secret, cover *nn.Tensor[float32]) Hidden
	// Reveal adds the receiver's network for 1×1×samples and returns the secret, 3×rows×64 values around 0.
	Reveal(g *nn.Graph[float32], received *nn.Tensor[float32]) *nn.Tensor[float32]
	// Save writes the system as a safetensors file that the package's Load reads. Half stores weights in 16 bits. extra is
	// added to the metadata.
	Save(w io.Writer, half bool, extra map[string]string) error
}

// Hidden is what a sender's network makes.
type Hidden struct {
	// Container has the extent of the cover; it has not been rounded.
	Container *nn.Tensor[float32]
	// Changed and Original are what the system's own loss compares: samples or magnitudes, as loud as networks see them.
	Changed, Original *nn.Tensor[float32]
}

// Pipeline is a system as one graph, for training: hiding, the rounding of the file, which the sender knows, and revealing.
type Pipeline struct {
	Graph *nn.Graph[float32]
	Step  float64 // of the file's samples, full scale 1; 0 for none

	ContainerLoss *nn.Loss // mean squared error of samples or magnitudes, as loud as networks see them
	SecretLoss    *nn.Loss // mean squared error of the picture
	Distortion    *nn.Loss // mean squared error of the rounded samples, full scale 1

	secret, cover *nn.Tensor[float32]
	scratch       []float32
}

// NewPipeline builds the graph for stripes of the given number of rows, 1 to [Side].
func NewPipeline(s System, rows int) (*Pipeline, error) {
	if rows < 1 || rows > Side {
		return nil, fmt.Errorf("stripes of %d rows: want 1 to %d", rows, Side)
	}
	g := nn.NewGraph(s.Weights(), true)
	p := &Pipeline{Graph: g, scratch: make([]float32, 3*rows*Side)}
	p.secret, p.cover = inputs(g, rows)
	g.Scope("hide")
	h := s.Hide(g, p.secret, p.cover)
	p.ContainerLoss = g.MSE(h.Changed, h.Original)
	written := g.Round(h.Container, &p.Step)
	p.Distortion = g.MSE(written, p.cover)
	g.Scope("reveal")
	p.SecretLoss = g.MSE(s.Reveal(g, written), p.secret)
	if err := g.Compile(); err != nil {
		return nil, err
	}
	return p, nil
}

func inputs(g *nn.Graph[float32], rows int) (secret, cover *nn.Tensor[float32]) {
	secret = g.Input("secret", nn.Shape{N: 1, C: 3, H: rows, W: Side})
	cover = g.Input("cover", nn.Shape{N: 1, C: 1, H: 1, W: rows * RowSamples})
	return secret, cover
}

// Load sets the picture, 3×rows×64 values in [0, 1], and the cover. It panics if one is too short.
func (p *Pipeline) Load(picture, cover []float32) {
	center(p.scratch, picture)
	p.secret.Load(p.scratch)
	p.cover.Load(cover)
}

func center(dst, picture []float32) {
	for i := range dst {
		dst[i] = picture[i] - grey
	}
}

// Codec hides and reveals whole pictures, or stripes of them, with a system's present weights. It must not be used by two goroutines at
// once.
type Codec struct {
	hide, reveal                *nn.Graph[float32]
	secret, cover, container    *nn.Tensor[float32]
	received, revealed          *nn.Tensor[float32]
	scratch                     []float32
	step                        float64
	parameters, floatOperations int
}

// NewCodec returns a codec of whole pictures.
func NewCodec(s System) (*Codec, error) { return NewStripeCodec(s, Side) }

// NewStripeCodec returns a codec of stripes of a number of rows, 1 to [Side], whose pictures and covers are as much shorter.
func NewStripeCodec(s System, rows int) (*Codec, error) {
	if rows < 1 || rows > Side {
		return nil, fmt.Errorf("stripes of %d rows: want 1 to %d", rows, Side)
	}
	c := &Codec{
		hide: nn.NewGraph(s.Weights(), false), reveal: nn.NewGraph(s.Weights(), false),
		scratch: make([]float32, 3*rows*Side), parameters: s.Weights().Count(),
	}
	c.secret, c.cover = inputs(c.hide, rows)
	c.container = c.hide.Round(s.Hide(c.hide, c.secret, c.cover).Container, &c.step)
	c.received = c.reveal.Input("received", c.cover.Shape())
	c.revealed = s.Reveal(c.reveal, c.received)
	for _, g := range []*nn.Graph[float32]{c.hide, c.reveal} {
		if err := g.Compile(); err != nil {
			return nil, err
		}
	}
	c.floatOperations = c.hide.FLOPs() + c.reveal.FLOPs()
	return c, nil
}

// Hide writes to container what hides the picture, 3×64×64 values in [0, 1], in the cover, as a file with samples in steps of
// step will hold it (0: no rounding). It panics if a slice is too short: container and cover have [Samples] samples.
func (c *Codec) Hide(container, picture, cover []float32, step float64) {
	center(c.scratch, picture)
	c.secret.Load(c.scratch)
	c.cover.Load(cover)
	c.step = step
	c.hide.Forward()
	c.container.Store(container)
}

// Reveal writes to picture what the received samples reveal, limited to [0, 1]. It panics if a slice is too short.
func (c *Codec) Reveal(picture, received []float32) {
	c.received.Load(received)
	c.reveal.Forward()
	c.revealed.Store(picture)
	for i, v := range picture[:len(c.scratch)] {
		picture[i] = max(0, min(1, v+grey))
	}
}

// Parameters returns the number of the system's trainable numbers.
func (c *Codec) Parameters() int { return c.parameters }

// FLOPs returns the number of floating-point operations that it takes to hide and to reveal one picture, a multiply-add
// counting as two.
func (c *Codec) FLOPs() int { return c.floatOperations }
