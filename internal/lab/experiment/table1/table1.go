// Package table1 measures the systems of the paper's Table 1 beside what it published, and writes docs/TABLE1.md.
//
//	report, err := table1.Measure(ctx, []table1.Data{{Data: data, Kind: "photos", Runs: os.DirFS("weights/photos")}}, experiment.Options{})
//	err = report.Markdown(w)
//	err = report.CSV(w)
package table1

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

	"ditas"

	"ditas/internal/lab/evaluate"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
)

// Data is a column of Table 1: pictures of one kind, hidden in speech.
type Data struct {
	experiment.Data
	Kind string // photos or faces
	Runs fs.FS  // has a folder of each of [contender.Systems], as ditas train makes it
}

// Report is the paper's Table 1, beside what is measured here.
type Report struct {
	Columns []Column `json:"columns"`
	experiment.Origin
}

// Column is one of its columns.
type Column struct {
	Kind     string `json:"kind"`
	Data     string `json:"data"`
	Pictures int    `json:"pictures"`
	Clips    int    `json:"clips"`
	Pairs    int    `json:"pairs"`
	Rows     []Row  `json:"rows"`
}

// Row is a system in a column.
type Row struct {
	System    string            `json:"system"`
	Published *Published        `json:"published,omitempty"`
	Figures   *evaluate.Figures `json:"figures,omitempty"` // nil if there is no trained system
	Worst     float64           `json:"worst,omitempty"`   // PSNR in dB
	Exact     float64           `json:"exact,omitempty"`   // share of pictures without an error
	// Ahead tells that no figure is worse than the published one.
	Ahead      *bool               `json:"ahead,omitempty"`
	Parameters int                 `json:"parameters,omitempty"`
	FLOPs      int                 `json:"flops,omitempty"` // of hiding and revealing one picture
	Training   *contender.Training `json:"training,omitempty"`
}

// Measure measures the paper's systems, and the ones beside them here, in each column, by the protocol of package evaluate, except
// that revealed pictures are rounded to 8 bits.
func Measure(ctx context.Context, columns []Data, o experiment.Options) (*Report, error) {
	begin := time.Now()
	r := new(Report)
	for _, c := range columns {
		s := experiment.New(ctx, c.Data, o)
		column, err := columnOf(s, c)
		if err != nil {
			return nil, err
		}
		r.Columns = append(r.Columns, *column)
		r.Origin = s.Origin(begin)
	}
	return r, nil
}

// arithmetic are the contenders that were not trained on recordings: ours, the linear map, and a JPEG file in the lowest bits.
func arithmetic(s *experiment.Study) []*contender.Contender {
	return []*contender.Contender{
		contender.Lattice(s, ditas.Methods()[0].Name, ditas.HideOptions{}), contender.Linear(s), contender.LowestBits(2),
	}
}

// columnOf measures a column.
func columnOf(s *experiment.Study, c Data) (*Column, error) {
	column := &Column{
		Kind: c.Kind, Data: c.Data.Digest, Pictures: c.Data.Pictures.Len(), Clips: c.Data.Speech.Len(), Pairs: len(s.Subjects),
	}
	contenders, untrained, err := contender.Trained(c.Runs)
	if err != nil {
		return nil, err
	}
	for _, name := range untrained {
		contenders = append(contenders, &contender.Contender{Name: name})
	}
	slices.SortFunc(contenders, func(a, b *contender.Contender) int {
		return slices.Index(contender.Systems(), a.Name) - slices.Index(contender.Systems(), b.Name)
	})
	for _, t := range append(contenders, arithmetic(s)...) {
		row := &Row{System: t.Name}
		if t.Worker != nil {
			if row, err = RowOf(s, t); err != nil {
				return nil, fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		if p, ok := PublishedOf(t.Name, c.Kind); ok {
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

// RowOf measures a contender on all subjects.
func RowOf(s *experiment.Study, t *contender.Contender) (*Row, error) {
	figures, signals := make([]evaluate.Figures, len(s.Subjects)), make([]float64, len(s.Subjects))
	hiders, err := t.Hiders(s.Options.Workers)
	if err != nil {
		return nil, err
	}
	err = s.Each(t.Name, len(s.Subjects), func(i int) error {
		p := s.Subjects[i]
		hide := <-hiders
		defer func() { hiders <- hide }()
		m, err := hide(i, p)
		if err != nil {
			return err
		}
		stego, err := experiment.Through(m.Samples)
		if err != nil {
			return err
		}
		picture, err := m.Reveal(stego)
		if err != nil {
			return err
		}
		if picture == nil {
			picture = experiment.Grey(experiment.Side, experiment.Side)
		}
		cover := p.Cover.Samples[0][:len(stego)]
		signals[i] = experiment.Power(cover)
		figures[i], err = evaluate.Compare(p.Secret, picture, cover, stego)
		return err
	})
	if err != nil {
		return nil, err
	}
	row := &Row{System: t.Name, Parameters: t.Parameters, FLOPs: t.FLOPs, Training: t.Training, Worst: math.Inf(1)}
	signal, n := 0.0, float64(len(figures))
	for i, f := range figures {
		signal += signals[i] / n
		row.Worst = min(row.Worst, f.PSNR)
		if f.PSNR == experiment.Best {
			row.Exact += 1 / n
		}
	}
	mean := evaluate.Mean(figures, signal)
	row.Figures = &mean
	return row, nil
}

// Markdown writes the report as a page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Table 1

The paper's Table 1 beside what the systems of this repository reach. Ours are trained and tested on other data than the paper's, which does not give
its sizes or the loudness of its covers either, so rows are compared for orientation, not as a race. Every figure is taken after a real 16-bit WAV
file: a photograph or face of 64×64 pixels in 3 × 16,384 samples of 16 kHz speech with its peak at 0.99 (the first 16,384 of them for DITAS-S),
means over all pairs, revealed pictures in 8 bits, a PSNR counting %d dB at most. DITAS systems hide with a threshold of %g. Beside them stand what needs no
training on recordings: the lattice of this repository, the linear map on a lattice, and a JPEG file in the lowest bits. Where
nothing happens to a recording, arithmetic cannot be beaten; [LATTICE.md](LATTICE.md) tells what is left where something does.

Data %s. Seed %d, commit %s, %s, %.1f minutes.

    %s
`, experiment.Best, contender.Threshold, r.Columns[0].Data, r.Seed, r.Build, r.Machine, r.Minutes, r.Command)
	for _, c := range r.Columns {
		fmt.Fprintf(&b, "\n## %s in speech\n\n%d pairs of %d pictures and %d clips.\n\n", Heading(c.Kind), c.Pairs, c.Pictures, c.Clips)
		b.WriteString("| system | | container MSE | SNR | PSNR | SSIM | MS-SSIM | worst PSNR | exact | no figure worse |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
		for _, row := range c.Rows {
			name := contender.Title(row.System)
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
					contender.Title(row.System), row.Parameters, float64(row.FLOPs)/1e9, t.Steps, t.Pictures, t.Seed, t.Minutes)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Heading is a kind of pictures as a heading begins with it.
func Heading(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] }

// CSV writes the figures, published ones too, as a table with a header.
func (r *Report) CSV(w io.Writer) error {
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
