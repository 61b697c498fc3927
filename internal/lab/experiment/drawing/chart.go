package drawing

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Chart returns an empty plot.
func Chart(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(6)
	Sans(&p.Title.TextStyle, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(4)
		Sans(&a.Label.TextStyle, 10)
		Sans(&a.Tick.Label, 9)
	}
	Sans(&p.Legend.TextStyle, 9)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(2), vg.Points(34)
	p.Legend.Top = true
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return p
}

// Chart draws a plot in a rectangle.
func (s *Sheet) Chart(p *plot.Plot, x, y, width, height float64) {
	p.Draw(draw.Canvas{Canvas: s.canvas.Canvas, Rectangle: vg.Rectangle{Min: s.point(x, y+height), Max: s.point(x+width, y)}})
}

// Trace adds a line to a plot and, unless the name is empty, to its legend, with a glyph at its points if asked for.
func Trace(p *plot.Plot, name string, l Look, points plotter.XYs, glyphs bool) {
	line := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: l.Colour, Width: vg.Points(1.5), Dashes: l.Dashes}}
	p.Add(line)
	thumbnails := []plot.Thumbnailer{line}
	if glyphs {
		dots := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: l.Colour, Radius: vg.Points(3.5), Shape: l.Glyph}}
		p.Add(dots)
		thumbnails = append(thumbnails, dots)
	}
	if name != "" {
		p.Legend.Add(name, thumbnails...)
	}
}

// Ticks are the ticks of an axis, by value.
func Ticks(labels map[float64]string) plot.ConstantTicks {
	var all plot.ConstantTicks
	for v, label := range labels {
		all = append(all, plot.Tick{Value: v, Label: label})
	}
	slices.SortFunc(all, func(a, b plot.Tick) int {
		if a.Value < b.Value {
			return -1
		}
		return 1
	})
	return all
}

// Every returns ticks from 0 to 100, dB or %, by a step.
func Every(step int) plot.ConstantTicks {
	labels := map[float64]string{}
	for v := 0; v <= 100; v += step {
		labels[float64(v)] = fmt.Sprint(v)
	}
	return Ticks(labels)
}

// Sans sets text in a sans-serif font of a size.
func Sans(t *text.Style, size vg.Length) {
	t.Font.Variant = "Sans"
	t.Font.Size = size
}
