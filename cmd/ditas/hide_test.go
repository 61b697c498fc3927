package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/report"
)

// A picture is not read for somebody who has given up.
func TestReadPictureStops(t *testing.T) {
	name := filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(name, []byte("whoever reads this finds that it is no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readPicture(ctx, name); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What a recording too quiet is in need of depends on the method, and on what was asked for.
func TestExplainQuiet(t *testing.T) {
	for bits, want := range map[int]string{0: "--for secret", 8: "16 bits"} {
		var hint *hintError
		quiet := &report.TooQuietError{Faint: true, Bits: bits}
		if err := explain(quiet, &recording{name: "cover.wav"}, ditas.Lattice); !errors.As(err, &hint) || !strings.Contains(hint.hint, "leave out --faint") || !strings.Contains(hint.hint, want) {
			t.Errorf("%d bits: hint %+v", bits, hint)
		}
	}
	for _, m := range ditas.Methods() {
		quiet := &report.TooQuietError{Asked: 50, Reached: m.MinSNR - 1}
		var hint *hintError
		if err := explain(quiet, &recording{name: "cover.wav"}, m.Name); !errors.As(err, &hint) || strings.Contains(hint.hint, "--snr") {
			t.Errorf("%s: hint %+v", m.Name, hint)
		}
		quiet.Reached = m.MinSNR + 1
		if err := explain(quiet, &recording{name: "cover.wav"}, m.Name); !errors.As(err, &hint) || !strings.Contains(hint.hint, "--snr") {
			t.Errorf("%s: hint %+v", m.Name, hint)
		}
	}
}

func TestProvided(t *testing.T) {
	for loss, want := range map[float64]string{
		0: "if nothing of the recording is lost", 0.004: "if nothing of the recording is lost",
		0.506: "unless more than 50 % of the recording is lost",
	} {
		if got := provided(loss); got != want {
			t.Errorf("loss of %g: %s, want %s", loss, got, want)
		}
	}
}

// A file that comes while another of its name is being made is not replaced either.
func TestLatecomer(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "stego.wav")
	come := make(chan error, 1)
	go func() {
		for t.Context().Err() == nil {
			if parts, _ := filepath.Glob(filepath.Join(dir, ".*.part")); len(parts) > 0 {
				come <- os.WriteFile(out, []byte("mine"), 0o600)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var stdout, stderr bytes.Buffer
	args := []string{"hide", "-i", filepath.Join("demo", "photo.png"), "-c", filepath.Join("demo", "speech.wav"), "-o", out}
	if code := run(t.Context(), args, &stdout, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "exists already") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if err := <-come; err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "mine" {
		t.Errorf("%q: %v", got, err)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, ".*")); len(parts) > 0 {
		t.Errorf("left: %v", parts)
	}
}

// Names that ditas gives fit into a folder, and are whole characters.
func TestNamesFit(t *testing.T) {
	a, ä := strings.Repeat("a", 251), strings.Repeat("ä", 125)
	for _, c := range []struct{ got, want string }{
		{numbered("a.wav", 1), "a.wav"}, {numbered("a.wav", 2), "a-2.wav"}, {numbered("sub/a", 12), "sub/a-12"},
		{numbered(a+".wav", 1), a + ".wav"}, {numbered(a+".wav", 2), a[:249] + "-2.wav"}, {numbered("far/"+a+".wav", 10), "far/" + a[:248] + "-10.wav"},
		{numbered(ä+".wav", 2), ä[:248] + "-2.wav"}, {ending(ä, ".flac"), ä + ".flac"}, {ending(ä+"ä", ".flac"), ä + ".flac"},
		{numbered("1."+a, 2), "1." + a + "-2"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// A name that ditas gave and that is taken meanwhile is left to who took it.
func TestTakenMeanwhile(t *testing.T) {
	dir := t.TempDir()
	demo, err := filepath.Abs("demo")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	come := make(chan error, 1)
	go func() {
		for t.Context().Err() == nil {
			if parts, _ := filepath.Glob(filepath.Join(dir, ".*.part")); len(parts) > 0 {
				come <- os.WriteFile(filepath.Join(dir, "speech.wav"), []byte("mine"), 0o600)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"hide", filepath.Join(demo, "photo.png"), filepath.Join(demo, "speech.wav")}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if err := <-come; err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("speech.wav"); err != nil || string(got) != "mine" {
		t.Errorf("%q: %v", got, err)
	}
	if _, err := os.Stat("speech-2.wav"); err != nil || !strings.Contains(stdout.String(), "is hidden in speech-2.wav") {
		t.Errorf("%v, %s", err, &stdout)
	}
}

// Figures that are told to compare them are not rounded until they are the same.
func TestExplainLargeFile(t *testing.T) {
	for e, want := range map[report.LargeFileError]string{
		{Need: 41_200, Have: 41_100}: "a.wav has room for 41100 bytes, and the file takes 41200 bytes",
		{Need: 51_200, Have: 41_100}: "a.wav has room for 41 kB, and the file takes 51 kB",
	} {
		if err := explain(&e, &recording{name: "a.wav"}, ""); err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What is wrong with a recording is told with its name.
func TestExplainChannels(t *testing.T) {
	rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 70, Encoding: audio.Int16}, Samples: audio.NewBlock(70, 4000)}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "many.wav")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"capacity", name}, &stdout, &stderr); code != exitFailed || !strings.HasPrefix(stderr.String(), "ditas: "+name+": ") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
