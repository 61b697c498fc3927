package steganalysis

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"ditas/internal/lab/experiment/contender"
)

const pageHead = `# Steganalysis

How well detectors tell recordings in which something is hidden from recordings as they were. For every method detectors of its own are made, which know method and strength, and
have recordings of the same kinds to learn from; they do not have the recording as it was, and no key.

**The figures.** P_E in %%, (false alarms + misses)/2 at the threshold that the training chose, 50 for chance, with 95 %% confidence intervals by the bootstrap over speakers and
tracks. *Disjoint* means that no speaker and no track is in both what is learnt from and what is tried; *known*, that each is, but no recording. The worst source is the package whose
recordings give a method away most. Bits a sample are the median of what a method tells. NMR is how far what is heard of the change lies below what the recording masks.

**The recordings** are rounded once, with the noise of the room in place of digital silence. Until there was such noise, this page had data sets' own joints, pauses of exact zeros, which noise fills and the lattice
leaves alone: that flattered the lattice, of which P_E was 34 there beside 4 of white noise as strong. So did a single network of 10,000 weights as the only detector. The
method covert takes recordings of 16 bits in which changes would be found, and makes others of them, which are left out; in dither, it takes recordings that are more precise, and is
compared with others that are dithered alone. Where a method refuses most recordings there is no figure, and below the table stands why it refused the first one.

**Checks.** "nothing hidden" has one half of an untouched recording as the cover, and the other, by the toss of a coin, as the stego: a detector must not find anything. Loud noise has an
MSE of %g, which it must find.
`

const featuresText = `
**Features.** %d statistics made by hand and a linear discriminant: package ` + "`features`" + `. A fifth of the recordings at a time is tried by what the others teach.
`

const networksText = `
**Networks.** They see %d samples at a time, through two fixed high-pass filters and truncated units of three widths; then come four convolutions of five samples, %d to %d channels, with %d
residual blocks of two more behind each, the mean over time, and two layers that decide: %d layers, %d parameters, %.1f MFLOP a window. Each goes on from the network of a stronger
change, learns from three fifths of the recordings in %d steps of %d pairs of windows, is chosen by one fifth, and tried on the last: package ` + "`detector`" + `.
`

// Markdown writes the report as a page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, blatant)
	if r.Features > 0 {
		fmt.Fprintf(&b, featuresText, r.Features)
	}
	if n := r.Network; n != nil {
		c := n.Config
		fmt.Fprintf(&b, networksText, c.Window, c.Width, 3*c.Width, c.Blocks, 4*(1+2*c.Blocks)+2, n.Parameters, float64(n.FLOPs)/1e6, c.Steps, c.Batch)
	}
	fmt.Fprintf(&b, "\nData %s. Seed %d, %s, %s, %.1f minutes.\n\n    %s\n", r.Data, r.Seed, r.commits(), r.Machine, r.Minutes, r.Command)
	if r.Untrained != nil {
		var names []string
		for _, name := range r.Untrained {
			names = append(names, contender.Title(name))
		}
		fmt.Fprintf(&b, "\nNot measured, for want of weights: %s.\n", strings.Join(names, ", "))
	}
	for _, s := range r.Scenes {
		if len(s.Methods) > 0 {
			s.markdown(&b, r.Features > 0, r.Network != nil)
		}
	}
	if r.Trade != nil {
		r.Trade.markdown(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// commits names the commits that there are verdicts of.
func (r *Report) commits() string {
	builds := map[string]bool{r.Build: true}
	for _, s := range r.Scenes {
		for _, m := range s.Methods {
			for _, v := range m.verdicts() {
				builds[v.Build] = true
			}
		}
	}
	names := slices.Sorted(maps.Keys(builds))
	if len(names) == 1 {
		return "commit " + names[0]
	}
	return "commits " + strings.Join(names, ", ")
}

// ReadReport reads steganalysis.json.
func ReadReport(r io.Reader) (*Report, error) {
	report := new(Report)
	if err := json.NewDecoder(r).Decode(report); err != nil {
		return nil, fmt.Errorf("results of an earlier run: %w", err)
	}
	for _, s := range report.Scenes {
		for _, m := range s.Methods {
			for _, v := range m.verdicts() {
				if v.Verdict == nil {
					return nil, fmt.Errorf("results of an earlier run: %s: %s has a verdict without figures", s.Name, m.Name)
				}
			}
		}
	}
	return report, nil
}

// markdown writes a section with a table of what each kind of detectors finds.
func (s *SceneReport) markdown(b *strings.Builder, features, networks bool) {
	fmt.Fprintf(b, "\n## %s\n\n%d excerpts of %.2f s, mono, of %d speakers and tracks, whose recordings have their peaks at %.0f dB.\n\n| method | bits a sample | SNR | NMR |",
		s.Name, s.Covers, s.Seconds, s.Groups, 20*math.Log10(s.Level))
	columns := func(kind string) {
		for _, split := range []string{"disjoint", "known"} {
			fmt.Fprintf(b, " %s: P_E, %s | AUC | worst source |", kind, split)
		}
	}
	count := 4
	if features {
		columns("features")
		count += 6
	}
	if networks {
		columns("networks")
		count += 6
	}
	fmt.Fprintf(b, " refused |\n|---|%s\n", strings.Repeat("--:|", count))
	for _, m := range s.Methods {
		rate, snr, nmr := "–", "–", "–"
		if m.Rate != 0 {
			rate = fmt.Sprintf("%.2f", m.Rate)
		}
		if m.SNR != 0 {
			snr, nmr = fmt.Sprintf("%.1f dB", m.SNR), fmt.Sprintf("%.1f dB", m.NMR)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |", contender.Title(m.Name), rate, snr, nmr)
		if features {
			m.Features.markdown(b)
		}
		if networks {
			m.Networks.markdown(b)
		}
		fmt.Fprintf(b, " %d |\n", m.Refused)
	}
	for _, m := range s.Methods {
		if 2*m.Refused > s.Covers {
			fmt.Fprintf(b, "\n%s: %s.\n", contender.Title(m.Name), m.Why)
		}
	}
}

// markdown writes the cells of a kind of detectors.
func (s *Splits) markdown(b *strings.Builder) {
	for _, v := range []*Verdict{s.Disjoint, s.Known} {
		if v == nil {
			b.WriteString(" – | – | – |")
			continue
		}
		fmt.Fprintf(b, " %s | %.3f | %s %.1f |", v.Error.Percent(), v.AUC.Value, v.Worst.Name, 100*v.Worst.Error)
	}
}

// Figure draws the trade as a PNG.
func (r *Report) Figure(w io.Writer) error { return r.Trade.figure().PNG(w) }
