package detector

import (
	"context"
	"errors"

	"ditas/internal/lab/experiment/steganalysis/trial"
)

// Labelled are pairs, and what is known of each: its group and source, by name, and the part that it is dealt to.
type Labelled struct {
	Pairs           []Pair
	Groups, Sources []string
	Part            []int // see [trial.Deal]
}

// part returns the pairs of the parts that are chosen.
func (l *Labelled) part(chosen func(part int) bool) (p Labelled) {
	for i, k := range l.Part {
		if chosen(k) {
			p.Pairs, p.Groups, p.Sources = append(p.Pairs, l.Pairs[i]), append(p.Groups, l.Groups[i]), append(p.Sources, l.Sources[i])
		}
	}
	return p
}

// Try measures how well a detector tells covers from stegos. It learns from three parts of the pairs, is chosen, and its threshold, by another one, and is tried on the last.
func Try(ctx context.Context, cfg Config, l Labelled, o Options) (*trial.Verdict, *Detector, *Training, error) {
	tried, known := l.part(func(part int) bool { return part == 0 }), l.part(func(part int) bool { return part == 1 })
	learn := l.part(func(part int) bool { return part > 1 })
	if len(tried.Pairs) == 0 {
		return nil, nil, nil, errors.New("no pairs of recordings to be tried on: want more groups")
	}
	d, training, err := Train(ctx, cfg, learn.Pairs, known.Pairs, o)
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := d.Scores(known.Pairs, o.Workers)
	if err != nil {
		return nil, nil, nil, err
	}
	threshold := s.Threshold()
	if s, err = d.Scores(tried.Pairs, o.Workers); err != nil {
		return nil, nil, nil, err
	}
	for i := range s.Cover {
		s.Cover[i] -= threshold
		s.Stego[i] -= threshold
	}
	v, err := trial.Judge(ctx, s, tried.Groups, tried.Sources, o.Seed)
	return v, d, training, err
}
