package features

import (
	"cmp"
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"ditas/internal/lab/experiment/steganalysis/detector"
)

// Verdict is how well discriminants find out a method.
type Verdict struct {
	// Error is P_E = (false alarms + misses)/2 at the thresholds that the training chose, and AUC the area under the curve. Low and High bound
	// their 95 % confidence intervals, by the bootstrap over groups.
	Error Estimate `json:"error"`
	AUC   Estimate `json:"auc"`
	// Sources has P_E of every source of at least ten pairs, by falling numbers of pairs, and Worst is the least of those.
	Sources []Source  `json:"sources"`
	Worst   Source    `json:"worst"`
	Ridges  []float64 `json:"ridges"` // that the trainings chose
}

// Estimate is a figure with the bounds of its 95 % confidence interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
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

// fewest is the number of pairs that a source needs to be one.
const fewest = 10

// trialParts is the number of parts, each of which is tried by a discriminant of the others.
const trialParts = 5

// Try measures discriminants on a set, of which a fifth at a time is tried by what the others teach. The sources are those of the pairs.
func Try(ctx context.Context, s Set, sources []string, split Split, seed uint64, workers int) (*Verdict, error) {
	n := len(s.Cover)
	part := deal(s.Group, split, seed)
	scores := detector.Scores{Cover: make([]float64, n), Stego: make([]float64, n)}
	v := &Verdict{}
	for k := range trialParts {
		learn := s.Part(func(i int) bool { return part[i] != k })
		if split == Known {
			// What is left out to find ridge and threshold is as much related to the rest as what is tried.
			for i := range learn.Group {
				learn.Group[i] = strconv.Itoa(i)
			}
		}
		d, err := Train(ctx, learn, workers)
		if err != nil {
			return nil, err
		}
		v.Ridges = append(v.Ridges, d.Ridge)
		spread := deviation(slices.Concat(d.Known.Cover, d.Known.Stego))
		for i := range n {
			if part[i] == k {
				scores.Cover[i], scores.Stego[i] = d.Score(s.Cover[i])/spread, d.Score(s.Stego[i])/spread
			}
		}
	}
	return v, v.judge(ctx, scores, s.Group, sources, seed)
}

// deal returns the part that each pair belongs to.
func deal(groups []string, split Split, seed uint64) []int {
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
	var size [trialParts]int
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
			part[i] = next % trialParts
			next++
		}
	}
	return part
}

func deviation(x []float64) float64 {
	var sum, square float64
	for _, v := range x {
		sum += v / float64(len(x))
		square += v * v / float64(len(x))
	}
	return max(1e-12, math.Sqrt(max(0, square-sum*sum)))
}

// resamples is the number of bootstrap samples.
const resamples = 2000

// judge fills in the figures of scores whose threshold is 0.
func (v *Verdict) judge(ctx context.Context, s detector.Scores, groups, sources []string, seed uint64) error {
	members := func(of []string) (names []string, at map[string][]int) {
		at = map[string][]int{}
		for i, name := range of {
			at[name] = append(at[name], i)
		}
		return slices.Sorted(maps.Keys(at)), at
	}
	of := func(pairs []int) (p detector.Scores) {
		for _, i := range pairs {
			p.Cover, p.Stego = append(p.Cover, s.Cover[i]), append(p.Stego, s.Stego[i])
		}
		return p
	}
	names, at := members(groups)
	rng := rand.New(rand.NewPCG(seed, 2))
	var wrong, areas []float64
	for range resamples {
		if err := ctx.Err(); err != nil {
			return err
		}
		var drawn []int
		for range names {
			drawn = append(drawn, at[names[rng.IntN(len(names))]]...)
		}
		p := of(drawn)
		wrong, areas = append(wrong, p.Error(0)), append(areas, p.AUC())
	}
	v.Error, v.AUC = estimate(s.Error(0), wrong), estimate(s.AUC(), areas)
	names, at = members(sources)
	for _, name := range names {
		if p := at[name]; len(p) >= fewest {
			v.Sources = append(v.Sources, Source{name, len(p), of(p).Error(0)})
		}
	}
	slices.SortStableFunc(v.Sources, func(a, b Source) int { return cmp.Compare(b.Pairs, a.Pairs) })
	if v.Sources != nil {
		v.Worst = slices.MinFunc(v.Sources, func(a, b Source) int { return cmp.Compare(a.Error, b.Error) })
	}
	return nil
}

func estimate(value float64, resampled []float64) Estimate {
	slices.Sort(resampled)
	tail := len(resampled) / 40
	return Estimate{value, resampled[tail-1], resampled[len(resampled)-tail]}
}
