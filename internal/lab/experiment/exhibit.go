package experiment

import (
	"errors"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/lab/dataset"
	"ditas/picture"
)

// Exhibit is a picture and a clip that figures show.
type Exhibit struct {
	// Attribution says in Markdown where they are from and what one may do with them.
	Attribution string
	*Subject
}

// NewExhibit makes one of a photograph and a recording at 16 kHz by the protocol: the middle square of the photograph, and the
// start of the recording's first channel with its peak at [dataset.Peak].
func NewExhibit(photo *picture.Planes, speech *audio.Recording, attribution string) (*Exhibit, error) {
	if speech.Format.Rate != dataset.Rate {
		return nil, fmt.Errorf("a recording at %d Hz: want %d Hz", speech.Format.Rate, dataset.Rate)
	}
	if speech.Frames() < Samples {
		return nil, fmt.Errorf("a recording of %d samples: want %d at least", speech.Frames(), Samples)
	}
	x := make([]float32, Samples)
	top := 0.0
	for _, v := range speech.Samples[0][:Samples] {
		top = max(top, math.Abs(v))
	}
	if top == 0 {
		return nil, errors.New("the recording begins with silence")
	}
	for i := range x {
		x[i] = float32(speech.Samples[0][i] * dataset.Peak / top)
	}
	secret := photo.Thumbnail(Side)
	secret.Round()
	return &Exhibit{Attribution: attribution, Subject: &Subject{Secret: secret, Cover: Recording(x)}}, nil
}

// Exhibit returns pair i of the data as one that figures can show.
func (d Data) Exhibit(i int) (*Exhibit, error) {
	pairs := dataset.Pairs(d.Pictures.Len(), d.Speech.Len())
	if i < 0 || i >= len(pairs) {
		return nil, fmt.Errorf("pair %d: there are %d", i+1, len(pairs))
	}
	p := pairs[i]
	return &Exhibit{
		Attribution: fmt.Sprintf("Picture %s and clip %s of the data set, whose folder licences says what one may do with them.",
			d.Pictures.Name(p.Picture), d.Speech.Name(p.Clip)),
		Subject: (&Study{Data: d}).subject(p),
	}, nil
}
