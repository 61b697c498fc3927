package figures

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"strings"
	"testing"

	"ditas/internal/lab/experiment/drawing"
)

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
