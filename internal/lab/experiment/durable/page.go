package durable

import (
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/drawing"
)

// The files that the page expects its figures in, in a folder "figures" beside it.
const (
	ChartName    = "durable.png"
	PicturesName = "durable-pictures.png"
)

// targets are what the first contestant should reach, mean PSNR in dB by scene and channel: what it must, and what would be good.
var targets = map[string]map[string][2]float64{
	Music: {
		"mp3-128": {33, 40}, "aac-128": {30, 38}, "vorbis-q4": {30, 38}, "mp3-64": {26, 31}, "aac-64": {23.5, 27},
		"opus-96": {27, 32}, "opus-64": {25, 29}, "opus-32": {22, 25}, "mp3-128-opus-64": {23.5, 27},
	},
	Voice: {"opus-32": {24, 28}, "opus-24-voice": {21, 24}, "opus-16-voice": {17, 20}},
	Songs: {"mp3-128": {34, 0}, "opus-64": {30, 0}},
}

// others is what the page says of spread spectrum, and of what others have published.
const others = `
## Beside others

Spread spectrum stands for the classical way: every coefficient is moved by what the ear bears times ±1, as loudly as makes the grade (ODG) of the first
method in the same cover, and each bit is the sum of very many. It is given what no receiver has: nothing is cut off and the volume stays, it
is told where the recording begins and how each band fared, and its code is an ideal one. So its bits are an upper bound, and its pictures, which
are not restored, what those bits would be worth.

Figures that others give for their own systems, on their own recordings and by their own measures of quality:

| system | what it carries | through what |
|---|---|---|
| M. Fallahpour and D. Megías, IEICE Trans. Fundamentals E93-D(1), 2010 | about 5 kbit/s, no picture | MP3, at an ODG of −0.25 |
| WavMark (arXiv 2308.12770) | 32 bit/s | MP3 and other edits |
| AudioSeal (arXiv 2401.17264) | 16 bits a recording | MP3, AAC and other edits |
| audiowmark | 128 bits a minute | MP3, Ogg and AAC |
`

// Markdown writes the report as a page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# After MP3, AAC, Opus and the like

What is left of a picture when the recording that it is hidden in goes through what people do to recordings, and whether anybody hears it.

![Mean PSNR by channel](figures/%s)

A photograph is hidden in every cover, as by ditas hide, and the recording written to a 16-bit file. But for the row "as sent", the first 5 to 10 %% are then
cut off at a fraction of a frame and the volume changes by up to 6 dB either way, before the channel of the row. The receiver gets the file that comes
out, at whatever rate, and knows nothing: neither where it begins, nor how loud it is, nor what happened. %s

Figures are mean PSNR in dB, pictures restored and rounded to 8 bits, the worst in brackets; how many pictures were found; and how many bits a second
arrived of the picture's stream, net, without a gap, as the mean over all covers. A picture without an error counts %d dB. A picture that was not
found, or whose cover did not take it, counts as a grey one.

**Hearing.** Criterion Q, "no worse than MP3 at 128 kbit/s": Total NMR of at most −14 dB, 99 %% of frames at most −11 dB, no band above 1.5 dB in 99 %% of
frames, and ODG (PEAQ, ITU-R BS.1387) of at least −1.0, and −0.5 in the mean. Where ODG is only a rough estimate, as at 16 kHz, it does not count. The
shares are those of the worst cover.
`, ChartName, map[bool]string{
		false: "No parameter was chosen on these covers.", true: "For development alone: parameters were chosen on such covers.",
	}[r.Seen], experiment.Best)
	if r.Innocents != nil {
		fmt.Fprintf(&b, "\n**Innocents.** Of %d pieces of 4 to 8 s of these covers with nothing in them, %s found something in %d.\n",
			r.Innocents.Searched, r.Contestants[0], r.Innocents.Found)
	}
	if r.drawn() {
		fmt.Fprintf(&b, "\n![The photograph as it comes out of codecs](figures/%s)\n\nThe photograph in the first cover of each table, by %s. %s\n",
			PicturesName, r.Contestants[0], r.attribution)
	}
	for _, s := range r.Scenes {
		r.scene(&b, s)
	}
	if slices.Contains(r.Contestants, spreadTitle) {
		b.WriteString(others)
	}
	b.WriteString("\n## The channels\n\n| channel | what happens |\n|---|---|\n")
	for _, c := range r.Channels {
		lacking := ""
		if c.Lacking != "" {
			lacking = "; not measured: " + c.Lacking
		}
		fmt.Fprintf(&b, "| %s, `%s` | %s%s |\n", c.Title, c.Name, c.Description, lacking)
	}
	codecs := "no ffmpeg"
	if r.FFmpeg != "" {
		codecs = "ffmpeg " + r.FFmpeg
	}
	fmt.Fprintf(&b, "\nData %s. Seed %d, commit %s, %s, %.1f minutes; %s.\n\n    %s\n", r.Data, r.Seed, r.Build, r.Machine, r.Minutes, codecs, r.Command)
	_, err := io.WriteString(w, b.String())
	return err
}

// scene writes the tables of a scene.
func (r *Report) scene(b *strings.Builder, s *SceneReport) {
	fmt.Fprintf(b, "\n## %s\n\n%d covers; a grey picture has %.1f dB.\n\n", s.Title, len(s.Covers), s.Grey)
	b.WriteString("| method | SNR | NMR, mean and worst | frames ≤ −11 dB | no band > 1.5 dB | ODG, mean and worst | miss criterion Q | refused |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, m := range s.Methods {
		h, took := m.Hearing, len(m.Covers)-m.Refused()
		if took == 0 {
			fmt.Fprintf(b, "| %s | – | – | – | – | – | – | %d |\n", r.Contestants[i], m.Refused())
			continue
		}
		rough := ""
		if h.Marked > 0 {
			rough = fmt.Sprintf(" (%d rough)", h.Marked)
		}
		fmt.Fprintf(b, "| %s | %.1f dB | %.1f, %.1f dB | %.1f %% | %.1f %% | %.2f, %.2f%s | %d of %d | %d |\n", r.Contestants[i], h.SNR, h.NMR, h.WorstNMR,
			100*h.Frames, 100*h.Bands, h.ODG, h.WorstODG, rough, h.Failing, took, m.Refused())
	}
	b.WriteString("\n| channel |")
	rule := "|---|"
	aims := targets[s.Name]
	if aims != nil {
		b.WriteString(" aim |")
		rule += "--:|"
	}
	for _, c := range r.Contestants[:len(s.Methods)] {
		fmt.Fprintf(b, " %s | found | bit/s |", c)
		rule += "--:|--:|--:|"
	}
	b.WriteString("\n" + rule + "\n")
	for k, c := range r.Channels {
		fmt.Fprintf(b, "| %s |", c.Title)
		if aims != nil {
			aim := ""
			if a, ok := aims[c.Name]; ok {
				aim = fmt.Sprintf("%g", a[0])
				if a[1] > 0 {
					aim += fmt.Sprintf(", %g", a[1])
				}
			}
			fmt.Fprintf(b, " %s |", aim)
		}
		for i, m := range s.Methods {
			result := m.Results[k]
			if result == nil {
				b.WriteString(" – | – | – |")
				continue
			}
			psnr := fmt.Sprintf("%.1f (%.1f)", result.PSNR, result.Worst)
			if a, ok := aims[c.Name]; ok && i == 0 && result.PSNR < a[0] {
				psnr += " ✗"
			}
			if result.Exact == len(m.Covers) {
				psnr = "exact"
			}
			fmt.Fprintf(b, " %s | %d of %d | %.0f |", psnr, result.Found, len(m.Covers), result.Bits)
		}
		b.WriteString("\n")
	}
}

// Chart draws the report as a PNG: a panel for every scene, a row for every channel.
func (r *Report) Chart(w io.Writer) error {
	const names, panel, row, top = 190.0, 250.0, 13.0, 60.0
	height := top + row*float64(len(r.Channels)) + 40
	f := &drawing.Figure{Width: names + panel*float64(max(1, len(r.Scenes))), Height: height, Paint: func(s *drawing.Sheet) {
		for i, scene := range r.Scenes {
			s.Chart(r.panel(scene, i == 0), panel*float64(i)+map[bool]float64{true: 4, false: names}[i == 0], 6, panel+map[bool]float64{true: names - 8, false: -4}[i == 0], height-12)
		}
	}}
	return f.PNG(w)
}

// panel draws a scene.
func (r *Report) panel(scene *SceneReport, named bool) *plot.Plot {
	p := drawing.Chart(map[string]string{Music: "30 s of music, 128×128", Voice: "voice note, 64×64", Songs: "3 minutes, 512×512"}[scene.Name], "mean PSNR (dB)", "")
	labels := map[float64]string{}
	place := func(k int) float64 { return -float64(k) }
	for k, c := range r.Channels {
		labels[place(k)] = ""
		if named {
			labels[place(k)] = c.Title
		}
		if a, ok := targets[scene.Name][c.Name]; ok {
			p.Add(&plotter.Line{XYs: plotter.XYs{{X: a[0], Y: place(k) - 0.45}, {X: a[0], Y: place(k) + 0.45}},
				LineStyle: draw.LineStyle{Color: drawing.Palette[1], Width: vg.Points(2)}})
		}
	}
	grey := &plotter.Line{XYs: plotter.XYs{{X: scene.Grey, Y: 0.5}, {X: scene.Grey, Y: place(len(r.Channels)-1) - 0.5}},
		LineStyle: draw.LineStyle{Color: color.Gray{110}, Width: vg.Points(1), Dashes: drawing.Dotted}}
	p.Add(grey)
	const most = 60 // dB; what is better stands at the edge
	for i, m := range scene.Methods {
		look := drawing.Looks[i%len(drawing.Looks)]
		dots := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: look.Colour, Radius: vg.Points(3), Shape: look.Glyph}}
		for k, result := range m.Results {
			if result != nil {
				dots.XYs = append(dots.XYs, plotter.XY{X: min(result.PSNR, most), Y: place(k)})
			}
		}
		if len(dots.XYs) == 0 {
			continue
		}
		p.Add(dots)
		if named {
			p.Legend.Add(r.Contestants[i], dots)
		}
	}
	p.Y.Tick.Marker, p.Y.Tick.Length = drawing.Ticks(labels), 0
	p.X.Tick.Marker = drawing.Every(10)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, most+2, place(len(r.Channels)-1)-0.6, 0.6
	p.Legend.Top = false
	return p
}

// drawn reports whether there are pictures to draw.
func (r *Report) drawn() bool {
	for _, s := range r.Scenes {
		if len(s.exhibit) > 0 {
			return true
		}
	}
	return false
}

// Pictures draws the exhibit as it came out of codecs, as a PNG. ok is false if there is none.
func (r *Report) Pictures() (draw func(w io.Writer) error, ok bool) {
	const side, gap, line, across = 96.0, 10.0, 128.0, 7
	height := 4.0
	for _, s := range r.Scenes {
		if len(s.exhibit) > 0 {
			height += 26 + line*float64((len(s.exhibit)+across-1)/across)
		}
	}
	f := &drawing.Figure{Width: gap + across*(side+gap), Height: height, Paint: func(s *drawing.Sheet) {
		y := 14.0
		for _, scene := range r.Scenes {
			if len(scene.exhibit) == 0 {
				continue
			}
			s.Bold(gap, y, 10, drawing.Left, scene.Title)
			y += 12
			for i, e := range scene.exhibit {
				x := gap + float64(i%across)*(side+gap)
				if i > 0 && i%across == 0 {
					y += line
				}
				psnr := fmt.Sprintf("%.1f dB", e.psnr)
				switch {
				case i == 0:
					psnr = fmt.Sprintf("%d×%d", scene.Side, scene.Side)
				case e.picture == nil:
					psnr = "not found"
				case e.psnr == experiment.Best:
					psnr = "exact"
				}
				if e.picture == nil {
					s.Rectangle(x, y, side, side, color.Gray{225}, &drawing.Pen{Width: 0.5, Colour: color.Black})
				} else {
					s.Framed(x, y, drawing.Pixels(e.picture.Resize(2*side, 2*side), 1))
				}
				s.Text(x+side/2, y+side+9, 8, drawing.Centred, e.title)
				s.Text(x+side/2, y+side+20, 8, drawing.Centred, psnr)
			}
			y += line + 14
		}
	}}
	return f.PNG, r.drawn()
}
