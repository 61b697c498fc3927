package model

import (
	"fmt"
	"math"
	"sort"

	"ditas/internal/dsp"
)

// Survey tells how strongly subsequences may be used for a given distortion. It must not be used by two goroutines at once.
type Survey struct {
	mdct    *dsp.MDCT[float32]
	c       []float32
	message float64 // power that a message coefficient is expected to have, as a share of the threshold's square
	peak    float64 // largest message coefficient, as a share of the threshold
	below   int     // levels by which it lies below the threshold
	least   []int
	// Of the coefficients of a frame that are at least as strong as a level: their number, their magnitudes and their power.
	number, magnitude, power [levels + 1]float64
	// Of the whole subsequence, by activity and by the level of the threshold.
	room, distortion [][levels]float64
}

// Curve tells what a subsequence takes at each level of strength.
type Curve struct {
	room       [levels]uint16  // coefficients that make room for the message
	distortion [levels]float32 // expected sum of squared errors
	samples    int
	peak       float64 // as in Survey
}

// messagePower is the mean square of the networks' output over the square of its largest possible value, as measured on
// validation pictures.
const messagePower = 0.03

// MessagePower returns the mean square that the networks' message is expected to have in the coefficients that make room for it, at a
// threshold.
func (c Config) MessagePower(tau float64) float64 {
	return messagePower * c.Amplitude * c.Amplitude * tau * tau
}

// crowded says how much louder the networks' output is the less room it has, as a share of that square: roughly, as seen in some ten
// slots of one piece of music, by (1 − room)/room.
const crowded = 0.05

// Thresholds are tried in steps of 0.3 dB below MaxThreshold, down to 76 dB.
const (
	levels    = 256
	levelStep = 0.3
)

// Level returns the threshold that a level of strength stands for: 0.3 dB below MaxThreshold for each level.
func Level(i uint8) float64 { return thresholds[i] }

var thresholds = func() (of [levels]float64) {
	for i := range of {
		of[i] = MaxThreshold * math.Pow(10, -levelStep*float64(i)/20)
	}
	return of
}()

// bounds are the least magnitudes that reach each level.
var bounds = func() (of [levels]float32) {
	for i, t := range thresholds {
		if of[i] = float32(t); float64(of[i]) < t {
			of[i] = math.Nextafter32(of[i], 2)
		}
	}
	return of
}()

// Magnitudes between two bins, numbered by the first bits of a float, differ so little that at most one level begins between them.
const (
	binBits  = 15 // that a bin leaves out: 256 bins an octave
	firstBin = (127 - 13) << (23 - binBits)
	lastBin  = 127 << (23 - binBits)
)

// binned are the levels that the least magnitudes of bins reach.
var binned = func() (of [lastBin - firstBin]uint16) {
	for i := range of {
		least := math.Float32frombits(uint32(i+firstBin) << binBits)
		of[i] = uint16(sort.Search(levels, func(k int) bool { return least >= bounds[k] }))
	}
	return of
}()

// reached returns the first level whose threshold a magnitude reaches, levels if there is none.
func reached(x float32) int {
	bin := int(math.Float32bits(x)>>binBits) - firstBin
	switch {
	case x >= MaxThreshold:
		return 0
	case bin < 0 || bin >= len(binned): // fainter than all, or not a number
		return levels
	}
	i := int(binned[bin])
	if i > 0 && x >= bounds[i-1] {
		i--
	}
	return i
}

// NewSurvey returns a survey for a configuration and some activities, see [Hider.SetActivity].
func NewSurvey(c Config, least ...int) (*Survey, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m, err := dsp.NewMDCT[float32](c.Bands)
	if err != nil {
		return nil, err
	}
	return &Survey{
		mdct: m, c: make([]float32, c.Samples()), message: c.MessagePower(1), least: least,
		peak: c.Amplitude, below: int(math.Round(-20 * math.Log10(c.Amplitude) / levelStep)),
		room: make([][levels]float64, len(least)), distortion: make([][levels]float64, len(least)),
	}, nil
}

// Measure sets a curve for each activity. It panics if cover is too short.
func (s *Survey) Measure(curves []Curve, cover []float32) {
	s.mdct.Forward(s.c, cover[:len(s.c)])
	clear(s.room)
	clear(s.distortion)
	bands := s.mdct.Bands()
	for at := 0; at < len(s.c); at += bands {
		s.add(s.c[at:][:bands])
	}
	for i := range curves {
		c := &curves[i]
		c.samples, c.peak = len(s.c), s.peak
		for level := range levels {
			c.room[level] = uint16(s.room[i][level])
			c.distortion[level] = float32(s.distortion[i][level])
		}
	}
}

// add takes a frame in: its room and distortion at every threshold.
func (s *Survey) add(frame []float32) {
	clear(s.number[:])
	clear(s.magnitude[:])
	clear(s.power[:])
	for _, v := range frame {
		v = max(v, -v)
		x := float64(v)
		i := reached(v)
		s.number[i]++
		s.magnitude[i] += x
		s.power[i] += x * x
	}
	for i := range levels {
		s.number[i+1] += s.number[i]
		s.magnitude[i+1] += s.magnitude[i]
		s.power[i+1] += s.power[i]
	}
	total := s.power[levels]
	for k, least := range s.least {
		room, distortion := &s.room[k], &s.distortion[k]
		for i := range levels {
			if s.number[i] < float64(least) {
				distortion[i] += s.limited(i)
				continue
			}
			weak := float64(len(frame)) - s.number[i]
			tau := thresholds[i]
			room[i] += weak
			distortion[i] += total - s.power[i] + s.message*tau*tau*weak
		}
	}
}

// limited returns by how much limiting the weak coefficients of a frame that is not active changes it: those between the message's peak
// and the threshold.
func (s *Survey) limited(level int) float64 {
	to, peak := min(level+s.below, levels), s.peak*thresholds[level]
	n, magnitude, power := s.number[to]-s.number[level], s.magnitude[to]-s.magnitude[level], s.power[to]-s.power[level]
	return max(0, power-2*peak*magnitude+peak*peak*n)
}

// Use is how a subsequence is used at a level of strength.
type Use struct {
	Level      uint8
	Room       float64 // share of the coefficients that make room for the message
	Distortion float64 // expected mean squared error, that of a message that is louder where it has little room included
}

// Use returns how strongly the subsequence should be used, at a level whose threshold is not less than floor. It is the greatest strength at
// which the expected mean squared distortion is at most the one given; strengths at which so few frames are active that a weaker one has a
// tenth more room are passed over. If there is none, it is the weakest, and the distortion is more than the one given.
func (c *Curve) Use(distortion, floor float64) (Use, error) {
	if !(distortion > 0) || !(floor > 0 && floor <= MaxThreshold) {
		return Use{}, fmt.Errorf("distortion %g with thresholds from %g: want more than 0, and at most %g for the threshold", distortion, floor, MaxThreshold)
	}
	weakest := min(levels-1, int(-20*math.Log10(floor/MaxThreshold)/levelStep))
	within := func(i int) bool { return float64(c.distortion[i]) <= distortion*float64(c.samples) }
	var most float64
	for i, room := range c.room[:weakest+1] {
		if within(i) {
			most = max(most, float64(room))
		}
	}
	best := weakest
	for i, room := range c.room[:weakest+1] {
		if within(i) && room > 0 && float64(room) >= 0.9*most {
			best = i
			break
		}
	}
	n := float64(c.samples)
	u := Use{Level: uint8(best), Room: float64(c.room[best]) / n, Distortion: float64(c.distortion[best]) / n}
	if peak := c.peak * thresholds[best]; u.Room > 0 {
		u.Distortion += min(1-messagePower, crowded*(1-u.Room)/u.Room) * peak * peak * u.Room
	}
	return u, nil
}
