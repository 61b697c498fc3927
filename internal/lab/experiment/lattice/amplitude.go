package lattice

import (
	"ditas"
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/picture"
)

// amplitude measures what gain, polarity, offset and the order of channels do.
func (s *study) amplitude() (*Table, error) {
	t := &Table{
		Title: "Gain, polarity, offset, channels",
		Text: "Default strength. A recording that is to be amplified is quieter by as much before, so that nothing clips. The file that the receiver\n" +
			"gets has 16 bits, whose rounding weighs the more the quieter it is and is a loss of data, or 32-bit floating point, which loses\n" +
			"nothing. *Lost* is how far PSNR falls below what the untouched recording gives, for the pair that loses most.\n" +
			"Stereo: two different clips as channels, and two thumbnails side by side as the picture, so that there are 12 samples a pixel as\n" +
			"well; with a channel missing, half of the recording is lost.",
		Columns: append(append([]Column{}, pictureColumns...), Column{"lost", "%.1f dB"}),
	}
	subjects := s.Damaged()
	gain := func(dB float64, as audio.Encoding) func(r *audio.Recording) *audio.Recording {
		return func(r *audio.Recording) *audio.Recording { return channel.Convert(channel.Gain(r, dB), as) }
	}
	for _, group := range []struct {
		quieter float64 // dB
		cases   []change
	}{
		{0, []change{
			{"gain −12 dB, 16 bits", gain(-12, audio.Int16)}, {"gain −12 dB, floating point", gain(-12, audio.Float32)},
			{"gain −6 dB, 16 bits", gain(-6, audio.Int16)}, {"gain −6 dB, floating point", gain(-6, audio.Float32)},
		}},
		{6, []change{{"gain +6 dB, 16 bits", gain(6, audio.Int16)}}},
		{12, []change{{"gain +12 dB, 16 bits", gain(12, audio.Int16)}}},
		{0, []change{
			{"inverted", channel.Invert},
			{"offset of 0.01", func(r *audio.Recording) *audio.Recording { return channel.Offset(r, 0.01) }},
		}},
	} {
		quiet, err := s.quieter(subjects, group.quieter)
		if err != nil {
			return nil, err
		}
		rows, err := s.changed("amplitude", quiet, group.cases)
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, rows...)
	}
	pairs, err := s.stereo(subjects)
	if err != nil {
		return nil, err
	}
	pick := func(name string, want want, do func(r *audio.Recording) *audio.Recording) trial {
		return trial{name, func(_ int, p *experiment.Subject) (*audio.Recording, error) { return do(p.Stego), nil }, want}
	}
	rows, err := s.losing("stereo", pairs, []trial{
		pick("stereo", exactly, func(r *audio.Recording) *audio.Recording { return r }),
		pick("stereo, channels swapped", exactly, func(r *audio.Recording) *audio.Recording { return channel.Pick(r, 1, 0) }),
		pick("stereo, the left channel alone", atLeast(40), func(r *audio.Recording) *audio.Recording { return channel.Pick(r, 0) }),
		pick("stereo, the right channel alone", atLeast(40), func(r *audio.Recording) *audio.Recording { return channel.Pick(r, 1) }),
		pick("stereo, the left channel zeroed", atLeast(40), func(r *audio.Recording) *audio.Recording { return channel.Mute(r, 0) }),
	})
	t.Rows = append(t.Rows, rows...)
	return t, err
}

// change is something that happens to recordings and leaves what they say.
type change struct {
	name string
	do   func(r *audio.Recording) *audio.Recording
}

// changed measures changes. The target for each is that no pair loses more than a decibel.
func (s *study) changed(what string, subjects []*experiment.Subject, changes []change) ([]Row, error) {
	var trials []trial
	for _, c := range changes {
		trials = append(trials, trial{name: c.name, do: func(_ int, p *experiment.Subject) (*audio.Recording, error) { return c.do(p.Stego), nil }})
	}
	rows, err := s.losing(what, subjects, trials)
	for i := range rows {
		lost := rows[i].Values[len(rows[i].Values)-1]
		rows[i].aim("at most 1 dB lost", lost <= 1)
	}
	return rows, err
}

// losing does all trials with all subjects and returns a row for each that ends in what was lost.
func (s *study) losing(what string, subjects []*experiment.Subject, trials []trial) ([]Row, error) {
	asItIs := trial{name: "as it is", do: func(_ int, p *experiment.Subject) (*audio.Recording, error) { return p.Stego, nil }}
	outcomes, err := s.outcomes(what, subjects, append([]trial{asItIs}, trials...))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for t, o := range outcomes[1:] {
		lost := 0.0
		for i := range o {
			lost = max(lost, outcomes[0][i].PSNR-o[i].PSNR)
		}
		m := summarise(o)
		rows = append(rows, trials[t].want.row(trials[t].name, m, append(m.values(), lost)...))
	}
	return rows, nil
}

// quieter returns subjects with their pictures hidden in covers that are quieter by a number of decibels.
func (s *study) quieter(subjects []*experiment.Subject, dB float64) ([]*experiment.Subject, error) {
	if dB == 0 {
		return subjects, nil
	}
	quiet := make([]*experiment.Subject, len(subjects))
	err := s.Each("quieter", len(subjects), func(i int) (err error) {
		p := *subjects[i]
		// A little more than the gain, for what hiding adds to the peak.
		p.Cover = channel.Convert(channel.Gain(p.Cover, -dB-0.05), audio.Int16)
		p.Stego, err = s.Hide(p.Cover, p.Secret, "", ditas.HideOptions{})
		quiet[i] = &p
		return err
	})
	return quiet, err
}

// stereo makes subjects with recordings of two channels, each from two subjects.
func (s *study) stereo(subjects []*experiment.Subject) ([]*experiment.Subject, error) {
	pairs := make([]*experiment.Subject, len(half(subjects)))
	return pairs, s.Each("stereo", len(pairs), func(i int) (err error) {
		a, b := subjects[i], subjects[len(subjects)-1-i]
		p := &experiment.Subject{Secret: beside(a.Secret, b.Secret), Cover: &audio.Recording{Format: a.Cover.Format}}
		p.Cover.Format.Channels = 2
		right := b.Cover.Samples[0]
		if a == b {
			right = s.Clip((a.Pair.Clip+1)%s.Data.Speech.Len(), experiment.Samples).Samples[0]
		}
		p.Cover.Samples = [][]float64{a.Cover.Samples[0], right}
		pairs[i] = p
		p.Stego, err = s.Hide(p.Cover, p.Secret, "", ditas.HideOptions{})
		return err
	})
}

// beside returns two pictures of one size side by side.
func beside(a, b *picture.Planes) *picture.Planes {
	p := picture.New(2*a.Width, a.Height)
	for c, plane := range p.Pix {
		for y := range a.Height {
			copy(plane[2*y*a.Width:], a.Pix[c][y*a.Width:][:a.Width])
			copy(plane[(2*y+1)*a.Width:], b.Pix[c][y*a.Width:][:a.Width])
		}
	}
	return p
}
