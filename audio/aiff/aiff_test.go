package aiff

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

var be = binary.BigEndian

// Rates as 80 bits, from the table in the specification of AIFF and from those of other programs.
const (
	rate8000  = "\x40\x0B\xFA\x00\x00\x00\x00\x00\x00\x00"
	rate22254 = "\x40\x0D\xAD\xDD\x17\x45\xD1\x74\x5D\x17" // 22254.5454…, of old Macs
	rate44100 = "\x40\x0E\xAC\x44\x00\x00\x00\x00\x00\x00"
)

// chunk returns a chunk, with padding.
func chunk(name, content string) string {
	return name + string(be.AppendUint32(nil, uint32(len(content)))) + content + strings.Repeat("\x00", len(content)&1)
}

// comm returns a COMM chunk, of AIFF-C if there is a compression type.
func comm(channels, frames, bits int, rate, kind string) string {
	b := be.AppendUint16(nil, uint16(channels))
	b = be.AppendUint32(b, uint32(frames))
	b = be.AppendUint16(b, uint16(bits))
	b = append(b, rate...)
	if kind != "" {
		b = append(b, kind+"\x03any"...)
	}
	return chunk("COMM", string(b))
}

// ssnd returns a chunk of samples.
func ssnd(samples string) string { return chunk("SSND", "\x00\x00\x00\x00\x00\x00\x00\x00"+samples) }

// form returns a file of chunks, of kind AIFF or AIFC.
func form(kind string, chunks ...string) []byte {
	return []byte(chunk("FORM", kind+strings.Join(chunks, "")))
}

// short returns a file of 16-bit samples.
func short(channels int, samples string) []byte {
	return form("AIFF", comm(channels, len(samples)/2/channels, 16, rate8000, ""), ssnd(samples))
}

// of returns an AIFF-C file of one channel.
func of(kind string, bits, frames int, samples string) []byte {
	return form("AIFC", chunk("FVER", "\xA2\x80\x51\x40"), comm(1, frames, bits, rate8000, kind), ssnd(samples))
}

func decode(data []byte) (*audio.Recording, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return audio.ReadAll(f)
}

// Each kind of file, with the values that its bytes stand for.
var files = []struct {
	name   string
	data   []byte
	format audio.Format
	want   [][]float64
}{
	{"16 bits", short(2, "\x12\x34\x80\x00\x7F\xFF\x00\x01"), audio.Format{Channels: 2, Encoding: audio.Int16},
		[][]float64{{0x1234 / 32768., 32767. / 32768}, {-1, 1. / 32768}}},
	{"8 bits", form("AIFF", comm(1, 3, 8, rate8000, ""), ssnd("\x00\x7F\x80")), audio.Format{Encoding: audio.Int8}, [][]float64{{0, 127. / 128, -1}}},
	{"12 bits", form("AIFF", comm(1, 2, 12, rate8000, ""), ssnd("\x12\x30\x80\x00")), audio.Format{Encoding: audio.Int16, ValidBits: 12},
		[][]float64{{0x123 / 2048., -1}}},
	{"24 bits, 44.1 kHz", form("AIFF", comm(1, 1, 24, rate44100, ""), ssnd("\x12\x34\x56")), audio.Format{Rate: 44100, Encoding: audio.Int24}, [][]float64{{0x123456 / 0x1p23}}},
	{"32 bits, of an old Mac", form("AIFF", comm(1, 1, 32, rate22254, ""), ssnd("\x12\x34\x56\x78")), audio.Format{Rate: 22255, Encoding: audio.Int32}, [][]float64{{0x12345678 / 0x1p31}}},
	{"NONE", of("NONE", 16, 1, "\x12\x34"), audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"twos", of("twos", 16, 1, "\x12\x34"), audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"sowt", of("sowt", 16, 1, "\x34\x12"), audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"sowt, 24 bits", of("sowt", 24, 1, "\x56\x34\x12"), audio.Format{Encoding: audio.Int24}, [][]float64{{0x123456 / 0x1p23}}},
	{"raw", of("raw ", 8, 2, "\x80\x00"), audio.Format{Encoding: audio.Int8}, [][]float64{{0, -1}}},
	{"in24", of("in24", 24, 1, "\x12\x34\x56"), audio.Format{Encoding: audio.Int24}, [][]float64{{0x123456 / 0x1p23}}},
	{"in32", of("in32", 16, 1, "\x12\x34\x56\x78"), audio.Format{Encoding: audio.Int32}, [][]float64{{0x12345678 / 0x1p31}}},
	{"42n1", of("42n1", 24, 1, "\x56\x34\x12"), audio.Format{Encoding: audio.Int24}, [][]float64{{0x123456 / 0x1p23}}},
	{"23ni", of("23ni", 32, 1, "\x78\x56\x34\x12"), audio.Format{Encoding: audio.Int32}, [][]float64{{0x12345678 / 0x1p31}}},
	{"fl32", of("fl32", 32, 1, "\xC0\x20\x00\x00"), audio.Format{Encoding: audio.Float32}, [][]float64{{-2.5}}},
	{"FL32", of("FL32", 32, 1, "\xC0\x20\x00\x00"), audio.Format{Encoding: audio.Float32}, [][]float64{{-2.5}}},
	{"fl64", of("fl64", 64, 1, "\xC0\x04\x00\x00\x00\x00\x00\x00"), audio.Format{Encoding: audio.Float64}, [][]float64{{-2.5}}},
	{"alaw", of("alaw", 16, 3, "\xD5\xAA\x2A"), audio.Format{Encoding: audio.Int16}, [][]float64{{8. / 32768, 32256. / 32768, -32256. / 32768}}},
	{"ULAW", of("ULAW", 8, 3, "\xFF\x80\x00"), audio.Format{Encoding: audio.Int16}, [][]float64{{0, 32124. / 32768, -32124. / 32768}}},
	{"the format last", form("AIFF", chunk("NAME", "odd"), ssnd("\x12\x34"), chunk("ANNO", "x"), comm(1, 1, 16, rate8000, "")),
		audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"a chunk without padding", form("AIFF", chunk("NAME", "odd")[:11], comm(1, 1, 16, rate8000, ""), ssnd("\x12\x34")),
		audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"an offset", form("AIFF", comm(1, 1, 16, rate8000, ""), chunk("SSND", "\x00\x00\x00\x03\x00\x00\x00\x00abc\x12\x34")),
		audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"padding to blocks", form("AIFF", comm(1, 1, 16, rate8000, ""), chunk("SSND", "\x00\x00\x00\x00\x00\x00\x00\x08\x12\x34\x00\x00\x00\x00\x00\x00")),
		audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"more than COMM says", form("AIFF", comm(1, 1, 16, rate8000, ""), ssnd("\x12\x34\x80\x00")), audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768., -1}}},
	{"COMM says nothing", form("AIFF", comm(1, 0, 16, rate8000, ""), ssnd("\x12\x34\x80\x00")), audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768., -1}}},
	{"an open length, ffmpeg's", []byte("FORM\x00\x00\x00\x00AIFF" + comm(1, 0, 16, rate8000, "") + "SSND\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x12\x34\x80\x00"),
		audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768., -1}}},
	{"an open length, sox's", []byte("FORM\x7F\x00\x00\x2EAIFF" + comm(1, 0x7F000000/2, 16, rate8000, "") + "SSND\x7F\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x12\x34\x80\x00"),
		audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768., -1}}},
	{"something behind", append(short(1, "\x12\x34"), "\x00\x01\x02 a tag, or whatever that may be"...), audio.Format{Encoding: audio.Int16}, [][]float64{{0x1234 / 32768.}}},
	{"no frames", form("AIFF", comm(1, 0, 16, rate8000, "")), audio.Format{Encoding: audio.Int16}, [][]float64{{}}},
	{"no frames, an empty chunk", form("AIFF", comm(1, 0, 16, rate8000, ""), ssnd(""), chunk("NAME", "nothing")), audio.Format{Encoding: audio.Int16}, [][]float64{{}}},
}

func TestFiles(t *testing.T) {
	for _, c := range files {
		rec, err := decode(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := c.format
		want.Channels = len(c.want)
		if want.Rate == 0 {
			want.Rate = 8000
		}
		if rec.Format != want {
			t.Errorf("%s: %+v, want %+v", c.name, rec.Format, want)
		}
		for i := range rec.Samples {
			if !slices.Equal(rec.Samples[i][:rec.Frames()], c.want[i]) {
				t.Errorf("%s: channel %d is %v, want %v", c.name, i, rec.Samples[i][:rec.Frames()], c.want[i])
			}
		}
	}
}

// Files that ffmpeg wrote hold the samples that it reads.
func TestSamplesAgreeWithFFmpeg(t *testing.T) {
	pcmtest.Decode(decode).Agree(t, ".aiff", 0, []pcmtest.Written{
		{Name: "s8", Channels: 3, Encoding: audio.Int8},
		{Name: "s16", Channels: 2, Encoding: audio.Int16},
		{Name: "s24", Channels: 1, Encoding: audio.Int24},
		{Name: "sowt", Channels: 1, Encoding: audio.Int16},
		{Name: "s32", Channels: 2, Encoding: audio.Int32},
		{Name: "f32", Channels: 2, Encoding: audio.Float32},
		{Name: "f64", Channels: 1, Encoding: audio.Float64},
		{Name: "a-law", Channels: 1, Encoding: audio.Int16},
		{Name: "mu-law", Channels: 2, Encoding: audio.Int16},
		{Name: "pipe", Channels: 2, Encoding: audio.Int16},
	})
}

func TestRefusals(t *testing.T) {
	one := comm(1, 2, 16, rate8000, "")
	samples := ssnd("1234")
	pcmtest.Decode(decode).Refuse(t, []pcmtest.Refusal{
		{Data: nil, Err: audio.ErrFormat, Says: "not an AIFF file"},
		{Data: form("8SVX", one, samples), Err: audio.ErrFormat, Says: "not an AIFF file"},
		{Data: form("AIFF"), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: form("AIFF", one), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: form("AIFF", samples), Err: audio.ErrMalformed, Says: "no COMM chunk"},
		{Data: form("AIFF", chunk("COMM", "short"), samples), Err: audio.ErrMalformed, Says: "a COMM chunk of 5 bytes"},
		{Data: form("AIFC", one, samples), Err: audio.ErrMalformed, Says: "a COMM chunk of 18 bytes"},
		{Data: form("AIFF", comm(0, 2, 16, rate8000, ""), samples), Err: audio.ErrMalformed, Says: "no channels"},
		{Data: form("AIFF", comm(1, 2, 0, rate8000, ""), samples), Err: audio.ErrUnsupported, Says: "samples of 0 bits"},
		{Data: form("AIFF", comm(1, 2, 33, rate8000, ""), samples), Err: audio.ErrUnsupported, Says: "samples of 33 bits"},
		{Data: form("AIFF", comm(1, 2, 16, strings.Repeat("\x00", 10), ""), samples), Err: audio.ErrMalformed, Says: "a rate of 0 Hz"},
		{Data: form("AIFF", comm(1, 2, 16, "\xC0"+rate8000[1:], ""), samples), Err: audio.ErrMalformed, Says: "a rate of -8000 Hz"},
		{Data: form("AIFF", comm(1, 2, 16, "\x40\x20"+rate8000[2:], ""), samples), Err: audio.ErrMalformed, Says: "Hz"},
		{Data: form("AIFF", comm(1, 2, 16, "\x7F\xFF"+rate8000[2:], ""), samples), Err: audio.ErrMalformed, Says: "Hz"},
		{Data: of("ima4", 16, 2, "1234"), Err: audio.ErrUnsupported, Says: "IMA ADPCM; convert the file"},
		{Data: of("what", 16, 2, "1234"), Err: audio.ErrUnsupported, Says: `compression "what"`},
		{Data: of("raw ", 16, 2, "1234"), Err: audio.ErrUnsupported, Says: "unsigned samples of 16 bits"},
		{Data: form("AIFF", one, chunk("SSND", "\x00\x00\x00\x09\x00\x00\x00\x001234")), Err: audio.ErrMalformed, Says: "ends before its samples"},
		{Data: form("AIFF", one, chunk("SSND", "\x00\x00\x00\x09\x00\x00\x00\x001234"), chunk("NAME", "abc")), Err: audio.ErrMalformed, Says: "begin 9 bytes into a chunk of 4"},
		{Data: form("AIFF", one, samples, samples), Err: audio.ErrMalformed, Says: "a second chunk of samples begins at byte 58"},
		{Data: form("AIFF", samples, samples, one), Err: audio.ErrMalformed, Says: "a second chunk of samples begins at byte 32"},
		{Data: slices.Concat(short(1, "1234"), short(1, "1234")), Err: audio.ErrUnsupported, Says: "another AIFF file begins at byte 58"},
		{Data: slices.Concat(of("alaw", 16, 1, "1")[:75], short(1, "1234")), Err: audio.ErrUnsupported, Says: "another AIFF file begins at byte 75"},
		{Data: form("AIFF", slices.Repeat([]string{chunk("NAME", "")}, 1<<14)...), Err: audio.ErrMalformed, Says: "16384 chunks"},
	})
}

func TestTruncationAtEveryLength(t *testing.T) {
	whole := short(2, strings.Repeat("1234", 100))
	start := len(whole) - 400
	for n := range whole {
		rec, err := decode(whole[:n])
		var cut *audio.TruncatedError
		switch {
		case n < 12 && !errors.Is(err, audio.ErrFormat), n >= 12 && n < start && !errors.Is(err, audio.ErrMalformed):
			t.Fatalf("%d bytes gave %v", n, err)
		case n >= start && (!errors.As(err, &cut) || cut.Declared != 100 || cut.Frames != int64(n-start)/4 || rec.Frames() != (n-start)/4):
			t.Fatalf("%d bytes gave %v", n, err)
		}
	}
	// A size that is too large does no harm if all frames are there.
	long := bytes.Replace(whole, []byte("SSND\x00\x00\x01\x98"), []byte("SSND\x00\x00\x02\x00"), 1)
	if rec, err := decode(long); err != nil || rec.Frames() != 100 {
		t.Errorf("a size that is too large: %v", err)
	}
}

// Numbers of 80 bits have the fraction and the exponent of those of 64.
func TestExtended(t *testing.T) {
	for _, want := range []float64{1, 2, 0.5, 8000, 11025, 44100, 48000, 96000, 192000, 2822400, -3.25, 1 / 3., math.MaxFloat64, 0} {
		var b [10]byte
		if want != 0 {
			fraction, exponent := math.Frexp(math.Abs(want))
			be.PutUint16(b[:], uint16(exponent+16382))
			be.PutUint64(b[2:], uint64(fraction*0x1p53)<<11)
			if want < 0 {
				b[0] |= 0x80
			}
		}
		if got, ok := extended(b); got != want || !ok {
			t.Errorf("% x is %v, want %v", b, got, want)
		}
	}
	if _, ok := extended([10]byte{0x7F, 0xFF, 0x80}); ok {
		t.Error("infinity is a number")
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range files {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { pcmtest.Decode(decode).Check(t, data) })
}
