package restorer

import (
	"context"
	"errors"
	"fmt"

	"ditas/internal/lab/train"
	"ditas/internal/model/restorer"
)

// TaskName is the name of the task in configurations.
const TaskName = "restorer"

// Config is the configuration of a run: see [train.Config].
type Config struct {
	Model restorer.Config `json:"model"`
	train.Common

	Tile int `json:"tile"` // side of the squares to learn from, in pixels, even
	// Bits is the range of lengths of prefixes, in bits a pixel, drawn log-uniformly for every sample.
	Bits [2]float64 `json:"bits"`
	// Large is the share of samples that are cut out of a picture of twice the tile's side after decoding.
	Large float64 `json:"large"`
	// Each validation takes thumbnails of the tile's size at every one of ValidationBytes.
	ValidationBytes []int `json:"validationBytes"`
}

// Default returns the configuration that the shipped weights were trained with.
func Default() *Config {
	c := &Config{
		Model: restorer.Config{Width: 48, Blocks: 4}, Common: train.Defaults(), Tile: 64,
		Bits: [2]float64{0.08, 8}, Large: 0.25, ValidationBytes: []int{50, 100, 200, 500, 1000, 2000, 3000},
	}
	c.Task, c.Steps, c.Batch, c.Rate, c.Warmup, c.Average, c.ValidateEvery = TaskName, 6000, 16, 2e-3, 100, 0.997, 250
	return c
}

// Read reads a configuration as JSON. Fields it lacks are taken from Default; fields it does not know are an error.
func Read(text []byte) (train.Config, error) {
	c := Default()
	return c, train.Decode(text, c)
}

// Validate implements [train.Config].
func (c *Config) Validate() error {
	if err := errors.Join(c.Model.Validate(), c.Check()); err != nil {
		return err
	}
	switch {
	case c.Tile < 8 || c.Tile > 1024 || c.Tile%2 != 0:
		return fmt.Errorf("tile of %d pixels: want an even number from 8 to 1024", c.Tile)
	case !(c.Bits[0] > 0) || c.Bits[1] < c.Bits[0]:
		return fmt.Errorf("bits %v: want two rising values", c.Bits)
	case !(c.Large >= 0 && c.Large <= 1):
		return fmt.Errorf("large is %g: want a share from 0 to 1", c.Large)
	case len(c.ValidationBytes) == 0:
		return errors.New("validationBytes must not be empty")
	}
	return nil
}

// Load implements [train.Config].
func (c *Config) Load(ctx context.Context, f train.Folders) (train.Task, error) {
	pictures, validation, err := f.OpenPictures(ctx, c.Tile)
	if err != nil {
		return nil, err
	}
	return New(*c, pictures, validation)
}
