package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"ditas/internal/model"
)

// Config describes a run completely, together with the data and the number of workers: the same configuration on the same
// data gives the same weights, bit for bit, however many workers there are and however often the run is interrupted.
type Config struct {
	Model model.Config `json:"model"`
	Seed  uint64       `json:"seed"`

	Steps   int     `json:"steps"`
	Batch   int     `json:"batch"`
	Rate    float64 `json:"rate"`   // peak learning rate
	Warmup  int     `json:"warmup"` // steps
	Final   float64 `json:"final"`  // learning rate at the end, as a share of the peak
	Beta1   float64 `json:"beta1"`
	Beta2   float64 `json:"beta2"`
	Clip    float64 `json:"clip"`    // limit of the gradient's norm
	Average float64 `json:"average"` // decay of the moving average of weights that is evaluated and saved

	// Thresholds is the range of strengths, drawn log-uniformly for every picture.
	Thresholds [2]float64 `json:"thresholds"`
	// Rounding is the range of the steps that containers are rounded to, in steps of a 16-bit file, drawn log-uniformly.
	Rounding [2]float64 `json:"rounding"`
	// StageWeights weigh the logarithm of what is missing after each stage. Missing ones are as the last.
	StageWeights []float64 `json:"stageWeights"`
	// ContainerWeight weighs the mean squared distortion of each stage, relative to the square of the threshold.
	ContainerWeight float64 `json:"containerWeight"`
	// Dropout is the probability that a stage is lost in the loss for incomplete recordings, which has the weight
	// DropoutWeight; the loss is left out where it is 0.
	Dropout       float64 `json:"dropout"`
	DropoutWeight float64 `json:"dropoutWeight"`

	// FreezeGains is the share of the run after which the gains of the stages are no longer adapted.
	FreezeGains float64 `json:"freezeGains"`
	// ValidateEvery is the number of steps between validations, each on ValidationPairs pairs at every one of
	// ValidationThresholds.
	ValidateEvery        int       `json:"validateEvery"`
	ValidationPairs      int       `json:"validationPairs"`
	ValidationThresholds []float64 `json:"validationThresholds"`
}

// Default returns the configuration that the shipped weights were trained with, for one of the paper's systems.
func Default(system string) (Config, error) {
	m, err := model.Named(system)
	if err != nil {
		return Config{}, err
	}
	return Config{
		Model: m, Seed: 1,
		Steps: 4000, Batch: 8, Rate: 2e-3, Warmup: 100, Final: 0.01, Beta1: 0.9, Beta2: 0.99, Clip: 1, Average: 0.995,
		Thresholds: [2]float64{0.006, 0.15}, Rounding: [2]float64{1, 10}, StageWeights: []float64{0.3, 0.3, 1},
		FreezeGains: 0.5, ValidateEvery: 100, ValidationPairs: 24, ValidationThresholds: []float64{0.01, 0.03, 0.1},
	}, nil
}

// ReadConfig reads a configuration as JSON. Fields it lacks are those of Default for the system that "model.name" names;
// fields it does not know are an error.
func ReadConfig(r io.Reader) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return Config{}, fmt.Errorf("training configuration: %w", err)
	}
	var head struct {
		Model struct {
			Name string `json:"name"`
		} `json:"model"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return Config{}, fmt.Errorf("training configuration: %w", err)
	}
	c, err := Default(head.Model.Name)
	if err != nil {
		return Config{}, fmt.Errorf("training configuration: model.name: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("training configuration: %w", err)
	}
	return c, c.Validate()
}

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	if err := c.Model.Validate(); err != nil {
		return err
	}
	ordered := func(r [2]float64) bool { return r[0] > 0 && r[1] >= r[0] }
	share := func(x float64) bool { return x >= 0 && x < 1 }
	switch {
	case c.Steps < 1 || c.Batch < 1:
		return fmt.Errorf("%d steps of %d pictures: want at least one of each", c.Steps, c.Batch)
	case !(c.Rate > 0) || !share(c.Beta1) || !share(c.Beta2) || !share(c.Average) || !share(c.Dropout):
		return fmt.Errorf("rate must be positive; beta1, beta2, average and dropout must be at least 0 and less than 1")
	case !ordered(c.Thresholds) || c.Thresholds[1] > model.MaxThreshold:
		return fmt.Errorf("thresholds %v: want two rising values up to %g", c.Thresholds, model.MaxThreshold)
	case !ordered(c.Rounding):
		return fmt.Errorf("rounding %v: want two rising values", c.Rounding)
	case len(c.StageWeights) == 0:
		return fmt.Errorf("stageWeights is empty: want one per stage")
	case c.ValidateEvery < 1 || c.ValidationPairs < 1 || len(c.ValidationThresholds) == 0:
		return fmt.Errorf("validateEvery, validationPairs and validationThresholds must not be empty")
	}
	return nil
}

func (c Config) stageWeight(i int) float64 { return c.StageWeights[min(i, len(c.StageWeights)-1)] }
