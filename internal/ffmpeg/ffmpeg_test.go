package ffmpeg

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, version := Version(t.Context())
	for _, err := range []error{Run(t.Context(), "-version"), version} {
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install ffmpeg") {
			t.Errorf("got %v", err)
		}
	}
}

func TestRun(t *testing.T) {
	if _, err := Find(); err != nil {
		t.Skip(err)
	}
	if v, err := Version(t.Context()); err != nil || v == "" {
		t.Errorf("version %q, %v", v, err)
	}
	if err := Run(t.Context(), "-i", filepath.Join(t.TempDir(), "none.wav"), "-f", "null", "-"); err == nil || !strings.Contains(err.Error(), "none.wav: No such file") {
		t.Errorf("a file that is not there: %v", err)
	}
	// A silence of ten hours in real time would take as long.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Run(ctx, "-re", "-f", "lavfi", "-i", "anullsrc", "-t", "36000", "-f", "null", "-"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted: %v", err)
	}
}
