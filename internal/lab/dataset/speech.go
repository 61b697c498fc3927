package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"sort"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/dsp"
)

// Speech is a set of recordings in memory: 16 kHz, mono, two bytes a sample. It may be used by several goroutines at once.
type Speech struct {
	clips   []item[clip]
	ends    []int // ends[i] is the number of samples of clips 0 to i
	skipped []Skipped
}

// clip is a recording in units that make the best of 16 bits: its level means nothing, as it is scaled to [Peak] anyway.
type clip struct {
	pcm  []int16
	gain float32 // brings the loudest sample to Peak; 0 if all are silent
}

// maxFrames is the length up to which a recording is loaded: 70 minutes at 16 kHz, 23 at 48 kHz. While one is
// converted it takes up to 16 bytes a frame.
const maxFrames = 1 << 26

// OpenSpeech loads all recordings below dir that package codec reads, told apart by content, so a TIMIT tree with its
// SPHERE files named .WAV is as good as a folder of WAV files. Files of other kinds are passed over. Channels are averaged
// and other rates converted. Clips are numbered in the order of their paths.
func OpenSpeech(ctx context.Context, dir string, o LoadOptions) (*Speech, error) {
	items, skipped, err := load(ctx, dir, "recordings", o, func(f *os.File) (clip, int64, error) { return readClip(f, cmp.Or(o.Rate, Rate), o.FullBand) })
	if err != nil {
		return nil, err
	}
	s := &Speech{clips: items, ends: make([]int, len(items)), skipped: skipped}
	total := 0
	for i, c := range items {
		total += len(c.value.pcm)
		s.ends[i] = total
	}
	return s, nil
}

// Len returns the number of clips.
func (s *Speech) Len() int { return len(s.clips) }

// Name returns the path of clip i below the folder, with slashes.
func (s *Speech) Name(i int) string { return s.clips[i].name }

// Samples returns the number of samples of clip i.
func (s *Speech) Samples(i int) int { return len(s.clips[i].value.pcm) }

// PCM returns the samples of clip i: those of the file if it has one channel, the rate of all and at most 16 bits, and otherwise scaled to make the best of
// 16 bits. They must not be changed.
func (s *Speech) PCM(i int) []int16 { return s.clips[i].value.pcm }

// Skipped returns the recordings that could not be read, where [LoadOptions] allow that.
func (s *Speech) Skipped() []Skipped { return s.skipped }

// Clip fills dst with consecutive samples of one recording, at a scale that brings the loudest of the whole recording to
// [Peak]. Every second of the set is drawn as often as any other; a recording shorter than dst is repeated, from a random
// sample on. A silent recording stays silent.
func (s *Speech) Clip(rng *rand.Rand, dst []float32) {
	at := rng.IntN(s.ends[len(s.ends)-1])
	c := s.clips[sort.SearchInts(s.ends, at+1)].value
	start := 0
	if n := len(c.pcm); n > len(dst) {
		start = rng.IntN(n - len(dst) + 1)
	} else if n < len(dst) {
		start = rng.IntN(n)
	}
	c.fill(dst, start)
	for i := range dst {
		dst[i] *= c.gain
	}
}

// Cover fills dst with the start of clip i, which is repeated if it is shorter, scaled so that the loudest sample of dst is
// at [Peak], and rounded to what a 16-bit file holds: multiples of 2⁻¹⁵. It is the cover of the evaluation protocol.
func (s *Speech) Cover(i int, dst []float32) {
	s.clips[i].value.fill(dst, 0)
	var top float64
	for _, v := range dst {
		top = max(top, math.Abs(float64(v)))
	}
	if top == 0 {
		return
	}
	const full = 1 << 15
	for i, v := range dst {
		dst[i] = float32(audio.Round(float64(v)*(Peak/top), full) / full)
	}
}

// fill copies the samples from start on, going back to the first after the last.
func (c clip) fill(dst []float32, start int) {
	for len(dst) > 0 {
		part := c.pcm[start:]
		part = part[:min(len(part), len(dst))]
		for i, v := range part {
			dst[i] = float32(v)
		}
		dst = dst[len(part):]
		start = 0
	}
}

// readClip loads a recording.
func readClip(f *os.File, rate int, fullBand bool) (clip, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return clip{}, 0, err
	}
	file, err := codec.Open(f, info.Size())
	if errors.Is(err, audio.ErrFormat) {
		return clip{}, 0, errForeign
	}
	if err != nil {
		return clip{}, 0, err
	}
	format := file.Format()
	x, err := readMono(file)
	if err != nil {
		return clip{}, 0, err
	}
	if format.Rate != rate {
		filter := dsp.NewResampler
		if fullBand {
			filter = dsp.NewWideResampler
		}
		c, err := filter(format.Rate, rate)
		if err != nil {
			return clip{}, 0, err
		}
		x = c.Convert(x)
	}
	if len(x) == 0 {
		return clip{}, 0, errors.New("the recording is empty")
	}
	var top float64
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return clip{}, 0, errors.New("the recording holds samples that are not numbers")
		}
		top = max(top, math.Abs(v))
	}
	scale := float64(1 << 15)
	if exact := format.Rate == rate && format.Channels == 1 && !format.Encoding.IsFloat() && format.Encoding.Bits() <= 16; !exact && top > 0 {
		scale = math.MaxInt16 / top
	}
	c := clip{pcm: make([]int16, len(x))}
	if top > 0 {
		c.gain = float32(Peak / (top * scale))
	}
	for i, v := range x {
		c.pcm[i] = int16(math.RoundToEven(v * scale))
	}
	return c, 2 * int64(len(c.pcm)), nil
}

// readMono returns the mean of the channels.
func readMono(file audio.File) ([]float64, error) {
	channels := file.Format().Channels
	frames := file.Frames()
	if frames > maxFrames {
		return nil, fmt.Errorf("the recording of %d frames is longer than the %d that are read at once; cut it into pieces", frames, maxFrames)
	}
	mono := make([]float64, 0, max(frames, 0))
	block := audio.NewBlock(channels, max(1, 1<<13/channels))
	for r := file.Reader(); ; {
		n, err := r.Read(block)
		if err == io.EOF {
			return mono, nil
		}
		if err != nil {
			return nil, err
		}
		if len(mono)+n > maxFrames {
			return nil, fmt.Errorf("the recording is longer than the %d frames that are read at once; cut it into pieces", maxFrames)
		}
		for i := range n {
			var sum float64
			for _, channel := range block {
				sum += channel[i]
			}
			mono = append(mono, sum/float64(channels))
		}
	}
}
