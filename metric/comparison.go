package metric

import (
	"fmt"
	"math"
)

// Comparison measures recordings of several channels that are read block by block, whatever their length:
//
//	c, err := metric.NewComparison(rate, channels)
//	for … {
//		err = c.Add(cover, stego) // the next frames of both
//	}
//	figures := c.Figures()
type Comparison struct {
	channels  []lane
	segment   int // samples of a frame of the segmental SNR
	masking   *Masking
	count     int64
	differing int64
	signal    float64
	noise     float64
	largest   float64
	segments  segments
	peaq      *PEAQ // nil unless wanted and possible
	ended     bool
}

// lane is what is pending in a channel: less than a frame of each kind.
type lane struct {
	signal, noise float64 // of a segment that has begun
	samples       int     // that it has
	x, y          []float64
	listener      *listener
	moments       []NMR
}

// Figures are what a Comparison has measured over all channels. Each has the meaning of the function of its name.
type Figures struct {
	Samples      int64 // of all channels together
	Differing    int64 // how many of them are not equal
	MSE          float64
	SNR          float64 // dB
	SegmentalSNR float64 // dB, in frames of 20 ms
	MaxDeviation float64
	// Moments are the noise-to-mask ratios of each channel, frame by frame, nil for a rate that [Masking] does not take.
	Moments [][]NMR
	// NMR is the mean of Moments[c][i].Mean as a ratio of energies, in dB: the Total NMR of PEAQ's basic version,
	// −Inf where the recordings are equal and NaN without moments. [PEAQResult].NMRTotal differs where channels
	// differ, because it is the mean of their ratios in dB; below a rate of 36 kHz, because it is a mean over all
	// bands up to 18 kHz, which makes it 1 dB lower at 16 kHz; and a little where recordings begin or end in
	// silence. Masked is the share of moments in which Mean is below 0 dB, and Disturbed the share in which Max
	// exceeds 1.5 dB.
	NMR               float64
	Masked, Disturbed float64
	// PEAQ is the grade that a panel of listeners would give. It is nil unless [NewComparisonWithPEAQ] made the
	// Comparison, and for a rate that [PEAQ] does not take.
	PEAQ *PEAQResult
}

// NewComparison returns a Comparison of recordings of a rate in Hz and a number of channels, both at least 1.
func NewComparison(rate, channels int) (*Comparison, error) {
	if rate < 1 || channels < 1 {
		return nil, fmt.Errorf("comparison at %d Hz in %d channels: want at least 1 of each", rate, channels)
	}
	c := &Comparison{channels: make([]lane, channels), segment: max(1, rate/50)}
	if m, err := NewMasking(rate); err == nil {
		c.masking = m
		for i := range c.channels {
			c.channels[i].listener = m.newListener()
		}
	}
	return c, nil
}

// NewComparisonWithPEAQ returns a Comparison that finds [Figures].PEAQ as well, at about five times the cost.
func NewComparisonWithPEAQ(rate, channels int) (*Comparison, error) {
	c, err := NewComparison(rate, channels)
	if err != nil {
		return nil, err
	}
	if p, err := NewPEAQ(rate, channels); err == nil {
		c.peaq = p
	}
	return c, nil
}

// Add measures the next samples of the cover and of the stego recording, one slice for each channel, all equally long.
func (c *Comparison) Add(cover, stego [][]float64) error {
	if err := sameChannels("comparison", len(c.channels), cover, stego); err != nil {
		return err
	}
	for i, x := range cover {
		c.add(&c.channels[i], x, stego[i])
	}
	if c.peaq != nil {
		return c.peaq.Add(cover, stego)
	}
	return nil
}

// sameChannels checks that both recordings have a number of channels, all equally long.
func sameChannels(what string, channels int, cover, stego [][]float64) error {
	if len(cover) != channels || len(stego) != channels {
		return fmt.Errorf("%s of %d channels: %d and %d were given: %w", what, channels, len(cover), len(stego), ErrSize)
	}
	for i, x := range cover {
		if len(x) != len(cover[0]) || len(stego[i]) != len(cover[0]) {
			return fmt.Errorf("%s: channels of %d, %d and %d samples: %w", what, len(cover[0]), len(x), len(stego[i]), ErrSize)
		}
	}
	return nil
}

func (c *Comparison) add(l *lane, x, y []float64) {
	c.count += int64(len(x))
	for i, v := range x {
		d := v - y[i]
		if d != 0 {
			c.differing++
		}
		l.signal += v * v
		l.noise += d * d
		c.largest = max(c.largest, math.Abs(d))
		if l.samples++; l.samples == c.segment {
			c.endSegment(l)
		}
	}
	if c.masking == nil {
		return
	}
	l.x, l.y = append(l.x, x...), append(l.y, y...)
	window, from := c.masking.Window(), 0
	for ; len(l.x)-from >= window; from += c.masking.Hop() {
		l.moments = append(l.moments, l.listener.next(l.x[from:from+window], l.y[from:from+window]))
	}
	l.x, l.y = l.x[:copy(l.x, l.x[from:])], l.y[:copy(l.y, l.y[from:])]
}

func (c *Comparison) endSegment(l *lane) {
	c.signal, c.noise = c.signal+l.signal, c.noise+l.noise
	c.segments.add(l.signal, l.noise)
	l.signal, l.noise, l.samples = 0, 0, 0
}

// Figures returns what was measured. Nothing can be added afterwards.
func (c *Comparison) Figures() Figures {
	if !c.ended {
		c.ended = true
		for i := range c.channels {
			l := &c.channels[i]
			if l.samples > 0 {
				c.endSegment(l)
			}
			// The last frame ends with the recording or behind it: see NoiseToMask.
			if c.masking != nil && (len(l.x) > c.masking.Hop() || len(l.moments) == 0 && len(l.x) > 0) {
				l.moments = append(l.moments, l.listener.next(l.x, l.y))
			}
			l.x, l.y = nil, nil
		}
	}
	f := Figures{Samples: c.count, Differing: c.differing, SNR: ratio(c.signal, c.noise), SegmentalSNR: c.segments.mean(), MaxDeviation: c.largest}
	if c.count > 0 {
		f.MSE = c.noise / float64(c.count)
	}
	moments, sum := 0, 0.0
	for i := range c.channels {
		for _, m := range c.channels[i].moments {
			moments++
			sum += math.Pow(10, m.Mean/10)
			if m.Mean < 0 {
				f.Masked++
			}
			if m.Max > 1.5 {
				f.Disturbed++
			}
		}
		if c.masking != nil {
			f.Moments = append(f.Moments, c.channels[i].moments)
		}
	}
	if c.peaq != nil {
		r := c.peaq.Result()
		f.PEAQ = &r
	}
	f.NMR = 10 * math.Log10(sum/float64(moments))
	if moments > 0 {
		f.Masked, f.Disturbed = f.Masked/float64(moments), f.Disturbed/float64(moments)
	}
	return f
}
