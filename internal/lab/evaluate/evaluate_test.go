package evaluate_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/evaluate"
	"ditas/internal/model"
	"ditas/picture"
)

// sets writes two clips and three pictures to a folder and loads them.
func sets(t *testing.T, tile int) (*dataset.Pictures, *dataset.Speech) {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b *bytes.Buffer, err error) {
		t.Helper()
		if err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"a", "b", "c"} {
		p := picture.New(40, 50)
		for c := range p.Pix {
			for j := range p.Pix[c] {
				p.Pix[c][j] = float32(0.5 + 0.3*math.Sin(float64(j%40)/7+float64(c*i)))
			}
		}
		var b bytes.Buffer
		err := p.Encode(&b, picture.PNG)
		put(name+".png", &b, err)
		if i == 2 {
			break
		}
		rec := &audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 4000)}
		for j := range rec.Samples[0] {
			rec.Samples[0][j] = 0.5 * math.Sin(float64(j)*0.03*float64(i+1))
		}
		b.Reset()
		err = wav.Encode(&b, rec)
		put(name+".wav", &b, err)
	}
	pictures, err := dataset.OpenThumbnails(context.Background(), dir, tile, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	speech, err := dataset.OpenSpeech(context.Background(), dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pictures, speech
}

func system(t *testing.T) *model.System {
	t.Helper()
	c, err := model.Named("ditas-m-ed")
	if err != nil {
		t.Fatal(err)
	}
	c.Tile, c.Bands, c.Width, c.Depth = 32, 64, 8, 4
	s, err := model.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Init(1)
	return s
}

func TestSystem(t *testing.T) {
	pictures, speech := sets(t, 32)
	measure := func(workers int) *evaluate.Report {
		r, err := evaluate.System(context.Background(), system(t), pictures, speech, evaluate.Options{Thresholds: []float64{0.01, 0.1}, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := measure(1)
	if r.Pairs != 3 || r.Pictures != 3 || r.Clips != 2 || len(r.Rows) != 2 {
		t.Fatalf("%+v", r)
	}
	for i, row := range r.Rows {
		m := row.Mean
		if len(m.StagePSNR) != 3 || math.Abs(m.StagePSNR[2]-m.PSNR) > 1e-6 || row.WorstPSNR > m.PSNR {
			t.Errorf("row %d: %+v", i, row)
		}
		// A distortion d in a cover of power p is a ratio of p/d; the covers are sines at a peak of 0.99.
		if want := 10 * math.Log10(0.99*0.99/2/m.ContainerMSE); math.Abs(m.SNR-want) > 0.1 {
			t.Errorf("row %d: container MSE %g and SNR %.2f dB, want %.2f dB", i, m.ContainerMSE, m.SNR, want)
		}
	}
	if r.Rows[0].Mean.ContainerMSE >= r.Rows[1].Mean.ContainerMSE {
		t.Error("the weaker threshold distorts more")
	}
	two := measure(2)
	for i := range r.Rows {
		if r.Rows[i].Mean.PSNR != two.Rows[i].Mean.PSNR || r.Rows[i].Mean.ContainerMSE != two.Rows[i].Mean.ContainerMSE {
			t.Errorf("row %d depends on the number of workers", i)
		}
	}
	var b strings.Builder
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(b.String(), "\n"); strings.Count(lines[0], "|") != strings.Count(lines[2], "|") || !strings.Contains(b.String(), "3 pairs of 3 pictures and 2 clips") {
		t.Errorf("table:\n%s", b.String())
	}
}

func TestSystemStops(t *testing.T) {
	pictures, speech := sets(t, 32)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := evaluate.System(ctx, system(t), pictures, speech, evaluate.Options{Thresholds: []float64{0.1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := evaluate.System(context.Background(), system(t), pictures, speech, evaluate.Options{}); err == nil {
		t.Error("no threshold was accepted")
	}
}
