package set

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/ffmpeg"
)

// codec is a lossy format, as the program ffmpeg makes it.
type codec struct {
	extension string
	mono      bool // the channels are mixed first, as for voice messages
	args      []string
}

// pass returns what the codec leaves of a recording, as a decoder gives it out: at the codec's rate, and beginning and ending earlier or
// later where the format does not say how long the recording was.
func (c codec) pass(ctx context.Context, r *audio.Recording) (left *audio.Recording, err error) {
	dir, err := os.MkdirTemp("", "ditas-channel-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if c.mono {
		r = r.Mono() // ffmpeg's own mix is 3 dB louder for some encoders
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		return nil, err
	}
	from, coded, to := filepath.Join(dir, "from.wav"), filepath.Join(dir, "coded."+c.extension), filepath.Join(dir, "to.wav")
	if err := os.WriteFile(from, b.Bytes(), 0o600); err != nil {
		return nil, err
	}
	encode := append([]string{"-i", from}, c.args...)
	if err := ffmpeg.Run(ctx, append(encode, "-map_metadata", "-1", "-fflags", "+bitexact", coded)...); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := ffmpeg.Run(ctx, "-i", coded, "-c:a", "pcm_s16le", "-fflags", "+bitexact", to); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	data, err := os.ReadFile(to)
	if err != nil {
		return nil, err
	}
	return wav.Decode(bytes.NewReader(data), int64(len(data)))
}
