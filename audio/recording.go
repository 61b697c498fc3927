package audio

import (
	"fmt"
	"io"
)

// Recording is a whole recording in memory, eight bytes a sample.
type Recording struct {
	Format  Format
	Samples [][]float64 // one slice a channel, all equally long
}

// mostSamples is the number of samples of the largest block that is read at a time: 32 MiB.
const mostSamples = 1 << 22

// BlockFrames returns how many frames of a number of channels to read at a time: as many as wanted, or fewer where the block would be too
// large, at least one. A file of a few bytes may claim 65535 channels.
func BlockFrames(channels, wanted int) int { return max(1, min(wanted, mostSamples/max(1, channels))) }

// NewBlock returns a planar block of silence.
func NewBlock(channels, frames int) [][]float64 {
	flat := make([]float64, channels*frames)
	block := make([][]float64, channels)
	for c := range block {
		block[c] = flat[c*frames : (c+1)*frames : (c+1)*frames]
	}
	return block
}

// CheckBlock returns the number of frames in block, or an error if it does not have that many channels of equal length.
func CheckBlock(block [][]float64, channels int) (frames int, err error) {
	if len(block) != channels {
		return 0, fmt.Errorf("a block of %d channels was given where the recording has %d", len(block), channels)
	}
	for c := range block {
		if len(block[c]) != len(block[0]) {
			return 0, fmt.Errorf("channel %d has %d frames, channel 0 has %d", c, len(block[c]), len(block[0]))
		}
	}
	return len(block[0]), nil
}

// Frames returns the number of frames of r.
func (r *Recording) Frames() int {
	if len(r.Samples) == 0 {
		return 0
	}
	return len(r.Samples[0])
}

// Mono returns the mean of all channels as a recording of one channel. Its samples may lie between the steps of the
// format.
func (r *Recording) Mono() *Recording {
	mono := &Recording{Format: r.Format, Samples: NewBlock(1, r.Frames())}
	mono.Format.Channels = 1
	mix := mono.Samples[0]
	for _, channel := range r.Samples {
		for i, x := range channel {
			mix[i] += x
		}
	}
	n := float64(len(r.Samples))
	for i := range mix {
		mix[i] /= n
	}
	return mono
}

// firstSamples bounds what ReadAll takes from memory before it has seen any sample.
const firstSamples = 1 << 20

// ReadAll reads the whole of f. If f is cut off, the error is a *TruncatedError and the recording holds what there is.
func ReadAll(f File) (*Recording, error) {
	format := f.Format()
	frames := max(1, firstSamples/format.Channels)
	if n := f.Frames(); n >= 0 {
		frames = int(min(int64(frames), n+1))
	}
	rec := &Recording{Format: format, Samples: NewBlock(format.Channels, frames)}
	r := f.Reader()
	block := make([][]float64, format.Channels)
	for filled := 0; ; {
		if filled == frames {
			frames *= 2
			if n := f.Frames(); n >= int64(filled) {
				frames = int(min(int64(frames), n+1))
			}
			longer := NewBlock(format.Channels, frames)
			for c := range longer {
				copy(longer[c], rec.Samples[c])
			}
			rec.Samples = longer
		}
		for c := range block {
			block[c] = rec.Samples[c][filled:]
		}
		n, err := r.Read(block)
		filled += n
		if err == nil {
			continue
		}
		for c := range rec.Samples {
			rec.Samples[c] = rec.Samples[c][:filled]
		}
		if err == io.EOF {
			err = nil
		}
		return rec, err
	}
}
