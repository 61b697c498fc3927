package model

import (
	"fmt"
	"math"
	"slices"

	"ditas/dsp"
)

// Survey tells how strongly subsequences may be used for a given distortion. It must not be used by two goroutines at once.
type Survey struct {
	mdct   *dsp.MDCT[float32]
	c      []float32
	square []float64
	// message is the power that a message coefficient is expected to have, as a share of the threshold's square.
	message float64
}

// messagePower is the mean square of the networks' output over the square of its largest possible value, as measured on
// validation pictures.
const messagePower = 0.03

// NewSurvey returns a survey for a configuration.
func NewSurvey(c Config) (*Survey, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m, err := dsp.NewMDCT[float32](c.Bands)
	if err != nil {
		return nil, err
	}
	return &Survey{
		mdct: m, c: make([]float32, c.Samples()), square: make([]float64, c.Samples()),
		message: messagePower * c.Amplitude * c.Amplitude,
	}, nil
}

// Threshold returns the greatest strength at which the expected mean squared distortion of a subsequence, the power of the
// coefficients that are erased and of the message that replaces them, is at most the one given. It panics if cover is too
// short.
func (s *Survey) Threshold(cover []float32, distortion float64) (float64, error) {
	if !(distortion > 0) {
		return 0, fmt.Errorf("distortion %g: want more than 0", distortion)
	}
	s.mdct.Forward(s.c, cover[:len(s.c)])
	for i, v := range s.c {
		s.square[i] = float64(v) * float64(v)
	}
	slices.Sort(s.square)
	var tau, erased float64
	for k, q := range s.square {
		erased += q
		// With the k+1 smallest coefficients erased, the threshold may be anything from this one to the next.
		room := (float64(len(s.square))*distortion - erased) / (s.message * float64(k+1))
		if k+1 == len(s.square) || room < s.square[k+1] {
			tau = math.Sqrt(max(q, room))
			break
		}
	}
	return min(tau, MaxThreshold), nil
}
