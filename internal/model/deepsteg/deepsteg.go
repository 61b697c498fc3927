// Package deepsteg is Deep-Steg (Baluja, Hiding images in plain sight: deep steganography, 2017) with speech in place of the
// cover image. A preparation network makes features of the secret picture, a hiding network makes the container of them and
// the cover, and a reveal network makes the picture of the container. Each is five layers of parallel convolutions of 3×3,
// 4×4 and 5×5 with 50 filters each, rectified, and a 1×1 convolution to as many channels as are wanted.
//
//	s, err := deepsteg.New(deepsteg.Default())  // or: s, extra, err := deepsteg.Load(file, size)
//	c, err := s.NewCodec()
//	c.Hide(container, picture, cover, step)
//	c.Reveal(picture, container)
//
// What had to be adapted: the cover image's three channels are twelve planes of plain samples, pixel i having samples 12·i to
// 12·i+11 of the recording, so that what is near in a plane or across planes is near in time too. No transform helps the
// networks, since the original has none. The preparation network has a feature for each of the cover's channels. Samples are
// brought to the range of pictures, see [unit.Loudness]. As in the original, nothing leads the cover past the hiding network.
package deepsteg

import (
	"fmt"
	"io"
	"math"

	"ditas/internal/model/unit"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
)

// Name is the name of the system.
const Name = "deep-steg"

// Config is the size of the networks.
type Config struct {
	Name    string `json:"name"`
	Layers  int    `json:"layers"`  // of parallel convolutions in each network
	Filters int    `json:"filters"` // of each size in each layer
}

// Default returns the paper's size.
func Default() Config { return Config{Name: Name, Layers: 5, Filters: 50} }

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	switch {
	case c.Name != Name:
		return fmt.Errorf("system %q: want %s", c.Name, Name)
	case c.Layers < 1 || c.Layers > 32 || c.Filters < 2 || c.Filters > 256 || c.Filters%2 != 0:
		return fmt.Errorf("%d layers with %d filters of each size: want 1 to 32, and an even number from 2 to 256", c.Layers, c.Filters)
	}
	return nil
}

// sizes are the sides of the parallel kernels.
var sizes = [...]int{3, 4, 5}

// LeastWeights is the number of weights in the layers after the first, a lower bound for the whole.
func (c Config) LeastWeights() int {
	taps := 0
	for _, k := range sizes {
		taps += k * k
	}
	return 3 * (c.Layers - 1) * len(sizes) * c.Filters * c.Filters * taps
}

// System is a configuration with its weights. It may be shared by any number of codecs, on any number of goroutines, as long
// as nobody changes the weights.
type System struct {
	Config                Config
	weights               *nn.Weights[float32]
	prepare, hide, reveal *network
}

// New returns a system with weights that have yet to be initialised or loaded.
func New(c Config) (*System, error) { return NewWith(c, kernel.Best()) }

// NewWith is New for a given set of kernels.
func NewWith(c Config, k kernel.Set[float32]) (*System, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	const planes = unit.SamplesPerPixel
	s := &System{Config: c, weights: nn.NewWeights(k)}
	s.prepare = newNetwork(s.weights, "prepare", 3, planes, c)
	s.hide = newNetwork(s.weights, "hide", 2*planes, planes, c)
	s.reveal = newNetwork(s.weights, "reveal", planes, 3, c)
	return s, nil
}

// Load reads a system and the extra metadata that Save was given. Errors wrap [unit.ErrFormat] or safetensors.ErrFormat.
func Load(r io.ReaderAt, size int64) (*System, map[string]string, error) {
	return unit.Load(r, size, New)
}

// Save implements [unit.System].
func (s *System) Save(w io.Writer, half bool, extra map[string]string) error {
	return unit.Save(w, s.weights, s.Config, half, extra)
}

// NewCodec returns a codec that uses the system.
func (s *System) NewCodec() (*unit.Codec, error) { return unit.NewCodec(s) }

// Weights implements [unit.System].
func (s *System) Weights() *nn.Weights[float32] { return s.weights }

// Init implements [unit.System]. Networks start linear and pixel by pixel, so that they are nearer to passing on what they get:
// of kernels there is only the middle (Xiao et al., Dynamical isometry and a mean field theory of CNNs, 2018), and filters come
// in pairs of opposite sign, what reads a pair having opposite weights (Balduzzi et al., The shattered gradients problem, 2017).
// From independent kernels the fifteen rectified layers between a picture and what is revealed take longer to start learning.
func (s *System) Init(seed uint64) {
	s.weights.Init(seed)
	for _, n := range []*network{s.prepare, s.hide, s.reveal} {
		for i, layer := range n.layers {
			for _, conv := range layer {
				keepMiddle(conv)
				if i > 0 {
					pairInputs(conv)
				}
				pairFilters(conv)
			}
		}
		pairInputs(n.last)
	}
	s.weights.Refresh()
}

// keepMiddle leaves of kernels only the middle element, the one that the output's place falls on, larger so that the variance
// stays the same.
func keepMiddle(c *nn.Conv[float32]) {
	rows, columns := c.Spec.Kernel[0], c.Spec.Kernel[1]
	middle := (rows-1)/2*columns + (columns-1)/2
	gain := float32(math.Sqrt(float64(rows * columns)))
	for i, v := range c.Weight.Data {
		c.Weight.Data[i] = 0
		if i%(rows*columns) == middle {
			c.Weight.Data[i] = gain * v
		}
	}
}

// pairFilters makes every other filter the negative of the one before.
func pairFilters(c *nn.Conv[float32]) {
	n := len(c.Weight.Data) / c.Spec.Out
	for i := 0; i < c.Spec.Out; i += 2 {
		first, second := c.Weight.Data[i*n:][:n], c.Weight.Data[(i+1)*n:][:n]
		for j, v := range first {
			second[j] = -v
		}
	}
}

// pairInputs gives every other input the negated weights of the one before.
func pairInputs(c *nn.Conv[float32]) {
	n := c.Spec.Kernel[0] * c.Spec.Kernel[1]
	for i := 0; i < len(c.Weight.Data); i += 2 * n {
		first, second := c.Weight.Data[i:][:n], c.Weight.Data[i+n:][:n]
		for j, v := range first {
			second[j] = -v
		}
	}
}

// Identity implements [unit.System]. Nothing leads around the networks, so that in each of their layers a pair of filters passes
// each input on, one where it is positive and one where it is negative. [unit.Mixture] says how the picture is added and taken.
func (s *System) Identity(seed uint64, distortion float64) {
	s.weights.Init(seed)
	for _, n := range []*network{s.prepare, s.hide, s.reveal} {
		n.passOn()
	}
	const planes = unit.SamplesPerPixel
	for colour, m := range unit.Mixture(seed, 3, planes, distortion) {
		for plane := range planes {
			s.prepare.read(plane, colour, m.Add[plane])
			s.reveal.read(colour, plane, m.Take[plane])
		}
	}
	for plane := range planes {
		s.hide.read(plane, plane, 1)
		s.hide.read(plane, planes+plane, 1)
	}
	s.weights.Refresh()
}

// carried returns how many of the inputs have pairs of filters that pass them on.
func (n *network) carried() int {
	first := n.layers[0]
	return min(first[0].Spec.In, len(first)*first[0].Spec.Out/2)
}

// passOn has the first pairs of filters of each layer pass on the inputs and nothing else, and makes all others small.
func (n *network) passOn() {
	const others, otherInputs = 0.5, 0.05
	for i, layer := range n.layers {
		for _, conv := range layer {
			unit.Scale(conv.Weight.Data, others)
		}
		for input := range n.carried() {
			for sign := range 2 {
				f := 2*input + sign
				conv := layer[f/layer[0].Spec.Out]
				f %= conv.Spec.Out
				n := len(conv.Weight.Data) / conv.Spec.Out
				clear(conv.Weight.Data[f*n:][:n])
				w := 1 - 2*float32(sign)
				if i == 0 {
					*unit.Middle(conv, f, input) = w
					continue
				}
				*unit.Middle(conv, f, 2*input), *unit.Middle(conv, f, 2*input+1) = w, -w
			}
		}
	}
	unit.Scale(n.last.Weight.Data, otherInputs)
	for out := range n.last.Spec.Out {
		for input := range n.carried() {
			n.read(out, input, 0)
		}
	}
}

// read has an output of a network take an input that is passed on to it, times a.
func (n *network) read(out, input int, a float64) {
	if input < n.carried() {
		*unit.Middle(n.last, out, 2*input), *unit.Middle(n.last, out, 2*input+1) = float32(a), float32(-a)
	}
}

// How networks see samples, and how their outputs become samples.
var louder, softer = unit.Loudness, 1 / unit.Loudness

// Hide implements [unit.System]. The loss compares samples, as networks see them.
func (s *System) Hide(g *nn.Graph[float32], secret, cover *nn.Tensor[float32]) unit.Hidden {
	planes := g.Scale(g.Map("fold", fold{}, cover), &louder)
	features := s.prepare.build(g, secret)
	out := s.hide.build(g, g.Concat(features, planes))
	return unit.Hidden{Container: g.Scale(g.Map("unfold", unfold{}, out), &softer), Changed: out, Original: planes}
}

// Reveal implements [unit.System].
func (s *System) Reveal(g *nn.Graph[float32], received *nn.Tensor[float32]) *nn.Tensor[float32] {
	return s.reveal.build(g, g.Scale(g.Map("fold", fold{}, received), &louder))
}

// network is a stack of layers of parallel convolutions.
type network struct {
	layers [][len(sizes)]*nn.Conv[float32]
	last   *nn.Conv[float32]
}

func newNetwork(w *nn.Weights[float32], name string, in, out int, c Config) *network {
	n := &network{}
	// Pairs of inputs count once, and keep the variance with a gain of 1; the first inputs are no pairs.
	gain := math.Sqrt(0.5)
	for i := range c.Layers {
		var layer [len(sizes)]*nn.Conv[float32]
		for j, k := range sizes {
			layer[j] = w.Conv(fmt.Sprintf("%s.layer%d.size%d", name, i, k), nn.ConvSpec{In: in, Out: c.Filters, Kernel: nn.Square(k), Gain: gain})
		}
		n.layers = append(n.layers, layer)
		in, gain = len(sizes)*c.Filters, 1
	}
	n.last = w.Conv(name+".last", nn.ConvSpec{In: in, Out: out, Kernel: nn.Square(1)})
	return n
}

func (n *network) build(g *nn.Graph[float32], x *nn.Tensor[float32]) *nn.Tensor[float32] {
	for _, layer := range n.layers {
		var parts [len(sizes)]*nn.Tensor[float32]
		for j, conv := range layer {
			parts[j] = g.Conv(conv, x)
		}
		x = g.Leaky(g.Concat(parts[:]...), 0)
	}
	return g.Conv(n.last, x)
}

// fold maps 1×1×samples to planes of SamplesPerPixel×rows×64; unfold is its inverse and its adjoint.
type (
	fold   struct{}
	unfold struct{}
)

func (fold) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 1 || in.H != 1 || in.W%unit.RowSamples != 0 {
		return in, fmt.Errorf("want 1×1×samples, %d for each row, have %v", unit.RowSamples, in)
	}
	return nn.Shape{N: in.N, C: unit.SamplesPerPixel, H: in.W / unit.RowSamples, W: unit.Side}, nil
}

func (fold) Apply(dst, src []float32) {
	pixels := len(src) / unit.SamplesPerPixel
	for p := range pixels {
		for c, v := range src[p*unit.SamplesPerPixel:][:unit.SamplesPerPixel] {
			dst[c*pixels+p] = v
		}
	}
}

func (fold) Adjoint(dst, src []float32) { unfold{}.Apply(dst, src) }

func (unfold) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != unit.SamplesPerPixel || in.W != unit.Side {
		return in, fmt.Errorf("want %d×rows×%d, have %v", unit.SamplesPerPixel, unit.Side, in)
	}
	return nn.Shape{N: in.N, C: 1, H: 1, W: in.H * unit.RowSamples}, nil
}

func (unfold) Apply(dst, src []float32) {
	pixels := len(src) / unit.SamplesPerPixel
	for p := range pixels {
		for c := range unit.SamplesPerPixel {
			dst[p*unit.SamplesPerPixel+c] = src[c*pixels+p]
		}
	}
}

func (unfold) Adjoint(dst, src []float32) { fold{}.Apply(dst, src) }
