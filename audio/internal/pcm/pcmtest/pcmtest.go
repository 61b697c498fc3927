// Package pcmtest tests readers of plain samples alike.
package pcmtest

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/audio"
)

// Decode reads the whole of a file.
type Decode func(data []byte) (*audio.Recording, error)

// Written is a file that ffmpeg wrote, by its name in testdata without its extension, beside which lie the samples that ffmpeg reads of it, as
// little-endian 64-bit floats.
type Written struct {
	Name     string
	Channels int
	Encoding audio.Encoding
}

// frames is how many a file has that ffmpeg wrote for these tests.
const frames = 97

// Agree checks that files hold the samples that ffmpeg reads, have that many frames, and at most so many more where padding counts as samples,
// and are of 44.1 kHz.
func (d Decode) Agree(t *testing.T, extension string, more int, files []Written) {
	t.Helper()
	for _, c := range files {
		data, err1 := os.ReadFile(filepath.Join("testdata", c.Name+extension))
		samples, err2 := os.ReadFile(filepath.Join("testdata", c.Name+".f64"))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		rec, err := d(data)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		want := audio.Format{Rate: 44100, Channels: c.Channels, Encoding: c.Encoding}
		if rec.Format != want || rec.Frames() < frames || rec.Frames() > frames+more || len(samples) != rec.Frames()*8*c.Channels {
			t.Errorf("%s: %d frames of %+v", c.Name, rec.Frames(), rec.Format)
			continue
		}
		for i := range len(samples) / 8 {
			want := math.Float64frombits(binary.LittleEndian.Uint64(samples[8*i:]))
			if got := rec.Samples[i%c.Channels][i/c.Channels]; got != want {
				t.Fatalf("%s: sample %d is %v, want %v", c.Name, i, got, want)
			}
		}
	}
}

// Refusal is a file that is not read, and why.
type Refusal struct {
	Data []byte
	Err  error
	Says string
}

// Refuse checks that files are refused for what they are.
func (d Decode) Refuse(t *testing.T, files []Refusal) {
	t.Helper()
	for _, c := range files {
		rec, err := d(c.Data)
		if rec != nil || !errors.Is(err, c.Err) || !strings.Contains(err.Error(), c.Says) {
			t.Errorf("got %v, want %v that says %q", err, c.Err, c.Says)
		}
	}
}

// Check checks what any bytes are: refused with an error of a class, or read, as far as they reach.
func (d Decode) Check(t *testing.T, data []byte) {
	rec, err := d(data)
	switch {
	case rec == nil:
		if !errors.Is(err, audio.ErrFormat) && !errors.Is(err, audio.ErrUnsupported) && !errors.Is(err, audio.ErrMalformed) {
			t.Fatalf("an error of no class: %v", err)
		}
	case err != nil && !errors.As(err, new(*audio.TruncatedError)):
		t.Fatal(err)
	case rec.Format.Check() != nil:
		t.Fatal(rec.Format.Check())
	case rec.Frames()*rec.Format.Channels > len(data):
		t.Fatalf("%d frames out of %d bytes", rec.Frames(), len(data))
	}
}
