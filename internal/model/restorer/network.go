package restorer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"ditas/internal/codestream"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
	"ditas/picture"
)

// Config is the size of a network.
type Config struct {
	Width  int `json:"width"`  // channels, at half resolution
	Blocks int `json:"blocks"` // residual blocks of two convolutions
}

// contextWidth is the number of channels of what the gates are computed from.
const contextWidth = 16

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	if c.Width < 1 || c.Width > 512 || c.Blocks < 1 || c.Blocks > 64 {
		return fmt.Errorf("restorer of %d channels and %d blocks: want 1 to 512 and 1 to 64", c.Width, c.Blocks)
	}
	return nil
}

// Network is a residual network (Lim et al., Enhanced deep residual networks for single image super-resolution, 2017) at half
// resolution, whose blocks are gated by what is known of the error: one set of weights serves all lengths of prefixes.
type Network struct {
	Config  Config
	Weights *nn.Weights[float32]

	context, first, last *nn.Conv[float32]
	blocks               []block
}

type block struct{ first, second, gate *nn.Conv[float32] }

// NewNetwork returns a network whose weights are zero.
func NewNetwork(c Config, k kernel.Set[float32]) (*Network, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := &Network{Config: c, Weights: nn.NewWeights(k)}
	conv := func(name string, in, out, size int, gain float64) *nn.Conv[float32] {
		return n.Weights.Conv(name, nn.ConvSpec{In: in, Out: out, Kernel: nn.Square(size), Gain: gain})
	}
	n.context = conv("context", 3, contextWidth, 1, 1)
	n.first = conv("first", 4*Channels, c.Width, 3, 1)
	for i := range c.Blocks {
		n.blocks = append(n.blocks, block{
			conv(fmt.Sprintf("block%d.first", i), c.Width, c.Width, 3, 1),
			conv(fmt.Sprintf("block%d.second", i), c.Width, c.Width, 3, 0.3),
			conv(fmt.Sprintf("block%d.gate", i), contextWidth, c.Width, 1, 0.3),
		})
	}
	n.last = conv("last", c.Width, 12, 3, nn.ZeroGain)
	return n, nil
}

// Init draws the weights to start training from. The network then returns its input.
func (n *Network) Init(seed uint64) {
	n.Weights.Init(seed)
	for _, b := range n.blocks {
		for i := range b.gate.Bias.Data {
			b.gate.Bias.Data[i] = 1
		}
	}
	n.Weights.Refresh()
}

// Reach is how many pixels away from a pixel its restored value depends on the picture: one pixel at half resolution for
// each convolution.
func (n *Network) Reach() int { return 2 * (2*len(n.blocks) + 2) }

// Inputs are the tensors of a network that the caller loads, for a picture of height×width pixels, both even.
type Inputs struct {
	Picture  *nn.Tensor[float32] // 3×height×width: the decoded picture
	Features *nn.Tensor[float32] // Channels×height×width: what [Features] makes of it
	Context  *nn.Tensor[float32] // 3×height/2×width/2 and
	Scale    *nn.Tensor[float32] // 3×height×width: what [Condition] makes of its Info
}

// Build adds the network to g and returns the restored picture, 3×height×width.
func (n *Network) Build(g *nn.Graph[float32], height, width int) (in Inputs, restored *nn.Tensor[float32]) {
	in = Inputs{
		Picture:  g.Input("picture", nn.Shape{N: 1, C: 3, H: height, W: width}),
		Features: g.Input("features", nn.Shape{N: 1, C: Channels, H: height, W: width}),
		Context:  g.Input("context", nn.Shape{N: 1, C: 3, H: height / 2, W: width / 2}),
		Scale:    g.Input("scale", nn.Shape{N: 1, C: 3, H: height, W: width}),
	}
	q := g.Leaky(g.Conv(n.context, in.Context), 0)
	h := g.Conv(n.first, g.PixelUnshuffle(in.Features, 2))
	for _, b := range n.blocks {
		u := g.Conv(b.second, g.Leaky(g.Conv(b.first, h), 0))
		h = g.Add(h, g.Mul(u, g.Conv(b.gate, q)))
	}
	residual := g.PixelShuffle(g.Conv(n.last, h), 2)
	return in, g.Add(in.Picture, g.Mul(residual, in.Scale))
}

// radii are the radii of the squares over which Features takes means.
var radii = [...]int{1, 4}

// Channels is the number of channels of features.
const Channels = 3 + 3*len(radii)

// Features returns Channels planes of the size of p: its values around 0, and for each radius its details, the difference from
// the mean over a square around each pixel, relative to the error and limited: what is much larger than the error is right,
// whatever its size.
func Features(p *picture.Planes, info codestream.Info) [][]float32 {
	scale := 1 / (2*float32(rms(info)) + 1e-4)
	all := make([][]float32, Channels)
	for c, plane := range p.Pix {
		values := make([]float32, len(plane))
		for i, v := range plane {
			values[i] = 2*v - 1
		}
		all[c] = values
		for k, radius := range radii {
			details := boxMean(plane, p.Width, p.Height, radius)
			for i, v := range plane {
				x := (v - details[i]) * scale
				details[i] = x / (1 + max(x, -x))
			}
			all[3+3*k+c] = details
		}
	}
	return all
}

// boxMean returns the means of plane over squares of 2·radius+1 pixels, as far as they lie within it.
func boxMean(plane []float32, width, height, radius int) []float32 {
	rows := make([]float32, len(plane))
	for y := range height {
		meanLine(rows[y*width:][:width], plane[y*width:], 1, radius)
	}
	out := make([]float32, len(plane))
	for x := range width {
		column, src := out[x:], rows[x:]
		meanLine(column[:(height-1)*width+1], src, width, radius)
	}
	return out
}

// meanLine writes running means of src to dst, both at multiples of stride. Sums of multiples of 1/255 differ in rounding by
// the order, so that each mean is summed afresh.
func meanLine(dst, src []float32, stride, radius int) {
	n := (len(dst)-1)/stride + 1
	for i := range n {
		low, high := max(i-radius, 0), min(i+radius, n-1)
		var sum float32
		for j := low; j <= high; j++ {
			sum += src[j*stride]
		}
		dst[i*stride] = sum / float32(high-low+1)
	}
}

// Condition returns what a network is told about the error of a picture of height×width pixels: for each colour plane a
// logarithm of it, and the scale of the network's output, the error in RGB. They fill Context and Scale of [Inputs].
func Condition(info codestream.Info, height, width int) (context, scale []float32) {
	context, scale = make([]float32, 3*height*width/4), make([]float32, 3*height*width)
	n := height * width / 4
	for c, e := range info.Error {
		v := float32(math.Log2(255*float64(e)+1.0/16) / 4)
		for i := range n {
			context[c*n+i] = v
		}
	}
	v := float32(rms(info))
	for i := range scale {
		scale[i] = v
	}
	return context, scale
}

// rms is the expected root mean square error in RGB, given the squared norms of Y, Co and Cg there.
func rms(info codestream.Info) float64 {
	y, o, g := float64(info.Error[0]), float64(info.Error[1]), float64(info.Error[2])
	return math.Sqrt((3*y*y + 0.5*o*o + 0.75*g*g) / 3)
}

// ErrFormat reports a safetensors file that does not hold a restorer.
var ErrFormat = errors.New("not the weights of a restorer")

// configKey is where the metadata of a file hold the configuration.
const configKey = "ditas.restorer"

// Save writes the network as a safetensors file, in half precision.
func (n *Network) Save(w io.Writer) error {
	c, err := json.Marshal(n.Config)
	if err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for _, p := range n.Weights.Params() {
		tensors = append(tensors, safetensors.Float16(p.Name, p.Shape, p.Data))
	}
	return safetensors.Write(w, tensors, map[string]string{configKey: string(c)})
}

// Load reads what Save wrote. Errors wrap [ErrFormat] or safetensors.ErrFormat.
func Load(r io.ReaderAt, size int64, k kernel.Set[float32]) (*Network, error) {
	tensors, meta, err := safetensors.Read(r, size)
	if err != nil {
		return nil, err
	}
	var c Config
	if err := json.Unmarshal([]byte(meta[configKey]), &c); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", ErrFormat, err)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	values := map[string][]float32{}
	held := 0
	for _, t := range tensors {
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		values[t.Name] = v
		held += len(v)
	}
	// A few bytes can describe networks of gigabytes: build one only if the file can fill it.
	if least := 2 * c.Blocks * 9 * c.Width * c.Width; held < least {
		return nil, fmt.Errorf("%w: %d weights, want more than %d", ErrFormat, held, least)
	}
	n, err := NewNetwork(c, k)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := n.Weights.CopyFrom(values); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return n, nil
}
