package robustness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/cmplx"
	"os"
	"path/filepath"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/dsp"
	"ditas/internal/ffmpeg"
	"ditas/internal/lab/experiment"
)

// codec is a lossy format, as ffmpeg makes it.
type codec struct {
	name, encoder string // the latter as ffmpeg calls it
	extension     string
	kbits         int // a second
}

// codecs are the formats in which recordings are sent most.
var codecs = []codec{
	{"MP3", "libmp3lame", "mp3", 128}, {"MP3", "libmp3lame", "mp3", 64}, {"Opus", "libopus", "opus", 96}, {"Opus", "libopus", "opus", 32},
}

func (c codec) String() string { return fmt.Sprintf("%s, %d kbit/s", c.name, c.kbits) }

// lacking tells why the codec cannot be used, "" if it can.
func (c codec) lacking(ctx context.Context) string {
	if _, err := ffmpeg.Find(); err != nil {
		return ffmpeg.Program + " not found"
	}
	trial := experiment.Recording(make([]float32, 1<<12))
	if _, err := c.pass(ctx, trial); err != nil {
		return fmt.Sprintf("%s has no %s that works", ffmpeg.Program, c.encoder)
	}
	return ""
}

// pass returns what the codec leaves of a recording of one channel, at its rate. It may begin earlier or later, and end so.
func (c codec) pass(ctx context.Context, r *audio.Recording) (left *audio.Recording, err error) {
	dir, err := os.MkdirTemp("", "ditas")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		return nil, err
	}
	from, coded, to := filepath.Join(dir, "from.wav"), filepath.Join(dir, "coded."+c.extension), filepath.Join(dir, "to.wav")
	if err := os.WriteFile(from, b.Bytes(), 0o600); err != nil {
		return nil, err
	}
	if err := ffmpeg.Run(ctx, "-i", from, "-c:a", c.encoder, "-b:a", fmt.Sprintf("%dk", c.kbits), coded); err != nil {
		return nil, fmt.Errorf("%v: encode: %w", c, err)
	}
	if err := ffmpeg.Run(ctx, "-i", coded, "-ac", "1", "-ar", fmt.Sprint(r.Format.Rate), "-c:a", "pcm_s16le", to); err != nil {
		return nil, fmt.Errorf("%v: decode: %w", c, err)
	}
	data, err := os.ReadFile(to)
	if err != nil {
		return nil, err
	}
	return wav.Decode(bytes.NewReader(data), int64(len(data)))
}

// farthest is how many samples a codec may shift a recording by to be found: encoder and decoder of an MP3 file delay by some
// 2,300 together where nothing makes up for it.
const farthest = 1 << 12

// align returns the samples of what was received that belong to those of a reference, as many as those: the shift is the one of
// the largest correlation. What is missing at the ends is silent.
func align(reference, received []float64) ([]float64, error) {
	correlation, err := correlate(reference, received[:min(len(received), len(reference)+farthest)])
	if err != nil {
		return nil, err
	}
	shift := 0
	for lag := -farthest; lag <= farthest; lag++ {
		n := len(correlation)
		if correlation[(lag+n)%n] > correlation[(shift+n)%n] {
			shift = lag
		}
	}
	out := make([]float64, len(reference))
	if from := max(0, shift); from < len(received) {
		copy(out[min(max(0, -shift), len(out)):], received[from:])
	}
	return out, nil
}

// correlate returns the sums over t of x(t)·y(t+lag), those of negative lags at the end, for lags up to farthest either way. Both
// spectra come from one transform.
func correlate(x, y []float64) ([]float64, error) {
	n := 1
	for n < max(len(x), len(y))+farthest+1 {
		n *= 2
	}
	f, err := dsp.NewFFT[float64](n)
	if err != nil {
		return nil, err
	}
	re, im := make([]float64, n), make([]float64, n)
	copy(re, x)
	copy(im, y)
	f.Forward(re, im)
	outRe, outIm := make([]float64, n), make([]float64, n)
	for k := range n {
		m := (n - k) % n
		a := complex(re[k]+re[m], im[k]-im[m]) / 2
		b := complex(im[k]+im[m], re[m]-re[k]) / 2
		c := cmplx.Conj(a) * b
		outRe[k], outIm[k] = real(c), imag(c)
	}
	f.Forward(outIm, outRe)
	for i := range outRe {
		outRe[i] /= float64(n)
	}
	return outRe, nil
}
