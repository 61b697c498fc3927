package ditas_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas"
	"ditas/audio/codec"
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
