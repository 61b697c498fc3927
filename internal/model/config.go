package model

import (
	"fmt"
	"slices"

	"ditas/internal/dsp"
)

// Config describes one system. The five DITAS systems of the paper are five values of it: see [Named].
type Config struct {
	Name   string `json:"name"`
	Stages int    `json:"stages"`
	// CrossHide and CrossReveal switch the cross-stage connections of DITAS-M-E and DITAS-M-D: features of stage i−1's
	// network feed the network of stage i.
	CrossHide   bool `json:"crossHide"`
	CrossReveal bool `json:"crossReveal"`

	// Transform says where networks see recordings: [MDCT], which is also meant where it is empty, or [NoTransform].
	Transform string `json:"transform,omitempty"`

	Tile  int `json:"tile"`  // side of the square pictures, in pixels
	Bands int `json:"bands"` // of the transform that folds samples onto pixels
	Width int `json:"width"` // channels of the hidden layers
	Depth int `json:"depth"` // convolutions on the way through one network
	// Amplitude is the largest message coefficient as a share of the threshold, in (0, 1). Without a transform it is the unit of what
	// the networks add to samples.
	Amplitude float64 `json:"amplitude"`
}

// What networks see.
const (
	// MDCT is our transform: coefficients below a threshold make room for the message, see [Fold].
	MDCT = "mdct"
	// NoTransform is the paper's way: plain samples, to which the message is added. Thresholds have no meaning.
	NoTransform = "none"
)

// SamplesPerPixel is the number of samples of one stage that each pixel of a tile gets.
const SamplesPerPixel = 4

// MaxStages bounds the number of stages.
const MaxStages = 16

// Samples returns the length of one subsequence.
func (c Config) Samples() int { return SamplesPerPixel * c.Tile * c.Tile }

// Named returns the configuration of one of the paper's systems: ditas-s, ditas-m, ditas-m-e, ditas-m-d or ditas-m-ed.
func Named(name string) (Config, error) {
	c := Config{Name: name, Stages: 3, Tile: 64, Bands: 256, Width: 32, Depth: 6, Amplitude: 0.5}
	switch name {
	case "ditas-s":
		c.Stages = 1
	case "ditas-m":
	case "ditas-m-e":
		c.CrossHide = true
	case "ditas-m-d":
		c.CrossReveal = true
	case "ditas-m-ed":
		c.CrossHide, c.CrossReveal = true, true
	default:
		return Config{}, fmt.Errorf("unknown system %q: want one of %v", name, Names())
	}
	return c, nil
}

// Names lists the systems that [Named] knows.
func Names() []string { return []string{"ditas-s", "ditas-m", "ditas-m-e", "ditas-m-d", "ditas-m-ed"} }

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	switch {
	case c.Stages < 1 || c.Stages > MaxStages:
		return fmt.Errorf("system with %d stages: want 1 to %d", c.Stages, MaxStages)
	case !slices.Contains([]int{8, 16, 32, 64}, c.Tile):
		return fmt.Errorf("tiles of %d pixels: want 8, 16, 32 or 64", c.Tile)
	case !slices.Contains([]string{"", MDCT, NoTransform}, c.Transform):
		return fmt.Errorf("transform %q: want %s or %s", c.Transform, MDCT, NoTransform)
	case c.Bands < 4 || c.Bands > dsp.MaxBands || c.Samples()%c.Bands != 0:
		return fmt.Errorf("%d bands do not divide the %d samples of a subsequence", c.Bands, c.Samples())
	case c.Width < 1 || c.Width > 256 || c.Depth < 3 || c.Depth > 32:
		return fmt.Errorf("networks of width %d and depth %d: want a width of 1 to 256 and a depth of 3 to 32", c.Width, c.Depth)
	case !(c.Amplitude > 0 && c.Amplitude < 1):
		return fmt.Errorf("amplitude %g: want more than 0 and less than 1", c.Amplitude)
	}
	return nil
}

// leastWeights is a lower bound of the number of weights: it counts only the 3×3 convolutions between hidden layers.
func (c Config) leastWeights() int { return c.Stages * 2 * (c.Depth - 2) * 9 * c.Width * c.Width }

// MaxThreshold bounds thresholds: full scale of the strongest coefficients.
const MaxThreshold = 1.0

// threshold is the strength of hiding in one subsequence, and what follows from it.
type threshold struct {
	value float64 // coefficients of the cover below it make room
	peak  float64 // no coefficient of the message is larger
	limit float64 // the receiver takes what is below for the message: halfway between the two
	gain  float64 // 1/peak
}

// strengths are the thresholds of all stages.
type strengths struct {
	config     Config
	thresholds []threshold
	least      int
}

func newStrengths(c Config) strengths {
	return strengths{config: c, thresholds: make([]threshold, c.Stages)}
}

// SetActivity leaves frames of the transform alone that have fewer than least coefficients above the threshold: pauses,
// where a change is heard most. Sender and receiver have to agree. It is 0 unless set: all frames are used.
func (s *strengths) SetActivity(least int) { s.least = least }

// SetThreshold sets the strength of hiding in the subsequence of one stage: the magnitude in the transform domain, full
// scale being 1 in the time domain, below which coefficients of the cover make room for the message. The container's
// distortion grows with it. Sender and receiver have to agree. It returns an error if tau is not in (0, MaxThreshold].
func (s *strengths) SetThreshold(stage int, tau float64) error {
	if !(tau > 0 && tau <= MaxThreshold) {
		return fmt.Errorf("threshold %g: want more than 0 and at most %g", tau, MaxThreshold)
	}
	peak := s.config.Amplitude * tau
	s.thresholds[stage] = threshold{value: tau, peak: peak, limit: (tau + peak) / 2, gain: 1 / peak}
	return nil
}

// SetThresholds sets the same strength for all stages.
func (s *strengths) SetThresholds(tau float64) error {
	for i := range s.thresholds {
		if err := s.SetThreshold(i, tau); err != nil {
			return err
		}
	}
	return nil
}

// ready panics if a threshold has not been set.
func (s *strengths) ready() {
	if s.config.Transform == NoTransform {
		return
	}
	for _, t := range s.thresholds {
		if t.value == 0 {
			panic("model: SetThreshold has not been called for every stage")
		}
	}
}
