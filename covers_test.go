package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/report"
)

// Whoever hides in an MP3 file that is damaged is told before.
func TestDamagedCover(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("audio", "mp3", "testdata", "joint.mp3"))
	if err != nil {
		t.Fatal(err)
	}
	survey := func(data []byte) []report.Warning {
		t.Helper()
		cover, err := codec.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := ditas.NewSurvey(context.Background(), cover, ditas.SurveyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Hide(context.Background(), io.Discard, scene(32, 24), ditas.Public(), ditas.HideOptions{Fit: true}); err != nil {
			t.Fatal(err)
		}
		return s.Warnings()
	}
	about := func(w report.Warning) bool { return w.Kind == report.Damaged }
	if w := survey(data); slices.ContainsFunc(w, about) {
		t.Errorf("of a whole file: %v", w)
	}
	clear(data[len(data)/2:][:len(data)/8])
	w := survey(data)
	i := slices.IndexFunc(w, about)
	if i < 0 || !strings.HasPrefix(w[i].Text, "is damaged: 0.0") {
		t.Errorf("of a damaged file: %v", w)
	}
}

// Speech of 8 bits has steps as coarse as rounding: what is hidden in it is found, or it is refused and nothing is written.
func TestEightBits(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("cmd", "ditas", "demo", "speech.wav"))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := codec.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	secret := scene(6, 6)
	for _, gain := range []float64{1, 0.7, 0.5} {
		rec := &audio.Recording{Format: rec.Format, Samples: [][]float64{slices.Clone(rec.Samples[0])}}
		rec.Format.Channels, rec.Format.Encoding = 1, audio.Int8
		for i, v := range rec.Samples[0] {
			rec.Samples[0][i] = rec.Format.Quantize(gain * v)
		}
		var cover, stego bytes.Buffer
		if err := wav.Encode(&cover, rec); err != nil {
			t.Fatal(err)
		}
		f, err := codec.Open(bytes.NewReader(cover.Bytes()), int64(cover.Len()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ditas.Hide(context.Background(), &stego, f, secret, ditas.Public(), ditas.HideOptions{Fit: true})
		if errors.Is(err, ditas.ErrUnfound) || errors.As(err, new(*report.TooQuietError)) || errors.As(err, new(*report.TooShortError)) {
			if stego.Len() > 0 {
				t.Errorf("at a gain of %g %d bytes were written before: %v", gain, stego.Len(), err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, r := reveal(t, stego.Bytes(), ditas.Public(), ditas.RevealOptions{}); !r.Complete {
			t.Errorf("at a gain of %g not all of it comes back", gain)
		}
	}
}
