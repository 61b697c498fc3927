package lattice

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"ditas"
	"ditas/audio"
	"ditas/internal/carrier/lattice"
	"ditas/internal/lab/experiment"
)

// uniformity looks at recordings under a passphrase from outside.
func (s *study) uniformity() (*Table, error) {
	t := &Table{
		Title: "Without the key",
		Text: "What somebody sees who knows how strong the change of every frame is, and not the passphrase. The samples of each frame are taken\n" +
			"modulo its fine step and tested for uniformity by χ², step by step: the share of recordings that are rejected at 1 %, which is\n" +
			"1 % for a uniform distribution, and the p-value of all of them together. Frames count whose step is a whole number of steps of the\n" +
			"16-bit file, a quarter of them: of others even uniform numbers are not uniform once they are rounded. Frames with digital silence\n" +
			"in them are left out: it is not touched.",
		Columns: []Column{
			{"recordings", "%.0f"}, {"samples", "%.0f"}, {"stego rejected", "%.1f %%"}, {"cover rejected", "%.1f %%"},
			{"p, all stego samples", "%.3f"}, {"p, all cover samples", "%.3f"},
		},
	}
	subjects := s.Damaged()
	all := make([][2]phases, len(subjects))
	found := make([][2]bool, len(subjects))
	err := s.Each("uniformity", len(subjects), func(i int) error {
		p := subjects[i]
		stego, err := s.Hide(p.Cover, p.Secret, fmt.Sprintf("subject %d", i), ditas.HideOptions{})
		if err != nil {
			return err
		}
		strengths, err := s.planned(p.Cover)
		if err != nil {
			return err
		}
		for k, r := range []*audio.Recording{stego, p.Cover} {
			all[i][k] = phases{}
			for frame, strength := range strengths {
				from := frame * lattice.FrameLength
				step := strength.Step / experiment.Step
				if strength.Step > 0 && whole(step) && !still(p.Cover.Samples[0][from:][:lattice.FrameLength]) {
					all[i][k].count(r.Samples[0][from:][:lattice.FrameLength], step)
				}
			}
		}
		for k, passphrase := range []string{"", "another one"} {
			revealed, err := s.Reveal(stego, passphrase, ditas.RevealOptions{})
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
	sums := [2]phases{{}, {}}
	row := Row{Name: "modulo the fine step of each frame", Values: make([]float64, len(t.Columns))}
	row.Values[0] = float64(len(all))
	for i := range all {
		for k := range sums {
			if all[i][k].uniform() < 0.01 {
				row.Values[2+k] += 100 / float64(len(all))
			}
			sums[k].add(all[i][k])
		}
	}
	for _, counts := range sums[0] {
		for _, n := range counts {
			row.Values[1] += float64(n)
		}
	}
	row.Values[4], row.Values[5] = sums[0].uniform(), sums[1].uniform()
	row.aim("p ≥ 0.01", row.Values[4] >= 0.01)
	t.Rows = []Row{row}
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

// phases counts samples by their remainder modulo a step, for each step in units of 16 bits.
type phases map[float64]*[bins]int

// whole reports whether a step in units of 16 bits is a whole number, and has no more values than there are bins.
func whole(step float64) bool { return math.Abs(step-math.Round(step)) < 1e-9 && step < bins+0.5 }

// still reports whether 16 samples in a row are the same, which makes them digital silence.
func still(x []float64) bool {
	run := 1
	for i := 1; i < len(x) && run < 16; i++ {
		if run++; x[i] != x[i-1] {
			run = 1
		}
	}
	return run >= 16
}

// bins is the most values that a step may have.
const bins = 64

// count counts samples modulo a whole step.
func (p phases) count(x []float64, step float64) {
	if p[step] == nil {
		p[step] = new([bins]int)
	}
	n := int(math.Round(step))
	for _, v := range x {
		p[step][(int(math.Round(v/experiment.Step))%n+n)%n]++
	}
}

// add adds other counts.
func (p phases) add(other phases) {
	for step, counts := range other {
		if p[step] == nil {
			p[step] = new([bins]int)
		}
		for i, n := range counts {
			p[step][i] += n
		}
	}
}

// uniform returns the p-value under uniform distributions.
func (p phases) uniform() float64 {
	chi, freedom := 0.0, 0
	for _, step := range slices.Sorted(maps.Keys(p)) {
		counts := p[step][:int(math.Round(step))]
		chi += chiSquare(counts)
		freedom += len(counts) - 1
	}
	return chance(chi, freedom)
}

// chiSquare returns χ² of counts under a uniform distribution.
func chiSquare(counts []int) (chi float64) {
	total := 0
	for _, c := range counts {
		total += c
	}
	expected := float64(total) / float64(len(counts))
	for _, c := range counts {
		chi += (float64(c) - expected) * (float64(c) - expected) / expected
	}
	return chi
}

// chance returns the probability that χ² is as large or larger, by the cube-root approximation (Wilson and Hilferty, "The distribution of
// chi-square", Proc. National Academy of Sciences 17, 1931).
func chance(chi float64, freedom int) float64 {
	k := float64(freedom)
	z := (math.Cbrt(chi/k) - 1 + 2/(9*k)) / math.Sqrt(2/(9*k))
	return math.Erfc(z/math.Sqrt2) / 2
}
