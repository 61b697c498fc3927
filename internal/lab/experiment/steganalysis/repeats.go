package steganalysis

import (
	"context"
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
	"ditas/internal/lab/experiment/steganalysis/structure"
	"ditas/metric"
	"ditas/picture"
)

// RepeatsReport is whether anything comes again within long recordings in which something is hidden, for who knows the methods and has no key.
type RepeatsReport struct {
	Data string `json:"data"`
	experiment.Origin
	Recordings []SearchedRecording `json:"recordings"`
}

// SearchedRecording is a recording, and what was found in it after methods hid in it.
type SearchedRecording struct {
	Name    string           `json:"name"`
	Rate    int              `json:"rate"`
	Seconds float64          `json:"seconds"`
	Methods []SearchedMethod `json:"methods"`
}

// SearchedMethod is what was found after a method hid in a recording.
type SearchedMethod struct {
	Name string            `json:"name"`
	Why  string            `json:"why"` // it did not hide, if so
	SNR  float64           `json:"snr"` // dB; 0 where nothing is hidden
	Seen *structure.Report `json:"seen"`
}

// repeating returns the methods that are searched for repetitions.
func (s *attack) repeating(key ditas.Key) []suspect {
	all := []suspect{s.control()}
	for _, m := range s.all(key, nil) {
		if strings.HasPrefix(m.name, "lattice") || m.name == Filled || m.name == "covert in dither, 0.5 bit" {
			all = append(all, m)
		}
	}
	return append(all, hiding(s.keyed("durable", key, ditas.HideOptions{For: ditas.Share})))
}

// joined returns a cover of the recordings of a scene, one after the other, as long as they last and as the scene says at most.
func joined(scene Scene, seed uint64) (cover, error) {
	var x []int16
	for _, s := range scene.Sets {
		for i := 0; i < s.Len() && len(x) < scene.Samples; i++ {
			x = append(x, s.PCM(i)...)
		}
	}
	if x = x[:min(len(x), scene.Samples)]; len(x) == 0 {
		return cover{}, errNoCover
	}
	var source rand.PCG
	dataset.Seed(&source, seed, int(experiment.ForCovers), -1)
	return newCover(x, scene.Rate, scene.level(), rand.New(&source)), nil
}

// Repeats looks for structure in a recording of each scene, under every method.
func Repeats(ctx context.Context, data Data, o Options, method func(r *RepeatsReport) error) (*RepeatsReport, error) {
	begin := time.Now()
	key, err := ditas.Passphrase(fmt.Sprintf("recordings of %d", o.Seed), nil)
	if err != nil {
		return nil, err
	}
	r := &RepeatsReport{Data: data.Digest}
	for _, scene := range data.Scenes {
		c, err := joined(scene, o.Seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", scene.Name, err)
		}
		secret := picture.New(experiment.Side, experiment.Side)
		data.Pictures.Thumbnail(0, secret)
		s := &attack{
			study: &study{experiment.New(ctx, experiment.Data{}, o.Options)}, covers: []cover{c}, seen: make([][]float64, 1), rates: make([]float64, 1),
		}
		x := c.recording.Samples[0]
		s.Subjects = []*experiment.Subject{{Secret: secret, Cover: c.recording, Target: experiment.Power(x) / 1e5}}
		r.Recordings = append(r.Recordings, SearchedRecording{Name: scene.Name, Rate: scene.Rate, Seconds: float64(len(x)) / float64(scene.Rate)})
		at := &r.Recordings[len(r.Recordings)-1]
		var echoes structure.Echoes
		all := s.repeating(key)
		if o.Only != nil && !slices.ContainsFunc(all, func(t suspect) bool { return slices.Contains(o.Only, t.name) }) {
			return nil, errNoMethod
		}
		for _, t := range all {
			// What comes again in the recording as it was has to be known of all others.
			if o.Only != nil && !slices.Contains(o.Only, t.name) && t.name != untouched {
				continue
			}
			m, err := s.search(ctx, t, echoes)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", scene.Name, t.name, err)
			}
			if t.name == untouched {
				echoes = m.Seen.Echoes()
			}
			at.Methods = append(at.Methods, *m)
			r.Origin = s.Origin(begin)
			if method != nil {
				if err := method(r); err != nil {
					return nil, err
				}
			}
		}
	}
	return r, nil
}

// search looks for structure in the recording under a method.
func (s *attack) search(ctx context.Context, t suspect, known structure.Echoes) (*SearchedMethod, error) {
	m := &SearchedMethod{Name: t.name}
	err := s.Each(t.name, 1, func(int) error {
		hide, err := t.worker()
		if err != nil {
			return err
		}
		before, after, err := hide(0, s.Subjects[0])
		if refusal(err) {
			m.Why = err.Error()
			return nil
		}
		if err != nil {
			return err
		}
		if after, err = experiment.Through(after); err != nil {
			return err
		}
		change, err := metric.MSE(before, after)
		if err != nil {
			return err
		}
		if t.name != untouched {
			m.SNR = 10 * math.Log10(experiment.Power(before)/change)
		}
		units := make([]float64, len(after))
		for i, v := range after {
			units[i] = v / experiment.Step
		}
		m.Seen, err = structure.Search(ctx, units, known, s.Options.Workers)
		return err
	})
	return m, err
}

// Markdown writes the report as a page.
func (r *RepeatsReport) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Does anything come again?

A carrier that repeats anything, a word by which it is found or a dither, gives itself away in a long recording to whoever knows how it works, without the passphrase: modulo the
right step, samples are alike that should not be. So the phases of all samples are taken modulo each of %d steps, all that the lattice has, and looked at in two ways. *Folded*: the phases of each
place in every 1, 2, … %d frames of %d samples are added. *Repeated*: the phases are correlated with themselves at every distance from %d samples on. Frames count whose
innovation, what linear prediction leaves of them, is as large as the step at least: phases of others follow from what is heard, and come again with it. What comes again in the
recording as it was, a loop or a word that was put in twice, is in the row "nothing hidden", and its distances are left out of the others. Each power is relative
to what it would be on average without any structure; then powers have an exponential distribution, and *chance* is the probability that the greatest of them all is as great as that, or greater.

Data %s. Seed %d, commit %s, %s, %.1f minutes.

    %s
`, len(structure.Steps()), structure.Periods, structure.Frame, structure.Frame/2, r.Data, r.Seed, r.Build, r.Machine, r.Minutes, r.Command)
	for _, s := range r.Recordings {
		fmt.Fprintf(&b, `
## %s

%.1f minutes, mono.

| method | SNR | folded: greatest power | step | chance | repeated: greatest power | step | after | chance |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
`, s.Name, s.Seconds/60)
		for _, m := range s.Methods {
			if m.Seen == nil {
				fmt.Fprintf(&b, "| %s | – | – | – | – | – | – | – | – |\n", m.Name)
				continue
			}
			snr := "–"
			if m.SNR != 0 {
				snr = fmt.Sprintf("%.1f dB", m.SNR)
			}
			f, again := &m.Seen.Folded, &m.Seen.Repeated
			fmt.Fprintf(&b, "| %s | %s | %.1f | %.4g | %.2g | %.1f | %.4g | %.2f s | %.2g |\n", m.Name, snr, f.Power, f.Step, f.Chance(),
				again.Power, again.Step, float64(again.After)/float64(s.Rate), again.Chance())
		}
		for _, m := range s.Methods {
			if m.Seen == nil {
				fmt.Fprintf(&b, "\n%s: %s.\n", m.Name, m.Why)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
