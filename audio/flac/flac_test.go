package flac

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func decode(t testing.TB, data []byte) *audio.Recording {
	t.Helper()
	rec, err := Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func encode(t testing.TB, rec *audio.Recording) []byte {
	t.Helper()
	return encodeAt(t, DefaultLevel, rec)
}

func encodeAt(t testing.TB, level Level, rec *audio.Recording) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := level.Encode(&out, rec); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var fixtures = []struct {
	name   string
	format audio.Format
}{
	{"s8", audio.Format{Rate: 11025, Channels: 1, Encoding: audio.Int8}},
	{"s12", audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16, ValidBits: 12}},
	{"s16-2ch", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}},
	{"s16-8ch", audio.Format{Rate: 12345, Channels: 8, Encoding: audio.Int16}},
	{"s20", audio.Format{Rate: 655350, Channels: 2, Encoding: audio.Int24, ValidBits: 20}},
	{"s24-2ch", audio.Format{Rate: 96000, Channels: 2, Encoding: audio.Int24}},
	{"s24-6ch", audio.Format{Rate: 48000, Channels: 6, Encoding: audio.Int24}},
	{"s32", audio.Format{Rate: 37500, Channels: 1, Encoding: audio.Int32}},
	{"s32-2ch", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int32}},
	{"ways", audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16}},
	{"order32", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}},
	{"variable", audio.Format{Rate: 22050, Channels: 2, Encoding: audio.Int16}},
	{"midway", audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}},
	{"tags", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}},
	{"around", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}},
	{"pipe", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}},
	{"ffmpeg-pipe", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}},
}

// oracle returns the number of samples of each file and the MD5 of its samples, as other programs read them.
func oracle(t *testing.T) map[string]string {
	t.Helper()
	table := map[string]string{}
	for line := range strings.Lines(string(read(t, "samples.txt"))) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ".flac ")
		table[name] = rest
	}
	return table
}

func digest(rec *audio.Recording) string {
	sum := md5.New()
	for i := range rec.Frames() {
		for _, x := range rec.Samples {
			binary.Write(sum, binary.LittleEndian, int32(x[i]*(1<<31)))
		}
	}
	return fmt.Sprintf("%d %x", rec.Frames(), sum.Sum(nil))
}

func TestSamplesAgreeWithOtherPrograms(t *testing.T) {
	want := oracle(t)
	if len(want) != len(fixtures) {
		t.Errorf("%d files for %d fixtures", len(want), len(fixtures))
	}
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".flac")
		rec := decode(t, data)
		if rec.Format != fixture.format || int64(rec.Frames()) != open(t, data).Frames() {
			t.Errorf("%s: %+v", fixture.name, rec.Format)
		}
		// What the other programs wrote also is the oracle of md5Of.
		if sum := open(t, data).info.md5; sum != [16]byte{} && sum != md5Of(rec) {
			t.Errorf("%s: MD5 is %x, want %x", fixture.name, md5Of(rec), sum)
		}
		if got := digest(rec); got != want[fixture.name] {
			t.Errorf("%s: %s, want %s", fixture.name, got, want[fixture.name])
		}
	}
}

// rewrite copies a file with every sample passed through change.
func rewrite(t testing.TB, data []byte, blockSize int, change func(sample int64, x float64) float64) []byte {
	t.Helper()
	return rewriteFile(t, open(t, data), blockSize, change)
}

func rewriteFile(t testing.TB, f *File, blockSize int, change func(sample int64, x float64) float64) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := f.Rewrite(&out)
	if err != nil {
		t.Fatal(err)
	}
	r, block := f.Reader(), audio.NewBlock(f.Format().Channels, blockSize)
	for sample := int64(0); ; {
		n, err := r.Read(block)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		part := make([][]float64, len(block))
		for c := range block {
			part[c] = block[c][:n]
			for i := range part[c] {
				part[c][i] = change(sample+int64(i), part[c][i])
			}
		}
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		sample += int64(n)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func same(_ int64, x float64) float64 { return x }

func TestRewriteOfTheSameSamplesIsTheSameFile(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".flac")
		for _, size := range []int{1, 100, 5000} {
			if out := rewrite(t, data, size, same); !bytes.Equal(out, data) {
				t.Errorf("%s: differs after rewriting by %d samples", fixture.name, size)
			}
		}
		var out bytes.Buffer
		w, err := open(t, data).Rewrite(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), data) {
			t.Errorf("%s: differs if nothing is written (%v)", fixture.name, err)
		}
	}
}

// surroundings returns what is not samples, without the parts of the metadata that depend on how samples are packed, and
// the metadata themselves.
func surroundings(t *testing.T, data []byte) (rest []byte, info streamInfo, tables []byte) {
	t.Helper()
	f := open(t, data)
	rest = slices.Clone(data[:f.coded.start])
	clear(rest[f.infoAt+4 : f.infoAt+10])
	clear(rest[f.infoAt+18 : f.infoAt+infoSize])
	for _, s := range f.tables {
		tables = append(tables, rest[s.start:s.end]...)
		clear(rest[s.start:s.end])
	}
	return append(rest, data[f.coded.end:]...), f.info, tables
}

// md5Of returns the MD5 that a file with these samples ought to carry.
func md5Of(rec *audio.Recording) (sum [16]byte) {
	h := md5.New()
	bits := rec.Format.Bits()
	var code [4]byte
	for i := range rec.Frames() {
		for _, x := range rec.Samples {
			binary.LittleEndian.PutUint32(code[:], uint32(int32(math.Ldexp(x[i], bits-1))))
			h.Write(code[:(bits+7)/8])
		}
	}
	h.Sum(sum[:0])
	return sum
}

// framesOf returns where the frames of a file lie, with their first samples.
func framesOf(t *testing.T, data []byte) (frames []span, first []int64) {
	t.Helper()
	f := open(t, data)
	d := f.decoder()
	d.seek(f.coded.start)
	for sample := int64(0); sample < f.present; sample += int64(d.samples) {
		if err := f.decode(d, sample); err != nil {
			t.Fatal(err)
		}
		frames, first = append(frames, d.where), append(first, sample)
	}
	return frames, first
}

func TestRewriteHoldsTheQuantisedSamplesAndNothingElseChanges(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".flac")
		for _, change := range []func(int64, float64) float64{
			func(_ int64, x float64) float64 { return 1.1*x + 0.0123456789 },
			func(sample int64, x float64) float64 { // a few only
				if sample >= 210 && sample < 230 {
					return -x
				}
				return x
			},
			func(_ int64, x float64) float64 { return math.Copysign(2, x) }, // full scale
			func(int64, float64) float64 { return 0 },
		} {
			out := rewrite(t, data, 777, change)
			before, after := decode(t, data), decode(t, out)
			if after.Format != before.Format || after.Frames() != before.Frames() {
				t.Fatalf("%s: became %d samples of %v", fixture.name, after.Frames(), after.Format)
			}
			for c := range before.Samples {
				for i, x := range before.Samples[c] {
					if got, want := after.Samples[c][i], before.Format.Quantize(change(int64(i), x)); got != want {
						t.Fatalf("%s: channel %d, sample %d holds %v, want %v", fixture.name, c, i, got, want)
					}
				}
			}
			restBefore, _, tablesBefore := surroundings(t, data)
			restAfter, info, tablesAfter := surroundings(t, out)
			if !bytes.Equal(restBefore, restAfter) {
				t.Errorf("%s: what surrounds the samples has changed", fixture.name)
			}
			if info.md5 != md5Of(after) {
				t.Errorf("%s: MD5 is %x, want %x", fixture.name, info.md5, md5Of(after))
			}
			frames, first := framesOf(t, out)
			least, most := math.MaxInt, 0
			for _, where := range frames {
				least, most = min(least, int(where.end-where.start)), max(most, int(where.end-where.start))
			}
			if info.minSize != least || info.maxSize != most {
				t.Errorf("%s: frames of %d to %d bytes, said to have %d to %d", fixture.name, least, most, info.minSize, info.maxSize)
			}
			for ; len(tablesAfter) > 0; tablesBefore, tablesAfter = tablesBefore[pointSize:], tablesAfter[pointSize:] {
				sample, offset := binary.BigEndian.Uint64(tablesAfter), binary.BigEndian.Uint64(tablesAfter[8:])
				if sample != binary.BigEndian.Uint64(tablesBefore) {
					t.Errorf("%s: a seek point has gone from its sample", fixture.name)
				}
				if sample == noPoint {
					continue
				}
				if i := slices.Index(first, int64(sample)); i < 0 || frames[i].start-frames[0].start != int64(offset) {
					t.Errorf("%s: a seek point to sample %d leads to byte %d", fixture.name, sample, offset)
				}
			}
		}
	}
}

// The reference decoder checks every frame and the MD5. Where it is not installed, the other tests do.
func TestReferenceDecoderAccepts(t *testing.T) {
	program, err := exec.LookPath("flac")
	if err != nil {
		t.Skip("flac is not installed")
	}
	files := map[string][]byte{}
	for _, fixture := range fixtures {
		if fixture.name == "around" { // flac refuses what follows the samples there
			continue
		}
		files[fixture.name] = rewrite(t, read(t, fixture.name+".flac"), 777, func(sample int64, x float64) float64 {
			if sample%3 == 0 {
				return 0.9 * x
			}
			return x
		})
	}
	for name, format := range map[string]audio.Format{
		"new24-8ch": {Rate: 96000, Channels: 8, Encoding: audio.Int24},
		"new32-2ch": {Rate: 44100, Channels: 2, Encoding: audio.Int32},
		"new12":     {Rate: 8000, Channels: 1, Encoding: audio.Int16, ValidBits: 12},
	} {
		files[name] = encode(t, sound(format, 12_345))
	}
	for name, data := range files {
		cmd := exec.Command(program, "-t", "-s", "-")
		cmd.Stdin = bytes.NewReader(data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}

func TestRewriteKeepsFramesThatDoNotChange(t *testing.T) {
	data := read(t, "tags.flac")
	out := rewrite(t, data, 100, func(sample int64, x float64) float64 {
		if sample == 1000 {
			return x + 0.1
		}
		return x
	})
	before, _ := framesOf(t, data)
	after, _ := framesOf(t, out)
	for i := range before {
		equal := bytes.Equal(data[before[i].start:before[i].end], out[after[i].start:after[i].end])
		if changed := i == 1; equal == changed {
			t.Errorf("frame %d: equal is %v", i, equal)
		}
	}
}

func TestRewriteRefusesWhatDoesNotFit(t *testing.T) {
	w, err := open(t, read(t, "s8.flac")).Rewrite(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(audio.NewBlock(1, 3002)); err == nil {
		t.Error("3002 samples went into a recording of 3001")
	}
	if err := w.Write(audio.NewBlock(2, 1)); err == nil {
		t.Error("two channels went into a recording of one")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if w.Write(audio.NewBlock(1, 1)) == nil || w.Close() == nil {
		t.Error("a closed recording takes more")
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWriteErrorsAreReported(t *testing.T) {
	data := read(t, "around.flac")
	f := open(t, data)
	for _, after := range []int64{0, f.infoAt, f.infoAt + infoSize, f.tables[0].start, f.tables[0].end, f.coded.start, f.coded.start + 100} {
		w, err := f.Rewrite(&failing{int(after)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(audio.NewBlock(1, 3001)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("a failure after %d bytes gave %v", after, err)
		}
	}
}

// sound returns a recording of a few tones, with noise, silence, and channels that resemble one another.
func sound(f audio.Format, samples int) *audio.Recording {
	r := rand.New(rand.NewPCG(1, uint64(samples)))
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(f.Channels, samples)}
	for i := range samples {
		t := float64(i) / float64(f.Rate)
		x := 0.3*math.Sin(2*math.Pi*440*t) + 0.2*math.Sin(2*math.Pi*1234*t) + 0.01*r.NormFloat64()
		if i/5000%4 == 3 {
			x = 0
		}
		for c := range f.Channels {
			rec.Samples[c][i] = f.Quantize(x * (1 - float64(c)/20) * (1 + 0.001*r.NormFloat64()))
		}
	}
	return rec
}

func equal(a, b *audio.Recording) bool {
	return a.Format == b.Format && slices.EqualFunc(a.Samples, b.Samples, slices.Equal)
}

func TestEncodeDecode(t *testing.T) {
	for _, format := range []audio.Format{
		{Rate: 8000, Channels: 1, Encoding: audio.Int8},
		{Rate: 8000, Channels: 2, Encoding: audio.Int8, ValidBits: 4},
		{Rate: 250_000, Channels: 1, Encoding: audio.Int16, ValidBits: 12},
		{Rate: 44100, Channels: 2, Encoding: audio.Int16},
		{Rate: 65535, Channels: 3, Encoding: audio.Int24, ValidBits: 20},
		{Rate: 96000, Channels: 8, Encoding: audio.Int24},
		{Rate: 1<<20 - 1, Channels: 2, Encoding: audio.Int32, ValidBits: 27},
		{Rate: 655340, Channels: 2, Encoding: audio.Int32},
	} {
		for _, samples := range []int{0, 1, 2, 5, 33, 4095, 4096, 4097, 30_011} {
			rec := sound(format, samples)
			sum := md5Of(rec)
			for level := MinLevel; level <= MaxLevel; level++ {
				data := encodeAt(t, level, rec)
				if !equal(decode(t, data), rec) {
					t.Fatalf("%v, level %d: %d samples differ", format, level, samples)
				}
				if info := open(t, data).info; info.md5 != sum || info.samples != int64(samples) {
					t.Errorf("%v, level %d: %d samples: %+v", format, level, samples, info)
				}
			}
		}
	}
}

// Signals that drive each part of the encoder to its limits.
func TestEncodeDecodeExtremes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	signals := map[string]func(i, c int) float64{
		"noise":                func(int, int) float64 { return 2*r.Float64() - 1 },
		"extremes":             func(int, int) float64 { return 4*r.Float64() - 2 },
		"opposite extremes":    func(i, c int) float64 { return float64(1-2*((i+c)%2)) * 2 },
		"long opposites":       func(i, c int) float64 { return float64(1-2*((i/50+c)%2)) * 2 },
		"constant":             func(_, c int) float64 { return 0.25 + float64(c)/8 },
		"least":                func(int, int) float64 { return -1 },
		"a click":              func(i, _ int) float64 { return float64(i % 4000 / 3999) },
		"a click in the start": func(i, _ int) float64 { return float64(i%4096) * -1e9 },
		"coarse":               func(int, int) float64 { return math.Floor(16*r.Float64())/16 - 0.5 },
		"a ramp":               func(i, _ int) float64 { return float64(i%4096)/4096 - 0.5 },
		"a pure tone":          func(i, _ int) float64 { return math.Sin(float64(i) / 10) },
		"one channel":          func(i, c int) float64 { return float64(c) * math.Sin(float64(i)/10) },
		"rare":                 func(int, int) float64 { return math.Pow(2*r.Float64()-1, 99) },
	}
	for name, signal := range signals {
		for _, format := range []audio.Format{
			{Rate: 44100, Channels: 2, Encoding: audio.Int8},
			{Rate: 44100, Channels: 2, Encoding: audio.Int16},
			{Rate: 44100, Channels: 1, Encoding: audio.Int24},
			{Rate: 44100, Channels: 2, Encoding: audio.Int32},
		} {
			rec := &audio.Recording{Format: format, Samples: audio.NewBlock(format.Channels, 9001)}
			for c, x := range rec.Samples {
				for i := range x {
					x[i] = format.Quantize(signal(i, c))
				}
			}
			for level := MinLevel; level <= MaxLevel; level++ {
				data := encodeAt(t, level, rec)
				if !equal(decode(t, data), rec) {
					t.Errorf("%s, %v, level %d: differs", name, format, level)
				}
				if plain := 9001 * format.Channels * format.Bits() / 8; len(data) > plain+plain/500+200 {
					t.Errorf("%s, %v, level %d: %d bytes became %d", name, format, level, plain, len(data))
				}
			}
		}
	}
}

// flac 1.4.2 -5 wrote these files.
func TestCompressionMatchesTheReferenceEncoder(t *testing.T) {
	for _, name := range []string{"s8", "s24-2ch", "tags"} {
		data := read(t, name+".flac")
		out := rewrite(t, data, 4096, func(sample int64, x float64) float64 {
			if sample%500 == 0 {
				return x + open(t, data).Format().Step()
			}
			return x
		})
		if len(out) > len(data)*101/100 {
			t.Errorf("%s: %d bytes became %d", name, len(data), len(out))
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	good := audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16}
	for name, rec := range map[string]*audio.Recording{
		"no encoding":       {Format: audio.Format{Rate: 8000, Channels: 2}, Samples: audio.NewBlock(2, 1)},
		"floating point":    {Format: audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Float32}, Samples: audio.NewBlock(2, 1)},
		"three bits":        {Format: audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int8, ValidBits: 3}, Samples: audio.NewBlock(2, 1)},
		"nine channels":     {Format: audio.Format{Rate: 8000, Channels: 9, Encoding: audio.Int16}, Samples: audio.NewBlock(9, 1)},
		"a great rate":      {Format: audio.Format{Rate: 1 << 20, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 1)},
		"a missing channel": {Format: good, Samples: audio.NewBlock(1, 1)},
		"a short channel":   {Format: good, Samples: [][]float64{{0, 0}, {0}}},
	} {
		if err := Encode(io.Discard, rec); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	for _, samples := range []int64{-1, 1 << 36} {
		if _, err := NewWriter(io.Discard, good, samples); err == nil {
			t.Errorf("a file of %d samples was begun", samples)
		}
	}
	w, err := NewWriter(io.Discard, good, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(audio.NewBlock(2, 2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "2 of 3 sample frames") {
		t.Errorf("closed too early, it says %v", err)
	}
}

// More than the writer keeps in memory.
func TestLongRecording(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	format := audio.Format{Rate: 192000, Channels: 8, Encoding: audio.Int32}
	r := rand.New(rand.NewPCG(5, 6))
	rec := &audio.Recording{Format: format, Samples: audio.NewBlock(8, 300_000)}
	for _, x := range rec.Samples {
		for i := range x {
			x[i] = float64(int32(r.Uint32())) / (1 << 31)
		}
	}
	data := encode(t, rec)
	if !equal(decode(t, data), rec) {
		t.Error("differs")
	}
	if len(data) < spoolMemory {
		t.Errorf("%d bytes are not long", len(data))
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

func TestSeek(t *testing.T) {
	long := encode(t, sound(audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 300_000))
	files := map[string][]byte{"long": long}
	for _, fixture := range fixtures {
		files[fixture.name] = read(t, fixture.name+".flac")
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	for name, data := range files {
		rec := decode(t, data)
		f := open(t, data)
		r, block := f.Reader(), audio.NewBlock(f.Format().Channels, 50)
		samples := []int64{0, f.Frames(), 1, f.Frames() - 1, 0}
		for range 50 {
			samples = append(samples, rnd.Int64N(f.Frames()+1))
		}
		for _, sample := range samples {
			if err := r.SeekFrame(sample); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n, err := r.Read(block)
			if want := int(min(50, f.Frames()-sample)); n != want || (err == io.EOF) != (n == 0) {
				t.Fatalf("%s: %d samples from %d on, %v", name, n, sample, err)
			}
			for c := range block {
				if !slices.Equal(block[c][:n], rec.Samples[c][sample:][:n]) {
					t.Fatalf("%s: other samples from %d on", name, sample)
				}
			}
		}
		if r.SeekFrame(-1) == nil || r.SeekFrame(f.Frames()+1) == nil {
			t.Errorf("%s: there are samples beyond the ends", name)
		}
	}
}

func TestTruncated(t *testing.T) {
	for _, name := range []string{"s16-2ch", "tags", "pipe", "s24-6ch"} {
		data := read(t, name+".flac")
		whole := decode(t, data)
		frames, first := framesOf(t, data)
		ends := append(first[1:], int64(whole.Frames()))
		for i, where := range frames {
			for _, size := range []int64{where.start + 1, where.start + 5, (where.start + where.end) / 2, where.end - 1, where.end} {
				want := first[i]
				if i == 0 {
					want = 0
				}
				if size == where.end {
					want = ends[i]
				}
				f := open(t, data[:size])
				if f.Frames() != want {
					t.Errorf("%s: %d samples in %d bytes, want %d", name, f.Frames(), size, want)
				}
				rec, err := audio.ReadAll(f)
				var cut *audio.TruncatedError
				switch {
				case f.info.samples == 0 || want == f.info.samples:
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
				case !errors.As(err, &cut) || *cut != audio.TruncatedError{Frames: want, Declared: int64(whole.Frames())}:
					t.Errorf("%s: %v", name, err)
				}
				for c := range rec.Samples {
					if !slices.Equal(rec.Samples[c], whole.Samples[c][:want]) {
						t.Errorf("%s: other samples in %d bytes", name, size)
					}
				}
				// What is left can be written again, with what is left of the frame.
				var out bytes.Buffer
				w, err := f.Rewrite(&out)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range rec.Samples {
					for i := range x {
						x[i] = -x[i]
					}
				}
				if err := w.Write(rec.Samples); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if again := open(t, out.Bytes()); again.Frames() != want {
					t.Errorf("%s: %d samples after rewriting, want %d", name, again.Frames(), want)
				}
			}
		}
	}
}

func TestDamage(t *testing.T) {
	data := read(t, "s16-2ch.flac")
	frames, first := framesOf(t, data)
	whole := decode(t, data)
	for at := frames[1].start; at < frames[1].end; at += 7 {
		broken := slices.Clone(data)
		broken[at] ^= 0x10
		rec, err := Decode(bytes.NewReader(broken), int64(len(broken)))
		if !errors.Is(err, audio.ErrDamaged) {
			t.Fatalf("damage of byte %d gave %v", at, err)
		}
		if int64(rec.Frames()) != first[1] || !slices.Equal(rec.Samples[0], whole.Samples[0][:first[1]]) {
			t.Fatalf("damage of byte %d left %d samples", at, rec.Frames())
		}
		// What follows can still be read.
		r, block := open(t, broken).Reader(), audio.NewBlock(2, 1)
		if err := r.SeekFrame(first[1]); err == nil {
			t.Error("damaged samples were found")
		}
		if err := r.SeekFrame(0); err != nil {
			t.Error(err)
		}
		if n, err := r.Read(block); n != 1 || err != nil {
			t.Error(n, err)
		}
	}
	missing := slices.Concat(data[:frames[1].start], data[frames[2].start:])
	if _, err := Decode(bytes.NewReader(missing), int64(len(missing))); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("a missing frame gave %v", err)
	}
	twice := slices.Concat(data[:frames[2].start], data[frames[1].start:])
	if _, err := Decode(bytes.NewReader(twice), int64(len(twice))); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("a frame that comes twice gave %v", err)
	}
	w, err := open(t, missing).Rewrite(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(audio.NewBlock(2, 3001)); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("rewriting gave %v", err)
	}
	if err := w.Close(); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("closing gave %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	good := read(t, "s8.flac")
	edit := func(at int, b ...byte) []byte {
		data := slices.Clone(good)
		copy(data[at:], b)
		return data
	}
	for name, test := range map[string]struct {
		data []byte
		err  error
	}{
		"nothing":               {nil, audio.ErrFormat},
		"text":                  {[]byte("Call me Ishmael. Some years ago"), audio.ErrFormat},
		"Ogg":                   {[]byte("OggS\x00\x02\x00\x00"), audio.ErrFormat},
		"a tag":                 {[]byte("ID3\x04\x00\x00\x00\x00\x00\x03???\xFF\xFB\x90\x00"), audio.ErrFormat},
		"a cut tag":             {[]byte("ID3\x04\x00\x00\x7F\x7F\x7F\x7F"), audio.ErrFormat},
		"the mark alone":        {good[:4], audio.ErrMalformed},
		"half a STREAMINFO":     {good[:30], audio.ErrMalformed},
		"metadata without end":  {good[:42], audio.ErrMalformed},
		"no STREAMINFO":         {edit(4, 4), audio.ErrMalformed},
		"two of them":           {slices.Concat(good[:42], good[4:]), audio.ErrMalformed},
		"a long STREAMINFO":     {edit(7, 35), audio.ErrMalformed},
		"no rate":               {edit(18, 0, 0, 0), audio.ErrUnsupported},
		"samples of two bits":   {edit(20, good[20]&0xFE, 0x10), audio.ErrMalformed},
		"an invalid block":      {edit(42, 0xFF), audio.ErrMalformed},
		"a block without end":   {edit(43, 0xFF), audio.ErrMalformed},
		"no frame":              {edit(int(open(t, good).coded.start), make([]byte, len(good)-int(open(t, good).coded.start))...), audio.ErrDamaged},
		"two files":             {slices.Concat(good, good), audio.ErrUnsupported},
		"blocks without number": {append(good[:42:42], make([]byte, 4*maxBlocks)...), audio.ErrMalformed},
	} {
		if _, err := Open(bytes.NewReader(test.data), int64(len(test.data))); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", name, err, test.err)
		}
	}
}

// Whatever follows the samples is found to be something else, and copied.
func TestLongTail(t *testing.T) {
	data := read(t, "s16-2ch.flac")
	frames, _ := framesOf(t, data)
	frame := data[frames[0].start:frames[0].end]
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		data = append(data, frame[:r.IntN(len(frame))]...) // that is cut off
		for range 1000 {
			data = append(data, byte(max(r.Uint32(), r.Uint32())>>24)) // 0xFF more often
		}
	}
	f := open(t, data)
	if f.Frames() != 3001 {
		t.Errorf("%d samples, want 3001", f.Frames())
	}
	out := rewrite(t, data, 1000, func(_ int64, x float64) float64 { return -x })
	if !bytes.HasSuffix(out, data[frames[len(frames)-1].end:]) {
		t.Error("the tail is lost")
	}
}

func TestFileWithoutSamples(t *testing.T) {
	data := read(t, "tags.flac")
	f := open(t, data[:open(t, data).coded.start])
	if f.Frames() != 0 {
		t.Errorf("%d samples", f.Frames())
	}
	var cut *audio.TruncatedError
	if _, err := audio.ReadAll(f); !errors.As(err, &cut) || cut.Declared != 3001 {
		t.Errorf("got %v", err)
	}
}

// flaky fails to read from a position on.
type flaky struct {
	*bytes.Reader
	from int64
}

func (f flaky) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > f.from {
		n, _ := f.Reader.ReadAt(b[:max(0, f.from-at)], at)
		return n, io.ErrClosedPipe
	}
	return f.Reader.ReadAt(b, at)
}

func TestReadErrorsAreReported(t *testing.T) {
	data := read(t, "s24-6ch.flac")
	for from := int64(0); from < int64(len(data)); from += 501 {
		src := flaky{bytes.NewReader(data), from}
		if _, err := Decode(src, int64(len(data))); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a failure at byte %d gave %v", from, err)
		}
	}
}

// The numbers of frames as [1] codes them, the first and last of each length.
func TestHeaderRoundTrip(t *testing.T) {
	info := streamInfo{rate: 44100, channels: 2, bits: 16}
	for n := int64(1); n < 1<<36; n = n*2 - n/3 {
		for _, h := range []header{{true, n, 65535, midSide}, {true, n - 1, 256, independent}, {false, n, 4096, sideRight}, {false, n, 1, leftSide}} {
			b := h.append(nil, &info)
			var again header
			size, err := again.parse(append(b[:len(b):len(b)], make([]byte, maxHeader)...), &info)
			if err != nil || size != len(b) || again != h {
				t.Fatalf("%+v became %+v in %d of %d bytes, %v", h, again, size, len(b), err)
			}
		}
	}
	if b := (&header{variable: true, number: 1<<36 - 1, samples: 192}).append(nil, &info); hex.EncodeToString(b[:11]) != "fff91918febfbfbfbfbfbf" {
		t.Errorf("the greatest number is coded as %x", b)
	}
}

func FuzzOpen(f *testing.F) {
	for _, fixture := range []string{"s8", "tags", "around", "variable", "pipe"} {
		f.Add(read(f, fixture+".flac"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if file.Format().Check() != nil || file.Frames() < 0 {
			t.Fatalf("%d samples of %+v", file.Frames(), file.Format())
		}
		const most = 1 << 16 // samples; some bytes can hold many
		r, block := file.Reader(), audio.NewBlock(file.Format().Channels, 1000)
		var out bytes.Buffer
		w, err := file.Rewrite(&out)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for total < most {
			n, err := r.Read(block)
			if n == 0 {
				if err == nil {
					t.Fatal("neither samples nor an error")
				}
				break
			}
			part := make([][]float64, len(block))
			for c := range block {
				part[c] = block[c][:n]
				for i, x := range part[c] {
					part[c][i] = -x
				}
			}
			if err := w.Write(part); err != nil {
				t.Fatal(err)
			}
			total += int64(n)
		}
		if total > file.Frames() {
			t.Fatalf("%d samples of %d", total, file.Frames())
		}
		if total == file.Frames() {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if again, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil || again.Frames() != total {
				t.Fatalf("%v after rewriting %d samples", err, total)
			}
		}
		r.SeekFrame(file.Frames() / 2)
		r.Read(block)
	})
}

// FuzzDecode gives bytes to the decoder that no checksum keeps from it.
func FuzzDecode(f *testing.F) {
	for _, fixture := range []string{"s8", "variable", "order32", "s32-2ch"} {
		data := read(f, fixture+".flac")
		file := open(f, data)
		d := file.decoder()
		d.seek(file.coded.start)
		if err := d.head(); err != nil {
			f.Fatal(err)
		}
		f.Add(data[d.offset():], uint8(file.info.channels), uint8(file.info.bits), uint16(d.samples), uint8(d.stereo))
	}
	f.Fuzz(func(t *testing.T, data []byte, channels, bits uint8, samples uint16, way uint8) {
		info := streamInfo{channels: int(channels%maxChannels) + 1, bits: int(bits%29) + 4}
		d := (&File{r: bytes.NewReader(data), size: int64(len(data)), info: info}).decoder()
		d.header = header{samples: int(max(1, samples))}
		if info.channels == 2 {
			d.header.stereo = stereo(way % 4)
		}
		if d.body() != nil || d.err() != nil {
			return
		}
		// What could be decoded can be coded.
		e := encoder{info: &info, effort: &efforts[int(way)%len(efforts)]}
		h := d.header
		want := make([][]int64, info.channels)
		for c := range want {
			want[c] = slices.Clone(d.codes[c])
		}
		frame := e.encode(h, want)
		d = (&File{r: bytes.NewReader(frame), size: int64(len(frame)), info: info}).decoder()
		if err := d.next(); err != nil {
			t.Fatal(err)
		}
		for c := range want {
			if !slices.Equal(d.codes[c], want[c]) {
				t.Fatal("differs")
			}
		}
	})
}

func benchmark(b *testing.B, samples int, run func()) {
	b.SetBytes(int64(samples) * 4)
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(samples)/44100*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}

func BenchmarkDecode(b *testing.B) {
	rec := sound(audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 10*44100)
	data := encode(b, rec)
	f := open(b, data)
	block := audio.NewBlock(2, 4096)
	benchmark(b, rec.Frames(), func() {
		r := f.Reader()
		for {
			if _, err := r.Read(block); err == io.EOF {
				return
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	rec := sound(audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 10*44100)
	for _, level := range []Level{MinLevel, DefaultLevel, MaxLevel} {
		b.Run(fmt.Sprintf("Level%d", level), func(b *testing.B) {
			benchmark(b, rec.Frames(), func() {
				if err := level.Encode(io.Discard, rec); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
