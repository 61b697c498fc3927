package steganalysis

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"ditas"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/steganalysis/detector"
	"ditas/internal/lab/experiment/steganalysis/features"
	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/metric"
	"ditas/picture"
	"ditas/report"
)

// attack is a study of covers.
type attack struct {
	*study
	config   detector.Config
	suspects []suspect
	covers   []cover
	seen     [][]float64 // the features of covers, once they are known
	rates    []float64   // what the last method tells by a sample of each recording, in bits, where that is known
	features int         // of a recording
	pictures *dataset.Pictures
	build    string                                        // the commit
	labels   map[trial.Split]trial.Labels                  // of covers
	networks map[trial.Split]map[string]*detector.Detector // by method
}

// described are the pairs of a suspect as detectors see them.
type described struct {
	features.Set
	pairs   []detector.Pair
	index   []int   // of their covers
	refused int     // recordings in which the method did not hide
	why     string  // it did not in the first one
	snr     float64 // dB, of the mean powers
	nmr     float64 // dB, the mean
	rate    float64 // bits a sample, the median
}

// refusal reports whether an error says that a recording is none to hide this much in, in this way.
func refusal(err error) bool {
	return errors.Is(err, errDithered) || errors.Is(err, ditas.ErrSilent) || errors.As(err, new(*report.LargeFileError)) ||
		errors.As(err, new(*report.TooShortError)) || errors.As(err, new(*report.TooQuietError)) || errors.As(err, new(*report.ExposedError))
}

// describe makes the pairs of a suspect, of which features and networks see what they need. Where a method refuses a recording, nothing is to be found.
func (s *attack) describe(t suspect, byFeatures, byNetworks bool) (*described, error) {
	n := len(s.Subjects)
	clear(s.rates)
	rows, pairs := make([][2][]float64, n), make([]detector.Pair, n)
	refusals, powers, changes, heard := make([]error, n), make([]float64, n), make([]float64, n), make([]float64, n)
	type worker struct {
		hide      func(i int, p *experiment.Subject) (cover, stego []float64, err error)
		extractor *features.Extractor
	}
	workers := make(chan worker, s.Options.Workers)
	for range s.Options.Workers {
		hide, err := t.worker()
		if err != nil {
			return nil, err
		}
		workers <- worker{hide, features.NewExtractor()}
	}
	err := s.Each(t.name, n, func(i int) error {
		w := <-workers
		defer func() { workers <- w }()
		before, after, err := w.hide(i, s.Subjects[i])
		if refusal(err) {
			refusals[i] = err
			return nil
		}
		if err != nil {
			return err
		}
		if after, err = experiment.Through(after); err != nil {
			return err
		}
		if byNetworks {
			pairs[i] = detector.Pair{Cover: singles(before), Stego: singles(after)}
		}
		whole := len(before) == len(s.Subjects[i].Cover.Samples[0]) && &before[0] == &s.Subjects[i].Cover.Samples[0][0] // the cover itself
		for side, x := range [][]float64{before, after} {
			if !byFeatures {
				break
			}
			if side == 0 && whole && s.seen[i] != nil {
				rows[i][side] = s.seen[i]
				continue
			}
			rows[i][side] = make([]float64, s.features)
			if err := w.extractor.Extract(rows[i][side], codes(x)); err != nil {
				return err
			}
		}
		if byFeatures && whole {
			s.seen[i] = rows[i][0]
		}
		c, err := metric.NewComparison(s.Subjects[i].Cover.Format.Rate, 1)
		if err != nil {
			return err
		}
		if err := c.Add([][]float64{before}, [][]float64{after}); err != nil {
			return err
		}
		f := c.Figures()
		powers[i], changes[i], heard[i] = experiment.Power(before), f.MSE, max(f.NMR, unchanged)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := &described{}
	var power, change, audible float64
	var rates []float64
	for i, r := range rows {
		if refusals[i] != nil {
			if d.refused++; d.why == "" {
				d.why = refusals[i].Error()
			}
			continue
		}
		d.Cover, d.Stego = append(d.Cover, r[0]), append(d.Stego, r[1])
		d.pairs, d.index = append(d.pairs, pairs[i]), append(d.index, i)
		d.Group = append(d.Group, s.covers[i].group)
		power, change, audible, rates = power+powers[i], change+changes[i], audible+heard[i], append(rates, s.rates[i])
	}
	d.snr, d.nmr = 10*math.Log10(power/change), audible/float64(len(d.Cover))
	if slices.Sort(rates); len(rates) > 0 {
		d.rate = rates[len(rates)/2]
	}
	return d, nil
}

// unchanged is the NMR in dB that a recording counts with in the mean where nothing of it was changed.
const unchanged = -100

// attack makes the covers of a scene.
func (m *measurement) attack(ctx context.Context, scene Scene) (*attack, error) {
	pictures, o := m.data.Pictures, m.options
	all, err := covers(scene, cmp.Or(scene.Each, o.Each), o.Seed)
	if err != nil {
		return nil, err
	}
	s := &attack{
		study: &study{experiment.New(ctx, experiment.Data{}, o.Options)}, config: o.Detector, covers: all, seen: make([][]float64, len(all)), rates: make([]float64, len(all)),
		features: len(features.Names()), pictures: pictures, labels: map[trial.Split]trial.Labels{}, networks: map[trial.Split]map[string]*detector.Detector{},
	}
	s.build = s.Origin(m.begin).Build
	var groups, sources []string
	for _, c := range all {
		groups, sources = append(groups, c.group), append(sources, c.source)
	}
	for _, split := range []trial.Split{trial.Disjoint, trial.Known} {
		s.labels[split] = trial.Labels{Groups: groups, Sources: sources, Part: trial.Deal(groups, split, o.Seed)}
		s.networks[split] = map[string]*detector.Detector{}
	}
	var systems []*contender.Contender
	if scene.Systems {
		systems = m.systems
	}
	s.suspects = s.all(m.key, systems)
	pairs := dataset.Pairs(pictures.Len(), len(all))
	for i, c := range all {
		secret := picture.New(experiment.Side, experiment.Side)
		pictures.Thumbnail(pairs[i].Picture, secret)
		s.Subjects = append(s.Subjects, &experiment.Subject{
			Pair: pairs[i], Secret: secret, Cover: c.recording, Target: experiment.Power(c.recording.Samples[0]) / 1e5,
		})
	}
	return s, nil
}

// groups returns the number of speakers and tracks.
func (s *attack) groups() int {
	groups := map[string]bool{}
	for _, c := range s.covers {
		groups[c.group] = true
	}
	return len(groups)
}

// report returns what is known of a method before detectors are tried, and whether they are to be: not where it refuses more than half of the covers.
func (s *attack) report(t suspect, d *described) (m *MethodReport, tried bool) {
	m = &MethodReport{Name: t.name, Refused: d.refused, Why: d.why}
	if 2*d.refused > len(s.covers) {
		return m, false
	}
	if t.name != untouched {
		m.SNR, m.NMR, m.Rate = d.snr, d.nmr, d.rate
	}
	return m, true
}

// try tries detectors on a method.
func (s *attack) try(ctx context.Context, t suspect, byFeatures, byNetworks bool) (*MethodReport, error) {
	d, err := s.describe(t, byFeatures, byNetworks)
	if err != nil {
		return nil, err
	}
	m, tried := s.report(t, d)
	if !tried {
		return m, nil
	}
	for _, split := range []trial.Split{trial.Disjoint, trial.Known} {
		if byFeatures {
			if *m.Features.at(split), err = s.discriminate(ctx, d, split); err != nil {
				return nil, err
			}
		}
		if byNetworks {
			if *m.Networks.at(split), err = s.learn(ctx, t, d, split); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// discriminate tries discriminants of features.
func (s *attack) discriminate(ctx context.Context, d *described, split trial.Split) (*Verdict, error) {
	v, ridges, err := features.Try(ctx, d.Set, s.labels[split].Of(d.index), split, s.Options.Seed, s.Options.Workers)
	if err != nil {
		return nil, err
	}
	return &Verdict{Verdict: v, Build: s.build, Ridges: ridges}, nil
}

// learn trains a network and tries it. It goes on from that of another method, which learns first where it has not.
func (s *attack) learn(ctx context.Context, t suspect, d *described, split trial.Split) (*Verdict, error) {
	if i := slices.IndexFunc(s.suspects, func(other suspect) bool { return other.name == t.after }); i >= 0 && t.after != t.name && s.networks[split][t.after] == nil {
		before, err := s.describe(s.suspects[i], false, true)
		if err != nil {
			return nil, err
		}
		if _, err := s.learn(ctx, s.suspects[i], before, split); err != nil {
			return nil, err
		}
	}
	o := detector.Options{Seed: s.Options.Seed, Workers: s.Options.Workers, Start: s.networks[split][t.after]}
	if s.Options.Progress != nil {
		o.Progress = func(done, total int) { s.Options.Progress(t.name, done, total) }
	}
	v, network, training, err := detector.Try(ctx, s.config, d.pairs, s.labels[split].Of(d.index), o)
	if err != nil {
		return nil, err
	}
	s.networks[split][t.name] = network
	return &Verdict{Verdict: v, Build: s.build, Training: training}, nil
}

// codes returns samples as a 16-bit file has them.
func codes(x []float64) []int16 {
	c := make([]int16, len(x))
	for i, v := range x {
		c[i] = int16(math.RoundToEven(v / experiment.Step))
	}
	return c
}

// singles returns samples in single precision, which holds those of 16 bits exactly.
func singles(x []float64) []float32 {
	s := make([]float32, len(x))
	for i, v := range x {
		s[i] = float32(v)
	}
	return s
}
