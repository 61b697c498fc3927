package steganalysis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ditas"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/steganalysis/detector"
	"ditas/internal/lab/experiment/steganalysis/features"
	"ditas/internal/lab/experiment/steganalysis/trial"
)

// Data is what detectors are made and tried with: all recordings of some sets, in scenes, pictures to hide, and trained systems in a folder.
type Data struct {
	Scenes   []Scene
	Trade    *Scene // that the trade is measured in, none if it is nil
	Pictures *dataset.Pictures
	Runs     fs.FS // nil if there are none
	Digest   string
}

// Scene is sets of recordings of one rate in Hz, and how covers are made of them.
type Scene struct {
	Name    string
	Rate    int
	Sets    []*dataset.Speech
	Samples int     // of a cover
	Joined  bool    // covers are excerpts of all recordings of a group one after the other, and not of one alone
	Level   float64 // what recordings are multiplied with to make covers; 0 means [Level]
	Each    int     // covers of a group, a speaker or a track, at most; 0 means [Options].Each
	// Only has the methods that are tried in the scene, by name; nil means all but trained systems.
	Only []string
	// Systems says that trained systems are tried too.
	Systems bool
	// Networks has the methods that networks are tried on as well, by name, in the order in which they learn.
	Networks []string
}

// Options say how much is measured. Pairs and Damaged of the common options count for nothing.
type Options struct {
	experiment.Options
	Each int      // covers of a group, a speaker or a track, at most; 0 means [EachGroup]
	Only []string // methods, by name; nil means all
	// Features and Networks say which detectors are tried.
	Features, Networks bool
	Detector           detector.Config // of the networks; the zero value means [detector.Default]
	// Earlier, if set, is what was measured before with the same data and options. What it has is measured again only where Only asks for it by name.
	Earlier *Report
	// Method, if set, is called with what there is of the report when a method is finished.
	Method func(r *Report) error
}

// EachGroup is how many covers of a speaker or a track there are by default at most.
const EachGroup = 64

// Report is how well detectors tell recordings in which something is hidden.
type Report struct {
	Data string `json:"data"`
	experiment.Origin
	Features int           `json:"features"` // 0 if they were not tried
	Network  *Network      `json:"network,omitempty"`
	Scenes   []SceneReport `json:"scenes"`
	Trade    *Trade        `json:"trade,omitempty"`
	// Untrained are systems without weights.
	Untrained []string `json:"untrained,omitempty"`
}

// Network is what networks that detect are.
type Network struct {
	Config     detector.Config `json:"config"`
	Parameters int             `json:"parameters"`
	FLOPs      int             `json:"flops"` // for a window
}

// SceneReport is how well methods are found out in the covers of a scene.
type SceneReport struct {
	Name    string         `json:"name"`
	Rate    int            `json:"rate"`
	Seconds float64        `json:"seconds"` // of a cover
	Level   float64        `json:"level"`   // of the peaks of recordings, full scale 1
	Covers  int            `json:"covers"`
	Groups  int            `json:"groups"`
	Methods []MethodReport `json:"methods"`
}

// MethodReport is how well a method is found out.
type MethodReport struct {
	Name     string  `json:"name"`
	Refused  int     `json:"refused"` // covers in which it did not hide, or in another way
	Why      string  `json:"why"`     // it did not in the first one of these
	SNR      float64 `json:"snr"`     // dB, of the mean powers; 0 where nothing is hidden
	NMR      float64 `json:"nmr"`     // dB, the mean of [metric.Figures].NMR; 0 where nothing is hidden
	Rate     float64 `json:"rate"`    // bits a sample that the method tells, the median, if that is known
	Features Splits  `json:"features"`
	Networks Splits  `json:"networks"`
}

// Splits are the verdicts of a kind of detectors, nil where it was not tried.
type Splits struct {
	Disjoint *Verdict `json:"disjoint,omitempty"`
	Known    *Verdict `json:"known,omitempty"`
}

// measured reports whether there are verdicts of a kind of detectors, or none for want of recordings that are not refused.
func (m *MethodReport) measured(s *Splits, scene *SceneReport) bool {
	return s.Known != nil || 2*m.Refused > scene.Covers
}

// verdicts returns those that there are.
func (m *MethodReport) verdicts() []*Verdict {
	all := []*Verdict{m.Features.Disjoint, m.Features.Known, m.Networks.Disjoint, m.Networks.Known}
	return slices.DeleteFunc(all, func(v *Verdict) bool { return v == nil })
}

// at returns where the verdict of a split stands.
func (s *Splits) at(split trial.Split) **Verdict {
	if split == trial.Known {
		return &s.Known
	}
	return &s.Disjoint
}

// Verdict is how well a kind of detectors does, and how they came about.
type Verdict struct {
	*trial.Verdict
	Build    string             `json:"build"` // the commit
	Ridges   []float64          `json:"ridges,omitempty"`
	Training *detector.Training `json:"training,omitempty"`
}

// Measure tries detectors on every method in every scene.
func Measure(ctx context.Context, data Data, o Options) (*Report, error) {
	m, err := newMeasurement(data, o)
	if err != nil {
		return nil, err
	}
	for _, scene := range data.Scenes {
		err := m.scene(ctx, scene)
		if errors.Is(err, errNoCover) && len(data.Scenes) > 1 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", scene.Name, err)
		}
	}
	if data.Trade != nil && o.Features && m.due(TradeName, m.report.Trade != nil) {
		if err := m.trade(ctx, *data.Trade); err != nil {
			return nil, fmt.Errorf("%s: %w", TradeName, err)
		}
	}
	if !m.any {
		return nil, errNoMethod
	}
	if o.Earlier != nil && o.Method != nil {
		return m.report, o.Method(m.report) // it may have lacked nothing
	}
	return m.report, nil
}

var errNoMethod = errors.New("there is no method of that name to measure")

// measurement is a report in the making.
type measurement struct {
	data    Data
	options Options
	begin   time.Time
	key     ditas.Key
	systems []*contender.Contender
	report  *Report
	any     bool // anything was measured
}

func newMeasurement(data Data, o Options) (*measurement, error) {
	m := &measurement{data: data, options: o, begin: time.Now(), report: &Report{Data: data.Digest}}
	var err error
	if m.key, err = ditas.Passphrase(fmt.Sprintf("recordings of %d", o.Seed), nil); err != nil {
		return nil, err
	}
	m.options.Each = cmp.Or(o.Each, EachGroup)
	if o.Features {
		m.report.Features = len(features.Names())
	}
	if o.Networks {
		if m.options.Detector == (detector.Config{}) {
			m.options.Detector = detector.Default()
		}
		n := &Network{Config: m.options.Detector}
		if n.Parameters, n.FLOPs, err = n.Config.Size(); err != nil {
			return nil, err
		}
		m.report.Network = n
	}
	if o.Earlier != nil {
		if err := m.takeOver(o.Earlier); err != nil {
			return nil, err
		}
	}
	if data.Runs != nil {
		m.systems, m.report.Untrained, err = contender.Trained(data.Runs)
	}
	return m, err
}

// takeOver takes from earlier results what is theirs as a whole.
func (m *measurement) takeOver(e *Report) error {
	r, o := m.report, m.options
	if e.Data != r.Data || e.Seed != o.Seed {
		return fmt.Errorf("the earlier results are those of data %s and seed %d, not of %s and %d", e.Data, e.Seed, r.Data, o.Seed)
	}
	if e.Network != nil && r.Network != nil && *e.Network != *r.Network {
		return errors.New("the earlier results are those of other networks: want the same --steps, or none of their results")
	}
	for _, s := range e.Scenes {
		s.Methods = slices.Clone(s.Methods)
		r.Scenes = append(r.Scenes, s)
	}
	r.Origin = e.Origin
	r.Features, r.Network, r.Trade = max(r.Features, e.Features), cmp.Or(r.Network, e.Network), e.Trade
	return nil
}

// due reports whether something is to be measured: what is asked for by name is, and otherwise what has not been.
func (m *measurement) due(name string, measured bool) bool {
	if m.options.Only != nil {
		return slices.Contains(m.options.Only, name)
	}
	return !measured
}

// begun returns the report of a scene, which has the methods that were measured before in the same covers.
func (m *measurement) begun(s SceneReport) *SceneReport {
	r := m.report
	i := slices.IndexFunc(r.Scenes, func(e SceneReport) bool { return e.Name == s.Name })
	if i < 0 {
		r.Scenes = append(r.Scenes, s)
		return &r.Scenes[len(r.Scenes)-1]
	}
	if e := &r.Scenes[i]; e.Rate != s.Rate || e.Seconds != s.Seconds || e.Level != s.Level || e.Covers != s.Covers || e.Groups != s.Groups {
		*e = s
	}
	return &r.Scenes[i]
}

// scene tries detectors on every method in a scene.
func (m *measurement) scene(ctx context.Context, scene Scene) error {
	s, err := m.attack(ctx, scene)
	if err != nil {
		return err
	}
	at := m.begun(SceneReport{
		Name: scene.Name, Rate: scene.Rate, Seconds: float64(scene.Samples) / float64(scene.Rate), Level: scene.level(), Covers: len(s.covers), Groups: s.groups(),
	})
	order := func(name string) int {
		return slices.IndexFunc(s.suspects, func(t suspect) bool { return t.name == name })
	}
	for _, t := range s.suspects {
		if scene.Only != nil && !slices.Contains(scene.Only, t.name) {
			continue
		}
		i := slices.IndexFunc(at.Methods, func(r MethodReport) bool { return r.Name == t.name })
		before := &MethodReport{}
		if i >= 0 {
			before, m.any = &at.Methods[i], true
		}
		features := m.options.Features && m.due(t.name, before.measured(&before.Features, at))
		networks := m.options.Networks && slices.Contains(scene.Networks, t.name) && m.due(t.name, before.measured(&before.Networks, at))
		if !features && !networks {
			continue
		}
		r, err := s.try(ctx, t, features, networks)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		if !features {
			r.Features = before.Features
		}
		if !networks {
			r.Networks = before.Networks
		}
		if i >= 0 {
			at.Methods[i] = *r
		} else {
			at.Methods = append(at.Methods, *r)
			slices.SortStableFunc(at.Methods, func(a, b MethodReport) int { return cmp.Compare(order(a.Name), order(b.Name)) })
		}
		if err := m.tell(s); err != nil {
			return err
		}
	}
	return nil
}

// tell gives what there is of the report to whoever wants it.
func (m *measurement) tell(s *attack) error {
	m.any = true
	m.report.Origin = s.Origin(m.begin)
	if e := m.options.Earlier; e != nil {
		m.report.Minutes += e.Minutes
	}
	if m.options.Method == nil {
		return nil
	}
	return m.options.Method(m.report)
}

// trade measures what noise tolerance costs.
func (m *measurement) trade(ctx context.Context, scene Scene) error {
	s, err := m.attack(ctx, scene)
	if err != nil {
		return err
	}
	if m.report.Trade, err = s.trade(ctx, m.key); err != nil {
		return err
	}
	return m.tell(s)
}
