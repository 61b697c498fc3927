package steganalysis

import (
	"fmt"
	"image/color"
	"io"
	"strings"

	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/drawing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Markdown writes the report as a page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	learn, validation, test := r.Sets[0], r.Sets[1], r.Sets[2]
	fmt.Fprintf(&b, `# Steganalysis

How well a small network tells recordings in which something is hidden from recordings as they were. For every method a detector of its own
is trained, on recordings made by that very method, and tried on speakers and pictures that it has not seen.

![Receiver operating characteristics](figures/%s)

**What it means.** This is a first detector, and a small one. What it finds out, anybody can find out. What it does not find, others may: a larger
network, more recordings, longer ones, or a test that knows the method (it finds
nothing that repeats in a single recording of the lattice, as [SECURITY.md](SECURITY.md) says). So its errors are an upper bound on how secret a method is, and no more. The detectors know method and strength,
and have recordings of the same kinds to learn from, which favours them; they do not have the recording as it was, and no key.

**The detector.** It sees %d samples at a time, through two fixed high-pass filters, (−1, 2, −1) as in Chen, Luo and Li, *Audio Steganalysis with Convolutional
Neural Network* (IH&MMSec 2017), and (1, −4, 6, −4, 1), and behind them through truncated units of three widths, after the truncated
linear units of Ye, Ni and Yi (IEEE TIFS 2017). Then come four convolutions of five samples, %d to %d channels, all but the first with a stride of two in place of
pooling, the mean over time, and two layers that decide. That makes %d parameters and %.1f MFLOP a window. Cover and stego always stand in one batch,
and a detector of a fainter change goes on from that of the stronger one, as in Boroumand, Chen and Fridrich's SRNet (IEEE TIFS 2019): in each section after the
first, from the one of the same method in the section before or, where there was none, from that of white noise. In place of batch normalisation the means are standardised
with what they are before the first step. The engine is this repository's, the loss is the mean squared error of the probability, and the optimiser Adam,
%d steps of %d pairs of windows. Window, steps and rate were chosen on validation pairs of the lattice alone.

**The recordings.** A photograph of 64×64 pixels is hidden in 3 × 16,384 samples of 16 kHz speech with its peak at 0.99 (the first 16,384 of them for DITAS-S), written to a
16-bit WAV file and read again. Detectors learn from %d pairs of a cover and its stego (of %d clips and %d pictures of the training set), the step at which
training is best and the threshold are chosen with %d pairs of the validation set, and the figures are those of %d pairs of the test set (%d clips, %d
pictures). No speaker and no picture is in two sets. The score of a recording is the mean over its windows.

**Equal distortion.** The first sections have one container MSE for every recording, that of the lattice. Deep-Steg and Kreuk's model were trained to another strength;
their change of the cover is scaled to it. "white noise, no picture" is Gaussian noise of this MSE: a method that hides like it, with nothing of its own to
be known by, is as easy to find as this. "lattice, passphrase" has another passphrase in every recording, "lattice" the public key. In
all but the first section DITAS-M-ED stands for the trained systems.

**The figures.** AUC is the area under the curve, 0.5 for chance and 1 for never an error; the equal error rate is where false alarms and misses are equally frequent;
P_E is (false alarms + misses)/2 at the threshold that the validation set chose, 50 %% for chance. In brackets are 95 %% confidence intervals, by the bootstrap over the %d
test pairs. They tell nothing of another training or other voices, of which the test set has few. Where no error was made they have no width; then
an error rate of up to %.1f %% (three in %d) would not have been surprising. The loss is that of windows of the validation set, 0.25 for chance.

**Checks.** "nothing hidden" has one half of an untouched recording as the cover, and the other, by the toss of a coin, as the stego: a detector must not find anything. "white noise,
loud" is noise of an MSE of %g, which it must find.

Data %s. Seed %d, commit %s, %s, %.1f minutes.

    %s
`, FigureName, r.Detector.Window, r.Detector.Width, 3*r.Detector.Width, r.Parameters, float64(r.FLOPs)/1e6, r.Detector.Steps, r.Detector.Batch,
		learn.Pairs, learn.Clips, learn.Pictures, validation.Pairs, test.Pairs, test.Clips, test.Pictures, test.Pairs, 300/float64(test.Pairs), test.Pairs,
		blatant, r.Data, r.Seed, r.Build, r.Machine, r.Minutes, r.Command)
	if r.Untrained != nil {
		var names []string
		for _, name := range r.Untrained {
			names = append(names, contender.Title(name))
		}
		fmt.Fprintf(&b, "\nNot measured, for want of weights: %s.\n", strings.Join(names, ", "))
	}
	for _, g := range r.Groups {
		fmt.Fprintf(&b, "\n## %s\n\n", g.title())
		b.WriteString("| method | container MSE | SNR | AUC | equal error rate | P_E | best step | loss | minutes of training |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
		for _, m := range g.Methods {
			strength := "– | –"
			if m.MSE > 0 {
				strength = fmt.Sprintf("%.2e | %.1f dB", m.MSE, m.SNR)
			}
			fmt.Fprintf(&b, "| %s | %s | %.3f (%.3f–%.3f) | %s | %s | %d of %d | %.3f | %.1f |\n", contender.Title(m.Name), strength, m.AUC.Value, m.AUC.Low, m.AUC.High,
				m.EqualError.Percent(), m.Error.Percent(), m.Training.Best, m.Training.Steps, m.Training.Loss, m.Training.Minutes)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Percent writes an error rate with its interval.
func (e Estimate) Percent() string {
	return fmt.Sprintf("%.1f %% (%.1f–%.1f)", 100*e.Value, 100*e.Low, 100*e.High)
}

// title is the name of a group with the container MSE that its methods have, if they have one.
func (g *Group) title() string {
	if g.Fainter == nil {
		return g.Name
	}
	return fmt.Sprintf("%s: container MSE %.2g", g.Name, g.Methods[0].MSE)
}

// FigureName is the name of the file that the page expects the figure in, in a folder "figures" beside it.
const FigureName = "steganalysis.png"

// suspicious are the looks of methods that only detectors are tried on; within a panel all markers differ.
var suspicious = map[string]drawing.Look{
	"lattice, passphrase": {Colour: color.NRGBA{0, 0, 0, 255}, Glyph: drawing.Wedge{Filled: true}, Dashes: drawing.Dashed},
	whiteNoise:            {Colour: drawing.Palette[6], Glyph: drawing.Hyphen{}, Dashes: drawing.Dotted},
	"lattice, faint":      {Colour: color.NRGBA{0, 0, 0, 255}, Glyph: draw.CircleGlyph{}},
	"LSB replacement":     {Colour: drawing.Palette[0], Glyph: draw.BoxGlyph{}, Dashes: drawing.Dashed},
	"LSB matching":        {Colour: drawing.Palette[1], Glyph: draw.TriangleGlyph{}, Dashes: drawing.Mixed},
	"white noise, loud":   {Colour: drawing.Palette[2], Glyph: drawing.Diamond{Filled: true}},
	untouched:             {Colour: drawing.Palette[6], Glyph: drawing.Hyphen{}, Dashes: drawing.Dotted},
}

// Figure draws the ROC of all methods as a PNG, a panel of 625×750 pixels for each group, with a marker where false alarms and misses are
// equally frequent.
func (r *Report) Figure(w io.Writer) error {
	const dpi, wide, high = 125, 5.0, 6.0
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(vg.Length(len(r.Groups))*wide*vg.Inch, high*vg.Inch), vgimg.UseDPI(dpi))}
	page := draw.New(c)
	for i, g := range r.Groups {
		p, err := g.panel(fmt.Sprintf("%c. %s", 'a'+i, g.title()))
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		left, right := vg.Length(i)*wide*vg.Inch, -vg.Length(len(r.Groups)-1-i)*wide*vg.Inch
		p.Draw(draw.Crop(page, left+vg.Points(6), right-vg.Points(10), vg.Points(5), vg.Points(-5)))
	}
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// panel draws the ROC of a group.
func (g *Group) panel(heading string) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = heading, "false alarms", "stegos detected"
	p.Title.Padding = vg.Points(5)
	drawing.Sans(&p.Title.TextStyle, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Padding = vg.Points(3)
		drawing.Sans(&a.Label.TextStyle, 10)
		drawing.Sans(&a.Tick.Label, 9)
		a.Min, a.Max = -0.02, 1.02
	}
	drawing.Sans(&p.Legend.TextStyle, 8)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(1), vg.Points(30)
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-4), vg.Points(6)
	lines := plotter.NewGrid()
	lines.Horizontal.Color, lines.Vertical.Color = color.Gray{225}, color.Gray{225}
	chance, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return nil, err
	}
	chance.Color = color.Gray{170}
	p.Add(lines, chance)
	for _, m := range g.Methods {
		l, ok := suspicious[m.Name]
		if !ok {
			l, _ = contender.LookOf(m.Name)
		}
		points := make(plotter.XYs, len(m.ROC))
		for i, at := range m.ROC {
			points[i] = plotter.XY{X: at.FalseAlarm, Y: at.Detection}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		dot, err := plotter.NewScatter(plotter.XYs{{X: m.EqualError.Value, Y: 1 - m.EqualError.Value}})
		if err != nil {
			return nil, err
		}
		line.Color, line.Width, line.Dashes = l.Colour, vg.Points(1.2), l.Dashes
		dot.Color, dot.Shape, dot.Radius = l.Colour, l.Glyph, vg.Points(3)
		p.Add(line, dot)
		p.Legend.Add(fmt.Sprintf("%s, %.3f", contender.Title(m.Name), m.AUC.Value), line, dot)
	}
	return p, nil
}
