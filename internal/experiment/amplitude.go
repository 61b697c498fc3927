package experiment

import (
	"ditas"
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/picture"
)

// amplitude measures what gain, polarity, offset and the order of channels do.
func (s *study) amplitude() (*Table, error) {
	t := &Table{
		Title: "Gain, polarity, offset, channels",
		Text: "Default strength. A recording that is to be amplified is quieter by as much before, so that nothing clips. The file that the receiver\n" +
			"gets has 16 bits, whose rounding weighs the more the quieter it is, or 32-bit floating point, which loses nothing. Stereo: two\n" +
			"different clips as channels, and two thumbnails side by side as the picture, so that there are 12 samples a pixel as well; with a\n" +
			"channel missing, half of the recording is lost.",
		Columns: pictureColumns,
	}
	subjects := s.damaged()
	on16 := func(r *audio.Recording) *audio.Recording { return r }
	var trials []trial
	for _, c := range []struct {
		name string
		dB   float64
		as   func(r *audio.Recording) *audio.Recording
	}{
		{"gain −12 dB, 16 bits", -12, on16}, {"gain −12 dB, floating point", -12, float},
		{"gain −6 dB, 16 bits", -6, on16}, {"gain −6 dB, floating point", -6, float},
		{"gain +6 dB, 16 bits", 6, on16}, {"gain +12 dB, 16 bits", 12, on16},
	} {
		trials = append(trials, trial{c.name, func(_ int, p *subject) (*audio.Recording, error) {
			stego := p.stego
			if c.dB > 0 {
				var err error
				// A little less than the gain, for what hiding adds to the peak.
				if stego, err = s.hide(channel.Convert(channel.Gain(p.cover, -c.dB-0.05), audio.Int16), p.secret, ditas.HideOptions{}); err != nil {
					return nil, err
				}
			}
			return c.as(channel.Gain(stego.Recording, c.dB)), nil
		}, exactly})
	}
	trials = append(trials,
		trial{"inverted", func(_ int, p *subject) (*audio.Recording, error) { return channel.Invert(p.stego.Recording), nil }, exactly},
		trial{"offset of 0.01", func(_ int, p *subject) (*audio.Recording, error) {
			return channel.Offset(p.stego.Recording, 0.01), nil
		}, exactly})
	rows, err := s.try("amplitude", subjects, trials)
	if err != nil {
		return nil, err
	}
	t.Rows = rows
	rows, err = s.stereo(subjects)
	t.Rows = append(t.Rows, rows...)
	return t, err
}

// stereo measures recordings of two channels, of half as many subjects as there are.
func (s *study) stereo(subjects []*subject) ([]Row, error) {
	pairs := make([]*subject, len(half(subjects)))
	err := s.each("stereo", len(pairs), func(i int) (err error) {
		a, b := subjects[i], subjects[len(subjects)-1-i]
		p := &subject{secret: beside(a.secret, b.secret), cover: &audio.Recording{Format: a.cover.Format}}
		p.cover.Format.Channels = 2
		right := b.cover.Samples[0]
		if a == b {
			right = s.clip((a.pair.Clip+1)%s.data.Speech.Len(), samples).Samples[0]
		}
		p.cover.Samples = [][]float64{a.cover.Samples[0], right}
		pairs[i] = p
		p.stego, err = s.hide(p.cover, p.secret, ditas.HideOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.try("stereo", pairs, []trial{
		{"stereo", func(_ int, p *subject) (*audio.Recording, error) { return p.stego.Recording, nil }, exactly},
		{"stereo, channels swapped", func(_ int, p *subject) (*audio.Recording, error) { return channel.Pick(p.stego.Recording, 1, 0), nil }, exactly},
		{"stereo, the left channel alone", func(_ int, p *subject) (*audio.Recording, error) { return channel.Pick(p.stego.Recording, 0), nil }, atLeast(40)},
		{"stereo, the right channel alone", func(_ int, p *subject) (*audio.Recording, error) { return channel.Pick(p.stego.Recording, 1), nil }, atLeast(40)},
		{"stereo, the left channel zeroed", func(_ int, p *subject) (*audio.Recording, error) { return channel.Mute(p.stego.Recording, 0), nil }, atLeast(40)},
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
