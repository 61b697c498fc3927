package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ditas/internal/nn"
)

// Config describes a run completely, together with the data: the same configuration on the same data gives the same weights, bit
// for bit, however many workers there are and however often the run is interrupted. It is a pointer to a struct in which [Common]
// is embedded.
type Config interface {
	// Shared returns what the configurations of all tasks have in common, to be read and changed.
	Shared() *Common
	// Validate reports what is wrong with the configuration.
	Validate() error
	// Load reads the material and returns the task.
	Load(ctx context.Context, f Folders) (Task, error)
}

// Common is what the configurations of all tasks have in common.
type Common struct {
	// Task is the name of the task; it may be left out where model.name tells.
	Task string `json:"task,omitempty"`
	Seed uint64 `json:"seed"`
	// Init is a file of weights of the same shapes to start from, in place of random ones.
	Init string `json:"init,omitempty"`

	Steps int `json:"steps"`
	Batch int `json:"batch"` // examples a step
	// The learning rate rises from 0 over the first Warmup steps to Rate and falls by half a cosine to Rate·Final at the end;
	// with a Final of 1 it stays.
	Rate   float64 `json:"rate"`
	Warmup int     `json:"warmup"`
	Final  float64 `json:"final"`

	Beta1   float64 `json:"beta1"`         // Adam's decay of the mean of gradients
	Beta2   float64 `json:"beta2"`         // and of their squares
	Eps     float64 `json:"eps,omitempty"` // added to the root of the latter; 0 means 1e-8
	Clip    float64 `json:"clip"`          // limit of the gradient's norm; 0 means none
	Average float64 `json:"average"`       // decay of the moving average of weights that is evaluated and saved

	ValidateEvery int `json:"validateEvery"` // steps between validations
}

// Defaults returns what tasks start their defaults from.
func Defaults() Common {
	return Common{Seed: 1, Batch: 8, Final: 0.01, Beta1: 0.9, Beta2: 0.99, Clip: 1}
}

// Shared implements [Config] for the structs that c is embedded in.
func (c *Common) Shared() *Common { return c }

// Check reports what is wrong with what all tasks have in common.
func (c *Common) Check() error {
	share := func(x float64) bool { return x >= 0 && x < 1 }
	switch {
	case c.Steps < 1 || c.Batch < 1:
		return fmt.Errorf("%d steps of %d examples: want at least one of each", c.Steps, c.Batch)
	case !(c.Rate > 0):
		return fmt.Errorf("rate is %g: want a positive number", c.Rate)
	case c.Warmup < 0 || !(c.Final >= 0 && c.Final <= 1):
		return fmt.Errorf("warmup is %d and final %g: want a number of steps and a share from 0 to 1", c.Warmup, c.Final)
	case !share(c.Beta1) || !share(c.Beta2) || !share(c.Average):
		return errors.New("beta1, beta2 and average must be at least 0 and less than 1")
	case !(c.Eps >= 0) || !(c.Clip >= 0):
		return errors.New("eps and clip must not be negative")
	case c.ValidateEvery < 1:
		return fmt.Errorf("validateEvery is %d: want at least 1", c.ValidateEvery)
	}
	return nil
}

// rate returns the learning rate of a step, counted from 0.
func (c *Common) rate(step int) float64 {
	return c.Rate * nn.WarmupCosine(step, c.Warmup, c.Steps, c.Final)
}

// Decode reads the JSON of a configuration over the defaults that it points to. Fields it does not know are an error.
func Decode(text []byte, cfg Config) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(cfg); err != nil {
		return fmt.Errorf("training configuration: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("training configuration: there is more behind its end; a file holds one object")
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("training configuration: %w", err)
	}
	return nil
}

// Stripes says from what parts of pictures a task learns whose networks are convolutions: first from stripes of a few rows, of
// which the same arithmetic sees more and more varied ones; at the end from whole pictures, because what is learnt from stripes
// alone takes edges for granted that whole pictures do not have.
type Stripes struct {
	Rows int `json:"rows,omitempty"` // 0 means whole pictures
	// Finish is the number of steps at the end that learn from whole pictures, FinishBatch each; 0 for that means as many
	// as have the rows of a batch of stripes, at least one.
	Finish      int `json:"finish,omitempty"`
	FinishBatch int `json:"finishBatch,omitempty"`
}

// Check reports what is wrong with the stripes of pictures of side rows in a run.
func (s Stripes) Check(side int, c *Common) error {
	switch {
	case s.Rows < 0 || s.Rows > side:
		return fmt.Errorf("stripes of %d rows: want 1 to %d, or 0 for all", s.Rows, side)
	case s.Finish < 0 || s.Finish > c.Steps || s.FinishBatch < 0:
		return fmt.Errorf("finish of %d steps of %d pictures: want 0 to %d steps", s.Finish, s.FinishBatch, c.Steps)
	}
	return nil
}

// At returns the rows of each example and the number of examples of a step, counted from 0.
func (s Stripes) At(step, side int, c *Common) (rows, examples int) {
	rows = s.Rows
	if rows == 0 {
		rows = side
	}
	switch {
	case step < c.Steps-s.Finish:
		return rows, c.Batch
	case s.FinishBatch > 0:
		return side, s.FinishBatch
	}
	return side, max(1, c.Batch*rows/side)
}
