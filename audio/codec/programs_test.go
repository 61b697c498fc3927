package codec_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
)

// program is another program that reads and writes recordings.
type program string

// run runs the program, and returns what it writes to standard output. Where it is not installed the test is left out.
func (p program) run(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(string(p))
	if err != nil {
		t.Skipf("the program %s is not installed (Debian: apt-get install %[1]s): what it makes of files is not tested", p)
	}
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		said := ""
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			said = string(exit.Stderr)
		}
		t.Fatalf("%s %s: %v\n%s", p, strings.Join(args, " "), err, said)
	}
	return out
}

const (
	ffmpeg = program("ffmpeg")
	sox    = program("sox")
	flac   = program("flac")
)

// floats are the samples that a program writes as raw numbers of 64 bits, channel by channel within a frame.
func floats(raw []byte, channels int) [][]float64 {
	block := audio.NewBlock(channels, len(raw)/8/channels)
	for i := range len(raw) / 8 {
		block[i%channels][i/channels] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return block
}

// read has a program read a file, and returns the samples. Sox has 32 bits for each.
func (p program) read(t *testing.T, name string, channels int) [][]float64 {
	t.Helper()
	if p == sox {
		return floats(p.run(t, nil, "-D", "-V1", name, "-t", "f64", "-L", "-"), channels)
	}
	return floats(p.run(t, nil, "-nostdin", "-v", "error", "-i", name, "-f", "f64le", "-c:a", "pcm_f64le", "-"), channels)
}

// noise is a recording of all the values that its samples may have: both ends, those around zero, and any between. Floating point has 24 bits, which
// every program keeps. The number of frames is odd.
func noise(format audio.Format) *audio.Recording {
	rng := rand.New(rand.NewPCG(16, uint64(format.Encoding)))
	rec := &audio.Recording{Format: format, Samples: audio.NewBlock(format.Channels, 1501)}
	step := format.Step()
	if format.Encoding.IsFloat() {
		step = 0x1p-23
	}
	for _, x := range rec.Samples {
		for i := range x {
			x[i] = math.Round((2*rng.Float64()-1)/step) * step
			if i < 200 {
				x[i] = []float64{-1, 1 - step, 0, step, -step, 0.5, -0.5, step - 1}[rng.IntN(8)]
			}
			x[i] = min(x[i], 1-step)
		}
	}
	return rec
}

func same(a, b [][]float64) bool { return slices.EqualFunc(a, b, slices.Equal) }

// shapes are rates and numbers of channels, of which each encoding gets some.
var shapes = []struct{ rate, channels int }{{44100, 2}, {11025, 1}, {96000, 6}, {8000, 1}, {22050, 2}, {12345, 6}}

// Other programs read what is written as the samples that it was made of, in every sample format, and flac finds that the file agrees with its digest.
func TestOthersReadWhatIsWritten(t *testing.T) {
	n := 0
	for _, to := range codec.Writable() {
		for _, c := range []struct {
			encoding audio.Encoding
			valid    int
		}{
			{audio.Int8, 0}, {audio.Int16, 0}, {audio.Int16, 12}, {audio.Int24, 0}, {audio.Int24, 20}, {audio.Int32, 0}, {audio.Float32, 0}, {audio.Float64, 0},
		} {
			if c.encoding.IsFloat() && !to.Floats() {
				continue
			}
			for range 2 {
				shape := shapes[n%len(shapes)]
				n++
				format := audio.Format{Rate: shape.rate, Channels: shape.channels, Encoding: c.encoding, ValidBits: c.valid}
				t.Run(strings.ReplaceAll(fmt.Sprintf("%s, %v", to, format), " ", "_"), func(t *testing.T) {
					rec := noise(format)
					name := filepath.Join(t.TempDir(), "file"+to.Extension())
					writeAs(t, name, rec)
					for _, p := range []program{ffmpeg, sox} {
						switch {
						case to.Name() == "FLAC" && c.encoding == audio.Int32:
							continue // which only the latest versions read
						case p == sox && c.valid > 0:
							continue // which it never reads
						}
						if got := p.read(t, name, format.Channels); !same(got, rec.Samples) {
							t.Errorf("%s reads other samples", p)
						}
					}
					if to.Name() == "FLAC" {
						flac.run(t, nil, "--test", "--silent", "--warnings-as-errors", name)
					}
				})
			}
		}
	}
}

// writeAs writes a recording to a file in the format that its name stands for, as hiding does.
func writeAs(t *testing.T, name string, rec *audio.Recording) {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	file, err := codec.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	cover, _, err := codec.Cover(file, codec.CoverOptions{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := cover.Rewrite(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec.Samples), w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

// raw is a recording as numbers of 64 bits.
func raw(rec *audio.Recording) []byte {
	var out []byte
	for i := range rec.Frames() {
		for _, x := range rec.Samples {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x[i]))
		}
	}
	return out
}

// What other programs write is read as the samples that they were given, and where they had to round these, as by A-law, as those that they read
// themselves.
func TestWhatOthersWriteIsRead(t *testing.T) {
	n := 0
	for _, c := range []struct {
		by       program
		args     string // that say how
		file     string
		encoding audio.Encoding
		rounded  bool
	}{
		{sox, "-b 8", "a.wav", audio.Int8, false},
		{sox, "-b 16", "a.wav", audio.Int16, false},
		{sox, "-b 24", "a.wav", audio.Int24, false},
		{sox, "-e signed -b 32", "a.wav", audio.Int32, false},
		{sox, "-e floating-point -b 32", "a.wav", audio.Float32, false},
		{sox, "-e floating-point -b 64", "a.wav", audio.Float64, false},
		{sox, "-e a-law", "a.wav", audio.Int16, true},
		{sox, "-e mu-law", "a.wav", audio.Int16, true},
		{sox, "-b 8", "a.aiff", audio.Int8, false},
		{sox, "-b 16", "a.aiff", audio.Int16, false},
		{sox, "-b 24", "a.aiff", audio.Int24, false},
		{sox, "-b 32", "a.aiff", audio.Int32, false},
		{sox, "-b 16", "a.aifc", audio.Int16, false},
		{sox, "-b 24", "a.aifc", audio.Int24, false},
		{sox, "-e signed -b 8", "a.au", audio.Int8, false},
		{sox, "-e signed -b 16", "a.au", audio.Int16, false},
		{sox, "-e signed -b 24", "a.au", audio.Int24, false},
		{sox, "-e signed -b 32", "a.au", audio.Int32, false},
		{sox, "-e floating-point -b 32", "a.au", audio.Float32, false},
		{sox, "-e floating-point -b 64", "a.au", audio.Float64, false},
		{sox, "-e a-law", "a.au", audio.Int16, true},
		{sox, "-e mu-law", "a.au", audio.Int16, true},
		{sox, "-e unsigned -b 8", "a.w64", audio.Int8, false},
		{sox, "-e signed -b 16", "a.w64", audio.Int16, false},
		{sox, "-e signed -b 24", "a.w64", audio.Int24, false},
		{sox, "-e signed -b 32", "a.w64", audio.Int32, false},
		{sox, "-e floating-point -b 32", "a.w64", audio.Float32, false},
		{sox, "-e a-law", "a.w64", audio.Int16, true},
		{sox, "-e mu-law", "a.w64", audio.Int16, true},
		{sox, "-e signed -b 16", "a.sph", audio.Int16, false},
		{sox, "-e signed -b 32", "a.sph", audio.Int32, false},
		{sox, "-b 8", "a.flac", audio.Int8, false},
		{sox, "-b 16", "a.flac", audio.Int16, false},
		{sox, "-b 24 -C 8", "a.flac", audio.Int24, false},
		{ffmpeg, "-c:a pcm_s16le -rf64 always", "a.wav", audio.Int16, false},
		{ffmpeg, "-c:a pcm_s24le -rf64 always", "a.wav", audio.Int24, false},
		{ffmpeg, "-c:a pcm_f32le -rf64 always", "a.wav", audio.Float32, false},
		{ffmpeg, "-c:a pcm_u8", "a.wav", audio.Int8, false},
		{ffmpeg, "-c:a pcm_s24be", "a.aiff", audio.Int24, false},
		{ffmpeg, "-c:a pcm_s16le", "a.aiff", audio.Int16, false},
		{ffmpeg, "-c:a pcm_f32be", "a.aiff", audio.Float32, false},
		{ffmpeg, "-c:a pcm_alaw", "a.aiff", audio.Int16, true},
		{ffmpeg, "-c:a pcm_mulaw", "a.wav", audio.Int16, true},
		{ffmpeg, "-c:a pcm_s32le", "a.w64", audio.Int32, true}, // and takes what fills up a chunk for samples
		{ffmpeg, "-c:a flac -sample_fmt s32", "a.flac", audio.Int24, false},
	} {
		shape := shapes[n%len(shapes)]
		n++
		format := audio.Format{Rate: shape.rate, Channels: shape.channels, Encoding: c.encoding}
		t.Run(strings.ReplaceAll(fmt.Sprintf("%s %s %s %v", c.by, c.args, c.file, format), " ", "_"), func(t *testing.T) {
			given := noise(format)
			name := filepath.Join(t.TempDir(), c.file)
			rate, channels := fmt.Sprint(format.Rate), fmt.Sprint(format.Channels)
			how := strings.Fields(c.args)
			if c.by == sox {
				sox.run(t, raw(given), slices.Concat([]string{"-D", "-V1", "-t", "f64", "-L", "-r", rate, "-c", channels, "-"}, how, []string{name})...)
			} else {
				ffmpeg.run(t, raw(given), slices.Concat([]string{"-v", "error", "-f", "f64le", "-ar", rate, "-ac", channels, "-i", "-"}, how, []string{name})...)
			}
			got, err := codec.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got.Format.Rate != format.Rate || got.Format.Channels != format.Channels || got.Format.Encoding != c.encoding {
				t.Errorf("it is %v, want %v", got.Format, format)
			}
			want := given.Samples
			if c.rounded {
				want = c.by.read(t, name, format.Channels)
			}
			if !same(got.Samples, want) {
				t.Errorf("other samples: %d frames of %d", got.Frames(), given.Frames())
			}
		})
	}
}
