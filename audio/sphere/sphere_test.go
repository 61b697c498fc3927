package sphere

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
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

var fixtures = []struct {
	name   string
	format audio.Format
}{
	{"timit", audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}},
	{"little", audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}},
	{"big", audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}},
	{"little24-2ch", audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int24}},
	{"big32-3ch", audio.Format{Rate: 16000, Channels: 3, Encoding: audio.Int32}},
	{"mu-law", audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}},
}

func TestSamplesAgreeWithSox(t *testing.T) {
	for _, fixture := range fixtures {
		data, want := read(t, fixture.name+".sph"), read(t, fixture.name+".s32")
		rec, err := Decode(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format != fixture.format || rec.Frames() != 97 || len(want) != 97*4*rec.Format.Channels {
			t.Fatalf("%s: %d frames of %v", fixture.name, rec.Frames(), rec.Format)
		}
		for i := range 97 {
			for c := range rec.Samples {
				if w := float64(int32(binary.LittleEndian.Uint32(want))) / (1 << 31); rec.Samples[c][i] != w {
					t.Fatalf("%s: channel %d, frame %d is %v, want %v", fixture.name, c, i, rec.Samples[c][i], w)
				}
				want = want[4:]
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	head := func(old, new string) []byte {
		data := strings.Replace(string(read(t, "timit.sph")), old, new, 1)
		return []byte(data)
	}
	for _, test := range []struct {
		data []byte
		err  error
		says string
	}{
		{read(t, "shorten.sph"), audio.ErrUnsupported, "shorten-v2.00; expand the file with sph2pipe"},
		{[]byte(strings.Replace(string(read(t, "mu-law.sph")), "sample_n_bytes -i 1", "sample_n_bytes -i 2", 1)), audio.ErrMalformed, "ulaw samples of 2 bytes"},
		{[]byte(strings.Replace(string(read(t, "mu-law.sph")), "ulaw", "what", 1)), audio.ErrUnsupported, "what; convert the file"},
		{head("sample_n_bytes -i 2", "sample_n_bytes -i 1"), audio.ErrUnsupported, "1 bytes"},
		{head("sample_rate -i 16000", "sample_rate -i 0"), audio.ErrMalformed, "sample_rate"},
		{head("sample_rate", "simple_rate"), audio.ErrMalformed, "sample_rate"},
		{head("channel_count -i 1", "channel_count -i -1"), audio.ErrMalformed, "channel_count"},
		{head("sample_count -i 97", "sample_count -i x"), audio.ErrMalformed, "sample_count"},
		{head("format -s2 01", "format -s2 00"), audio.ErrMalformed, "sample_byte_format"},
		{head("end_head", "end-head"), audio.ErrMalformed, "end_head"},
		{head("   1024", "9999999"), audio.ErrMalformed, "9999999"},
		{head("   1024", "   -100"), audio.ErrMalformed, "-100"},
		{head("   1024", "   5000"), audio.ErrMalformed, "ends before"},
		{head("NIST_1A", "NIST_1B"), audio.ErrFormat, "not a SPHERE file"},
		{nil, audio.ErrFormat, "not a SPHERE file"},
	} {
		_, err := Open(bytes.NewReader(test.data), int64(len(test.data)))
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("got %v, want %v that says %q", err, test.err, test.says)
		}
	}
}

func TestTruncationAtEveryLength(t *testing.T) {
	for _, fixture := range fixtures {
		data := read(t, fixture.name+".sph")
		for n := range data {
			rec, err := Decode(bytes.NewReader(data[:n]), int64(n))
			var truncated *audio.TruncatedError
			switch {
			case n < 1024:
				if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrMalformed) {
					t.Fatalf("%s: %d bytes of header gave %v", fixture.name, n, err)
				}
			case !errors.As(err, &truncated) || truncated.Declared != 97 || rec.Frames() != (n-1024)*97/(len(data)-1024):
				t.Fatalf("%s: %d bytes gave %v", fixture.name, n, err)
			}
		}
	}
}

func TestLengthLeftOpen(t *testing.T) {
	data := bytes.Replace(read(t, "timit.sph"), []byte("sample_count"), []byte(";ample_count"), 1)
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil || f.Frames() != 97 {
		t.Errorf("%v, and %v", f, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, fixture := range fixtures {
		f.Add(read(f, fixture.name+".sph"))
	}
	f.Add(read(f, "shorten.sph"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := Decode(bytes.NewReader(data), int64(len(data)))
		var truncated *audio.TruncatedError
		switch {
		case rec == nil:
			if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrUnsupported) && !errors.Is(err, audio.ErrMalformed) {
				t.Fatalf("an error of no class: %v", err)
			}
		case err != nil && !errors.As(err, &truncated):
			t.Fatal(err)
		case rec.Format.Check() != nil:
			t.Fatal(rec.Format.Check())
		case rec.Frames()*rec.Format.Channels > len(data):
			t.Fatalf("%d frames out of %d bytes", rec.Frames(), len(data))
		}
	})
}
