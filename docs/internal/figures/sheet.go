package main

import (
	"fmt"
	"io"
	"strings"

	svg "github.com/ajstarks/svgo/float"
)

// style makes figures dark on light or light on dark, as the reader's screen is. Shades differ in lightness, so that nothing depends
// on colour.
const style = `
text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:12px;fill:#1f2328}
.bold{font-weight:600}.small{font-size:10.5px}.mono{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:10px}
.italic{font-style:italic;font-family:Georgia,"Times New Roman",serif;font-size:14px}
.middle{text-anchor:middle}.end{text-anchor:end}
.line{stroke:#1f2328;stroke-width:1;fill:none}.bolder{stroke:#1f2328;stroke-width:2.5;fill:none}
.faint{stroke:#afb8c1;stroke-width:1;fill:none}.dashed{stroke-dasharray:4 3}
.mark{stroke:#0969da;stroke-width:2;fill:none}.marked{fill:#0969da}
.ink{fill:#1f2328}.paper{fill:#ffffff;stroke:#1f2328}.wave{fill:#57606a}
.s0{fill:#e8ecf0}.s1{fill:#c3dbf5}.s2{fill:#93bfee}.s3{fill:#619fe0}.s4{fill:#3a7cc4}.s5{fill:#235a97}.s6{fill:#123a68}
.on{fill:#ffffff}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.line,.bolder{stroke:#e6edf3}.faint{stroke:#57606a}
.mark{stroke:#58a6ff}.marked{fill:#58a6ff}
.ink{fill:#e6edf3}.paper{fill:#0d1117;stroke:#e6edf3}.wave{fill:#9198a1}.s0{fill:#30363d}.on{fill:#ffffff}
.s1{fill:#d5e6f8}.s2{fill:#a9cdf2}.s3{fill:#74aee8}.s4{fill:#4a8bd4}.s5{fill:#3069ab}.s6{fill:#1d4a80}
}
.dark{fill:#1f2328}
`

// sheet is a drawing whose unit is a pixel of a screen.
type sheet struct {
	*svg.SVG
}

// draw writes a figure with a title for those who cannot see it.
func draw(w io.Writer, width, height float64, title string, paint func(s sheet)) error {
	var b strings.Builder
	s := sheet{svg.New(&b)}
	s.Startraw(fmt.Sprintf(`viewBox="0 0 %g %g"`, width, height), fmt.Sprintf(`width="%g"`, width), fmt.Sprintf(`height="%g"`, height), `role="img"`)
	s.Title(title)
	s.Style("text/css", style)
	paint(s)
	s.End()
	_, err := io.WriteString(w, b.String())
	return err
}

func class(names string) string { return `class="` + names + `"` }

// arrow draws a line from one point to another with a head at its end.
func (s sheet) arrow(x1, y1, x2, y2 float64, line, head string) {
	const length, half = 7, 3.5
	dx, dy := unit(x2-x1, y2-y1)
	s.Line(x1, y1, x2-dx*length, y2-dy*length, class(line))
	s.Polygon(
		[]float64{x2, x2 - dx*length - dy*half, x2 - dx*length + dy*half},
		[]float64{y2, y2 - dy*length + dx*half, y2 - dy*length - dx*half}, class(head))
}

// span draws a length between two verticals, with its name above.
func (s sheet) span(x1, x2, y float64, name string) {
	s.Line(x1, y, x2, y, class("line"))
	s.Line(x1, y-4, x1, y+4, class("line"))
	s.Line(x2, y-4, x2, y+4, class("line"))
	s.Text((x1+x2)/2, y-5, name, class("italic middle"))
}
