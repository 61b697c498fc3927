package au

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

// file returns an AU file, as its specification has it.
func file(order binary.AppendByteOrder, start, length, encoding, rate, channels uint32, rest string) []byte {
	b := []byte(".snd")
	if order.String() == binary.LittleEndian.String() {
		b = []byte("dns.")
	}
	for _, v := range []uint32{start, length, encoding, rate, channels} {
		b = order.AppendUint32(b, v)
	}
	return append(b, rest...)
}

func decode(data []byte) (*audio.Recording, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

var big, little = binary.BigEndian, binary.LittleEndian

// Each encoding, with the values that its bytes stand for.
var encoded = []struct {
	name     string
	data     []byte
	encoding audio.Encoding
	want     [][]float64
}{
	{"µ-law", file(big, 24, 4, 1, 8000, 1, "\xFF\x80\x00\x7F"), audio.Int16, [][]float64{{0, 32124. / 32768, -32124. / 32768, 0}}},
	{"A-law", file(big, 24, 4, 27, 8000, 1, "\xD5\xAA\x2A\x55"), audio.Int16, [][]float64{{8. / 32768, 32256. / 32768, -32256. / 32768, -8. / 32768}}},
	{"8 bits", file(big, 24, 4, 2, 8000, 2, "\x00\x7F\x80\xFF"), audio.Int8, [][]float64{{0, -1}, {127. / 128, -1. / 128}}},
	{"16 bits, with a comment", file(big, 32, 4, 3, 8000, 1, "comment\x00\x12\x34\x80\x00"), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"24 bits", file(big, 24, 6, 4, 96000, 1, "\x12\x34\x56\xFF\xFF\xFF"), audio.Int24, [][]float64{{0x123456 / 0x1p23, -0x1p-23}}},
	{"32 bits", file(big, 24, 4, 5, 8000, 1, "\x12\x34\x56\x78"), audio.Int32, [][]float64{{0x12345678 / 0x1p31}}},
	{"float", file(big, 24, 8, 6, 8000, 1, "\x3F\x80\x00\x00\xC0\x20\x00\x00"), audio.Float32, [][]float64{{1, -2.5}}},
	{"double", file(big, 24, 8, 7, 8000, 1, "\xC0\x04\x00\x00\x00\x00\x00\x00"), audio.Float64, [][]float64{{-2.5}}},
	{"16 bits, little-endian", file(little, 24, 4, 3, 8000, 1, "\x34\x12\x00\x80"), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"float, little-endian", file(little, 24, 4, 6, 8000, 1, "\x00\x00\x20\xC0"), audio.Float32, [][]float64{{-2.5}}},
	{"an open length", file(big, 24, math.MaxUint32, 3, 8000, 1, "\x12\x34\x80\x00\x01"), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"a length of 0", file(big, 24, 0, 3, 8000, 1, "\x12\x34\x80\x00"), audio.Int16, [][]float64{{0x1234 / 32768., -1}}},
	{"a file behind the samples", file(big, 24, 2, 3, 8000, 1, "\x12\x34and a tag, or whatever it is"), audio.Int16, [][]float64{{0x1234 / 32768.}}},
	{"nothing", file(big, 24, 0, 3, 8000, 1, ""), audio.Int16, [][]float64{{}}},
}

func TestEncodings(t *testing.T) {
	for _, c := range encoded {
		rec, err := decode(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := audio.Format{Rate: 8000, Channels: len(c.want), Encoding: c.encoding}
		if c.name == "24 bits" {
			want.Rate = 96000
		}
		if rec.Format != want {
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
	pcmtest.Decode(decode).Agree(t, ".au", 0, []pcmtest.Written{
		{Name: "s8", Channels: 3, Encoding: audio.Int8},
		{Name: "s16", Channels: 2, Encoding: audio.Int16},
		{Name: "s24", Channels: 1, Encoding: audio.Int24},
		{Name: "s32", Channels: 2, Encoding: audio.Int32},
		{Name: "f32", Channels: 2, Encoding: audio.Float32},
		{Name: "f64", Channels: 1, Encoding: audio.Float64},
		{Name: "a-law", Channels: 1, Encoding: audio.Int16},
		{Name: "mu-law", Channels: 2, Encoding: audio.Int16},
		{Name: "pipe", Channels: 2, Encoding: audio.Int16},
	})
}

func TestRefusals(t *testing.T) {
	pcmtest.Decode(decode).Refuse(t, []pcmtest.Refusal{
		{Data: nil, Err: audio.ErrFormat, Says: "not an AU file"},
		{Data: []byte(".snf"), Err: audio.ErrFormat, Says: "not an AU file"},
		{Data: []byte(".snd\x00\x00"), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: file(big, 24, 4, 23, 8000, 1, "1234"), Err: audio.ErrUnsupported, Says: "G.721 ADPCM; convert the file"},
		{Data: file(big, 24, 4, 99, 8000, 1, "1234"), Err: audio.ErrUnsupported, Says: "encoding 99"},
		{Data: file(big, 24, 4, 3, 0, 1, "1234"), Err: audio.ErrMalformed, Says: "a rate of 0 Hz"},
		{Data: file(big, 24, 4, 3, 1<<31, 1, "1234"), Err: audio.ErrMalformed, Says: "a rate of 2147483648 Hz"},
		{Data: file(big, 24, 4, 3, 8000, 0, "1234"), Err: audio.ErrMalformed, Says: "0 channels"},
		{Data: file(big, 24, 4, 3, 8000, 1<<31, "1234"), Err: audio.ErrMalformed, Says: "2147483648 channels"},
		{Data: file(big, 20, 4, 3, 8000, 1, "1234"), Err: audio.ErrMalformed, Says: "begin at byte 20, within the header"},
		{Data: file(big, math.MaxUint32, 4, 3, 8000, 1, "1234"), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: slices.Concat(encoded[1].data, encoded[1].data), Err: audio.ErrUnsupported, Says: "another AU file begins at byte 28"},
	})
}

func TestTruncationAtEveryLength(t *testing.T) {
	whole := file(big, 28, 400, 3, 8000, 2, strings.Repeat("1234", 101))
	for n := range whole {
		rec, err := decode(whole[:n])
		var cut *audio.TruncatedError
		switch {
		case n < 4 && !errors.Is(err, audio.ErrFormat), n >= 4 && n < 28 && !errors.Is(err, audio.ErrMalformed):
			t.Fatalf("%d bytes gave %v", n, err)
		case n >= 28 && (!errors.As(err, &cut) || cut.Declared != 100 || cut.Frames != int64(n-28)/4 || rec.Frames() != (n-28)/4):
			t.Fatalf("%d bytes gave %v", n, err)
		}
	}
}

func TestSeekFrame(t *testing.T) {
	data := encoded[0].data
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	r, block := f.Reader(), audio.NewBlock(1, 2)
	if err := r.SeekFrame(2); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(block); n != 2 || err != nil || block[0][0] != -32124./32768 {
		t.Errorf("%d frames, %v, %v", n, err, block)
	}
	if r.SeekFrame(5) == nil {
		t.Error("there is a frame 5 of 4")
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range encoded {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { pcmtest.Decode(decode).Check(t, data) })
}
