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

const (
	// hugePNG is the beginning of a PNG file that promises 400 megapixels.
	hugePNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00N \x00\x00N \x08\x02\x00\x00\x00\x6c\x12\xd1\x6e"
	// twoChunks is a WAV file with samples at two places.
	twoChunks = "RIFF\x30\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80>\x00\x00\x00}\x00\x00\x02\x00\x10\x00" +
		"data\x04\x00\x00\x00\x01\x00\x02\x00data\x04\x00\x00\x00\x01\x00\x02\x00"
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
		{"JPEG XL", "\x00\x00\x00\x0cJXL \r\n\x87\n" + strings.Repeat("\x00", 40), "is a picture, and a recording is wanted here", "is JPEG XL, which ditas does not read"},
		{"CR3", "\x00\x00\x00\x18ftypcrx " + strings.Repeat("\x00", 40), "is a picture, and a recording is wanted here", "is CR3 (camera raw), which ditas does not read"},
		{"MP4", "\x00\x00\x00\x18ftypM4A " + strings.Repeat("\x00", 40), "is MP4 (AAC or ALAC), which ditas does not read", "is not a picture that ditas reads"},
		{"two chunks of samples", twoChunks, "a second chunk of samples begins at byte 48", "is a recording, and a picture is wanted here"},
		{"a huge picture", hugePNG, "is a picture, and a recording is wanted here", "20000×20000 is more than 100 megapixels"},
		{"a text", "Call me Ishmael. Some years ago, never mind how long", "is not a recording that ditas reads", "is not a picture that ditas reads"},
		{"nothing", "", "is not a recording that ditas reads", "is not a picture that ditas reads"},
	} {
		r, size := strings.NewReader(c.data), int64(len(c.data))
		_, err := intake.Recording(r, size)
		check(t, c.name+" as a recording", err, c.recording)
		if err != nil && intake.Advice(err) == "" {
			t.Errorf("%s as a recording: no advice about %v", c.name, err)
		}
		once(t, err)
		_, err = intake.Picture(t.Context(), r, size, picture.MaxPixels)
		check(t, c.name+" as a picture", err, c.picture)
		once(t, err)
		var refusal *codec.Refusal
		if errors.As(err, &refusal) && !strings.Contains(refusal.Advice, "PNG") {
			t.Errorf("%s as a picture: the advice is %q", c.name, refusal.Advice)
		}
	}
}

// once fails if what an error says is said again by the advice about it.
func once(t *testing.T, err error) {
	t.Helper()
	if errors.As(err, new(*codec.Refusal)) {
		return // whoever tells it takes the parts of it
	}
	advice := strings.Fields(intake.Advice(err))
	if begins := strings.Join(advice[:min(2, len(advice))], " "); begins != "" && strings.Contains(err.Error(), begins) {
		t.Errorf("%v: and then %q", err, intake.Advice(err))
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
