// Package chart draws how a training run goes, as PNG pictures made from its log.
//
//	records, err := chart.Read(log)
//	err = chart.Loss(w, records)    // what the run minimises
//	err = chart.Quality(w, records) // what came of it on the validation set
package chart

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Record is what is drawn of a line of the log, whichever task wrote it.
type Record struct {
	Step  int         `json:"step"`
	Loss  float64     `json:"loss"`
	Valid Validations `json:"valid"`
}

// Validations are the measurements of one validation: at several strengths or lengths, or just one.
type Validations []Validation

// Validation is one measurement.
type Validation struct {
	Threshold float64 `json:"threshold"` // the strength of hiding, where there is one
	Container float64 `json:"container"` // mean squared error
	Bytes     int     `json:"bytes"`     // the length of a prefix, where there is one
	PSNR      Levels  `json:"psnr"`
	Restored  float64 `json:"restored"` // likewise, of the restorer
}

// Levels are PSNRs in dB after each stage, or just one.
type Levels []float64

// UnmarshalJSON reads one or several.
func (v *Validations) UnmarshalJSON(text []byte) error { return oneOrMore((*[]Validation)(v), text) }

// UnmarshalJSON reads one or several.
func (l *Levels) UnmarshalJSON(text []byte) error { return oneOrMore((*[]float64)(l), text) }

func oneOrMore[T any](all *[]T, text []byte) error {
	if text[0] == '[' || string(text) == "null" {
		return json.Unmarshal(text, all)
	}
	var one T
	err := json.Unmarshal(text, &one)
	*all = []T{one}
	return err
}

// levels are those that a validation has.
func (v Validation) levels() Levels {
	if v.PSNR == nil && v.Restored != 0 {
		return Levels{v.Restored}
	}
	return v.PSNR
}

// name tells validations apart.
func (v Validation) name() string {
	switch {
	case v.Threshold > 0:
		return fmt.Sprintf("threshold %g, container MSE %.2g", v.Threshold, v.Container)
	case v.Bytes > 0:
		return fmt.Sprintf("%d bytes", v.Bytes)
	}
	return fmt.Sprintf("container MSE %.2g", v.Container)
}

// HasQuality tells whether [Quality] has anything to draw.
func HasQuality(records []Record) bool {
	for _, r := range records {
		for _, v := range r.Valid {
			if len(v.levels()) > 0 {
				return true
			}
		}
	}
	return false
}

// Read reads a log as train.Options.Log gets it: one JSON object a line.
func Read(r io.Reader) ([]Record, error) {
	var records []Record
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var rec Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, fmt.Errorf("training log, line %d: %w", n, err)
		}
		records = append(records, rec)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("training log: %w", err)
	}
	return records, nil
}

// Loss draws the loss over the steps, as it was and averaged over neighbouring records.
func Loss(w io.Writer, records []Record) error {
	p := axes("Training loss", "loss")
	var raw, smooth plotter.XYs
	for _, r := range records {
		raw = appendPoint(raw, r.Step, r.Loss)
	}
	// A centred mean does not lag behind, as a running one would.
	reach := max(1, len(raw)/50)
	for i, v := range raw {
		var sum float64
		near := raw[max(0, i-reach):min(len(raw), i+reach+1)]
		for _, n := range near {
			sum += n.Y / float64(len(near))
		}
		smooth = append(smooth, plotter.XY{X: v.X, Y: sum})
	}
	if err := add(p, "in single steps", raw, style{colour: palette[0], faint: true}); err != nil {
		return err
	}
	if err := add(p, fmt.Sprintf("mean of %d", 2*reach+1), smooth, style{colour: palette[0]}); err != nil {
		return err
	}
	p.Legend.XOffs = vg.Points(-8)
	return write(w, p)
}

// Quality draws the PSNR on the validation set over the steps: a colour for every strength of hiding, a solid line for the
// picture and broken ones for what the first stages reveal of it.
func Quality(w io.Writer, records []Record) error {
	p := axes("Revealed pictures of the validation set", "PSNR (dB)")
	var last Validations
	for _, r := range records {
		if len(r.Valid) > 0 {
			last = r.Valid
		}
	}
	for i, v := range last {
		for stage := range v.levels() {
			var points plotter.XYs
			for _, r := range records {
				if i >= len(r.Valid) {
					continue
				}
				if l := r.Valid[i].levels(); stage < len(l) {
					points = appendPoint(points, r.Step, l[stage])
				}
			}
			missing := len(v.levels()) - 1 - stage
			name := ""
			if missing == 0 {
				name = v.name()
			}
			if err := add(p, name, points, style{colour: palette[i%len(palette)], dashes: missing}); err != nil {
				return err
			}
		}
	}
	if len(last) > 0 && len(last[0].levels()) > 1 {
		p.Legend.Add("broken: after fewer stages")
	}
	p.Legend.Left = true
	p.Legend.XOffs = vg.Points(8)
	return write(w, p)
}

// palette is that of Okabe and Ito, which the colour-blind can tell apart.
var palette = []color.NRGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {230, 159, 0, 255}, {86, 180, 233, 255},
}

func axes(title, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = "step"
	p.Y.Label.Text = y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(4)
		a.Tick.Marker = ticks{}
		sans(&a.Label.TextStyle, 12)
		sans(&a.Tick.Label, 10)
	}
	sans(&p.Title.TextStyle, 14)
	sans(&p.Legend.TextStyle, 10)
	p.Legend.Padding = vg.Points(3)
	p.Legend.Top = true
	p.Legend.YOffs = vg.Points(-8)
	grid := plotter.NewGrid()
	grid.Horizontal.Color = color.Gray{225}
	grid.Vertical.Color = color.Gray{225}
	p.Add(grid)
	return p
}

func sans(t *text.Style, size vg.Length) {
	t.Font.Variant = "Sans"
	t.Font.Size = size
}

// ticks labels an axis at multiples of 1, 2 or 5 times a power of ten, up to ten of them.
type ticks struct{}

func (ticks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/10)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(m*step) <= 10 {
			step *= m
			break
		}
	}
	var all []plot.Tick
	for i := math.Ceil(low / step); i*step <= high && len(all) < 12; i++ {
		all = append(all, plot.Tick{Value: i * step, Label: strconv.FormatFloat(i*step, 'g', 6, 64)})
	}
	return all
}

// limit bounds what is drawn: beyond it no axis can be labelled.
const limit = 1e9

func appendPoint(points plotter.XYs, step int, y float64) plotter.XYs {
	if math.IsNaN(y) || math.Abs(y) > limit || step < 0 || step > limit {
		return points
	}
	return append(points, plotter.XY{X: float64(step), Y: y})
}

type style struct {
	colour color.NRGBA
	faint  bool
	dashes int // 0 for a solid line; the larger, the shorter the dashes
}

// add adds a line, and its entry in the legend if it has a name.
func add(p *plot.Plot, name string, points plotter.XYs, s style) error {
	if len(points) == 0 {
		return nil
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	line.Color = s.colour
	line.Width = vg.Points(1.75)
	if s.faint {
		faint := s.colour
		faint.A = 90
		line.Color = faint
		line.Width = vg.Points(0.75)
	}
	if s.dashes > 0 {
		line.Width = vg.Points(1)
		line.Dashes = []vg.Length{vg.Points(8 / float64(s.dashes)), vg.Points(3)}
	}
	p.Add(line)
	if len(points) == 1 {
		dot, err := plotter.NewScatter(points)
		if err != nil {
			return fmt.Errorf("chart: %w", err)
		}
		dot.Color, dot.Shape = line.Color, draw.CircleGlyph{}
		p.Add(dot)
	}
	if name != "" {
		p.Legend.Add(name, line)
	}
	return nil
}

// write draws p as a PNG of 1000×600 pixels.
func write(w io.Writer, p *plot.Plot) error {
	const dpi = 100
	p.X.Min = min(p.X.Min, 0)
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(10*vg.Inch, 6*vg.Inch), vgimg.UseDPI(dpi))}
	p.Draw(draw.Crop(draw.New(c), vg.Points(6), vg.Points(-18), vg.Points(6), vg.Points(-6)))
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	return nil
}
