// Package robustness measures what is left of pictures when something happens to recordings, by all methods at one container MSE, and
// writes docs/ROBUSTNESS.md.
//
//	report, err := robustness.Measure(ctx, data, os.DirFS("weights/photos"), robustness.Options{})
//	err = report.Markdown(w)
//	err = report.Figure(w)
package robustness

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"ditas"
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/ffmpeg"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
)

// Options say how much is measured, and at which strength.
type Options struct {
	experiment.Options
	// MSE is the container MSE that is aimed at, full scale 1; 0 means [DefaultMSE]. Where the lattice, whose change hearing
	// limits, stays below it in a recording, all methods do.
	MSE float64
	// Conditions limits what happens to recordings; nil means all of [Parts].
	Conditions []string
	// Noise lists the levels of white noise, in dB below the cover; nil means 60 to 10 in steps of 5.
	Noise []float64
}

// DefaultMSE is the container MSE that methods are compared at.
const DefaultMSE = 1e-4

// Report is what is left of pictures when something happens to recordings.
type Report struct {
	Data     string `json:"data"`
	Pictures int    `json:"pictures"`
	Clips    int    `json:"clips"`
	Pairs    int    `json:"pairs"`
	experiment.Origin
	FFmpeg string  `json:"ffmpeg,omitempty"` // its version
	MSE    float64 `json:"mse"`              // of containers, that was aimed at
	Common float64 `json:"common"`           // the MSE that all methods with a strength to choose were set to, the mean over pairs
	Grey   float64 `json:"grey"`             // mean PSNR of grey pictures in dB, which are what nothing is better than
	// Untrained are systems without weights.
	Untrained  []string    `json:"untrained,omitempty"`
	Conditions []Condition `json:"conditions"`
	Methods    []Method    `json:"methods"`
}

// Condition is something that happens to a recording.
type Condition struct {
	Name string `json:"name"`
	// Below is the level of white noise in dB below the cover, nil for what is no noise.
	Below *float64 `json:"below,omitempty"`
	// Lacking tells why it was not measured, if it was not.
	Lacking string `json:"lacking,omitempty"`
}

// Method is what became of the pictures of a method.
type Method struct {
	Name string `json:"name"`
	// Own tells that the method has its own strength, and not the common one.
	Own     bool      `json:"own"`
	MSE     float64   `json:"mse"`     // of containers, the mean over pairs
	SNR     float64   `json:"snr"`     // dB, of the mean powers
	Results []*Result `json:"results"` // by condition, nil for what was not measured
}

// Result is what became of them in one condition.
type Result struct {
	PSNR  float64 `json:"psnr"`  // mean in dB; pictures not found count as grey ones
	Worst float64 `json:"worst"` // dB
	Exact int     `json:"exact"` // pictures without an error
	Found int     `json:"found"` // pictures whose receiver gave one at all
	// Failed counts pictures that were not found or are no better than a grey one.
	Failed int `json:"failed"`
}

// condition is a Condition that can be made.
type condition struct {
	Condition
	lossy bool // recordings may be shifted
	// do returns what becomes of the stego of subject i.
	do func(i int, p *experiment.Subject, stego *audio.Recording) (*audio.Recording, error)
}

// Parts are the kinds of conditions that there are.
func Parts() []string {
	return []string{"noise", "bits", "resampling", "low-pass", "gain", "codecs"}
}

// conditionsOf returns what happens to recordings, unknown to the sender: first nothing at all, then the chosen parts.
func conditionsOf(s *experiment.Study, parts []string, noise []float64) []condition {
	var all []condition
	chosen := func(part string) bool { return parts == nil || part == "" || slices.Contains(parts, part) }
	add := func(part, name string, do func(r *audio.Recording) (*audio.Recording, error)) *condition {
		if chosen(part) {
			all = append(all, condition{Condition: Condition{Name: name}, do: func(_ int, _ *experiment.Subject, r *audio.Recording) (*audio.Recording, error) { return do(r) }})
			return &all[len(all)-1]
		}
		return new(condition)
	}
	add("", "as sent", func(r *audio.Recording) (*audio.Recording, error) { return r, nil })
	for _, n := range []int{12, 8} {
		add("bits", fmt.Sprintf("%d bits", n), func(r *audio.Recording) (*audio.Recording, error) { return channel.Round(r, n), nil })
	}
	add("resampling", "44.1 kHz and back", func(r *audio.Recording) (*audio.Recording, error) { return channel.Resample(r, 44100) })
	for _, kHz := range []int{7, 4} {
		add("low-pass", fmt.Sprintf("low-pass %d kHz", kHz), func(r *audio.Recording) (*audio.Recording, error) { return channel.LowPass(r, 1000*kHz) })
	}
	for _, dB := range []int{1, 6} {
		add("gain", fmt.Sprintf("gain −%d dB", dB), func(r *audio.Recording) (*audio.Recording, error) { return channel.Gain(r, -float64(dB)), nil })
	}
	for _, c := range codecs {
		lossy := add("codecs", c.String(), func(r *audio.Recording) (*audio.Recording, error) { return c.pass(s.Context(), r) })
		if lossy.lossy = true; chosen("codecs") {
			lossy.Lacking = c.lacking(s.Context())
		}
	}
	for k, dB := range noise {
		n := add("noise", fmt.Sprintf("noise %g dB below", dB), nil)
		n.Below = &dB
		n.do = func(i int, p *experiment.Subject, r *audio.Recording) (*audio.Recording, error) {
			deviation := math.Sqrt(experiment.Power(p.Cover.Samples[0]) * math.Pow(10, -dB/10))
			return channel.Noise(r, deviation, s.Source(experiment.ForRobustness, 1000*i+k)), nil
		}
	}
	return all
}

// Measure measures what is left of pictures when something happens to recordings, by all methods at one container MSE, the systems
// whose runs are in a folder of runs among them.
func Measure(ctx context.Context, data experiment.Data, runs fs.FS, o Options) (*Report, error) {
	begin := time.Now()
	if o.MSE == 0 {
		o.MSE = DefaultMSE
	}
	if o.Noise == nil {
		for dB := 60.0; dB >= 10; dB -= 5 {
			o.Noise = append(o.Noise, dB)
		}
	}
	s := experiment.New(ctx, data, o.Options)
	program, _ := ffmpeg.Version(ctx) // without it, codecs are left out
	r := &Report{
		Data: data.Digest, Pictures: data.Pictures.Len(), Clips: data.Speech.Len(), Pairs: len(s.Subjects),
		FFmpeg: program, MSE: o.MSE,
	}
	own := make([]*experiment.Subject, len(s.Subjects)) // with no target
	err := s.Each("hiding", len(s.Subjects), func(i int) (err error) {
		p := s.Subjects[i]
		plain := *p
		own[i] = &plain
		if p.Stego, err = s.Hide(p.Cover, p.Secret, "", experiment.AimAt(p.Cover, o.MSE)); err != nil {
			return err
		}
		p.Target, err = p.MSE(p.Stego.Samples[0])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, p := range s.Subjects {
		nothing, err := experiment.Judge(p.Secret, nil)
		if err != nil {
			return nil, err
		}
		r.Grey += nothing.PSNR / float64(len(s.Subjects))
		r.Common += p.Target / float64(len(s.Subjects))
	}
	conditions := conditionsOf(s, o.Conditions, o.Noise)
	for _, c := range conditions {
		r.Conditions = append(r.Conditions, c.Condition)
	}
	systems, untrained, err := contender.Trained(runs)
	if err != nil {
		return nil, err
	}
	r.Untrained = untrained
	contenders := append([]*contender.Contender{contender.Lattice(s, ditas.Methods()[0].Name, ditas.HideOptions{}), contender.Linear(s), contender.Digits(s, contender.DigitLevels)}, systems...)
	var scaled []*contender.Contender
	for _, t := range systems {
		if t.Scaled {
			scaled = append(scaled, t)
		}
	}
	measure := func(t *contender.Contender, subjects []*experiment.Subject, own bool) error {
		m, err := endure(s, t, subjects, conditions)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		m.Own = own
		r.Methods = append(r.Methods, *m)
		return nil
	}
	for _, t := range contenders {
		if err := measure(t, s.Subjects, false); err != nil {
			return nil, err
		}
	}
	for _, t := range slices.Concat([]*contender.Contender{contender.LowestBits(2), contenders[0]}, scaled) {
		if err := measure(t, own, true); err != nil {
			return nil, err
		}
	}
	r.Origin = s.Origin(begin)
	return r, nil
}

// endure measures a contender in all conditions. What the receiver gets is a 16-bit WAV file.
func endure(s *experiment.Study, t *contender.Contender, subjects []*experiment.Subject, conditions []condition) (*Method, error) {
	type result struct {
		mse, signal float64
		outcomes    []experiment.Outcome // by condition
		failed      []bool
	}
	results := make([]result, len(subjects))
	hiders, err := t.Hiders(s.Options.Workers)
	if err != nil {
		return nil, err
	}
	err = s.Each(t.Name, len(subjects), func(i int) error {
		p, r := subjects[i], &results[i]
		r.outcomes, r.failed = make([]experiment.Outcome, len(conditions)), make([]bool, len(conditions))
		hide := <-hiders
		defer func() { hiders <- hide }()
		m, err := hide(i, p)
		if err != nil {
			return err
		}
		x, err := experiment.Through(m.Samples)
		if err != nil {
			return err
		}
		stego := &audio.Recording{Format: p.Cover.Format, Samples: [][]float64{x}}
		if r.mse, err = p.MSE(x); err != nil {
			return err
		}
		r.signal = experiment.Power(p.Cover.Samples[0][:len(x)])
		lost, err := experiment.Judge(p.Secret, nil)
		if err != nil {
			return err
		}
		for k, c := range conditions {
			if c.Lacking != "" {
				continue
			}
			if err := s.Context().Err(); err != nil {
				return err
			}
			left, err := c.do(i, p, stego)
			if err != nil {
				return err
			}
			received, err := experiment.Through(left.Samples[0])
			if err != nil {
				return err
			}
			if c.lossy && !t.Synchronises {
				if received, err = align(x, received); err != nil {
					return err
				}
			}
			picture, err := m.Reveal(received)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			if r.outcomes[k], err = experiment.Judge(p.Secret, picture); err != nil {
				return err
			}
			r.failed[k] = r.outcomes[k].PSNR <= lost.PSNR
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := &Method{Name: t.Name, Results: make([]*Result, len(conditions))}
	signal, n := 0.0, float64(len(results))
	for _, r := range results {
		signal += r.signal / n
		m.MSE += r.mse / n
	}
	m.SNR = 10 * math.Log10(signal/m.MSE)
	for k, c := range conditions {
		if c.Lacking != "" {
			continue
		}
		sum := &Result{Worst: experiment.Best}
		for _, r := range results {
			o := r.outcomes[k]
			sum.PSNR += o.PSNR / n
			sum.Worst = min(sum.Worst, o.PSNR)
			for _, count := range []struct {
				of *int
				is bool
			}{{&sum.Exact, o.Exact}, {&sum.Found, o.Found}, {&sum.Failed, r.failed[k]}} {
				if count.is {
					*count.of++
				}
			}
		}
		m.Results[k] = sum
	}
	return m, nil
}

// title is the name of a method as the page writes it.
func (m *Method) title() string {
	if m.Own && m.Name == ditas.Methods()[0].Name {
		return "lattice, default strength"
	}
	if m.Own && slices.Contains(contender.Systems(), m.Name) {
		return contender.Title(m.Name) + ", as trained"
	}
	return contender.Title(m.Name)
}

// cell is a result as the page writes it, failures as such.
func (m *Method) cell(k, pairs int) string {
	r := m.Results[k]
	switch {
	case r == nil:
		return "–"
	case r.Failed == pairs:
		return fmt.Sprintf("fails (%.1f)", r.PSNR)
	case r.Failed > 0:
		return fmt.Sprintf("%.1f (%d of %d %s)", r.PSNR, r.Failed, pairs, map[bool]string{true: "fails", false: "fail"}[r.Failed == 1])
	case r.Exact == pairs:
		return "exact"
	}
	return fmt.Sprintf("%.1f", r.PSNR)
}

// Markdown writes the report as a page.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Robustness

What is left of a picture when something happens to the recording that it is hidden in, by all methods at one container MSE.

![Mean PSNR under white noise and in other conditions](figures/%s)

A photograph of 64×64 pixels is hidden in 3 × 16,384 samples of 16 kHz speech with its peak at 0.99 (the first 16,384 of them for DITAS-S, and the
MSE is that of these). The recording is written to a 16-bit WAV file, something happens to it, of which the sender knows nothing, and the
receiver gets a 16-bit WAV file again. Figures are mean PSNR in dB over %d pairs of %d pictures and %d clips, pictures rounded to 8 bits; without
an error, which counts %d dB, they are called exact. A picture that the receiver does not find, or that is no better than a grey one (%.1f dB in the
mean), is a failure. "fails" says that all are.

**Equal distortion.** Every method makes the same container MSE of the same clip. %.2g is aimed at; hearing limits what the lattice does to a
recording, and where that leaves it below, all stay below with it: %.2e is the mean. The DITAS systems get the threshold that makes this MSE,
the linear map and the digits its lattice. Deep-Steg and Kreuk's model were trained to a strength of their own; their change of the cover is scaled
to the MSE, which their receivers were not trained for, so they stand below once more as trained. A JPEG file in the lowest bits has no
strength to choose.

**What receivers know.** The DITAS systems are told their threshold, the linear map and the digits their lattice. All but the lattice are told where the recording
begins, and after MP3 and Opus theirs is shifted to where it correlates best with what was sent, which no receiver could do: that is generous to them.
The lattice finds out by itself where it begins, how strong it is, and whether there is anything at all. Methods that cannot tell give
noise where nothing is left, which is worse than grey.

White noise is Gaussian, its level relative to the mean power of the cover. "44.1 kHz and back" is a 16-bit file at 44.1 kHz in between. The low-pass has
linear phase, passes what lies below 92 %% of its frequency and suppresses what lies above it by 100 dB. MP3 and Opus are ffmpeg's libmp3lame and libopus.

Data %s. Seed %d, commit %s, %s, %.1f minutes; %s.

    %s
`, FigureName, r.Pairs, r.Pictures, r.Clips, experiment.Best, r.Grey, r.MSE, r.Common, r.Data, r.Seed, r.Build, r.Machine, r.Minutes, r.codecs(), r.Command)
	if r.Untrained != nil {
		var names []string
		for _, name := range r.Untrained {
			names = append(names, contender.Title(name))
		}
		fmt.Fprintf(&b, "\nNot measured, for want of weights: %s.\n", strings.Join(names, ", "))
	}
	for _, c := range r.Conditions {
		if c.Lacking != "" {
			fmt.Fprintf(&b, "\n%s: not measured: %s.\n", c.Name, c.Lacking)
		}
	}
	for _, part := range []struct {
		title string
		noise bool
	}{{"White noise, dB below the cover", true}, {"Other conditions", false}} {
		fmt.Fprintf(&b, "\n## %s\n\n| method | container MSE | SNR |", part.title)
		rule := "|---|--:|--:|"
		var columns []int
		for k, c := range r.Conditions {
			if part.noise != (c.Below != nil) {
				continue
			}
			columns = append(columns, k)
			rule += "--:|"
			if part.noise {
				fmt.Fprintf(&b, " %g dB |", *c.Below)
			} else {
				fmt.Fprintf(&b, " %s |", c.Name)
			}
		}
		b.WriteString("\n" + rule + "\n")
		for i, m := range r.Methods {
			if m.Own && !r.Methods[i-1].Own {
				fmt.Fprintf(&b, "| *at their own strength:* |%s\n", strings.Repeat(" |", len(columns)+2))
			}
			fmt.Fprintf(&b, "| %s | %.2e | %.1f dB |", m.title(), m.MSE, m.SNR)
			for _, k := range columns {
				fmt.Fprintf(&b, " %s |", m.cell(k, r.Pairs))
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// codecs tells which ones were used.
func (r *Report) codecs() string {
	if r.FFmpeg == "" {
		return "no ffmpeg"
	}
	return "ffmpeg " + r.FFmpeg
}
