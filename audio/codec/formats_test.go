package codec

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/wav"
)

// samples has a file of every format that is read.
var samples = map[string]string{
	"WAV":         "../wav/testdata/chunks.wav",
	"FLAC":        "../flac/testdata/tags.flac",
	"MP3":         "../mp3/testdata/joint.mp3",
	"Ogg Opus":    "../opus/testdata/celt.opus",
	"Ogg Vorbis":  "../vorbis/testdata/stereo.ogg",
	"AIFF":        "../aiff/testdata/s24.aiff",
	"AU":          "../au/testdata/mu-law.au",
	"Wave64":      "../w64/testdata/f32.w64",
	"NIST SPHERE": "../sphere/testdata/timit.sph",
}

// Every row holds together: its files are opened and known again, it is found by each of its extensions, and nothing
// claims two rows.
func TestFormats(t *testing.T) {
	taken := map[string]string{}
	for _, f := range Known() {
		for _, key := range append(Extensions([]*Format{f}), f.Name()) {
			if other, ok := taken[key]; ok {
				t.Errorf("%q is both %s and %s", key, other, f)
			}
			taken[key] = f.Name()
		}
		for _, extension := range Extensions([]*Format{f}) {
			if extension != strings.ToLower(extension) || filepath.Ext("song"+extension) != extension {
				t.Errorf("%s: the extension %q is never found", f, extension)
			}
			if got, ok := ByName("a.b/song" + strings.ToUpper(extension)); !ok || got != f {
				t.Errorf("song%s is %v, want %s", extension, got, f)
			}
		}
		switch {
		case f.Writable() && (!f.Readable() || f.Lossy() || f.Extension() == ""):
			t.Errorf("%s is written, but cannot be revealed from", f)
		case f.Readable():
			name, ok := samples[f.Name()]
			if !ok {
				t.Fatalf("there is no file of %s to test with", f)
			}
			if got, ok := Of(openFile(t, name)); !ok || got != f {
				t.Errorf("%s is %v, want %s", name, got, f)
			}
		case !f.Readable() && len(f.marks) == 0 && len(f.extensions) == 0:
			t.Errorf("%s is never told from anything", f)
		}
		for _, mark := range f.marks {
			if len(mark) > longestMark {
				t.Errorf("%s has a mark of %d bytes, of which %d are looked at", f, len(mark), longestMark)
			}
		}
	}
	if _, ok := ByName("song"); ok {
		t.Error("a name without an extension stands for a format")
	}
	if _, ok := Of(nil); ok {
		t.Error("no file has a format")
	}
	if got := strings.Join(Extensions(Writable()), " "); got != ".wav .flac" {
		t.Errorf("what is written ends in %s", got)
	}
}

// Who gives a file of a format that is not read is told which it is, whether it stands behind a tag or not; other
// files are not taken for one.
func TestForeignFilesAreNamed(t *testing.T) {
	for _, f := range Known() {
		for _, mark := range f.marks {
			for _, before := range []string{"", "ID3\x04\x00\x00\x00\x00\x00\x02??"} {
				file := before + mark + strings.Repeat("?", 100)
				_, err := Open(strings.NewReader(file), int64(len(file)))
				var refusal *Refusal
				if !errors.As(err, &refusal) || !errors.Is(err, audio.ErrFormat) || refusal.Says != "is "+f.Name()+", which ditas does not read" || refusal.Advice == "" {
					t.Errorf("%q is %s, but Open says %v", file[:20], f, err)
				}
			}
		}
	}
	for _, file := range []string{"", "\x00", "FORM????ILBM", "MAC OS", "OggS", "#!/bin/sh\necho", "\x89PNG\r\n\x1a\n", "%PDF-1.7", "PK\x03\x04", "GIF89a"} {
		file += strings.Repeat(" ", 60)
		_, err := Open(strings.NewReader(file), int64(len(file)))
		if err == nil || strings.Contains(err.Error(), "which ditas does not read") {
			t.Errorf("%q: %v", file[:12], err)
		}
	}
}

// What a recording becomes follows from the name, then from what it is; and its samples are those that the new file
// holds.
func TestCover(t *testing.T) {
	for _, c := range []struct {
		name, out, format string
		encoding          audio.Encoding
	}{
		{"../wav/testdata/chunks.wav", "", "WAV", audio.Int8},
		{"../wav/testdata/f64.wav", "stego", "WAV", audio.Float64},
		{"../wav/testdata/s16-2ch.wav", "stego.FLAC", "FLAC", audio.Int16},
		{"../flac/testdata/s24-2ch.flac", "", "FLAC", audio.Int24},
		{"../flac/testdata/tags.flac", "song.xyz", "FLAC", audio.Int16},
		{"../flac/testdata/s24-2ch.flac", "stego.wav", "WAV", audio.Int24},
		{"../mp3/testdata/joint.mp3", "", "FLAC", audio.Int16},
		{"../mp3/testdata/joint.mp3", "stego.wav", "WAV", audio.Int16},
		{"../vorbis/testdata/stereo.ogg", "stego", "FLAC", audio.Int16}, // decoded to floating point
		{"../vorbis/testdata/stereo.ogg", "stego.wav", "WAV", audio.Int16},
		{"../sphere/testdata/little24-2ch.sph", "", "FLAC", audio.Int24},
		{"../aiff/testdata/f32.aiff", "", "WAV", audio.Float32},
		{"../aiff/testdata/s24.aiff", "", "FLAC", audio.Int24},
		{"../au/testdata/a-law.au", "stego.flac", "FLAC", audio.Int16},
		{"../au/testdata/s8.au", "", "FLAC", audio.Int8},
		{"../w64/testdata/s32.w64", "", "FLAC", audio.Int32},
		{"../wav/testdata/a-law.wav", "", "WAV", audio.Int16},
		{"../wav/testdata/mu-law.wav", "stego.flac", "FLAC", audio.Int16},
	} {
		f := openFile(t, c.name)
		cover, format, err := Cover(f, CoverOptions{Name: c.out})
		if err != nil {
			t.Errorf("%s as %q: %v", c.name, c.out, err)
			continue
		}
		if format.Name() != c.format || cover.Format().Encoding != c.encoding {
			t.Errorf("%s as %q became %v of %s", c.name, c.out, cover.Format(), format)
		}
		if c.out == "" && Default(f) != format {
			t.Errorf("%s is said to become %s", c.name, Default(f))
		}
		if Lossy(cover) != Lossy(f) {
			t.Errorf("%s as %q: lossy is %v", c.name, c.out, Lossy(cover))
		}
		var out bytes.Buffer
		w, err := cover.Rewrite(&out)
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
		if got, _ := Of(again); got != format {
			t.Errorf("%s as %q was to be %s and is %v", c.name, c.out, format, got)
		}
		want, err := audio.ReadAll(cover)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audio.ReadAll(again)
		if err != nil {
			t.Fatal(err)
		}
		if got.Format != want.Format || !slices.EqualFunc(got.Samples, want.Samples, slices.Equal) {
			t.Errorf("%s as %q holds other samples than the cover", c.name, c.out)
		}
	}
}

// A recording that stays what it is keeps everything: nothing was written to it, so that the file comes back byte for
// byte.
func TestCoverKeepsTheFile(t *testing.T) {
	for _, format := range Writable() {
		name := samples[format.Name()]
		f, err := OpenFile(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cover, _, err := Cover(f, CoverOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var out, want bytes.Buffer
		w, err := cover.Rewrite(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := want.ReadFrom(f.file); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want.Bytes()) {
			t.Errorf("%s: the copy differs", name)
		}
	}
}

// What Open returns of a format that is written can be written without Cover.
func TestWhatIsWrittenIsARewriter(t *testing.T) {
	for _, format := range Readable() {
		if _, ok := openFile(t, samples[format.Name()]).(audio.Rewriter); ok != format.Writable() {
			t.Errorf("%s: a Rewriter: %v", format, ok)
		}
	}
}

// Levels of compression make a difference to the file, and none to the samples.
func TestCoverLevels(t *testing.T) {
	rec := &audio.Recording{Format: audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 20000)}
	for i := range rec.Samples[0] {
		rec.Samples[0][i] = rec.Format.Quantize(float64(i*i%2000)/4000 + float64(i%50)/200)
	}
	for _, encode := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return wav.Encode(b, rec) },
		func(b *bytes.Buffer) error { return flac.MaxLevel.Encode(b, rec) },
	} {
		var file bytes.Buffer
		if err := encode(&file); err != nil {
			t.Fatal(err)
		}
		f, err := Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var sizes []int
		for _, level := range []int{0, 8} {
			cover, _, err := Cover(f, CoverOptions{Name: "a.flac", Level: &level})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			w, err := cover.Rewrite(&out)
			if err != nil {
				t.Fatal(err)
			}
			changed := &audio.Recording{Format: rec.Format, Samples: audio.NewBlock(1, 20000)}
			for i, x := range rec.Samples[0] {
				changed.Samples[0][i] = x + rec.Format.Step()
			}
			if err := w.Write(changed.Samples); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := Decode(bytes.NewReader(out.Bytes()), int64(out.Len()))
			if err != nil || !slices.Equal(got.Samples[0], changed.Samples[0]) {
				t.Errorf("level %d: other samples (%v)", level, err)
			}
			sizes = append(sizes, out.Len())
		}
		if sizes[1] >= sizes[0] {
			t.Errorf("level 8 takes %d bytes, level 0 %d", sizes[1], sizes[0])
		}
	}
}

func TestCoverRefuses(t *testing.T) {
	var crowd bytes.Buffer
	if err := wav.Encode(&crowd, &audio.Recording{Format: audio.Format{Rate: 8000, Channels: 9, Encoding: audio.Int16}, Samples: audio.NewBlock(9, 10)}); err != nil {
		t.Fatal(err)
	}
	nine, err := Open(bytes.NewReader(crowd.Bytes()), int64(crowd.Len()))
	if err != nil {
		t.Fatal(err)
	}
	float, aiff, mono := openFile(t, "../wav/testdata/f64.wav"), openFile(t, "../aiff/testdata/f32.aiff"), openFile(t, "../wav/testdata/chunks.wav")
	for _, c := range []struct {
		file         audio.File
		options      CoverOptions
		says, advice string
	}{
		{mono, CoverOptions{Name: "a.mp3"}, "would be MP3, and ditas writes WAV and FLAC", "write FLAC; if an app will convert it, the picture has to be hidden for that, as with --for share"},
		{mono, CoverOptions{Name: "a.aiff"}, "would be AIFF, and ditas writes WAV and FLAC", "let the name to write end in .wav or .flac"},
		{float, CoverOptions{Name: "a.flac"}, "has floating-point samples, which FLAC cannot hold", "let the name to write end in .wav"},
		{aiff, CoverOptions{Name: "a.flac"}, "has floating-point samples, which FLAC cannot hold", "let the name to write end in .wav"},
		{nine, CoverOptions{Name: "a.flac"}, "cannot become FLAC", "let the name to write end in .wav"},
		{mono, CoverOptions{Level: new(5)}, "would be WAV, which has no levels of compression", "let the name to write end in .flac, or leave the level out"},
		{mono, CoverOptions{Name: "a.flac", Level: new(9)}, "has no level of compression 9", "take one from 0, the fastest, to 8, the smallest"},
		{mono, CoverOptions{Name: "a.flac", Level: new(-1)}, "has no level of compression -1", "0"},
	} {
		_, _, err := Cover(c.file, c.options)
		var refusal *Refusal
		if !errors.As(err, &refusal) || !errors.Is(err, audio.ErrUnsupported) || !strings.Contains(refusal.Says, c.says) || !strings.Contains(refusal.Advice, c.advice) {
			t.Errorf("%+v: got %v", c.options, err)
		}
	}
	if _, _, err := Cover(nine, CoverOptions{}); err != nil {
		t.Errorf("nine channels as WAV: %v", err)
	}
}

// FuzzOpen looks for files that Open panics on, or that it opens without knowing as what.
func FuzzOpen(f *testing.F) {
	for _, format := range Known() {
		for _, mark := range format.marks {
			f.Add([]byte(mark))
			f.Add([]byte("ID3\x04\x00\x00\x00\x00\x00\x00" + mark))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if format, ok := Of(a); !ok || !format.Readable() {
			t.Errorf("opened as %v", format)
		}
	})
}
