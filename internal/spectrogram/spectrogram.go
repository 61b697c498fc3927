// Package spectrogram draws what frequencies are in a recording over time, in shades of grey.
//
//	m, err := spectrogram.Image(samples, 800, 257)
//
// draws samples that are in memory; a [Spectrogram] takes them block by block, whatever their number.
package spectrogram

import (
	"image"
	"image/color"
	"math"

	"ditas/internal/dsp"
)

const (
	// Window is the length of a frame in samples; a frame begins every quarter of it.
	Window = 512
	// Spectrograms are white at the lowest level and black at the highest, in dB; 0 dB is a sine at full scale.
	LowestLevel, HighestLevel = -110, -10
)

const (
	bins = Window/2 + 1
	hop  = Window / 4
)

// Power returns the power of frames of samples in bins from 0 to half the sampling rate, a sine at full scale having a power of
// 1: power[frame][bin]. The signal wraps round at its end. The number of samples is a multiple of half a window.
func Power(x []float64) ([][]float64, error) {
	t, err := dsp.NewSTFT[float64](Window, bins)
	if err != nil {
		return nil, err
	}
	n := t.Frames(len(x))
	re, im := make([]float64, n*bins), make([]float64, n*bins)
	power := make([][]float64, 2*n)
	// A sine window sums to 2/π of its length, and a sine has half of its amplitude at positive frequencies.
	full := 2.0 * Window / (math.Pi * math.Pi)
	shifted := append(append([]float64{}, x[hop:]...), x[:hop]...)
	for odd, samples := range [][]float64{x, shifted} {
		t.Forward(re, im, samples)
		for f := range n {
			p := make([]float64, bins)
			for k := range p {
				a, b := re[f*bins+k], im[f*bins+k]
				p[k] = (a*a + b*b) / full
			}
			power[2*f+odd] = p
		}
	}
	return power, nil
}

// shade returns the grey of a power.
func shade(power float64) color.Gray {
	level := 10 * math.Log10(max(power, 1e-30))
	t := (level - LowestLevel) / (HighestLevel - LowestLevel)
	return color.Gray{uint8(math.Round(255 * (1 - max(0, min(1, t)))))}
}

// Image returns a spectrogram of a width and a height in dots, low frequencies at the bottom. A dot has the mean power of what it
// covers. The signal is as Power takes it.
func Image(x []float64, width, height int) (image.Image, error) {
	power, err := Power(x)
	if err != nil {
		return nil, err
	}
	columns := make([][]float64, width)
	for i := range columns {
		columns[i] = make([]float64, bins)
		covered(len(power), width, i, func(f int, share float64) {
			for k, v := range power[f] {
				columns[i][k] += share * v
			}
		})
	}
	return paint(columns, height), nil
}

func paint(columns [][]float64, height int) image.Image {
	m := image.NewGray(image.Rect(0, 0, len(columns), height))
	for i, c := range columns {
		for j := range height {
			mean := 0.0
			covered(len(c), height, j, func(k int, share float64) { mean += share * c[k] })
			m.SetGray(i, height-1-j, shade(mean))
		}
	}
	return m
}

// covered calls do for every one of n cells that cell i of m equally wide ones over the same stretch covers, with its share of cell i.
func covered(n, m, i int, do func(cell int, share float64)) {
	from, to := float64(i)*float64(n)/float64(m), float64(i+1)*float64(n)/float64(m)
	for c := int(from); c < n && float64(c) < to; c++ {
		if share := (min(to, float64(c+1)) - max(from, float64(c))) / (to - from); share > 0 {
			do(c, share)
		}
	}
}

// Spectrogram is a spectrogram of recordings of any length. A channel is added after the other or with it, by a Channel for each; a
// dot has the mean power of the frames of all channels that are nearest to it.
type Spectrogram struct {
	columns [][]float64
	counts  []float64
	frames  int64
}

// New returns a Spectrogram of a width in dots for recordings of a number of samples a channel; both are at least 1.
func New(width int, samples int64) *Spectrogram {
	s := &Spectrogram{frames: (samples + hop - 1) / hop}
	// A column without a frame would be empty.
	s.columns = make([][]float64, min(int64(width), s.frames))
	s.counts = make([]float64, len(s.columns))
	for i := range s.columns {
		s.columns[i] = make([]float64, bins)
	}
	return s
}

// Channel takes the samples of one channel in order.
type Channel struct {
	to      *Spectrogram
	pending []float64
	frame   int64
}

// Channel returns a Channel that stands before the first sample.
func (s *Spectrogram) Channel() *Channel { return &Channel{to: s} }

// block is the number of samples that are transformed at a time, a multiple of half a window.
const block = 64 * Window

// Add adds the next samples.
func (c *Channel) Add(x []float64) error {
	c.pending = append(c.pending, x...)
	// The last frames of a block wrap round; they belong to the next block.
	const whole = (block-Window)/hop + 1
	for len(c.pending) >= block {
		if err := c.add(c.pending[:block], whole); err != nil {
			return err
		}
		c.pending = c.pending[:copy(c.pending, c.pending[whole*hop:])]
	}
	return nil
}

// Close ends the channel.
func (c *Channel) Close() error {
	frames := (len(c.pending) + hop - 1) / hop
	padded := make([]float64, (len(c.pending)/Window+2)*Window)
	copy(padded, c.pending)
	c.pending = nil
	return c.add(padded, frames)
}

// add adds the first frames of some samples.
func (c *Channel) add(x []float64, frames int) error {
	power, err := Power(x)
	if err != nil {
		return err
	}
	for _, p := range power[:frames] {
		if c.frame >= c.to.frames {
			break // of a recording that is longer than it was said to be
		}
		i := c.frame * int64(len(c.to.columns)) / c.to.frames
		for k, v := range p {
			c.to.columns[i][k] += v
		}
		c.to.counts[i]++
		c.frame++
	}
	return nil
}

// Image returns what was added as a picture of a height in dots, low frequencies at the bottom. It is as wide as New was told, or
// narrower if the recording has fewer frames.
func (s *Spectrogram) Image(height int) image.Image {
	columns := make([][]float64, len(s.columns))
	for i, c := range s.columns {
		columns[i] = make([]float64, len(c))
		for k, v := range c {
			columns[i][k] = v / max(1, s.counts[i])
		}
	}
	return paint(columns, height)
}
