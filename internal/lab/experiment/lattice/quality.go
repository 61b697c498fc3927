package lattice

import (
	"errors"

	"ditas"
	"ditas/audio"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/metric"
	"ditas/report"
)

// quality measures pictures and recordings to which nothing happens.
func (s *study) quality() (*Table, error) {
	t := &Table{
		Title: "Quality, nothing lost",
		Text: "Container MSE, SNR and segmental SNR (20 ms) are means over the pairs; the MSE's is arithmetic. With 4 samples a pixel the SNR is\n" +
			"chosen for each clip so that it corresponds to the MSE asked for; hearing may limit it, so the MSE is that measured. Clips that are too quiet for a faint\n" +
			"change count as lost, and as unchanged.",
		Columns: append(append([]Column{}, pictureColumns...), Column{"container MSE", "%.2e"}, Column{"SNR", "%.1f dB"}, Column{"segmental SNR", "%.1f dB"}),
	}
	at := func(mse float64) func(cover *audio.Recording) ditas.HideOptions {
		return func(cover *audio.Recording) ditas.HideOptions { return experiment.AimAt(cover, mse) }
	}
	for _, c := range []struct {
		name    string
		samples int
		options func(cover *audio.Recording) ditas.HideOptions // nil for what is hidden already
		want    want
	}{
		{"default strength", experiment.Samples, nil, want{"all bit-exact, SNR ≥ 50 dB", func(m summary) bool { return exactly.met(m) && m.snr >= 50 }}},
		{"faint", experiment.Samples, func(*audio.Recording) ditas.HideOptions { return ditas.HideOptions{Strength: ditas.Faint()} },
			nothing},
		{"4 samples a pixel, MSE 1e-7", experiment.Stage, at(1e-7), atLeast(46)},
		{"4 samples a pixel, MSE 1e-8", experiment.Stage, at(1e-8), atLeast(36)},
	} {
		outcomes := make([]experiment.Outcome, len(s.Subjects))
		figures := make([][3]float64, len(s.Subjects))
		err := s.Each(c.name, len(s.Subjects), func(i int) (err error) {
			p := s.Subjects[i]
			cover := s.Clip(p.Pair.Clip, c.samples)
			stego := p.Stego
			if c.options != nil {
				if stego, err = s.Hide(cover, p.Secret, "", c.options(cover)); err != nil {
					return failed(&outcomes[i], p, err)
				}
			}
			if figures[i], err = distortion(cover, stego); err != nil {
				return err
			}
			outcomes[i], err = s.Revealed(p.Secret, stego)
			return err
		})
		if err != nil {
			return nil, err
		}
		m := summarise(outcomes)
		for _, f := range figures {
			n := float64(len(figures))
			m.mse += f[0] / n
			m.snr += f[1] / n
			m.segments += f[2] / n
		}
		t.Rows = append(t.Rows, c.want.row(c.name, m, append(m.values(), m.mse, m.snr, m.segments)...))
	}
	return t, nil
}

// failed is the outcome of a recording without room for a picture; other errors stay errors.
func failed(o *experiment.Outcome, p *experiment.Subject, err error) error {
	if !errors.As(err, new(*report.TooShortError)) && !errors.As(err, new(*report.TooQuietError)) {
		return err
	}
	*o, err = experiment.Judge(p.Secret, nil)
	return err
}

// distortion returns container MSE, SNR and segmental SNR of two recordings of one channel.
func distortion(cover, stego *audio.Recording) (f [3]float64, err error) {
	x, y := cover.Samples[0], stego.Samples[0]
	mse, err1 := metric.MSE(x, y)
	snr, err2 := metric.SNR(x, y)
	segments, err3 := metric.SegmentalSNR(x, y, dataset.Rate/50)
	return [3]float64{mse, snr, segments}, errors.Join(err1, err2, err3)
}
