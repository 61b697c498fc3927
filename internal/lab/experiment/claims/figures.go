package claims

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/drawing"
	"ditas/internal/lab/experiment/residual"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ditas"
)

// shownSystem is the one whose residuals and strengths are drawn; tables have all.
const shownSystem = "ditas-m-ed"

// markOf returns the mark that a system has in all figures.
func markOf(system string) drawing.Look {
	names := []string{ditas.Methods()[0].Name, "ditas-m", "ditas-m-e", "ditas-m-d", "ditas-m-ed", dropout, "ditas-s"}
	return drawing.Looks[max(0, slices.Index(names, system))]
}

// Files returns the figures by the names that the page expects in a folder "figures" beside it.
func (r *Report) Files() map[string]func(w io.Writer) error {
	files := map[string]func(w io.Writer) error{"claims-pictures.png": r.pictures().PNG}
	for name, d := range map[string]*drawing.Figure{"claims-sparsity": r.sparsityFigure(), "claims-payload": r.payloadFigure(), "claims-loss": r.lossFigure()} {
		files[name+".png"], files[name+".svg"] = d.PNG, d.SVG
	}
	return files
}

// sparsityFigure draws the histograms of residuals.
func (r *Report) sparsityFigure() *drawing.Figure {
	decades := map[float64]string{}
	for d := residual.LowestDecade; d <= residual.HighestDecade; d++ {
		decades[float64(d)] = fmt.Sprintf("1e%d", d)
	}
	decades[0] = "1"
	edge := func(i int) float64 { return residual.LowestDecade + float64(i)/residual.BinsPerDecade }
	outline := func(shares []float64) plotter.XYs {
		points := plotter.XYs{{X: edge(0), Y: 0}}
		for i, v := range shares {
			points = append(points, plotter.XY{X: edge(i), Y: 100 * v}, plotter.XY{X: edge(i + 1), Y: 100 * v})
		}
		return append(points, plotter.XY{X: edge(len(shares)), Y: 0})
	}
	magnitude := drawing.Chart("what is missing, "+contender.Title(shownSystem), "magnitude, full scale 1", "share of values (%)")
	shape := drawing.Chart("its shape", "magnitude over the picture's RMS", "share of values (%)")
	reference := make([]float64, residual.Bins)
	for i := range reference {
		// Of the tail below the first edge nothing is to be seen.
		reference[i] = math.Erf(math.Pow(10, edge(i+1))/math.Sqrt2) - math.Erf(math.Pow(10, edge(i))/math.Sqrt2)
	}
	drawing.Trace(shape, "Gaussian noise", drawing.Look{Colour: color.Gray{170}}, outline(reference), false)
	top := 0.0
	for _, v := range r.Sparsity {
		if v.System != shownSystem {
			continue
		}
		m, name := drawing.Looks[v.Stage%len(drawing.Looks)], fmt.Sprintf("S%c, after stage %d", '₁'+rune(v.Stage), v.Stage)
		if v.Stage == 0 {
			name = "S₁, the picture"
		}
		drawing.Trace(magnitude, name, m, outline(v.Histogram), false)
		drawing.Trace(shape, name, m, outline(v.Shape), false)
		top = max(top, 100*slices.Max(v.Histogram))
	}
	half := math.Log10(residual.PictureStep / 2)
	drawing.Trace(magnitude, "half a step of 8 bits", drawing.Look{Colour: color.Gray{110}, Dashes: []vg.Length{1.5, 2}}, plotter.XYs{{X: half, Y: 0}, {X: half, Y: 1.05 * top}}, false)
	for _, p := range []*plot.Plot{magnitude, shape} {
		p.X.Tick.Marker, p.Y.Tick.Marker = drawing.Ticks(decades), drawing.Every(5)
		p.Legend.Left = true
		p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), vg.Points(-6)
		p.Y.Min = 0
	}
	magnitude.X.Max, shape.X.Min = 0, residual.LowestDecade+2
	return &drawing.Figure{Width: 760, Height: 310, Paint: func(s *drawing.Sheet) {
		s.Chart(magnitude, 6, 8, 368, 296)
		s.Chart(shape, 386, 8, 368, 296)
	}}
}

// payloadFigure draws what samples buy.
func (r *Report) payloadFigure() *drawing.Figure {
	all := drawing.Chart(fmt.Sprintf("threshold %g", contender.Threshold), "samples a pixel", "mean PSNR (dB)")
	strengths := drawing.Chart(contender.Title(shownSystem)+" by threshold", "samples a pixel", "mean PSNR (dB)")
	lines := func(p *plot.Plot, of func(v Payload) bool, name func(v Payload) string, appearance func(i int, v Payload) drawing.Look) {
		points, order := map[string]plotter.XYs{}, []string{}
		looks := map[string]drawing.Look{}
		for _, v := range r.Payload {
			if !of(v) {
				continue
			}
			n := name(v)
			if points[n] == nil {
				looks[n] = appearance(len(order), v)
				order = append(order, n)
			}
			points[n] = append(points[n], plotter.XY{X: float64(v.Samples), Y: v.PSNR})
		}
		for _, n := range order {
			drawing.Trace(p, n, looks[n], points[n], true)
		}
	}
	lines(all, func(v Payload) bool { return v.Stages == 0 || v.Threshold == contender.Threshold }, func(v Payload) string { return label(v.System) },
		func(_ int, v Payload) drawing.Look { return markOf(v.System) })
	lines(strengths, func(v Payload) bool { return v.System == shownSystem },
		func(v Payload) string { return fmt.Sprintf("threshold %g", v.Threshold) }, func(i int, _ Payload) drawing.Look { return drawing.Looks[i%len(drawing.Looks)] })
	for _, p := range []*plot.Plot{all, strengths} {
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 3, 13, 0, experiment.Best+4
		p.Y.Tick.Marker = drawing.Every(20)
		p.X.Tick.Marker = drawing.Ticks(map[float64]string{4: "4 (1 stage)", 8: "8 (2 stages)", 12: "12 (3 stages)"})
		p.Legend.Top = false
		p.Legend.XOffs, p.Legend.YOffs = vg.Points(-8), vg.Points(6)
	}
	return &drawing.Figure{Width: 760, Height: 330, Paint: func(s *drawing.Sheet) {
		s.Chart(all, 6, 8, 368, 316)
		s.Chart(strengths, 386, 8, 368, 316)
	}}
}

// lossFigure draws what is left when subsequences are lost.
func (r *Report) lossFigure() *drawing.Figure {
	p := drawing.Chart("64×64 pictures when subsequences are lost", "subsequences lost, of three", "mean PSNR (dB)")
	labels := map[float64]string{}
	for i, lost := range cases {
		labels[float64(i)] = caseName(lost)
		edge := float64(i) + 0.5
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: edge, Y: 0}, {X: edge, Y: experiment.Best + 4}}, LineStyle: draw.LineStyle{Color: color.Gray{150}, Width: vg.Points(0.5)}})
	}
	for i, v := range r.Loss {
		m := markOf(v.System)
		dots := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: m.Colour, Radius: vg.Points(4.5), Shape: m.Glyph}}
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
	p.X.Tick.Marker, p.Y.Tick.Marker = drawing.Ticks(labels), drawing.Every(20)
	// The legend has room of its own.
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, end+1.5, 0, experiment.Best+4
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-2), vg.Points(-6)
	return &drawing.Figure{Width: 760, Height: 380, Paint: func(s *drawing.Sheet) { s.Chart(p, 6, 8, 748, 366) }}
}

// pictures draws what is left of the exhibit.
func (r *Report) pictures() *drawing.Figure {
	const margin, side, gap, top, row = 92.0, 96.0, 8.0, 40.0, 116.0
	return &drawing.Figure{Width: margin + float64(len(cases))*(side+gap), Height: top + row*float64(len(r.shown)) + 2, Paint: func(s *drawing.Sheet) {
		s.Text(margin-8, 24, 9, drawing.Right, "lost:")
		for k, lost := range cases {
			s.Bold(margin+float64(k)*(side+gap)+side/2, 24, 10, drawing.Centred, caseName(lost))
		}
		for i, shown := range r.shown {
			y := top + row*float64(i)
			name := label(r.Loss[i].System)
			for k, line := range strings.SplitAfter(name, ", ") {
				s.Text(margin-8, y+side/2+13*float64(k), 9, drawing.Right, strings.TrimSpace(line))
			}
			for k, p := range shown {
				x := margin + float64(k)*(side+gap)
				s.Framed(x, y, drawing.Pixels(p.picture, 3))
				psnr := fmt.Sprintf("%.1f dB", p.psnr)
				if p.psnr == experiment.Best {
					psnr = "exact"
				}
				s.Text(x+side/2, y+side+9, 9, drawing.Centred, psnr)
			}
		}
	}}
}
