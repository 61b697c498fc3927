// Package structure looks for what a carrier of lattices would repeat: for dithers, marks or words that come again, after whatever time, by the
// phases of samples modulo every step that a lattice may have. It knows the format, and no key.
package structure

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"ditas/internal/dsp"
	"ditas/internal/parallel"
)

// Frame is the number of samples of a frame of the lattice.
const Frame = 1024

// Periods is up to how many frames phases are folded by.
const Periods = 32

// Steps returns the steps that are tried, in units of 2⁻¹⁵ of full scale: all that fine symbols have, and those of coarse ones and pilots with
// them, up to half of full scale in quarters of an octave (FORMAT.md, part 1).
func Steps() (steps []float64) {
	for quarter := 0; quarter <= 4*12; quarter++ {
		steps = append(steps, 2*math.Exp2(float64(quarter)/4))
	}
	return steps
}

// Finding is what is most alike in a recording modulo a step. Of numbers without any structure, powers are distributed exponentially with a mean of 1.
type Finding struct {
	Step  float64 `json:"step"`  // units
	After int     `json:"after"` // samples after which something comes again
	Power float64 `json:"power"` // that of the sum of phases over the sum of their powers
	Tried float64 `json:"tried"` // how many powers there were, of which this is the greatest
}

// Chance returns the probability that so great a power, or a greater one, is among as many without any structure.
func (f *Finding) Chance() float64 { return -math.Expm1(f.Tried * math.Log1p(-math.Exp(-f.Power))) }

// Report is what was found in a recording.
type Report struct {
	Folded   Finding `json:"folded"`   // places of frames whose phases are alike in every so many frames
	Repeated Finding `json:"repeated"` // all phases, as those some time later

	echoes Echoes
}

// Echoes are distances at which something comes again in a recording that is heard: a loop, or a word that was recorded once and put in twice.
type Echoes map[int]bool

const (
	// echo is the power from which on it is hardly chance any more, among some 10⁸.
	echo = 20
	// blur is how exactly a distance counts, in samples: what is heard twice is alike nearby, too.
	blur = 256
)

func (e Echoes) has(after int) bool {
	at := after / blur
	return e[at-1] || e[at] || e[at+1]
}

// Echoes returns where what was searched comes again beyond all chance.
func (r *Report) Echoes() Echoes { return r.echoes }

// Search looks through a recording of one channel, samples in units of 2⁻¹⁵ of full scale, by all steps, at all distances that are no echoes, of which there
// may be none. It takes 24 bytes a sample and worker.
func Search(ctx context.Context, x []float64, known Echoes, workers int) (*Report, error) {
	residuals := innovations(x)
	steps := Steps()
	found := make([]Report, len(steps))
	errs := make([]error, len(steps))
	parallel.Each(workers, len(steps), func(_, i int) {
		if errs[i] = ctx.Err(); errs[i] == nil {
			found[i], errs[i] = search(ctx, x, residuals, steps[i], known)
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	r := Report{echoes: Echoes{}}
	for i := range found {
		maps.Copy(r.echoes, found[i].echoes)
	}
	for _, pick := range []struct {
		to *Finding
		of func(r *Report) *Finding
	}{
		{&r.Folded, func(r *Report) *Finding { return &r.Folded }}, {&r.Repeated, func(r *Report) *Finding { return &r.Repeated }},
	} {
		tried := 0.0
		for i := range found {
			tried += pick.of(&found[i]).Tried
		}
		best := slices.MaxFunc(found, func(a, b Report) int { return cmp.Compare(pick.of(&a).Power, pick.of(&b).Power) })
		*pick.to = *pick.of(&best)
		pick.to.Tried = tried
	}
	return &r, nil
}

const order = 16

// innovations returns the deviation of what linear prediction leaves of each frame.
func innovations(x []float64) []float64 {
	out := make([]float64, len(x)/Frame)
	windowed, r, a := make([]float64, Frame), make([]float64, order+1), make([]float64, order+1)
	for k := range out {
		power := 0.0
		for i := range windowed {
			w := math.Sin(math.Pi * (float64(i) + 0.5) / Frame)
			windowed[i] = x[k*Frame+i] * w
			power += w * w
		}
		for lag := range r {
			r[lag] = dsp.Dot(windowed[lag:], windowed[:Frame-lag])
		}
		r[0] *= 1 + 1e-9
		out[k] = math.Sqrt(max(0, dsp.LPC(a, r)) / power)
	}
	return out
}

// leastInnovation is how many steps a frame has to have of what cannot be predicted. With less, its phases follow from what is heard, and a cover's come again as its
// tones do; a lattice's steps are finer than that, or they would be heard.
const leastInnovation = 1

// leastFrames is how many frames have to be added, and leastPairs how many samples correlated: what happens to sound alike in fewer says nothing.
const leastFrames, leastPairs = 4, 64 * Frame

// search looks at the phases modulo one step.
func search(ctx context.Context, x, residuals []float64, step float64, known Echoes) (r Report, err error) {
	frames := make([]int, 0, len(residuals))
	for k, deviation := range residuals {
		if deviation >= leastInnovation*step {
			frames = append(frames, k)
		}
	}
	r.Folded.Step, r.Repeated.Step, r.echoes = step, step, Echoes{}
	if len(frames) < leastFrames {
		return r, nil
	}
	re, im := make([]float32, len(x)), make([]float32, len(x))
	for _, k := range frames {
		for i := k * Frame; i < (k+1)*Frame; i++ {
			_, turn := math.Modf(x[i] / step)
			sin, cos := math.Sincos(2 * math.Pi * turn)
			re[i], im[i] = float32(cos), float32(sin)
		}
	}
	centre(re, im, frames)
	// Of whole numbers modulo 2 the phases are real, and half the square of a normal variable is rarely larger than what has an exponential distribution.
	freedom := 1.0
	if step == 2 && !slices.ContainsFunc(x, func(v float64) bool { return v != math.RoundToEven(v) }) {
		freedom = 0.5
	}
	fold(&r.Folded, frames, freedom, re, im)
	if err := ctx.Err(); err != nil {
		return r, err
	}
	block := Frame
	for block < min(len(x), longestBlock) {
		block *= 2
	}
	return r, r.repeat(ctx, frames, freedom, re, im, block, leastPairs, known)
}

// nearby is how many samples have the mean of their phases taken from them.
const nearby = 32

// centre takes from phases what those nearby have in common: samples near to 0 between two pulses of a voice have the phase 0, whatever the step, and so are alike
// wherever there are two of them.
func centre(re, im []float32, frames []int) {
	for _, k := range frames {
		for at := k * Frame; at < (k+1)*Frame; at += nearby {
			for _, x := range [][]float32{re[at : at+nearby], im[at : at+nearby]} {
				var mean float32
				for _, v := range x {
					mean += v / nearby
				}
				for i := range x {
					x[i] = (x[i] - mean) * float32(rest)
				}
			}
		}
	}
}

// rest makes up for the share of the power that the mean of independent phases takes.
var rest = math.Sqrt(nearby / (nearby - 1.0))

// fold adds the phases of each place in every 1, 2, … Periods frames.
func fold(f *Finding, frames []int, freedom float64, re, im []float32) {
	sums, counts := make([][2]float64, Periods*Frame), make([]int, Periods)
	for period := 1; period <= Periods; period++ {
		clear(sums[:period*Frame])
		clear(counts[:period])
		for _, k := range frames {
			counts[k%period]++
			to := sums[k%period*Frame:][:Frame]
			for i := range to {
				to[i][0] += float64(re[k*Frame+i])
				to[i][1] += float64(im[k*Frame+i])
			}
		}
		for c, count := range counts[:period] {
			if count < leastFrames {
				continue
			}
			f.Tried += Frame
			for _, s := range sums[c*Frame:][:Frame] {
				if power := freedom * (s[0]*s[0] + s[1]*s[1]) / float64(count); power > f.Power {
					f.Power, f.After = power, period*Frame
				}
			}
		}
	}
}

// longestBlock is how many samples are transformed at a time at most, with as many zeros.
const longestBlock = 1 << 19

// repeat correlates all phases with all later ones. Blocks are transformed once, and transformed back once for each distance between blocks.
func (r *Report) repeat(ctx context.Context, frames []int, freedom float64, re, im []float32, block int, least float64, known Echoes) error {
	f := &r.Repeated
	transform, err := dsp.NewFFT[float32](2 * block)
	if err != nil {
		return err
	}
	count := (len(re) + block - 1) / block
	spectra := make([][2][]float32, count)
	for i := range spectra {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, to := i*block, min(len(re), (i+1)*block)
		spectra[i] = [2][]float32{make([]float32, 2*block), make([]float32, 2*block)}
		copy(spectra[i][0], re[from:to])
		copy(spectra[i][1], im[from:to])
		transform.Forward(spectra[i][0], spectra[i][1])
	}
	pairs := pairs(frames, len(re)/Frame)
	scale := 1 / float64(2*block)
	// What samples of a block have in common with those of blocks so many later, at distances in between and, at the end, at distances a block less.
	a, b := make([]float32, 2*block), make([]float32, 2*block)
	last := [2][]float32{make([]float32, block), make([]float32, block)}
	for apart := 0; apart <= count; apart++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(a)
		clear(b)
		for i := 0; i+apart < count; i++ {
			x, y := &spectra[i], &spectra[i+apart]
			for k, v := range x[0] {
				// conj(y)·x, whose transform is, at each distance, the conjugate of what is sought
				a[k] += v*y[0][k] + x[1][k]*y[1][k]
				b[k] += x[1][k]*y[0][k] - v*y[1][k]
			}
		}
		transform.Forward(a, b)
		for i := range block { // distances of apart − 1 blocks and i
			at := (apart-1)*block + i
			q, into := at/Frame, at%Frame
			if at < Frame/2 || q+1 >= len(pairs) {
				continue
			}
			n := float64((Frame-into)*pairs[q] + into*pairs[q+1])
			if n < least || known.has(at) {
				continue
			}
			sumRe, sumIm := float64(last[0][i]), float64(last[1][i])
			if apart < count {
				sumRe, sumIm = sumRe+float64(a[i+block]), sumIm+float64(b[i+block])
			}
			f.Tried++
			power := freedom * (sq(sumRe*scale) + sq(sumIm*scale)) / n
			if power > f.Power {
				f.Power, f.After = power, at
			}
			if power > echo {
				r.echoes[at/blur] = true
			}
		}
		copy(last[0], a[:block])
		copy(last[1], b[:block])
	}
	return nil
}

// pairs returns how many pairs of frames are 0, 1, … n − 1 frames apart.
func pairs(frames []int, n int) []int {
	counts := make([]int, n)
	for i, k := range frames {
		for _, later := range frames[i:] {
			counts[later-k]++
		}
	}
	return counts
}

func sq(x float64) float64 { return x * x }
