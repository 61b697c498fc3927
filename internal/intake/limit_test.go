package intake

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/ffmpeg"
)

// generated has ffmpeg make a file of what one of its sources gives, and returns what is in it.
func generated(t *testing.T, name, source string, args ...string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	err := ffmpeg.Run(t.Context(), append(append([]string{"-f", "lavfi", "-i", source}, args...), name)...)
	if errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What is longer than what may be decoded is refused, not cut in silence.
func TestLongerThanIsDecoded(t *testing.T) {
	data := generated(t, "long.tta", "sine=d=10")
	format, _ := codec.ByName("long.tta")
	whole := int64(2 * 441000)
	s, err := decode(t.Context(), strings.NewReader(data), int64(len(data)), format, whole+1000)
	if err != nil || s.Frames() != 441000 {
		t.Fatalf("the whole of it: %v", err)
	}
	s.Close()
	_, err = decode(t.Context(), strings.NewReader(data), int64(len(data)), format, whole/2)
	if !errors.Is(err, audio.ErrUnsupported) || Advice(err) != "cut it, or convert it to FLAC first" {
		t.Errorf("half of it: %v", err)
	}
}

// Few bytes may not last for hours.
func TestSilenceInFewBytes(t *testing.T) {
	data := generated(t, "silence.wv", "anullsrc=r=192000:cl=stereo", "-t", "60", "-sample_fmt", "s32p")
	if _, err := Foreign(t.Context(), strings.NewReader(data), int64(len(data))); !errors.Is(err, audio.ErrUnsupported) {
		t.Errorf("a minute in %d bytes: %v", len(data), err)
	}
}

// While ffmpeg is at work, nothing has a name that would be left if ditas were killed.
func TestNothingHasAName(t *testing.T) {
	real, err := ffmpeg.Find()
	if err != nil || runtime.GOOS != "linux" {
		t.Skip(runtime.GOOS, err)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	dir, tmp := t.TempDir(), t.TempDir()
	song, seen := filepath.Join(dir, "song.tta"), filepath.Join(dir, "seen")
	if err := ffmpeg.Run(t.Context(), "-f", "lavfi", "-i", "sine=d=1", song); err != nil {
		t.Fatal(err)
	}
	spy := "#!" + shell + "\necho at work >> '" + seen + "'\nfor f in '" + tmp + "'/*; do if [ -e \"$f\" ]; then echo \"$f\" >> '" + seen + "'; fi; done\nexec '" + real + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, ffmpeg.Program), []byte(spy), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	t.Setenv("PATH", dir)
	data, err := os.ReadFile(song)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Foreign(t.Context(), strings.NewReader(string(data)), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.(*Sound).Close()
	if text, err := os.ReadFile(seen); err != nil || string(text) != "at work\nat work\n" {
		t.Errorf("%s, %v", text, err)
	}
}

// Files that have names are used alike, and nothing is left of them when they are closed.
func TestNamed(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP", tmp)
	var pair trade
	if err := pair.named("from"); err != nil {
		t.Fatal(err)
	}
	if _, err := pair.from.WriteString("in"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(pair.input); err != nil || string(text) != "in" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.WriteFile(pair.output, []byte("out"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 3)
	if _, err := pair.to.ReadAt(text, 0); err != nil || string(text) != "out" {
		t.Errorf("%q, %v", text, err)
	}
	if err := pair.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
