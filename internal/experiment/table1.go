package experiment

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"ditas/internal/evaluate"
)

// Table1Data is a column of Table 1: pictures of one kind, hidden in speech.
type Table1Data struct {
	Kind string // photos or faces
	Data Data
	Runs fs.FS // has a folder of each of [Systems], as ditas train makes it
}

// Table1Report is the paper's Table 1, beside what is measured here.
type Table1Report struct {
	Columns []Table1Column `json:"columns"`
	Origin
}

// Table1Column is one of its columns.
type Table1Column struct {
	Kind     string      `json:"kind"`
	Data     string      `json:"data"`
	Pictures int         `json:"pictures"`
	Clips    int         `json:"clips"`
	Pairs    int         `json:"pairs"`
	Rows     []Table1Row `json:"rows"`
}

// Table1Row is a system in a column.
type Table1Row struct {
	System    string            `json:"system"`
	Published *Published        `json:"published,omitempty"`
	Figures   *evaluate.Figures `json:"figures,omitempty"` // nil if there is no trained system
	Worst     float64           `json:"worst,omitempty"`   // PSNR in dB
	Exact     float64           `json:"exact,omitempty"`   // share of pictures without an error
	// Ahead tells that no figure is worse than the published one.
	Ahead      *bool     `json:"ahead,omitempty"`
	Parameters int       `json:"parameters,omitempty"`
	FLOPs      int       `json:"flops,omitempty"` // of hiding and revealing one picture
	Training   *Training `json:"training,omitempty"`
}

// Table1 measures the paper's systems, and those that stand beside them here, in each column. The protocol is that of package
// evaluate, but that revealed pictures are rounded to 8 bits.
func Table1(ctx context.Context, columns []Table1Data, o Options) (*Table1Report, error) {
	begin := time.Now()
	r := new(Table1Report)
	for _, c := range columns {
		s := newStudy(ctx, c.Data, o)
		column, err := columnOf(s, c)
		if err != nil {
			return nil, err
		}
		r.Columns = append(r.Columns, *column)
		r.Origin = s.origin(begin)
	}
	return r, nil
}

func columnOf(s *study, c Table1Data) (*Table1Column, error) {
	column := &Table1Column{
		Kind: c.Kind, Data: c.Data.Digest, Pictures: c.Data.Pictures.Len(), Clips: c.Data.Speech.Len(), Pairs: len(s.subjects),
	}
	contenders, untrained, err := trained(c.Runs)
	if err != nil {
		return nil, err
	}
	for _, name := range untrained {
		contenders = append(contenders, &contender{name: name})
	}
	slices.SortFunc(contenders, func(a, b *contender) int { return slices.Index(Systems(), a.name) - slices.Index(Systems(), b.name) })
	for _, t := range append(contenders, arithmetic(s)...) {
		row := &Table1Row{System: t.name}
		if t.worker != nil {
			if row, err = rowOf(s, t); err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
		}
		if p, ok := publishedOf(t.name, c.Kind); ok {
			row.Published = &p
			if f := row.Figures; f != nil {
				ahead := f.ContainerMSE <= p.ContainerMSE && f.PSNR >= p.PSNR && f.SSIM >= p.SSIM && f.MSSSIM >= p.MSSSIM
				row.Ahead = &ahead
			}
		}
		column.Rows = append(column.Rows, *row)
	}
	return column, nil
}

// rowOf measures a contender on all subjects.
func rowOf(s *study, t *contender) (*Table1Row, error) {
	figures, signals := make([]evaluate.Figures, len(s.subjects)), make([]float64, len(s.subjects))
	hiders, err := t.hiders(s.Workers)
	if err != nil {
		return nil, err
	}
	err = s.each(t.name, len(s.subjects), func(i int) error {
		p := s.subjects[i]
		hide := <-hiders
		defer func() { hiders <- hide }()
		m, err := hide(i, p)
		if err != nil {
			return err
		}
		stego, err := through(m.samples)
		if err != nil {
			return err
		}
		picture, err := m.reveal(stego)
		if err != nil {
			return err
		}
		if picture == nil {
			picture = grey(Side, Side)
		}
		cover := p.cover.Samples[0][:len(stego)]
		signals[i] = power(cover)
		figures[i], err = evaluate.Compare(p.secret, picture, cover, stego)
		return err
	})
	if err != nil {
		return nil, err
	}
	row := &Table1Row{System: t.name, Parameters: t.parameters, FLOPs: t.flops, Training: t.training, Worst: math.Inf(1)}
	signal, n := 0.0, float64(len(figures))
	for i, f := range figures {
		signal += signals[i] / n
		row.Worst = min(row.Worst, f.PSNR)
		if f.PSNR == best {
			row.Exact += 1 / n
		}
	}
	mean := evaluate.Mean(figures, signal)
	row.Figures = &mean
	return row, nil
}

// Markdown writes the report as a page.
func (r *Table1Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Table 1

The paper's Table 1 beside what the systems of this repository reach. Ours are trained and tested on other data than the paper's, which does not give
its sizes or the loudness of its covers either, so rows are compared for orientation, not as a race. Every figure is taken after a real 16-bit WAV
file: a photograph or face of 64×64 pixels in 3 × 16,384 samples of 16 kHz speech with its peak at 0.99 (the first 16,384 of them for DITAS-S),
means over all pairs, revealed pictures in 8 bits, a PSNR counting %d dB at most. DITAS systems hide with a threshold of %g. Beside them stand what needs no
training on recordings: the lattice of this repository at its default and its faint setting, the linear map on a lattice, and a JPEG file in the lowest bits. Where
nothing happens to a recording, arithmetic cannot be beaten; [LATTICE.md](LATTICE.md) tells what is left where something does.

Data %s. Seed %d, commit %s, %s, %.1f minutes.

    %s
`, best, Threshold, r.Columns[0].Data, r.Seed, r.Build, r.Machine, r.Minutes, r.Command)
	for _, c := range r.Columns {
		fmt.Fprintf(&b, "\n## %s in speech\n\n%d pairs of %d pictures and %d clips.\n\n", heading(c.Kind), c.Pairs, c.Pictures, c.Clips)
		b.WriteString("| system | | container MSE | SNR | PSNR | SSIM | MS-SSIM | worst PSNR | exact | no figure worse |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
		for _, row := range c.Rows {
			name := title(row.System)
			if p := row.Published; p != nil {
				fmt.Fprintf(&b, "| %s | published | %.2e | | %.2f dB | %.4f | %.4f | | | |\n", name, p.ContainerMSE, p.PSNR, p.SSIM, p.MSSSIM)
				name = ""
			}
			ahead := ""
			if row.Ahead != nil {
				ahead = map[bool]string{true: "yes", false: "**no**"}[*row.Ahead]
			}
			f := row.Figures
			if f == nil {
				fmt.Fprintf(&b, "| %s | here | not trained | | | | | | | |\n", name)
				continue
			}
			fmt.Fprintf(&b, "| %s | here | %.2e | %.1f dB | %.2f dB | %.4f | %.4f | %.2f dB | %.0f %% | %s |\n",
				name, f.ContainerMSE, f.SNR, f.PSNR, f.SSIM, f.MSSSIM, row.Worst, 100*row.Exact, ahead)
		}
		b.WriteString("\n| system | parameters | GFLOP a picture | training |\n|---|--:|--:|---|\n")
		for _, row := range c.Rows {
			if t := row.Training; t != nil {
				fmt.Fprintf(&b, "| %s | %d | %.2f | %d steps, %d pictures, seed %d, %.0f minutes |\n",
					title(row.System), row.Parameters, float64(row.FLOPs)/1e9, t.Steps, t.Pictures, t.Seed, t.Minutes)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// heading is a kind of pictures as a heading begins with it.
func heading(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] }

// CSV writes the figures, published ones too, as a table with a header.
func (r *Table1Report) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	number := func(v float64) string { return fmt.Sprintf("%.6g", v) }
	write := func(kind, system, source string, mse, psnr, ssim, msssim float64, snr, worst string) error {
		return c.Write([]string{kind, system, source, number(mse), snr, number(psnr), number(ssim), number(msssim), worst})
	}
	err := c.Write([]string{"pictures", "system", "source", "container MSE", "SNR in dB", "PSNR in dB", "SSIM", "MS-SSIM", "worst PSNR in dB"})
	for _, column := range r.Columns {
		for _, row := range column.Rows {
			if p := row.Published; p != nil {
				err = errors.Join(err, write(column.Kind, row.System, "published", p.ContainerMSE, p.PSNR, p.SSIM, p.MSSSIM, "", ""))
			}
			f := row.Figures
			if f == nil {
				continue
			}
			err = errors.Join(err, write(column.Kind, row.System, "here", f.ContainerMSE, f.PSNR, f.SSIM, f.MSSSIM, number(f.SNR), number(row.Worst)))
		}
	}
	c.Flush()
	return errors.Join(err, c.Error())
}
