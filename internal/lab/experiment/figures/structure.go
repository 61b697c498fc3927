package figures

import (
	"fmt"
	"image/color"

	"ditas/internal/lab/experiment/drawing"

	"gonum.org/v1/plot/vg"
)

// Boxes of the structure figure: hiding networks are white, revealing networks are grey.
const (
	boxWidth, boxHeight = 64.0, 36.0
)

var (
	featurePen  = drawing.Pen{Width: 1.75, Colour: drawing.Palette[1], Dashes: []vg.Length{5, 2.5}}
	boundaryPen = drawing.Pen{Width: 0.75, Colour: color.Gray{120}, Dashes: []vg.Length{1.5, 2.5}}
)

// network draws the box of one.
func network(s *drawing.Sheet, x, y float64, name string) {
	var fill color.Color = color.White
	if name[0] == 'R' {
		fill = color.Gray{215}
	}
	s.Rectangle(x-boxWidth/2, y-boxHeight/2, boxWidth, boxHeight, fill, &drawing.Solid)
	s.Formula(x, y, 16, drawing.Centred, name)
}

// structureFigure draws the stages, the connections of the four variants, and what a connection is.
func structureFigure() *drawing.Figure {
	return &drawing.Figure{Width: 800, Height: 824, Paint: func(s *drawing.Sheet) {
		flow(s)
		for i, v := range []struct {
			name, what   string
			hide, reveal bool
		}{
			{"DITAS-M", "no connections", false, false}, {"DITAS-M-E", "hiding networks", true, false},
			{"DITAS-M-D", "revealing networks", false, true}, {"DITAS-M-ED", "both", true, true},
		} {
			variant(s, 36+190*float64(i), 470, v.name, v.what, v.hide, v.reveal)
		}
		connection(s, 644)
	}}
}

// flow draws what the sender and the receiver do.
func flow(s *drawing.Sheet) {
	const (
		first, distance     = 150.0, 215.0
		reveal              = 108.0 // from a stage's column to the column of its revealing network and its difference
		secrets, hide, file = 62.0, 132.0, 208.0
		under               = 246.0 // where connections of revealing networks pass
		receive, sum, end   = 340.0, 404.0, 770.0
	)
	s.Bold(18, 14, 12, drawing.Left, "(a)  stages")
	s.Rectangle(18, 28, 766, 234, nil, &boundaryPen)
	s.Text(26, 39, 10, drawing.Left, "sender")
	s.Rectangle(18, 302, 766, 134, nil, &boundaryPen)
	s.Text(26, 313, 10, drawing.Left, "receiver")
	s.Text(first+distance/2, 275, 9, drawing.Centred, "a 16-bit file: what happens to it")
	s.Text(first+distance/2, 288, 9, drawing.Centred, "on the way the sender does not know")

	// Connections lie beneath everything else.
	for i := 1.0; i < 3; i++ {
		a, b := first+(i-1)*distance, first+i*distance
		s.Arrow(featurePen, a+boxWidth/2, hide-9, b-boxWidth/2, hide-9)
		s.Arrow(featurePen, a+reveal+14, file+boxHeight/2, a+reveal+14, under, b+reveal-14, under, b+reveal-14, file+boxHeight/2)
		s.Arrow(featurePen, a+boxWidth/2, receive, b-boxWidth/2, receive)
	}
	s.Text(28, secrets, 11, drawing.Left, "secret − ½")
	s.Arrow(drawing.Solid, 92, secrets, first-16, secrets)
	s.Text(54, sum, 12, drawing.Centred, "½")
	s.Arrow(drawing.Solid, 64, sum, first-8, sum)
	for i := 1.0; i <= 3; i++ {
		x := first + (i-1)*distance
		index := fmt.Sprint(i)
		s.Formula(x, secrets, 16, drawing.Centred, "S_"+index)
		s.Arrow(drawing.Solid, x+16, secrets, x+reveal-8, secrets)
		s.Arrow(drawing.Solid, x, secrets+13, x, hide-boxHeight/2)
		s.Formula(x-72, hide+11, 16, drawing.Centred, "T_"+index)
		s.Arrow(drawing.Solid, x-60, hide+11, x-boxWidth/2, hide+11)
		network(s, x, hide, "H_"+index)
		s.Arrow(drawing.Solid, x, hide+boxHeight/2, x, file-14)
		s.Text(x-5, hide+boxHeight/2+20, 8, drawing.Right, "rounded")
		s.Formula(x, file, 16, drawing.Centred, "T~_"+index)
		s.Arrow(drawing.Solid, x+16, file, x+reveal-boxWidth/2, file)
		network(s, x+reveal, file, "R_"+index)
		s.Arrow(drawing.Solid, x+reveal, file-boxHeight/2, x+reveal, secrets+8)
		s.Formula(x+reveal+18, (hide+file)/2-8, 16, drawing.Centred, "S~_"+index)
		s.Knot(x+reveal, secrets, "−")
		next := end
		if i < 3 {
			next = x + distance
		}
		s.Arrow(drawing.Solid, x+reveal+8, secrets, next-18, secrets)
		// The receiver.
		s.Arrow(drawing.Solid, x, file+14, x, receive-boxHeight/2)
		network(s, x, receive, "R_"+index)
		s.Arrow(drawing.Solid, x, receive+boxHeight/2, x, sum-8)
		s.Formula(x+18, (receive+boxHeight/2+sum)/2-4, 16, drawing.Centred, "S~_"+index)
		s.Knot(x, sum, "+")
		if i < 3 {
			s.Arrow(drawing.Solid, x+8, sum, x+distance-8, sum)
		}
	}
	s.Formula(end, secrets, 16, drawing.Centred, "S_4")
	s.Text(end+10, secrets+18, 9, drawing.Right, "never sent")
	s.Arrow(drawing.Solid, first+2*distance+8, sum, end-88, sum)
	s.Text(end-2, sum, 11, drawing.Right, "revealed picture")
	s.Text(first+70, hide-19, 9, drawing.Centred, "-E, -ED")
	s.Text(first+distance+7, under-9, 9, drawing.Left, "-D, -ED")
	s.Text(first+70, receive-10, 9, drawing.Centred, "-D, -ED")
}

// variant draws which connections one has.
func variant(s *drawing.Sheet, x, y float64, name, what string, hide, reveal bool) {
	const step, scale = 60.0, 0.62
	if name == "DITAS-M" {
		s.Bold(18, y-16, 12, drawing.Left, "(b)  variants")
	}
	s.Bold(x+17+step, y+6, 11, drawing.Centred, name)
	s.Text(x+17+step, y+20, 9, drawing.Centred, what)
	top, bottom := y+50, y+118
	box := func(i float64, y float64, letter string) {
		var fill color.Color = color.White
		if letter == "R" {
			fill = color.Gray{215}
		}
		w, h := scale*boxWidth, scale*boxHeight+4
		s.Rectangle(x+17+i*step-w/2, y-h/2, w, h, fill, &drawing.Solid)
		s.Formula(x+17+i*step, y, 13, drawing.Centred, fmt.Sprintf("%s_%g", letter, i+1))
	}
	for i := range 3 {
		at := x + 17 + float64(i)*step
		s.Arrow(drawing.Solid, at, top+14, at, bottom-14)
		s.Formula(at+12, (top+bottom)/2, 12, drawing.Centred, fmt.Sprintf("T~_%d", i+1))
		box(float64(i), top, "H")
		box(float64(i), bottom, "R")
		if i < 2 {
			for _, row := range []struct {
				y    float64
				have bool
			}{{top, hide}, {bottom, reveal}} {
				if row.have {
					s.Arrow(featurePen, at+scale*boxWidth/2, row.y, at+step-scale*boxWidth/2, row.y)
				}
			}
		}
	}
}

// connection draws the layers of two networks that follow one another.
func connection(s *drawing.Sheet, y float64) {
	const first, step, width, height = 150.0, 104.0, 78.0, 30.0
	s.Bold(18, y-16, 12, drawing.Left, "(c)  a connection")
	s.Text(140, y-16, 9.5, drawing.Left, "dashed: features of the stage before, a 1×1 convolution from each hidden layer to the same one, added before the gate")
	names := []string{"3×3, gate", "3×3, gate", "3×3, gate", "3×3, gate", "3×3, gate", "3×3"}
	for row, index := range []string{"i-1", "i"} {
		at := y + 24 + 76*float64(row)
		s.Formula(34, at, 14, drawing.Centred, "H_"+index)
		s.Text(52, at, 10, drawing.Left, "or")
		s.Formula(80, at, 14, drawing.Centred, "R_"+index)
		for i, name := range names {
			x := first + float64(i)*step
			s.Rectangle(x-width/2+14, at-height/2, width, height, color.White, &drawing.Solid)
			s.Text(x+14, at, 9.5, drawing.Centred, name)
			if i > 0 {
				s.Arrow(drawing.Solid, x-step+width/2+14, at, x-width/2+14, at)
			}
			if row == 1 && i > 0 && i < len(names)-1 {
				s.Arrow(featurePen, x+14, at-76+height/2, x+14, at-height/2)
				s.Text(x+19, at-38, 8.5, drawing.Left, "1×1")
			}
		}
		x := first + float64(len(names)-1)*step + 14
		s.Arrow(drawing.Solid, x+width/2, at, x+width/2+22, at)
		s.Arrow(drawing.Solid, 98, at, first-width/2+14, at)
	}
	s.Text(18, y+150, 9.5, drawing.Left, "Gates are computed from which coefficients are free (not drawn). Each hidden layer also keeps its input beside the convolution:")
	s.Formula(18, y+166, 12, drawing.Left, "h ← (h + (3×3(h) + 1×1(h of the stage before)) · gate) / √2")
}
