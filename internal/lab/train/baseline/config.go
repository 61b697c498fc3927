package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"ditas/internal/model/deepsteg"
	"ditas/internal/model/kreuk"
	"ditas/internal/model/unit"
)

// Config describes a run completely, together with the data: the same configuration on the same data gives the same weights,
// bit for bit, however many workers there are and however often the run is interrupted.
type Config struct {
	Model Model  `json:"model"`
	Seed  uint64 `json:"seed"`

	// Rows is the number of rows of the stripes of pictures that are learnt from, each with the samples that go with it. Fewer
	// rows give more of them, more varied, at the same cost, but teach more of edges than whole pictures have.
	Rows    int     `json:"rows"`
	Steps   int     `json:"steps"`
	Batch   int     `json:"batch"`  // stripes a step
	Rate    float64 `json:"rate"`   // peak learning rate
	Warmup  int     `json:"warmup"` // steps
	Final   float64 `json:"final"`  // learning rate at the end, as a share of the peak
	Beta1   float64 `json:"beta1"`
	Beta2   float64 `json:"beta2"`
	Clip    float64 `json:"clip"`    // limit of the gradient's norm
	Average float64 `json:"average"` // decay of the moving average of weights that is evaluated and saved

	// The loss is ContainerWeight times the mean squared error of the container, of samples or magnitudes as loud as networks
	// see them, plus SecretWeight times that of the picture. Baluja's β is the latter over the former.
	ContainerWeight float64 `json:"containerWeight"`
	SecretWeight    float64 `json:"secretWeight"`

	// ValidateEvery is the number of steps between validations, each on ValidationPairs pairs.
	ValidateEvery   int `json:"validateEvery"`
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

// Default returns the configuration of a system's run for Table 1; configs/table1/README.md says why it is as it is.
func Default(system string) (Config, error) {
	m, err := named(system)
	if err != nil {
		return Config{}, err
	}
	c := Config{
		Model: m, Seed: 1, Batch: 1, Warmup: 50, Final: 0.01, Beta1: 0.9, Beta2: 0.99, Clip: 1, Average: 0.995,
		SecretWeight: 1, ValidateEvery: 1000, ValidationPairs: 8,
	}
	switch system {
	case deepsteg.Name:
		c.Rows, c.Steps, c.Rate, c.ContainerWeight = 8, 4740, 2e-4, 1
	case kreuk.Name:
		c.Rows, c.Steps, c.Rate, c.ContainerWeight = 4, 5430, 5e-4, 3
	}
	return c, nil
}

// ReadConfig reads a configuration as JSON. Fields it lacks are those of Default for the system that "model.name" names;
// fields it does not know are an error.
func ReadConfig(r io.Reader) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return Config{}, fmt.Errorf("training configuration: %w", err)
	}
	c, err := Default(SystemOf(text))
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

// SystemOf returns the name of the system that a configuration is for, be it one of this package or not; an empty string if it
// names none.
func SystemOf(config []byte) string {
	var head struct {
		Model struct {
			Name string `json:"name"`
		} `json:"model"`
	}
	if json.Unmarshal(config, &head) != nil {
		return ""
	}
	return head.Model.Name
}

// Trains reports whether a configuration is for one of the systems of this package.
func Trains(config []byte) bool { return slices.Contains(Names(), SystemOf(config)) }

// Validate reports what is wrong with a configuration.
func (c Config) Validate() error {
	m := c.Model.config()
	if m == nil {
		return errors.New("no system to train")
	}
	if err := m.Validate(); err != nil {
		return err
	}
	share := func(x float64) bool { return x >= 0 && x < 1 }
	switch {
	case c.Rows < 1 || c.Rows > unit.Side:
		return fmt.Errorf("stripes of %d rows: want 1 to %d", c.Rows, unit.Side)
	case c.Steps < 1 || c.Batch < 1:
		return fmt.Errorf("%d steps of %d stripes: want at least one of each", c.Steps, c.Batch)
	case !(c.Rate > 0) || !share(c.Beta1) || !share(c.Beta2) || !share(c.Average):
		return errors.New("rate must be positive; beta1, beta2 and average must be at least 0 and less than 1")
	case !(c.ContainerWeight >= 0) || !(c.SecretWeight >= 0) || c.ContainerWeight+c.SecretWeight == 0:
		return errors.New("containerWeight and secretWeight must not be negative, nor both 0")
	case c.ValidateEvery < 1 || c.ValidationPairs < 1:
		return errors.New("validateEvery and validationPairs must be at least 1")
	}
	return nil
}
