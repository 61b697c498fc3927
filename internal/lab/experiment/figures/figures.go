// Package figures draws the paper's Figures 2 and 3 and the structure of its networks, of what is in this repository, and writes
// docs/FIGURES.md.
//
//	report, err := figures.Make(ctx, exhibit, os.DirFS("weights/photos"), experiment.Options{})
//	err = report.Markdown(w)
//	files, err := report.Files()
package figures

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"time"

	"ditas"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/evaluate"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/residual"
	"ditas/internal/model/weights"
	"ditas/picture"
	"ditas/picture/quality"
)

// Report is what the paper's figures show, made here.
type Report struct {
	Methods []Shown `json:"methods"`
	// Stages are the stages of the system of Figure 3.
	System string `json:"system"`
	Stages []Step `json:"stages"`
	experiment.Origin

	exhibit *experiment.Exhibit
}

// Shown is a method in Figure 2.
type Shown struct {
	System  string           `json:"system"`
	Figures evaluate.Figures `json:"figures"`

	stego    []float64
	revealed *picture.Planes
}

// Step is a stage in Figure 3.
type Step struct {
	PSNR float64 `json:"psnr"` // dB, of the sum so far in 8 bits
	RMS  float64 `json:"rms"`  // of what is still missing after it

	missing, revealed, left []float64 // S_i, S~_i and S_{i+1}, planar RGB
	sum                     *picture.Planes
}

// Make hides the exhibit with every system whose run is in a folder of runs, and with the lattice.
func Make(ctx context.Context, exhibit *experiment.Exhibit, runs fs.FS, o experiment.Options) (*Report, error) {
	begin := time.Now()
	s := experiment.New(ctx, experiment.Data{}, o)
	r := &Report{System: weights.Default, exhibit: exhibit}
	contenders, _, err := contender.Trained(runs)
	if err != nil {
		return nil, err
	}
	contenders = append(contenders, contender.Lattice(s, ditas.Methods()[0].Name, ditas.HideOptions{}))
	r.Methods = make([]Shown, len(contenders))
	err = s.Each("figure 2", len(contenders), func(i int) (err error) {
		r.Methods[i], err = show(contenders[i], exhibit.Subject)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r.Stages, err = steps(runs, r.System, exhibit.Subject); err != nil {
		return nil, err
	}
	r.Origin = s.Origin(begin)
	return r, nil
}

// show hides a subject and reveals it from the file.
func show(t *contender.Contender, p *experiment.Subject) (Shown, error) {
	shown := Shown{System: t.Name}
	hide, err := t.Worker()
	if err != nil {
		return shown, err
	}
	m, err := hide(0, p)
	if err != nil {
		return shown, err
	}
	if shown.stego, err = experiment.Through(m.Samples); err != nil {
		return shown, err
	}
	if shown.revealed, err = m.Reveal(shown.stego); err != nil {
		return shown, err
	}
	if shown.revealed == nil {
		shown.revealed = experiment.Grey(experiment.Side, experiment.Side)
	}
	shown.Figures, err = evaluate.Compare(p.Secret, shown.revealed, p.Cover.Samples[0][:len(shown.stego)], shown.stego)
	return shown, err
}

// steps returns what the stages of a system do with a subject at a strength of [Threshold].
func steps(runs fs.FS, name string, p *experiment.Subject) ([]Step, error) {
	sys, err := contender.System(runs, name)
	if err != nil {
		return nil, err
	}
	n, err := contender.NewNetworks(sys)
	if err != nil {
		return nil, err
	}
	if _, err := n.Send(p, contender.Threshold); err != nil {
		return nil, err
	}
	residuals, sums := n.Stages(p.Secret)
	var all []Step
	for i, sum := range sums {
		step := Step{missing: residuals[i], left: residuals[i+1], sum: sum, RMS: math.Sqrt(residual.Energy(residuals[i+1]))}
		for k, v := range step.missing {
			step.revealed = append(step.revealed, v-step.left[k])
		}
		psnr, err := quality.PSNR(p.Secret, sum)
		if err != nil {
			return nil, err
		}
		step.PSNR = min(psnr, experiment.Best)
		all = append(all, step)
	}
	return all, nil
}

// Files returns the figures by the names that the page expects in a folder "figures" beside it.
func (r *Report) Files() (map[string]func(w io.Writer) error, error) {
	two, err := r.figure2()
	if err != nil {
		return nil, err
	}
	three, structure := r.figure3(), structureFigure()
	return map[string]func(w io.Writer) error{
		"figure2.png": two.PNG, "figure3.png": three.PNG, "structure.png": structure.PNG, "structure.svg": structure.SVG,
	}, nil
}

// Markdown writes the page that shows the figures.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Figures

*Written by `+"`%s`"+`; do not edit.*

The paper's figures, made of what is in this repository. One photograph, its middle square averaged down to 64×64 pixels, is hidden in %.2f s of speech
at 16 kHz whose peak is at %g; everything is shown as read back from a 16-bit WAV file. DITAS systems hide with a threshold of %g. One pair shows what
things look like; means over the test set are in [TABLE1.md](TABLE1.md).

%s

Commit %s, %s.

## The structure

![Stages and connections](figures/structure.png)

(The same as [SVG](figures/structure.svg).)

**Structure.** (a) The sender hides in subsequence T_i what the stages before have left of the picture, reveals it itself from the samples as the file will hold
them, and passes on what is still missing. The receiver adds up what arrives. Nothing that happens to the file on the way comes back to the sender. (b) The four
variants differ in the dashed arrows alone: features of the stage before, in the hiding networks (-E), the revealing networks (-D) or both (-ED).
(c) A connection: a 1×1 convolution from each hidden layer to the same layer of the next stage, added before the gate. DITAS-S is stage 1 alone.
The poster's own drawing is not in its text; that -E are the hiding and -D the revealing networks is our reading.

## Figure 2: containers and revealed pictures

![Spectrograms and pictures by method](figures/figure2.png)

**Figure 2.** For each method, from above: the container's spectrogram, that of its difference from the cover, the revealed picture, and that picture's
error in 8 bits, %g times as large around mid-grey. The cover and the secret, the same for all, stand on the left. Sine windows of 32 ms, a quarter of one from frame to frame; the scale is the same
for all, 0 dB being a sine at full scale. DITAS-S has one subsequence and uses the first second only (the rest is hatched).

| method | container MSE | SNR | PSNR | SSIM | MS-SSIM |
|---|--:|--:|--:|--:|--:|
`, r.Command, seconds(experiment.Samples), dataset.Peak, contender.Threshold, r.exhibit.Attribution, r.Build, r.Machine, float64(errorGain))
	for _, m := range r.Methods {
		f := m.Figures
		fmt.Fprintf(&b, "| %s | %.2e | %.1f dB | %.2f dB | %.4f | %.4f |\n", contender.Title(m.System), f.ContainerMSE, f.SNR, f.PSNR, f.SSIM, f.MSSSIM)
	}
	fmt.Fprintf(&b, `
A PSNR counts %d dB at most, which is what a picture without an error has.

## Figure 3: the stages of %s

![What goes in, what is revealed, the sum and what is left, by stage](figures/figure3.png)

**Figure 3.** A row for each stage. What is missing of the picture (S_i, S_1 being the picture without its mid-grey), what the stage reveals (S~_i), the sum so far,
and what is still missing (S_(i+1)), as it is and amplified. Values around 0 are shown around mid-grey, as many times as large as is written below.

| after stage | PSNR of the sum, in 8 bits | RMS of what is missing |
|--:|--:|--:|
`, experiment.Best, contender.Title(r.System))
	for i, s := range r.Stages {
		fmt.Fprintf(&b, "| %d | %.2f dB | %.2e |\n", i+1, s.PSNR, s.RMS)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
