package experiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/dataset"
	"ditas/metric"
	"ditas/picture"
)

// subject is a picture and a clip.
type subject struct {
	pair   dataset.Pair
	secret *picture.Planes
	cover  *audio.Recording
	stego  *audio.Recording // the picture in the clip, at default strength unless an experiment says otherwise
	// target is the container MSE that contenders make, as far as they can; 0 leaves each its own strength.
	target float64
}

// subject returns a pair of the data, with nothing hidden yet.
func (s *study) subject(pair dataset.Pair) *subject {
	return &subject{pair: pair, secret: s.picture(pair.Picture), cover: s.clip(pair.Clip, samples)}
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

// dither returns the random bytes of a recording that something is hidden in. They follow from the experiment's seed and the recording, so
// that they are the same in every run and others in every recording.
func (s *study) dither(cover *audio.Recording) io.Reader {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, s.Seed)
	for _, x := range cover.Samples {
		binary.Write(h, binary.LittleEndian, x)
	}
	return rand.NewChaCha8([32]byte(h.Sum(nil)))
}

// hide returns what the file holds of a recording in which a picture was hidden.
func (s *study) hide(cover *audio.Recording, secret *picture.Planes, o ditas.HideOptions) (*audio.Recording, error) {
	f, err := file(cover)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	o.Workers, o.Random = 1, s.dither(cover)
	if _, err := ditas.Hide(s.ctx, &b, f, secret, o); err != nil {
		return nil, err
	}
	return wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
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

// revealed reveals a picture from a recording and compares.
func (s *study) revealed(secret *picture.Planes, r *audio.Recording) (outcome, error) {
	p, err := s.reveal(r, ditas.RevealOptions{})
	if err != nil {
		return outcome{}, err
	}
	return judge(secret, p)
}

// atMSE returns options that aim at a container MSE in a cover.
func atMSE(cover *audio.Recording, mse float64) ditas.HideOptions {
	power := 0.0
	for _, v := range cover.Samples[0] {
		power += v * v / float64(cover.Frames())
	}
	return ditas.HideOptions{SNR: max(ditas.MinSNR, min(10*math.Log10(power/mse), ditas.MaxSNR))}
}

// mse returns the mean squared error of a container, which may end before the cover.
func (p *subject) mse(container []float64) (float64, error) {
	return metric.MSE(p.cover.Samples[0][:len(container)], container)
}
