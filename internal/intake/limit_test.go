package intake

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/ffmpeg"
)

// What is longer than what may be decoded is refused, not cut in silence.
func TestLongerThanIsDecoded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "long.tta")
	if err := ffmpeg.Run(t.Context(), "-f", "lavfi", "-i", "sine=d=10", name); errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	format, _ := codec.ByName(name)
	whole := int64(2 * 441000)
	s, err := decode(t.Context(), strings.NewReader(string(data)), int64(len(data)), format, whole+1000)
	if err != nil || s.Frames() != 441000 {
		t.Fatalf("the whole of it: %v", err)
	}
	s.Close()
	_, err = decode(t.Context(), strings.NewReader(string(data)), int64(len(data)), format, whole/2)
	if !errors.Is(err, audio.ErrUnsupported) || Advice(err) != "cut it, or convert it to FLAC first" {
		t.Errorf("half of it: %v", err)
	}
}
