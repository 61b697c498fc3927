package systems

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"ditas/internal/lab/train"
	"ditas/internal/model"
)

// TaskName is the name of the task in configurations.
const TaskName = "systems"

// Config is the configuration of a run: see [train.Config].
type Config struct {
	Model model.Config `json:"model"`
	train.Common
	// Stripes says which parts of pictures are learnt from; a system with a transform takes whole ones only.
	train.Stripes

	// Thresholds is the range of strengths, drawn log-uniformly for every picture.
	Thresholds [2]float64 `json:"thresholds"`
	// Loudness is the range of the logarithms of what covers are multiplied by, drawn uniformly for every one.
	Loudness [2]float64 `json:"loudness"`
	// Rounding is the range of the steps that containers are rounded to, in steps of a 16-bit file, drawn log-uniformly.
	Rounding [2]float64 `json:"rounding"`
	// StageWeights weigh the logarithm of what is missing after each stage. Missing ones are as the last.
	StageWeights []float64 `json:"stageWeights"`
	// Relative has the loss count what is missing in relation to the square of the stage's gain, not by its logarithm.
	Relative bool `json:"relative,omitempty"`
	// ContainerWeight weighs the mean squared distortion of each stage, relative to the square of the threshold or to ContainerTarget.
	ContainerWeight float64 `json:"containerWeight"`
	// ContainerTarget is the mean squared error of samples, full scale 1, that a controller holds each stage near by changing
	// its weight, ContainerWeight at first. Systems without a transform need it, others take their strength from the threshold.
	ContainerTarget float64 `json:"containerTarget,omitempty"`
	// Dropout is the probability that a stage is lost in the loss for incomplete recordings, which has the weight
	// DropoutWeight; the loss is left out where it is 0.
	Dropout       float64 `json:"dropout"`
	DropoutWeight float64 `json:"dropoutWeight"`

	// FreezeGains is the share of the run after which the gains of the stages are no longer adapted.
	FreezeGains float64 `json:"freezeGains"`
	// Each validation takes ValidationPairs pairs at every one of ValidationThresholds.
	ValidationPairs      int       `json:"validationPairs"`
	ValidationThresholds []float64 `json:"validationThresholds"`
}

// Default returns the configuration that the shipped weights were trained with, for one of the paper's systems.
func Default(system string) (*Config, error) {
	m, err := model.Named(system)
	if err != nil {
		return nil, err
	}
	c := &Config{
		Model: m, Common: train.Defaults(),
		Thresholds: [2]float64{0.006, 0.15}, Loudness: [2]float64{-0.5, 0}, Rounding: [2]float64{1, 10}, StageWeights: []float64{0.3, 0.3, 1},
		FreezeGains: 0.5, ValidationPairs: 24, ValidationThresholds: []float64{0.01, 0.03, 0.1},
	}
	c.Steps, c.Rate, c.Warmup, c.Average, c.ValidateEvery = 4000, 2e-3, 100, 0.995, 100
	return c, nil
}

// Read reads a configuration as JSON. Fields it lacks are taken from Default for the system that "model.name" names; fields it does
// not know are an error.
func Read(text []byte) (train.Config, error) {
	var head struct {
		Model struct {
			Name string `json:"name"`
		} `json:"model"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("training configuration: %w", err)
	}
	c, err := Default(head.Model.Name)
	if err != nil {
		return nil, fmt.Errorf("training configuration: model.name: %w", err)
	}
	return c, train.Decode(text, c)
}

// Validate implements [train.Config].
func (c *Config) Validate() error {
	if err := errors.Join(c.Model.Validate(), c.Common.Check()); err != nil {
		return err
	}
	if err := c.Stripes.Check(c.Model.Tile, &c.Common); err != nil {
		return err
	}
	plain := c.Model.Transform == model.NoTransform
	ordered := func(r [2]float64) bool { return r[0] > 0 && r[1] >= r[0] }
	switch {
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("dropout is %g: want at least 0 and less than 1", c.Dropout)
	case !ordered(c.Thresholds) || c.Thresholds[1] > model.MaxThreshold:
		return fmt.Errorf("thresholds %v: want two rising values up to %g", c.Thresholds, model.MaxThreshold)
	case !ordered(c.Rounding):
		return fmt.Errorf("rounding %v: want two rising values", c.Rounding)
	case !(c.Loudness[0] >= -5 && c.Loudness[1] >= c.Loudness[0] && c.Loudness[1] <= 5):
		return fmt.Errorf("loudness %v: want two rising values from -5 to 5", c.Loudness)
	case len(c.StageWeights) == 0:
		return errors.New("stageWeights is empty: want one per stage")
	case plain != (c.ContainerTarget > 0) || plain && !(c.ContainerWeight > 0):
		return errors.New("a system without a transform needs a containerTarget and a containerWeight to start from, and no other takes a target")
	case !plain && c.Rows > 0 && c.Rows < c.Model.Tile:
		return fmt.Errorf("stripes of %d rows: a system with a transform takes whole pictures", c.Rows)
	case c.ValidationPairs < 1 || len(c.ValidationThresholds) == 0:
		return errors.New("validationPairs and validationThresholds must not be empty")
	}
	return nil
}

// Load implements [train.Config].
func (c *Config) Load(ctx context.Context, f train.Folders) (train.Task, error) {
	data, err := f.Open(ctx, c.Model.Tile)
	if err != nil {
		return nil, err
	}
	return New(*c, data)
}

func (c *Config) stageWeight(i int) float64 { return c.StageWeights[min(i, len(c.StageWeights)-1)] }

// validationThresholds are ValidationThresholds, or any one where thresholds have no meaning.
func (c *Config) validationThresholds() []float64 {
	if c.Model.Transform == model.NoTransform {
		return []float64{model.MaxThreshold}
	}
	return c.ValidationThresholds
}
