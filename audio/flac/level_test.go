package flac

import (
	"bytes"
	"fmt"
	"io"
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

	"ditas/audio"
	"ditas/audio/wav"
)

// speech returns 20 s of real speech at 16 kHz.
func speech(t testing.TB) *audio.Recording {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "cmd", "ditas", "demo", "speech.wav"))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := wav.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// room returns speech whose source moves between two noisy microphones and then stays in the middle, so that each way of coding two
// channels is best somewhere.
func room(t testing.TB) *audio.Recording {
	t.Helper()
	rec := speech(t)
	rec.Format.Channels = 2
	r := rand.New(rand.NewPCG(11, 12))
	left := rec.Samples[0]
	right := make([]float64, len(left))
	for i, x := range left {
		pan := max(0, math.Sin(3*math.Pi*float64(i)/float64(len(left))))
		if i > len(left)/3 {
			pan = -pan
		}
		left[i] = rec.Format.Quantize(x*min(1, 1+pan) + 0.001*r.NormFloat64())
		right[i] = rec.Format.Quantize(x*min(1, 1-pan) + 0.001*r.NormFloat64())
	}
	rec.Samples = [][]float64{left, right}
	return rec
}

// pipe gives input to a program and returns its output. The test is skipped if the program is not installed.
func pipe(t *testing.T, input []byte, program string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	var errs bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v, %s", program, err, &errs)
	}
	return out
}

// raw returns samples as integers of the given number of bits, interleaved and little-endian; if they have fewer, the low bits
// are zero.
func raw(rec *audio.Recording, bits int) (b []byte) {
	for i := range rec.Frames() {
		for _, x := range rec.Samples {
			code := int64(math.Ldexp(x[i], bits-1))
			for at := 0; at < bits; at += 8 {
				b = append(b, byte(code>>at))
			}
		}
	}
	return b
}

func TestOtherProgramsDecodeEveryLevel(t *testing.T) {
	recordings := map[string]*audio.Recording{"speech": speech(t), "room": room(t)}
	for _, format := range []audio.Format{
		{Rate: 11025, Channels: 1, Encoding: audio.Int8},
		{Rate: 44100, Channels: 2, Encoding: audio.Int8},
		{Rate: 48000, Channels: 6, Encoding: audio.Int16},
		{Rate: 96000, Channels: 1, Encoding: audio.Int24},
		{Rate: 44100, Channels: 2, Encoding: audio.Int24},
		{Rate: 44100, Channels: 1, Encoding: audio.Int32},
		{Rate: 192000, Channels: 2, Encoding: audio.Int32},
		{Rate: 44100, Channels: 8, Encoding: audio.Int32},
	} {
		recordings[format.String()] = sound(format, 22_345)
	}
	t.Run("flac", func(t *testing.T) {
		for name, rec := range recordings {
			want := raw(rec, rec.Format.Bits())
			for level := MinLevel; level <= MaxLevel; level++ {
				if testing.Short() && level%4 != 0 {
					continue
				}
				data := encodeAt(t, level, rec)
				pipe(t, data, "flac", "-t", "-s", "-w", "-")
				got := pipe(t, data, "flac", "-d", "-s", "-c", "--force-raw-format", "--endian=little", "--sign=signed", "-")
				if !bytes.Equal(got, want) {
					t.Errorf("%s, level %d: other samples", name, level)
				}
			}
		}
	})
	t.Run("ffmpeg", func(t *testing.T) {
		if testing.Short() {
			t.Skip("flac has decoded some of them")
		}
		for name, rec := range recordings {
			if rec.Format.Encoding == audio.Int32 { // which ffmpeg has read since 6.0 only
				continue
			}
			// All levels at once, as it takes long to start.
			dir := t.TempDir()
			args, outputs := []string{"-v", "error", "-xerror"}, []string{}
			for level := MinLevel; level <= MaxLevel; level++ {
				in := filepath.Join(dir, fmt.Sprintf("%d.flac", level))
				if err := os.WriteFile(in, encodeAt(t, level, rec), 0o666); err != nil {
					t.Fatal(err)
				}
				args = append(args, "-i", in)
				outputs = append(outputs, "-map", fmt.Sprintf("%d:a", level), "-f", "s32le", in+".raw")
			}
			pipe(t, nil, "ffmpeg", append(args, outputs...)...)
			want := raw(rec, 32)
			for level := MinLevel; level <= MaxLevel; level++ {
				got, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.flac.raw", level)))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s, level %d: other samples, %v", name, level, err)
				}
			}
		}
	})
}

// The sizes that flac 1.4.2 reaches with -0 to -8 --no-padding --no-seektable. On this material more effort may
// cost something: -3 is larger than -0.
func TestSizesMatchTheReferenceEncoder(t *testing.T) {
	rec := speech(t)
	var sizes []int
	for level, want := range []int{419906, 419906, 419906, 420645, 419385, 416966, 413856, 412960, 412193} {
		size := len(encodeAt(t, Level(level), rec))
		if math.Abs(float64(size)/float64(want)-1) > 0.001 {
			t.Errorf("level %d: %d bytes, want %d", level, size, want)
		}
		sizes = append(sizes, size)
	}
	if !slices.IsSortedFunc(sizes[3:], func(a, b int) int { return b - a }) || sizes[8] > sizes[0] {
		t.Errorf("sizes are %v", sizes)
	}
}

var (
	frameLine   = regexp.MustCompile(`^frame=\d+\t.*\tblocksize=(\d+)\t.*\tchannel_assignment=(\w+)`)
	channelLine = regexp.MustCompile(`^\tsubframe=\d+\t.*\ttype=(\w+)(?:\torder=(\d+))?(?:\tqlp_coeff_precision=(\d+))?.*?(?:\tpartition_order=(\d+))?$`)
)

// What the reference decoder finds in a file is what the reference encoder's documentation says of the level.
func TestLevelsTryWhatTheReferenceEncoderDoes(t *testing.T) {
	rec := room(t)
	for level, want := range []struct {
		frame, order, partition int
		ways                    string
	}{
		{1152, 0, 3, "apart"},
		{1152, 0, 3, "adaptive"},
		{1152, 0, 3, "best"},
		{4096, 6, 4, "apart"},
		{4096, 8, 4, "adaptive"},
		{4096, 8, 5, "best"},
		{4096, 8, 6, "best"},
		{4096, 12, 6, "best"},
		{4096, 12, 6, "best"},
	} {
		var order, bits, partition, since int
		soonest := math.MaxInt // that channels are coded in another way, in samples
		ways, way := map[string]int{}, ""
		number := func(s string) int {
			n, _ := strconv.Atoi(s)
			return n
		}
		lines := strings.Split(string(pipe(t, encodeAt(t, Level(level), rec), "flac", "-a", "-s", "-c", "-")), "\n")
		for _, line := range lines {
			if m := frameLine.FindStringSubmatch(line); m != nil {
				if n := number(m[1]); n != want.frame && n != rec.Frames()%want.frame {
					t.Errorf("level %d: a frame of %d samples", level, n)
				}
				if m[2] != way {
					if way != "" {
						soonest = min(soonest, since*want.frame)
					}
					way, since = m[2], 0
				}
				since++
				ways[way]++
			}
			if m := channelLine.FindStringSubmatch(line); m != nil {
				if m[1] == "LPC" {
					order, bits = max(order, number(m[2])), max(bits, number(m[3]))
				}
				partition = max(partition, number(m[4]))
			}
		}
		if order != want.order || partition != want.partition {
			t.Errorf("level %d: predictors up to order %d and 2^%d parts, want %d and 2^%d", level, order, partition, want.order, want.partition)
		}
		if order > 0 && bits != 12 {
			t.Errorf("level %d: coefficients of %d bits", level, bits)
		}
		apart := want.ways == "apart"
		if apart != (len(ways) == 1) || apart == (ways["MID_SIDE"] > 0) {
			t.Errorf("level %d: channels are coded as %v", level, ways)
		}
		if long := soonest >= rec.Format.Rate*2/5; !apart && long != (want.ways == "adaptive") {
			t.Errorf("level %d: channels are coded in another way after %d samples", level, soonest)
		}
	}
}

// What flac -a says of the files of flac 1.4.2 -5 -b FRAMES.
func TestPrecisionMatchesTheReferenceEncoder(t *testing.T) {
	for samples, want := range map[int][3]uint{
		192: {6, 7, 13}, 193: {6, 8, 13}, 384: {6, 8, 13}, 385: {6, 9, 14}, 576: {6, 9, 14}, 577: {6, 10, 14}, 1152: {6, 10, 14},
		1153: {6, 11, 15}, 2304: {6, 11, 15}, 2305: {6, 12, 15}, 4608: {6, 12, 15}, 4609: {6, 13, 15},
	} {
		for i, bits := range []int{8, 16, 24} {
			if got := coefficientBits(bits, samples); got != want[i] {
				t.Errorf("%d samples of %d bits: coefficients of %d bits, want %d", samples, bits, got, want[i])
			}
		}
	}
}

func TestRewriteAtEveryLevelKeepsWhatSurroundsTheSamples(t *testing.T) {
	for _, name := range []string{"tags", "around", "s16-2ch", "variable", "s24-6ch"} {
		data := read(t, name+".flac")
		before := decode(t, data)
		rest, _, _ := surroundings(t, data)
		_, starts := framesOf(t, data)
		for level := MinLevel; level <= MaxLevel; level++ {
			f, err := open(t, data).WithLevel(level)
			if err != nil {
				t.Fatal(err)
			}
			if out := rewriteFile(t, f, 500, same); !bytes.Equal(out, data) {
				t.Errorf("%s, level %d: differs though no sample does", name, level)
			}
			out := rewriteFile(t, f, 777, func(_ int64, x float64) float64 { return -0.9 * x })
			after := decode(t, out)
			for c, x := range before.Samples {
				for i, v := range x {
					if after.Samples[c][i] != before.Format.Quantize(-0.9*v) {
						t.Fatalf("%s, level %d: channel %d, sample %d differs", name, level, c, i)
					}
				}
			}
			again, info, _ := surroundings(t, out)
			if !bytes.Equal(rest, again) || info.md5 != md5Of(after) {
				t.Errorf("%s, level %d: what surrounds the samples has changed, or the MD5 is wrong", name, level)
			}
			if _, first := framesOf(t, out); !slices.Equal(first, starts) {
				t.Errorf("%s, level %d: frames begin at %v, want %v", name, level, first, starts)
			}
		}
	}
}

func TestRewriteAtAHigherLevelIsSmaller(t *testing.T) {
	data := encodeAt(t, 3, speech(t))
	var sizes []int
	for _, level := range []Level{0, DefaultLevel, 8} {
		f, err := open(t, data).WithLevel(level)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(rewriteFile(t, f, 4096, func(_ int64, x float64) float64 { return -x })))
	}
	if sizes[0] <= sizes[1] || sizes[1] <= sizes[2] {
		t.Errorf("at rising levels there are %v bytes", sizes)
	}
	if unasked := len(rewrite(t, data, 4096, func(_ int64, x float64) float64 { return -x })); unasked != sizes[1] {
		t.Errorf("%d bytes, and %d at the default level", unasked, sizes[1])
	}
}

func TestThereAreNineLevels(t *testing.T) {
	rec := sound(audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, 10)
	f := open(t, encode(t, rec))
	for _, level := range []Level{-1, 9, math.MaxInt} {
		if _, err := level.NewWriter(io.Discard, rec.Format, 10); err == nil || !strings.Contains(err.Error(), "want 0 to 8") {
			t.Errorf("a new file at level %d gave %v", level, err)
		}
		if err := level.Encode(io.Discard, rec); err == nil {
			t.Errorf("there is a level %d", level)
		}
		if _, err := f.WithLevel(level); err == nil {
			t.Errorf("rewriting at level %d", level)
		}
	}
}
