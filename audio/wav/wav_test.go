package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
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
	rec, err := Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// oracle returns the samples that sox or ffmpeg read from a file, interleaved.
func oracle(t *testing.T, name string) []float64 {
	t.Helper()
	var x []float64
	if data, err := os.ReadFile(filepath.Join("testdata", name+".s32")); err == nil {
		for ; len(data) > 0; data = data[4:] {
			x = append(x, float64(int32(binary.LittleEndian.Uint32(data)))/(1<<31))
		}
		return x
	}
	for data := read(t, name+".f64"); len(data) > 0; data = data[8:] {
		x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return x
}

var fixtures = []struct {
	name   string
	format audio.Format
	frames int64
}{
	{"u8", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int8}, 97},
	{"u8-3ch", audio.Format{Rate: 44100, Channels: 3, Encoding: audio.Int8}, 97},
	{"s16", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}, 97},
	{"s16-2ch", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 97},
	{"s16-8ch", audio.Format{Rate: 44100, Channels: 8, Encoding: audio.Int16}, 97},
	{"s24", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int24}, 97},
	{"s24-plain", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int24}, 97},
	{"s24-6ch", audio.Format{Rate: 44100, Channels: 6, Encoding: audio.Int24}, 97},
	{"s32-2ch", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int32}, 97},
	{"f32", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Float32}, 97},
	{"f64", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Float64}, 97},
	{"rifx", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 97},
	{"rifx-s24", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int24}, 97},
	{"rifx-f32", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Float32}, 97},
	{"rf64", audio.Format{Rate: 44100, Channels: 8, Encoding: audio.Int16}, 97},
	{"bw64", audio.Format{Rate: 44100, Channels: 8, Encoding: audio.Int16}, 97},
	{"ffmpeg-s24", audio.Format{Rate: 44100, Channels: 6, Encoding: audio.Int24}, 97},
	{"ffmpeg-f64", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Float64}, 97},
	{"bext", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Float32}, 97},
	{"chunks", audio.Format{Rate: 11025, Channels: 1, Encoding: audio.Int8}, 97},
	{"sox-pipe", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 97},
	{"ffmpeg-pipe", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int24}, 97},
	{"crashed", audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}, 97},
	{"ambisonic", audio.Format{Rate: 48000, Channels: 1, Encoding: audio.Int16}, 97},
	{"valid12", audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16, ValidBits: 12}, 97},
	{"valid20", audio.Format{Rate: 96000, Channels: 1, Encoding: audio.Int24, ValidBits: 20}, 97},
	{"valid20-dirty", audio.Format{Rate: 96000, Channels: 1, Encoding: audio.Int24, ValidBits: 20}, 97},
	{"valid24", audio.Format{Rate: 192000, Channels: 1, Encoding: audio.Int32, ValidBits: 24}, 97},
	{"f32-odd", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Float32}, 5},
	{"empty", audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 0},
}

func TestFormat(t *testing.T) {
	for _, fixture := range fixtures {
		f := open(t, read(t, fixture.name+".wav"))
		if f.Format() != fixture.format || f.Frames() != fixture.frames {
			t.Errorf("%s: %d frames of %+v, want %d of %+v", fixture.name, f.Frames(), f.Format(), fixture.frames, fixture.format)
		}
	}
}

func TestSamplesAgreeWithOtherPrograms(t *testing.T) {
	for _, fixture := range fixtures {
		switch fixture.name {
		case "valid12", "f32-odd", "empty": // refused by both programs, not comparable, nothing to compare
			continue
		}
		rec := decode(t, read(t, fixture.name+".wav"))
		want := oracle(t, fixture.name)
		if len(want) != rec.Frames()*len(rec.Samples) {
			t.Fatalf("%s: %d frames of %d channels, want %d samples", fixture.name, rec.Frames(), len(rec.Samples), len(want))
		}
		for i, w := range want {
			x := rec.Samples[i%len(rec.Samples)][i/len(rec.Samples)]
			if fixture.name == "rifx-f32" {
				x = min(x, 1-0x1p-31) // sox reads into integers
			}
			if x != w {
				t.Fatalf("%s: sample %d is %v, want %v", fixture.name, i, x, w)
			}
		}
	}
}

// Left-justified: the 12 valid bits are the upper ones.
func TestPlainFormatWithFewerBits(t *testing.T) {
	x, full := decode(t, read(t, "valid12.wav")), decode(t, read(t, "s16.wav"))
	for i, v := range full.Samples[0] {
		if want := math.Floor(v*0x1p11) * 0x1p-11; x.Samples[0][i] != want {
			t.Fatalf("sample %d is %v, want %v", i, x.Samples[0][i], want)
		}
	}
}

// rewrite copies a file with every block passed through change.
func rewrite(t *testing.T, data []byte, blockSize int, change func(x float64) float64) []byte {
	t.Helper()
	f := open(t, data)
	var out bytes.Buffer
	w, err := f.Rewrite(&out)
	if err != nil {
		t.Fatal(err)
	}
	r, block := f.Reader(), audio.NewBlock(f.Format().Channels, blockSize)
	for {
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
				part[c][i] = change(part[c][i])
			}
		}
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRewriteOfTheSameSamplesIsTheSameFile(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".wav")
		for _, size := range []int{1, 10, 4096} {
			if out := rewrite(t, data, size, func(x float64) float64 { return x }); !bytes.Equal(out, data) {
				t.Errorf("%s: differs after rewriting by %d frames", fixture.name, size)
			}
		}
	}
}

func TestRewriteWithoutSamplesIsTheSameFile(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".wav")
		var out bytes.Buffer
		w, err := open(t, data).Rewrite(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), data) {
			t.Errorf("%s: differs", fixture.name)
		}
	}
}

// dataOf returns where the samples of data lie.
func dataOf(t *testing.T, data []byte) (start, end int) {
	f := open(t, data)
	start = int(f.section.Start)
	return start, start + int(f.Frames())*f.section.FrameSize()
}

func TestRewriteHoldsTheQuantisedSamplesAndNothingElseChanges(t *testing.T) {
	for _, fixture := range fixtures {
		if fixture.name == "f32-odd" { // NaN equals nothing
			continue
		}
		data := read(t, fixture.name+".wav")
		change := func(x float64) float64 { return 1.1*x + 0.0123456789 }
		out := rewrite(t, data, 10, change)
		start, end := dataOf(t, data)
		if len(out) != len(data) || !bytes.Equal(out[:start], data[:start]) || !bytes.Equal(out[end:], data[end:]) {
			t.Errorf("%s: what surrounds the samples has changed", fixture.name)
			continue
		}
		before, after := decode(t, data), decode(t, out)
		if after.Format != before.Format {
			t.Errorf("%s: the format became %v", fixture.name, after.Format)
		}
		for c := range before.Samples {
			for i, x := range before.Samples[c] {
				if got, want := after.Samples[c][i], before.Format.Quantize(change(x)); got != want {
					t.Fatalf("%s: channel %d, frame %d holds %v, want %v", fixture.name, c, i, got, want)
				}
			}
		}
	}
}

// companded returns files of A-law and µ-law, with a plain header and an extensible one, by the name of the one with their samples.
func companded(t testing.TB) map[string][][]byte {
	files := map[string][][]byte{}
	for name, tag := range map[string]string{"a-law": "\x06\x00", "mu-law": "\x07\x00"} {
		plain := read(t, name+".wav")
		format := slices.Concat([]byte("fmt \x28\x00\x00\x00\xfe\xff"), plain[22:36], []byte("\x16\x00\x08\x00\x00\x00\x00\x00"+tag+
			"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71"))
		files[name] = [][]byte{plain, withRIFF(slices.Concat(plain[:12], format, plain[38:]))}
	}
	return files
}

// A-law and µ-law are read as 16 bits, and written as a new file of 16 bits.
func TestCompanded(t *testing.T) {
	for name, files := range companded(t) {
		for i, data := range files {
			rec := decode(t, data)
			if want := (audio.Format{Rate: 44100, Channels: 1, Encoding: audio.Int16}); rec.Format != want || !slices.Equal(rec.Samples[0], oracle(t, name)) {
				t.Errorf("%s, %d: %v, and other samples than to ffmpeg", name, i, rec.Format)
			}
			for n := len(data) - 98; n < len(data)-1; n++ { // and a byte of padding
				var truncated *audio.TruncatedError
				if _, err := Decode(bytes.NewReader(data[:n]), int64(n)); !errors.As(err, &truncated) || truncated.Frames != int64(n-len(data)+98) {
					t.Errorf("%s, %d: %d bytes gave %v", name, i, n, err)
				}
			}
			change := func(x float64) float64 { return x + 0x1p-15 }
			again := decode(t, rewrite(t, data, 10, change))
			for i, x := range rec.Samples[0] {
				if again.Samples[0][i] != change(x) || again.Format != rec.Format {
					t.Fatalf("%s: frame %d holds %v of %v, want %v", name, i, again.Samples[0][i], again.Format, change(x))
				}
			}
		}
	}
}

// What is around companded samples stays, as it does around others.
func TestCompandedKeepsItsChunks(t *testing.T) {
	const before, between, behind = "ID3\x03\x00\x00\x00\x00\x00\x02ab", "bext\x05\x00\x00\x00words\x00", "LIST\x04\x00\x00\x00INFOid3 \x03\x00\x00\x00abc\x00"
	codes := "\xD5\xAA\x2A\x55\xD5\xAA\x2A"
	for name, c := range map[string]struct {
		data, want []byte
	}{
		"all of them": {
			append(strangeFile(before, between, 1, 8, 6, 8000, 1, 7, []byte(codes+"\x00")), behind...),
			append(strangeFile(before, between, 1, 16, 1, 16000, 2, 14, make([]byte, 14)), behind...),
		},
		"an open length": {
			strangeFile("", between, 1, 8, 6, 8000, 1, math.MaxUint32, []byte(codes)),
			strangeFile("", between, 1, 16, 1, 16000, 2, math.MaxUint32, make([]byte, 14)),
		},
	} {
		for i, code := range []int16{8, 32256, -32256, -8, 8, 32256, -32256} {
			start := bytes.Index(c.want, []byte("data")) + 8
			binary.LittleEndian.PutUint16(c.want[start+2*i:], uint16(code))
		}
		if name == "all of them" {
			binary.LittleEndian.PutUint32(c.want[len(before)+4:], uint32(len(c.want)-len(before)-8))
		}
		for _, frames := range []int{0, 3, 7} { // the others are copied
			f := open(t, c.data)
			rec := decode(t, c.data)
			var out bytes.Buffer
			w, err := f.Rewrite(&out)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(w.Write([][]float64{rec.Samples[0][:frames]}), w.Close()); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), c.want) {
				t.Errorf("%s: it became\n%q, want\n%q", name, out.Bytes(), c.want)
			}
		}
	}
}

func TestRewriteRefusesTooManyFrames(t *testing.T) {
	f := open(t, read(t, "s16.wav"))
	w, err := f.Rewrite(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(audio.NewBlock(1, 98)); err == nil {
		t.Error("98 frames went into a recording of 97")
	}
	if err := w.Write(audio.NewBlock(2, 1)); err == nil {
		t.Error("two channels went into a recording of one")
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
	data := read(t, "chunks.wav")
	f := open(t, data)
	start, end := dataOf(t, data)
	for _, after := range []int{0, start, end, len(data) - 1} {
		w, err := f.Rewrite(&failing{after})
		if err == nil {
			err = w.Write(audio.NewBlock(1, 97))
			if err == nil {
				err = w.Close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("a failure after %d bytes gave %v", after, err)
		}
	}
}

// Files without extras come out as sox wrote them.
func TestEncodeWritesTheFileOfSox(t *testing.T) {
	for _, name := range []string{"u8.wav", "s16.wav", "s16-2ch.wav"} {
		data := read(t, name)
		var out bytes.Buffer
		if err := Encode(&out, decode(t, data)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), data) {
			t.Errorf("%s: differs", name)
		}
	}
}

func TestEncodeDecode(t *testing.T) {
	for _, fixture := range fixtures {
		if fixture.name == "valid20-dirty" { // bits that the format says are zero are not
			continue
		}
		rec := decode(t, read(t, fixture.name+".wav"))
		var out bytes.Buffer
		if err := Encode(&out, rec); err != nil {
			t.Fatal(err)
		}
		if out.Len()%2 != 0 {
			t.Errorf("%s: %d bytes are not padded", fixture.name, out.Len())
		}
		if riff := binary.LittleEndian.Uint32(out.Bytes()[4:]); int(riff) != out.Len()-8 {
			t.Errorf("%s: the RIFF size is %d in a file of %d bytes", fixture.name, riff, out.Len())
		}
		again := decode(t, out.Bytes())
		if again.Format != rec.Format || again.Frames() != rec.Frames() {
			t.Errorf("%s: %d frames of %v, want %d of %v", fixture.name, again.Frames(), again.Format, rec.Frames(), rec.Format)
			continue
		}
		for c := range rec.Samples {
			for i, x := range rec.Samples[c] {
				if y := again.Samples[c][i]; math.Float64bits(x) != math.Float64bits(y) && x == x {
					t.Fatalf("%s: channel %d, frame %d is %v, want %v", fixture.name, c, i, y, x)
				}
			}
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	good := audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16}
	for name, rec := range map[string]*audio.Recording{
		"no encoding":       {Format: audio.Format{Rate: 8000, Channels: 2}, Samples: audio.NewBlock(2, 1)},
		"a missing channel": {Format: good, Samples: audio.NewBlock(1, 1)},
		"a short channel":   {Format: good, Samples: [][]float64{{0, 0}, {0}}},
		"65536 channels":    {Format: audio.Format{Rate: 8000, Channels: 65536, Encoding: audio.Int8}, Samples: audio.NewBlock(65536, 1)},
	} {
		if err := Encode(io.Discard, rec); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	w, err := NewWriter(io.Discard, good, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(audio.NewBlock(2, 2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("a recording was closed that lacks a frame")
	}
	if err := w.Write(audio.NewBlock(2, 1)); err == nil {
		t.Error("a closed recording was written to")
	}
}

func TestRefusals(t *testing.T) {
	patch := func(name string, at int, with string) []byte {
		data := bytes.Clone(read(t, name))
		copy(data[at:], with)
		return data
	}
	for _, test := range []struct {
		data []byte
		err  error
		says string
	}{
		{patch("a-law.wav", 32, "\x02\x00\x10"), audio.ErrMalformed, "1 channels of a byte each in frames of 2 bytes"},
		{read(t, "ima-adpcm.wav"), audio.ErrUnsupported, "IMA ADPCM"},
		{read(t, "ms-adpcm.wav"), audio.ErrUnsupported, "Microsoft ADPCM"},
		{read(t, "gsm.wav"), audio.ErrUnsupported, "GSM"},
		{read(t, "mp3.wav"), audio.ErrUnsupported, "MP3"},
		{patch("s16.wav", 20, "\x34\x12"), audio.ErrUnsupported, "0x1234"},
		{patch("s16.wav", 28, "\x01\x00\x00\x00\x05"), audio.ErrMalformed, "frames of 5 bytes (block align), but 1 channels of 16 bits"},
		{patch("s32-2ch.wav", 20, "\x01\x00\x02\x00\x44\xAC\x00\x00\x20\x62\x05\x00\x08\x00\x18"), audio.ErrMalformed, "frames of 8 bytes (block align), but 2 channels of 24 bits (bits per sample)"},
		{strangeFile("", "", 1, 24, 1, 32000, 4, 4800, make([]byte, 4800)), audio.ErrMalformed, "frames of 4 bytes (block align), but 1 channels of 24 bits"},
		{strangeFile("", "", 1, 16, 1, 24000, 3, 4800, make([]byte, 4800)), audio.ErrMalformed, "frames of 3 bytes (block align), but 1 channels of 16 bits"},
		{strangeFile("", "", 2, 8, 1, 32000, 4, 4800, make([]byte, 4800)), audio.ErrMalformed, "frames of 4 bytes (block align), but 2 channels of 8 bits"},
		{patch("s16.wav", 34, "\x00"), audio.ErrMalformed, "samples of 0 bits (bits per sample), in frames of 2 bytes (block align)"},
		{patch("s24.wav", 46, "????"), audio.ErrUnsupported, "samples of type"},
		{patch("s16.wav", 22, "\x00"), audio.ErrMalformed, "no channels"},
		{patch("s16.wav", 34, "\x28"), audio.ErrUnsupported, "5 bytes"},
		{patch("s16.wav", 24, "\x00\x00\x00\x00"), audio.ErrMalformed, "0 Hz"},
		{patch("s16.wav", 16, "\x0c"), audio.ErrMalformed, "12 bytes"},
		{patch("s16.wav", 12, "data"), audio.ErrMalformed, "before their format"},
		{patch("s16.wav", 36, "date"), audio.ErrMalformed, "ends before its samples"},
		{append(read(t, "s16.wav")[:36], make([]byte, 1<<20)...), audio.ErrMalformed, "16384 chunks"},
		{patch("s16.wav", 8, "AVI "), audio.ErrFormat, "RIFF"},
		{[]byte("fLaC, not RIFF, WAVE"), audio.ErrFormat, "not a WAV file"},
		{[]byte("RIFF"), audio.ErrFormat, "too short"},
		{nil, audio.ErrFormat, "too short"},
	} {
		_, err := Open(bytes.NewReader(test.data), int64(len(test.data)))
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("got %v, want %v that says %q", err, test.err, test.says)
		}
	}
}

func TestTruncationAtEveryLength(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".wav")
		start, end := dataOf(t, data)
		for n := range data {
			rec, err := Decode(bytes.NewReader(data[:n]), int64(n))
			var truncated *audio.TruncatedError
			open := fixture.name == "sox-pipe" || fixture.name == "ffmpeg-pipe" || fixture.name == "crashed"
			switch {
			case n < start:
				if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrMalformed) {
					t.Fatalf("%s: %d bytes of header gave %v", fixture.name, n, err)
				}
			case n >= end || open:
				if err != nil {
					t.Fatalf("%s: %d bytes gave %v", fixture.name, n, err)
				}
			case !errors.As(err, &truncated):
				t.Fatalf("%s: %d bytes gave %v", fixture.name, n, err)
			case truncated.Declared != fixture.frames || truncated.Frames != int64(rec.Frames()) || rec.Frames() != (n-start)*int(fixture.frames)/(end-start):
				t.Fatalf("%s: %d bytes gave %d frames, and %v", fixture.name, n, rec.Frames(), err)
			}
		}
	}
}

// A file that shrinks while it is read, or whose size was wrong.
func TestFileShorterThanItsSize(t *testing.T) {
	data := read(t, "s16-2ch.wav")
	_, err := Decode(bytes.NewReader(data[:44+10*4+1]), int64(len(data)))
	var truncated *audio.TruncatedError
	if !errors.As(err, &truncated) || truncated.Frames != 10 || truncated.Declared != 97 {
		t.Errorf("got %v", err)
	}
	f, err := Open(bytes.NewReader(data[:100]), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := f.Rewrite(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the copy of a file that is cut short gave %v", err)
	}
}

func TestSeekFrame(t *testing.T) {
	data := read(t, "s24-6ch.wav")
	whole := decode(t, data)
	r, block := open(t, data).Reader(), audio.NewBlock(6, 7)
	for _, frame := range []int64{90, 0, 13, 96, 97} {
		if err := r.SeekFrame(frame); err != nil {
			t.Fatal(err)
		}
		n, err := r.Read(block)
		if want := min(7, 97-int(frame)); n != want || (err == io.EOF) != (want == 0) {
			t.Fatalf("read %d frames at %d, and %v", n, frame, err)
		}
		for c := range block {
			for i := range n {
				if block[c][i] != whole.Samples[c][int(frame)+i] {
					t.Fatalf("channel %d, frame %d is wrong", c, int(frame)+i)
				}
			}
		}
	}
	if r.SeekFrame(98) == nil || r.SeekFrame(-1) == nil {
		t.Error("found frames outside the recording")
	}
	if n, err := r.Read(nil); n != 0 || err == nil {
		t.Errorf("read %d frames of no channels, and %v", n, err)
	}
}

// sparse is a file that starts with head and ends with tail; between them lies silence.
type sparse struct {
	head, tail []byte
	size       int64
}

func (s *sparse) ReadAt(p []byte, at int64) (int, error) {
	n := int(min(int64(len(p)), max(0, s.size-at)))
	clear(p[:n])
	if at < int64(len(s.head)) {
		copy(p[:n], s.head[at:])
	}
	if from := s.size - int64(len(s.tail)); at+int64(n) > from {
		copy(p[max(0, from-at):n], s.tail[max(0, at-from):])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestMoreThan4GiB(t *testing.T) {
	format := audio.Format{Rate: 96000, Channels: 2, Encoding: audio.Int24}
	const frames = 1 << 30 // 6 GiB
	head, pad, err := header(format, frames)
	if err != nil {
		t.Fatal(err)
	}
	file := &sparse{head, []byte("\x00\x00\x40\x00\x00\xC0LIST\x00\x00\x00\x00"), int64(len(head)) + frames*6 + 8}
	if riff := binary.LittleEndian.Uint64(head[20:]); string(head[:4]) != "RF64" || pad != 0 || int64(riff) != file.size-8-8 {
		t.Errorf("the header begins with % x", head[:36])
	}
	f, err := Open(file, file.size)
	if err != nil {
		t.Fatal(err)
	}
	if f.Format() != format || f.Frames() != frames {
		t.Fatalf("%d frames of %v", f.Frames(), f.Format())
	}
	r, block := f.Reader(), audio.NewBlock(2, 10)
	if err := r.SeekFrame(frames - 2); err != nil {
		t.Fatal(err)
	}
	n, err := r.Read(block)
	if n != 2 || err != nil || block[0][1] != 0.5 || block[1][1] != -0.5 {
		t.Errorf("the last of %d frames are %v, and %v", n, block, err)
	}
	if _, err := r.Read(block); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// ends keeps the first and the last bytes that are written, and counts all.
type ends struct {
	head, tail []byte
	size       int64
}

const keep = 256

func (e *ends) Write(p []byte) (int, error) {
	e.head = append(e.head, p[:min(len(p), keep-len(e.head))]...)
	e.tail = append(e.tail, p[max(0, len(p)-keep):]...)
	e.tail = e.tail[:copy(e.tail, e.tail[max(0, len(e.tail)-keep):])]
	e.size += int64(len(p))
	return len(p), nil
}

// All of it is read and written, in little memory.
func TestRewriteOfMoreThan4GiB(t *testing.T) {
	format := audio.Format{Rate: 96000, Channels: 2, Encoding: audio.Int24}
	const frames = 1<<32/6 + 1000
	head, _, err := header(format, frames)
	if err != nil {
		t.Fatal(err)
	}
	for _, magic := range []string{"RF64", "BW64"} {
		copy(head, magic)
		tail := []byte("\x01\x00\x40\x02\x00\xC0LIST\x04\x00\x00\x00INFO")
		file := &sparse{head, tail, int64(len(head)) + frames*6 + 12}
		f, err := Open(file, file.size)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out := &ends{}
		w, err := f.Rewrite(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write([][]float64{{0.5, 0}, {-0.5, 0}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", magic, taken)
		}
		want := append(bytes.Clone(head), 0, 0, 0x40, 0, 0, 0xC0)
		if out.size != file.size || !bytes.HasPrefix(out.head, want) || !bytes.HasSuffix(out.tail, tail) {
			t.Errorf("%s: %d of %d bytes, from % x to % x", magic, out.size, file.size, out.head, out.tail)
		}
	}
}

// silence is a recording that is too long for 32-bit sizes.
type silence struct {
	format audio.Format
	frames int64
}

func (s silence) Format() audio.Format { return s.format }
func (s silence) Frames() int64        { return s.frames }
func (s silence) Reader() audio.Reader { return &silenceReader{s, 0} }

type silenceReader struct {
	silence
	next int64
}

func (r *silenceReader) SeekFrame(frame int64) error { r.next = frame; return nil }

func (r *silenceReader) Read(block [][]float64) (int, error) {
	n := int(min(int64(len(block[0])), r.frames-r.next))
	if n == 0 {
		return 0, io.EOF
	}
	for c := range block {
		clear(block[c][:n])
	}
	r.next += int64(n)
	return n, nil
}

// A long recording of any kind becomes RF64, with the sizes of all of it in ds64.
func TestConvertToMoreThan4GiB(t *testing.T) {
	src := silence{audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Float32}, 1 << 30}
	rewriter, err := audio.Convert(src, audio.Int16, NewWriter)
	if err != nil {
		t.Fatal(err)
	}
	out := &ends{}
	if _, err := rewriter.Rewrite(out); err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	data := int64(4 << 30)
	if string(out.head[:4]) != "RF64" || string(out.head[12:16]) != "ds64" || le.Uint32(out.head[4:]) != math.MaxUint32 {
		t.Errorf("the header begins with % x", out.head)
	}
	if riff, size, frames := le.Uint64(out.head[20:]), le.Uint64(out.head[28:]), le.Uint64(out.head[36:]); int64(riff) != out.size+data-8 || int64(size) != data || frames != 1<<30 {
		t.Errorf("ds64 says %d, %d and %d", riff, size, frames)
	}
}

// A chunk before the samples may have its size in ds64 as well.
func TestLongChunkBeforeTheSamples(t *testing.T) {
	data := "RF64\xFF\xFF\xFF\xFFWAVE" +
		"ds64\x28\x00\x00\x00" + strings.Repeat("\x00", 8) + "\x06\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 8) +
		"\x01\x00\x00\x00LIST\x03\x00\x00\x00\x00\x00\x00\x00" +
		"fmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1F\x00\x00\x80\x3E\x00\x00\x02\x00\x10\x00" +
		"LIST\xFF\xFF\xFF\xFFabc\x00" +
		"data\xFF\xFF\xFF\xFF\x00\x10\x00\x20\x00\x40behind"
	rec := decode(t, []byte(data))
	if rec.Frames() != 3 || rec.Samples[0][0] != 0.125 || rec.Samples[0][2] != 0.5 {
		t.Errorf("got %+v", rec)
	}
}

// The largest file with 32-bit sizes, and the smallest without.
func TestHeaderAtTheLimit(t *testing.T) {
	format := audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int8}
	for frames, magic := range map[int64]string{1<<32 - 1 - 37: "RIFF", 1<<32 - 1 - 36: "RF64"} {
		head, _, err := header(format, frames)
		if err != nil || string(head[:4]) != magic {
			t.Errorf("%d frames: %.4s and %v, want %s", frames, head, err, magic)
		}
		size := int64(len(head)) + frames + 1
		f, err := Open(&sparse{head: head, size: size}, size)
		if err != nil || f.Frames() != frames {
			t.Errorf("%d frames: found %d, and %v", frames, f.Frames(), err)
		}
	}
}

func TestDeclaredSizesTakeNoMemory(t *testing.T) {
	big := []byte{0xF0, 0xFF, 0xFF, 0x6F}
	fmtSize, dataSize := bytes.Clone(read(t, "s16.wav")), bytes.Clone(read(t, "s16.wav"))
	copy(fmtSize[16:], big)
	copy(dataSize[40:], big)
	channels := bytes.Clone(dataSize)
	copy(channels[22:], "\xFF\x7F")
	copy(channels[32:], "\xFE\xFF")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, data := range [][]byte{fmtSize, dataSize, channels} {
		if _, err := Decode(bytes.NewReader(data), int64(len(data))); err == nil {
			t.Error("a lie about sizes was believed")
		}
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 8<<20 {
		t.Errorf("%d bytes were allocated for three files of 238", taken)
	}
}

func FuzzDecode(f *testing.F) {
	for _, fixture := range fixtures {
		f.Add(read(f, fixture.name+".wav"))
	}
	for _, files := range companded(f) {
		for _, data := range files {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrUnsupported) && !errors.Is(err, audio.ErrMalformed) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if err := file.Format().Check(); err != nil {
			t.Fatal(err)
		}
		rec, err := audio.ReadAll(file)
		var truncated *audio.TruncatedError
		if err != nil && !errors.As(err, &truncated) {
			t.Fatal(err)
		}
		if int64(rec.Frames()) != file.Frames() {
			t.Fatalf("%d frames read of %d", rec.Frames(), file.Frames())
		}
		var out bytes.Buffer
		w, err := file.Rewrite(&out)
		if file.section.Law != nil && rec.Format.Channels > math.MaxUint16/2 {
			return // of 16 bits the frames are too large
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(rec.Samples); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if file.section.Law == nil && !bytes.Equal(out.Bytes(), data) {
			t.Fatal("the copy differs")
		}
	})
}

func benchmark(b *testing.B, encoding audio.Encoding) []byte {
	rec := &audio.Recording{Format: audio.Format{Rate: 44100, Channels: 2, Encoding: encoding}, Samples: audio.NewBlock(2, 1<<18)}
	for c := range rec.Samples {
		for i := range rec.Samples[c] {
			rec.Samples[c][i] = math.Sin(float64(i*(c+1)) / 100)
		}
	}
	var out bytes.Buffer
	if err := Encode(&out, rec); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkRead(b *testing.B) {
	for _, encoding := range []audio.Encoding{audio.Int8, audio.Int16, audio.Int24, audio.Int32, audio.Float32, audio.Float64} {
		b.Run(fmt.Sprint(encoding), func(b *testing.B) {
			data := benchmark(b, encoding)
			r, block := open(b, data).Reader(), audio.NewBlock(2, 4096)
			b.SetBytes(int64(len(data)))
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
		})
	}
}

// All of a recording of more than 4 GiB.
func BenchmarkConvertMoreThan4GiB(b *testing.B) {
	src := silence{audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Float32}, 1<<30 + 1}
	rewriter, err := audio.Convert(src, audio.Int16, NewWriter)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(4 * src.frames)
	for b.Loop() {
		out := &ends{}
		w, err := rewriter.Rewrite(out)
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		file := &sparse{head: out.head[:80], size: out.size}
		if f, err := Open(file, file.size); err != nil || f.Frames() != src.frames || out.size-80 != 4*src.frames {
			b.Fatal(out.size, err)
		}
	}
}

func BenchmarkRewrite(b *testing.B) {
	for _, encoding := range []audio.Encoding{audio.Int8, audio.Int16, audio.Int24, audio.Int32, audio.Float32, audio.Float64} {
		b.Run(fmt.Sprint(encoding), func(b *testing.B) {
			data := benchmark(b, encoding)
			f := open(b, data)
			rec := decode(b, data)
			for c := range rec.Samples {
				for i := range rec.Samples[c] {
					rec.Samples[c][i] *= 0.9
				}
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				w, err := f.Rewrite(io.Discard)
				if err != nil {
					b.Fatal(err)
				}
				if err := w.Write(rec.Samples); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// strangeFile returns a WAV file with any fields in its header, and what is before it and
// between its format and its samples.
func strangeFile(before, between string, channels, bits, tag, perSecond, align int, size uint32, samples []byte) []byte {
	le := binary.LittleEndian
	b := []byte(before + "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00")
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, 8000)
	b = le.AppendUint32(b, uint32(perSecond))
	b = le.AppendUint16(b, uint16(align))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, between+"data"...)
	b = le.AppendUint32(b, size)
	return append(b, samples...)
}

// withRIFF returns a file with the size of all of it in its first chunk.
func withRIFF(data []byte) []byte {
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	return data
}

// rf64 returns an RF64 file of 16-bit samples that leaves the lengths in its ds64 chunk at 0.
func rf64(samples []byte) []byte {
	b := strangeFile("", "", 1, 16, 1, 16000, 2, math.MaxUint32, samples)
	ds64 := append([]byte("ds64\x1c\x00\x00\x00"), make([]byte, 28)...)
	binary.LittleEndian.PutUint64(ds64[8:], uint64(len(b)+len(ds64)-8))
	return slices.Concat([]byte("RF64\xff\xff\xff\xffWAVE"), ds64, b[12:])
}

// TestMoreSamples checks that samples behind others are not dropped in silence.
func TestMoreSamples(t *testing.T) {
	samples := make([]byte, 1001)
	for i := range samples {
		samples[i] = byte(i*7) | 128
	}
	one := withRIFF(strangeFile("", "", 1, 8, 1, 8000, 1, 1001, samples))
	second := append([]byte("data\xe9\x03\x00\x00"), samples...)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"joined":                   {slices.Concat(one, []byte{0}, one), "it holds more than one recording: another WAV file begins at byte 1046"},
		"joined, without padding":  {slices.Concat(one, one), "it holds more than one recording: another WAV file begins at byte 1045"},
		"two chunks":               {slices.Concat(one, []byte{0}, second), "a second chunk of samples begins at byte 1046"},
		"two, others between them": {slices.Concat(one, []byte("\x00LIST\x02\x00\x00\x00ab"), second), "a second chunk of samples begins at byte 1056"},
	} {
		_, err := Open(bytes.NewReader(c.data), int64(len(c.data)))
		if !errors.Is(err, audio.ErrMalformed) && !errors.As(err, new(*audio.JoinedError)) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	for name, behind := range map[string]string{"a tag": "\x00TAG of an older kind", "noise": "\x00\x01\x02\x03", "a chunk": "\x00LIST\x02\x00\x00\x00ab"} {
		data := append(bytes.Clone(one), behind...)
		if f, err := Open(bytes.NewReader(data), int64(len(data))); err != nil || f.Frames() != 1001 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStrangeHeaders reads files whose headers contradict themselves, as players do, and writes them again as they were.
func TestStrangeHeaders(t *testing.T) {
	samples := make([]byte, 4800)
	for i := range samples {
		samples[i] = byte(i * 7)
	}
	const id3 = "ID3\x03\x00\x00\x00\x00\x00\x0aTIT2\x00\x00\x00\x00\x00\x00"
	for name, c := range map[string]struct {
		data     []byte
		channels int
		encoding audio.Encoding
	}{
		"24 bits, aligned to 4":     {strangeFile("", "", 2, 24, 1, 32000, 4, 4800, samples), 2, audio.Int24},
		"16 bits, aligned to 1":     {strangeFile("", "", 1, 16, 1, 8000, 1, 4800, samples), 1, audio.Int16},
		"16 bits, aligned to 0":     {strangeFile("", "", 1, 16, 1, 0, 0, 4800, samples), 1, audio.Int16},
		"16 bits, aligned to 4":     {strangeFile("", "", 1, 16, 1, 16000, 4, 4800, samples), 1, audio.Int16},
		"floats, aligned to 8":      {strangeFile("", "", 1, 32, 3, 64000, 8, 4800, samples), 1, audio.Float32},
		"a tag before it":           {strangeFile(id3, "", 1, 16, 1, 16000, 2, 4800, samples), 1, audio.Int16},
		"two tags before it":        {strangeFile(id3+id3, "", 1, 16, 1, 16000, 2, 4800, samples), 1, audio.Int16},
		"a length of 0":             {withRIFF(strangeFile("", "", 1, 16, 1, 16000, 2, 0, samples)), 1, audio.Int16},
		"an RF64 length of 0":       {rf64(samples), 1, audio.Int16},
		"an open length, lame's":    {strangeFile("", "", 1, 16, 1, 16000, 2, 0x7FFFFFFF, samples), 1, audio.Int16},
		"an open length, another's": {strangeFile("", "", 1, 16, 1, 16000, 2, 0x7FFFFFFF-36, samples), 1, audio.Int16},
	} {
		f, err := Open(bytes.NewReader(c.data), int64(len(c.data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rec, err := audio.ReadAll(f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if rec.Format.Channels != c.channels || rec.Format.Encoding != c.encoding || rec.Frames() != len(samples)/(c.channels*c.encoding.Bits()/8) {
			t.Errorf("%s: %d frames of %v", name, rec.Frames(), rec.Format)
		}
		var b bytes.Buffer
		w, err := f.Rewrite(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(rec.Samples), w.Close()); err != nil || !bytes.Equal(b.Bytes(), c.data) {
			t.Errorf("%s: written again it is another file, error %v", name, err)
		}
	}
}

// TestMissingPadding reads files whose odd chunks lack the byte behind them, and writes them again with it: as the files are that have it.
func TestMissingPadding(t *testing.T) {
	const (
		tag        = "ID3\x03\x00\x00\x00\x00\x00\x01T"
		list, more = "LIST\x05\x00\x00\x00abcde", "bext\x03\x00\x00\x00abc"
	)
	samples := make([]byte, 1001)
	for i := range samples {
		samples[i] = byte(i*7) | 128
	}
	le := binary.LittleEndian
	file := func(before, between, behind string, law int) []byte {
		b := append(strangeFile(before, between, 1, 8, law, 8000, 1, 1001, samples), behind...)
		le.PutUint32(b[len(before)+4:], uint32(len(b)-len(before)-8))
		return b
	}
	long := func(between, behind string) []byte {
		b := append(strangeFile("", between, 1, 8, 1, 8000, 1, 1001, samples), behind...)
		ds64 := append([]byte("ds64\x1c\x00\x00\x00"), make([]byte, 28)...)
		le.PutUint64(ds64[8:], uint64(len(b)+len(ds64)-8))
		le.PutUint64(ds64[16:], 1001)
		return slices.Concat([]byte("RF64\xff\xff\xff\xffWAVE"), ds64, b[12:])
	}
	counted := file("", list, "\x00", 1)
	le.PutUint32(counted[4:], le.Uint32(counted[4:])+1)
	for name, c := range map[string]struct {
		without, with []byte
		lacking       string
		end           int // of the samples
	}{
		"before the samples": {file("", list, "\x00", 1), file("", list+"\x00", "\x00", 1), "LIST", 44 + 13 + 1001},
		"two":                {file(tag, list+more, "\x00", 1), file(tag, list+"\x00"+more+"\x00", "\x00", 1), "LIST bext", 11 + 44 + 13 + 11 + 1001},
		"everywhere": {
			file("", list, more+list+"id3 \x00\x00\x00\x00", 1), file("", list+"\x00", "\x00"+more+"\x00"+list+"\x00id3 \x00\x00\x00\x00", 1),
			"LIST data bext LIST", 44 + 13 + 1001,
		},
		"A-law":              {file("", list, more+list, 6), file("", list+"\x00", "\x00"+more+"\x00"+list, 6), "LIST data bext", 44 + 13 + 1001},
		"counted, not there": {counted, file("", list+"\x00", "\x00", 1), "LIST", 44 + 13 + 1001},
		"RF64":               {long(list, "\x00"), long(list+"\x00", "\x00"), "LIST", 44 + 36 + 13 + 1001},
		"none":               {file("", list+"\x00", "\x00"+more, 1), file("", list+"\x00", "\x00"+more, 1), "", 44 + 14 + 1001},
	} {
		f := open(t, c.without)
		if got := strings.Join(f.Lacking(), " "); got != c.lacking || f.End() != int64(c.end) {
			t.Errorf("%s: %q lack it, and the samples end at byte %d, want %q and %d", name, got, f.End(), c.lacking, c.end)
		}
		if got, want := decode(t, c.without), decode(t, c.with); !slices.Equal(got.Samples[0], want.Samples[0]) {
			t.Errorf("%s: other samples", name)
		}
		change := func(x float64) float64 { return -x / 2 }
		for _, size := range []int{1, 10, 4096} {
			if got, want := rewrite(t, c.without, size, change), rewrite(t, c.with, size, change); !bytes.Equal(got, want) {
				t.Errorf("%s: by %d frames it became %q, want %q", name, size, got[:100], want[:100])
			}
		}
	}
}
