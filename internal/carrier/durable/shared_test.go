package durable_test

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/channel/set"
	"ditas/internal/ffmpeg"
	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

const demo = "../../../cmd/ditas/demo/"

// shared are recordings as people get them: a photograph in speech, made by
//
//	go test ./internal/carrier/durable -run TestShared -update
//
// with ffmpeg. They stay small and are read without it.
var shared = []struct {
	name    string
	purpose string
	args    []string // of ffmpeg
	stages  int      // that have arrived at least
	psnr    float64  // dB that the picture has at least
}{
	{"shared.mp3", ditas.Share, []string{"-ar", "44100", "-c:a", "libmp3lame", "-b:a", "64k"}, 5, 27},
	{"shared.opus", ditas.Voice, []string{"-c:a", "libopus", "-b:a", "24k", "-application", "voip"}, 1, 19},
}

// speech returns the demo's recording, or the beginning of it, as a file.
func speech(t *testing.T, seconds int) []byte {
	t.Helper()
	b, err := os.ReadFile(demo + "speech.wav")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := wav.Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	rec.Samples[0] = rec.Samples[0][:min(len(rec.Samples[0]), seconds*rec.Format.Rate)]
	return file(t, rec)
}

func file(t *testing.T, rec *audio.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func photo(t *testing.T) *picture.Planes {
	t.Helper()
	b, err := os.ReadFile(demo + "photo.png")
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t *testing.T, b []byte) audio.File {
	t.Helper()
	f, err := codec.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hide hides the photograph in a recording.
func hide(t *testing.T, cover []byte, purpose string) []byte {
	t.Helper()
	w, _, err := codec.Cover(open(t, cover), codec.CoverOptions{Name: "stego.wav"})
	if err != nil {
		t.Fatal(err)
	}
	var stego bytes.Buffer
	o := ditas.HideOptions{For: purpose, Fit: true, Random: rand.NewChaCha8([32]byte{7}), Workers: 1}
	if _, err := ditas.Hide(t.Context(), &stego, w, photo(t), ditas.Public(), o); err != nil {
		t.Fatal(err)
	}
	return stego.Bytes()
}

// reveal returns the PSNR of the photograph in a recording, and how many of its stages arrived.
func reveal(t *testing.T, stego audio.File) (psnr float64, stages int) {
	t.Helper()
	p, r, err := ditas.Reveal(t.Context(), stego, ditas.Public(), ditas.RevealOptions{Method: ditas.Durable, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := photo(t).ResizeContext(context.Background(), p.Width, p.Height)
	if err != nil {
		t.Fatal(err)
	}
	if psnr, err = quality.PSNR(secret, p); err != nil {
		t.Fatal(err)
	}
	return psnr, arrived(r)
}

// arrived counts the stages that came through from the first one on.
func arrived(r *report.Reveal) (n int) {
	for _, s := range r.Stages {
		if s.Arrived < s.Blocks {
			break
		}
		n++
	}
	return n
}

// What was once shared stays readable, and needs no other program.
func TestShared(t *testing.T) {
	racetest.Skip(t)
	for _, s := range shared {
		t.Run(s.name, func(t *testing.T) {
			name := filepath.Join("testdata", s.name)
			if flag.Lookup("update").Value.String() == "true" {
				from := filepath.Join(t.TempDir(), "stego.wav")
				if err := os.WriteFile(from, hide(t, speech(t, 14), s.purpose), 0o600); err != nil {
					t.Fatal(err)
				}
				args := append([]string{"-y", "-i", from}, s.args...)
				if err := ffmpeg.Run(t.Context(), append(args, "-map_metadata", "-1", "-fflags", "+bitexact", name)...); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > 150_000 {
				t.Errorf("%d bytes", len(b))
			}
			psnr, stages := reveal(t, open(t, b))
			t.Logf("%d stages, %.1f dB", stages, psnr)
			if stages < s.stages || psnr < s.psnr {
				t.Errorf("%d stages arrived, want %d; the picture has %.1f dB, want %.0f", stages, s.stages, psnr, s.psnr)
			}
		})
	}
}

// From the photograph to what is revealed of it, by way of codecs as they are installed here.
func TestThroughCodecs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if _, err := ffmpeg.Find(); err != nil {
		t.Skip(err)
	}
	stego, err := audio.ReadAll(open(t, hide(t, speech(t, 14), ditas.Share)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		stages int
		psnr   float64
	}{"aac-64": {4, 25}, "opus-32": {2, 20}} {
		t.Run(name, func(t *testing.T) {
			c, err := set.Named(name)
			if err != nil {
				t.Fatal(err)
			}
			left, err := c.Pass(t.Context(), stego, 1)
			if err != nil {
				t.Fatal(err)
			}
			psnr, stages := reveal(t, open(t, file(t, left)))
			t.Logf("%d stages, %.1f dB", stages, psnr)
			if stages < want.stages || psnr < want.psnr {
				t.Errorf("%d stages arrived, want %d; the picture has %.1f dB, want %.0f", stages, want.stages, psnr, want.psnr)
			}
		})
	}
}
