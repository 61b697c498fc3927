package trial

import "slices"

// Scores are the scores of the covers and the stegos of pairs, both in the order of the pairs. The higher a score, the more likely
// something is hidden.
type Scores struct{ Cover, Stego []float64 }

// AUC is the area under the receiver operating characteristic: the probability that a stego has a higher score than a cover, equal scores
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
