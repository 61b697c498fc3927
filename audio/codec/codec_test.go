package codec

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/wav"
)

func TestReadFile(t *testing.T) {
	for name, want := range map[string]string{
		"../wav/testdata/s16-2ch.wav":  "44100 Hz, 2 channels, 16-bit",
		"../wav/testdata/rf64.wav":     "44100 Hz, 8 channels, 16-bit",
		"../sphere/testdata/timit.sph": "16000 Hz, mono, 16-bit",
	} {
		rec, err := ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format.String() != want || rec.Frames() != 97 {
			t.Errorf("%s: %d frames of %v, want 97 of %s", name, rec.Frames(), rec.Format, want)
		}
	}
	for name, want := range map[string]string{
		"../flac/testdata/s24-2ch.flac": "96000 Hz, 2 channels, 24-bit",
		"../flac/testdata/around.flac":  "44100 Hz, mono, 16-bit", // behind an ID3 tag
	} {
		rec, err := ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format.String() != want || rec.Frames() != 3001 {
			t.Errorf("%s: %d frames of %v, want 3001 of %s", name, rec.Frames(), rec.Format, want)
		}
	}
}

// openFile opens a file in memory.
func openFile(t *testing.T, name string) audio.File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

func TestLossy(t *testing.T) {
	for name, want := range map[string]bool{
		"../mp3/testdata/joint.mp3":     true,
		"../mp3/testdata/low.mp3":       true, // behind an ID3 tag
		"../vorbis/testdata/stereo.ogg": true,
		"../opus/testdata/voice.opus":   true,
		"../opus/testdata/video.ogg":    true,
		"../wav/testdata/s16.wav":       false,
		"../flac/testdata/around.flac":  false,
		"../sphere/testdata/timit.sph":  false,
		"../wav/testdata/a-law.wav":     false, // rounded coarsely, but nothing is left out
		"../au/testdata/mu-law.au":      false,
		"../aiff/testdata/s24.aiff":     false,
	} {
		f := openFile(t, name)
		if got := Lossy(f); got != want {
			t.Errorf("%s: lossy is %v", name, got)
		}
		if _, ok := f.(audio.Rewriter); ok && want {
			t.Errorf("%s: %T can be written again", name, f)
		}
	}
}

func TestForeignOgg(t *testing.T) {
	for _, name := range []string{"FLAC", "Speex"} {
		data, err := os.ReadFile("../vorbis/testdata/" + strings.ToLower(name) + ".ogg")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(bytes.NewReader(data), int64(len(data))); !errors.Is(err, audio.ErrFormat) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Of a format that is read, an encoding that is not is told as such.
func TestEncodingError(t *testing.T) {
	for name, c := range map[string]struct{ format, says string }{
		"../wav/testdata/ima-adpcm.wav":  {"WAV", "IMA ADPCM"},
		"../wav/testdata/mp3.wav":        {"WAV", "MP3"},
		"../sphere/testdata/shorten.sph": {"NIST SPHERE", "shorten"},
	} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(bytes.NewReader(data), int64(len(data)))
		var encoding *EncodingError
		if !errors.As(err, &encoding) || encoding.Format.Name() != c.format || !errors.Is(err, audio.ErrUnsupported) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Files that were joined are not: another program would read the first alone, in silence.
	for _, name := range []string{"../wav/testdata/s16.wav", "../aiff/testdata/s16.aiff", "../au/testdata/s16.au", "../w64/testdata/s16.w64"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, data...)
		_, err = Open(bytes.NewReader(data), int64(len(data)))
		if !errors.As(err, new(*audio.JoinedError)) || errors.As(err, new(*EncodingError)) {
			t.Errorf("%s, joined: got %v", name, err)
		}
	}
	// MPEG audio of another layer is no MP3, also behind a tag.
	data, err := os.ReadFile("../mp3/testdata/layer2.mp3")
	if err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{"", "ID3\x04\x00\x00\x00\x00\x00\x02??"} {
		tagged := append([]byte(before), data...)
		_, err := Open(bytes.NewReader(tagged), int64(len(tagged)))
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Format.Name() != "MPEG audio layer II" {
			t.Errorf("layer II: got %v", err)
		}
	}
}

// Any recording becomes a WAV or FLAC file whose samples are those that the Rewriter gave.
func TestConvert(t *testing.T) {
	for _, name := range []string{"../mp3/testdata/joint.mp3", "../vorbis/testdata/stereo.ogg", "../wav/testdata/f64.wav",
		"../wav/testdata/valid12.wav", "../sphere/testdata/little24-2ch.sph", "../flac/testdata/s24-2ch.flac"} {
		f := openFile(t, name)
		for kind, newWriter := range map[string]func(io.Writer, audio.Format, int64) (audio.Writer, error){"wav": wav.NewWriter, "flac": flac.NewWriter} {
			for _, encoding := range []audio.Encoding{audio.Int16, audio.Int24} {
				rewriter, err := audio.Convert(f, encoding, newWriter)
				if err != nil {
					t.Fatal(err)
				}
				want, err := audio.ReadAll(rewriter)
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				w, err := rewriter.Rewrite(&out)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				again, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
				if err != nil {
					t.Fatal(err)
				}
				got, err := audio.ReadAll(again)
				if err != nil {
					t.Fatal(err)
				}
				if got.Format != rewriter.Format() || got.Format.Encoding != encoding || !slices.EqualFunc(got.Samples, want.Samples, slices.Equal) {
					t.Errorf("%s: as %s of %v it became %v and other samples", name, kind, encoding, got.Format)
				}
			}
		}
	}
}

func TestCheckOutput(t *testing.T) {
	for name, says := range map[string]string{
		"a/song.mp3": "would be MP3, and ditas writes WAV and FLAC; write FLAC; if an app will convert it, the picture has to be hidden for that, as with --for share", "song.OGG": "would be Ogg Vorbis, and", "x.opus": "Opus", "x.m4a": "AAC", "x.aac": "AAC", "x.wma": "Windows Media",
		"x.AIFF": "AIFF, and ditas writes WAV and FLAC; let the name to write end in .wav or .flac",
		"x.sph":  "NIST SPHERE, and ditas writes WAV and FLAC; let the name to write end in .wav or .flac",
	} {
		err := CheckOutput(name)
		if !errors.Is(err, audio.ErrUnsupported) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, name := range []string{"song.wav", "song.FLAC", "song", "mp3", "song.mp3.wav", ""} {
		if err := CheckOutput(name); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		name, data string
		err        error
		says       string
	}{
		{"empty.wav", "", audio.ErrFormat, "is not a recording that ditas reads; recordings are WAV, FLAC, MP3, Ogg Opus, Ogg Vorbis, AIFF, AU, Wave64 or NIST SPHERE files"},
		{"text.wav", "Call me Ishmael. Some years ago", audio.ErrFormat, "is not a recording that ditas reads; recordings are WAV, FLAC, MP3, Ogg Opus, Ogg Vorbis, AIFF, AU, Wave64 or NIST SPHERE files"},
		{"song.m4a", "\x00\x00\x00\x20ftypM4A ", audio.ErrFormat, "is MP4 (AAC or ALAC), which ditas does not read; convert it to WAV or FLAC first"},
		{"song.mp3", "ID3\x04\x00\x00\x00\x00\x00\x03???\xFF\xFB\x90\x00", audio.ErrFormat, "has an ID3 tag but no recording behind it"},
		{"song.aac", "\xFF\xF1\x50\x80\x00\x1F\xFC", audio.ErrFormat, "is AAC, which"},
		{"tagged.aac", "ID3\x04\x00\x00\x00\x00\x00\x03???\xFF\xF1\x50\x80\x00\x1F\xFC", audio.ErrFormat, "is AAC, which"},
		{"short.m4a", "\x00\x00\x00\x20", audio.ErrFormat, "is not a recording that ditas reads; recordings are WAV, FLAC, MP3, Ogg Opus, Ogg Vorbis, AIFF, AU, Wave64 or NIST SPHERE files"},
		{"half.wav", "RIFF\x00\x00\x00\x00WAVEfmt ", audio.ErrMalformed, "ends before its samples"},
		{"half.flac", "fLaC\x00\x00\x00\x22", audio.ErrMalformed, "ends within its metadata"},
		{"half.sph", "NIST_1A\n   1024\n", audio.ErrMalformed, "ends before its samples"},
	} {
		name := filepath.Join(dir, test.name)
		if err := os.WriteFile(name, []byte(test.data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadFile(name)
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.name) {
			t.Errorf("%s: got %v, want %v that says %q", test.name, err, test.err, test.says)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "absent.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gave %v", err)
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestReadErrorsAreReported(t *testing.T) {
	if _, err := Open(broken{}, 1000); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}
