package lattice

import (
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/lab/experiment"
)

// trial is something that happens to recordings, and what is wanted of them afterwards.
type trial struct {
	name string
	// do returns what becomes of a subject's stego.
	do   func(i int, p *experiment.Subject) (*audio.Recording, error)
	want want
}

// outcomes does all trials with all subjects and returns what came of them, by trial.
func (s *study) outcomes(what string, subjects []*experiment.Subject, trials []trial) ([][]experiment.Outcome, error) {
	outcomes := make([][]experiment.Outcome, len(trials))
	for t := range trials {
		outcomes[t] = make([]experiment.Outcome, len(subjects))
	}
	err := s.Each(what, len(trials)*len(subjects), func(task int) error {
		t, i := task/len(subjects), task%len(subjects)
		r, err := trials[t].do(i, subjects[i])
		if err != nil {
			return err
		}
		if outcomes[t][i], err = s.Revealed(subjects[i].Secret, r); err != nil {
			return fmt.Errorf("%s, pair %d: %w", trials[t].name, i, err)
		}
		return nil
	})
	return outcomes, err
}

// try does all trials with all subjects and returns a row for each.
func (s *study) try(what string, subjects []*experiment.Subject, trials []trial) ([]Row, error) {
	outcomes, err := s.outcomes(what, subjects, trials)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for t, o := range outcomes {
		m := summarise(o)
		rows = append(rows, trials[t].want.row(trials[t].name, m, m.values()...))
	}
	return rows, nil
}

// summary is what came of several pictures.
type summary struct {
	pictures           int
	exact, found       float64 // shares
	mean, worst        float64 // PSNR in dB
	mse, snr, segments float64 // of the containers, where they were measured
}

func summarise(all []experiment.Outcome) summary {
	m := summary{pictures: len(all), worst: math.Inf(1)}
	n := float64(len(all))
	for _, o := range all {
		m.mean += o.PSNR / n
		m.worst = min(m.worst, o.PSNR)
		if o.Exact {
			m.exact += 1 / n
		}
		if o.Found {
			m.found += 1 / n
		}
	}
	return m
}

// pictureColumns are the columns for what came of pictures, and values their contents.
var pictureColumns = []Column{
	{"pairs", "%.0f"}, {"found", "%.1f %%"}, {"bit-exact", "%.1f %%"}, {"mean PSNR", "%.1f dB"}, {"worst PSNR", "%.1f dB"},
}

func (m summary) values() []float64 {
	return []float64{float64(m.pictures), 100 * m.found, 100 * m.exact, m.mean, m.worst}
}

// want is a target for pictures.
type want struct {
	text string
	met  func(m summary) bool
}

var (
	// exactly wants every picture as it was hidden. Shares are sums of fractions, hence the margin.
	exactly = want{"all bit-exact", func(m summary) bool { return m.exact > 1-1e-9 }}
	// nothing in particular is wanted.
	nothing want
)

// atLeast wants a mean PSNR.
func atLeast(dB float64) want {
	return want{fmt.Sprintf("mean PSNR ≥ %g dB", dB), func(m summary) bool { return m.mean >= dB }}
}

func (w want) row(name string, m summary, values ...float64) Row {
	r := Row{Name: name, Values: values}
	if w.met != nil {
		r.aim(w.text, w.met(m))
	}
	return r
}
