package experiment

import (
	"fmt"
	"math"

	"ditas"
	"ditas/audio"
)

// uniformity looks at recordings under a passphrase from outside.
func (s *study) uniformity() (*Table, error) {
	t := &Table{
		Title: "Without the key",
		Text: "What someone without the passphrase sees. Samples are taken modulo the fine step of a level, in 16 bins (fewer where the step has\n" +
			"fewer values), and tested for uniformity by χ²: the share of recordings that are rejected at 1 %, of which a uniform distribution has\n" +
			"1 %, and the p-value of all samples of all recordings together.",
		Columns: []Column{
			{"step in units of 16 bits", "%.2f"}, {"stego rejected", "%.1f %%"}, {"cover rejected", "%.1f %%"},
			{"p, all stego samples", "%.3f"}, {"p, all cover samples", "%.3f"},
		},
	}
	subjects := s.few()
	const first, last = 4, 24 // levels of steps
	type counts [2][last + 1][bins]int
	all := make([]counts, len(subjects))
	found := make([][2]bool, len(subjects))
	err := s.each("uniformity", len(subjects), func(i int) error {
		p := subjects[i]
		stego, err := s.hide(p.cover, p.secret, ditas.HideOptions{Passphrase: fmt.Sprintf("subject %d", i)})
		if err != nil {
			return err
		}
		for k, r := range []*audio.Recording{stego.Recording, p.cover} {
			for level := first; level <= last; level++ {
				count(&all[i][k][level], r.Samples[0], fineStep(level))
			}
		}
		for k, passphrase := range []string{"", "another one"} {
			revealed, err := s.reveal(stego.Recording, ditas.RevealOptions{Passphrase: passphrase})
			if err != nil {
				return err
			}
			found[i][k] = revealed != nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for level := first; level <= last; level++ {
		n := binsOf(fineStep(level))
		row := Row{Name: fmt.Sprintf("level %d", level), Values: []float64{fineStep(level), 0, 0, 0, 0}}
		for k := range 2 {
			var sum [bins]int
			for i := range all {
				c := &all[i][k][level]
				if uniform(c[:n]) < 0.01 {
					row.Values[1+k] += 100 / float64(len(all))
				}
				for b, v := range c {
					sum[b] += v
				}
			}
			row.Values[3+k] = uniform(sum[:n])
		}
		t.Rows = append(t.Rows, row)
	}
	public, wrong := 0, 0
	for _, f := range found {
		if f[0] {
			public++
		}
		if f[1] {
			wrong++
		}
	}
	t.Text += fmt.Sprintf("\n\nOf %d recordings under a passphrase, something was found in %d without one and in %d under another (target: 0).", len(subjects), public, wrong)
	return t, nil
}

// fineStep is that of a level in package carrier, in units of 16 bits.
func fineStep(level int) float64 { return 2 * math.Exp2(float64(level)/4) }

// bins is how many parts a step is divided into.
const bins = 16

// binsOf returns into how many parts a step in units of 16 bits is divided: a whole one has only so many values.
func binsOf(step float64) int {
	if whole := math.Round(step); whole < bins && math.Abs(step-whole) < 1e-9 {
		return int(whole)
	}
	return bins
}

// count counts samples by their place within a step.
func count(c *[bins]int, x []float64, step float64) {
	n := binsOf(step)
	for _, v := range x {
		at := v / grid.Step() / step
		c[min(int((at-math.Floor(at))*float64(n)+1e-9), n-1)]++
	}
}

// uniform returns the p-value of counts under a uniform distribution: the probability that χ² is as large or larger, by the
// cube-root approximation (Wilson and Hilferty, "The distribution of chi-square", Proc. National Academy of Sciences 17, 1931).
func uniform(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	expected := float64(total) / float64(len(counts))
	chi := 0.0
	for _, c := range counts {
		chi += (float64(c) - expected) * (float64(c) - expected) / expected
	}
	k := float64(len(counts) - 1)
	z := (math.Cbrt(chi/k) - 1 + 2/(9*k)) / math.Sqrt(2/(9*k))
	return math.Erfc(z/math.Sqrt2) / 2
}
