package experiment

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ditas"
)

// shownSystem is the one whose residuals and strengths are drawn; tables have all.
const shownSystem = "ditas-m-ed"

// mark is how a line and its points look, so that they can be told apart without colour.
type mark struct {
	colour color.Color
	dashes []vg.Length
	glyph  draw.GlyphDrawer
}

var marks = []mark{
	{color.Black, nil, draw.CircleGlyph{}},
	{palette[1], []vg.Length{6, 2}, draw.SquareGlyph{}},
	{palette[0], []vg.Length{2, 2}, draw.TriangleGlyph{}},
	{palette[2], []vg.Length{6, 2, 1.5, 2}, draw.BoxGlyph{}},
	{palette[3], []vg.Length{9, 3}, draw.PyramidGlyph{}},
	{palette[6], []vg.Length{1, 2}, draw.RingGlyph{}},
	{color.Gray{110}, []vg.Length{3, 1.5}, draw.CrossGlyph{}},
}

// markOf returns the mark that a system has in all figures.
func markOf(system string) mark {
	names := []string{ditas.Lattice, "ditas-m", "ditas-m-e", "ditas-m-d", "ditas-m-ed", dropout, "ditas-s"}
	return marks[max(0, slices.Index(names, system))]
}

// Files returns the figures by the names that the page expects in a folder "figures" beside it.
func (r *ClaimsReport) Files() map[string]func(w io.Writer) error {
	files := map[string]func(w io.Writer) error{"claims-pictures.png": r.pictures().PNG}
	for name, d := range map[string]*drawing{"claims-sparsity": r.sparsityFigure(), "claims-payload": r.payloadFigure(), "claims-loss": r.lossFigure()} {
		files[name+".png"], files[name+".svg"] = d.PNG, d.SVG
	}
	return files
}

// chart returns an empty plot.
func chart(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = vg.Points(6)
	sans(&p.Title.TextStyle, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(4)
		sans(&a.Label.TextStyle, 10)
		sans(&a.Tick.Label, 9)
	}
	sans(&p.Legend.TextStyle, 9)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(2), vg.Points(34)
	p.Legend.Top = true
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return p
}

// chart draws a plot in a rectangle.
func (s *sheet) chart(p *plot.Plot, x, y, width, height float64) {
	p.Draw(draw.Canvas{Canvas: s.canvas.Canvas, Rectangle: vg.Rectangle{Min: s.point(x, y+height), Max: s.point(x+width, y)}})
}

// trace adds a line, with a glyph at its points if asked for.
func trace(p *plot.Plot, name string, m mark, points plotter.XYs, glyphs bool) {
	line := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: m.colour, Width: vg.Points(1.5), Dashes: m.dashes}}
	p.Add(line)
	thumbnails := []plot.Thumbnailer{line}
	if glyphs {
		dots := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: m.colour, Radius: vg.Points(3.5), Shape: m.glyph}}
		p.Add(dots)
		thumbnails = append(thumbnails, dots)
	}
	if name != "" {
		p.Legend.Add(name, thumbnails...)
	}
}

// ticks are those of an axis.
func ticks(labels map[float64]string) plot.ConstantTicks {
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

// every returns ticks from 0 to 100, dB or %, by a step.
func every(step int) plot.ConstantTicks {
	labels := map[float64]string{}
	for v := 0; v <= 100; v += step {
		labels[float64(v)] = fmt.Sprint(v)
	}
	return ticks(labels)
}

// sparsityFigure draws the histograms of residuals.
func (r *ClaimsReport) sparsityFigure() *drawing {
	decades := map[float64]string{}
	for d := lowestDecade; d <= highestDecade; d++ {
		decades[float64(d)] = fmt.Sprintf("1e%d", d)
	}
	decades[0] = "1"
	edge := func(i int) float64 { return lowestDecade + float64(i)/binsPerDecade }
	outline := func(shares []float64) plotter.XYs {
		points := plotter.XYs{{X: edge(0), Y: 0}}
		for i, v := range shares {
			points = append(points, plotter.XY{X: edge(i), Y: 100 * v}, plotter.XY{X: edge(i + 1), Y: 100 * v})
		}
		return append(points, plotter.XY{X: edge(len(shares)), Y: 0})
	}
	magnitude := chart("what is missing, "+title(shownSystem), "magnitude, full scale 1", "share of values (%)")
	shape := chart("its shape", "magnitude over the picture's RMS", "share of values (%)")
	reference := make([]float64, histogramBins)
	for i := range reference {
		// Of the tail below the first edge nothing is to be seen.
		reference[i] = math.Erf(math.Pow(10, edge(i+1))/math.Sqrt2) - math.Erf(math.Pow(10, edge(i))/math.Sqrt2)
	}
	trace(shape, "Gaussian noise", mark{colour: color.Gray{170}}, outline(reference), false)
	top := 0.0
	for _, v := range r.Sparsity {
		if v.System != shownSystem {
			continue
		}
		m, name := marks[v.Stage%len(marks)], fmt.Sprintf("S%c, after stage %d", '₁'+rune(v.Stage), v.Stage)
		if v.Stage == 0 {
			name = "S₁, the picture"
		}
		trace(magnitude, name, m, outline(v.Histogram), false)
		trace(shape, name, m, outline(v.Shape), false)
		top = max(top, 100*slices.Max(v.Histogram))
	}
	half := math.Log10(pictureStep / 2)
	trace(magnitude, "half a step of 8 bits", mark{colour: color.Gray{110}, dashes: []vg.Length{1.5, 2}}, plotter.XYs{{X: half, Y: 0}, {X: half, Y: 1.05 * top}}, false)
	for _, p := range []*plot.Plot{magnitude, shape} {
		p.X.Tick.Marker, p.Y.Tick.Marker = ticks(decades), every(5)
		p.Legend.Left = true
		p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), vg.Points(-6)
		p.Y.Min = 0
	}
	magnitude.X.Max, shape.X.Min = 0, lowestDecade+2
	return &drawing{width: 760, height: 310, paint: func(s *sheet) {
		s.chart(magnitude, 6, 8, 368, 296)
		s.chart(shape, 386, 8, 368, 296)
	}}
}

// payloadFigure draws what samples buy.
func (r *ClaimsReport) payloadFigure() *drawing {
	all := chart(fmt.Sprintf("threshold %g", Threshold), "samples a pixel", "mean PSNR (dB)")
	strengths := chart(title(shownSystem)+" by threshold", "samples a pixel", "mean PSNR (dB)")
	lines := func(p *plot.Plot, of func(v Payload) bool, name func(v Payload) string, look func(i int, v Payload) mark) {
		points, order := map[string]plotter.XYs{}, []string{}
		looks := map[string]mark{}
		for _, v := range r.Payload {
			if !of(v) {
				continue
			}
			n := name(v)
			if points[n] == nil {
				looks[n] = look(len(order), v)
				order = append(order, n)
			}
			points[n] = append(points[n], plotter.XY{X: float64(v.Samples), Y: v.PSNR})
		}
		for _, n := range order {
			trace(p, n, looks[n], points[n], true)
		}
	}
	lines(all, func(v Payload) bool { return v.Stages == 0 || v.Threshold == Threshold }, func(v Payload) string { return label(v.System) },
		func(_ int, v Payload) mark { return markOf(v.System) })
	lines(strengths, func(v Payload) bool { return v.System == shownSystem },
		func(v Payload) string { return fmt.Sprintf("threshold %g", v.Threshold) }, func(i int, _ Payload) mark { return marks[i%len(marks)] })
	for _, p := range []*plot.Plot{all, strengths} {
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 3, 13, 0, best+4
		p.Y.Tick.Marker = every(20)
		p.X.Tick.Marker = ticks(map[float64]string{4: "4 (1 stage)", 8: "8 (2 stages)", 12: "12 (3 stages)"})
		p.Legend.Top = false
		p.Legend.XOffs, p.Legend.YOffs = vg.Points(-8), vg.Points(6)
	}
	return &drawing{width: 760, height: 330, paint: func(s *sheet) {
		s.chart(all, 6, 8, 368, 316)
		s.chart(strengths, 386, 8, 368, 316)
	}}
}

// lossFigure draws what is left when subsequences are lost.
func (r *ClaimsReport) lossFigure() *drawing {
	p := chart("64×64 pictures when subsequences are lost", "subsequences lost, of three", "mean PSNR (dB)")
	labels := map[float64]string{}
	for i, lost := range cases {
		labels[float64(i)] = caseName(lost)
		edge := float64(i) + 0.5
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: edge, Y: 0}, {X: edge, Y: best + 4}}, LineStyle: draw.LineStyle{Color: color.Gray{150}, Width: vg.Points(0.5)}})
	}
	for i, v := range r.Loss {
		m := markOf(v.System)
		dots := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: m.colour, Radius: vg.Points(4.5), Shape: m.glyph}}
		for k, c := range v.Cases {
			dots.XYs = append(dots.XYs, plotter.XY{X: float64(k) + 0.12*(float64(i)-float64(len(r.Loss)-1)/2), Y: c.PSNR})
		}
		p.Add(dots)
		p.Legend.Add(label(v.System), dots)
	}
	end := float64(len(cases)) - 0.5
	nothing := &plotter.Line{XYs: plotter.XYs{{X: -0.5, Y: r.Grey}, {X: end, Y: r.Grey}}, LineStyle: draw.LineStyle{Color: color.Gray{110}, Width: vg.Points(1), Dashes: []vg.Length{1.5, 2}}}
	p.Add(nothing)
	p.Legend.Add("a grey picture", nothing)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks(labels), every(20)
	// The legend has room of its own.
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, end+1.5, 0, best+4
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-2), vg.Points(-6)
	return &drawing{width: 760, height: 380, paint: func(s *sheet) { s.chart(p, 6, 8, 748, 366) }}
}

// pictures draws what is left of the exhibit.
func (r *ClaimsReport) pictures() *drawing {
	const margin, side, gap, top, row = 92.0, 96.0, 8.0, 40.0, 116.0
	return &drawing{width: margin + float64(len(cases))*(side+gap), height: top + row*float64(len(r.shown)) + 2, paint: func(s *sheet) {
		s.text(margin-8, 24, 9, flushRight, "lost:")
		for k, lost := range cases {
			s.bold(margin+float64(k)*(side+gap)+side/2, 24, 10, centred, caseName(lost))
		}
		for i, shown := range r.shown {
			y := top + row*float64(i)
			name := label(r.Loss[i].System)
			for k, line := range strings.SplitAfter(name, ", ") {
				s.text(margin-8, y+side/2+13*float64(k), 9, flushRight, strings.TrimSpace(line))
			}
			for k, p := range shown {
				x := margin + float64(k)*(side+gap)
				s.framed(x, y, pixels(p.picture, 3))
				psnr := fmt.Sprintf("%.1f dB", p.psnr)
				if p.psnr == best {
					psnr = "exact"
				}
				s.text(x+side/2, y+side+9, 9, centred, psnr)
			}
		}
	}}
}
