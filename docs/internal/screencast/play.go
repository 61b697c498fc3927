package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	svg "github.com/ajstarks/svgo/float"
)

// The terminal, in pixels.
const (
	columns, character, lineHeight = 116, 7.2, 18.0
	padding, titleHeight           = 14.0, 26.0
	width                          = 2*padding + columns*character
)

// How fast a person types, and how long there is to read.
const (
	perCharacter = 35 * time.Millisecond
	before       = 500 * time.Millisecond  // typing
	longest      = time.Second             // that a command is waited for, whatever it took
	after        = 1500 * time.Millisecond // a command's last line
	atTheEnd     = 3500 * time.Millisecond // of a screen
)

// style makes a terminal, light or dark as the reader's screen is. Without animations, or for a reader who wants none, the first
// screen stands still.
const style = `
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12px;fill:#1f2328;white-space:pre}
.window{fill:#f6f8fa;stroke:#d1d9e0}.cover{fill:#f6f8fa}.cursor{fill:#1f2328}.prompt{fill:#0969da;font-weight:600}.command{font-weight:600}.title{fill:#59636e;text-anchor:middle}
.later,.typing{opacity:0}
.show,.typing{animation-duration:%[1]gs;animation-iteration-count:infinite;animation-timing-function:step-end}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.window{fill:#0d1117;stroke:#3d444d}.cover{fill:#0d1117}.cursor{fill:#e6edf3}.prompt{fill:#58a6ff}.title{fill:#9198a1}}
@media (prefers-reduced-motion:reduce){.show,.typing{animation:none}}
`

// moment is an element that is there from one time to another.
type moment struct {
	from, to time.Duration
	typed    time.Duration // when all characters of a command are there; 0 for what is printed
	row      int
	screen   int
	text     string
}

// schedule says when what is to be seen.
func schedule(screens [][]taken) (moments []moment, rows int, total time.Duration) {
	for i, screen := range screens {
		first := len(moments)
		row := 0
		for _, t := range screen {
			m := moment{from: total, row: row, screen: i, text: t.command}
			if row == 0 {
				total += before
			}
			total += time.Duration(utf8.RuneCountInString(t.command)) * perCharacter
			m.typed = total
			moments = append(moments, m)
			total += min(max(200*time.Millisecond, t.lasted.Round(100*time.Millisecond)), longest)
			row++
			for _, line := range t.lines {
				moments = append(moments, moment{from: total, row: row, screen: i, text: line})
				row++
			}
			total += after
		}
		total += atTheEnd
		for j := range moments[first:] {
			moments[first+j].to = total
		}
		rows = max(rows, row)
	}
	return moments, rows, total
}

// play writes the screens as a drawing that plays them again and again.
func play(w io.Writer, screens [][]taken) {
	moments, rows, total := schedule(screens)
	height := titleHeight + 2*padding + float64(rows)*lineHeight
	at := func(t time.Duration) string { return fmt.Sprintf("%.3f%%", 100*t.Seconds()/total.Seconds()) }
	var css strings.Builder
	fmt.Fprintf(&css, style, total.Seconds())
	for i, m := range moments {
		fmt.Fprintf(&css, "@keyframes s%d{0%%{opacity:0}%s{opacity:1}%s,100%%{opacity:0}}\n", i, at(m.from), at(m.to))
		if m.typed > 0 {
			n := utf8.RuneCountInString(m.text)
			begin := m.typed - time.Duration(n)*perCharacter
			fmt.Fprintf(&css, "@keyframes t%d{0%%{opacity:1;transform:none}%s{opacity:1;transform:none;animation-timing-function:steps(%d,end)}%s{opacity:1;transform:translateX(%.1fpx)}%s,100%%{opacity:0}}\n",
				i, at(begin), n, at(m.typed), float64(n)*character, at(m.typed+100*time.Millisecond))
		}
	}
	s := svg.New(w)
	s.Startraw(fmt.Sprintf(`viewBox="0 0 %g %g"`, width, height), fmt.Sprintf(`width="%g"`, width), fmt.Sprintf(`height="%g"`, height), `role="img"`)
	s.Title("A terminal: a picture is hidden in a recording, revealed from it, and revealed from what is left when a third is lost")
	s.Style("text/css", css.String())
	s.Roundrect(0.5, 0.5, width-1, height-1, 8, 8, `class="window"`)
	s.Text(width/2, 18, "ditas", `class="title"`)
	s.Def()
	s.ClipPath(`id="inside"`)
	s.Rect(1, titleHeight, width-2, height-titleHeight-2)
	s.ClipEnd()
	s.DefEnd()
	s.Group(`clip-path="url(#inside)"`)
	for i, m := range moments {
		class := "show"
		if m.screen > 0 {
			class += " later"
		}
		y := titleHeight + padding + float64(m.row)*lineHeight + 12
		s.Group(fmt.Sprintf(`class="%s"`, class), fmt.Sprintf(`style="animation-name:s%d"`, i))
		x := padding
		if m.typed > 0 {
			line(s, x, y, "$ ", "prompt")
			x += 2 * character
			line(s, x, y, m.text, "command")
			s.Group(`class="typing"`, fmt.Sprintf(`style="animation-name:t%d"`, i))
			s.Rect(x, y-13, width, lineHeight, `class="cover"`)
			s.Rect(x, y-11, character, 14, `class="cursor"`)
			s.Gend()
		} else {
			line(s, x, y, m.text, "")
		}
		s.Gend()
	}
	s.Gend()
	s.End()
}

// line writes text so that every character has its width, whatever the reader's font is.
func line(s *svg.SVG, x, y float64, text, class string) {
	if text == "" {
		return
	}
	n := float64(utf8.RuneCountInString(text))
	attributes := []string{`xml:space="preserve"`, fmt.Sprintf(`textLength="%.1f"`, n*character)}
	if class != "" {
		attributes = append(attributes, fmt.Sprintf(`class="%s"`, class))
	}
	s.Text(x, y, text, attributes...)
}
