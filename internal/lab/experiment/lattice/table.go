package lattice

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"ditas/internal/lab/experiment"

	"ditas"
)

// Table is a part of the results.
type Table struct {
	Part    string            `json:"part"` // one of [Parts]
	Origin  experiment.Origin `json:"origin"`
	Title   string            `json:"title"`
	Text    string            `json:"text"` // how it was measured
	Columns []Column          `json:"columns"`
	Rows    []Row             `json:"rows"`
}

// Column is a kind of figures.
type Column struct {
	Name   string `json:"name"`
	Format string `json:"format"` // of a value, as package fmt has it
}

// Row is what was measured in one case.
type Row struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`           // by column
	Target string    `json:"target,omitempty"` // what was wanted, if anything
	Met    *bool     `json:"met,omitempty"`
}

// aim sets the target of a row and whether it is met.
func (r *Row) aim(target string, met bool) { r.Target, r.Met = target, &met }

// Markdown writes the table.
func (t *Table) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", t.Title, t.Text)
	if len(t.Rows) > 0 {
		aims := false
		for _, r := range t.Rows {
			aims = aims || r.Target != ""
		}
		b.WriteString("\n| |")
		for _, c := range t.Columns {
			fmt.Fprintf(&b, " %s |", c.Name)
		}
		if aims {
			b.WriteString(" target | met |")
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(t.Columns)))
		if aims {
			b.WriteString("---|---|")
		}
		b.WriteString("\n")
		for _, r := range t.Rows {
			fmt.Fprintf(&b, "| %s |", r.Name)
			for i, v := range r.Values {
				fmt.Fprintf(&b, " "+t.Columns[i].Format+" |", v)
			}
			if aims {
				fmt.Fprintf(&b, " %s | %s |", r.Target, r.verdict())
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Row) verdict() string {
	switch {
	case r.Met == nil:
		return ""
	case *r.Met:
		return "yes"
	}
	return "**no**"
}

const head = `# The lattice, measured

*Written by ` + "`%s`" + `; do not edit.*

How well the default method, "lattice", does what it was built to do. The targets were given before the experiment was first run; one
that is missed says **no**.

The unit experiment: the middle square of a photograph, averaged down to 64×64 pixels, is hidden in 3 × 16,384 = 49,152 samples of
16 kHz speech (3.07 s, 12 samples a pixel) whose peak is at 0.99. Recordings are written to 16-bit WAV files and read back before
anything is measured or revealed; where noise is added, the recording that the receiver gets is a file of 32-bit floating point. A
PSNR counts 100 dB at most, which is what pictures without an error have; where nothing is found, a grey picture stands in.

- Data: %d pictures, %d clips, %d pairs; digest %s
- Music: %s
- Configuration: the defaults of package ditas (SNR %g dB, public key) unless a row says otherwise
- Seed: %d

`

// Markdown writes the page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	music := r.Music
	if music == "" {
		music = "none"
	}
	fmt.Fprintf(&b, head, r.Command, r.Pictures, r.Clips, r.Pairs, r.Data, music, float64(ditas.DefaultSNR), r.Seed)
	r.origins(&b)
	for _, t := range r.Tables {
		if err := t.Markdown(&b); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// origins tells where tables come from, with the tables of one run together.
func (r *Report) origins(b *strings.Builder) {
	b.WriteString("| measured | by | commit | machine | minutes |\n|---|---|---|---|--:|\n")
	for i := 0; i < len(r.Tables); {
		o := r.Tables[i].Origin
		o.Minutes = 0
		var parts []string
		minutes := 0.0
		for ; i < len(r.Tables) && sameRun(r.Tables[i].Origin, o); i++ {
			parts = append(parts, r.Tables[i].Part)
			minutes += r.Tables[i].Origin.Minutes
		}
		fmt.Fprintf(b, "| %s | `%s` | %s | %s | %.1f |\n", strings.Join(parts, ", "), o.Command, o.Build, o.Machine, minutes)
	}
	b.WriteString("\n")
}

// sameRun reports whether two origins differ at most in minutes.
func sameRun(a, b experiment.Origin) bool {
	a.Minutes = b.Minutes
	return a == b
}

// ReadReport reads lattice.json.
func ReadReport(r io.Reader) (*Report, error) {
	report := new(Report)
	if err := json.NewDecoder(r).Decode(report); err != nil {
		return nil, fmt.Errorf("results of an earlier run: %w", err)
	}
	for _, t := range report.Tables {
		for _, row := range t.Rows {
			if len(row.Values) != len(t.Columns) {
				return nil, fmt.Errorf("results of an earlier run: %s, %s has %d values for %d columns", t.Title, row.Name, len(row.Values), len(t.Columns))
			}
		}
	}
	return report, nil
}
