package codec

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/audio"
)

func TestReadFile(t *testing.T) {
	for name, want := range map[string]string{
		"../wav/testdata/s16-2ch.wav":  "44100 Hz, 2 channels, 16-bit",
		"../wav/testdata/rf64.wav":     "44100 Hz, 8 channels, 16-bit",
		"../sphere/testdata/timit.sph": "16000 Hz, mono, 16-bit",
	} {
		rec, err := ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format.String() != want || rec.Frames() != 97 {
			t.Errorf("%s: %d frames of %v, want 97 of %s", name, rec.Frames(), rec.Format, want)
		}
	}
	for name, want := range map[string]string{
		"../flac/testdata/s24-2ch.flac": "96000 Hz, 2 channels, 24-bit",
		"../flac/testdata/around.flac":  "44100 Hz, mono, 16-bit", // behind an ID3 tag
	} {
		rec, err := ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format.String() != want || rec.Frames() != 3001 {
			t.Errorf("%s: %d frames of %v, want 3001 of %s", name, rec.Frames(), rec.Format, want)
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		name, data string
		err        error
		says       string
	}{
		{"empty.wav", "", audio.ErrFormat, "neither WAV, FLAC nor NIST SPHERE"},
		{"text.wav", "Call me Ishmael. Some years ago", audio.ErrFormat, "neither WAV, FLAC nor NIST SPHERE"},
		{"song.m4a", "\x00\x00\x00\x20ftypM4A ", audio.ErrFormat, "it is an MP4 file; convert it to WAV or FLAC first"},
		{"song.oga", "OggS\x00\x02\x00\x00", audio.ErrFormat, "it is an Ogg file"},
		{"song.mp3", "ID3\x04\x00\x00\x00\x00\x00\x03???\xFF\xFB\x90\x00", audio.ErrFormat, "it is an MP3 file"},
		{"short.m4a", "\x00\x00\x00\x20", audio.ErrFormat, "neither WAV, FLAC nor NIST SPHERE"},
		{"half.wav", "RIFF\x00\x00\x00\x00WAVEfmt ", audio.ErrMalformed, "ends before its samples"},
		{"half.flac", "fLaC\x00\x00\x00\x22", audio.ErrMalformed, "ends within its metadata"},
		{"half.sph", "NIST_1A\n   1024\n", audio.ErrMalformed, "ends before its samples"},
	} {
		name := filepath.Join(dir, test.name)
		if err := os.WriteFile(name, []byte(test.data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadFile(name)
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.name) {
			t.Errorf("%s: got %v, want %v that says %q", test.name, err, test.err, test.says)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "absent.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gave %v", err)
	}
}

func TestWavAndFlacCanBeWrittenAgain(t *testing.T) {
	for _, name := range []string{"../wav/testdata/chunks.wav", "../flac/testdata/tags.flac"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.(audio.Rewriter); !ok {
			t.Errorf("%T is not a Rewriter", f)
		}
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestReadErrorsAreReported(t *testing.T) {
	if _, err := Open(broken{}, 1000); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}
