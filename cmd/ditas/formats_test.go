package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/audio/codec"
	"ditas/internal/intake"
)

// said returns what a command line prints, and where it complains.
func said(t *testing.T, args ...string) (out, complaint string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	run(context.Background(), args, &stdout, &stderr)
	return stdout.String(), stderr.String()
}

// Every format is named where people look for it: in the help, in what shells complete, and in what is said of a
// wrong file.
func TestFormatsAreNamed(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(text, []byte("Call me Ishmael. Some years ago, never mind how long"), 0o600); err != nil {
		t.Fatal(err)
	}
	help, _ := said(t, "hide", "-h")
	help = strings.Join(strings.Fields(help), " ")
	completed, _ := said(t, "__complete", "inspect", "")
	written, _ := said(t, "__complete", "hide", "--out", "")
	_, wrong := said(t, "inspect", text)
	for _, f := range codec.Readable() {
		if !strings.Contains(help, f.Name()) {
			t.Errorf("the help does not name %s", f)
		}
		if !strings.Contains(wrong, f.Name()) {
			t.Errorf("what is said of a text does not name %s: %s", f, wrong)
		}
		for _, extension := range codec.Extensions([]*codec.Format{f}) {
			if line := "\n" + extension[1:] + "\n"; !strings.Contains("\n"+completed, line) || strings.Contains("\n"+written, line) != f.Writable() {
				t.Errorf("%s is completed in %q and %q", extension, completed, written)
			}
		}
	}
	for _, line := range strings.Split(hideHelp(), "\n") {
		if n := len([]rune(line)); n > helpWidth {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}

// What is said of a file of a format that is not read is what package intake says, which the page says too.
func TestForeignFiles(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // without ffmpeg
	for name, data := range map[string]string{
		"song.m4a": "\x00\x00\x00\x20ftypM4A ", "song.spx": "OggS" + strings.Repeat("\x00", 24) + "Speex   ", "song.mid": "MThd\x00\x00\x00\x06",
		"song.txt": "Call me Ishmael. Some years ago, never mind how long",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := intake.Foreign(t.Context(), strings.NewReader(data), int64(len(data)))
		var refusal *codec.Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("%s: %v", name, err)
		}
		_, got := said(t, "inspect", path)
		if want := "ditas: " + path + " " + refusal.Says + "\nhint: " + refusal.Advice + "\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
