package drawing

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Palette is the one by Okabe and Ito, whose colours the colour-blind can tell apart.
var Palette = []color.NRGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {230, 159, 0, 255}, {86, 180, 233, 255}, {90, 90, 90, 255},
}

// Look is how a line and its points are drawn.
type Look struct {
	Colour color.Color
	Dashes []vg.Length
	Glyph  draw.GlyphDrawer
}

// Looks are told apart without colour too.
var Looks = []Look{
	{color.Black, nil, draw.CircleGlyph{}},
	{Palette[1], []vg.Length{6, 2}, draw.SquareGlyph{}},
	{Palette[0], []vg.Length{2, 2}, draw.TriangleGlyph{}},
	{Palette[2], []vg.Length{6, 2, 1.5, 2}, draw.BoxGlyph{}},
	{Palette[3], []vg.Length{9, 3}, draw.PyramidGlyph{}},
	{Palette[6], []vg.Length{1, 2}, draw.RingGlyph{}},
	{color.Gray{110}, []vg.Length{3, 1.5}, draw.CrossGlyph{}},
}

// Kinds of dashes.
var (
	Dashed = []vg.Length{vg.Points(6), vg.Points(3)}
	Dotted = []vg.Length{vg.Points(1.5), vg.Points(2.5)}
	Mixed  = []vg.Length{vg.Points(7), vg.Points(2.5), vg.Points(1.5), vg.Points(2.5)}
)

// Star is an asterisk.
type Star struct{}

func (Star) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	draw.PlusGlyph{}.DrawGlyph(c, style, at)
	draw.CrossGlyph{}.DrawGlyph(c, style, at)
}

// Diamond is a square on its corner.
type Diamond struct{ Filled bool }

func (d Diamond) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var p vg.Path
	r := 1.3 * style.Radius
	p.Move(vg.Point{X: at.X, Y: at.Y + r})
	p.Line(vg.Point{X: at.X + r, Y: at.Y})
	p.Line(vg.Point{X: at.X, Y: at.Y - r})
	p.Line(vg.Point{X: at.X - r, Y: at.Y})
	p.Close()
	c.SetColor(style.Color)
	if d.Filled {
		c.Fill(p)
		return
	}
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: vg.Points(0.75)})
	c.Stroke(p)
}

// Wedge is a triangle on its tip.
type Wedge struct{ Filled bool }

func (g Wedge) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var p vg.Path
	r := 1.2 * style.Radius
	p.Move(vg.Point{X: at.X - r, Y: at.Y + 0.7*r})
	p.Line(vg.Point{X: at.X + r, Y: at.Y + 0.7*r})
	p.Line(vg.Point{X: at.X, Y: at.Y - r})
	p.Close()
	c.SetColor(style.Color)
	if g.Filled {
		c.Fill(p)
		return
	}
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: vg.Points(0.75)})
	c.Stroke(p)
}

// Hyphen is a short line.
type Hyphen struct{}

func (Hyphen) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: at.X - 1.4*style.Radius, Y: at.Y})
	p.Line(vg.Point{X: at.X + 1.4*style.Radius, Y: at.Y})
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: vg.Points(2)})
	c.Stroke(p)
}
