package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/ptest"

	"ditas/internal/job"
)

func TestMain(m *testing.M) { ptest.Main(m) }

// program builds ditas.
func program(t *testing.T) string {
	name := filepath.Join(t.TempDir(), "ditas")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if text, err := exec.CommandContext(t.Context(), "go", "-C", "..", "build", "-o", name, "./cmd/ditas").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return name
}

// files makes a picture and recordings of noise in the present folder, from then on a new one. What is no recording is called 4.wav.
func files(t *testing.T, n int) {
	t.Chdir(t.TempDir())
	draws := rand.New(rand.NewPCG(1, 2))
	small := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range small.Pix {
		small.Pix[i] = byte(i)
	}
	var picture, manifest bytes.Buffer
	if err := png.Encode(&picture, small); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		wav := []byte("RIFF\x24\xee\x02\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x00\xee\x02\x00") // 6 s at 16 kHz
		for range 96000 {
			value := int16(draws.NormFloat64() * 2000)
			wav = append(wav, byte(value), byte(value>>8))
		}
		if i == 4 {
			wav = []byte("no recording")
		}
		save(t, fmt.Sprint(i, ".wav"), wav)
		fmt.Fprintf(&manifest, `{"image": "small.png", "cover": "%d.wav", "out": "out/%[1]d.wav"}`+"\n", i)
	}
	save(t, "small.png", picture.Bytes())
	save(t, "jobs.jsonl", manifest.Bytes())
}

func save(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// hiding returns what a command line says that hides by the manifest.
func hiding(program string) options {
	return options{manifest: "jobs.jsonl", do: do{
		Work: job.Hide, Out: "results", Ditas: program, Processes: 2, Chunk: 4, Attempts: 2, Time: time.Minute, Memory: 1024,
	}}
}

// result is what ditas and ditas-beam have to say alike.
type result struct {
	Job         job.Job
	Exit        int
	Result      map[string]any
	Error, Hint string
}

// results reads results by what is written.
func results(t *testing.T, pattern string) map[string]result {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]result{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r result
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			if _, twice := all[r.Job.Out]; twice {
				t.Errorf("%s was done twice", r.Job.Out)
			}
			for _, drawn := range []string{"mse", "snr", "maxDeviation"} { // each stego has a dither of its own
				delete(r.Result, drawn)
			}
			all[r.Job.Out] = r
		}
	}
	return all
}

// Beam does what the plain command does, and does nothing again.
func TestHide(t *testing.T) {
	const n = 10
	ditas := program(t)
	files(t, n)
	run := func(want summary) {
		t.Helper()
		o := hiding(ditas)
		got, err := o.run(t.Context())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	}
	run(summary{done: n - 1, failed: 1})
	by := results(t, "results/*.jsonl")
	written := map[string]time.Time{}
	for name := range by {
		if info, err := os.Stat(name); err == nil {
			written[name] = info.ModTime()
		}
	}
	if len(by) != n || len(written) != n-1 {
		t.Fatalf("%d results and %d files", len(by), len(written))
	}
	run(summary{before: n - 1, dead: 1})
	for name, at := range written {
		if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(at) {
			t.Errorf("%s was written again, %v", name, err)
		}
	}
	if again := results(t, "results/*.jsonl"); !reflect.DeepEqual(again, by) {
		t.Error("the results are others the second time")
	}

	// The plain command, with other names to write.
	if err := os.Rename("out", "by-beam"); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), ditas, "hide", "-q", "--manifest", "jobs.jsonl", "--results", "plain.jsonl").CombinedOutput()
	if code := err.(*exec.ExitError).ExitCode(); code != job.Failed {
		t.Fatalf("ditas ended with %d: %s", code, text)
	}
	if plain := results(t, "plain.jsonl"); !reflect.DeepEqual(plain, by) {
		t.Errorf("ditas says %v, and by Beam it said %v", plain, by)
	}
	var revealed [][]byte
	for _, folder := range []string{"by-beam", "out"} {
		name := folder + ".png"
		if text, err := exec.CommandContext(t.Context(), ditas, "reveal", folder+"/1.wav", name).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		revealed = append(revealed, data)
	}
	if !bytes.Equal(revealed[0], revealed[1]) {
		t.Error("other pictures come back")
	}

	// A file that is gone is made again, and that one alone.
	if err := os.Remove("out/7.wav"); err != nil {
		t.Fatal(err)
	}
	run(summary{done: 1, before: n - 2, dead: 1})
}

// Limits end what one file takes, and nothing but that.
func TestLimits(t *testing.T) {
	ditas := program(t)
	for _, c := range []struct {
		name, want string
		limit      func(d *do)
	}{
		{"time", "it took longer than 1ms", func(d *do) { d.Time = time.Millisecond }},
		{"memory", "hide crashed: ", func(d *do) { d.Memory = 24 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "memory" && runtime.GOOS != "linux" {
				t.Skip("memory is not limited here")
			}
			files(t, 2)
			o := hiding(ditas)
			c.limit(&o.do)
			got, err := o.run(t.Context())
			if want := (summary{failed: 2, retried: 2}); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%v, %v; want %v", got, err, want)
			}
			for name, r := range results(t, "results/dead-*.jsonl") {
				if !strings.HasPrefix(r.Error, c.want) {
					t.Errorf("%s: %s", name, r.Error)
				}
			}
		})
	}
}

// What no file is to blame for ends the run, and leaves no dead letters.
func TestWrongUse(t *testing.T) {
	ditas := program(t)
	files(t, 2)
	o := hiding(ditas)
	o.do.Flags = []string{"--nonsense"}
	if _, err := o.run(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no flag --nonsense") {
		t.Errorf("%v", err)
	}
	if dead := results(t, "results/*.jsonl"); len(dead) > 0 {
		t.Errorf("%v", dead)
	}
	o = hiding(ditas)
	save(t, "jobs.jsonl", []byte(`{"stego": "a.wav"}`))
	if _, err := o.run(t.Context()); err == nil || !strings.Contains(err.Error(), `there is no place for "stego"`) && !strings.Contains(err.Error(), "is missing") {
		t.Errorf("%v", err)
	}
}

// What may pass is tried again, and other errors are not.
func TestPasses(t *testing.T) {
	for text, want := range map[string]bool{
		"a.wav: " + syscall.ENOSPC.Error(): true, "a.wav: " + syscall.EIO.Error(): true, "a.wav: there is no such file": false, "": false,
	} {
		if passes(text) != want {
			t.Errorf("%q may pass: %v", text, !want)
		}
	}
}
