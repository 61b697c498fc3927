package networks

import (
	"context"
	"fmt"
	"math"

	"ditas/internal/parallel"
	"ditas/metric"
	"ditas/report"
)

const (
	// unheard is the ODG from which on nothing is said of it.
	unheard = -0.5
	// excerpt is how many seconds of a recording are graded in one piece. Of one twice as long and longer only excerpts are.
	excerpt = 5
)

// grades are the words of ITU-R BS.1387 for a grade, by its number below 0.
var grades = [...]string{"imperceptible", "perceptible but not annoying", "slightly annoying", "annoying", "very annoying"}

// listen grades how audible the change to the cover is, and warns if it is.
func (v *survey) listen(ctx context.Context, r *report.Hide, stego *sound, blocks [][]change, workers int) error {
	places := v.excerpts(blocks)
	odgs := make([]float64, len(places))
	errs := make([]error, len(places))
	parallel.Each(min(workers, len(places)), len(places), func(_, i int) {
		odgs[i], errs[i] = v.grade(ctx, stego, places[i])
	})
	for i, odg := range odgs {
		if errs[i] != nil {
			return errs[i]
		}
		if !math.IsNaN(odg) && (r.ODG == nil || odg < *r.ODG) {
			r.ODG = &odgs[i]
		}
	}
	if r.ODG == nil || *r.ODG >= unheard {
		return nil
	}
	word := grades[min(len(grades)-1, int(math.Round(-*r.ODG)))]
	r.Warnings = append(r.Warnings, report.Warning{
		Kind: report.Audible, Text: fmt.Sprintf("has changed so much that it can be heard (ODG −%.1f: %s)", -*r.ODG, word),
		Advice: "ask for less change, take a louder recording, or hide by the lattice, which is not heard",
	})
	return nil
}

// stretch is a stretch of blocks.
type stretch struct{ from, to int }

// excerpts returns what of a recording is graded: all of it if it is short, else where the change is loudest, and where it is loudest beside
// the sound. A fourth root of powers stands for loudness, so that one moment does not decide.
func (v *survey) excerpts(blocks [][]change) []stretch {
	count := len(blocks[0])
	length := max(1, excerpt*v.sound.format.Rate/v.sound.slot)
	if count < 2*length {
		return []stretch{{0, count}}
	}
	// What is softer than this is not heard at any volume at which the recording is.
	const inaudible = 1e-8
	loud, bare := make([]float64, count), make([]float64, count)
	for i := range count {
		var c change
		for _, channel := range blocks {
			c.add(channel[i])
		}
		floor := inaudible * float64(v.sound.slot*len(blocks))
		loud[i], bare[i] = math.Pow(c.noise, 0.25), math.Pow(c.noise/(c.signal+floor), 0.25)
	}
	first, second := loudest(loud, length), loudest(bare, length)
	if second.from < first.to && first.from < second.to {
		return []stretch{{min(first.from, second.from), max(first.to, second.to)}}
	}
	return []stretch{first, second}
}

// loudest returns the stretch of a length whose sum is largest, the first of equals.
func loudest(values []float64, length int) (best stretch) {
	most := math.Inf(-1)
	for from := range len(values) - length + 1 {
		sum := 0.0
		for _, v := range values[from:][:length] {
			sum += v
		}
		if sum > most {
			most, best = sum, stretch{from, from + length}
		}
	}
	return best
}

// grade returns the ODG of a stretch, NaN if it has none.
func (v *survey) grade(ctx context.Context, stego *sound, s stretch) (float64, error) {
	p, err := metric.NewPEAQ(v.sound.format.Rate, v.sound.Channels())
	if err != nil {
		return math.NaN(), nil // of such a rate nothing is known
	}
	wide := func(of *sound, at int) [][]float64 {
		all := make([][]float64, len(of.blocks))
		for c := range all {
			all[c] = make([]float64, len(of.blocks[c][at]))
			for i, x := range of.blocks[c][at] {
				all[c][i] = float64(x)
			}
		}
		return all
	}
	for at := s.from; at < s.to; at++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := p.Add(wide(v.sound, at), wide(stego, at)); err != nil {
			return 0, err
		}
	}
	return p.Result().ODG, nil
}
