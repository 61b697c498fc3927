// Package results writes docs/RESULTS.md, the page of all results, from the reports of the other experiments and the logs of training.
//
//	page, err := results.Read(os.DirFS("weights"), os.DirFS("docs/results"))
//	err = page.Markdown(w)
package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"ditas/internal/lab/evaluate"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/lattice"
	"ditas/internal/lab/experiment/steganalysis"
	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/internal/lab/experiment/table1"
)

// Page is what docs/RESULTS.md is made of: the results of other experiments, and how the systems were trained.
type Page struct {
	table1      *table1.Report
	evaluations map[string]*evaluate.Report    // by kind of pictures
	others      map[string]*circumstances      // by name of the experiment
	trainings   map[string]*contender.Training // by folder, like photos/ditas-m
}

// circumstances are what the page tells of an experiment that has a page of its own, and what is left of its results in docs/results.
type circumstances struct {
	Data  string `json:"data"`
	Pairs int    `json:"pairs"`
	experiment.Origin
	// Targets are those of the page, and Met the ones that were met.
	Targets int `json:"targets,omitempty"`
	Met     int `json:"met,omitempty"`
	// Found tells how well the methods at the lattice's strength were found out.
	Found []finding `json:"found,omitempty"`
}

// finding is what a detector made of a method.
type finding struct {
	Method string         `json:"method"`
	AUC    trial.Estimate `json:"auc"`
	Error  trial.Estimate `json:"error"`
}

// pages are the experiments with pages of their own, in the order of the page.
var pages = []struct{ name, page, what string }{
	{"lattice", "LATTICE.md", "the default method beside its targets"},
	{"durable", "DURABLE.md", "what is left after lossy codecs and whatever else people do to recordings, beside its targets"},
	{"claims", "CLAIMS.md", "what the paper claims of its stages"},
	{"variants", "VARIANTS.md", "the systems trained from other seeds and with other numbers of stages"},
	{"robustness", "ROBUSTNESS.md", "what is left when something happens to a recording"},
	{"steganalysis", "STEGANALYSIS.md", "how well detectors find out that something is hidden"},
	{"steganalysis-structure", "STEGANALYSIS-STRUCTURE.md", "whether anything comes again within a long recording"},
}

// kinds are the kinds of pictures in the paper's Table 1.
var kinds = []string{"photos", "faces"}

// Read reads the results that there are: table1.json, evaluate-photos.json, evaluate-faces.json, lattice.json, durable.json, claims.json,
// variants.json, robustness.json, steganalysis.json and steganalysis-structure.json, each from the first of the folders that has it, as the commands write them or as [Page.Files] does; and from weights,
// which has a folder for each kind of pictures, the configurations and the logs of the runs. table1.json has to be there.
func Read(weights fs.FS, folders ...fs.FS) (*Page, error) {
	r := &Page{table1: new(table1.Report), evaluations: map[string]*evaluate.Report{}, others: map[string]*circumstances{}, trainings: map[string]*contender.Training{}}
	if err := readResult(folders, "table1.json", r.table1); err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		report := new(evaluate.Report)
		if err := readResult(folders, "evaluate-"+kind+".json", report); err == nil {
			r.evaluations[kind] = report
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, system := range contender.Systems() {
			name := kind + "/" + system
			t, err := contender.TrainingOf(weights, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			r.trainings[name] = t
		}
	}
	for _, p := range pages {
		c := new(circumstances)
		if err := readResult(folders, p.name+".json", c); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		r.others[p.name] = c
	}
	return r, nil
}

// readResult reads a file from the first folder that has it.
func readResult(folders []fs.FS, name string, v any) error {
	for _, folder := range folders {
		text, err := fs.ReadFile(folder, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(text, v)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// UnmarshalJSON reads circumstances, or the whole report that they belong to.
func (c *circumstances) UnmarshalJSON(text []byte) error {
	type plain circumstances
	var report struct {
		plain
		Tables []*lattice.Table
		Scenes []steganalysis.SceneReport

		Recordings []steganalysis.SearchedRecording
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return err
	}
	*c = circumstances(report.plain)
	for _, t := range report.Tables {
		for _, row := range t.Rows {
			if row.Met != nil {
				c.Targets++
				if *row.Met {
					c.Met++
				}
			}
		}
	}
	for _, s := range report.Scenes {
		c.Pairs += s.Covers
		trained := func(m steganalysis.MethodReport) bool { return slices.Contains(contender.Systems(), m.Name) }
		if !slices.ContainsFunc(s.Methods, trained) {
			continue
		}
		for _, m := range s.Methods {
			if v := m.Features.Disjoint; v != nil {
				c.Found = append(c.Found, finding{m.Name, v.AUC, v.Error})
			}
		}
	}
	c.Pairs += len(report.Recordings)
	return nil
}

// Files returns by name what Read needs of the results to make the same page again, as values to be written as JSON.
func (r *Page) Files() map[string]any {
	files := map[string]any{"table1.json": r.table1}
	for kind, report := range r.evaluations {
		files["evaluate-"+kind+".json"] = report
	}
	for name, c := range r.others {
		files[name+".json"] = c
	}
	return files
}

const resultsHead = `# Results

*Written by ` + "`ditas experiment results`" + ` from the files in [results](results) and the runs in [weights](../weights); do not edit.*

Every system of the paper's Table 1: what it is, how it was trained, and what it comes to. How figures are taken is told in [TABLE1.md](TABLE1.md): 64×64 pixels
in 3 × 16,384 samples of 16 kHz speech with its peak at 0.99, after a real 16-bit WAV file, means over all pairs of the test set, which shares no speaker and no
picture with the training set. DITAS systems hide with a threshold of %g. FLOPs are those of the convolutions that hide and reveal a picture, a multiply-add
counting as two; parts of a picture that training looked at count as such; minutes are as the logs have them, of a machine that others used as well.

Data %s. Seed %d, commit %s, %s, %.1f minutes.

    %s
`

// Markdown writes the page.
func (r *Page) Markdown(w io.Writer) error {
	var b strings.Builder
	o := r.table1.Origin
	fmt.Fprintf(&b, resultsHead, contender.Threshold, r.table1.Columns[0].Data, o.Seed, o.Build, o.Machine, o.Minutes, o.Command)
	for _, c := range r.table1.Columns {
		r.systems(&b, c)
	}
	if err := r.shipped(&b); err != nil {
		return err
	}
	r.pages(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// systems writes a column of Table 1 with the training of its systems.
func (r *Page) systems(b *strings.Builder, c table1.Column) {
	fmt.Fprintf(b, "\n## %s in speech\n\n%d pairs of %d pictures and %d clips. Figures are ours / the paper's.\n\n", table1.Heading(c.Kind), c.Pairs, c.Pictures, c.Clips)
	b.WriteString("| system | container MSE | PSNR | SSIM | MS-SSIM | worst PSNR | exact |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range c.Rows {
		f, p := row.Figures, row.Published
		if f == nil && p == nil {
			continue
		}
		figure := func(format string, of func(f *evaluate.Figures, p *table1.Published) (ours, theirs float64)) string {
			ours, theirs := of(orZero(f), orZero(p))
			switch {
			case f == nil:
				return fmt.Sprintf("– / "+format, theirs)
			case p == nil:
				return fmt.Sprintf(format, ours)
			}
			return fmt.Sprintf(format+" / "+format, ours, theirs)
		}
		worst, exact := "not trained", "–"
		if f != nil {
			worst, exact = fmt.Sprintf("%.2f dB", row.Worst), fmt.Sprintf("%.0f %%", 100*row.Exact)
		}
		fmt.Fprintf(b, "| %s | %s | %s dB | %s | %s | %s | %s |\n", contender.Title(row.System),
			figure("%.2e", func(f *evaluate.Figures, p *table1.Published) (float64, float64) {
				return f.ContainerMSE, p.ContainerMSE
			}),
			figure("%.2f", func(f *evaluate.Figures, p *table1.Published) (float64, float64) { return f.PSNR, p.PSNR }),
			figure("%.4f", func(f *evaluate.Figures, p *table1.Published) (float64, float64) { return f.SSIM, p.SSIM }),
			figure("%.4f", func(f *evaluate.Figures, p *table1.Published) (float64, float64) { return f.MSSSIM, p.MSSSIM }), worst, exact)
	}
	fmt.Fprintf(b, "\n| system | parameters | GFLOP a picture | steps | pictures seen | minutes | seed | run |\n|---|--:|--:|--:|--:|--:|--:|---|\n")
	for _, row := range c.Rows {
		name := c.Kind + "/" + row.System
		t := r.trainings[name]
		if t == nil {
			continue
		}
		size := "– | –" // the weights are younger than the table
		if row.Figures != nil {
			size = fmt.Sprintf("%d | %.2f", row.Parameters, float64(row.FLOPs)/1e9)
		}
		fmt.Fprintf(b, "| %s | %s | %d | %d | %.0f | %d | [configuration](../weights/%s/config.json), [log](../weights/%s/log.jsonl) |\n",
			contender.Title(row.System), size, t.Steps, t.Pictures, t.Minutes, t.Seed, name, name)
	}
}

// orZero returns a pointer, or one to a zero value where it is nil.
func orZero[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

const shippedHead = `
## The shipped networks

The networks that ` + "`ditas hide --method ditas-m-ed`" + ` uses were trained for longer ([TRAINING.md](TRAINING.md), [MODEL.md](MODEL.md)). No recording and no picture of the
test set was used to train them or to compare candidates. (The band powers of the test speech were looked at, beside those of the training speech, when the
transform domain was first considered. The defaults of the command, 40 dB and the rule for pauses, were chosen with an ear model on some of this
speech and on the demo's photograph, which are in this set. The figures here do not depend on them, but figures of that command on this material
are no test.) The protocol is that of package ` + "`evaluate`" + `. All rows are one set of weights; the threshold is the strength of hiding.

    ditas evaluate --data data --json
    ditas evaluate --data data --kind faces --json
`

// shipped writes what the networks that ditas comes with do.
func (r *Page) shipped(b *strings.Builder) error {
	if len(r.evaluations) == 0 {
		return nil
	}
	b.WriteString(shippedHead)
	for _, kind := range kinds {
		report := r.evaluations[kind]
		if report == nil {
			continue
		}
		fmt.Fprintf(b, "\n### %s\n\n", table1.Heading(kind))
		if kind == "faces" {
			b.WriteString("The networks were trained on photographs only.\n\n")
		}
		if err := report.Markdown(b); err != nil {
			return err
		}
	}
	report := r.evaluations[kinds[0]]
	if report == nil {
		return nil
	}
	b.WriteString("\n### Beside the paper\n\n| | container MSE | PSNR | SSIM | MS-SSIM |\n|---|---|---|---|---|\n")
	p, _ := table1.PublishedOf(report.System, kinds[0])
	fmt.Fprintf(b, "| the paper's %s, natural pictures in TIMIT | %.2e | %.2f dB | %.4f | %.4f |\n", contender.Title(report.System), p.ContainerMSE, p.PSNR, p.SSIM, p.MSSSIM)
	for _, row := range slices.Backward(report.Rows) {
		m := row.Mean
		fmt.Fprintf(b, "| ours, threshold %g | %.2e | %.2f dB | %.4f | %.4f |\n", row.Threshold, m.ContainerMSE, m.PSNR, m.SSIM, m.MSSSIM)
	}
	b.WriteString(`
The paper does not give its sizes or the loudness of its covers, and its data are others, so the rows say no more than that the
same method, in a domain where the recording does not interfere, leaves its figures far behind. In a clean channel that is no
feat: replacing the two lowest bits of each sample carries the same picture without any loss at a container MSE of 1.4e-9. What these
networks have over it is a coarse picture from a part of the recording, and a margin against disturbances that the two lowest bits
do not have, as [ROBUSTNESS.md](ROBUSTNESS.md) shows.
`)
	return nil
}

// pages tells of the other experiments.
func (r *Page) pages(b *strings.Builder) {
	b.WriteString("\n## Other pages\n\n| page | | pairs | seed | commit | minutes |\n|---|---|--:|--:|---|--:|\n")
	o := r.table1.Origin
	fmt.Fprintf(b, "| [TABLE1.md](TABLE1.md) | the paper's Table 1 | %d | %d | %s | %.1f |\n", r.table1.Columns[0].Pairs, o.Seed, o.Build, o.Minutes)
	for _, p := range pages {
		c := r.others[p.name]
		if c == nil {
			continue
		}
		what := p.what
		if c.Targets > 0 {
			what += fmt.Sprintf(": %d of %d met", c.Met, c.Targets)
		}
		fmt.Fprintf(b, "| [%s](%s) | %s | %d | %d | %s | %.1f |\n", p.page, p.page, what, c.Pairs, c.Seed, c.Build, c.Minutes)
	}
	c := r.others["steganalysis"]
	if c == nil || c.Found == nil {
		return
	}
	b.WriteString("\nHow well features made by hand tell recordings in which something is hidden, all changes 50 dB below the recording, by recordings of other speakers and tracks, with\n" +
		"95 % confidence intervals, P_E in %; [STEGANALYSIS.md](STEGANALYSIS.md) tells what that means and what it does not.\n\n| method | AUC | P_E |\n|---|--:|--:|\n")
	for _, f := range c.Found {
		fmt.Fprintf(b, "| %s | %.3f (%.3f–%.3f) | %s |\n", contender.Title(f.Method), f.AUC.Value, f.AUC.Low, f.AUC.High, f.Error.Percent())
	}
}
