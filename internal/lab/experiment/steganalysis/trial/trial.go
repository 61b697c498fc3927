// Package trial says how recordings are dealt to learn from and to be tried on, and how well a detector did: whatever detects is measured by it in the same way.
//
//	labels := trial.Labels{Groups: groups, Sources: sources, Part: trial.Deal(groups, trial.Disjoint, 1)}
//	// a detector learns from the pairs of some parts and scores those of others
//	verdict, err := trial.Judge(ctx, scores, labels, 1)
package trial

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Verdict is how well a detector finds out a method.
type Verdict struct {
	// Error is P_E = (false alarms + misses)/2 at the thresholds that the training chose, and AUC the area under the curve. Low and High bound
	// their 95 % confidence intervals, by the bootstrap over groups.
	Error Estimate `json:"error"`
	AUC   Estimate `json:"auc"`
	// Sources has P_E of every source of at least ten pairs, by falling numbers of pairs, and Worst is the least of those.
	Sources []Source `json:"sources"`
	Worst   Source   `json:"worst"`
	Tried   int      `json:"tried"` // pairs
}

// Estimate is a figure with the bounds of its 95 % confidence interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Percent writes a share in % with its interval.
func (e Estimate) Percent() string {
	return fmt.Sprintf("%.1f (%.1f–%.1f)", 100*e.Value, 100*e.Low, 100*e.High)
}

// Source is where covers come from.
type Source struct {
	Name  string  `json:"name"`
	Pairs int     `json:"pairs"`
	Error float64 `json:"error"`
}

// Split says what a detector knows of the recordings it is tried on.
type Split int

const (
	// Disjoint has no group in both what is learnt from and what is tried.
	Disjoint Split = iota
	// Known has the same groups in both, but no recording.
	Known
)

// Labels are what is known of pairs beside what detectors see of them.
type Labels struct {
	Groups, Sources []string // by name
	Part            []int    // that each pair belongs to: see [Deal]
}

// Of returns the labels of the pairs that are chosen.
func (l Labels) Of(pairs []int) (p Labels) {
	for _, i := range pairs {
		p.Groups, p.Sources, p.Part = append(p.Groups, l.Groups[i]), append(p.Sources, l.Sources[i]), append(p.Part, l.Part[i])
	}
	return p
}

// In returns the pairs whose parts are chosen.
func (l Labels) In(chosen func(part int) bool) (pairs []int) {
	for i, part := range l.Part {
		if chosen(part) {
			pairs = append(pairs, i)
		}
	}
	return pairs
}

// fewest is the number of pairs that a source needs to be one.
const fewest = 10

// Parts is the number of parts that pairs are dealt to.
const Parts = 5

// Deal returns the part, below [Parts], that each pair belongs to, of whose groups there are the names. The seed decides.
func Deal(groups []string, split Split, seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, uint64(split)))
	members := map[string][]int{}
	var names []string
	for i, g := range groups {
		if members[g] == nil {
			names = append(names, g)
		}
		members[g] = append(members[g], i)
	}
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	part, next := make([]int, len(groups)), 0
	var size [Parts]int
	for _, name := range names {
		m := members[name]
		if split == Disjoint {
			least := slices.Index(size[:], slices.Min(size[:]))
			for _, i := range m {
				part[i] = least
			}
			size[least] += len(m)
			continue
		}
		rng.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		for _, i := range m {
			part[i] = next % Parts
			next++
		}
	}
	return part
}

// resamples is the number of bootstrap samples.
const resamples = 2000

// Judge returns the verdict on the scores of pairs, whose threshold is 0. The seed is that of the bootstrap. The error is the context's.
func Judge(ctx context.Context, s Scores, l Labels, seed uint64) (*Verdict, error) {
	v := &Verdict{Tried: len(s.Cover)}
	members := func(of []string) (names []string, at map[string][]int) {
		at = map[string][]int{}
		for i, name := range of {
			at[name] = append(at[name], i)
		}
		return slices.Sorted(maps.Keys(at)), at
	}
	of := func(pairs []int) (p Scores) {
		for _, i := range pairs {
			p.Cover, p.Stego = append(p.Cover, s.Cover[i]), append(p.Stego, s.Stego[i])
		}
		return p
	}
	names, at := members(l.Groups)
	rng := rand.New(rand.NewPCG(seed, 2))
	var wrong, areas []float64
	for range resamples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var drawn []int
		for range names {
			drawn = append(drawn, at[names[rng.IntN(len(names))]]...)
		}
		p := of(drawn)
		wrong, areas = append(wrong, p.Error(0)), append(areas, p.AUC())
	}
	v.Error, v.AUC = estimate(s.Error(0), wrong), estimate(s.AUC(), areas)
	names, at = members(l.Sources)
	for _, name := range names {
		if p := at[name]; len(p) >= fewest {
			v.Sources = append(v.Sources, Source{name, len(p), of(p).Error(0)})
		}
	}
	slices.SortStableFunc(v.Sources, func(a, b Source) int { return cmp.Compare(b.Pairs, a.Pairs) })
	if v.Sources != nil {
		v.Worst = slices.MinFunc(v.Sources, func(a, b Source) int { return cmp.Compare(a.Error, b.Error) })
	}
	return v, nil
}

func estimate(value float64, resampled []float64) Estimate {
	slices.Sort(resampled)
	tail := len(resampled) / 40
	return Estimate{value, resampled[tail-1], resampled[len(resampled)-tail]}
}
