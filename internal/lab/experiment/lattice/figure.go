package lattice

import (
	"fmt"
	"image/color"
	"io"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/drawing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// FigureName is the name of the file that the page expects the figure in, in a folder "figures" beside it.
const FigureName = "lattice-noise.png"

// Figure draws the curves as a PNG of 1000×600 pixels.
func (r *Report) Figure(w io.Writer) error {
	p := plot.New()
	p.Title.Text = "64×64 pictures in 3 s of speech under white noise"
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = "container MSE over noise, D/N (dB)"
	p.Y.Label.Text = "mean PSNR (dB)"
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(4)
		drawing.Sans(&a.Label.TextStyle, 12)
		drawing.Sans(&a.Tick.Label, 10)
	}
	drawing.Sans(&p.Title.TextStyle, 14)
	drawing.Sans(&p.Legend.TextStyle, 10)
	p.Legend.Padding = vg.Points(3)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), vg.Points(-8)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	for i, c := range r.Curves {
		points := make(plotter.XYs, len(c.Ratio))
		for k := range points {
			points[k] = plotter.XY{X: c.Ratio[k], Y: c.PSNR[k]}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		line.Color, dots.Color = drawing.Palette[i%len(drawing.Palette)], drawing.Palette[i%len(drawing.Palette)]
		line.Width, dots.Shape, dots.Radius = vg.Points(1.75), draw.CircleGlyph{}, vg.Points(2.25)
		p.Add(line, dots)
		p.Legend.Add(c.Method, line)
	}
	p.Y.Min, p.Y.Max = 0, experiment.Best+5
	const dpi = 100
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(10*vg.Inch, 6*vg.Inch), vgimg.UseDPI(dpi))}
	p.Draw(draw.Crop(draw.New(c), vg.Points(6), vg.Points(-18), vg.Points(6), vg.Points(-6)))
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}
