package compare

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"ditas/picture"
)

// Figure formats.
const (
	PNG = "png"
	SVG = "svg"
)

// write draws plots, a row of them each, as a PNG or SVG file of a size in points, 1/72 of an inch.
func write(w io.Writer, format string, plots [][]*plot.Plot, width, height vg.Length) error {
	var c interface {
		vg.CanvasSizer
		io.WriterTo
	}
	switch format {
	case PNG:
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144))}
	case SVG:
		c = vgsvg.New(width, height)
	default:
		return fmt.Errorf("figure: format %q is unknown: want %s or %s", format, PNG, SVG)
	}
	tiles := draw.Tiles{
		Rows: len(plots), Cols: len(plots[0]), PadX: 14, PadY: 12,
		PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 16,
	}
	canvas := draw.New(c)
	for row, list := range plot.Align(plots, tiles, canvas) {
		for column, part := range list {
			plots[row][column].Draw(part)
		}
	}
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// panel returns a plot with a title.
func panel(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(4)
	sans(&p.Title.TextStyle, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(3)
		a.Padding = 0
		sans(&a.Label.TextStyle, 10)
		sans(&a.Tick.Label, 9)
	}
	return p
}

func sans(t *text.Style, size vg.Length) {
	t.Font.Variant = "Sans"
	t.Font.Size = size
}

// spectrogramHeight is in dots, one for each frequency.
const spectrogramHeight = 257

// Figure draws the spectrograms of the two recordings, called by these names, and of their difference, and the noise-to-mask
// ratio over time. It takes [Options].Figure.
func (r *RecordingReport) Figure(w io.Writer, format, a, b string) error {
	if r.panels == nil {
		return errors.New("figure: the recordings were compared without Options.Figure")
	}
	var plots [][]*plot.Plot
	for i, title := range []string{a, b, "difference"} {
		p := panel(title)
		p.Y.Label.Text = "kHz"
		p.Add(plotter.NewImage(r.panels[i].Image(spectrogramHeight), 0, 0, r.Seconds, float64(r.Format.Rate)/2000))
		plots = append(plots, []*plot.Plot{p})
	}
	title := "noise-to-mask ratio: below 0 dB the change is masked"
	if r.NoNumbers > 0 {
		title = "noise-to-mask ratio: none, as there are samples that are no numbers"
	}
	p := panel(title)
	p.Y.Label.Text = "dB"
	p.X.Label.Text = "seconds"
	points := r.worst()
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	line.Color, line.Width = color.NRGBA{0, 114, 178, 255}, vg.Points(0.75)
	limit, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: r.Seconds, Y: 0}})
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	limit.Color, limit.Dashes = color.NRGBA{213, 94, 0, 255}, []vg.Length{4, 3}
	if r.NoNumbers == 0 {
		p.Add(line)
	}
	p.Add(limit)
	p.X.Min, p.X.Max = 0, max(r.Seconds, 1e-3)
	p.Y.Min, p.Y.Max = lowestRatio, 10
	for _, v := range points {
		p.Y.Max = max(p.Y.Max, v.Y+2)
	}
	plots = append(plots, []*plot.Plot{p})
	return write(w, format, plots, 9*vg.Inch, 10*vg.Inch)
}

// lowestRatio is that which is drawn, in dB, also where there is no difference.
const lowestRatio = -40

// worst returns the largest noise-to-mask ratio over the channels for each dot of time.
func (r *RecordingReport) worst() plotter.XYs {
	length := 0
	for _, m := range r.moments {
		length = max(length, len(m))
	}
	points := make(plotter.XYs, max(1, min(length, plotWidth)))
	for i := range points {
		points[i] = plotter.XY{X: (float64(i) + 0.5) / float64(len(points)) * r.Seconds, Y: lowestRatio}
	}
	for _, moments := range r.moments {
		for i, m := range moments {
			p := &points[i*len(points)/len(moments)]
			p.Y = max(p.Y, m.Mean)
		}
	}
	return points
}

// Figure draws the two pictures, called by these names, and their difference, with grey where they are equal.
func (r *PictureReport) Figure(w io.Writer, format, a, b string) error {
	difference, gain := r.Difference()
	// As large as they are, up to what a page takes; 144 dots are an inch. What is much longer than wide, or wider than long, is drawn
	// as less so.
	width := min(max(float64(r.Width)/2, 140), 320)
	height := min(max(width*float64(r.Height)/float64(r.Width), 20), 640)
	var row []*plot.Plot
	for i, p := range []*picture.Planes{r.a, r.b, difference} {
		title := []string{a, b, fmt.Sprintf("difference × %g", gain)}[i]
		q := panel(title)
		q.HideAxes()
		q.Add(plotter.NewImage(enlarged(p), 0, 0, float64(r.Width), float64(r.Height)))
		row = append(row, q)
	}
	return write(w, format, [][]*plot.Plot{row}, vg.Length(3*width+2*14+24), vg.Length(height+36))
}

// enlarged returns a picture whose pixels are large enough to be seen, as they are.
func enlarged(p *picture.Planes) image.Image {
	m := p.Image()
	const least = 280
	scale := (least + max(p.Width, p.Height) - 1) / max(p.Width, p.Height)
	large := image.NewRGBA(image.Rect(0, 0, scale*p.Width, scale*p.Height))
	for y := range large.Rect.Max.Y {
		for x := range large.Rect.Max.X {
			large.SetRGBA(x, y, m.RGBAAt(x/scale, y/scale))
		}
	}
	return large
}

// Difference returns the second picture less the first, times a power of two so that it can be seen, on mid-grey.
func (r *PictureReport) Difference() (p *picture.Planes, gain float64) {
	var largest float64
	for c, plane := range r.a.Pix {
		for i, v := range plane {
			largest = max(largest, math.Abs(float64(r.b.Pix[c][i]-v)))
		}
	}
	gain = 1
	for gain < 128 && largest > 0 && 2*gain*largest <= 0.5 {
		gain *= 2
	}
	p = picture.New(r.Width, r.Height)
	for c, plane := range r.a.Pix {
		for i, v := range plane {
			p.Pix[c][i] = max(0, min(1, 0.5+float32(gain)*(r.b.Pix[c][i]-v)))
		}
	}
	return p, gain
}
