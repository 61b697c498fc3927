package w64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/internal/pcm/pcmtest"
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
	pcmtest.Decode(decode).Agree(t, ".w64", 8, []pcmtest.Written{
		{Name: "u8", Channels: 3, Encoding: audio.Int8},
		{Name: "s16", Channels: 2, Encoding: audio.Int16},
		{Name: "s24", Channels: 6, Encoding: audio.Int24},
		{Name: "s32", Channels: 2, Encoding: audio.Int32},
		{Name: "f32", Channels: 2, Encoding: audio.Float32},
		{Name: "f64", Channels: 1, Encoding: audio.Float64},
		{Name: "a-law", Channels: 1, Encoding: audio.Int16},
		{Name: "mu-law", Channels: 2, Encoding: audio.Int16},
		{Name: "pipe", Channels: 2, Encoding: audio.Int16},
	})
}

func TestRefusals(t *testing.T) {
	samples := part(dataGUID, 0, "12345678")
	one := file(sixteen, samples)
	odd := file(sixteen, part(dataGUID, 0, "12")[:26])
	pcmtest.Decode(decode).Refuse(t, []pcmtest.Refusal{
		{Data: nil, Err: audio.ErrFormat, Says: "not a Wave64 file"},
		{Data: []byte("RIFF" + riffGUID[4:]), Err: audio.ErrFormat, Says: "not a Wave64 file"},
		{Data: []byte(riffGUID), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: []byte(riffGUID + "\x00\x00\x00\x00\x00\x00\x00\x00" + junkGUID), Err: audio.ErrFormat, Says: "not of audio"},
		{Data: file(), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: file(samples), Err: audio.ErrMalformed, Says: "before their format"},
		{Data: file(format(0x55, 1, 8000, 16), samples), Err: audio.ErrUnsupported, Says: "MP3; convert the file"},
		{Data: file(format(1, 0, 8000, 16), samples), Err: audio.ErrMalformed, Says: "no channels"},
		{Data: file(part(fmtGUID, 0, "abc"), samples), Err: audio.ErrMalformed, Says: "a format of 3 bytes"},
		{Data: file(part(fmtGUID, 7, "abc"), samples), Err: audio.ErrMalformed, Says: "a chunk of 7 bytes"},
		{Data: file(part(junkGUID, math.MaxUint64, "abc"), sixteen, samples), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: file(sixteen, part(dataGUID, 7, "abc")), Err: audio.ErrMalformed, Says: "a chunk of 7 bytes"},
		{Data: file(sixteen, samples, samples), Err: audio.ErrMalformed, Says: "a second chunk of samples begins at byte 112"},
		{Data: file(sixteen, samples, part(junkGUID, 0, "abc"), samples), Err: audio.ErrMalformed, Says: "a second chunk of samples"},
		{Data: slices.Concat(one, one), Err: audio.ErrUnsupported, Says: "another Wave64 file begins at byte 112"},
		{Data: slices.Concat(odd, one), Err: audio.ErrUnsupported, Says: "another Wave64 file begins at byte 106"},
		{Data: file(append(slices.Repeat([]string{part(junkGUID, 0, "")}, 1<<14), sixteen, samples)...), Err: audio.ErrMalformed, Says: "16384 chunks"},
	})
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
	f.Fuzz(func(t *testing.T, data []byte) { pcmtest.Decode(decode).Check(t, data) })
}
