package detector

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Scores are the scores of the covers and the stegos of pairs, both in the order of the pairs. The higher a score, the more likely
// something is hidden.
type Scores struct{ Cover, Stego []float64 }

// AUC is the area under the curve of [Scores.ROC]: the probability that a stego has a higher score than a cover, equal scores
// counting one half.
func (s Scores) AUC() float64 {
	covers := slices.Sorted(slices.Values(s.Cover))
	sum := 0.0
	for _, v := range s.Stego {
		below, _ := slices.BinarySearch(covers, v)
		upTo, _ := slices.BinarySearchFunc(covers, v, func(c, v float64) int {
			if c <= v {
				return -1
			}
			return 1
		})
		sum += float64(below+upTo) / 2
	}
	return sum / float64(len(s.Stego)) / float64(len(covers))
}

// Point is an operating point of a detector.
type Point struct {
	FalseAlarm float64 `json:"falseAlarm"` // share of covers that are taken for stegos
	Detection  float64 `json:"detection"`  // share of stegos that are
}

// ROC returns the receiver operating characteristic: the points of all thresholds, from (0, 0) to (1, 1), but for those amid a
// horizontal or a vertical line.
func (s Scores) ROC() []Point {
	covers, stegos := slices.Sorted(slices.Values(s.Cover)), slices.Sorted(slices.Values(s.Stego))
	points := []Point{{}}
	for i, j := len(covers), len(stegos); i > 0 || j > 0; {
		top := math.Inf(-1)
		if i > 0 {
			top = covers[i-1]
		}
		if j > 0 {
			top = max(top, stegos[j-1])
		}
		for i > 0 && covers[i-1] >= top {
			i--
		}
		for j > 0 && stegos[j-1] >= top {
			j--
		}
		at := Point{1 - float64(i)/float64(len(covers)), 1 - float64(j)/float64(len(stegos))}
		if n := len(points); n > 1 {
			a, b := points[n-2], points[n-1]
			if a.FalseAlarm == b.FalseAlarm && b.FalseAlarm == at.FalseAlarm || a.Detection == b.Detection && b.Detection == at.Detection {
				points = points[:n-1]
			}
		}
		points = append(points, at)
	}
	return points
}

// EqualError is the error rate where as many covers are taken for stegos as stegos for covers, between points of the ROC on the
// line that joins them.
func (s Scores) EqualError() float64 {
	points := s.ROC()
	for i, p := range points[1:] {
		if p.FalseAlarm < 1-p.Detection {
			continue
		}
		q := points[i]
		// On the line from q to p, where false alarms and misses are equal.
		before, after := 1-q.Detection-q.FalseAlarm, p.FalseAlarm-(1-p.Detection)
		t := before / (before + after)
		return q.FalseAlarm + t*(p.FalseAlarm-q.FalseAlarm)
	}
	return 1
}

// Error is the share of errors if recordings are taken for stegos whose score is at least the threshold, and covers and stegos are
// equally frequent: P_E = (P_FA + P_MD)/2.
func (s Scores) Error(threshold float64) float64 {
	alarms, misses := 0, 0
	for _, v := range s.Cover {
		if v >= threshold {
			alarms++
		}
	}
	for _, v := range s.Stego {
		if v < threshold {
			misses++
		}
	}
	return (float64(alarms)/float64(len(s.Cover)) + float64(misses)/float64(len(s.Stego))) / 2
}

// Threshold returns the one of the fewest errors. Where that leaves room, it is the middle of the widest range.
func (s Scores) Threshold() float64 {
	all := slices.Sorted(slices.Values(slices.Concat(s.Cover, s.Stego)))
	all = slices.Compact(all)
	threshold := all[0]
	least, widest := s.Error(threshold), 0.0
	for i, v := range all[1:] {
		at := (all[i] + v) / 2
		if e, width := s.Error(at), v-all[i]; e < least || e == least && width > widest {
			threshold, least, widest = at, e, width
		}
	}
	return threshold
}

// resamples is the number of bootstrap samples.
const resamples = 2000

// Interval returns the bounds of a 95 % confidence interval of a figure, by the bootstrap: the 2.5 and 97.5 percentiles of the figure of as
// many pairs drawn with replacement, a cover together with its stego.
func (s Scores) Interval(seed uint64, figure func(Scores) float64) (low, high float64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	n := len(s.Cover)
	drawn := Scores{make([]float64, n), make([]float64, n)}
	figures := make([]float64, resamples)
	for k := range figures {
		for i := range n {
			j := rng.IntN(n)
			drawn.Cover[i], drawn.Stego[i] = s.Cover[j], s.Stego[j]
		}
		figures[k] = figure(drawn)
	}
	slices.Sort(figures)
	const tail = resamples / 40
	return figures[tail-1], figures[resamples-tail]
}
