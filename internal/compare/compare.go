// Package compare measures how two recordings, or two pictures, differ, and draws it.
//
//	report, err := compare.Recordings(ctx, cover, stego, compare.Options{Figure: true})
//	err = report.Figure(file, "png")
//
// Recordings are read block by block, whatever their length; [Options].Align finds out where one of them begins in the other. The
// first of the two is the original.
package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"ditas/audio"
	"ditas/internal/spectrogram"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
)

// ErrFormat is wrapped by the error for two recordings of different rates or numbers of channels, ErrLength by that for two of
// different lengths, and ErrUnrelated by that for two that cannot be aligned.
var (
	ErrFormat    = errors.New("recordings of different kinds cannot be compared")
	ErrLength    = errors.New("recordings of different lengths cannot be compared as they are")
	ErrUnrelated = errors.New("neither recording is found in the other")
)

// Options says how to compare recordings.
type Options struct {
	// Align compares what the two have in common where one begins before the other, or ends after it.
	Align bool
	// Figure keeps what RecordingReport.Figure draws. It takes about as long again.
	Figure bool
	// Progress, if set, is called now and then.
	Progress func(done, total int)
}

// RecordingReport tells how two recordings differ. Measures that have no finite value, as the SNR of equal recordings, are nil.
type RecordingReport struct {
	Format  audio.Format `json:"-"` // of the first
	Frames  int64        `json:"frames"`
	Seconds float64      `json:"seconds"`
	// Offset is how many frames of the first recording stand before the second, negative if the second begins earlier.
	Offset       int64    `json:"offset"`
	Equal        bool     `json:"equal"`
	Differing    float64  `json:"differing"` // share of the samples
	MSE          float64  `json:"mse"`       // full scale is 1
	SNR          *float64 `json:"snr"`       // dB
	SegmentalSNR float64  `json:"segmentalSNR"`
	MaxDeviation float64  `json:"maxDeviation"`
	// NoNumbers is the share of the samples that are infinite or no numbers in one of the recordings and not the same in the other. Where there are
	// any, nothing tells what an ear would hear: NMR, Masked, Disturbed, ODG and PEAQ are nil.
	NoNumbers float64 `json:"noNumbers,omitempty"`
	// NMR is the noise-to-mask ratio in dB, Masked the share of the moments in which the change is below what the ear masks, and
	// Disturbed the share in which it stands out: see package metric.
	NMR       *float64 `json:"nmr"`
	Masked    *float64 `json:"masked"`
	Disturbed *float64 `json:"disturbed"`
	// ODG is the grade that listeners would give, from 0 (imperceptible) to −4 (very annoying), and PEAQ what it is made of.
	ODG  *float64           `json:"odg"`
	PEAQ *metric.PEAQResult `json:"peaq"`

	moments [][]metric.NMR
	panels  []*spectrogram.Spectrogram // the two recordings and their difference, if they are to be drawn
}

// PictureReport tells how two pictures differ. Measures that have no finite value, or that small pictures do not have, are nil.
type PictureReport struct {
	Width     int      `json:"width"`
	Height    int      `json:"height"`
	Equal     bool     `json:"equal"`
	Differing float64  `json:"differing"` // share of the pixels, in 8 bits
	MSE       float64  `json:"mse"`
	PSNR      *float64 `json:"psnr"` // dB
	SSIM      *float64 `json:"ssim"`
	MSSSIM    *float64 `json:"msssim"`

	a, b *picture.Planes
}

// Pictures compares two pictures of one size.
func Pictures(a, b *picture.Planes) (*PictureReport, error) {
	mse, err := quality.MSE(a, b)
	if err != nil {
		return nil, fmt.Errorf("pictures of %d×%d and %d×%d pixels: %w", a.Width, a.Height, b.Width, b.Height, err)
	}
	r := &PictureReport{Width: a.Width, Height: a.Height, MSE: mse, a: a, b: b}
	x, y := a.Image(), b.Image()
	differing := 0
	for i := 0; i < len(x.Pix); i += 4 {
		if !slices.Equal(x.Pix[i:i+3], y.Pix[i:i+3]) {
			differing++
		}
	}
	r.Differing = float64(differing) / float64(a.Width*a.Height)
	r.Equal = mse == 0
	for _, m := range []struct {
		to      **float64
		measure func(a, b *picture.Planes) (float64, error)
	}{{&r.PSNR, quality.PSNR}, {&r.SSIM, quality.SSIM}, {&r.MSSSIM, quality.MSSSIM}} {
		v, err := m.measure(a, b)
		if err != nil && !errors.Is(err, quality.ErrSize) {
			return nil, err
		}
		if err == nil {
			*m.to = finite(v)
		}
	}
	return r, nil
}

// finite returns v, or nil if it is infinite or no number.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

// maxChannels is the largest number of channels that are compared. An ear is modelled for each.
const maxChannels = 64

// blockFrames is the number of frames that are read at a time.
const blockFrames = 1 << 15

// Recordings compares two recordings of one rate and one number of channels. The error wraps ErrFormat, ErrLength or ErrUnrelated
// where one of them is the reason, and is an *audio.TruncatedError for a file that is cut off.
func Recordings(ctx context.Context, a, b audio.File, o Options) (*RecordingReport, error) {
	f, g := a.Format(), b.Format()
	switch {
	case f.Rate != g.Rate:
		return nil, fmt.Errorf("%w: one has a rate of %d Hz, the other of %d Hz", ErrFormat, f.Rate, g.Rate)
	case f.Channels != g.Channels:
		return nil, fmt.Errorf("%w: one has %d channels, the other %d", ErrFormat, f.Channels, g.Channels)
	case f.Channels > maxChannels:
		return nil, fmt.Errorf("%w: they have %d channels, and at most %d are compared", ErrFormat, f.Channels, maxChannels)
	}
	n, err := frames(ctx, a)
	if err != nil {
		return nil, err
	}
	m, err := frames(ctx, b)
	if err != nil {
		return nil, err
	}
	r := &RecordingReport{Format: f, Frames: min(n, m)}
	switch {
	case o.Align:
		if r.Offset, err = align(ctx, a, b, n, m); err != nil {
			return nil, err
		}
		r.Frames = min(n-max(0, r.Offset), m-max(0, -r.Offset))
	case n != m:
		return nil, fmt.Errorf("%w: one lasts %.3f s, the other %.3f s", ErrLength, f.Duration(n).Seconds(), f.Duration(m).Seconds())
	}
	r.Seconds = f.Duration(r.Frames).Seconds()
	if o.Figure {
		for range 3 {
			r.panels = append(r.panels, spectrogram.New(plotWidth, max(1, r.Frames)))
		}
	}
	return r, r.measure(ctx, a, b, o.Progress)
}

// frames returns the number of frames of a file, which it reads if need be.
func frames(ctx context.Context, f audio.File) (int64, error) {
	if n := f.Frames(); n >= 0 {
		return n, nil
	}
	n := int64(0)
	err := each(ctx, f, 0, func(block [][]float64) error {
		n += int64(len(block[0]))
		return nil
	})
	return n, err
}

// each reads a file block by block from a frame on.
func each(ctx context.Context, f audio.File, from int64, do func(block [][]float64) error) error {
	r, block := f.Reader(), audio.NewBlock(f.Format().Channels, audio.BlockFrames(f.Format().Channels, blockFrames))
	if err := r.SeekFrame(from); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(block)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(front(block, n)); err != nil {
			return err
		}
	}
}

// front returns the first n frames of a block.
func front(block [][]float64, n int) [][]float64 {
	list := make([][]float64, len(block))
	for c, x := range block {
		list[c] = x[:n]
	}
	return list
}

// settle replaces samples that are no numbers or infinite, which nothing can be measured with: by zeros where they are the same in both
// recordings, and else so that they differ by full scale. It returns how many those are.
func settle(x, y []float64) (unlike int64) {
	for i, v := range x {
		w := y[i]
		if v-v == 0 && w-w == 0 {
			continue
		}
		switch {
		case v == w || v != v && w != w:
			x[i], y[i] = 0, 0
			continue
		case w-w == 0:
			x[i] = w + 1
		case v-v == 0:
			y[i] = v + 1
		default:
			x[i], y[i] = 0, 1
		}
		unlike++
	}
	return unlike
}

// plotWidth is the width of spectrograms in dots.
const plotWidth = 1000

func (r *RecordingReport) measure(ctx context.Context, a, b audio.File, progress func(done, total int)) error {
	c, err := metric.NewComparisonWithPEAQ(r.Format.Rate, r.Format.Channels)
	if err != nil {
		return err
	}
	channels := make([][]*spectrogram.Channel, len(r.panels))
	for i, p := range r.panels {
		for range r.Format.Channels {
			channels[i] = append(channels[i], p.Channel())
		}
	}
	other := b.Reader()
	if err := other.SeekFrame(max(0, -r.Offset)); err != nil {
		return err
	}
	y := audio.NewBlock(r.Format.Channels, audio.BlockFrames(r.Format.Channels, blockFrames))
	difference := make([]float64, blockFrames)
	var done, unlike int64
	err = each(ctx, a, max(0, r.Offset), func(x [][]float64) error {
		n := int(min(int64(len(x[0])), r.Frames-done))
		if n == 0 {
			return nil
		}
		got, err := other.Read(front(y, n))
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if got < n {
			return fmt.Errorf("%w: one ends before it says it does", ErrLength)
		}
		x, y := front(x, n), front(y, n)
		for i := range x {
			unlike += settle(x[i], y[i])
		}
		if err := c.Add(x, y); err != nil {
			return err
		}
		for i := range x {
			for k := range n {
				difference[k] = y[i][k] - x[i][k]
			}
			for panel, samples := range [][]float64{x[i], y[i], difference[:n]}[:len(channels)] {
				if err := channels[panel][i].Add(samples); err != nil {
					return err
				}
			}
		}
		if done += int64(n); progress != nil {
			progress(int(done), int(r.Frames))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if done < r.Frames {
		return fmt.Errorf("%w: one ends before it says it does", ErrLength)
	}
	for _, list := range channels {
		for _, channel := range list {
			if err := channel.Close(); err != nil {
				return err
			}
		}
	}
	figures := c.Figures()
	r.Equal = figures.Differing == 0
	if figures.Samples > 0 {
		r.Differing = float64(figures.Differing) / float64(figures.Samples)
	}
	r.MSE, r.SNR, r.SegmentalSNR, r.MaxDeviation = figures.MSE, finite(figures.SNR), figures.SegmentalSNR, figures.MaxDeviation
	if unlike > 0 {
		r.NoNumbers = float64(unlike) / float64(figures.Samples)
		return nil
	}
	r.NMR, r.moments = finite(figures.NMR), figures.Moments
	if r.moments != nil {
		r.Masked, r.Disturbed = &figures.Masked, &figures.Disturbed
	}
	if p := figures.PEAQ; p != nil && !math.IsNaN(p.ODG) {
		r.ODG, r.PEAQ = &p.ODG, p
	}
	return nil
}
