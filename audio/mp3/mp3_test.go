package mp3

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
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
	rec, err := audio.ReadAll(open(t, data))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

var fixtures = []struct {
	name     string
	rate     int
	channels int
	samples  int // that were encoded, 0 if the file does not tell
}{
	{"joint", 44100, 2, 11025},
	{"apart", 48000, 2, 0},
	{"strong", 44100, 2, 11025},
	{"weak", 32000, 1, 0},
	{"variable", 44100, 1, 11025},
	{"low", 22050, 1, 5513},
	{"low16", 16000, 2, 0},
	{"low24", 24000, 2, 6000},
	{"lower", 11025, 1, 2756},
	{"lower12", 12000, 2, 3000},
}

func TestSamplesAgreeWithMpg123(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".mp3")
		rec := decode(t, data)
		want := audio.Format{Rate: fixture.rate, Channels: fixture.channels, Encoding: audio.Int16}
		if rec.Format != want || int64(rec.Frames()) != open(t, data).Frames() {
			t.Errorf("%s: %d samples of %v, want %v", fixture.name, rec.Frames(), rec.Format, want)
		}
		s16 := read(t, fixture.name+".s16") // with what the encoder put around the sound
		if fixture.samples > 0 {
			if rec.Frames() != fixture.samples {
				t.Errorf("%s: %d samples of %d that were encoded", fixture.name, rec.Frames(), fixture.samples)
			}
			s16 = s16[2*fixture.channels*int(open(t, data).skip):]
			s16 = s16[:min(len(s16), 2*fixture.channels*fixture.samples)]
		}
		if len(s16) != 2*fixture.channels*rec.Frames() {
			t.Errorf("%s: %d samples, want %d", fixture.name, rec.Frames(), len(s16)/2/fixture.channels)
			continue
		}
		power, most := 0.0, 0.0
		for i := range len(s16) / 2 {
			x := rec.Samples[i%fixture.channels][i/fixture.channels] * 32768
			diff := x - float64(int16(binary.LittleEndian.Uint16(s16[2*i:])))
			power += diff * diff
			most = max(most, math.Abs(diff))
		}
		power = math.Sqrt(power / float64(len(s16)/2))
		if most > 2 || power > 1 {
			t.Errorf("%s: samples differ by %.1f, %.2f on average", fixture.name, most, power)
		}
	}
}

func TestSeekFrameGivesWhatReadingGives(t *testing.T) {
	for _, fixture := range fixtures {
		checkSeeks(t, fixture.name, read(t, fixture.name+".mp3"), 30)
	}
}

func checkSeeks(t *testing.T, name string, data []byte, seeks int) {
	t.Helper()
	f := open(t, data)
	rec := decode(t, data)
	rnd := rand.New(rand.NewPCG(1, 2))
	r, block := f.Reader(), audio.NewBlock(f.Format().Channels, 50)
	samples := []int64{0, f.Frames(), max(0, f.Frames()-1), 0}
	for range seeks {
		samples = append(samples, rnd.Int64N(f.Frames()+1))
	}
	for _, sample := range samples {
		if err := r.SeekFrame(sample); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n, err := r.Read(block)
		if want := int(min(50, f.Frames()-sample)); n != want || (err == io.EOF) != (n == 0) {
			t.Fatalf("%s: %d samples from %d on, want %d, %v", name, n, sample, want, err)
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

// Far enough into a file that what precedes a frame is not all read.
func TestSeekInALongFile(t *testing.T) {
	for _, name := range []string{"apart", "low16"} {
		data := read(t, name+".mp3")
		checkSeeks(t, name, bytes.Repeat(data, 10), 40)
	}
}

func TestWhatSurroundsTheFrames(t *testing.T) {
	data := read(t, "apart.mp3")
	want := decode(t, data)
	tag := append([]byte("ID3\x04\x00\x10\x00\x00\x01\x02"), make([]byte, 130+10)...)
	for name, around := range map[string][]byte{
		"a tag":        slices.Concat(tag, data),
		"two tags":     slices.Concat(tag, tag, data),
		"garbage":      slices.Concat(tag, []byte("\xFF\xFB\x90garbage\xFF\xFF"), data),
		"an old tag":   slices.Concat(data, []byte("TAG"), make([]byte, 125)),
		"APE":          slices.Concat(data, []byte("APETAGEX"), make([]byte, 100)),
		"a cut frame":  slices.Concat(data, data[:200]),
		"a cut header": slices.Concat(data, data[:3]),
		"zeros":        slices.Concat(make([]byte, 1000), data),
		"other frames": slices.Concat(data, read(t, "weak.mp3")[:300]),
	} {
		if got := decode(t, around); !slices.EqualFunc(got.Samples, want.Samples, slices.Equal) {
			t.Errorf("%s: %d samples that differ from the %d without", name, got.Frames(), want.Frames())
		}
	}
}

// What is damaged is silent or sounds wrong, and nothing else.
func TestDamage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".mp3")
		for range 4 {
			broken := slices.Clone(data)
			for range 1 + rnd.IntN(20) {
				broken[300+rnd.IntN(len(broken)-300)] = byte(rnd.Uint32())
			}
			checkSeeks(t, fixture.name, broken, 10)
		}
	}
}

func TestTruncationAtEveryLength(t *testing.T) {
	data := read(t, "lower.mp3")
	whole := decode(t, data)
	for n := range data {
		f, err := Open(bytes.NewReader(data[:n]), int64(n))
		if err != nil {
			if !errors.Is(err, audio.ErrFormat) || n > 600 {
				t.Fatalf("%d bytes gave %v", n, err)
			}
			continue
		}
		rec, err := audio.ReadAll(f)
		var cut *audio.TruncatedError
		if missing := f.promised - f.count; errors.As(err, &cut) != (missing > 0) && missing != 1 || // which may be a frame that is none
			cut != nil && (cut.Frames != f.Frames() || cut.Declared != int64(whole.Frames())) {
			t.Fatalf("%d bytes, %d frames less: %v", n, missing, err)
		}
		sound := min(rec.Frames(), whole.Frames()) // what the encoder put behind it is not left out of a file that is cut off
		if cut == nil && err != nil || int64(rec.Frames()) != f.Frames() || !slices.Equal(rec.Samples[0][:sound], whole.Samples[0][:sound]) {
			t.Fatalf("%d bytes gave %d of %d samples, %v", n, rec.Frames(), f.Frames(), err)
		}
	}
}

// first returns where the first frame of sound begins, behind the one that tells how many there are.
func first(data []byte) int {
	return bytes.IndexByte(data, 0xFF) + parse(data[bytes.IndexByte(data, 0xFF):]).size()
}

func TestRefusals(t *testing.T) {
	strong := read(t, "strong.mp3")
	for name, test := range map[string]struct {
		data []byte
		err  error
		says string
	}{
		"nothing":        {nil, audio.ErrFormat, "not an MP3 file"},
		"text":           {bytes.Repeat([]byte("Call me Ishmael. "), 10000), audio.ErrFormat, "not an MP3 file"},
		"a tag alone":    {[]byte("ID3\x04\x00\x00\x00\x00\x00\x03???"), audio.ErrFormat, "not an MP3 file"},
		"a cut tag":      {[]byte("ID3\x04\x00\x00\x7F\x7F\x7F\x7F"), audio.ErrFormat, "not an MP3 file"},
		"a header alone": {[]byte("\xFF\xFB\x90\x00"), audio.ErrFormat, "not an MP3 file"},
		"8000 Hz":        {read(t, "lowest.mp3"), audio.ErrUnsupported, "8000 Hz; convert the file"},
		"two recordings": {slices.Concat(read(t, "joint.mp3"), read(t, "weak.mp3")), audio.ErrUnsupported, "one of 32000 Hz and 1 channels instead of"},
		"two alike":      {slices.Concat(strong, strong), audio.ErrUnsupported, fmt.Sprintf("another MP3 file begins at byte %d", len(strong))},
		"two with a tag": {slices.Concat(strong, []byte("ID3\x04\x00\x00\x00\x00\x00\x03???"), strong), audio.ErrUnsupported, fmt.Sprintf("begins at byte %d", len(strong))},
		"sound behind":   {slices.Concat(strong, strong[first(strong):]), audio.ErrUnsupported, fmt.Sprintf("what its encoder did not count begins at byte %d", len(strong))},
		"layer II":       {read(t, "layer2.mp3"), audio.ErrUnsupported, "layer 2; convert the file"},
	} {
		_, err := Open(bytes.NewReader(test.data), int64(len(test.data)))
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %v that says %q", name, err, test.err, test.says)
		}
	}
}

// A file that lacks a frame or two of those that its encoder counted is cut off; one that lacks what may not have been a frame is not, nor one
// that is damaged where nothing is missing at the end.
func TestCutOff(t *testing.T) {
	data := read(t, "strong.mp3")
	last := parse(data[bytes.LastIndex(data, data[first(data):first(data)+2]):]).size()
	for name, c := range map[string]struct {
		data []byte
		cut  bool
	}{
		"whole":                 {data, false},
		"with an old tag":       {slices.Concat(data, []byte("TAG"), make([]byte, 125)), false},
		"a byte less":           {data[:len(data)-1], true},
		"a frame less":          {data[:len(data)-last], false}, // some encoders count one more
		"half":                  {data[:len(data)/2], true},
		"half, and an old tag":  {slices.Concat(data[:len(data)/2], []byte("TAG"), make([]byte, 125)), true},
		"zeros in the middle":   {slices.Concat(data[:4000], make([]byte, 3000), data[7000:]), false},
		"a hole in the middle":  {slices.Concat(data[:4000], data[7000:]), true}, // where the frames are that are missing nobody knows
		"half, and no tag left": {data[first(data):][:5000], false},              // so that nobody knows
	} {
		f := open(t, c.data)
		rec, err := audio.ReadAll(f)
		var cut *audio.TruncatedError
		if errors.As(err, &cut) != c.cut || err != nil && cut == nil || int64(rec.Frames()) != f.Frames() {
			t.Errorf("%s: %d frames, %v", name, rec.Frames(), err)
		}
	}
}

// flaky fails to read from a position on.
type flaky struct {
	*bytes.Reader
	from int64
}

func (f flaky) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > f.from {
		return 0, io.ErrClosedPipe
	}
	return f.Reader.ReadAt(b, at)
}

func TestReadErrorsAreReported(t *testing.T) {
	data := bytes.Repeat(read(t, "apart.mp3"), 10)
	src := &flaky{bytes.NewReader(data), 40_000}
	if _, err := Open(src, int64(len(data))); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Open gave %v", err)
	}
	src.from = math.MaxInt64
	f, err := Open(src, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	src.from = 40_000
	if rec, err := audio.ReadAll(f); !errors.Is(err, io.ErrClosedPipe) || rec.Frames() == 0 {
		t.Errorf("%d samples, and %v", rec.Frames(), err)
	}
	if err := f.Reader().SeekFrame(f.Frames() - 1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("SeekFrame gave %v", err)
	}
}

// A file that becomes shorter while it is read.
func TestFileShorterThanItWas(t *testing.T) {
	data := bytes.Repeat(read(t, "apart.mp3"), 10)
	f := open(t, data)
	f.r = bytes.NewReader(data[:40_000])
	if rec, err := audio.ReadAll(f); !errors.Is(err, io.ErrUnexpectedEOF) || rec.Frames() == 0 {
		t.Errorf("%d samples, and %v", rec.Frames(), err)
	}
}

func TestDeclaredSizesTakeNoMemory(t *testing.T) {
	data := slices.Concat([]byte("ID3\x04\x00\x00\x7F\x7F\x7F\x7F"), read(t, "apart.mp3"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Open(bytes.NewReader(data), int64(len(data))); err == nil {
		t.Error("a tag beyond the end was believed")
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
		t.Errorf("%d bytes were allocated", taken)
	}
}

func FuzzOpen(f *testing.F) {
	for _, fixture := range fixtures {
		f.Add(read(f, fixture.name+".mp3")[:900])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if err := file.Format().Check(); err != nil {
			t.Fatal(err)
		}
		const most = 20_000 // samples; the decoder is slow
		n := min(file.Frames(), most)
		x, y := audio.NewBlock(file.Format().Channels, int(n)), audio.NewBlock(file.Format().Channels, int(n/2))
		r := file.Reader()
		if got, err := r.Read(x); int64(got) != n || err != nil {
			t.Fatalf("%d samples read of %d, %v", got, n, err)
		}
		r = file.Reader()
		if err := r.SeekFrame(n - n/2); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Read(y); int64(got) != n/2 || err != nil {
			t.Fatalf("%d samples read of %d, %v", got, n/2, err)
		}
		for c := range y {
			if !slices.Equal(y[c], x[c][n-n/2:]) {
				t.Fatal("other samples after seeking")
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := read(b, "joint.mp3")
	frame := []byte{0xff, 0xfb}
	info := bytes.Index(data, frame) + 4 // of the frame that counts the others, of which there will be more
	f := open(b, bytes.Repeat(data[info+bytes.Index(data[info:], frame):], 20))
	block := audio.NewBlock(2, 4096)
	b.ReportAllocs()
	for b.Loop() {
		r := f.Reader()
		for {
			if n, _ := r.Read(block); n == 0 {
				break
			}
		}
	}
	seconds := f.Format().Duration(f.Frames()).Seconds()
	b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
