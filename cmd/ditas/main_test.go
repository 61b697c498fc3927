package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/job"
	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/picture/quality"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"ditas": main}) }

// TestScript runs the scripts in testdata/script. Beside testscript's own commands they have
//
//	sound FILE FRAMES [voice|clipped|silence] [8|16|24|32|f32|f64] [CHANNELS] [RATE]   write a recording; .sph is NIST SPHERE, and WAV has foreign chunks
//	photo FILE WIDTH HEIGHT         write a picture, in the format of the name
//	sample NAME FILE                copy a picture of the tests of package picture
//	cut FILE BYTES                  cut the end of a file off
//	mute FILE FROM TO               silence frames of a 16-bit mono recording
//	fails CODE ARGUMENTS            run ditas: it must end with that code and one line on standard error, a hint besides at
//	                                most, and unless the code is 3 leave all files as they were
//	ends CODE ARGUMENTS             run ditas: it must end with that code
//	psnr FILE FILE DB               two pictures of one size must have at least that PSNR
//	smaller FILE FILE PERCENT       the first file must be smaller by that much, which salts do not make it
//	rewritten FILE FILE             two WAV files must be equal but for samples, and have other samples
//	waitfor FILE TEXT               wait until a file holds a text
func TestScript(t *testing.T) {
	ditas, err := exec.LookPath("ditas")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("BIN", filepath.Dir(ditas))
			texts, err := filepath.Glob(filepath.Join(e.WorkDir, "*.txt"))
			for _, name := range texts { // among them are passphrases, which others should not be able to read
				err = errors.Join(err, os.Chmod(name, 0o600))
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sound": sound, "photo": photo, "sample": sample, "cut": cut, "join": join, "mute": mute, "fails": fails, "ends": ends, "psnr": psnr, "smaller": smaller, "rewritten": rewritten, "waitfor": waitFor,
		},
	})
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func write(ts *testscript.TestScript, name string, data []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o666))
}

func read(ts *testscript.TestScript, name string) []byte {
	data, err := os.ReadFile(ts.MkAbs(name))
	ts.Check(err)
	return data
}

func sound(ts *testscript.TestScript, _ bool, args []string) {
	args = append(args, []string{"voice", "16", "1", "16000"}[len(args)-2:]...)
	encoding := map[string]audio.Encoding{
		"8": audio.Int8, "16": audio.Int16, "24": audio.Int24, "32": audio.Int32, "f32": audio.Float32, "f64": audio.Float64,
	}[args[3]]
	format := audio.Format{Rate: number(ts, args[5]), Channels: number(ts, args[4]), Encoding: encoding}
	rec := &audio.Recording{Format: format, Samples: audio.NewBlock(format.Channels, number(ts, args[1]))}
	loudness := map[string]float64{"voice": 0.3, "clipped": 1.5}[args[2]]
	if loudness > 0 {
		rng := rand.New(rand.NewPCG(7, 7))
		for _, x := range rec.Samples {
			// Like a voice: harmonics of a pitch that glides and swells, and a little noise.
			var phase float64
			for i := range x {
				t := float64(i) / 3000
				phase += 0.05 + 0.01*math.Sin(t)
				var v float64
				for k := 1.0; k <= 20; k++ {
					v += math.Sin(k*phase) / (k * k)
				}
				x[i] = format.Quantize(loudness*v*(1+0.5*math.Sin(3*t)) + 0.0005*rng.NormFloat64())
			}
		}
	}
	var b bytes.Buffer
	if filepath.Ext(args[0]) == ".sph" {
		head := fmt.Sprintf("NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i %d\nsample_rate -i %d\nsample_n_bytes -i 2\n"+
			"sample_byte_format -s2 01\nsample_sig_bits -i 16\nsample_coding -s3 pcm\nend_head\n", rec.Frames(), format.Rate)
		fmt.Fprintf(&b, "%-1024s", head)
		for _, v := range rec.Samples[0] {
			ts.Check(binary.Write(&b, binary.LittleEndian, int16(v*(1<<15))))
		}
		write(ts, args[0], b.Bytes())
		return
	}
	ts.Check(wav.Encode(&b, rec))
	w := b.Bytes()
	const before, after = "note\x05\x00\x00\x00first\x00", "LIST\x06\x00\x00\x00INFO\x01\x02"
	w = slices.Concat(w[:12], []byte(before), w[12:], []byte(after))
	binary.LittleEndian.PutUint32(w[4:], uint32(len(w)-8))
	write(ts, args[0], w)
}

func photo(ts *testscript.TestScript, _ bool, args []string) {
	p := picture.New(number(ts, args[1]), number(ts, args[2]))
	for c, plane := range p.Pix {
		for i := range plane {
			x, y := float64(i%p.Width)/float64(p.Width), float64(i/p.Width)/float64(p.Height)
			plane[i] = float32(0.5 + 0.3*math.Sin(7*x+2*float64(c)) + 0.2*math.Cos(5*y-float64(c)))
		}
	}
	p.Round()
	var b bytes.Buffer
	if filepath.Ext(args[0]) == ".gif" {
		var palette color.Palette
		for i := range 216 {
			palette = append(palette, color.NRGBA{uint8(i % 6 * 51), uint8(i / 6 % 6 * 51), uint8(i / 36 * 51), 255})
		}
		img := image.NewPaletted(image.Rect(0, 0, p.Width, p.Height), palette)
		for y := range p.Height {
			for x := range p.Width {
				img.Set(x, y, p.Image().At(x, y))
			}
		}
		ts.Check(gif.Encode(&b, img, nil))
	} else {
		format, err := picture.FormatOf(args[0])
		ts.Check(err)
		ts.Check(p.Encode(&b, format))
	}
	write(ts, args[0], b.Bytes())
}

func sample(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(filepath.Join("..", "..", "picture", "testdata", filepath.FromSlash(args[0])))
	ts.Check(err)
	write(ts, args[1], data)
}

func cut(ts *testscript.TestScript, _ bool, args []string) {
	data := read(ts, args[0])
	write(ts, args[0], data[:len(data)-number(ts, args[1])])
}

func join(ts *testscript.TestScript, _ bool, args []string) {
	var all []byte
	for _, name := range args[1:] {
		all = append(all, read(ts, name)...)
	}
	write(ts, args[0], all)
}

func mute(ts *testscript.TestScript, _ bool, args []string) {
	data := read(ts, args[0])
	start := bytes.Index(data, []byte("data")) + 8
	clear(data[start+2*number(ts, args[1]) : start+2*number(ts, args[2])])
	write(ts, args[0], data)
}

// list describes the files below dir.
func list(ts *testscript.TestScript, dir string) string {
	var b strings.Builder
	ts.Check(filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == filepath.Join(ts.Getenv("WORK"), ".tmp") {
			return err
		}
		info, err := e.Info()
		if err == nil && !e.IsDir() {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, path)
		}
		return err
	}))
	return b.String()
}

var complaint = regexp.MustCompile(`\Aditas: [^\n]+\n(hint: [^\n]+\n)?\z`)

func ends(ts *testscript.TestScript, _ bool, args []string) {
	want := number(ts, args[0])
	err := ts.Exec("ditas", args[1:]...)
	if code, ok := err.(*exec.ExitError); !ok || code.ExitCode() != want {
		ts.Fatalf("ditas ended with %v, want exit code %d", err, want)
	}
}

func fails(ts *testscript.TestScript, _ bool, args []string) {
	want := number(ts, args[0])
	before := list(ts, ts.Getenv("WORK"))
	ends(ts, false, args)
	text := ts.ReadFile("stderr")
	if !complaint.MatchString(text) {
		ts.Fatalf("standard error is not one line and a hint:\n%s", text)
	}
	if said, hint, ok := strings.Cut(text, "\nhint: "); ok {
		if words := strings.Fields(hint); len(words) > 2 && strings.Contains(said, strings.Join(words[:3], " ")) {
			ts.Fatalf("the hint says once more what was said before:\n%s", text)
		}
	}
	if want == exitPartly {
		return
	}
	if after := list(ts, ts.Getenv("WORK")); after != before {
		ts.Fatalf("files changed, from\n%sto\n%s", before, after)
	}
}

func psnr(ts *testscript.TestScript, _ bool, args []string) {
	a, err := readPicture(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := readPicture(context.Background(), ts.MkAbs(args[1]))
	ts.Check(err)
	got, err := quality.PSNR(a, b)
	ts.Check(err)
	want, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	if !(got >= want) {
		ts.Fatalf("PSNR %.2f dB, want %s", got, args[2])
	}
	ts.Logf("PSNR %.2f dB", got)
}

func smaller(ts *testscript.TestScript, _ bool, args []string) {
	percent, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	a, b := len(read(ts, args[0])), len(read(ts, args[1]))
	if float64(a) > float64(b)*(1-percent/100) {
		ts.Fatalf("%s has %d bytes, %s %d", args[0], a, args[1], b)
	}
}

// chunks splits a WAV file. Of the samples only the number of bytes is left.
func chunks(ts *testscript.TestScript, name string) (list []string) {
	data := read(ts, name)
	list = append(list, string(data[:12]))
	for data = data[12:]; len(data) >= 8; {
		n := int(binary.LittleEndian.Uint32(data[4:]))
		text := fmt.Sprintf("%q %d", data[:4], n)
		n = 8 + n + n%2
		if string(data[:4]) != "data" {
			text = fmt.Sprintf("%q", data[:n])
		}
		list = append(list, text)
		data = data[n:]
	}
	return list
}

func rewritten(ts *testscript.TestScript, _ bool, args []string) {
	if a, b := chunks(ts, args[0]), chunks(ts, args[1]); !slices.Equal(a, b) || len(a) < 5 {
		ts.Fatalf("chunks\n%s\nbecame\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	a, err := codec.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := codec.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if a.Format != b.Format || a.Frames() != b.Frames() {
		ts.Fatalf("%d frames of %v became %d of %v", a.Frames(), a.Format, b.Frames(), b.Format)
	}
	if slices.EqualFunc(a.Samples, b.Samples, slices.Equal) {
		ts.Fatalf("no sample has changed")
	}
}

func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for range 3000 {
		if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && bytes.Contains(data, []byte(args[1])) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s does not come to hold %s", args[0], args[1])
}

// cancelOn cancels a context when a text is written, any if it is empty.
type cancelOn struct {
	bytes.Buffer
	text   string
	cancel func()
}

func (c *cancelOn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(c.text)) {
		c.cancel()
	}
	return c.Buffer.Write(b)
}

func TestInterruptedHidingLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stderr bytes.Buffer
	code := run(ctx, []string{"hide", "-i", filepath.Join("demo", "photo.png"), "-c", filepath.Join("demo", "speech.wav"), "-o", filepath.Join(dir, "stego.wav")}, &bytes.Buffer{}, &stderr)
	if code != exitFailed || stderr.String() != "ditas: interrupted\n" {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// An interruption that comes just as one of several files is done still ends the command, and the exit code is not the file's.
func TestInterruptedBetweenFiles(t *testing.T) {
	for _, result := range []error{nil, &partError{errors.New("parts are missing")}, context.Canceled} {
		ctx, cancel := context.WithCancel(context.Background())
		o := terminal{out: io.Discard, err: io.Discard}
		did := 0
		err := o.each(ctx, these(stegos([]string{"a", "b", "c"})...), tally{file: "recording", done: "revealed", part: "in part"}, func(job.Job) error {
			if did++; did == 2 {
				cancel()
				return result
			}
			return nil
		})
		if did != 2 || !errors.Is(err, context.Canceled) || conclude(ctx, io.Discard, err) != exitFailed {
			t.Errorf("interrupted after %v: %v, and %d files were done", result, err, did)
		}
		cancel()
	}
}

// Whoever feeds a pipe may never end: an interruption does not wait for it, and leaves no copy.
func TestInterruptedPipeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteString("the beginning of a recording"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if f, err := copied(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", f, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A run that is interrupted after its second step of four and taken up again ends as one that was not.
func TestInterruptedTrainingEndsTheSame(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "tiny.json")
	if err := os.WriteFile(config, []byte(`{"model": {"name": "ditas-m-ed", "stages": 2, "tile": 16, "bands": 64, "width": 8, "depth": 4},
		"steps": 4, "batch": 2, "warmup": 1, "validateEvery": 2, "validationPairs": 1, "validationThresholds": [0.05]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	args := func(out, workers string) []string {
		return []string{"train", "-c", config, "--speech", "demo", "--pictures", "demo", "--validation-speech", "demo",
			"--validation-pictures", "demo", "-o", filepath.Join(dir, out), "--workers", workers}
	}
	if code := run(context.Background(), args("whole", "1"), &bytes.Buffer{}, os.Stderr); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var stderr bytes.Buffer
	if code := run(ctx, args("parts", "2"), &cancelOn{text: "step 2", cancel: cancel}, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "interrupted after step 2 of 4") {
		t.Fatalf("exit code %d, %s", code, &stderr)
	}
	var stdout bytes.Buffer
	if code := run(context.Background(), args("parts", "2"), &stdout, os.Stderr); code != 0 || !strings.HasPrefix(stdout.String(), "continuing after step 2 of 4\n") {
		t.Fatalf("exit code %d, %s", code, &stdout)
	}
	for _, name := range []string{"weights.safetensors", configName} {
		whole, err := os.ReadFile(filepath.Join(dir, "whole", name))
		if err != nil {
			t.Fatal(err)
		}
		if parts, err := os.ReadFile(filepath.Join(dir, "parts", name)); err != nil || !bytes.Equal(parts, whole) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "parts", logName))
	if steps := regexp.MustCompile(`(?m)^\{"step":\d+`).FindAllString(string(log), -1); err != nil || !slices.Equal(steps, []string{`{"step":2`, `{"step":4`}) {
		t.Errorf("log has %q, %v", steps, err)
	}
}

// What was logged after the checkpoint is not kept, or it would be there twice; nor is half a line.
func TestLogEndsWithTheCheckpoint(t *testing.T) {
	name := filepath.Join(t.TempDir(), logName)
	for _, c := range []struct {
		log, want string
		step      int
	}{
		{"", "", 0},
		{"{\"step\":10}\n{\"step\":20}\n{\"step\":30}\n", "{\"step\":10}\n{\"step\":20}\n", 20},
		{"{\"step\":10}\n{\"step\":20}\n", "", 0},
		{"{\"step\":10}\n{\"ste", "{\"step\":10}\n", 20},
	} {
		if err := os.WriteFile(name, []byte(c.log), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := keepLog(name, c.step); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != c.want {
			t.Errorf("%q up to %d became %q, %v", c.log, c.step, got, err)
		}
	}
}

func TestOutputHasTheUsualPermissions(t *testing.T) {
	racetest.Skip(t)
	dir := t.TempDir()
	plain, ours := filepath.Join(dir, "plain"), filepath.Join(dir, "demo-secret.png")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if code := run(context.Background(), []string{"demo", "-q", "-o", dir}, &bytes.Buffer{}, os.Stderr); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	want, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(ours); err != nil || got.Mode() != want.Mode() {
		t.Errorf("%v, %v, want %v", got.Mode(), err, want.Mode())
	}
}

// Every command teaches: what it is for, an example, the exit codes.
func TestHelp(t *testing.T) {
	racetest.Skip(t)
	for _, command := range []string{"hide", "reveal", "inspect", "capacity", "compare", "demo", "train", "data", "version", "completion", "man", "help"} {
		var out bytes.Buffer
		if code := run(context.Background(), []string{command, "-h"}, &out, os.Stderr); code != 0 {
			t.Errorf("%s: exit code %d", command, code)
		}
		for _, want := range []string{"Usage:\n  ditas " + command, "Examples:\n  ditas ", "Exit codes:\n  0  fine"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("help of %s lacks %q", command, want)
			}
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 110 {
				t.Errorf("help of %s has a line of %d characters: %s", command, n, line)
			}
		}
	}
}
