package restoring

import (
	"encoding/json"
	"fmt"
	"io"

	"ditas/internal/model/restorer"
)

// Config describes a run completely, together with the data: the same configuration on the same data gives the same weights, bit
// for bit, however many workers there are and however often the run is interrupted.
type Config struct {
	Model restorer.Config `json:"model"`
	Seed  uint64          `json:"seed"`

	Tile    int     `json:"tile"` // side of the squares to learn from, in pixels, even
	Steps   int     `json:"steps"`
	Batch   int     `json:"batch"`
	Rate    float64 `json:"rate"`   // peak learning rate
	Warmup  int     `json:"warmup"` // steps
	Final   float64 `json:"final"`  // learning rate at the end, as a share of the peak
	Beta1   float64 `json:"beta1"`
	Beta2   float64 `json:"beta2"`
	Clip    float64 `json:"clip"`    // limit of the gradient's norm
	Average float64 `json:"average"` // decay of the moving average of weights that is evaluated and saved

	// Bits is the range of lengths of prefixes, in bits a pixel, drawn log-uniformly for every sample.
	Bits [2]float64 `json:"bits"`
	// Large is the share of samples that are cut out of a picture of twice the tile's side after decoding.
	Large float64 `json:"large"`
	// ValidateEvery is the number of steps between validations, each on thumbnails of the tile's size at every one of
	// ValidationBytes.
	ValidateEvery   int   `json:"validateEvery"`
	ValidationBytes []int `json:"validationBytes"`
}

// Default returns the configuration that the shipped weights were trained with.
func Default() Config {
	return Config{
		Model: restorer.Config{Width: 48, Blocks: 4}, Seed: 1,
		Tile: 64, Steps: 6000, Batch: 16, Rate: 2e-3, Warmup: 100, Final: 0.01, Beta1: 0.9, Beta2: 0.99, Clip: 1, Average: 0.997,
		Bits: [2]float64{0.08, 8}, Large: 0.25, ValidateEvery: 250, ValidationBytes: []int{50, 100, 200, 500, 1000, 2000, 3000},
	}
}

// ReadConfig reads a configuration as JSON. Fields it lacks are those of Default; fields it does not know are an error.
func ReadConfig(r io.Reader) (Config, error) {
	c := Default()
	d := json.NewDecoder(io.LimitReader(r, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("configuration of the restorer's training: %w", err)
	}
	return c, c.Validate()
}

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	if err := c.Model.Validate(); err != nil {
		return err
	}
	share := func(x float64) bool { return x >= 0 && x < 1 }
	switch {
	case c.Tile < 8 || c.Tile > 1024 || c.Tile%2 != 0:
		return fmt.Errorf("tile of %d pixels: want an even number from 8 to 1024", c.Tile)
	case c.Steps < 1 || c.Batch < 1:
		return fmt.Errorf("%d steps of %d samples: want at least one of each", c.Steps, c.Batch)
	case !(c.Rate > 0) || !share(c.Beta1) || !share(c.Beta2) || !share(c.Average):
		return fmt.Errorf("rate must be positive; beta1, beta2 and average must be at least 0 and less than 1")
	case !(c.Bits[0] > 0) || c.Bits[1] < c.Bits[0]:
		return fmt.Errorf("bits %v: want two rising values", c.Bits)
	case !(c.Large >= 0 && c.Large <= 1):
		return fmt.Errorf("large is %g: want a share from 0 to 1", c.Large)
	case c.ValidateEvery < 1 || len(c.ValidationBytes) == 0:
		return fmt.Errorf("validateEvery and validationBytes must not be empty")
	}
	return nil
}
