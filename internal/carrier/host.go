package carrier

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ditas/audio"
)

// MaxChannels is the largest number of channels of a recording that anything is hidden in.
const MaxChannels = 64

// ErrChannels says that a recording has more channels than a carrier writes to.
var ErrChannels = errors.New("too many channels")

// ErrRate says that a carrier does not write to recordings of such a sample rate.
var ErrRate = errors.New("nothing is hidden at this sample rate")

// CheckChannels returns an error that wraps [ErrChannels] if a recording has more than MaxChannels.
func CheckChannels(n int) error {
	if n > MaxChannels {
		return fmt.Errorf("%w: %d, and %d at most", ErrChannels, n, MaxChannels)
	}
	return nil
}

// Host is a recording that is read at any place, by one method of hiding after the other. It is not safe for concurrent
// use.
type Host struct {
	format audio.Format
	frames int64
	r      audio.Reader
	at     int64 // the frame that r gives next
	read   int64 // frames read so far
	part   [][]float64
	cut    error
}

// NewHost returns a Host of f. If f does not know how many frames it has, NewHost reads all of it once to count them.
func NewHost(ctx context.Context, f audio.File) (*Host, error) {
	h := &Host{format: f.Format(), frames: f.Frames(), r: f.Reader()}
	h.part = make([][]float64, h.format.Channels)
	if h.frames >= 0 {
		return h, nil
	}
	h.frames = 0
	block := audio.NewBlock(h.format.Channels, audio.BlockFrames(h.format.Channels, 1<<14))
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := h.r.Read(block)
		h.frames += int64(n)
		h.read += int64(n)
		if err == nil {
			continue
		}
		h.at = h.frames
		return h, h.end(err)
	}
}

// Format returns the recording's format.
func (h *Host) Format() audio.Format { return h.format }

// Channels returns the number of channels.
func (h *Host) Channels() int { return h.format.Channels }

// Frames returns how many frames the recording has; if the file is cut off, how many have turned out to be there so far.
func (h *Host) Frames() int64 { return h.frames }

// Passes returns how often the whole recording has been read, on average over its frames.
func (h *Host) Passes() float64 { return float64(h.read) / float64(max(1, h.frames)) }

// Cut returns an [audio.TruncatedError] if the file has turned out to be cut off, and nil otherwise.
func (h *Host) Cut() error { return h.cut }

// end returns what is left of a reader's error: a file that is cut off is a shorter recording.
func (h *Host) end(err error) error {
	var cut *audio.TruncatedError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &cut):
		h.cut, h.frames = err, min(h.frames, h.at)
		return nil
	}
	return err
}

// Finish finds out whether the file is cut off, which only reading beyond its last frame can tell.
func (h *Host) Finish() error {
	if h.at != h.frames {
		if err := h.r.SeekFrame(h.frames); err != nil {
			return err
		}
		h.at = h.frames
	}
	n, err := h.r.Read(audio.NewBlock(h.format.Channels, 1))
	if h.at += int64(n); err == nil {
		return nil
	}
	return h.end(err)
}

// Read fills block with the samples of all channels from frame from on, and with zeros beyond both ends of the
// recording.
func (h *Host) Read(block [][]float64, from int64) error {
	total := len(block[0])
	skip := int(min(max(0, -from), int64(total)))
	for c := range block {
		clear(block[c][:skip])
	}
	filled := skip
	for filled < total && from+int64(filled) < h.frames {
		if want := from + int64(filled); want != h.at {
			if err := h.r.SeekFrame(want); err != nil {
				return err
			}
			h.at = want
		}
		for c := range block {
			h.part[c] = block[c][filled:]
		}
		n, err := h.r.Read(h.part)
		h.at += int64(n)
		h.read += int64(n)
		filled += n
		if err != nil {
			if err := h.end(err); err != nil {
				return err
			}
			break
		}
	}
	for c := range block {
		clear(block[c][filled:])
	}
	return nil
}
