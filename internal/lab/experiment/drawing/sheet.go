// Package drawing is what the pages of experiments draw their figures with: a sheet for lines, text, formulas and pictures, charts to put on
// it, and looks that tell methods apart, by their colour and without it.
//
//	f := &drawing.Figure{Width: 360, Height: 260, Paint: func(s *drawing.Sheet) {
//		p := drawing.Chart("title", "stages", "PSNR (dB)")
//		drawing.Trace(p, "mean", drawing.Looks[0], points, true)
//		s.Chart(p, 8, 8, 344, 244)
//	}}
//	err := f.PNG(w)
package drawing

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"ditas/picture"
)

// Figure is painted on a sheet of a size in points, 1/72 of an inch.
type Figure struct {
	Width, Height float64
	Paint         func(s *Sheet)
}

// DotsPerPoint makes PNG files of 144 dots an inch, where coordinates that are multiples of ½ are whole dots.
const DotsPerPoint = 2

// PNG writes the figure as a PNG file.
func (f *Figure) PNG(w io.Writer) error {
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(vg.Length(f.Width), vg.Length(f.Height)), vgimg.UseDPI(72*DotsPerPoint))}
	return f.write(w, c)
}

// SVG writes the figure as an SVG file, whose text is set in Liberation or in what the reader has of the same widths.
func (f *Figure) SVG(w io.Writer) error {
	var b bytes.Buffer
	if err := f.write(&b, vgsvg.New(vg.Length(f.Width), vg.Length(f.Height))); err != nil {
		return err
	}
	_, err := strings.NewReplacer(
		"font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;",
		"font-family:Liberation Serif;", "font-family:Liberation Serif,Times New Roman,Times,serif;",
	).WriteString(w, b.String())
	return err
}

func (f *Figure) write(w io.Writer, c vg.CanvasWriterTo) error {
	s := &Sheet{canvas: draw.NewCanvas(c, vg.Length(f.Width), vg.Length(f.Height)), height: f.Height}
	s.Rectangle(0, 0, f.Width, f.Height, color.White, nil)
	f.Paint(s)
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// Sheet is what a figure is painted on. Coordinates are points from the upper left, y going down.
type Sheet struct {
	canvas draw.Canvas
	height float64
}

// Pen draws lines.
type Pen struct {
	Width  float64 // points
	Colour color.Color
	Dashes []vg.Length
}

// Pens that most lines are drawn with.
var (
	Thin  = Pen{0.75, color.Black, nil}
	Solid = Pen{1.25, color.Black, nil}
)

func (s *Sheet) point(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: vg.Length(s.height - y)}
}

// Line draws a line through points x, y, x, y …
func (s *Sheet) Line(p Pen, xy ...float64) {
	var points []vg.Point
	for i := 0; i < len(xy); i += 2 {
		points = append(points, s.point(xy[i], xy[i+1]))
	}
	s.canvas.StrokeLines(draw.LineStyle{Color: p.Colour, Width: vg.Length(p.Width), Dashes: p.Dashes}, points)
}

// Arrow is a line with a head at its end.
func (s *Sheet) Arrow(p Pen, xy ...float64) {
	const length, half = 7, 3
	n := len(xy)
	x, y := xy[n-2], xy[n-1]
	dx, dy := x-xy[n-4], y-xy[n-3]
	d := math.Hypot(dx, dy)
	dx, dy = dx/d, dy/d
	shaft := append(append([]float64{}, xy[:n-2]...), x-0.8*length*dx, y-0.8*length*dy)
	s.Line(p, shaft...)
	s.canvas.FillPolygon(p.Colour, []vg.Point{
		s.point(x, y), s.point(x-length*dx-half*dy, y-length*dy+half*dx), s.point(x-length*dx+half*dy, y-length*dy-half*dx),
	})
}

// Rectangle draws one of a width and a height, filled unless fill is nil, and with an outline unless p is nil.
func (s *Sheet) Rectangle(x, y, width, height float64, fill color.Color, p *Pen) {
	if fill != nil {
		s.canvas.FillPolygon(fill, []vg.Point{s.point(x, y), s.point(x+width, y), s.point(x+width, y+height), s.point(x, y+height)})
	}
	if p != nil {
		s.Line(*p, x, y, x+width, y, x+width, y+height, x, y+height, x, y)
	}
}

// Hatch fills a rectangle with slanted lines.
func (s *Sheet) Hatch(x, y, width, height float64) {
	const distance = 7
	grey := Pen{0.5, color.Gray{150}, nil}
	for a := distance / 2.0; a < width+height; a += distance {
		from, to := max(0, a-height), min(width, a)
		s.Line(grey, x+from, y+a-from, x+to, y+a-to)
	}
}

// Knot is a circle with an operation in it: "+" or "−".
func (s *Sheet) Knot(x, y float64, operation string) {
	const r = 8
	var around []float64
	for i := range 33 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / 32)
		around = append(around, x+r*cos, y+r*sin)
	}
	var points []vg.Point
	for i := 0; i < len(around); i += 2 {
		points = append(points, s.point(around[i], around[i+1]))
	}
	s.canvas.FillPolygon(color.White, points)
	s.Line(Solid, around...)
	s.Line(Solid, x-4, y, x+4, y)
	if operation == "+" {
		s.Line(Solid, x, y-4, x, y+4)
	}
}

// Left, Centred and Right say where text lies with respect to its point: they are what is added to its x, in widths of the text.
const (
	Left    = 0
	Centred = -0.5
	Right   = -1
)

func letters(variant font.Variant, size float64) text.Style {
	return text.Style{
		Color: color.Black, Font: font.Font{Typeface: "Liberation", Variant: variant, Size: vg.Length(size)}, Handler: plot.DefaultTextHandler,
	}
}

// Text writes one line of text, its middle at the height y.
func (s *Sheet) Text(x, y, size, align float64, str string) {
	s.write(letters("Sans", size), x, y, align, str)
}

// Bold is text in bold type.
func (s *Sheet) Bold(x, y, size, align float64, str string) {
	t := letters("Sans", size)
	t.Font.Weight = xfont.WeightBold
	s.write(t, x, y, align, str)
}

// Upward writes text that goes up, centred.
func (s *Sheet) Upward(x, y, size float64, str string) {
	t := letters("Sans", size)
	t.Rotation, t.XAlign, t.YAlign = math.Pi/2, Centred, Centred
	s.canvas.FillText(t, s.point(x, y), str)
}

// baseline is how far below the middle of capitals the line lies that they stand on, as a share of the font's size.
const baseline = 0.35

func (s *Sheet) write(t text.Style, x, y, align float64, str string) {
	x += align * float64(t.Width(str))
	face := t.Handler.Cache().Lookup(t.Font, t.Font.Size)
	s.canvas.SetColor(t.Color)
	s.canvas.FillString(face, s.point(x, y+baseline*float64(t.Font.Size)), str)
}

// Formula writes symbols as the paper does: of "S~_1" a slanted S with a tilde above it and an index. Capitals are symbols, other
// characters are text.
func (s *Sheet) Formula(x, y, size, align float64, str string) {
	width := s.set(0, 0, size, str, false)
	s.set(x+align*width, y, size, str, true)
}

// set writes a formula, or only measures it, and returns its width.
func (s *Sheet) set(x, y, size float64, str string, visible bool) float64 {
	start := x
	put := func(t text.Style, dy float64, str string) float64 {
		if visible {
			s.write(t, x, y+dy, Left, str)
		}
		w := float64(t.Width(str))
		x += w
		return w
	}
	for len(str) > 0 {
		r := rune(str[0])
		if !unicode.IsUpper(r) {
			n := strings.IndexFunc(str, unicode.IsUpper)
			if n < 0 {
				n = len(str)
			}
			put(letters("Serif", size), 0, str[:n])
			str = str[n:]
			continue
		}
		slanted := letters("Serif", size)
		slanted.Font.Style = xfont.StyleItalic
		w := put(slanted, 0, str[:1])
		str = str[1:]
		if strings.HasPrefix(str, "~") {
			str = str[1:]
			if visible {
				s.tilde(x-0.38*w, y-0.47*size, 0.42*size)
			}
		}
		if strings.HasPrefix(str, "_") {
			n := 1
			for n < len(str) && (unicode.IsLower(rune(str[n])) || unicode.IsDigit(rune(str[n])) || strings.ContainsRune("+-", rune(str[n]))) {
				n++
			}
			put(letters("Serif", 0.7*size), 0.28*size, strings.ReplaceAll(str[1:n], "-", "−"))
			str = str[n:]
		}
	}
	return x - start
}

// tilde draws one of a width around a point.
func (s *Sheet) tilde(x, y, width float64) {
	var wave []float64
	for i := range 17 {
		t := float64(i)/16 - 0.5
		wave = append(wave, x+t*width, y+0.14*width*math.Sin(2*math.Pi*t))
	}
	s.Line(Pen{0.18 * width, color.Black, nil}, wave...)
}

// Image draws an image of a whole number of dots, at a place that is a whole number of dots, and returns its size in points.
func (s *Sheet) Image(x, y float64, m image.Image) (width, height float64) {
	width, height = float64(m.Bounds().Dx())/DotsPerPoint, float64(m.Bounds().Dy())/DotsPerPoint
	s.canvas.DrawImage(vg.Rectangle{Min: s.point(x, y+height), Max: s.point(x+width, y)}, m)
	return width, height
}

// Pixels returns a picture with every pixel as a square of dots×dots.
func Pixels(p *picture.Planes, dots int) image.Image {
	src := p.Image()
	m := image.NewRGBA(image.Rect(0, 0, dots*p.Width, dots*p.Height))
	for y := range m.Rect.Max.Y {
		for x := range m.Rect.Max.X {
			m.SetRGBA(x, y, src.RGBAAt(x/dots, y/dots))
		}
	}
	return m
}

// Framed draws a picture with an outline.
func (s *Sheet) Framed(x, y float64, m image.Image) {
	w, h := s.Image(x, y, m)
	s.Rectangle(x, y, w, h, nil, &Pen{0.5, color.Black, nil})
}
