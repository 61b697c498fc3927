package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/racetest"
	"ditas/picture"
)

// caseFile returns a file of testdata/cases, whose README says what they are.
func caseFile(t *testing.T, name string) (path string, data []byte) {
	t.Helper()
	path = filepath.Join("testdata", "cases", name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, data
}

// secretFile writes a picture to hide.
func secretFile(t *testing.T) (path string, p *picture.Planes) {
	t.Helper()
	p = picture.New(16, 12)
	for c := range p.Pix {
		for i := range p.Pix[c] {
			p.Pix[c][i] = float32(i%16*(c+3)) / 100
		}
	}
	p.Round()
	var b bytes.Buffer
	if err := p.Encode(&b, picture.PNG); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, p
}

// Recordings whose headers contradict themselves are read as players read them, all of them, and a picture hidden in one comes back.
func TestStrangeRecordings(t *testing.T) {
	racetest.Skip(t)
	secret, p := secretFile(t)
	int16s := func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15) }
	for _, c := range []struct {
		name            string
		samples         int // the last bytes of the file
		bytes, channels int
		value           func([]byte) float64
	}{
		{"mono16-align1.wav", 24000, 2, 1, int16s},
		{"stereo24-align4.wav", 72000, 3, 2, func(b []byte) float64 {
			return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
		}},
		{"float32mono-align8.wav", 48000, 4, 1, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }},
		{"id3-before-riff.wav", 24000, 2, 1, int16s},
		{"odd-LIST-not-padded.wav", 24000, 2, 1, int16s},
		{"data-7fffffff.wav", 24000, 2, 1, int16s},
	} {
		path, data := caseFile(t, c.name)
		got, err := codec.Decode(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := audio.NewBlock(c.channels, c.samples/c.bytes/c.channels)
		raw := data[len(data)-c.samples:]
		for i := range want[0] {
			for k := range want {
				want[k][i] = c.value(raw[(i*c.channels+k)*c.bytes:])
			}
		}
		if len(got.Samples) != c.channels {
			t.Errorf("%s: %d channels", c.name, len(got.Samples))
			continue
		}
		for k := range want {
			if !slices.Equal(got.Samples[k], want[k]) {
				t.Errorf("%s: the samples of channel %d are others, or not %d", c.name, k, len(want[k]))
			}
		}
		stego, out := filepath.Join(t.TempDir(), "stego.wav"), filepath.Join(t.TempDir(), "out.png")
		reveals(t, []string{"hide", "-q", "-i", secret, "-c", path, "-o", stego}, 0, "")
		reveals(t, []string{"reveal", "-q", "-s", stego, "-o", out}, 0, "")
		samePicture(t, c.name, out, p)
	}
}

// reveals runs a command, which has to end with a code and say something.
func reveals(t *testing.T, args []string, code int, says string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(t.Context(), args, &stdout, &stderr); got != code || !strings.Contains(stdout.String()+stderr.String(), says) {
		t.Errorf("ditas %s: exit code %d, want %d and %q:\n%s%s", strings.Join(args, " "), got, code, says, stdout.String(), stderr.String())
	}
}

func samePicture(t *testing.T, what, name string, want *picture.Planes) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	got, err := picture.Decode(bytes.NewReader(data))
	if err != nil || got.Width != want.Width || got.Height != want.Height {
		t.Errorf("%s: %v", what, err)
		return
	}
	for c := range want.Pix {
		if !slices.Equal(got.Pix[c], want.Pix[c]) {
			t.Errorf("%s: the picture is another one", what)
		}
	}
}

// A FLAC file with one wrong bit has lost a frame and nothing else, and that is said.
func TestOneWrongBit(t *testing.T) {
	racetest.Skip(t)
	whole, _ := caseFile(t, "whole.flac")
	damaged, flipped := caseFile(t, "one-bit-flipped.flac")
	f, err := codec.Open(bytes.NewReader(flipped), int64(len(flipped)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audio.ReadAll(f); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("one wrong bit is not told of: %v", err)
	}
	secret, p := secretFile(t)
	dir := t.TempDir()
	stego, out := filepath.Join(dir, "stego.flac"), filepath.Join(dir, "out.png")
	reveals(t, []string{"hide", "-q", "-i", secret, "-c", whole, "-o", stego}, 0, "")
	b, err := os.ReadFile(stego)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{len(b) / 3, len(b) / 2, len(b) * 3 / 4} {
		one := bytes.Clone(b)
		one[at] ^= 4
		if err := os.WriteFile(stego, one, 0o600); err != nil {
			t.Fatal(err)
		}
		reveals(t, []string{"reveal", "--force", "-s", stego, "-o", out}, 0, "damaged")
		samePicture(t, "with a wrong bit", out, p)
	}
	// What can be done with the whole one can be done with it: a frame of it is silent, and that is said, once.
	const says = "one-bit-flipped.flac is damaged: 0.14 s of it cannot be read\nhint: take a copy that is whole, unless this is what you want\n"
	for _, name := range []string{"again.flac", "again.wav"} {
		stego := filepath.Join(dir, name)
		reveals(t, []string{"hide", "-q", "-i", secret, "-c", damaged, "-o", stego}, 0, says)
		reveals(t, []string{"reveal", "-q", "--force", "-s", stego, "-o", out}, 0, "")
		samePicture(t, "hidden in a file with a wrong bit", out, p)
		reveals(t, []string{"dither", "-q", "--force", damaged, stego}, 0, says)
		again, err := codec.ReadFile(stego)
		if err != nil {
			t.Fatal(err)
		}
		if before, err := codec.ReadFile(whole); err != nil || again.Frames() != before.Frames() {
			t.Errorf("%s has %d frames of %d", name, again.Frames(), before.Frames())
		}
	}
	reveals(t, []string{"capacity", damaged}, 0, says)
	// As a file whose samples are others than its header says, every frame of it being whole.
	b, err = os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	b[26] ^= 1
	altered := filepath.Join(dir, "altered.flac")
	if err := os.WriteFile(altered, b, 0o600); err != nil {
		t.Fatal(err)
	}
	const other = "altered.flac is not as it was made: its samples do not match the checksum in its header\nhint: "
	reveals(t, []string{"hide", "-q", "--force", "-i", secret, "-c", altered, "-o", stego}, 0, other)
	reveals(t, []string{"dither", "-q", "--force", altered, stego}, 0, other)
}

// What cannot be read whole is refused, with the reason: nothing of a file is dropped in silence.
func TestRefusedRecordings(t *testing.T) {
	secret, _ := secretFile(t)
	for name, want := range map[string]string{
		"same-length-twice.flac": "another FLAC file begins at byte 15065",
		"stereo-mono-stereo.mp3": "one of 16000 Hz and 1 channels instead of 16000 Hz and 2 begins at byte 6336",
		"dc.wav":                 "silent",
	} {
		path, _ := caseFile(t, name)
		out := filepath.Join(t.TempDir(), "stego.wav")
		reveals(t, []string{"hide", "-q", "-i", secret, "-c", path, "-o", out}, 1, want)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
}
