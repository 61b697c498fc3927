// Package variants measures how much the seed of training and the number of stages matter, by the protocol of Table 1, and writes
// docs/VARIANTS.md.
//
//	report, err := variants.Measure(ctx, []variants.Data{{Data: data, Kind: "photos", Runs: runs, Stages: stages}}, experiment.Options{})
//	err = report.Markdown(w)
//	files := report.Files()
package variants

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/evaluate"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/drawing"
	"ditas/internal/lab/experiment/table1"
	"ditas/internal/model"
)

// Data is what variants are measured with: pictures of one kind hidden in speech, and the runs that were trained on that kind.
type Data struct {
	experiment.Data
	Kind string // photos or faces
	// Runs are folders of runs of ditas train: the runs of Table 1, and runs of the same configurations with other seeds. Runs have the
	// names of systems, with anything behind a dot.
	Runs []fs.FS
	// Stages has runs that differ in the number of stages, nil if there are none.
	Stages fs.FS
}

// Report is how much the seed of training and the number of stages matter.
type Report struct {
	Seeds []OfKind `json:"seeds"`
	// Stages are systems by their number of stages, each trained on its own, and StagesKind the kind of pictures.
	Stages     []Variant `json:"stages"`
	StagesKind string    `json:"stagesKind,omitempty"`
	// Repeated is the number of pairs whose clip is shorter than the longest cover, so that it is repeated.
	Repeated int    `json:"repeated"`
	Data     string `json:"data"`
	Pairs    int    `json:"pairs"`
	experiment.Origin
}

// OfKind are the multi-stage systems trained on a kind of pictures, from several seeds each.
type OfKind struct {
	Kind     string    `json:"kind"`
	Pictures int       `json:"pictures"`
	Clips    int       `json:"clips"`
	Pairs    int       `json:"pairs"`
	Variants []Variant `json:"variants"`
}

// Variant is one trained system, measured by the protocol of Table 1.
type Variant struct {
	Run    string `json:"run"`
	Stages int    `json:"stages"`
	table1.Row
}

// Measure measures the variants of each kind of pictures.
func Measure(ctx context.Context, kinds []Data, o experiment.Options) (*Report, error) {
	begin := time.Now()
	r := new(Report)
	for _, k := range kinds {
		s := experiment.New(ctx, k.Data, o)
		r.Data, r.Pairs = k.Data.Digest, max(r.Pairs, len(s.Subjects))
		of := OfKind{Kind: k.Kind, Pictures: k.Data.Pictures.Len(), Clips: k.Data.Speech.Len(), Pairs: len(s.Subjects)}
		for _, runs := range k.Runs {
			names, err := runNames(runs)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				system, _, _ := strings.Cut(name, ".")
				if system == "ditas-s" || !slices.Contains(model.Names(), system) {
					continue
				}
				v, err := variantOf(s, runs, name)
				if err != nil {
					return nil, err
				}
				of.Variants = append(of.Variants, *v)
			}
		}
		slices.SortStableFunc(of.Variants, func(a, b Variant) int {
			order := model.Names()
			return cmp.Or(slices.Index(order, a.System)-slices.Index(order, b.System), cmp.Compare(a.Training.Seed, b.Training.Seed))
		})
		if len(of.Variants) > 0 {
			r.Seeds = append(r.Seeds, of)
		}
		if k.Stages != nil {
			if err := r.stages(s, k); err != nil {
				return nil, err
			}
		}
		r.Origin = s.Origin(begin)
	}
	return r, nil
}

// stages measures the runs that differ in the number of stages.
func (r *Report) stages(s *experiment.Study, k Data) error {
	names, err := runNames(k.Stages)
	if err != nil {
		return err
	}
	longest := 0
	for _, name := range names {
		v, err := variantOf(s, k.Stages, name)
		if err != nil {
			return err
		}
		longest = max(longest, v.Stages*experiment.Stage)
		r.Stages = append(r.Stages, *v)
	}
	slices.SortStableFunc(r.Stages, func(a, b Variant) int { return a.Stages - b.Stages })
	r.StagesKind = k.Kind
	for _, p := range s.Subjects {
		if k.Data.Speech.Samples(p.Pair.Clip) < longest {
			r.Repeated++
		}
	}
	return nil
}

// variantOf measures the system of a run in covers that its stages fill.
func variantOf(s *experiment.Study, runs fs.FS, name string) (*Variant, error) {
	sys, err := contender.System(runs, name)
	if err != nil {
		return nil, err
	}
	t, err := contender.Load(runs, name)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Subjects {
		if samples := sys.Config.Stages * experiment.Stage; p.Cover.Frames() != samples {
			p.Cover = s.Clip(p.Pair.Clip, samples)
		}
	}
	row, err := table1.RowOf(s, t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	row.System = sys.Config.Name
	return &Variant{Run: name, Stages: sys.Config.Stages, Row: *row}, nil
}

// runNames returns the names of the runs in a folder.
func runNames(runs fs.FS) ([]string, error) {
	files, err := fs.Glob(runs, "*/weights.safetensors")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("a folder of runs has none: ditas experiment train-all makes them")
	}
	for i, name := range files {
		files[i] = strings.TrimSuffix(name, "/weights.safetensors")
	}
	return files, nil
}

// spreadOf are mean and standard deviation of a figure over seeds.
type spreadOf struct {
	n               int
	mean, deviation float64
}

func (v *OfKind) spread(system string, figure func(f *evaluate.Figures) float64) (s spreadOf) {
	var squares float64
	for _, one := range v.Variants {
		if one.System == system {
			x := figure(one.Figures)
			s.n++
			s.mean += x
			squares += x * x
		}
	}
	n := float64(s.n)
	s.mean /= n
	if s.n > 1 {
		s.deviation = math.Sqrt(max(0, squares-n*s.mean*s.mean) / (n - 1))
	}
	return s
}

// Markdown writes the page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# The variants, trained again

*Written by `+"`%s`"+`; do not edit.*

How much of Table 1 is chance, and what stages are worth. By the protocol of [TABLE1.md](TABLE1.md): pictures of 64×64 pixels, 16,384 samples of 16 kHz speech a
stage with the peak of the whole at %g, a real 16-bit WAV file, a threshold of %g, means over pairs of the test set, a PSNR counting %d dB at most.

Data %s. Seed %d, commit %s, %s, %.1f minutes.
`, r.Command, dataset.Peak, contender.Threshold, experiment.Best, r.Data, r.Seed, r.Build, r.Machine, r.Minutes)
	if len(r.Seeds) > 0 {
		b.WriteString("\n## Seeds\n\nConfiguration and data are those of Table 1; only what is drawn at random in training differs. SD is the standard deviation over seeds.\n")
	}
	for _, k := range r.Seeds {
		fmt.Fprintf(&b, "\n### %s\n\n%d pairs of %d pictures and %d clips.\n\n| system | seed | container MSE | PSNR | SSIM | MS-SSIM | worst PSNR | exact | steps |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
			table1.Heading(k.Kind), k.Pairs, k.Pictures, k.Clips)
		for _, v := range k.Variants {
			f := v.Figures
			fmt.Fprintf(&b, "| %s | %d | %.2e | %.2f dB | %.4f | %.4f | %.2f dB | %.0f %% | %d |\n",
				contender.Title(v.System), v.Training.Seed, f.ContainerMSE, f.PSNR, f.SSIM, f.MSSSIM, v.Worst, 100*v.Exact, v.Training.Steps)
		}
		b.WriteString("\n| system | seeds | PSNR, mean | SD | published |\n|---|--:|--:|--:|--:|\n")
		type placed struct {
			system string
			spreadOf
		}
		var order []placed
		for _, system := range model.Names() {
			p := placed{system, k.spread(system, func(f *evaluate.Figures) float64 { return f.PSNR })}
			if p.n > 0 {
				order = append(order, p)
			}
		}
		slices.SortStableFunc(order, func(a, b placed) int { return cmp.Compare(b.mean, a.mean) })
		for _, p := range order {
			published, _ := table1.PublishedOf(p.system, k.Kind)
			deviation := "–"
			if p.n > 1 {
				deviation = fmt.Sprintf("%.2f dB", p.deviation)
			}
			fmt.Fprintf(&b, "| %s | %d | %.2f dB | %s | %.2f dB |\n", contender.Title(p.system), p.n, p.mean, deviation, published.PSNR)
		}
	}
	if len(r.Stages) > 0 {
		fmt.Fprintf(&b, `
## Number of stages

![PSNR by the number of stages](figures/variants-stages.png)

(The same as [SVG](figures/variants-stages.svg).)

Every row is a system of its own, trained with so many stages from the start; [CLAIMS.md](CLAIMS.md) has what the first stages of one training give. %s; a stage adds 4 samples
a pixel, so that covers differ in length; %d of %d clips are shorter than the longest and are repeated.

| system | stages | samples a pixel | container MSE | PSNR | SSIM | MS-SSIM | worst PSNR | exact | parameters | GFLOP a picture | steps | minutes |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`, table1.Heading(r.StagesKind), r.Repeated, r.Pairs)
		for _, v := range r.Stages {
			f := v.Figures
			fmt.Fprintf(&b, "| %s | %d | %d | %.2e | %.2f dB | %.4f | %.4f | %.2f dB | %.0f %% | %d | %.2f | %d | %.0f |\n",
				contender.Title(v.System), v.Stages, 4*v.Stages, f.ContainerMSE, f.PSNR, f.SSIM, f.MSSSIM, v.Worst, 100*v.Exact,
				v.Parameters, float64(v.FLOPs)/1e9, v.Training.Steps, v.Training.Minutes)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Files returns the figures by the names that the page expects in a folder "figures" beside it.
func (r *Report) Files() map[string]func(w io.Writer) error {
	if len(r.Stages) == 0 {
		return nil
	}
	d := r.stagesFigure()
	return map[string]func(w io.Writer) error{"variants-stages.png": d.PNG, "variants-stages.svg": d.SVG}
}

// stagesFigure draws what stages are worth.
func (r *Report) stagesFigure() *drawing.Figure {
	p := drawing.Chart(fmt.Sprintf("threshold %g", contender.Threshold), "stages", "PSNR (dB)")
	var mean, worst plotter.XYs
	labels := map[float64]string{}
	for _, v := range r.Stages {
		x := float64(v.Stages)
		mean = append(mean, plotter.XY{X: x, Y: v.Figures.PSNR})
		worst = append(worst, plotter.XY{X: x, Y: v.Worst})
		labels[x] = fmt.Sprint(v.Stages)
	}
	drawing.Trace(p, "mean", drawing.Looks[0], mean, true)
	drawing.Trace(p, "worst pair", drawing.Looks[1], worst, true)
	p.X.Tick.Marker, p.Y.Tick.Marker = drawing.Ticks(labels), drawing.Every(20)
	p.Y.Min, p.Y.Max = 0, experiment.Best+4
	p.Legend.Top = false
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-8), vg.Points(6)
	const width, height = 360, 260
	return &drawing.Figure{Width: width, Height: height, Paint: func(s *drawing.Sheet) { s.Chart(p, 8, 8, width-16, height-16) }}
}
