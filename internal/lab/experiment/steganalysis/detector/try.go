package detector

import (
	"context"
	"errors"

	"ditas/internal/lab/experiment/steganalysis/trial"
)

// Try measures how well a detector tells covers from stegos. It learns from three parts of the pairs, is chosen, and its threshold, by another one, and is tried on the last.
func Try(ctx context.Context, cfg Config, pairs []Pair, l trial.Labels, o Options) (*trial.Verdict, *Detector, *Training, error) {
	of := func(chosen func(part int) bool) (p []Pair) {
		for _, i := range l.In(chosen) {
			p = append(p, pairs[i])
		}
		return p
	}
	isTried := func(part int) bool { return part == 0 }
	tried, known, learn := of(isTried), of(func(part int) bool { return part == 1 }), of(func(part int) bool { return part > 1 })
	if len(tried) == 0 {
		return nil, nil, nil, errors.New("no pairs of recordings to be tried on: want more groups")
	}
	d, training, err := Train(ctx, cfg, learn, known, o)
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := d.Scores(known, o.Workers)
	if err != nil {
		return nil, nil, nil, err
	}
	threshold := s.Threshold()
	if s, err = d.Scores(tried, o.Workers); err != nil {
		return nil, nil, nil, err
	}
	for i := range s.Cover {
		s.Cover[i] -= threshold
		s.Stego[i] -= threshold
	}
	v, err := trial.Judge(ctx, s, l.Of(l.In(isTried)), o.Seed)
	return v, d, training, err
}
