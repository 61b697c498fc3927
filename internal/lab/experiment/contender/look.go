package contender

import (
	"image/color"

	"gonum.org/v1/plot/vg/draw"

	"ditas/internal/lab/experiment/drawing"
)

// looks are how methods are drawn in all figures.
var looks = map[string]drawing.Look{
	"lattice":                   {Colour: color.NRGBA{0, 0, 0, 255}, Glyph: draw.CircleGlyph{}},
	"linear map, 3 stages":      {Colour: drawing.Palette[5], Glyph: draw.TriangleGlyph{}, Dashes: drawing.Dashed},
	"digits, 3 levels":          {Colour: drawing.Palette[2], Glyph: draw.BoxGlyph{}, Dashes: drawing.Mixed},
	"JPEG in the 2 lowest bits": {Colour: drawing.Palette[6], Glyph: draw.CrossGlyph{}, Dashes: drawing.Dotted},
	"deep-steg":                 {Colour: drawing.Palette[1], Glyph: draw.PlusGlyph{}, Dashes: drawing.Dotted},
	"kreuk":                     {Colour: drawing.Palette[4], Glyph: drawing.Star{}, Dashes: drawing.Mixed},
	"ditas-s":                   {Colour: drawing.Palette[3], Glyph: draw.SquareGlyph{}, Dashes: drawing.Dashed},
	"ditas-m":                   {Colour: drawing.Palette[2], Glyph: draw.RingGlyph{}},
	"ditas-m-e":                 {Colour: drawing.Palette[6], Glyph: drawing.Diamond{}, Dashes: drawing.Dashed},
	"ditas-m-d":                 {Colour: drawing.Palette[5], Glyph: draw.PyramidGlyph{}, Dashes: drawing.Mixed},
	"ditas-m-ed":                {Colour: drawing.Palette[0], Glyph: drawing.Diamond{Filled: true}},
}

// LookOf returns how a method is drawn at the common strength, or, if it is JPEG files, at its own.
func LookOf(name string) (look drawing.Look, ok bool) {
	look, ok = looks[name]
	return look, ok
}
