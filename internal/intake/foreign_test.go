package intake_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/ffmpeg"
	"ditas/internal/intake"
)

// made has ffmpeg make a file of the demo's speech, and returns what is in it.
func made(t *testing.T, name string, args ...string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	err := ffmpeg.Run(t.Context(), append(append([]string{"-i", speech}, args...), name)...)
	if errors.Is(err, ffmpeg.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return read(t, name)
}

// empty checks that a folder for temporary files is.
func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s is left", e.Name())
	}
}

func TestForeign(t *testing.T) {
	want, err := codec.ReadFile(speech)
	if err != nil {
		t.Fatal(err)
	}
	film := []string{"-f", "lavfi", "-i", "color=c=teal:s=64x64:r=10", "-shortest", "-map", "1:v", "-map", "0:a"}
	files := map[string]string{ // by the format that is known
		"song.m4a": made(t, "song.m4a"), "film.mp4": made(t, "film.mp4", append(film, "-c:v", "mpeg4")...), "film.mov": made(t, "film.mov", append(film, "-c:v", "mpeg4")...),
		"film.mkv": made(t, "film.mkv", append(film, "-c:v", "mpeg4", "-c:a", "libmp3lame")...), "sound.webm": made(t, "sound.webm", "-c:a", "libopus"),
		"song.wma": made(t, "song.wma"), "song.aac": made(t, "song.aac"),
	}
	for name := range files {
		if !slices.Contains(intake.Extensions(), filepath.Ext(name)) {
			t.Errorf("extensions %q lack that of %s", intake.Extensions(), name)
		}
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for name, data := range files {
		format, _ := codec.ByName(name)
		f, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, ok := f.(*intake.Sound)
		if !ok || s.Given() != format || !codec.Lossy(f) {
			t.Fatalf("%s is %T", name, f)
		}
		got, err := audio.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		seconds, whole := float64(got.Frames())/float64(got.Format.Rate), float64(want.Frames())/float64(want.Format.Rate)
		if math.Abs(seconds-whole) > 0.15 || got.Format.Channels != want.Format.Channels || got.Format.Encoding != audio.Int16 {
			t.Errorf("%s: %.2f s of %+v, want %.2f s", name, seconds, got.Format, whole)
		}
		rms := func(r *audio.Recording) (sum float64) {
			for _, v := range r.Samples[0] {
				sum += v * v
			}
			return math.Sqrt(sum / float64(r.Frames()))
		}
		if dB := 20 * math.Log10(rms(got)/rms(want)); math.Abs(dB) > 1 {
			t.Errorf("%s is %.1f dB louder", name, dB)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		empty(t, tmp)
	}
	// What is read here needs no program, and what nobody reads is refused as ever.
	if f, err := intake.Foreign(t.Context(), strings.NewReader(read(t, speech)), int64(len(read(t, speech)))); err != nil {
		t.Errorf("%T, %v", f, err)
	} else if _, ok := f.(*intake.Sound); ok {
		t.Error("a WAV file was decoded by ffmpeg")
	}
	song := files["song.m4a"]
	for name, data := range map[string]string{"MIDI": "MThd\x00\x00\x00\x06" + strings.Repeat("\x00", 40), "a picture": read(t, photo), "cut off": song[:len(song)/2]} {
		_, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		if err == nil || intake.Advice(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := intake.Foreign(ctx, strings.NewReader(song), int64(len(song))); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	empty(t, tmp)
}

func TestForeignWithoutFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	data := "\x00\x00\x00\x18ftypM4A " + strings.Repeat("\x00", 40)
	_, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
	if !errors.Is(err, audio.ErrFormat) || !strings.Contains(err.Error(), "is MP4 (AAC or ALAC), which ditas reads by the program ffmpeg, and that is not installed; install ffmpeg") ||
		!strings.Contains(intake.Advice(err), "or convert it to WAV or FLAC first") {
		t.Errorf("got %v", err)
	}
	if got := intake.Extensions(); !slices.Equal(got, codec.Extensions(codec.Readable())) {
		t.Errorf("extensions %q", got)
	}
}
