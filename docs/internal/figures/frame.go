package main

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// part is a number of samples of a frame, or of bits of them, that are used alike.
type part struct {
	n     int
	shade string
	name  string
}

// What the samples of a frame carry in the robust profile (docs/FORMAT.md, "What a frame carries" and "The ladder").
var (
	coarseParts = []part{
		{24, "s6", "synchronisation"}, {72, "s5", "header"}, {16, "s4", "how strong it is"},
		{44, "s1", "1"}, {44, "s2", "2"}, {240, "s2", "2"}, {584, "s3", "3"},
	}
	fineParts = [4][]part{
		{{12, "s5", ""}, {24, "s6", ""}, {988, "s4", "4"}},
		{{12, "s5", ""}, {24, "s6", ""}, {988, "s5", "5"}},
		{{12, "s5", ""}, {24, "s6", ""}, {988, "s6", "6"}},
		{{12, "s5", ""}, {24, "s6", ""}, {60, "s1", "1"}, {200, "s2", "2"}, {400, "s3", "3"}, {328, "s6", "6"}},
	}
)

const (
	frameLength   = 1024
	samplePixels  = 0.63
	left, barHigh = 134.0, 26.0
)

// drawFrame shows what the samples of a frame carry.
func drawFrame(w io.Writer) error {
	return draw(w, 800, 372, "What the 1024 samples of a frame carry: coarse and fine symbols, by use and by stage", func(s sheet) {
		s.Text(16, 22, "One frame: 1024 samples of a channel, sorted by their use", class("bold"))
		s.Text(16, 62, "coarse symbols", class("bold"))
		s.Text(16, 77, "a bit each", class("small"))
		s.bar(52, coarseParts)
		x := left
		for i, p := range coarseParts[:3] {
			middle := x + float64(p.n)*samplePixels/2
			y := 92 + 14*float64(3-i)
			s.Line(middle, 52+barHigh, middle, y-4, class("faint"))
			s.Line(middle, y-4, middle+10, y-4, class("faint"))
			s.Text(middle+13, y, fmt.Sprintf("%d %s", p.n, p.name), class("small"))
			x += float64(p.n) * samplePixels
		}
		from, to := left+112*samplePixels, left+200*samplePixels
		s.brace(from, to, 46, "88 strong")
		s.brace(to, left+frameLength*samplePixels, 46, "824 medium: a smaller step")
		s.Text(16, 164, "fine symbols", class("bold"))
		s.Text(16, 179, "up to four", class("small"))
		s.Text(16, 192, "bits each", class("small"))
		for i, parts := range fineParts {
			y := 154 + float64(i)*(barHigh+3)
			s.bar(y, parts)
			s.Text(left-6, y+17, fmt.Sprintf("bit %d", i+1), class("small end"))
		}
		s.Text(left, 286, "Numbers are stages. The dark end of each row holds a piece of the header and the pilots of synchronisation.", class("small"))
		s.Text(16, 316, "As they lie", class("bold"))
		s.Text(16, 331, "coarse symbols", class("small"))
		s.scattered(306)
		s.Text(left, 350, "The key draws which sample has which use, anew in every frame: for pilots and header in one of 64 ways", class("small"))
		s.Text(left, 365, "that all recordings share, for everything else in this recording alone. (The order drawn here is made up.)", class("small"))
	})
}

// bar draws parts to scale, with the numbers of stages that have the room.
func (s sheet) bar(y float64, parts []part) {
	x := left
	for _, p := range parts {
		width := float64(p.n) * samplePixels
		s.Rect(x, y, width, barHigh, class(p.shade))
		if len(p.name) == 1 && width > 14 {
			tone := "bold middle on"
			if p.shade <= "s3" {
				tone = "bold middle dark"
			}
			s.Text(x+width/2, y+17, p.name, class(tone))
		}
		x += width
	}
}

func (s sheet) brace(from, to, y float64, name string) {
	s.Line(from+1, y, to-1, y, class("line"))
	s.Line(from+1, y, from+1, y+4, class("line"))
	s.Line(to-1, y, to-1, y+4, class("line"))
	s.Text((from+to)/2, y-4, name, class("small middle"))
}

// scattered draws the coarse symbols of a frame in an order that is drawn by chance.
func (s sheet) scattered(y float64) {
	var uses []string
	for _, p := range coarseParts {
		for range p.n {
			uses = append(uses, p.shade)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	rng.Shuffle(len(uses), func(i, j int) { uses[i], uses[j] = uses[j], uses[i] })
	for i := 0; i < len(uses); {
		n := 1
		for i+n < len(uses) && uses[i+n] == uses[i] {
			n++
		}
		s.Rect(left+float64(i)*samplePixels, y, float64(n)*samplePixels, barHigh, class(uses[i]))
		i += n
	}
}
