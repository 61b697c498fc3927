package baseline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ditas/internal/lab/train"
	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
)

// TaskName is the name of the task in configurations.
const TaskName = "baseline"

// Config is the configuration of a run: see [train.Config].
type Config struct {
	Model Model `json:"model"`
	train.Common
	// Stripes says which parts of pictures are learnt from, each with the samples that go with it.
	train.Stripes

	// The loss is ContainerWeight times the mean squared error of the container, of samples or magnitudes as loud as networks
	// see them, plus SecretWeight times the picture's. Baluja's β is the latter over the former.
	ContainerWeight float64 `json:"containerWeight"`
	SecretWeight    float64 `json:"secretWeight"`
	// ContainerTarget is the mean squared error of samples, full scale 1, that a controller holds the container near by changing
	// its weight, ContainerWeight at first; where it is 0 the weight stays.
	ContainerTarget float64 `json:"containerTarget,omitempty"`

	// Identity starts from networks that already pass on what they get, with the picture added at ContainerTarget.
	Identity bool `json:"identity,omitempty"`

	// ValidationPairs is the number of pairs of a validation.
	ValidationPairs int `json:"validationPairs"`
}

// Model is the configuration of one of the systems. The zero value is none.
type Model struct {
	deepSteg *deepsteg.Config
	kreuk    *kreuk.Config
}

// Names lists the systems that can be trained.
func Names() []string { return []string{deepsteg.Name, kreuk.Name} }

func named(name string) (Model, error) {
	switch name {
	case deepsteg.Name:
		c := deepsteg.Default()
		return Model{deepSteg: &c}, nil
	case kreuk.Name:
		c := kreuk.Default()
		return Model{kreuk: &c}, nil
	}
	return Model{}, fmt.Errorf("unknown system %q: want one of %v", name, Names())
}

// config returns the configuration that is set, nil if none is.
func (m Model) config() interface{ Validate() error } {
	switch {
	case m.deepSteg != nil:
		return m.deepSteg
	case m.kreuk != nil:
		return m.kreuk
	}
	return nil
}

// MarshalJSON writes the configuration that is set.
func (m Model) MarshalJSON() ([]byte, error) { return json.Marshal(m.config()) }

// UnmarshalJSON reads the configuration of the system that "name" names. Fields it lacks are the paper's; fields it does not
// know are an error.
func (m *Model) UnmarshalJSON(text []byte) error {
	var head struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	read, err := named(head.Name)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(read.config()); err != nil {
		return err
	}
	*m = read
	return nil
}

// new returns a system of the configuration.
func (m Model) new() (unit.System, error) {
	switch {
	case m.deepSteg != nil:
		return deepsteg.New(*m.deepSteg)
	case m.kreuk != nil:
		return kreuk.New(*m.kreuk)
	}
	return nil, errors.New("no system to train")
}

// load reads a system of the same kind.
func (m Model) load(r io.ReaderAt, size int64) (s unit.System, err error) {
	switch {
	case m.deepSteg != nil:
		s, _, err = deepsteg.Load(r, size)
	case m.kreuk != nil:
		s, _, err = kreuk.Load(r, size)
	}
	return s, err
}

// Default returns the configuration of a system's run for Table 1; configs/table1/README.md says why it is as it is.
func Default(system string) (*Config, error) {
	m, err := named(system)
	if err != nil {
		return nil, err
	}
	c := &Config{Model: m, Common: train.Defaults(), SecretWeight: 1, ValidationPairs: 8}
	c.Batch, c.Warmup, c.Average, c.ValidateEvery = 1, 50, 0.995, 1000
	switch system {
	case deepsteg.Name:
		c.Rows, c.Steps, c.Rate, c.ContainerWeight = 8, 4740, 2e-4, 1
	case kreuk.Name:
		c.Rows, c.Steps, c.Rate, c.ContainerWeight = 4, 5430, 5e-4, 3
	}
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
	m := c.Model.config()
	if m == nil {
		return errors.New("no system to train")
	}
	if err := errors.Join(m.Validate(), c.Common.Check(), c.Stripes.Check(unit.Side, &c.Common)); err != nil {
		return err
	}
	switch {
	case !(c.ContainerWeight >= 0) || !(c.SecretWeight >= 0) || c.ContainerWeight+c.SecretWeight == 0:
		return errors.New("containerWeight and secretWeight must not be negative, nor both 0")
	case !(c.ContainerTarget >= 0) || c.ContainerTarget > 0 && c.ContainerWeight == 0:
		return errors.New("containerTarget must not be negative, and needs a containerWeight to start from")
	case c.Identity && c.ContainerTarget == 0:
		return errors.New("identity needs a containerTarget")
	case c.ValidationPairs < 1:
		return errors.New("validationPairs must be at least 1")
	}
	return nil
}

// Load implements [train.Config].
func (c *Config) Load(ctx context.Context, f train.Folders) (train.Task, error) {
	data, err := f.Open(ctx, unit.Side)
	if err != nil {
		return nil, err
	}
	return New(*c, data)
}
