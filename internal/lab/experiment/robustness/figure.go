package robustness

import (
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/drawing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// FigureName is the name of the file that the page expects the figure in, in a folder "figures" beside it.
const FigureName = "robustness.png"

// drawn returns the methods of the figure: all at the common strength, and the JPEG files, which have none.
func (r *Report) drawn() []Method {
	var all []Method
	for _, m := range r.Methods {
		if _, ok := contender.LookOf(m.Name); ok && (!m.Own || strings.HasPrefix(m.Name, "JPEG")) {
			all = append(all, m)
		}
	}
	return all
}

// Figure draws the report as a PNG of 1500×1260 pixels: curves over noise, in two panels so that there is room for all of them, and
// what is left in the other conditions.
func (r *Report) Figure(w io.Writer) error {
	const dpi, wide, high = 150, 10.0, 8.4
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(wide*vg.Inch, high*vg.Inch), vgimg.UseDPI(dpi))}
	page := draw.New(c)
	middle, half := 0.49*page.Max.Y, page.Max.X/2
	of := func(test func(name string) bool) (all []Method) {
		for _, m := range r.drawn() {
			if test(m.Name) {
				all = append(all, m)
			}
		}
		return all
	}
	paper := func(name string) bool { return slices.Contains(contender.Systems(), name) }
	panels := []struct {
		title  string
		panel  func(title string, methods []Method) (*plot.Plot, error)
		which  func(name string) bool
		canvas draw.Canvas
	}{
		{"a. White noise: the paper's systems", r.curves, paper, draw.Crop(page, 0, -half, middle, 0)},
		{"b. White noise: arithmetic, and DITAS-M-ED again", r.curves,
			func(name string) bool { return !paper(name) || name == "ditas-m-ed" }, draw.Crop(page, half, 0, middle, 0)},
		{"c. Other conditions: markers as in a and b", r.groups, func(string) bool { return true }, draw.Crop(page, 0, 0, 0, middle-page.Max.Y)},
	}
	for _, p := range panels {
		panel, err := p.panel(p.title, of(p.which))
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		panel.Draw(draw.Crop(p.canvas, vg.Points(6), vg.Points(-10), vg.Points(5), vg.Points(-5)))
	}
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// panel returns an empty panel, in which what is no better than a grey picture lies in the shade, from x = left to right.
func (r *Report) panel(title string, left, right float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text = title, "mean PSNR (dB)"
	p.Title.Padding = vg.Points(5)
	drawing.Sans(&p.Title.TextStyle, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(3)
		drawing.Sans(&a.Label.TextStyle, 10)
		drawing.Sans(&a.Tick.Label, 9)
	}
	drawing.Sans(&p.Legend.TextStyle, 8)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(1.5), vg.Points(30)
	failing, err := plotter.NewPolygon(plotter.XYs{{X: left, Y: 0}, {X: right, Y: 0}, {X: right, Y: r.Grey}, {X: left, Y: r.Grey}})
	if err != nil {
		return nil, err
	}
	failing.Color, failing.LineStyle.Width = color.Gray{226}, 0
	note, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: left + (right-left)/100, Y: 1}}, Labels: []string{"no better than a grey picture: failure"}})
	if err != nil {
		return nil, err
	}
	drawing.Sans(&note.TextStyle[0], 8)
	lines := plotter.NewGrid()
	lines.Vertical.Width = 0
	lines.Horizontal.Color = color.Gray{210}
	p.Add(failing, lines, note)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = left, right, 0, experiment.Best+4
	marks := plot.ConstantTicks{}
	for y := 0.0; y < experiment.Best; y += 20 {
		marks = append(marks, plot.Tick{Value: y, Label: fmt.Sprint(y)})
	}
	p.Y.Tick.Marker = append(marks, plot.Tick{Value: experiment.Best, Label: "exact"})
	return p, nil
}

// curves draws methods over noise, the least of it to the right.
func (r *Report) curves(title string, methods []Method) (*plot.Plot, error) {
	var levels []float64
	for _, c := range r.Conditions {
		if c.Below != nil {
			levels = append(levels, *c.Below)
		}
	}
	if levels == nil {
		return r.panel(title+" (not measured)", 0, 1)
	}
	p, err := r.panel(title, slices.Min(levels)-1, slices.Max(levels)+1)
	if err != nil {
		return nil, err
	}
	p.X.Label.Text = "noise, dB below the cover"
	var marks plot.ConstantTicks
	for _, x := range levels {
		marks = append(marks, plot.Tick{Value: x, Label: fmt.Sprint(x)})
	}
	p.X.Tick.Marker = marks
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(6), vg.Points(-14)
	for _, m := range methods {
		var points plotter.XYs
		for k, c := range r.Conditions {
			if c.Below != nil {
				points = append(points, plotter.XY{X: *c.Below, Y: m.Results[k].PSNR})
			}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		l, _ := contender.LookOf(m.Name)
		line.Color, line.Width, line.Dashes = l.Colour, vg.Points(1.2), l.Dashes
		dots.Color, dots.Shape, dots.Radius = l.Colour, l.Glyph, vg.Points(3)
		p.Add(line, dots)
		p.Legend.Add(m.label(), line, dots)
	}
	return p, nil
}

// label is the name of a method in the figure.
func (m *Method) label() string {
	if m.Own {
		return fmt.Sprintf("%s (its MSE: %.0e)", contender.Title(m.Name), m.MSE)
	}
	return contender.Title(m.Name)
}

// groups draws methods in the conditions that are no noise.
func (r *Report) groups(heading string, methods []Method) (*plot.Plot, error) {
	var columns []int
	for k, c := range r.Conditions {
		if c.Below == nil {
			columns = append(columns, k)
		}
	}
	p, err := r.panel(heading, -0.5, float64(len(columns))-0.5)
	if err != nil {
		return nil, err
	}
	for i := range columns[1:] {
		x := float64(i) + 0.5
		border, err := plotter.NewLine(plotter.XYs{{X: x, Y: 0}, {X: x, Y: p.Y.Max}})
		if err != nil {
			return nil, err
		}
		border.Color, border.Width = color.Gray{150}, vg.Points(0.5)
		p.Add(border)
	}
	for i, m := range methods {
		var points plotter.XYs
		for x, k := range columns {
			if result := m.Results[k]; result != nil {
				points = append(points, plotter.XY{X: float64(x) + 0.86*((float64(i)+0.5)/float64(len(methods))-0.5), Y: result.PSNR})
			}
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		l, _ := contender.LookOf(m.Name)
		dots.Color, dots.Shape, dots.Radius = l.Colour, l.Glyph, vg.Points(3)
		p.Add(dots)
	}
	var ticks plot.ConstantTicks
	for x, k := range columns {
		c := r.Conditions[k]
		ticks = append(ticks, plot.Tick{Value: float64(x), Label: folded(c.Name)})
		if c.Lacking == "" {
			continue
		}
		note, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: float64(x) - 0.4, Y: experiment.Best / 2}}, Labels: []string{"not\nmeasured"}})
		if err != nil {
			return nil, err
		}
		drawing.Sans(&note.TextStyle[0], 8)
		p.Add(note)
	}
	p.X.Tick.Marker, p.X.Tick.Length = ticks, 0
	drawing.Sans(&p.X.Tick.Label, 8.5)
	return p, nil
}

// folded breaks a name of more than two words before its last two.
func folded(name string) string {
	words := strings.Fields(name)
	if len(words) < 3 {
		return name
	}
	fold := len(words) - 2
	return strings.Join(words[:fold], " ") + "\n" + strings.Join(words[fold:], " ")
}
