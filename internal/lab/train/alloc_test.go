//go:build !race

package train

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/picture"
)

func TestStepDoesNotAllocate(t *testing.T) {
	dir := t.TempDir()
	rec := &audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 5000)}
	for i := range rec.Samples[0] {
		rec.Samples[0][i] = 0.5 * math.Sin(float64(i)/20)
	}
	var sound, image bytes.Buffer
	if err := wav.Encode(&sound, rec); err != nil {
		t.Fatal(err)
	}
	if err := picture.New(70, 80).Encode(&image, picture.PNG); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*bytes.Buffer{"a.wav": &sound, "a.png": &image} {
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	speech, err := dataset.OpenSpeech(context.Background(), dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := dataset.OpenPictures(context.Background(), dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Default("ditas-m-ed")
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Tile, c.Model.Bands, c.Model.Width, c.Model.Depth, c.Batch = 16, 64, 8, 4, 3
	tr, err := New(c, Data{Speech: speech, Pictures: pictures, ValidationSpeech: speech, ValidationPictures: pictures}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(5, func() {
		if _, err := tr.advance(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}
