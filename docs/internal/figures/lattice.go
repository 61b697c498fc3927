package main

import (
	"fmt"
	"io"
	"math"
)

func unit(x, y float64) (float64, float64) {
	r := math.Hypot(x, y)
	return x / r, y / r
}

// nearest returns the point nearest to u of those that are congruent to offset modulo step.
func nearest(u, step, offset float64) float64 {
	return step*math.Round((u-offset)/step) + offset
}

// gray lists the labels of two bits in the order in which they stand around a step.
var gray = [4]string{"00", "01", "11", "10"}

// drawLattice shows how a sample is written on one lattice and on two, and how it is read.
func drawLattice(w io.Writer) error {
	return draw(w, 800, 560, "A sample moves to the nearest point of a dithered lattice; reading it takes the phase modulo the step", func(s sheet) {
		s.Text(16, 22, "Writing, one lattice", class("bold"))
		s.Text(176, 22, "the sample u goes to the nearest point that stands for the symbol, here 11")
		s.oneLattice(86)
		s.Text(16, 196, "Writing, two lattices", class("bold"))
		s.Text(176, 196, "first half way to the nearest coarse point, then to the nearest fine one")
		s.twoLattices(268)
		s.Text(16, 376, "Reading", class("bold"))
		s.Text(176, 376, "the fraction of a step above the dither, which wraps around; what is off is noise")
		s.reading(468)
	})
}

func (s sheet) axis(y float64) {
	s.arrow(24, y, 784, y, "line", "ink")
	s.Text(784, y-8, "sample", class("small end"))
}

func (s sheet) oneLattice(y float64) {
	const step, symbol = 104.0, 2
	dither, u := 38.0, 383.0
	s.axis(y)
	for x := dither - step; x < 735; x += step / 4 {
		if x < 30 {
			continue
		}
		i := int(math.Round((x-dither)/(step/4))) & 3
		if i == symbol {
			s.Line(x, y-13, x, y+13, class("bolder"))
		} else {
			s.Line(x, y-6, x, y+6, class("faint"))
		}
		s.Text(x, y+28, gray[i], class("mono middle"))
	}
	at := nearest(u, step, dither+step*symbol/4)
	s.Circle(u, y, 5, class("paper"))
	s.Text(u, y-14, "u", class("italic middle"))
	s.arrow(u, y-26, at, y-26, "mark", "marked")
	s.Circle(at, y, 5, class("marked"))
	s.Text(at+8, y-14, "written", class("small"))
	s.span(at+step, at+2*step, y-22, "Δ")
	s.Line(dither, y+36, dither, y+48, class("line"))
	s.Text(dither+6, y+48, "the dither d, drawn anew from the key for every sample, shifts all points: without the key every place is as likely as any other", class("small"))
}

func (s sheet) twoLattices(y float64) {
	const fine, coarse = 40.0, 200.0
	fineAt, coarseAt, u := 21.0, 103.0, 448.0
	s.axis(y)
	for x := fineAt; x < 735; x += fine {
		if x > 30 {
			s.Line(x, y-9, x, y+9, class("line"))
		}
	}
	for x := coarseAt; x < 735; x += coarse {
		s.Polygon([]float64{x - 7, x + 7, x}, []float64{y - 30, y - 30, y - 17}, class("ink"))
		s.Line(x, y-18, x, y+13, class("bolder"))
	}
	q := nearest(u, coarse, coarseAt)
	half := (u + q) / 2
	at := nearest(half, fine, fineAt)
	s.Text(q, y-36, "q", class("italic middle"))
	s.Circle(u, y, 5, class("paper"))
	s.Text(u, y-14, "u", class("italic middle"))
	s.arrow(u, y+26, half, y+26, "mark dashed", "marked")
	s.Text((u+half)/2, y+42, "half way", class("small middle"))
	s.Line(half, y-12, half, y+26, class("mark"))
	s.arrow(half, y-46, at, y-46, "mark", "marked")
	s.Line(at, y-42, at, y-6, class("faint"))
	s.Circle(at, y, 5, class("marked"))
	s.Text(at-8, y-48, "written", class("small end"))
	s.span(coarseAt, coarseAt+coarse, y-40, "S")
	s.span(fineAt+fine*15, fineAt+fine*16, y-22, "Δ")
	s.Text(16, y+62, "Which fine point is taken carries the coarse bit: it is near a coarse point, though not on it. The fine symbol is as exact as without.", class("small"))
}

func (s sheet) reading(y float64) {
	const r = 54.0
	circle := func(x float64) { s.Circle(x, y, r, class("line")) }
	spot := func(x, turn, radius float64) (float64, float64) {
		return x + radius*math.Sin(2*math.Pi*turn), y - radius*math.Cos(2*math.Pi*turn)
	}
	fine := 110.0
	circle(fine)
	for i, label := range gray {
		x1, y1 := spot(fine, float64(i)/4, r-6)
		x2, y2 := spot(fine, float64(i)/4, r+6)
		s.Line(x1, y1, x2, y2, class("bolder"))
		x, y := spot(fine, float64(i)/4, r+17)
		s.Text(x, y+4, label, class("mono middle"))
		x1, y1 = spot(fine, float64(i)/4+0.125, 0)
		x2, y2 = spot(fine, float64(i)/4+0.125, r)
		s.Line(x1, y1, x2, y2, class("faint dashed"))
	}
	x, yy := spot(fine, 0.56, r)
	s.arrow(fine, y, x, yy, "mark", "marked")
	s.Circle(x, yy, 4, class("marked"))
	s.Text(fine+96, y-20, "fine:", class("bold"))
	s.Text(fine+128, y-20, "y/Δ − d modulo 1")
	s.Text(fine+96, y, "is nearest to 11. The further off,", class("small"))
	s.Text(fine+96, y+15, "the less sure is each bit; the code", class("small"))
	s.Text(fine+96, y+30, "weighs that (soft decisions).", class("small"))
	coarse := 500.0
	circle(coarse)
	for i, label := range []string{"0", "1"} {
		turn := 0.75 + 0.5*float64(i)
		x1, y1 := spot(coarse, turn-0.25/2, r)
		x2, y2 := spot(coarse, turn+0.25/2, r)
		s.Path(arc(x1, y1, r, x2, y2), `class="bolder"`)
		x1, y1 = spot(coarse, turn, r-6)
		x2, y2 = spot(coarse, turn, r+6)
		s.Line(x1, y1, x2, y2, class("bolder"))
		x, y := spot(coarse, turn, r+15)
		s.Text(x, y+4, label, class("mono middle"))
	}
	for _, turn := range []float64{0, 0.5} {
		x1, y1 := spot(coarse, turn, 0)
		x2, y2 := spot(coarse, turn, r)
		s.Line(x1, y1, x2, y2, class("faint dashed"))
	}
	x, yy = spot(coarse, 0.34, r)
	s.arrow(coarse, y, x, yy, "mark", "marked")
	s.Circle(x, yy, 4, class("marked"))
	s.Text(coarse+84, y-20, "coarse:", class("bold"))
	s.Text(coarse+138, y-20, "y/S − D modulo 1")
	s.Text(coarse+84, y, "is off by up to a quarter of a step even", class("small"))
	s.Text(coarse+84, y+15, "without noise (thick), and still tells", class("small"))
	s.Text(coarse+84, y+30, "the bit when the fine ones are gone.", class("small"))
}

// arc returns the path of a circle of radius r clockwise from one point to another.
func arc(x1, y1, r, x2, y2 float64) string {
	return fmt.Sprintf("M%.2f %.2fA%g %g 0 0 1 %.2f %.2f", x1, y1, r, r, x2, y2)
}
