package steganalysis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ditas"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/steganalysis/features"
	"ditas/internal/parallel"
	"ditas/picture"
)

// AttackData is what the attack by features is made and tried with: all recordings of some sets, and pictures to hide.
type AttackData struct {
	Speech   []*dataset.Speech
	Pictures *dataset.Pictures
	Digest   string
}

// AttackOptions say how much is measured. Pairs and Damaged of the common options count for nothing.
type AttackOptions struct {
	experiment.Options
	Each int      // covers of a group, a speaker or a track, at most; 0 means [EachGroup]
	Only []string // methods, by name; nil means all
	// Method, if set, is called with what there is of the report when a method is finished.
	Method func(r *AttackReport) error
}

// EachGroup is how many covers of a speaker or a track there are by default at most.
const EachGroup = 16

// AttackReport is how well discriminants of features made by hand tell recordings in which something is hidden.
type AttackReport struct {
	Data string `json:"data"`
	experiment.Origin
	Covers   int              `json:"covers"`
	Groups   int              `json:"groups"`
	Features int              `json:"features"`
	Methods  []AttackedMethod `json:"methods"`
}

// AttackedMethod is how well a method is found out.
type AttackedMethod struct {
	Name     string            `json:"name"`
	SNR      float64           `json:"snr"` // dB, of the mean powers; 0 where nothing is hidden
	Disjoint *features.Verdict `json:"disjoint"`
	Known    *features.Verdict `json:"known"`
}

// attacked returns the methods that are tried. One key does for all recordings, since each has a nonce of its own. One more is one more line.
func (s *study) attacked(key ditas.Key) []suspect {
	lattice := func(name string, strength ditas.Strength) suspect {
		return hiding(s.keyed(name, key, ditas.HideOptions{Method: ditas.Lattice, Strength: strength}))
	}
	return []suspect{
		lattice("lattice, 50 dB", ditas.Audible(50)),
		lattice("lattice, as is usual", ditas.Strength{}),
		lattice("lattice, faint", ditas.Faint()),
		s.matching("LSB matching, 1 bit", 1), s.matching("LSB matching, 0.5 bit", 0.5), s.matching("LSB matching, 0.1 bit", 0.1),
		s.noisy("white noise, 50 dB", 0), s.noisy("white noise, loud", blatant), s.control(),
	}
}

// keyed hides by a method with a key.
func (s *study) keyed(name string, key ditas.Key, o ditas.HideOptions) *contender.Contender {
	return contender.Stateless(name, func(_ int, p *experiment.Subject) (*contender.Sent, error) {
		stego, err := s.HideFor(p.Cover, p.Secret, key, o)
		if err != nil {
			return nil, err
		}
		return &contender.Sent{Samples: stego.Samples[0]}, nil
	})
}

// describe returns the features of the pairs of a suspect, and the SNR of the mean powers in dB.
func (s *study) describe(t suspect) (*features.Set, float64, error) {
	pairs, mse, signal, err := s.pairs(t)
	if err != nil {
		return nil, 0, err
	}
	set := &features.Set{Cover: make([][]float64, len(pairs)), Stego: make([][]float64, len(pairs))}
	extractors := make([]*features.Extractor, s.Options.Workers)
	errs := make([]error, len(pairs))
	parallel.Each(len(extractors), len(pairs), func(worker, i int) {
		if extractors[worker] == nil {
			extractors[worker] = features.NewExtractor()
		}
		for _, side := range []struct {
			dst *[]float64
			x   []float32
		}{{&set.Cover[i], pairs[i].Cover}, {&set.Stego[i], pairs[i].Stego}} {
			*side.dst = make([]float64, len(features.Names()))
			errs[i] = cmp.Or(errs[i], extractors[worker].Extract(*side.dst, codes(side.x)))
		}
	})
	return set, 10 * math.Log10(signal/mse), errors.Join(errs...)
}

// codes returns samples as a 16-bit file has them.
func codes(x []float32) []int16 {
	c := make([]int16, len(x))
	for i, v := range x {
		c[i] = int16(math.RoundToEven(float64(v) / experiment.Step))
	}
	return c
}

// Attack tries discriminants on every method.
func Attack(ctx context.Context, data AttackData, o AttackOptions) (*AttackReport, error) {
	begin := time.Now()
	if o.Each == 0 {
		o.Each = EachGroup
	}
	all, err := covers(data.Speech, o.Each, o.Seed)
	if err != nil {
		return nil, err
	}
	s := &study{experiment.New(ctx, experiment.Data{}, o.Options)}
	pairs := dataset.Pairs(data.Pictures.Len(), len(all))
	var groups, sources []string
	for i, c := range all {
		secret := picture.New(experiment.Side, experiment.Side)
		data.Pictures.Thumbnail(pairs[i].Picture, secret)
		s.Subjects = append(s.Subjects, &experiment.Subject{
			Pair: pairs[i], Secret: secret, Cover: c.recording, Target: experiment.Power(c.recording.Samples[0]) / 1e5,
		})
		groups, sources = append(groups, c.group), append(sources, c.source)
	}
	r := &AttackReport{Data: data.Digest, Covers: len(all), Groups: len(slices.Compact(slices.Sorted(slices.Values(groups)))), Features: len(features.Names())}
	key, err := ditas.Passphrase(fmt.Sprintf("recordings of %d", o.Seed), nil)
	if err != nil {
		return nil, err
	}
	for _, t := range s.attacked(key) {
		if o.Only != nil && !slices.Contains(o.Only, t.name) {
			continue
		}
		m := AttackedMethod{Name: t.name}
		set, snr, err := s.describe(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		set.Group = groups
		if t.name != untouched {
			m.SNR = snr
		}
		if m.Disjoint, err = features.Try(ctx, *set, sources, features.Disjoint, o.Seed, s.Options.Workers); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		if m.Known, err = features.Try(ctx, *set, sources, features.Known, o.Seed, s.Options.Workers); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		r.Methods = append(r.Methods, m)
		r.Origin = s.Origin(begin)
		if o.Method != nil {
			if err := o.Method(r); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}
