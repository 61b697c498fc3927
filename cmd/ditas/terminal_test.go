package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// Names of files do not get at the terminal.
func TestEscapeCodesAreShown(t *testing.T) {
	for given, want := range map[string]string{
		"new\x1b[31mred.wav": `new\x1b[31mred.wav`, "bell\a": `bell\a`, "C1 \u009b31m": `C1 \u009b31m`, "C1 \x9b": `C1 \x9b`, "gnp.\u202ewav": `gnp.\u202ewav`,
		"Größe 2×3 – naïve 🎵\tof\n": "Größe 2×3 – naïve 🎵\tof\n", "\ufffd": "\ufffd",
	} {
		if got := visible(given); got != want {
			t.Errorf("%q is shown as %q, want %q", given, got, want)
		}
	}
	var stderr bytes.Buffer
	name := "missing\x1b[31mred.wav"
	if code := run(context.Background(), []string{"inspect", name}, io.Discard, &stderr); code != exitFailed || !strings.Contains(stderr.String(), `missing\x1b[31mred.wav`) {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
	var stdout bytes.Buffer
	o := terminal{out: &stdout, err: &stderr}
	stderr.Reset()
	o.warn(name, name)
	o.printf("%s\n", name)
	if strings.Contains(stdout.String()+stderr.String(), "\x1b") {
		t.Errorf("prints %q, %q", &stdout, &stderr)
	}
}
