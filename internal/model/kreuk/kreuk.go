// Package kreuk is the model of Kreuk, Adi, Raj, Singh and Keshet (Hide and Speak: towards deep neural networks for speech
// steganography, 2020; arXiv 1902.03083) with a picture in place of the spoken message. It works on the magnitudes of the
// carrier's STFT, of 256 samples with a hop of 128; a changed magnitude goes with the carrier's phase. Its blocks are
// convolutions of 3×3 with 64 filters times the logistic function of others: a carrier encoder of three blocks, a carrier
// decoder of four, whose input is the encoder's output, the message and the carrier and whose last block is 1×1, and a message
// decoder of six. The message is read from the STFT of the samples, after the inverse STFT and the rounding of the file.
//
//	s, err := kreuk.New(kreuk.Default())  // or: s, extra, err := kreuk.Load(file, size)
//	c, err := s.NewCodec()
//	c.Hide(container, picture, cover, step)
//	c.Reveal(picture, container)
//
// What had to be adapted: the message is no spectrogram but a picture, which is laid out on the carrier's grid to become a
// message of one channel and the carrier's size, as in the original. Rows run in time; each pixel has 6 frames × 2 bins, and
// each of its colours 2×2 of them, over which it is repeated and in the end averaged. (Were the colours channels that are the same
// in all cells of a pixel, convolutions could not tell those apart, and would have no place to put the colours in.) Where [Config] says so, a pixel's 12 cells
// are channels instead, and the message is the picture as it is. The recording is taken as circular, so that 49,152 samples have exactly 384 frames.
// The window is a sine, the square root of Hann's, which makes the least-squares inverse of the STFT its adjoint. Of 129
// bins the highest, at half of the sampling rate, is left as it is, so that there are 128. Magnitudes are brought to the
// range of pictures, see [unit.Loudness]; they have the energy of the samples, so that before rounding the samples' mean
// squared error is never above the magnitudes'.
package kreuk

import (
	"fmt"
	"io"
	"math"

	"ditas/internal/dsp"
	"ditas/internal/model/unit"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
)

// Name is the name of the system.
const Name = "kreuk"

// Config is the size of the networks.
type Config struct {
	Name   string `json:"name"`
	Width  int    `json:"width"`  // filters in each block
	Encode int    `json:"encode"` // blocks of the carrier encoder
	Decode int    `json:"decode"` // blocks of the carrier decoder
	Reveal int    `json:"reveal"` // blocks of the message decoder
	// Folded has the cells of a pixel as channels of the networks' planes, which have a pixel's extent, in place of one channel of
	// the grid's extent.
	Folded bool `json:"folded,omitempty"`
}

// Default returns the paper's size.
func Default() Config { return Config{Name: Name, Width: 64, Encode: 3, Decode: 4, Reveal: 6} }

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	if c.Name != Name {
		return fmt.Errorf("system %q: want %s", c.Name, Name)
	}
	if c.Width < 1 || c.Width > 512 {
		return fmt.Errorf("blocks of %d filters: want 1 to 512", c.Width)
	}
	for _, blocks := range []int{c.Encode, c.Decode, c.Reveal} {
		if blocks < 2 || blocks > 32 {
			return fmt.Errorf("networks of %d, %d and %d blocks: want 2 to 32 each", c.Encode, c.Decode, c.Reveal)
		}
	}
	return nil
}

// LeastWeights is the number of weights in the blocks after the first and but the last, a lower bound for the whole.
func (c Config) LeastWeights() int {
	return 2 * 9 * c.Width * c.Width * (c.Encode - 1 + c.Decode - 2 + c.Reveal - 2)
}

// System is a configuration with its weights. It may be shared by any number of codecs, on any number of goroutines, as long
// as nobody changes the weights.
type System struct {
	Config                 Config
	weights                *nn.Weights[float32]
	encode, decode, reveal []block
	stft                   transform
	layout                 layout
}

// The time-frequency grid.
const (
	window = 256
	hop    = window / 2
	bins   = window / 2 // the highest is left out
)

// New returns a system with weights that have yet to be initialised or loaded.
func New(c Config) (*System, error) { return NewWith(c, kernel.Best()) }

// NewWith is New for a given set of kernels.
func NewWith(c Config, k kernel.Set[float32]) (*System, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	stft, err := dsp.NewSTFT[float32](window, bins)
	if err != nil {
		return nil, err
	}
	s := &System{Config: c, weights: nn.NewWeights(k), stft: transform{stft}, layout: onGrid}
	if c.Folded {
		s.layout = onPixels
	}
	l := s.layout
	s.encode = newNetwork(s.weights, "encode", l.cells, c.Width, c.Width, c.Encode, 3)
	s.decode = newNetwork(s.weights, "decode", c.Width+l.message+l.cells, c.Width, l.cells, c.Decode, 1)
	s.reveal = newNetwork(s.weights, "reveal", l.cells, c.Width, l.message, c.Reveal, 3)
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

// Init implements [unit.System].
func (s *System) Init(seed uint64) { s.weights.Init(seed) }

// Identity implements [unit.System]. The first filters of each block pass on the first inputs, or, in the carrier decoder, the
// message and the carrier; gates stand open.
func (s *System) Identity(seed uint64, distortion float64) {
	s.weights.Init(seed)
	l := s.layout
	passOn(s.encode, 0, l.cells)
	passOn(s.decode, s.Config.Width, l.message+l.cells)
	passOn(s.reveal, 0, l.cells)
	last := [...]*nn.Conv[float32]{s.decode[len(s.decode)-1].value, s.reveal[len(s.reveal)-1].value}
	for i, m := range unit.Mixture(seed, l.message, l.cells, distortion) {
		for c := range l.cells {
			read(last[0], c, i, m.Add[c])
			read(last[1], i, c, m.Take[c])
		}
	}
	for c := range l.cells {
		read(last[0], c, l.message+c, 1)
	}
	s.weights.Refresh()
}

// passOn has n filters of each block but the last pass on n inputs of the network, from the first-th on, and makes all others small.
func passOn(network []block, first, n int) {
	const others, gates, last = 0.5, 0.5, 0.1
	for i, b := range network {
		unit.Scale(b.gate.Weight.Data, gates)
		for j := range b.gate.Bias.Data {
			b.gate.Bias.Data[j] = openGate
		}
		if i == len(network)-1 {
			unit.Scale(b.value.Weight.Data, last)
			return
		}
		unit.Scale(b.value.Weight.Data, others)
		for f := range min(n, b.value.Spec.In, b.value.Spec.Out) {
			weights := len(b.value.Weight.Data) / b.value.Spec.Out
			clear(b.value.Weight.Data[f*weights:][:weights])
			read(b.value, f, first+f, 1)
		}
		first = 0
	}
}

// openGate is the bias of gates that stand open.
const openGate = 1

// read has a filter take an input times a, its gate being open.
func read(value *nn.Conv[float32], filter, input int, a float64) {
	if input < value.Spec.In {
		*unit.Middle(value, filter, input) = float32(a * (1 + math.Exp(-openGate)))
	}
}

// How networks see magnitudes, and how their outputs become magnitudes.
var louder, softer = unit.Loudness, 1 / unit.Loudness

// Hide implements [unit.System]. The loss compares magnitudes, as networks see them.
func (s *System) Hide(g *nn.Graph[float32], secret, cover *nn.Tensor[float32]) unit.Hidden {
	spectrum := g.Map("stft", s.stft, cover)
	phase := g.Apply("phase", spectrum, phase)
	seen := s.layout.fold(g, g.Scale(g.Magnitude(spectrum), &louder))
	out := build(g, s.decode, g.Concat(build(g, s.encode, seen), s.layout.spread(g, secret), seen))
	// The transform being linear and the cover its own inverse transform, it is enough to transform the difference; that
	// leaves the highest bin alone, too.
	difference := s.layout.unfold(g, g.Scale(g.Sub(out, seen), &softer))
	added := g.Map("istft", inverse{s.stft}, g.Mul(g.Concat(difference, difference), phase))
	return unit.Hidden{Container: g.Add(cover, added), Changed: out, Original: seen}
}

// Reveal implements [unit.System].
func (s *System) Reveal(g *nn.Graph[float32], received *nn.Tensor[float32]) *nn.Tensor[float32] {
	seen := s.layout.fold(g, g.Scale(g.Magnitude(g.Map("stft", s.stft, received)), &louder))
	return s.layout.pool(g, build(g, s.reveal, seen))
}

// block is a gated convolution.
type block struct{ value, gate *nn.Conv[float32] }

// newNetwork returns a stack of blocks whose last one has kernels of last×last.
func newNetwork(w *nn.Weights[float32], name string, in, width, out, blocks, last int) []block {
	var all []block
	for i := range blocks {
		s := nn.ConvSpec{In: in, Out: width, Kernel: nn.Square(3)}
		if i == blocks-1 {
			s.Out, s.Kernel = out, nn.Square(last)
		}
		gate := s
		// Where the input is strong half of the gates are open, and this gain keeps the variance; where it is weak the square
		// of a gate is near ¼, and a larger gain would, but then what is strong explodes from block to block.
		s.Gain, gate.Gain = 1, 0.5
		all = append(all, block{w.Conv(fmt.Sprintf("%s.block%d.value", name, i), s), w.Conv(fmt.Sprintf("%s.block%d.gate", name, i), gate)})
		in = width
	}
	return all
}

func build(g *nn.Graph[float32], blocks []block, x *nn.Tensor[float32]) *nn.Tensor[float32] {
	for _, b := range blocks {
		x = g.Mul(g.Conv(b.value, x), g.Sigmoid(g.Conv(b.gate, x)))
	}
	return x
}

// phase writes to dst the complex numbers of src, real parts first, divided by their magnitudes; 1 for 0.
func phase(dst, src []float32) {
	n := len(src) / 2
	for i, re := range src[:n] {
		im := src[n+i]
		m := float32(math.Sqrt(float64(re*re + im*im)))
		if m == 0 {
			re, im, m = 1, 0, 1
		}
		dst[i], dst[n+i] = re/m, im/m
	}
}
