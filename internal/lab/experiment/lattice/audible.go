package lattice

import (
	"ditas"
	"ditas/internal/lab/experiment"
)

// audible measures noise and loss again with the change as strong as its ratio says, whether it is heard or not.
func (s *study) audible() (*Table, error) {
	t := &Table{
		Title: "Noise and loss, heard or not",
		Text: "The targets of noise and loss were set for a change of 50 dB. The default makes that change only as far as nobody hears it, which in\n" +
			"recordings with quiet pauses leaves much of them alone. Here are the same trials with `--audible`: how far these rows lie above the\n" +
			"default's is what its silence costs.",
		Columns: pictureColumns,
	}
	var subjects []*experiment.Subject
	for _, p := range s.Damaged() {
		loud := *p
		subjects = append(subjects, &loud)
	}
	err := s.Each("hiding", len(subjects), func(i int) (err error) {
		p := subjects[i]
		p.Stego, err = s.Hide(p.Cover, p.Secret, "", ditas.HideOptions{Strength: ditas.Audible(ditas.DefaultSNR)})
		return err
	})
	if err != nil {
		return nil, err
	}
	t.Rows, err = s.try("noise and loss", subjects, append(s.noises(), losses()...))
	return t, err
}
