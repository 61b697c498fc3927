package experiment

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/metric"
	"ditas/picture"
	"ditas/report"
)

// Subject is a picture and a clip.
type Subject struct {
	Pair   dataset.Pair
	Secret *picture.Planes
	Cover  *audio.Recording
	Stego  *audio.Recording // the picture in the clip, at default strength unless an experiment says otherwise
	// Target is the container MSE that contenders make, as far as they can; 0 leaves each its own strength.
	Target float64
}

// subject returns a pair of the data, with nothing hidden yet.
func (s *Study) subject(pair dataset.Pair) *Subject {
	return &Subject{Pair: pair, Secret: s.picture(pair.Picture), Cover: s.Clip(pair.Clip, Samples)}
}

// picture returns a picture of the set.
func (s *Study) picture(i int) *picture.Planes {
	p := picture.New(Side, Side)
	s.Data.Pictures.Thumbnail(i, p)
	return p
}

// Clip returns the first n samples of a clip, with their peak at [dataset.Peak].
func (s *Study) Clip(i, n int) *audio.Recording {
	x := make([]float32, n)
	s.Data.Speech.Cover(i, x)
	return Recording(x)
}

// dither returns the random bytes of a recording that something is hidden in. They follow from the experiment's seed and the recording, so
// that they are the same in every run and others in every recording.
func (s *Study) dither(cover *audio.Recording, more ...uint64) io.Reader {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, s.Options.Seed)
	for _, x := range cover.Samples {
		binary.Write(h, binary.LittleEndian, x)
	}
	binary.Write(h, binary.LittleEndian, more)
	return rand.NewChaCha8([32]byte(h.Sum(nil)))
}

// key returns the key of a passphrase, the public one if it is empty.
func key(passphrase string) (ditas.Key, error) {
	if passphrase == "" {
		return ditas.Public(), nil
	}
	return ditas.Passphrase(passphrase, nil)
}

// Hide returns what the file holds of a recording in which a picture was hidden, for everybody if the passphrase is empty.
func (s *Study) Hide(cover *audio.Recording, secret *picture.Planes, passphrase string, o ditas.HideOptions) (*audio.Recording, error) {
	k, err := key(passphrase)
	if err != nil {
		return nil, err
	}
	stego, _, err := s.HideFor(cover, secret, k, o)
	return stego, err
}

// HideFor is Hide for a key, which takes long to make of a passphrase. It returns the report as well.
func (s *Study) HideFor(cover *audio.Recording, secret *picture.Planes, k ditas.Key, o ditas.HideOptions) (*audio.Recording, *report.Hide, error) {
	f, err := File(cover)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	o.Workers, o.Random = 1, s.dither(cover)
	r, err := ditas.Hide(s.ctx, &b, f, secret, k, o)
	if err != nil {
		return nil, nil, err
	}
	stego, err := wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
	return stego, r, err
}

// Capacity tells what a cover takes.
func (s *Study) Capacity(cover *audio.Recording, o ditas.HideOptions) (*report.Capacity, error) {
	f, err := File(cover)
	if err != nil {
		return nil, err
	}
	survey, err := ditas.NewSurvey(s.ctx, f, ditas.SurveyOptions{Method: o.Method, For: o.For, Workers: 1})
	if err != nil {
		return nil, err
	}
	return survey.Capacity(o.Strength)
}

// Dither returns what the file holds of a recording that was rounded with dither, which the seed chooses, and in which nothing is hidden.
func (s *Study) Dither(cover *audio.Recording, seed uint64) (*audio.Recording, error) {
	f, err := File(cover)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := ditas.Dither(s.ctx, &b, f, ditas.DitherOptions{Workers: 1, Random: s.dither(cover, seed)}); err != nil {
		return nil, err
	}
	return wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// Reveal returns the picture in a recording, nil if none is found.
func (s *Study) Reveal(r *audio.Recording, passphrase string, o ditas.RevealOptions) (*picture.Planes, error) {
	k, err := key(passphrase)
	if err != nil {
		return nil, err
	}
	f, err := File(r)
	if err != nil {
		return nil, err
	}
	o.Method, o.Workers = cmp.Or(o.Method, ditas.Methods()[0].Name), 1
	p, _, err := ditas.Reveal(s.ctx, f, k, o)
	if errors.Is(err, ditas.ErrNothingFound) {
		return nil, nil
	}
	return p, err
}

// Revealed reveals a picture from a recording and compares.
func (s *Study) Revealed(secret *picture.Planes, r *audio.Recording) (Outcome, error) {
	p, err := s.Reveal(r, "", ditas.RevealOptions{})
	if err != nil {
		return Outcome{}, err
	}
	return Judge(secret, p)
}

// AimAt returns options that aim at a container MSE in a cover.
func AimAt(cover *audio.Recording, mse float64) ditas.HideOptions {
	power := 0.0
	for _, v := range cover.Samples[0] {
		power += v * v / float64(cover.Frames())
	}
	m := ditas.Methods()[0]
	return ditas.HideOptions{Strength: ditas.SNR(max(m.MinSNR, min(10*math.Log10(power/mse), m.MaxSNR)))}
}

// MSE returns the mean squared error of a container, which may end before the cover.
func (p *Subject) MSE(container []float64) (float64, error) {
	return metric.MSE(p.Cover.Samples[0][:len(container)], container)
}
