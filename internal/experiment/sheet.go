package experiment

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

// drawing is a figure that is painted on a sheet of a size in points, 1/72 of an inch.
type drawing struct {
	width, height float64
	paint         func(s *sheet)
}

// dotsPerPoint makes PNG files of 144 dots an inch, where coordinates that are multiples of ½ are whole dots.
const dotsPerPoint = 2

// PNG writes the drawing as a PNG file.
func (d *drawing) PNG(w io.Writer) error {
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(vg.Length(d.width), vg.Length(d.height)), vgimg.UseDPI(72*dotsPerPoint))}
	return d.write(w, c)
}

// SVG writes the drawing as an SVG file, whose text is set in Liberation or in what the reader has of the same widths.
func (d *drawing) SVG(w io.Writer) error {
	var b bytes.Buffer
	if err := d.write(&b, vgsvg.New(vg.Length(d.width), vg.Length(d.height))); err != nil {
		return err
	}
	_, err := strings.NewReplacer(
		"font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;",
		"font-family:Liberation Serif;", "font-family:Liberation Serif,Times New Roman,Times,serif;",
	).WriteString(w, b.String())
	return err
}

func (d *drawing) write(w io.Writer, c vg.CanvasWriterTo) error {
	s := &sheet{canvas: draw.NewCanvas(c, vg.Length(d.width), vg.Length(d.height)), height: d.height}
	s.rectangle(0, 0, d.width, d.height, color.White, nil)
	d.paint(s)
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// sheet is what a drawing is painted on. Coordinates are points from the upper left, y going down.
type sheet struct {
	canvas draw.Canvas
	height float64
}

// pen draws lines.
type pen struct {
	width  float64 // points
	colour color.Color
	dashes []vg.Length
}

var (
	thinPen     = pen{0.75, color.Black, nil}
	solidPen    = pen{1.25, color.Black, nil}
	featurePen  = pen{1.75, palette[1], []vg.Length{5, 2.5}}
	boundaryPen = pen{0.75, color.Gray{120}, []vg.Length{1.5, 2.5}}
)

func (s *sheet) point(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: vg.Length(s.height - y)}
}

// line draws a line through points x, y, x, y …
func (s *sheet) line(p pen, xy ...float64) {
	var points []vg.Point
	for i := 0; i < len(xy); i += 2 {
		points = append(points, s.point(xy[i], xy[i+1]))
	}
	s.canvas.StrokeLines(draw.LineStyle{Color: p.colour, Width: vg.Length(p.width), Dashes: p.dashes}, points)
}

// arrow is a line with a head at its end.
func (s *sheet) arrow(p pen, xy ...float64) {
	const length, half = 7, 3
	n := len(xy)
	x, y := xy[n-2], xy[n-1]
	dx, dy := x-xy[n-4], y-xy[n-3]
	d := math.Hypot(dx, dy)
	dx, dy = dx/d, dy/d
	shaft := append(append([]float64{}, xy[:n-2]...), x-0.8*length*dx, y-0.8*length*dy)
	s.line(p, shaft...)
	s.canvas.FillPolygon(p.colour, []vg.Point{
		s.point(x, y), s.point(x-length*dx-half*dy, y-length*dy+half*dx), s.point(x-length*dx+half*dy, y-length*dy-half*dx),
	})
}

// rectangle draws one of a width and a height, filled unless fill is nil, and with an outline unless p is nil.
func (s *sheet) rectangle(x, y, width, height float64, fill color.Color, p *pen) {
	if fill != nil {
		s.canvas.FillPolygon(fill, []vg.Point{s.point(x, y), s.point(x+width, y), s.point(x+width, y+height), s.point(x, y+height)})
	}
	if p != nil {
		s.line(*p, x, y, x+width, y, x+width, y+height, x, y+height, x, y)
	}
}

// hatch fills a rectangle with slanted lines.
func (s *sheet) hatch(x, y, width, height float64) {
	const distance = 7
	grey := pen{0.5, color.Gray{150}, nil}
	for a := distance / 2.0; a < width+height; a += distance {
		from, to := max(0, a-height), min(width, a)
		s.line(grey, x+from, y+a-from, x+to, y+a-to)
	}
}

// knot is a circle with an operation in it: "+" or "−".
func (s *sheet) knot(x, y float64, operation string) {
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
	s.line(solidPen, around...)
	s.line(solidPen, x-4, y, x+4, y)
	if operation == "+" {
		s.line(solidPen, x, y-4, x, y+4)
	}
}

// Where text lies with respect to its point.
const (
	flushLeft  = 0
	centred    = -0.5
	flushRight = -1
)

func letters(variant font.Variant, size float64) text.Style {
	return text.Style{
		Color: color.Black, Font: font.Font{Typeface: "Liberation", Variant: variant, Size: vg.Length(size)}, Handler: plot.DefaultTextHandler,
	}
}

// text writes one line of text, its middle at the height y.
func (s *sheet) text(x, y, size, align float64, str string) {
	s.write(letters("Sans", size), x, y, align, str)
}

// bold is text in bold type.
func (s *sheet) bold(x, y, size, align float64, str string) {
	t := letters("Sans", size)
	t.Font.Weight = xfont.WeightBold
	s.write(t, x, y, align, str)
}

// upward writes text that goes up, centred.
func (s *sheet) upward(x, y, size float64, str string) {
	t := letters("Sans", size)
	t.Rotation, t.XAlign, t.YAlign = math.Pi/2, centred, centred
	s.canvas.FillText(t, s.point(x, y), str)
}

// baseline is how far below the middle of capitals the line lies that they stand on, as a share of the font's size.
const baseline = 0.35

func (s *sheet) write(t text.Style, x, y, align float64, str string) {
	x += align * float64(t.Width(str))
	face := t.Handler.Cache().Lookup(t.Font, t.Font.Size)
	s.canvas.SetColor(t.Color)
	s.canvas.FillString(face, s.point(x, y+baseline*float64(t.Font.Size)), str)
}

// formula writes symbols as the paper does: of "S~_1" a slanted S with a tilde above it and an index. Capitals are symbols, other
// characters are text.
func (s *sheet) formula(x, y, size, align float64, str string) {
	width := s.set(0, 0, size, str, false)
	s.set(x+align*width, y, size, str, true)
}

// set writes a formula, or only measures it, and returns its width.
func (s *sheet) set(x, y, size float64, str string, visible bool) float64 {
	start := x
	put := func(t text.Style, dy float64, str string) float64 {
		if visible {
			s.write(t, x, y+dy, flushLeft, str)
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
func (s *sheet) tilde(x, y, width float64) {
	var wave []float64
	for i := range 17 {
		t := float64(i)/16 - 0.5
		wave = append(wave, x+t*width, y+0.14*width*math.Sin(2*math.Pi*t))
	}
	s.line(pen{0.18 * width, color.Black, nil}, wave...)
}

// image draws one of a whole number of dots, at a place that is a whole number of dots.
func (s *sheet) image(x, y float64, m image.Image) (width, height float64) {
	width, height = float64(m.Bounds().Dx())/dotsPerPoint, float64(m.Bounds().Dy())/dotsPerPoint
	s.canvas.DrawImage(vg.Rectangle{Min: s.point(x, y+height), Max: s.point(x+width, y)}, m)
	return width, height
}

// pixels returns a picture with every pixel as a square of so many dots.
func pixels(p *picture.Planes, dots int) image.Image {
	src := p.Image()
	m := image.NewRGBA(image.Rect(0, 0, dots*p.Width, dots*p.Height))
	for y := range m.Rect.Max.Y {
		for x := range m.Rect.Max.X {
			m.SetRGBA(x, y, src.RGBAAt(x/dots, y/dots))
		}
	}
	return m
}

// framed draws a picture with an outline.
func (s *sheet) framed(x, y float64, m image.Image) {
	w, h := s.image(x, y, m)
	s.rectangle(x, y, w, h, nil, &pen{0.5, color.Black, nil})
}

// around returns values around 0, planar RGB, as a picture around mid-grey in which they are so many times as large.
func around(values []float64, gain float64) *picture.Planes {
	p := picture.New(Side, Side)
	for c, plane := range p.Pix {
		for i := range plane {
			plane[i] = float32(max(0, min(1, 0.5+gain*values[c*len(plane)+i])))
		}
	}
	return p
}

// difference returns revealed − secret, planar RGB.
func difference(secret, revealed *picture.Planes) []float64 {
	var d []float64
	for c, plane := range secret.Pix {
		for i, v := range plane {
			d = append(d, float64(revealed.Pix[c][i])-float64(v))
		}
	}
	return d
}

// amplification returns the power of two, at least 1, by which values can be multiplied so that 99 % of them stay within ±½.
func amplification(values []float64) float64 {
	limit := 0.5 / max(quantile(values, 0.99), 1e-12)
	return math.Pow(2, max(0, min(30, math.Floor(math.Log2(limit)))))
}
