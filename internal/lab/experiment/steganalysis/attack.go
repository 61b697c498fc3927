package steganalysis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ditas"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/steganalysis/features"
	"ditas/metric"
	"ditas/picture"
	"ditas/report"
)

// AttackData is what the attack by features is made and tried with: all recordings of some sets, in scenes, and pictures to hide.
type AttackData struct {
	Scenes   []Scene
	Trade    *Scene // that the trade is measured in, none if it is nil
	Pictures *dataset.Pictures
	Digest   string
}

// Scene is sets of recordings of one rate in Hz, and how covers are made of them.
type Scene struct {
	Name    string
	Rate    int
	Sets    []*dataset.Speech
	Samples int     // of a cover
	Level   float64 // what recordings are multiplied with to make covers; 0 means [Level]
	Joined  bool    // covers are excerpts of all recordings of a group one after the other, and not of one alone
	// Only has the methods that are tried in the scene, by name; nil means all.
	Only []string
}

// AttackOptions say how much is measured. Pairs and Damaged of the common options count for nothing.
type AttackOptions struct {
	experiment.Options
	Each int      // covers of a group, a speaker or a track, at most; 0 means [EachGroup]
	Only []string // methods, by name; nil means all
	// Method, if set, is called with what there is of the report when a method is finished.
	Method func(r *AttackReport) error
}

// EachGroup is how many covers of a speaker or a track there are by default at most.
const EachGroup = 16

// AttackReport is how well discriminants of features made by hand tell recordings in which something is hidden.
type AttackReport struct {
	Data string `json:"data"`
	experiment.Origin
	Features int             `json:"features"`
	Scenes   []AttackedScene `json:"scenes"`
	Trade    *Trade          `json:"trade,omitempty"`
}

// AttackedScene is how well methods are found out in the covers of a scene.
type AttackedScene struct {
	Name    string           `json:"name"`
	Rate    int              `json:"rate"`
	Seconds float64          `json:"seconds"` // of a cover
	Level   float64          `json:"level"`   // of the peaks of recordings, full scale 1
	Covers  int              `json:"covers"`
	Groups  int              `json:"groups"`
	Methods []AttackedMethod `json:"methods"`
}

// AttackedMethod is how well a method is found out.
type AttackedMethod struct {
	Name     string            `json:"name"`
	Refused  int               `json:"refused"` // covers in which it did not hide, or in another way
	Why      string            `json:"why"`     // it did not in the first one of these
	SNR      float64           `json:"snr"`     // dB, of the mean powers; 0 where nothing is hidden
	NMR      float64           `json:"nmr"`     // dB, the mean of [metric.Figures].NMR; 0 where nothing is hidden
	Rate     float64           `json:"rate"`    // bits a sample that the method covert tells, the median
	Disjoint *features.Verdict `json:"disjoint"`
	Known    *features.Verdict `json:"known"`
}

// attacked returns the methods that are tried. One key does for all recordings, since each has a nonce of its own. One more is one more line.
func (s *attack) attacked(key ditas.Key) []suspect {
	lattice := func(name string, strength ditas.Strength) suspect {
		return hiding(s.keyed(name, key, ditas.HideOptions{Method: ditas.Lattice, Strength: strength}))
	}
	return []suspect{
		lattice("lattice, 50 dB", ditas.Audible(50)),
		lattice("lattice, as is usual", ditas.Strength{}),
		lattice("lattice, faint", ditas.Faint()),
		s.covert("covert, 0.1 bit", key, 0.1), s.covert("covert, 0.3 bit", key, 0.3), s.covert("covert, 0.5 bit", key, 0.5),
		s.covert(Filled, key, 0),
		s.dithered("covert in dither, 0.5 bit", key, 0.5), s.dithered("dither", key, 0),
		s.matching("LSB matching, 1 bit", 1), s.matching("LSB matching, 0.5 bit", 0.5), s.matching("LSB matching, 0.1 bit", 0.1),
		s.noisy("white noise, 50 dB", 0), s.noisy("white noise, loud", blatant), s.control(),
	}
}

// Filled is the name of the method covert where as much is hidden as it allows.
const Filled = "covert, all that is allowed"

// errDithered says that a recording becomes another one, which is to be compared with others of its kind.
var errDithered = errors.New("the recording would be dithered")

// covert hides a file of random bytes by the method covert, so many bits to a sample or, at a rate of 0, as many as are allowed, in recordings that are left
// as they are otherwise.
func (s *attack) covert(name string, key ditas.Key, rate float64) suspect {
	return s.told(name, func(i int, p *experiment.Subject) ([]float64, float64, error) {
		c, err := s.Capacity(p.Cover, ditas.HideOptions{For: ditas.Secret})
		if err != nil {
			return nil, 0, err
		}
		if c.Dithered {
			return nil, 0, errDithered
		}
		size := s.size(rate)
		if rate == 0 {
			size = max(1, c.Bytes-report.FileBytes(0, 0, 0))
		}
		stego, r, err := s.HideFor(p.Cover, nil, key, s.secretFile(i, size))
		if err != nil {
			return nil, 0, err
		}
		return stego.Samples[0], float64(r.Stages[0].Bytes), nil
	})
}

// told makes a suspect of a method that says how many bytes a recording tells, or could tell.
func (s *attack) told(name string, hide func(i int, p *experiment.Subject) (samples []float64, bytes float64, err error)) suspect {
	return hiding(contender.Stateless(name, func(i int, p *experiment.Subject) (*contender.Sent, error) {
		samples, bytes, err := hide(i, p)
		if err != nil {
			return nil, err
		}
		s.rates[i] = 8 * bytes / float64(len(samples))
		return &contender.Sent{Samples: samples}, nil
	}))
}

// dithered hides a file of random bytes by the method covert, so many bits to a sample, in recordings that are more precise, and compares them with recordings
// that have been dithered alone. Nothing is hidden at a rate of 0.
func (s *attack) dithered(name string, key ditas.Key, rate float64) suspect {
	return suspect{name: name, after: name, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		return func(i int, _ *experiment.Subject) ([]float64, []float64, error) {
			precise := s.covers[i].precise
			innocent, err := s.Dither(precise, 0)
			if err != nil {
				return nil, nil, err
			}
			if rate == 0 {
				other, err := s.Dither(precise, 1)
				if err != nil {
					return nil, nil, err
				}
				return innocent.Samples[0], other.Samples[0], nil
			}
			stego, r, err := s.HideFor(precise, nil, key, s.secretFile(i, s.size(rate)))
			if err != nil {
				return nil, nil, err
			}
			s.rates[i] = 8 * float64(r.Stages[0].Bytes) / float64(len(stego.Samples[0]))
			return innocent.Samples[0], stego.Samples[0], nil
		}, nil
	}}
}

// size returns the size of a file that takes so many bits to a sample, in bytes.
func (s *attack) size(rate float64) int {
	return int(rate*float64(len(s.Subjects[0].Cover.Samples[0]))/8) - beside
}

// secretFile says to hide a file of random bytes in recording i.
func (s *attack) secretFile(i, size int) ditas.HideOptions {
	data := make([]byte, size)
	rng := rand.New(s.Source(experiment.ForSteganalysis, i))
	for k := range data {
		data[k] = byte(rng.Uint32())
	}
	return ditas.HideOptions{For: ditas.Secret, File: &ditas.File{Name: "f", Data: data}}
}

// beside is how many bytes covert hides beside those of a file: name, size and checks.
const beside = 30

// keyed hides by a method with a key.
func (s *attack) keyed(name string, key ditas.Key, o ditas.HideOptions) *contender.Contender {
	return contender.Stateless(name, func(_ int, p *experiment.Subject) (*contender.Sent, error) {
		stego, _, err := s.HideFor(p.Cover, p.Secret, key, o)
		if err != nil {
			return nil, err
		}
		return &contender.Sent{Samples: stego.Samples[0]}, nil
	})
}

// attack is a study of covers.
type attack struct {
	*study
	covers   []cover
	seen     [][]float64 // the features of covers, once they are known
	rates    []float64   // what the last method tells by a sample of each recording, in bits, where that is known
	features int         // of a recording
	pictures *dataset.Pictures
}

// described are the pairs of a suspect as discriminants see them.
type described struct {
	features.Set
	sources []string
	refused int     // recordings in which the method did not hide
	why     string  // it did not in the first one
	snr     float64 // dB, of the mean powers
	nmr     float64 // dB, the mean
	rate    float64 // bits a sample, the median
}

// refusal reports whether an error says that a recording is none to hide this much in, in this way.
func refusal(err error) bool {
	return errors.Is(err, errDithered) || errors.Is(err, ditas.ErrSilent) || errors.As(err, new(*report.LargeFileError)) ||
		errors.As(err, new(*report.TooShortError)) || errors.As(err, new(*report.TooQuietError)) || errors.As(err, new(*report.ExposedError))
}

// describe makes the pairs of a suspect and computes their features. Where a method refuses a recording, there is none to be found.
func (s *attack) describe(t suspect) (*described, error) {
	n := len(s.Subjects)
	clear(s.rates)
	rows := make([][2][]float64, n)
	refusals, powers, changes, heard := make([]error, n), make([]float64, n), make([]float64, n), make([]float64, n)
	extractors := make(chan *features.Extractor, s.Options.Workers)
	for range s.Options.Workers {
		extractors <- features.NewExtractor()
	}
	err := s.Each(t.name, n, func(i int) error {
		hide, err := t.worker()
		if err != nil {
			return err
		}
		before, after, err := hide(i, s.Subjects[i])
		if refusal(err) {
			refusals[i] = err
			return nil
		}
		if err != nil {
			return err
		}
		if after, err = experiment.Through(after); err != nil {
			return err
		}
		e := <-extractors
		defer func() { extractors <- e }()
		whole := len(before) == len(s.Subjects[i].Cover.Samples[0]) && &before[0] == &s.Subjects[i].Cover.Samples[0][0] // the cover itself
		for side, x := range [][]float64{before, after} {
			if side == 0 && whole && s.seen[i] != nil {
				rows[i][side] = s.seen[i]
				continue
			}
			rows[i][side] = make([]float64, s.features)
			if err := e.Extract(rows[i][side], codes(x)); err != nil {
				return err
			}
		}
		if whole {
			s.seen[i] = rows[i][0]
		}
		c, err := metric.NewComparison(s.Subjects[i].Cover.Format.Rate, 1)
		if err != nil {
			return err
		}
		if err := c.Add([][]float64{before}, [][]float64{after}); err != nil {
			return err
		}
		f := c.Figures()
		powers[i], changes[i], heard[i] = experiment.Power(before), f.MSE, f.NMR
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := &described{}
	var power, change, audible float64
	var rates []float64
	for i, r := range rows {
		if refusals[i] != nil {
			if d.refused++; d.why == "" {
				d.why = refusals[i].Error()
			}
			continue
		}
		d.Cover, d.Stego = append(d.Cover, r[0]), append(d.Stego, r[1])
		d.Group, d.sources = append(d.Group, s.covers[i].group), append(d.sources, s.covers[i].source)
		power, change, audible, rates = power+powers[i], change+changes[i], audible+heard[i], append(rates, s.rates[i])
	}
	d.snr, d.nmr = 10*math.Log10(power/change), audible/float64(len(d.Cover))
	if slices.Sort(rates); len(rates) > 0 {
		d.rate = rates[len(rates)/2]
	}
	return d, nil
}

// codes returns samples as a 16-bit file has them.
func codes(x []float64) []int16 {
	c := make([]int16, len(x))
	for i, v := range x {
		c[i] = int16(math.RoundToEven(v / experiment.Step))
	}
	return c
}

// Attack tries discriminants on every method in every scene.
func Attack(ctx context.Context, data AttackData, o AttackOptions) (*AttackReport, error) {
	begin := time.Now()
	if o.Each == 0 {
		o.Each = EachGroup
	}
	key, err := ditas.Passphrase(fmt.Sprintf("recordings of %d", o.Seed), nil)
	if err != nil {
		return nil, err
	}
	r, methods := &AttackReport{Data: data.Digest, Features: len(features.Names())}, 0
	for _, scene := range data.Scenes {
		s, err := newAttack(ctx, scene, data.Pictures, o)
		if errors.Is(err, errNoCover) && len(data.Scenes) > 1 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", scene.Name, err)
		}
		r.Scenes = append(r.Scenes, AttackedScene{
			Name: scene.Name, Rate: scene.Rate, Seconds: float64(scene.Samples) / float64(scene.Rate), Level: scene.level(), Covers: len(s.covers), Groups: s.groups(),
		})
		at := &r.Scenes[len(r.Scenes)-1]
		for _, t := range s.attacked(key) {
			if o.Only != nil && !slices.Contains(o.Only, t.name) || scene.Only != nil && !slices.Contains(scene.Only, t.name) {
				continue
			}
			m, err := s.try(ctx, t, features.Disjoint, features.Known)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", scene.Name, t.name, err)
			}
			at.Methods = append(at.Methods, *m)
			methods++
			r.Origin = s.Origin(begin)
			if o.Method != nil {
				if err := o.Method(r); err != nil {
					return nil, err
				}
			}
		}
	}
	if data.Trade != nil && (o.Only == nil || slices.Contains(o.Only, TradeName)) {
		s, err := newAttack(ctx, *data.Trade, data.Pictures, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", data.Trade.Name, err)
		}
		if r.Trade, err = s.trade(ctx, key); err != nil {
			return nil, fmt.Errorf("%s: %w", data.Trade.Name, err)
		}
		methods++
		r.Origin = s.Origin(begin)
		if o.Method != nil {
			if err := o.Method(r); err != nil {
				return nil, err
			}
		}
	}
	if methods == 0 {
		return nil, errNoMethod
	}
	return r, nil
}

// newAttack makes the covers of a scene.
func newAttack(ctx context.Context, scene Scene, pictures *dataset.Pictures, o AttackOptions) (*attack, error) {
	all, err := covers(scene, o.Each, o.Seed)
	if err != nil {
		return nil, err
	}
	s := &attack{
		&study{experiment.New(ctx, experiment.Data{}, o.Options)}, all, make([][]float64, len(all)), make([]float64, len(all)), len(features.Names()), pictures,
	}
	pairs := dataset.Pairs(pictures.Len(), len(all))
	for i, c := range all {
		secret := picture.New(experiment.Side, experiment.Side)
		pictures.Thumbnail(pairs[i].Picture, secret)
		s.Subjects = append(s.Subjects, &experiment.Subject{
			Pair: pairs[i], Secret: secret, Cover: c.recording, Target: experiment.Power(c.recording.Samples[0]) / 1e5,
		})
	}
	return s, nil
}

// groups returns the number of speakers and tracks.
func (s *attack) groups() int {
	groups := map[string]bool{}
	for _, c := range s.covers {
		groups[c.group] = true
	}
	return len(groups)
}

// try tries discriminants on a method. Where it refuses more than half of the covers, there is no verdict.
func (s *attack) try(ctx context.Context, t suspect, splits ...features.Split) (*AttackedMethod, error) {
	d, err := s.describe(t)
	if err != nil {
		return nil, err
	}
	m := &AttackedMethod{Name: t.name, Refused: d.refused, Why: d.why}
	if 2*d.refused > len(s.covers) {
		return m, nil
	}
	if t.name != untouched {
		m.SNR, m.NMR, m.Rate = d.snr, d.nmr, d.rate
	}
	verdicts := map[features.Split]**features.Verdict{features.Disjoint: &m.Disjoint, features.Known: &m.Known}
	for _, split := range splits {
		if *verdicts[split], err = features.Try(ctx, d.Set, d.sources, split, s.Options.Seed, s.Options.Workers); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Markdown writes the report as a page.
func (r *AttackReport) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Steganalysis by features

How well %d features made by hand and a linear discriminant, trained for each method, tell recordings in which something is hidden from recordings as they were: P_E in %%, (false
alarms + misses)/2 at the threshold that the training chose, 50 for chance, with 95 %% confidence intervals by the bootstrap over speakers and tracks. A fifth of the recordings
at a time is tried by what the others teach; in the first columns no speaker and no track is in both, in the last ones each is, but no recording. The worst source is the
package whose recordings give a method away most. Covers are rounded once, with the noise of the room in place of digital silence. The method covert takes recordings of 16 bits
in which changes would be found, and makes others of them, which are left out; in dither, it takes recordings that are more precise, and is compared with others that are dithered
alone. Bits a sample are the median. Where a method refuses most recordings, there is no figure, and below the table stands why it refused the first one.

Data %s. Seed %d, commit %s, %s, %.1f minutes.

    %s
`, r.Features, r.Data, r.Seed, r.Build, r.Machine, r.Minutes, r.Command)
	for _, s := range r.Scenes {
		if len(s.Methods) == 0 {
			continue
		}
		fmt.Fprintf(&b, `
## %s

%d excerpts of %.2f s, mono, of %d speakers and tracks, whose recordings have their peaks at %.0f dB.

| method | bits a sample | SNR | NMR | P_E, disjoint | AUC | worst source | P_E, known | AUC | worst source | refused |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`, s.Name, s.Covers, s.Seconds, s.Groups, 20*math.Log10(s.Level))
		for _, m := range s.Methods {
			rate, snr, nmr := "–", "–", "–"
			if m.Rate != 0 {
				rate = fmt.Sprintf("%.2f", m.Rate)
			}
			if m.SNR != 0 {
				snr, nmr = fmt.Sprintf("%.1f dB", m.SNR), fmt.Sprintf("%.1f dB", m.NMR)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |", m.Name, rate, snr, nmr)
			for _, v := range []*features.Verdict{m.Disjoint, m.Known} {
				if v == nil {
					b.WriteString(" – | – | – |")
					continue
				}
				fmt.Fprintf(&b, " %.1f (%.1f–%.1f) | %.3f | %s %.1f |",
					100*v.Error.Value, 100*v.Error.Low, 100*v.Error.High, v.AUC.Value, v.Worst.Name, 100*v.Worst.Error)
			}
			fmt.Fprintf(&b, " %d |\n", m.Refused)
		}
		for _, m := range s.Methods {
			if m.Disjoint == nil {
				fmt.Fprintf(&b, "\n%s: %s.\n", m.Name, m.Why)
			}
		}
	}
	if r.Trade != nil {
		r.Trade.markdown(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Figure draws the trade as a PNG.
func (r *AttackReport) Figure(w io.Writer) error { return r.Trade.figure().PNG(w) }
