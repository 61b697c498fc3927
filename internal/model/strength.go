package model

import (
	"fmt"
	"math"

	"ditas/internal/dsp"
)

// Survey tells how strongly subsequences may be used for a given distortion. It must not be used by two goroutines at once.
type Survey struct {
	mdct    *dsp.MDCT[float32]
	c       []float32
	message float64 // power that a message coefficient is expected to have, as a share of the threshold's square
	least   int
	// Of the coefficients of a frame that are at least as strong as a level: their number and their power.
	number [levels + 1]float64
	power  [levels + 1]float64
	// Of the whole subsequence, by the level of the threshold.
	room, distortion [levels]float64
}

// messagePower is the mean square of the networks' output over the square of its largest possible value, as measured on
// validation pictures.
const messagePower = 0.03

// Thresholds are tried in steps of 0.3 dB below MaxThreshold, down to 76 dB.
const (
	levels    = 256
	levelStep = 0.3
)

// Level returns the threshold that a level of strength stands for: 0.3 dB below MaxThreshold for each level.
func Level(i uint8) float64 { return MaxThreshold * math.Pow(10, -levelStep*float64(i)/20) }

// NewSurvey returns a survey for a configuration and an activity, see [Hider.SetActivity].
func NewSurvey(c Config, least int) (*Survey, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m, err := dsp.NewMDCT[float32](c.Bands)
	if err != nil {
		return nil, err
	}
	return &Survey{mdct: m, c: make([]float32, c.Samples()), message: messagePower * c.Amplitude * c.Amplitude, least: least}, nil
}

// Level returns how strongly a subsequence should be used, a level whose threshold is not less than floor, and how many
// coefficients make room for the message then. It is the greatest strength at which the expected mean
// squared distortion is at most the one given; strengths at which so few frames are active that a weaker one has a tenth more
// room are passed over. If there is none, it is the weakest. It panics if cover is too short.
func (s *Survey) Level(cover []float32, distortion, floor float64) (best uint8, room int, err error) {
	if !(distortion > 0) || !(floor > 0 && floor <= MaxThreshold) {
		return 0, 0, fmt.Errorf("distortion %g with thresholds from %g: want more than 0, and at most %g for the threshold", distortion, floor, MaxThreshold)
	}
	s.mdct.Forward(s.c, cover[:len(s.c)])
	clear(s.room[:])
	clear(s.distortion[:])
	bands := s.mdct.Bands()
	for at := 0; at < len(s.c); at += bands {
		s.add(s.c[at:][:bands])
	}
	weakest := min(levels-1, int(-20*math.Log10(floor/MaxThreshold)/levelStep))
	within := func(i int) bool { return s.distortion[i] <= distortion*float64(len(s.c)) }
	var most float64
	for i, room := range s.room[:weakest+1] {
		if within(i) {
			most = max(most, room)
		}
	}
	best = uint8(weakest)
	for i, room := range s.room[:weakest+1] {
		if within(i) && room > 0 && room >= 0.9*most {
			best = uint8(i)
			break
		}
	}
	return best, int(s.room[best]), nil
}

// add takes a frame in: its room and distortion at every threshold.
func (s *Survey) add(frame []float32) {
	clear(s.number[:])
	clear(s.power[:])
	var total float64
	for _, v := range frame {
		x := math.Abs(float64(v))
		total += x * x
		// The first level that it reaches.
		i := 0
		if x < MaxThreshold {
			i = int(min(levels, math.Ceil(-20*math.Log10(x/MaxThreshold)/levelStep)))
		}
		s.number[i]++
		s.power[i] += x * x
	}
	var strong, power float64
	for i := range levels {
		strong += s.number[i]
		power += s.power[i]
		if strong < float64(s.least) {
			continue // what limiting the frame's coefficients takes away is little
		}
		weak := float64(len(frame)) - strong
		tau := Level(uint8(i))
		s.room[i] += weak
		s.distortion[i] += total - power + s.message*tau*tau*weak
	}
}
