package experiment

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/internal/dataset"
	"ditas/internal/experiment/drawing"
	"ditas/internal/experiment/residual"
	"ditas/internal/model/weights"
)

// The stages of a system add up to what it reveals, and losing the later ones leaves the first sums.
func TestStages(t *testing.T) {
	p := &subject{secret: scene(4), cover: voice(samples, 4)}
	sys, _, err := weights.Load(weights.Default)
	if err != nil {
		t.Fatal(err)
	}
	n, err := newNetworks(sys)
	if err != nil {
		t.Fatal(err)
	}
	x, err := n.send(p, Threshold)
	if err != nil {
		t.Fatal(err)
	}
	residuals, sums := n.stages(p.secret)
	if len(residuals) != 4 || len(sums) != 3 {
		t.Fatalf("%d residuals and %d sums", len(residuals), len(sums))
	}
	first := residual.Difference(grey(Side, Side), p.secret)
	if !slices.Equal(residuals[0], first) {
		t.Error("S_1 is not the picture without mid-grey")
	}
	for i := range 3 {
		if before, after := residual.Energy(residuals[i]), residual.Energy(residuals[i+1]); after > before/2 {
			t.Errorf("stage %d: energy %g after %g", i+1, after, before)
		}
		// The sum is the secret but for what is still missing, limited and rounded.
		for c, plane := range sums[i].Pix {
			for k, v := range plane {
				want := max(0, min(1, float64(p.secret.Pix[c][k])-residuals[i+1][c*len(plane)+k]))
				if math.Abs(float64(v)-want) > 0.501/255 {
					t.Fatalf("stage %d, channel %d, value %d: %g, want %g", i+1, c, k, v, want)
				}
			}
		}
	}
	for _, c := range []struct {
		lost []int
		sum  int
	}{{nil, 2}, {[]int{2}, 1}, {[]int{1, 2}, 0}} {
		rest, err := n.reveal(x, Threshold, c.lost...)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for _, v := range residual.Difference(sums[c.sum], rest) {
			worst = max(worst, math.Abs(v))
		}
		if worst > 1.01/255 { // sums of floating point may round otherwise
			t.Errorf("%v lost: differs by up to %g from the sum of the first %d", c.lost, worst, c.sum+1)
		}
	}
	rest, err := n.reveal(x, Threshold, 0)
	if err != nil {
		t.Fatal(err)
	}
	score, err := rate(p.secret, rest)
	if err != nil {
		t.Fatal(err)
	}
	if none, _ := rate(p.secret, grey(Side, Side)); score.psnr > none.psnr+6 {
		t.Errorf("without the first stage %.1f dB, %.1f dB being that of a grey picture", score.psnr, none.psnr)
	}
}

func TestStructureFigure(t *testing.T) {
	d := structureFigure()
	var b bytes.Buffer
	if err := d.PNG(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil || m.Bounds().Dx() != int(drawing.DotsPerPoint*d.Width) || m.Bounds().Dy() != int(drawing.DotsPerPoint*d.Height) {
		t.Fatalf("%v, %v", m.Bounds(), err)
	}
	b.Reset()
	if err := d.SVG(&b); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	for decoder := xml.NewDecoder(&b); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	// Twice two in the flow's revealing networks, two in its hiding ones; none, two, two and four in the variants; one for each
	// hidden layer.
	if got := strings.Count(svg, "stroke-dasharray:5,2.5"); got != 6+8+4 {
		t.Errorf("%d connections, want 18", got)
	}
	if strings.Contains(svg, "Liberation Sans;") || !strings.Contains(svg, "sans-serif") {
		t.Error("no fonts to fall back to")
	}
}

func TestExhibit(t *testing.T) {
	speech := voice(samples+5, 3)
	for i := range speech.Samples[0] {
		speech.Samples[0][i] /= 8
	}
	e, err := NewExhibit(scene(1), speech, "")
	if err != nil {
		t.Fatal(err)
	}
	if x := e.subject.cover.Samples[0]; len(x) != samples || math.Abs(slices.Max(x)-dataset.Peak) > 0.2 || max(slices.Max(x), -slices.Min(x)) != speech.Format.Quantize(dataset.Peak) {
		t.Errorf("%d samples from %g to %g", len(x), slices.Min(x), slices.Max(x))
	}
	for name, bad := range map[string]*audio.Recording{
		"short": voice(samples-1, 3), "silent": recording(make([]float32, samples)),
		"at another rate": {Format: audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int16}, Samples: [][]float64{make([]float64, samples)}},
	} {
		if _, err := NewExhibit(scene(1), bad, ""); err == nil {
			t.Errorf("a recording that is %s is taken", name)
		}
	}
	data := sets(t)
	if _, err := data.Exhibit(2); err == nil {
		t.Error("pair 3 of 2 exists")
	}
	if e, err := data.Exhibit(1); err != nil || !strings.Contains(e.Attribution, "a.wav") {
		t.Errorf("%v, %v", e, err)
	}
}
