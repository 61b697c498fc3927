package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/flac"
)

// read returns a file of a format, of those in samples.
func read(t testing.TB, format string) []byte {
	t.Helper()
	data, err := os.ReadFile(samples[format])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wavPack returns a file of so many blocks, which says where they are, and holds no sound that decodes.
func wavPack(blocks int) []byte {
	le, file := binary.LittleEndian, []byte(nil)
	for i := range blocks {
		file = append(file, "wvpk\x58\x00\x00\x00\x10\x04\x00\x00"...)
		file = le.AppendUint32(file, uint32(1000*blocks))
		file = le.AppendUint32(file, uint32(1000*i))
		file = le.AppendUint32(file, 1000)
		file = le.AppendUint32(file, 0x1801)
		file = append(file, make([]byte, 68)...)
	}
	return file
}

// caf returns a file with silence.
func caf() []byte {
	chunk := func(name string, size int) []byte {
		return append(binary.BigEndian.AppendUint64([]byte(name), uint64(size)), make([]byte, size)...)
	}
	return slices.Concat([]byte("caff\x00\x01\x00\x00"), chunk("desc", 32), chunk("data", 4004), chunk("info", 40))
}

// A recording is not given back without the one behind it, of whatever kind the two are and whatever lies between them.
func TestJoined(t *testing.T) {
	files := map[string][]byte{"CAF": caf(), "WavPack": wavPack(3)}
	for _, f := range Readable() {
		files[f.Name()] = read(t, f.Name())
	}
	tag := []byte("ID3\x04\x00\x00\x00\x00\x00\x0aTIT2\x00\x00\x00\x00\x00\x00")
	for first, before := range files {
		for second, behind := range files {
			for what, between := range map[string][]byte{"nothing": nil, "a tag": tag, "zeros": make([]byte, 3), "an old tag": append([]byte("TAG"), make([]byte, 125)...)} {
				if first == "MP3" && second == "MP3" { // which may be one recording: package mp3 looks at what its encoder counted
					continue
				}
				data := slices.Concat(before, between, behind)
				_, err := Open(bytes.NewReader(data), int64(len(data)))
				var joined *audio.JoinedError
				if !errors.As(err, &joined) {
					t.Errorf("%s, %s, %s: got %v", first, what, second, err)
					continue
				}
				at := int64(len(before) + len(between))
				if joined.At != at && !(what == "a tag" && joined.At == int64(len(before))) {
					t.Errorf("%s, %s, %s: byte %d, want %d", first, what, second, joined.At, at)
				}
			}
		}
	}
	// What ditas writes itself has no other metadata.
	var own bytes.Buffer
	rec := &audio.Recording{Format: audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 9000)}
	if err := flac.Encode(&own, rec); err != nil {
		t.Fatal(err)
	}
	data := slices.Concat(own.Bytes(), own.Bytes())
	_, err := Open(bytes.NewReader(data), int64(len(data)))
	if want := fmt.Sprintf("another FLAC file begins at byte %d", own.Len()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("FLAC of ditas twice: got %v, want %s", err, want)
	}
}

// Whatever else stands behind a recording does not matter.
func TestInnocentTails(t *testing.T) {
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	picture := image.NewGray(image.Rect(0, 0, 300, 300))
	copy(picture.Pix, noise)
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, picture, nil); err != nil {
		t.Fatal(err)
	}
	ape := slices.Concat([]byte("APETAGEX\xD0\x07\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00"))
	tails := map[string][]byte{
		"ID3v1":              append([]byte("TAG"), make([]byte, 125)...),
		"ID3v2":              []byte("ID3\x04\x00\x00\x00\x00\x00\x0aTIT2\x00\x00\x00\x00\x00\x00"),
		"recording in a tag": append([]byte("ID3\x04\x00\x00\x00\x00\x00\x40GEOB"), "RIFF\x00\x00\x00\x00WAVE"+strings.Repeat("\x00", 48)...),
		"APE":                ape,
		"LIST":               []byte("LIST\x1A\x00\x00\x00INFOISFT\x0E\x00\x00\x00Lavf59.27.100\x00"),
		"zeros":              make([]byte, 70000),
		"all ones":           bytes.Repeat([]byte{0xFF}, 70000),
		"faint noise":        bytes.Repeat([]byte{0xFB, 0xFF, 0xFF, 0xFF, 0x01, 0x00, 0xFA, 0xFF, 0x90, 0x00}, 7000),
		"a photo":            photo.Bytes(),
		"a picture":          []byte("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00" + strings.Repeat("\x00", 24)),
		"a text":             []byte("The marks are fLaC, RIFF and WAVE, OggS, .snd, caff, wvpk, NIST_1A and ID3, then FORM and AIFF."),
		"garbage":            noise,
	}
	for name, file := range map[string][]byte{
		"WAV": read(t, "WAV"), "FLAC": read(t, "FLAC"), "MP3": read(t, "MP3"), "Ogg Opus": read(t, "Ogg Opus"), "Ogg Vorbis": read(t, "Ogg Vorbis"),
		"AIFF": read(t, "AIFF"), "AU": read(t, "AU"), "Wave64": read(t, "Wave64"), "NIST SPHERE": read(t, "NIST SPHERE"),
	} {
		alone, err := Decode(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		for what, tail := range tails {
			data := slices.Concat(file, tail)
			got, err := Decode(bytes.NewReader(data), int64(len(data)))
			if err != nil || got.Frames() != alone.Frames() {
				t.Errorf("%s and %s: %v", name, what, err)
			}
		}
	}
	for name, file := range map[string][]byte{"CAF": caf(), "WavPack": wavPack(3)} {
		for what, tail := range tails {
			data := slices.Concat(file, tail)
			if _, err := Open(bytes.NewReader(data), int64(len(data))); !errors.As(err, new(*Refusal)) {
				t.Errorf("%s and %s: %v", name, what, err)
			}
		}
	}
}

// Where another recording begins is found wherever the parts of the file are that are read at a time.
func TestJoinedAnywhere(t *testing.T) {
	one, two := read(t, "AU"), read(t, "Wave64")
	for _, between := range []int{1<<17 - 5000, 1<<17 - 4330, 1<<17 - 4000, 1<<17 - 20, 1<<17 - 1, 1 << 17, 1<<17 + 1, 1<<18 - 4325, 1<<18 - 8} {
		for _, add := range []int{0, 1, 2, 3} {
			data := slices.Concat(one, make([]byte, between+add), two)
			_, err := Open(bytes.NewReader(data), int64(len(data)))
			var joined *audio.JoinedError
			if !errors.As(err, &joined) || joined.At != int64(len(one)+between+add) {
				t.Errorf("%d bytes between: got %v", between+add, err)
			}
		}
	}
}

// counted counts the bytes that are read of a file.
type counted struct {
	*bytes.Reader
	bytes int
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.Reader.ReadAt(p, at)
	c.bytes += n
	return n, err
}

// What is behind a recording is read but once, also where it is a hundred thousand empty tags.
func TestTailsAreReadOnce(t *testing.T) {
	data := append(read(t, "WAV"), bytes.Repeat([]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), 100_000)...)
	c := &counted{Reader: bytes.NewReader(data)}
	if _, err := Open(c, int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if c.bytes > 2*len(data) {
		t.Errorf("%d bytes were read of a file of %d", c.bytes, len(data))
	}
}

func FuzzJoined(f *testing.F) {
	for _, format := range Readable() {
		data := read(f, format.Name())
		f.Add(data[:min(len(data), 3000)])
	}
	f.Add(append(caf(), read(f, "FLAC")[:100]...))
	f.Add(append(wavPack(2), wavPack(2)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		var joined *audio.JoinedError
		if errors.As(err, &joined) && (joined.At <= 0 || joined.At >= int64(len(data))) {
			t.Errorf("joined at byte %d of %d", joined.At, len(data))
		}
		if end, ok := file.(interface{ End() int64 }); ok && err == nil && (end.End() < 0 || end.End() > int64(len(data))) {
			t.Errorf("ends at byte %d of %d", end.End(), len(data))
		}
	})
}
