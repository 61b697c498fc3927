// Package claims measures what the paper claims of its stages: residuals that grow sparser, a payload that can be chosen, and a picture
// from a part of the carrier. It writes docs/CLAIMS.md.
//
//	report, err := claims.Measure(ctx, data, exhibit, os.DirFS("weights/photos"), experiment.Options{})
//	err = report.Markdown(w)
//	files := report.Files()
package claims

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"time"

	"ditas"
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/residual"
	"ditas/internal/model"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// dropout is the system that was also trained with lost stages. It takes part in what is measured of loss if its run is there.
const dropout = "ditas-m-ed-dropout"

// label is [contender.Title] for the systems of the claims.
func label(system string) string {
	if system == dropout {
		return "DITAS-M-ED, dropout"
	}
	return contender.Title(system)
}

// strengthsOfPayload are the thresholds at which payload is measured; everything else is at [contender.Threshold].
var strengthsOfPayload = []float64{0.01, 0.03, contender.Threshold}

// Report is what the paper claims, measured.
type Report struct {
	Data     string              `json:"data"`
	Pictures int                 `json:"pictures"`
	Clips    int                 `json:"clips"`
	Pairs    int                 `json:"pairs"`
	Sparsity []residual.Sparsity `json:"sparsity"`
	Payload  []Payload           `json:"payload"`
	Loss     []Loss              `json:"loss"`
	// LossPairs is the number of pairs on which loss was measured.
	LossPairs int     `json:"lossPairs"`
	Grey      float64 `json:"grey"` // mean PSNR in dB of a grey picture on these
	experiment.Origin

	exhibit *experiment.Exhibit
	shown   [][]remains // by method and case of Loss: what is left of the exhibit
}

// remains are a picture that is left of the exhibit.
type remains struct {
	picture *picture.Planes
	psnr    float64 // dB
}

// Payload is what a method makes of a number of samples a pixel.
type Payload struct {
	System       string  `json:"system"`
	Threshold    float64 `json:"threshold,omitempty"` // the lattice has none
	Stages       int     `json:"stages,omitempty"`    // that arrive
	Samples      int     `json:"samplesPerPixel"`
	ContainerMSE float64 `json:"containerMSE"` // of those samples
	PSNR         float64 `json:"psnr"`         // dB, mean
	Worst        float64 `json:"worst"`        // dB
	SSIM         float64 `json:"ssim"`
	Exact        float64 `json:"exact"` // share of pictures without an error
}

// Loss is what a method has left when subsequences are lost.
type Loss struct {
	System string       `json:"system"`
	Cases  []LossOfCase `json:"cases"` // as in cases
}

// LossOfCase is what is left in one case.
type LossOfCase struct {
	Lost  []int   `json:"lost"`  // subsequences, from 1 on
	PSNR  float64 `json:"psnr"`  // dB, mean
	Worst float64 `json:"worst"` // dB
	SSIM  float64 `json:"ssim"`
}

// cases are the subsequences that are lost, from 0 on: none, each, each pair.
var cases = [][]int{{}, {0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}}

// caseName says what is lost.
func caseName(lost []int) string {
	switch len(lost) {
	case 0:
		return "none"
	case 1:
		return fmt.Sprint(lost[0] + 1)
	}
	return fmt.Sprintf("%d and %d", lost[0]+1, lost[1]+1)
}

// Measure measures what the paper claims of its stages with the systems in a folder of runs: residuals that grow sparser, a payload
// that can be chosen, and a picture from a part of the carrier. The exhibit is shown, not measured.
func Measure(ctx context.Context, data experiment.Data, exhibit *experiment.Exhibit, runs fs.FS, o experiment.Options) (*Report, error) {
	begin := time.Now()
	s := experiment.New(ctx, data, o)
	r := &Report{
		Data: data.Digest, Pictures: data.Pictures.Len(), Clips: data.Speech.Len(), Pairs: len(s.Subjects), LossPairs: len(s.Damaged()),
		exhibit: exhibit,
	}
	systems := model.Names()
	if _, err := fs.Stat(runs, dropout+"/weights.safetensors"); err == nil {
		systems = append(systems, dropout)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range systems {
		sys, err := contender.System(runs, name)
		if err != nil {
			return nil, err
		}
		if err := r.measure(s, name, sys); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := r.lattice(s); err != nil {
		return nil, fmt.Errorf("lattice: %w", err)
	}
	r.Origin = s.Origin(begin)
	return r, nil
}

// measure measures a system.
func (r *Report) measure(s *experiment.Study, name string, sys *model.System) error {
	pool := make(chan *contender.Networks, s.Options.Workers)
	for range s.Options.Workers {
		n, err := contender.NewNetworks(sys)
		if err != nil {
			return err
		}
		pool <- n
	}
	stages := sys.Config.Stages
	if stages != 1 && stages != experiment.Stages || sys.Config.Tile != experiment.Side {
		return fmt.Errorf("%d stages for pictures of %d pixels: want 1 or %d, and %d pixels", stages, sys.Config.Tile, experiment.Stages, experiment.Side)
	}
	type result struct {
		residuals []residual.Profile
		payload   [][]scored // by strength and stage
		loss      []scored
	}
	results := make([]result, len(s.Subjects))
	err := s.Each(name, len(s.Subjects), func(i int) error {
		n, p := <-pool, s.Subjects[i]
		defer func() { pool <- n }()
		out := &results[i]
		for _, tau := range strengthsOfPayload {
			received, err := n.Send(p, tau)
			if err != nil {
				return err
			}
			residuals, sums := n.Stages(p.Secret)
			var scores []scored
			for k, sum := range sums {
				score, err := rate(p.Secret, sum)
				if err != nil {
					return err
				}
				end := (k + 1) * experiment.Stage
				if score.mse, err = metric.MSE(p.Cover.Samples[0][:end], received[:end]); err != nil {
					return err
				}
				scores = append(scores, score)
			}
			out.payload = append(out.payload, scores)
			if tau != contender.Threshold || stages == 1 {
				continue
			}
			for _, missing := range residuals {
				out.residuals = append(out.residuals, residual.Measure(missing))
			}
			for _, lost := range cases {
				rest, err := n.Reveal(received, contender.Threshold, lost...)
				if err != nil {
					return err
				}
				score, err := rate(p.Secret, rest)
				if err != nil {
					return err
				}
				out.loss = append(out.loss, score)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	collect := func(of func(result) scored) []scored {
		var all []scored
		for _, one := range results {
			all = append(all, of(one))
		}
		return all
	}
	for t, tau := range strengthsOfPayload {
		for k := range stages {
			v := Payload{System: name, Threshold: tau, Stages: k + 1, Samples: (k + 1) * experiment.Stage / (experiment.Side * experiment.Side)}
			v.of(collect(func(one result) scored { return one.payload[t][k] }))
			r.Payload = append(r.Payload, v)
		}
	}
	if stages == 1 {
		return nil
	}
	for k := range stages + 1 {
		var profiles []residual.Profile
		for _, one := range results {
			profiles = append(profiles, one.residuals[k])
		}
		r.Sparsity = append(r.Sparsity, residual.Mean(name, k, profiles))
	}
	loss := Loss{System: name}
	for c, lost := range cases {
		// Only on those pairs that the lattice, which takes longer, is measured on too.
		loss.Cases = append(loss.Cases, lossOf(lost, collect(func(one result) scored { return one.loss[c] })[:r.LossPairs]))
	}
	r.Loss = append(r.Loss, loss)
	n := <-pool
	received, err := n.Send(r.exhibit.Subject, contender.Threshold)
	if err != nil {
		return err
	}
	return r.show(func(lost []int) (*picture.Planes, error) { return n.Reveal(received, contender.Threshold, lost...) })
}

// show keeps what a method reveals of the exhibit in every case.
func (r *Report) show(reveal func(lost []int) (*picture.Planes, error)) error {
	var shown []remains
	for _, lost := range cases {
		p, err := reveal(lost)
		if err != nil {
			return err
		}
		if p == nil {
			p = experiment.Grey(experiment.Side, experiment.Side)
		}
		score, err := rate(r.exhibit.Subject.Secret, p)
		if err != nil {
			return err
		}
		shown = append(shown, remains{p, score.psnr})
	}
	r.shown = append(r.shown, shown)
	return nil
}

// lattice measures the lattice at its default strength: hidden in the first thirds of a clip, and with thirds of the whole zeroed.
func (r *Report) lattice(s *experiment.Study) error {
	for k := 1; k <= experiment.Stages; k++ {
		scores := make([]scored, len(s.Subjects))
		err := s.Each("lattice", len(scores), func(i int) error {
			p := s.Subjects[i]
			cover := s.Clip(p.Pair.Clip, k*experiment.Stage)
			c, err := s.Hide(cover, p.Secret, "", ditas.HideOptions{})
			if short := (*report.TooShortError)(nil); errors.As(err, &short) {
				scores[i], err = rate(p.Secret, experiment.Grey(experiment.Side, experiment.Side))
				return err
			}
			if err != nil {
				return err
			}
			if k == experiment.Stages {
				p.Stego = c
			}
			if scores[i], err = rest(s, p.Secret, c); err != nil {
				return err
			}
			scores[i].mse, err = metric.MSE(cover.Samples[0], c.Samples[0])
			return err
		})
		if err != nil {
			return err
		}
		v := Payload{System: ditas.Methods()[0].Name, Samples: k * experiment.Stage / (experiment.Side * experiment.Side)}
		v.of(scores)
		r.Payload = append(r.Payload, v)
	}
	subjects := s.Damaged()
	scores := make([]scored, len(cases)*len(subjects))
	err := s.Each("lattice, loss", len(subjects), func(i int) error {
		p := subjects[i]
		if p.Stego == nil {
			return fmt.Errorf("pair %d: the recording is too short", i+1)
		}
		for k, lost := range cases {
			var err error
			if scores[k*len(subjects)+i], err = rest(s, p.Secret, without(p.Stego, lost)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	loss := Loss{System: ditas.Methods()[0].Name}
	for k, lost := range cases {
		loss.Cases = append(loss.Cases, lossOf(lost, scores[k*len(subjects):][:len(subjects)]))
	}
	r.Loss = append(r.Loss, loss)
	for _, p := range subjects {
		score, err := rate(p.Secret, experiment.Grey(experiment.Side, experiment.Side))
		if err != nil {
			return err
		}
		r.Grey += score.psnr / float64(len(subjects))
	}
	c, err := s.Hide(r.exhibit.Subject.Cover, r.exhibit.Subject.Secret, "", ditas.HideOptions{})
	if err != nil {
		return err
	}
	return r.show(func(lost []int) (*picture.Planes, error) {
		return s.Reveal(without(c, lost), "", ditas.RevealOptions{})
	})
}

// without returns a recording with subsequences, counted from 0, zeroed.
func without(r *audio.Recording, lost []int) *audio.Recording {
	for _, i := range lost {
		r = channel.Zero(r, i*experiment.Stage, experiment.Stage)
	}
	return r
}

// scored is how good a picture is, and what its container has cost.
type scored struct{ psnr, ssim, mse float64 }

// rate compares a picture with the one that was hidden.
func rate(secret, revealed *picture.Planes) (scored, error) {
	psnr, err1 := quality.PSNR(secret, revealed)
	ssim, err2 := quality.SSIM(secret, revealed)
	return scored{psnr: min(psnr, experiment.Best), ssim: ssim}, errors.Join(err1, err2)
}

// rest rates what is revealed from a recording, a grey picture where that is nothing.
func rest(s *experiment.Study, secret *picture.Planes, r *audio.Recording) (scored, error) {
	p, err := s.Reveal(r, "", ditas.RevealOptions{})
	if err != nil {
		return scored{}, err
	}
	if p == nil {
		p = experiment.Grey(secret.Width, secret.Height)
	}
	return rate(secret, p)
}

// of sets the figures of v to the means of scores.
func (v *Payload) of(scores []scored) {
	n := float64(len(scores))
	v.Worst = math.Inf(1)
	for _, s := range scores {
		v.ContainerMSE += s.mse / n
		v.PSNR += s.psnr / n
		v.SSIM += s.ssim / n
		v.Worst = min(v.Worst, s.psnr)
		if s.psnr == experiment.Best {
			v.Exact += 1 / n
		}
	}
}

func lossOf(lost []int, scores []scored) LossOfCase {
	var v Payload
	v.of(scores)
	c := LossOfCase{Lost: []int{}, PSNR: v.PSNR, Worst: v.Worst, SSIM: v.SSIM}
	for _, i := range lost {
		c.Lost = append(c.Lost, i+1)
	}
	return c
}

// Markdown writes the page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	small, hold, hoyer := residual.Gaussian()
	fmt.Fprintf(&b, `# The claims

*Written by `+"`%s`"+`; do not edit.*

What the paper claims of its stages, measured: that residuals grow sparser, that the payload can be chosen, and that a picture is left when a part of
the carrier is lost. Photographs of 64×64 pixels in 3 × 16,384 samples of 16 kHz speech with its peak at %g (4 samples a pixel a stage), after a real 16-bit WAV
file, means over pairs; revealed pictures in 8 bits; a PSNR counts %d dB at most. DITAS systems hide with a threshold of %g unless a row says otherwise. The lattice
of this repository hides at its default strength, an SNR of %g dB, a far smaller change than that of the DITAS systems; the methods do not race here.

Data %s: %d pairs of %d pictures and %d clips. Seed %d, commit %s, %s, %.1f minutes.

## Residuals by stage

![Histograms of residuals](figures/claims-sparsity.png)

(The same as [SVG](figures/claims-sparsity.svg).)

**Residuals.** Left: magnitudes of what is missing of the pictures before the first stage (S_1) and after each (S_2 to S_4), %s, in bins of an
%dth of a decade; what is smaller than %g counts in the first bin. An error below half a step of an 8-bit picture (dotted) is none once the picture is rounded. Right: the same, each
picture's residual divided by its own RMS, which leaves its shape only: the more a residual is sparse, the more of it lies to the left of where that of Gaussian noise lies (grey).

Energy is the mean square; near zero are values below half a step of an 8-bit picture, or below two. The last three do not
depend on how large a residual is, only on its shape: the share of values below a tenth of its RMS, the share of values that hold 90 %% of its energy, and
Hoyer's sparseness (2004), 0 if all magnitudes are equal and 1 if one value alone is not 0. Gaussian noise has %.1f %%, %.1f %% and %.3f.

| system | residual | energy | RMS | < ½ step | < 2 steps | < RMS/10 | hold 90 %% | Hoyer |
|---|---|--:|--:|--:|--:|--:|--:|--:|
`, r.Command, dataset.Peak, experiment.Best, contender.Threshold, float64(ditas.DefaultSNR), r.Data, r.Pairs, r.Pictures, r.Clips, r.Seed, r.Build, r.Machine, r.Minutes,
		contender.Title(shownSystem), residual.BinsPerDecade, math.Pow(10, residual.LowestDecade), 100*small, 100*hold, hoyer)
	for _, v := range r.Sparsity {
		fmt.Fprintf(&b, "| %s | S_%d | %.2e | %.2e | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.3f |\n",
			label(v.System), v.Stage+1, v.Energy, v.RMS, 100*v.NearZero, 100*v.NearTwo, 100*v.Small, 100*v.Hold, v.Hoyer)
	}
	b.WriteString(`
## Payload

![PSNR by samples a pixel](figures/claims-payload.png)

(The same as [SVG](figures/claims-payload.svg).)

**Payload.** Left: all systems at a threshold of ` + fmt.Sprint(contender.Threshold) + `, and the lattice. Right: ` + contender.Title(shownSystem) + ` at three strengths. The stages of a system with three are those
of one training; stage i does not know whether others follow, so that a sender who stops after one or two stages hides what is in the first rows. DITAS-S is a
system of its own with one stage. A clip in which the lattice has no room counts as a grey picture.

| system | threshold | stages | samples a pixel | container MSE | PSNR | worst PSNR | SSIM | exact |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
`)
	for _, v := range r.Payload {
		threshold, stages := "", ""
		if v.Stages > 0 {
			threshold, stages = fmt.Sprint(v.Threshold), fmt.Sprint(v.Stages)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %.2e | %.2f dB | %.2f dB | %.4f | %.0f %% |\n",
			label(v.System), threshold, stages, v.Samples, v.ContainerMSE, v.PSNR, v.Worst, v.SSIM, 100*v.Exact)
	}
	fmt.Fprintf(&b, `
## Lost subsequences

![PSNR by what is lost](figures/claims-loss.png)

(The same as [SVG](figures/claims-loss.svg).)

**Loss**, on %d of the pairs. One or two of the three subsequences do not arrive. The receiver of a DITAS system is told which, and adds up the rest; that of the
lattice is told nothing: it gets the recording with those thirds zeroed. Without the first stage
there is nothing but the later ones' corrections on mid-grey; a grey picture alone, which is what nothing is worth, has %.2f dB.

| system |`, r.LossPairs, r.Grey)
	for _, lost := range cases {
		fmt.Fprintf(&b, " %s lost |", caseName(lost))
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(cases)) + "\n")
	for _, v := range r.Loss {
		fmt.Fprintf(&b, "| %s |", label(v.System))
		for _, c := range v.Cases {
			fmt.Fprintf(&b, " %.2f dB |", c.PSNR)
		}
		fmt.Fprintf(&b, "\n| worst |")
		for _, c := range v.Cases {
			fmt.Fprintf(&b, " %.2f dB |", c.Worst)
		}
		fmt.Fprintf(&b, "\n| SSIM |")
		for _, c := range v.Cases {
			fmt.Fprintf(&b, " %.4f |", c.SSIM)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, `
![What is left of one picture](figures/claims-pictures.png)

**What is left of one picture**, by method and by what is lost. %s
`, r.exhibit.Attribution)
	_, err := io.WriteString(w, b.String())
	return err
}
