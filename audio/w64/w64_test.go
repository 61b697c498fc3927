package w64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
)

// The GUIDs as Sony's document has them.
const (
	riffGUID = "\x72\x69\x66\x66\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00"
	waveGUID = "\x77\x61\x76\x65\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A"
	fmtGUID  = "\x66\x6D\x74\x20\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A"
	dataGUID = "\x64\x61\x74\x61\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A"
	junkGUID = "\x6A\x75\x6E\x6B\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A"
)

var le = binary.LittleEndian

// part returns a chunk, whose size is its own if it is 0.
func part(guid string, size uint64, content string) string {
	if size == 0 {
		size = uint64(24 + len(content))
	}
	return guid + string(le.AppendUint64(nil, size)) + content + strings.Repeat("\x00", -len(content)&7)
}

// format returns a fmt chunk of a plain header.
func format(tag, channels, rate, bits int) string {
	b := le.AppendUint16(nil, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	return part(fmtGUID, 0, string(le.AppendUint16(b, uint16(bits))))
}

// file returns a file of chunks.
func file(chunks ...string) []byte {
	rest := strings.Join(chunks, "")
	return []byte(riffGUID + string(le.AppendUint64(nil, uint64(40+len(rest)))) + waveGUID + rest)
}

func decode(data []byte) (*audio.Recording, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

var sixteen = format(1, 1, 8000, 16)

// Each kind of file, with the values that its bytes stand for.
var files = []struct {
	name     string
	data     []byte
	encoding audio.Encoding
	want     [][]float64
}{
	{"8 bits", file(format(1, 2, 8000, 8), part(dataGUID, 0, "\x80\xFF\x00\x7F")), audio.Int8, [][]float64{{0, -1}, {127. / 128, -1. / 128}}},
	{"16 bits", file(sixteen, part(dataGUID, 0, "\x34\x12\x00\x80")), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"24 bits, other chunks", file(part(junkGUID, 0, "abc"), format(1, 1, 8000, 24), part(junkGUID, 0, ""), part(dataGUID, 0, "\x56\x34\x12"), part(junkGUID, 0, "abcdefghi")),
		audio.Int24, [][]float64{{0x123456 / 0x1p23}}},
	{"float", file(format(3, 1, 8000, 32), part(dataGUID, 0, "\x00\x00\x20\xC0")), audio.Float32, [][]float64{{-2.5}}},
	{"A-law", file(format(6, 1, 8000, 8), part(dataGUID, 0, "\xD5\xAA")), audio.Int16, [][]float64{{8. / 32768, 32256. / 32768}}},
	{"µ-law", file(format(7, 1, 8000, 8), part(dataGUID, 0, "\xFF\x00")), audio.Int16, [][]float64{{0, -32124. / 32768}}},
	{"an open length", file(sixteen, part(dataGUID, math.MaxUint64, "\x34\x12\x00\x80")[:28]), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"an open length, ffmpeg's", file(sixteen, part(dataGUID, math.MaxInt64, "\x34\x12\x00\x80")[:28]), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"a length of 0", file(sixteen, dataGUID+"\x00\x00\x00\x00\x00\x00\x00\x00\x34\x12\x00\x80"), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"something behind", append(file(sixteen, part(dataGUID, 0, "\x34\x12\x00\x80")), "a tag, or whatever that may be"...), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"nothing", file(sixteen, part(dataGUID, 0, "")), audio.Int16, [][]float64{{}}},
}

func TestFiles(t *testing.T) {
	for _, c := range files {
		rec, err := decode(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if want := (audio.Format{Rate: 8000, Channels: len(c.want), Encoding: c.encoding}); rec.Format != want {
			t.Errorf("%s: %+v, want %+v", c.name, rec.Format, want)
		}
		for i := range rec.Samples {
			if !slices.Equal(rec.Samples[i][:rec.Frames()], c.want[i]) {
				t.Errorf("%s: channel %d is %v, want %v", c.name, i, rec.Samples[i], c.want[i])
			}
		}
	}
}

// Files that ffmpeg wrote hold the samples that it reads.
func TestSamplesAgreeWithFFmpeg(t *testing.T) {
	for _, c := range []struct {
		name     string
		channels int
		encoding audio.Encoding
	}{
		{"u8", 3, audio.Int8},
		{"s16", 2, audio.Int16},
		{"s24", 6, audio.Int24},
		{"s32", 2, audio.Int32},
		{"f32", 2, audio.Float32},
		{"f64", 1, audio.Float64},
		{"a-law", 1, audio.Int16},
		{"mu-law", 2, audio.Int16},
		{"pipe", 2, audio.Int16},
	} {
		data, err := os.ReadFile("testdata/" + c.name + ".w64")
		if err != nil {
			t.Fatal(err)
		}
		samples, err := os.ReadFile("testdata/" + c.name + ".f64")
		if err != nil {
			t.Fatal(err)
		}
		rec, err := decode(data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if want := (audio.Format{Rate: 44100, Channels: c.channels, Encoding: c.encoding}); rec.Format != want || rec.Frames() < 97 || len(samples) != rec.Frames()*8*c.channels {
			t.Errorf("%s: %d frames of %+v", c.name, rec.Frames(), rec.Format)
			continue
		}
		for i := range len(samples) / 8 {
			want := math.Float64frombits(binary.LittleEndian.Uint64(samples[8*i:]))
			if got := rec.Samples[i%c.channels][i/c.channels]; got != want {
				t.Fatalf("%s: sample %d is %v, want %v", c.name, i, got, want)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	samples := part(dataGUID, 0, "12345678")
	one := file(sixteen, samples)
	odd := file(sixteen, part(dataGUID, 0, "12")[:26])
	for _, c := range []struct {
		data []byte
		err  error
		says string
	}{
		{nil, audio.ErrFormat, "not a Wave64 file"},
		{[]byte("RIFF" + riffGUID[4:]), audio.ErrFormat, "not a Wave64 file"},
		{[]byte(riffGUID), audio.ErrMalformed, "ends before its samples"},
		{[]byte(riffGUID + "\x00\x00\x00\x00\x00\x00\x00\x00" + junkGUID), audio.ErrFormat, "not of audio"},
		{file(), audio.ErrMalformed, "ends before its samples"},
		{file(samples), audio.ErrMalformed, "before their format"},
		{file(format(0x55, 1, 8000, 16), samples), audio.ErrUnsupported, "MP3; convert the file"},
		{file(format(1, 0, 8000, 16), samples), audio.ErrMalformed, "no channels"},
		{file(part(fmtGUID, 0, "abc"), samples), audio.ErrMalformed, "a format of 3 bytes"},
		{file(part(fmtGUID, 7, "abc"), samples), audio.ErrMalformed, "a chunk of 7 bytes"},
		{file(part(junkGUID, math.MaxUint64, "abc"), sixteen, samples), audio.ErrMalformed, "ends before its samples"},
		{file(sixteen, part(dataGUID, 7, "abc")), audio.ErrMalformed, "a chunk of 7 bytes"},
		{file(sixteen, samples, samples), audio.ErrMalformed, "a second chunk of samples begins at byte 112"},
		{file(sixteen, samples, part(junkGUID, 0, "abc"), samples), audio.ErrMalformed, "a second chunk of samples"},
		{slices.Concat(one, one), audio.ErrUnsupported, "another Wave64 file begins at byte 112"},
		{slices.Concat(odd, one), audio.ErrUnsupported, "another Wave64 file begins at byte 106"},
		{file(append(slices.Repeat([]string{part(junkGUID, 0, "")}, 1<<14), sixteen, samples)...), audio.ErrMalformed, "16384 chunks"},
	} {
		_, err := Open(bytes.NewReader(c.data), int64(len(c.data)))
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v, want %v that says %q", err, c.err, c.says)
		}
	}
}

func TestTruncationAtEveryLength(t *testing.T) {
	whole := file(format(1, 2, 8000, 16), part(dataGUID, 0, strings.Repeat("1234", 100)))
	start := len(whole) - 400
	for n := range whole {
		rec, err := decode(whole[:n])
		var cut *audio.TruncatedError
		switch {
		case n < 14 && !errors.Is(err, audio.ErrFormat), n >= 14 && n < start && !errors.Is(err, audio.ErrMalformed):
			t.Fatalf("%d bytes gave %v", n, err)
		case n >= start && (!errors.As(err, &cut) || cut.Declared != 100 || cut.Frames != int64(n-start)/4 || rec.Frames() != (n-start)/4):
			t.Fatalf("%d bytes gave %v", n, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range files {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := decode(data)
		var cut *audio.TruncatedError
		switch {
		case rec == nil:
			if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrUnsupported) && !errors.Is(err, audio.ErrMalformed) {
				t.Fatalf("an error of no class: %v", err)
			}
		case err != nil && !errors.As(err, &cut):
			t.Fatal(err)
		case rec.Format.Check() != nil:
			t.Fatal(rec.Format.Check())
		case rec.Frames()*rec.Format.Channels > len(data):
			t.Fatalf("%d frames out of %d bytes", rec.Frames(), len(data))
		}
	})
}
