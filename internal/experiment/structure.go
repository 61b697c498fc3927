package experiment

import (
	"fmt"
	"image/color"
)

// Boxes of the structure figure: hiding networks are white, revealing networks are grey.
const (
	boxWidth, boxHeight = 64.0, 36.0
)

func (s *sheet) network(x, y float64, name string) {
	var fill color.Color = color.White
	if name[0] == 'R' {
		fill = color.Gray{215}
	}
	s.rectangle(x-boxWidth/2, y-boxHeight/2, boxWidth, boxHeight, fill, &solidPen)
	s.formula(x, y, 16, centred, name)
}

// structureFigure draws the stages, the connections of the four variants, and what a connection is.
func structureFigure() *drawing {
	return &drawing{width: 800, height: 824, paint: func(s *sheet) {
		s.flow()
		for i, v := range []struct {
			name, what   string
			hide, reveal bool
		}{
			{"DITAS-M", "no connections", false, false}, {"DITAS-M-E", "hiding networks", true, false},
			{"DITAS-M-D", "revealing networks", false, true}, {"DITAS-M-ED", "both", true, true},
		} {
			s.variant(36+190*float64(i), 470, v.name, v.what, v.hide, v.reveal)
		}
		s.connection(644)
	}}
}

// flow draws what the sender and the receiver do.
func (s *sheet) flow() {
	const (
		first, distance     = 150.0, 215.0
		reveal              = 108.0 // from a stage's column to that of its revealing network and its difference
		secrets, hide, file = 62.0, 132.0, 208.0
		under               = 246.0 // where connections of revealing networks pass
		receive, sum, end   = 340.0, 404.0, 770.0
	)
	s.bold(18, 14, 12, flushLeft, "(a)  stages")
	s.rectangle(18, 28, 766, 234, nil, &boundaryPen)
	s.text(26, 39, 10, flushLeft, "sender")
	s.rectangle(18, 302, 766, 134, nil, &boundaryPen)
	s.text(26, 313, 10, flushLeft, "receiver")
	s.text(first+distance/2, 275, 9, centred, "a 16-bit file: what happens to it")
	s.text(first+distance/2, 288, 9, centred, "on the way the sender does not know")

	// Connections lie beneath everything else.
	for i := 1.0; i < 3; i++ {
		a, b := first+(i-1)*distance, first+i*distance
		s.arrow(featurePen, a+boxWidth/2, hide-9, b-boxWidth/2, hide-9)
		s.arrow(featurePen, a+reveal+14, file+boxHeight/2, a+reveal+14, under, b+reveal-14, under, b+reveal-14, file+boxHeight/2)
		s.arrow(featurePen, a+boxWidth/2, receive, b-boxWidth/2, receive)
	}
	s.text(28, secrets, 11, flushLeft, "secret − ½")
	s.arrow(solidPen, 92, secrets, first-16, secrets)
	s.text(54, sum, 12, centred, "½")
	s.arrow(solidPen, 64, sum, first-8, sum)
	for i := 1.0; i <= 3; i++ {
		x := first + (i-1)*distance
		index := fmt.Sprint(i)
		s.formula(x, secrets, 16, centred, "S_"+index)
		s.arrow(solidPen, x+16, secrets, x+reveal-8, secrets)
		s.arrow(solidPen, x, secrets+13, x, hide-boxHeight/2)
		s.formula(x-72, hide+11, 16, centred, "T_"+index)
		s.arrow(solidPen, x-60, hide+11, x-boxWidth/2, hide+11)
		s.network(x, hide, "H_"+index)
		s.arrow(solidPen, x, hide+boxHeight/2, x, file-14)
		s.text(x-5, hide+boxHeight/2+20, 8, flushRight, "rounded")
		s.formula(x, file, 16, centred, "T~_"+index)
		s.arrow(solidPen, x+16, file, x+reveal-boxWidth/2, file)
		s.network(x+reveal, file, "R_"+index)
		s.arrow(solidPen, x+reveal, file-boxHeight/2, x+reveal, secrets+8)
		s.formula(x+reveal+18, (hide+file)/2-8, 16, centred, "S~_"+index)
		s.knot(x+reveal, secrets, "−")
		next := end
		if i < 3 {
			next = x + distance
		}
		s.arrow(solidPen, x+reveal+8, secrets, next-18, secrets)
		// The receiver.
		s.arrow(solidPen, x, file+14, x, receive-boxHeight/2)
		s.network(x, receive, "R_"+index)
		s.arrow(solidPen, x, receive+boxHeight/2, x, sum-8)
		s.formula(x+18, (receive+boxHeight/2+sum)/2-4, 16, centred, "S~_"+index)
		s.knot(x, sum, "+")
		if i < 3 {
			s.arrow(solidPen, x+8, sum, x+distance-8, sum)
		}
	}
	s.formula(end, secrets, 16, centred, "S_4")
	s.text(end+10, secrets+18, 9, flushRight, "never sent")
	s.arrow(solidPen, first+2*distance+8, sum, end-88, sum)
	s.text(end-2, sum, 11, flushRight, "revealed picture")
	s.text(first+70, hide-19, 9, centred, "-E, -ED")
	s.text(first+distance+7, under-9, 9, flushLeft, "-D, -ED")
	s.text(first+70, receive-10, 9, centred, "-D, -ED")
}

// variant draws which connections one has.
func (s *sheet) variant(x, y float64, name, what string, hide, reveal bool) {
	const step, scale = 60.0, 0.62
	if name == "DITAS-M" {
		s.bold(18, y-16, 12, flushLeft, "(b)  variants")
	}
	s.bold(x+17+step, y+6, 11, centred, name)
	s.text(x+17+step, y+20, 9, centred, what)
	top, bottom := y+50, y+118
	box := func(i float64, y float64, letter string) {
		var fill color.Color = color.White
		if letter == "R" {
			fill = color.Gray{215}
		}
		w, h := scale*boxWidth, scale*boxHeight+4
		s.rectangle(x+17+i*step-w/2, y-h/2, w, h, fill, &solidPen)
		s.formula(x+17+i*step, y, 13, centred, fmt.Sprintf("%s_%g", letter, i+1))
	}
	for i := range 3 {
		at := x + 17 + float64(i)*step
		s.arrow(solidPen, at, top+14, at, bottom-14)
		s.formula(at+12, (top+bottom)/2, 12, centred, fmt.Sprintf("T~_%d", i+1))
		box(float64(i), top, "H")
		box(float64(i), bottom, "R")
		if i < 2 {
			for _, row := range []struct {
				y    float64
				have bool
			}{{top, hide}, {bottom, reveal}} {
				if row.have {
					s.arrow(featurePen, at+scale*boxWidth/2, row.y, at+step-scale*boxWidth/2, row.y)
				}
			}
		}
	}
}

// connection draws the layers of two networks that follow one another.
func (s *sheet) connection(y float64) {
	const first, step, width, height = 150.0, 104.0, 78.0, 30.0
	s.bold(18, y-16, 12, flushLeft, "(c)  a connection")
	s.text(140, y-16, 9.5, flushLeft, "dashed: features of the stage before, a 1×1 convolution from each hidden layer to the same one, added before the gate")
	names := []string{"3×3, gate", "3×3, gate", "3×3, gate", "3×3, gate", "3×3, gate", "3×3"}
	for row, index := range []string{"i-1", "i"} {
		at := y + 24 + 76*float64(row)
		s.formula(34, at, 14, centred, "H_"+index)
		s.text(52, at, 10, flushLeft, "or")
		s.formula(80, at, 14, centred, "R_"+index)
		for i, name := range names {
			x := first + float64(i)*step
			s.rectangle(x-width/2+14, at-height/2, width, height, color.White, &solidPen)
			s.text(x+14, at, 9.5, centred, name)
			if i > 0 {
				s.arrow(solidPen, x-step+width/2+14, at, x-width/2+14, at)
			}
			if row == 1 && i > 0 && i < len(names)-1 {
				s.arrow(featurePen, x+14, at-76+height/2, x+14, at-height/2)
				s.text(x+19, at-38, 8.5, flushLeft, "1×1")
			}
		}
		x := first + float64(len(names)-1)*step + 14
		s.arrow(solidPen, x+width/2, at, x+width/2+22, at)
		s.arrow(solidPen, 98, at, first-width/2+14, at)
	}
	s.text(18, y+150, 9.5, flushLeft, "Gates are computed from which coefficients are free (not drawn). Each hidden layer also keeps its input beside the convolution:")
	s.formula(18, y+166, 12, flushLeft, "h ← (h + (3×3(h) + 1×1(h of the stage before)) · gate) / √2")
}
