package vorbis

import (
	"bytes"
	"encoding/binary"
	"errors"
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
	"ditas/audio/internal/ogg"
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
	frames   int
}{
	{"stereo", 44100, 2, 11025},
	{"mono", 22050, 1, 8820},
	{"slow", 8000, 2, 3200},
	{"pages", 16000, 1, 9600},
	{"sox", 48000, 2, 9600},
	{"midway", 44100, 1, 13230},
	{"video", 44100, 1, 8820},
	{"comments", 11025, 1, 2205},
}

func TestSamplesAgreeWithFFmpeg(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".ogg")
		rec := decode(t, data)
		f := open(t, data)
		want := audio.Format{Rate: fixture.rate, Channels: fixture.channels, Encoding: audio.Float32}
		if rec.Format != want || f.Frames() != int64(fixture.frames) || rec.Frames() != fixture.frames {
			t.Errorf("%s: %d of %d frames of %v, want %d of %v", fixture.name, rec.Frames(), f.Frames(), rec.Format, fixture.frames, want)
		}
		// ffmpeg keeps what the positions in a file say is not to be heard, at its beginning and, of short ones, its end.
		s16 := read(t, fixture.name+".s16")[2*fixture.channels*int(max(0, -f.start)):]
		for i := range fixture.frames * fixture.channels {
			x := rec.Samples[i%fixture.channels][i/fixture.channels]
			x = max(-1, min(x, 32767.0/32768)) * 32768
			if y := float64(int16(binary.LittleEndian.Uint16(s16[2*i:]))); math.Abs(x-y) > 0.52 {
				t.Fatalf("%s: frame %d is %.2f, want %.0f", fixture.name, i/fixture.channels, x, y)
			}
		}
	}
}

// A recording of something that has been going on for long.
func TestPositionsThatBeginLate(t *testing.T) {
	data := read(t, "pages.ogg")
	want := decode(t, data)
	f := open(t, data)
	for at := f.index[0].at; at < int64(len(data)); {
		p, _, err := ogg.ReadPage(bytes.NewReader(data), at, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint64(data[at+6:], uint64(p.Granule)+1<<40)
		at += p.Size
	}
	late := open(t, seal(data))
	if got := decode(t, seal(data)); !slices.Equal(got.Samples[0], want.Samples[0]) || late.start != 1<<40 {
		t.Errorf("%d frames from %d on", got.Frames(), late.start)
	}
	checkSeeks(t, "late", late, 20)
}

func TestSeekFrameGivesWhatReadingGives(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".ogg")
		checkSeeks(t, fixture.name, open(t, data), 50)
	}
}

func checkSeeks(t *testing.T, name string, f *File, seeks int) {
	t.Helper()
	rec, err := audio.ReadAll(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	r, block := f.Reader(), audio.NewBlock(f.Format().Channels, 50)
	frames := []int64{0, f.Frames(), max(0, f.Frames()-1), 0}
	for range seeks {
		frames = append(frames, rnd.Int64N(f.Frames()+1))
	}
	for _, frame := range frames {
		if err := r.SeekFrame(frame); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n, err := r.Read(block)
		if want := int(min(50, f.Frames()-frame)); n != want || (err == io.EOF) != (n == 0) {
			t.Fatalf("%s: %d frames from %d on, want %d, %v", name, n, frame, want, err)
		}
		for c := range block {
			if !slices.Equal(block[c][:n], rec.Samples[c][frame:][:n]) {
				t.Fatalf("%s: other samples from %d on", name, frame)
			}
		}
	}
	if r.SeekFrame(-1) == nil || r.SeekFrame(f.Frames()+1) == nil {
		t.Errorf("%s: there are frames beyond the ends", name)
	}
}

// Decoding begins at any page.
func TestSeekFromEveryPage(t *testing.T) {
	data := read(t, "pages.ogg")
	f := open(t, data)
	first := f.index[0]
	at, before := first.at, int64(0)
	f.index = nil
	for at < int64(len(data)) {
		p, ok, err := ogg.ReadPage(bytes.NewReader(data), at, int64(len(data)))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		f.index = append(f.index, entry{at, before})
		before = max(before, p.Granule)
		at += p.Size
	}
	if len(f.index) < 10 {
		t.Fatalf("%d pages are few", len(f.index))
	}
	f.index[0] = first
	checkSeeks(t, "pages", f, 300)
}

func TestDamage(t *testing.T) {
	for _, name := range []string{"pages", "stereo"} {
		data := read(t, name+".ogg")
		whole := decode(t, data)
		f := open(t, data)
		for at := f.index[0].at; at < int64(len(data)); at += 97 {
			broken := slices.Clone(data)
			broken[at] ^= 0x10
			file, err := Open(bytes.NewReader(broken), int64(len(broken)))
			if err != nil {
				if !errors.Is(err, audio.ErrDamaged) && !errors.Is(err, audio.ErrMalformed) && !errors.Is(err, audio.ErrUnsupported) {
					t.Fatalf("%s: damage of byte %d gave %v", name, at, err)
				}
				continue
			}
			rec, err := audio.ReadAll(file)
			var cut *audio.TruncatedError
			if !errors.Is(err, audio.ErrDamaged) && !errors.As(err, &cut) && int64(rec.Frames()) != file.Frames() {
				t.Fatalf("%s: damage of byte %d left %d of %d frames, %v", name, at, rec.Frames(), file.Frames(), err)
			}
			n := min(rec.Frames(), whole.Frames())
			if !slices.Equal(rec.Samples[0][:n], whole.Samples[0][:n]) {
				t.Fatalf("%s: damage of byte %d went unnoticed", name, at)
			}
		}
	}
}

func TestTruncationAtEveryLength(t *testing.T) {
	data := read(t, "pages.ogg")
	whole := decode(t, data)
	start := int(open(t, data).index[0].at)
	for n := range len(data) {
		f, err := Open(bytes.NewReader(data[:n]), int64(n))
		if n < start {
			if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrMalformed) {
				t.Fatalf("%d bytes gave %v", n, err)
			}
			continue
		}
		if n%101 > 0 { // the headers take a while
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes gave %v", n, err)
		}
		rec, err := audio.ReadAll(f)
		if err != nil && !errors.As(err, new(*audio.TruncatedError)) || int64(rec.Frames()) != f.Frames() || !slices.Equal(rec.Samples[0], whole.Samples[0][:rec.Frames()]) {
			t.Fatalf("%d bytes gave %d of %d frames, %v", n, rec.Frames(), f.Frames(), err)
		}
	}
}

func TestRefusals(t *testing.T) {
	mono := read(t, "mono.ogg")
	for name, test := range map[string]struct {
		data []byte
		err  error
		says string
	}{
		"nothing":      {nil, audio.ErrFormat, "not an Ogg file"},
		"text":         {[]byte("Call me Ishmael. Some years ago"), audio.ErrFormat, "not an Ogg file"},
		"the mark":     {[]byte("OggS\x00\x02\x00\x00"), audio.ErrFormat, "not an Ogg file"},
		"Opus":         {read(t, "opus.ogg"), audio.ErrUnsupported, "it holds Opus; convert the file"},
		"FLAC":         {read(t, "flac.ogg"), audio.ErrUnsupported, "it holds FLAC in Ogg; convert the file"},
		"Speex":        {read(t, "speex.ogg"), audio.ErrUnsupported, "it holds Speex; convert the file"},
		"chained":      {read(t, "chained.ogg"), audio.ErrUnsupported, "more than one recording: another recording begins at byte 3933"},
		"surround":     {read(t, "surround.ogg"), audio.ErrUnsupported, "6 channels; convert the file"},
		"half headers": {mono[:1000], audio.ErrMalformed, "within its headers"},
	} {
		_, err := Open(bytes.NewReader(test.data), int64(len(test.data)))
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %v that says %q", name, err, test.err, test.says)
		}
	}
}

// What the decoder would not end with, or take too much memory for.
func TestSetupsThatAreRefused(t *testing.T) {
	head := []byte(markSetup)
	setup := func(book ...field) []byte {
		return append(slices.Clone(head), pack(append([]field{{0, 8}, {0x564342, 24}}, book...)...)...)
	}
	for name, test := range map[string]struct {
		setup []byte
		err   error
	}{
		"nothing":               {head, audio.ErrMalformed},
		"no codebook":           {append(slices.Clone(head), 0, 1, 2, 3, 4), audio.ErrMalformed},
		"no dimensions":         {setup(field{0, 16}, field{2, 24}, field{0, 2}, field{0, 10}), audio.ErrMalformed},
		"no entries":            {setup(field{1, 16}, field{0, 24}), audio.ErrMalformed},
		"many entries":          {setup(field{1, 16}, field{1<<24 - 1, 24}), audio.ErrUnsupported},
		"a tree with a gap":     {setup(field{1, 16}, field{2, 24}, field{0, 2}, field{0, 5}, field{1, 5}, field{0, 4}), audio.ErrMalformed},
		"codes without a place": {setup(field{1, 16}, field{3, 24}, field{0, 2}, field{0, 15}, field{0, 4}), audio.ErrMalformed},
		"no codes":              {setup(field{1, 16}, field{2, 24}, field{2, 2}, field{0, 2}, field{0, 4}, field{0, 32}), audio.ErrMalformed},
		"endless lengths":       {setup(field{1, 16}, field{2, 24}, field{1, 1}, field{0, 5}), audio.ErrMalformed},
		"many values": {setup(field{65535, 16}, field{128, 24}, field{1, 1}, field{6, 5}, field{128, 8}, field{2, 4}, field{0, 32}, field{0, 32}, field{0, 5}),
			audio.ErrUnsupported},
		"an unknown type": {setup(field{1, 16}, field{2, 24}, field{0, 2}, field{0, 10}, field{3, 4}), audio.ErrMalformed},
		"an inexact root": {setup(field{3, 16}, field{125, 24}, field{1, 1}, field{5, 5}, field{3, 7}, field{122, 7}, field{1, 4}, field{0, 32}, field{0, 32}, field{0, 5}),
			audio.ErrUnsupported},
		"an old floor": {setup(field{1, 16}, field{2, 24}, field{0, 2}, field{0, 10}, field{0, 4}, field{0, 6}, field{0, 16}, field{0, 6}, field{0, 16}),
			audio.ErrUnsupported},
	} {
		if err := checkSetup(test.setup); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, want %v", name, err, test.err)
		}
	}
}

// field is the low bits of a value.
type field struct {
	value uint32
	bits  int
}

// pack puts fields together as Vorbis does.
func pack(fields ...field) (b []byte) {
	n := 0
	for _, f := range fields {
		for i := range f.bits {
			if n%8 == 0 {
				b = append(b, 0)
			}
			b[n/8] |= byte(f.value>>i&1) << (n % 8)
			n++
		}
	}
	return b
}

func TestRoot(t *testing.T) {
	for _, test := range [][3]int{{1, 1, 1}, {125, 3, 5}, {124, 3, 4}, {6561, 8, 3}, {1 << 17, 1, 1 << 17}, {7, 200, 1}} {
		if got := root(test[0], test[1]); got != test[2] {
			t.Errorf("the root %d of %d is %d, want %d", test[1], test[0], got, test[2])
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
	data := read(t, "pages.ogg")
	for from := int64(0); from < int64(len(data)); from += 701 {
		if _, err := Open(&flaky{bytes.NewReader(data), from}, int64(len(data))); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a failure at byte %d gave %v", from, err)
		}
	}
	src := &flaky{bytes.NewReader(data), math.MaxInt64}
	f, err := Open(src, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	src.from = int64(len(data)) - 500
	if rec, err := audio.ReadAll(f); !errors.Is(err, io.ErrClosedPipe) || rec.Frames() == 0 {
		t.Errorf("%d frames, and %v", rec.Frames(), err)
	}
	if err := f.Reader().SeekFrame(f.Frames() - 1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("SeekFrame gave %v", err)
	}
}

func TestDeclaredSizesTakeNoMemory(t *testing.T) {
	head := []byte(markSetup)
	book := pack(field{0, 8}, field{0x564342, 24}, field{65535, 16}, field{1<<24 - 1, 24}, field{0, 32})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if checkSetup(append(head, book...)) == nil {
		t.Error("a codebook of 2^40 values was believed")
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
		t.Errorf("%d bytes were allocated", taken)
	}
}

// seal gives every page the checksum that it ought to have.
func seal(data []byte) []byte {
	data = slices.Clone(data)
	src, size := bytes.NewReader(data), int64(len(data))
	for at := int64(0); at < size; {
		p, ok, err := ogg.ReadPage(src, at, size)
		if err != nil || !ok {
			if at, err = ogg.FindPage(src, at+1, size); err != nil {
				break
			}
			continue
		}
		raw := data[at : at+p.Size]
		clear(raw[22:26])
		binary.LittleEndian.PutUint32(raw[22:], ogg.Checksum(raw))
		at += p.Size
	}
	return data
}

func TestSealedFixturesAreTheSame(t *testing.T) {
	for _, fixture := range fixtures {
		if data := read(t, fixture.name+".ogg"); !bytes.Equal(seal(data), data) {
			t.Errorf("%s: other checksums", fixture.name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, fixture := range fixtures {
		if fixture.name != "comments" {
			f.Add(read(f, fixture.name+".ogg"))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = seal(data)
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			known := false
			for _, class := range []error{audio.ErrFormat, audio.ErrUnsupported, audio.ErrMalformed, audio.ErrDamaged} {
				known = known || errors.Is(err, class)
			}
			if !known {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if err := file.Format().Check(); err != nil || file.Frames() < 0 {
			t.Fatal(file.Frames(), err)
		}
		if rec, err := audio.ReadAll(audio.Mend(file)); err == nil && int64(rec.Frames()) != file.Frames() {
			t.Fatalf("%d frames read of %d, mended", rec.Frames(), file.Frames())
		}
		rec, err := audio.ReadAll(file)
		var cut *audio.TruncatedError
		switch {
		case errors.Is(err, audio.ErrDamaged):
		case errors.As(err, &cut):
			if cut.Frames != int64(rec.Frames()) || cut.Declared < file.Frames() {
				t.Fatal(rec.Frames(), file.Frames(), err)
			}
		case err != nil:
			t.Fatal(err)
		case int64(rec.Frames()) != file.Frames():
			t.Fatalf("%d frames read of %d", rec.Frames(), file.Frames())
		default:
			r := file.Reader()
			if err := r.SeekFrame(file.Frames() / 2); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := read(b, "stereo.ogg")
	f := open(b, data)
	r, block := f.Reader(), audio.NewBlock(2, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.SeekFrame(0); err != nil {
			b.Fatal(err)
		}
		for {
			if n, _ := r.Read(block); n == 0 {
				break
			}
		}
	}
	seconds := f.Format().Duration(f.Frames()).Seconds()
	b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
