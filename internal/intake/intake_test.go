package intake_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/intake"
	"ditas/picture"
)

const (
	photo  = "../../cmd/ditas/demo/photo.png"
	speech = "../../cmd/ditas/demo/speech.wav"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Each file is taken where it belongs, and elsewhere the error says what it is and what is wanted.
func TestWrongFiles(t *testing.T) {
	for _, c := range []struct{ name, data, recording, picture string }{
		{"a recording", read(t, speech), "", "is a recording, and a picture is wanted here"},
		{"a picture", read(t, photo), "is a picture, and a recording is wanted here", ""},
		{"a damaged recording", "fLaC\x00\x00\x00\x22", "malformed", "is a recording, and a picture is wanted here"},
		{"a damaged picture", read(t, photo)[:100], "is a picture, and a recording is wanted here", "ends too early"},
		{"HEIC", "\x00\x00\x00\x18ftypheic" + strings.Repeat("\x00", 40), "is a picture, and a recording is wanted here", "HEIC cannot be read"},
		{"MP4", "\x00\x00\x00\x18ftypM4A " + strings.Repeat("\x00", 40), "is MP4 (AAC or ALAC), which ditas does not read", "is not a picture that ditas reads"},
		{"a text", "Call me Ishmael. Some years ago, never mind how long", "is not a recording that ditas reads", "is not a picture that ditas reads"},
		{"nothing", "", "is not a recording that ditas reads", "is not a picture that ditas reads"},
	} {
		r, size := strings.NewReader(c.data), int64(len(c.data))
		_, err := intake.Recording(r, size)
		check(t, c.name+" as a recording", err, c.recording)
		if err != nil && intake.Advice(err) == "" {
			t.Errorf("%s as a recording: no advice about %v", c.name, err)
		}
		_, err = intake.Picture(t.Context(), r, size, picture.MaxPixels)
		check(t, c.name+" as a picture", err, c.picture)
		var refusal *codec.Refusal
		if errors.As(err, &refusal) && !strings.Contains(refusal.Advice, "PNG") {
			t.Errorf("%s as a picture: the advice is %q", c.name, refusal.Advice)
		}
	}
}

func check(t *testing.T, what string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", what, err, want)
	}
}

func TestAdvice(t *testing.T) {
	if got := intake.Advice(&audio.TruncatedError{Frames: 1, Declared: 2}); !strings.Contains(got, "whole copy") {
		t.Errorf("of one that is cut off: %q", got)
	}
	joined := fmt.Errorf("flac: %w", &audio.JoinedError{At: 1625, What: "another FLAC file"})
	if got := intake.Advice(joined); got != "take them apart at that byte: head -c 1625 gives the first one, tail -c +1626 what follows" {
		t.Errorf("of two that are joined: %q", got)
	}
	if got := intake.Advice(audio.ErrDamaged); !strings.HasSuffix(got, "as WAV or FLAC") {
		t.Errorf("of a damaged one: %q", got)
	}
	if got := intake.Advice(errors.New("the disk is full")); got != "" {
		t.Errorf("of anything else: %q", got)
	}
}
