package experiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/dataset"
	"ditas/metric"
	"ditas/picture"
)

// subject is a picture and a clip.
type subject struct {
	pair   dataset.Pair
	secret *picture.Planes
	cover  *audio.Recording
	stego  *container // the picture in the clip, at default strength unless an experiment says otherwise
	// target is the container MSE that contenders make, as far as they can; 0 leaves each its own strength.
	target float64
}

// container is a recording with a picture in it, as read from its file.
type container struct {
	*audio.Recording
	report *ditas.HideReport
}

// choose makes the subjects, with nothing hidden yet.
func (s *study) choose() {
	pairs := dataset.Pairs(s.data.Pictures.Len(), s.data.Speech.Len())
	if n := s.options.Pairs; n > 0 {
		pairs = pairs[:min(n, len(pairs))]
	}
	s.subjects = make([]*subject, len(pairs))
	for i, pair := range pairs {
		s.subjects[i] = &subject{pair: pair, secret: s.picture(pair.Picture), cover: s.clip(pair.Clip, samples)}
	}
}

// prepare makes the subjects and hides their pictures.
func (s *study) prepare() error {
	s.choose()
	return s.each("hiding", len(s.subjects), func(i int) (err error) {
		p := s.subjects[i]
		p.stego, err = s.hide(p.cover, p.secret, ditas.HideOptions{})
		return err
	})
}

// picture returns a picture of the set.
func (s *study) picture(i int) *picture.Planes {
	p := picture.New(Side, Side)
	s.data.Pictures.Thumbnail(i, p)
	return p
}

// clip returns the first n samples of a clip, with their peak at [dataset.Peak].
func (s *study) clip(i, n int) *audio.Recording {
	x := make([]float32, n)
	s.data.Speech.Cover(i, x)
	return recording(x)
}

// recording returns samples as what a 16-bit file holds of them.
func recording(channels ...[]float32) *audio.Recording {
	format := audio.Format{Rate: dataset.Rate, Channels: len(channels), Encoding: audio.Int16}
	r := &audio.Recording{Format: format, Samples: audio.NewBlock(len(channels), len(channels[0]))}
	for c, x := range channels {
		for i, v := range x {
			r.Samples[c][i] = format.Quantize(float64(v))
		}
	}
	return r
}

// file returns a recording as a WAV file in memory.
func file(r *audio.Recording) (*wav.File, error) {
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		return nil, err
	}
	return wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// dither returns the random bytes of a recording that something is hidden in. They follow from the experiment's seed and the recording, so
// that they are the same in every run and others in every recording.
func (s *study) dither(cover *audio.Recording) io.Reader {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, s.options.Seed)
	for _, x := range cover.Samples {
		binary.Write(h, binary.LittleEndian, x)
	}
	return rand.NewChaCha8([32]byte(h.Sum(nil)))
}

// hide hides a picture in a recording.
func (s *study) hide(cover *audio.Recording, secret *picture.Planes, o ditas.HideOptions) (*container, error) {
	f, err := file(cover)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	o.Workers, o.Random = 1, s.dither(cover)
	report, err := ditas.Hide(s.ctx, &b, f, secret, o)
	if err != nil {
		return nil, err
	}
	r, err := wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
	return &container{r, report}, err
}

// planned returns how strong the change is that each frame of a cover is given at default strength.
func (s *study) planned(cover *audio.Recording) ([]carrier.Strength, error) {
	f, err := file(cover)
	if err != nil {
		return nil, err
	}
	survey, err := carrier.NewSurvey(s.ctx, f, carrier.DefaultShaping, 1, nil)
	if err != nil {
		return nil, err
	}
	plan := survey.Plan(carrier.Robust, survey.MSE(ditas.DefaultSNR))
	all := make([]carrier.Strength, survey.Frames())
	for k := range all {
		all[k] = plan.Strength(0, k)
	}
	return all, nil
}

// reveal returns the picture in a recording, nil if none is found.
func (s *study) reveal(r *audio.Recording, o ditas.RevealOptions) (*picture.Planes, error) {
	f, err := file(r)
	if err != nil {
		return nil, err
	}
	o.Method, o.Workers = ditas.Lattice, 1
	p, _, err := ditas.Reveal(s.ctx, f, o)
	if errors.Is(err, ditas.ErrNothingFound) {
		return nil, nil
	}
	return p, err
}

// outcome is what came of a picture.
type outcome struct {
	psnr         float64 // dB, at most best
	found, exact bool
}

// judge compares a revealed picture with the one that was hidden. No picture is as good as a grey one.
func judge(secret, revealed *picture.Planes) (outcome, error) {
	found := revealed != nil
	if !found {
		revealed = grey(secret.Width, secret.Height)
	}
	psnr, err := metric.PSNR(secret, revealed)
	return outcome{psnr: min(psnr, best), found: found, exact: math.IsInf(psnr, 1)}, err
}

// grey returns the picture that one has who has none.
func grey(width, height int) *picture.Planes {
	p := picture.New(width, height)
	for _, plane := range p.Pix {
		for i := range plane {
			plane[i] = 0.5
		}
	}
	return p
}

// revealed reveals a picture from a recording and compares.
func (s *study) revealed(secret *picture.Planes, r *audio.Recording) (outcome, error) {
	p, err := s.reveal(r, ditas.RevealOptions{})
	if err != nil {
		return outcome{}, err
	}
	return judge(secret, p)
}

// trial is something that happens to recordings, and what is wanted of them afterwards.
type trial struct {
	name string
	// do returns what becomes of a subject's stego.
	do   func(i int, p *subject) (*audio.Recording, error)
	want want
}

// outcomes does all trials with all subjects and returns what came of them, by trial.
func (s *study) outcomes(what string, subjects []*subject, trials []trial) ([][]outcome, error) {
	outcomes := make([][]outcome, len(trials))
	for t := range trials {
		outcomes[t] = make([]outcome, len(subjects))
	}
	err := s.each(what, len(trials)*len(subjects), func(task int) error {
		t, i := task/len(subjects), task%len(subjects)
		r, err := trials[t].do(i, subjects[i])
		if err != nil {
			return err
		}
		if outcomes[t][i], err = s.revealed(subjects[i].secret, r); err != nil {
			return fmt.Errorf("%s, pair %d: %w", trials[t].name, i, err)
		}
		return nil
	})
	return outcomes, err
}

// try does all trials with all subjects and returns a row for each.
func (s *study) try(what string, subjects []*subject, trials []trial) ([]Row, error) {
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

// power returns the mean square of samples.
func power(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(len(x))
}
