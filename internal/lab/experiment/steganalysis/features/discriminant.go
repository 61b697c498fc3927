package features

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"ditas/internal/dsp"
	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/internal/parallel"
)

// Set is what a discriminant learns from or is tried on: the features of covers and stegos, in pairs.
type Set struct {
	Cover, Stego [][]float64
	// Group says what each pair has in common with others that should not be in two parts when parts are tried on one another: the
	// speaker or the track.
	Group []string
}

// Part returns the pairs that are chosen.
func (s Set) Part(chosen func(i int) bool) Set {
	var p Set
	for i := range s.Cover {
		if chosen(i) {
			p.Cover, p.Stego, p.Group = append(p.Cover, s.Cover[i]), append(p.Stego, s.Stego[i]), append(p.Group, s.Group[i])
		}
	}
	return p
}

func (s Set) check() error {
	n := len(s.Cover)
	switch {
	case n < 2:
		return fmt.Errorf("%d pairs of recordings: want at least 2", n)
	case len(s.Stego) != n || len(s.Group) != n:
		return fmt.Errorf("%d covers, %d stegos and %d groups", n, len(s.Stego), len(s.Group))
	}
	for _, rows := range [][][]float64{s.Cover, s.Stego} {
		for _, row := range rows {
			if len(row) == 0 || len(row) != len(s.Cover[0]) {
				return fmt.Errorf("recordings of %d and of %d features", len(s.Cover[0]), len(row))
			}
		}
	}
	for _, g := range s.Group {
		if g != s.Group[0] {
			return nil
		}
	}
	return errors.New("all pairs are of one group: want at least 2")
}

// Discriminant is Fisher's linear discriminant with a ridge: with features x standardised to x′, within ±4, its direction is that of (S + λI)⁻¹(m₁ − m₀), where S
// is the scatter within classes and m₁ and m₀ are their means.
type Discriminant struct {
	centre, scale []float64 // of features
	weights       []float64
	threshold     float64
	Ridge         float64      // λ, for features of unit variance and a mean scatter
	Known         trial.Scores // of the training set, each pair's by what all other groups teach
}

// ridges are the λ that are tried.
var ridges = []float64{1e-5, 1e-4, 1e-3, 1e-2}

// Train learns to tell covers from stegos. The ridge and the threshold are the ones that do best where each group is tried on what the others teach: the ridge has the largest
// AUC, the threshold the fewest errors. The same set gives the same discriminant, bit for bit, however many workers there are.
//
// The discriminant is found as ridge regression of ±1 on the features, which has the same direction, in its dual form, which is as large as
// the number of recordings; leaving out a group then takes no training of its own (Golub, Heath and Wahba, Generalized Cross-Validation, Technometrics
// 21, 1979; for groups An, Liu and Venkatesh, Fast Cross-Validation Algorithms for Least Squares Support Vector Machine and Kernel Ridge Regression, Pattern Recognition 40, 2007).
func Train(ctx context.Context, s Set, workers int) (*Discriminant, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	workers = max(1, workers)
	d := &Discriminant{}
	rows, members := d.standardise(s)
	n := len(rows)
	gram := make([][]float64, n) // its lower triangle
	for i := range gram {
		gram[i] = make([]float64, i+1)
	}
	together(workers, 0, n, func(from, to int) {
		for j := 0; j < to && ctx.Err() == nil; j++ {
			for i := max(from, j); i < to; i++ {
				gram[i][j] = dsp.Dot(rows[i], rows[j]) / float64(len(rows[i]))
			}
		}
	})
	best := math.Inf(-1)
	var dual []float64
	for _, ridge := range ridges {
		m := invert(ctx, gram, ridge*float64(n), workers)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if m == nil {
			continue // it is too small for the arithmetic
		}
		known := m.leftOut(members, workers)
		if auc := known.AUC(); auc > best {
			best, dual = auc, m.alpha
			d.Ridge, d.Known = ridge, known
		}
	}
	if dual == nil {
		return nil, errors.New("features that are not numbers")
	}
	d.weights = make([]float64, len(d.centre))
	for i, row := range rows {
		for k, v := range row {
			d.weights[k] += dual[i] * v / float64(len(row))
		}
	}
	d.threshold = d.Known.Threshold()
	return d, nil
}

// standardise returns the recordings, covers and stegos by turns, with all features at a mean of 0 and a variance of 1, and the rows of each group.
func (d *Discriminant) standardise(s Set) (rows [][]float64, members [][]int) {
	p := len(s.Cover[0])
	d.centre, d.scale = make([]float64, p), make([]float64, p)
	at := map[string]int{}
	for i := range s.Cover {
		g, ok := at[s.Group[i]]
		if !ok {
			g = len(members)
			at[s.Group[i]] = g
			members = append(members, nil)
		}
		members[g] = append(members[g], len(rows), len(rows)+1)
		rows = append(rows, slices.Clone(s.Cover[i]), slices.Clone(s.Stego[i]))
	}
	for _, row := range rows {
		for k, v := range row {
			d.centre[k] += v / float64(len(rows))
		}
	}
	for _, row := range rows {
		for k, v := range row {
			d.scale[k] += (v - d.centre[k]) * (v - d.centre[k]) / float64(len(rows))
		}
	}
	for k, v := range d.scale {
		d.scale[k] = 0 // of what never varies
		if v > 1e-18*(1+d.centre[k]*d.centre[k]) {
			d.scale[k] = 1 / math.Sqrt(v)
		}
	}
	for _, row := range rows {
		d.apply(row)
	}
	return rows, members
}

// outlying is how many deviations a feature counts as being off its mean at most, so that few recordings unlike all others do not decide.
const outlying = 4

// standard returns the value of feature k with a mean of 0 and a variance of 1 before outliers are limited.
func (d *Discriminant) standard(k int, v float64) float64 {
	return max(-outlying, min(outlying, (v-d.centre[k])*d.scale[k]))
}

func (d *Discriminant) apply(row []float64) {
	for k := range row {
		row[k] = d.standard(k, row[k])
	}
}

// Score says how much a recording looks like a stego: from 0 on it is taken for one. The scale is that of the training's labels, ±1.
func (d *Discriminant) Score(x []float64) float64 {
	sum := 0.0
	for k, v := range x {
		sum += d.standard(k, v) * d.weights[k]
	}
	return sum - d.threshold
}

// inverted is M = (K + λI)⁻¹, by what it takes to compute parts of it: M = L⁻ᵀL⁻¹.
type inverted struct {
	columns [][]float64 // of L⁻¹: column j from its place j on
	alpha   []float64   // My, where y are the labels
}

// at returns the element in row i and column j.
func (m *inverted) at(i, j int) float64 {
	from := max(i, j)
	return dsp.Dot(m.columns[i][from:], m.columns[j][from:])
}

// leftOut returns the scores that the recordings of each group have by what the others teach, covers and stegos by turns: a group's errors are M_GG⁻¹(My)_G.
func (m *inverted) leftOut(members [][]int, workers int) trial.Scores {
	n := len(m.columns)
	s := trial.Scores{Cover: make([]float64, n/2), Stego: make([]float64, n/2)}
	parallel.Each(workers, len(members), func(_, k int) {
		group := members[k]
		a := make([][]float64, len(group))
		e := make([]float64, len(group))
		for i, p := range group {
			for _, q := range group[:i+1] {
				a[i] = append(a[i], m.at(p, q))
			}
			e[i] = m.alpha[p]
		}
		cholesky(context.Background(), a, 1)
		solve(a, e)
		for i, p := range group {
			if p%2 == 0 {
				s.Cover[p/2] = -1 - e[i]
			} else {
				s.Stego[p/2] = 1 - e[i]
			}
		}
	})
	return s
}

// invert returns (K + λI)⁻¹, nil if K + λI is not positive definite to the precision of the arithmetic, or the context ends.
func invert(ctx context.Context, gram [][]float64, ridge float64, workers int) *inverted {
	n := len(gram)
	l := make([][]float64, n)
	for i, row := range gram {
		l[i] = slices.Clone(row)
		l[i][i] += ridge
	}
	if !cholesky(ctx, l, workers) {
		return nil
	}
	m := &inverted{columns: make([][]float64, n), alpha: make([]float64, n)}
	for i := range n {
		m.columns[i] = make([]float64, n)
		m.columns[i][i] = 1 / l[i][i]
		m.alpha[i] = float64(i%2*2 - 1)
	}
	solve(l, m.alpha)
	together(workers, 0, n, func(from, to int) {
		for i := from + 1; i < n && ctx.Err() == nil; i++ {
			for j := from; j < min(i, to); j++ {
				m.columns[j][i] = -dsp.Dot(l[i][j:i], m.columns[j][j:i]) / l[i][i]
			}
		}
	})
	return m
}

// cholesky replaces the lower triangle of a positive definite matrix by L, of which it is LLᵀ, and reports whether there is one and the context has not ended.
func cholesky(ctx context.Context, a [][]float64, workers int) bool {
	n := len(a)
	for from := 0; from < n; from += panel {
		to := min(n, from+panel)
		together(workers, from, n, func(first, last int) {
			for i := first; i < last; i++ {
				for j := from; j < min(to, i+1); j++ {
					a[i][j] -= dsp.Dot(a[i][:from], a[j][:from])
				}
			}
		})
		for j := from; j < to; j++ {
			v := a[j][j] - dsp.Dot(a[j][from:j], a[j][from:j])
			if !(v > 0) || ctx.Err() != nil {
				return false
			}
			a[j][j] = math.Sqrt(v)
			for i := j + 1; i < n; i++ {
				a[i][j] = (a[i][j] - dsp.Dot(a[i][from:j], a[j][from:j])) / a[j][j]
			}
		}
	}
	return true
}

// panel is the number of rows that are worked on together: those of some thousand numbers stay in the cache.
const panel = 32

// together calls a function with ranges of at most panel rows that make up the rows from a first one up to a last, side by side.
func together(workers, first, last int, work func(from, to int)) {
	parallel.Each(workers, (last-first+panel-1)/panel, func(_, k int) {
		from := first + k*panel
		work(from, min(last, from+panel))
	})
}

// solve replaces b by the solution x of LLᵀx = b.
func solve(l [][]float64, b []float64) {
	for i := range b {
		for j := range i {
			b[i] -= l[i][j] * b[j]
		}
		b[i] /= l[i][i]
	}
	for i := len(b) - 1; i >= 0; i-- {
		for j := i + 1; j < len(b); j++ {
			b[i] -= l[j][i] * b[j]
		}
		b[i] /= l[i][i]
	}
}

// Try measures discriminants on a set, of which a part at a time is tried by what the others teach, and returns the ridges that these trainings chose. The labels' groups are
// the set's.
func Try(ctx context.Context, s Set, l trial.Labels, split trial.Split, seed uint64, workers int) (v *trial.Verdict, ridges []float64, err error) {
	n := len(s.Cover)
	scores := trial.Scores{Cover: make([]float64, n), Stego: make([]float64, n)}
	for k := range trial.Parts {
		learn := s.Part(func(i int) bool { return l.Part[i] != k })
		if split == trial.Known {
			// What is left out to find ridge and threshold is as much related to the rest as what is tried.
			for i := range learn.Group {
				learn.Group[i] = strconv.Itoa(i)
			}
		}
		d, err := Train(ctx, learn, workers)
		if err != nil {
			return nil, nil, err
		}
		ridges = append(ridges, d.Ridge)
		spread := deviation(slices.Concat(d.Known.Cover, d.Known.Stego))
		for i := range n {
			if l.Part[i] == k {
				scores.Cover[i], scores.Stego[i] = d.Score(s.Cover[i])/spread, d.Score(s.Stego[i])/spread
			}
		}
	}
	v, err = trial.Judge(ctx, scores, l, seed)
	return v, ridges, err
}

func deviation(x []float64) float64 {
	var sum, square float64
	for _, v := range x {
		sum += v / float64(len(x))
		square += v * v / float64(len(x))
	}
	return max(1e-12, math.Sqrt(max(0, square-sum*sum)))
}
