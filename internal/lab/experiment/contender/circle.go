package contender

import (
	"math"
	"math/rand/v2"

	"ditas/audio"
	"ditas/internal/lab/experiment"
	"ditas/picture"
)

// The lattice without anything else, on which the two simplest methods stand: a sample t becomes the point nearest to it that is
// congruent to Δ(m + d) modulo Δ, m ∈ [−½, ½) being the symbol and d the dither, and the file rounds it. The mean squared error is
// Δ²/12 whatever the symbols are.

// grid is what a 16-bit file holds.
var grid = audio.Format{Rate: 1, Channels: 1, Encoding: audio.Int16}

// lattice is a circle's step, and a dither for every sample.
type lattice struct {
	step   float64
	dither []float64
}

// newLattice returns a lattice that makes a container MSE, if it is put on the given share of the samples.
func newLattice(mse, share float64, n int, source rand.Source) *lattice {
	rng := rand.New(source)
	l := &lattice{step: math.Sqrt(12 * mse / share), dither: make([]float64, n)}
	for i := range l.dither {
		l.dither[i] = rng.Float64()
	}
	return l
}

// rounding is the largest error that a 16-bit file makes of a symbol.
func (l *lattice) rounding() float64 { return experiment.Step / 2 / l.step }

// write returns what stands in the file in place of sample i, t, when it carries m.
func (l *lattice) write(i int, t, m float64) float64 {
	at := m + l.dither[i]
	y := l.step * (math.RoundToEven(t/l.step-at) + at)
	switch {
	case y > 1-experiment.Step:
		y -= l.step
	case y < -1:
		y += l.step
	}
	return grid.Quantize(y)
}

// read returns the symbol of sample i.
func (l *lattice) read(i int, y float64) float64 {
	m := y/l.step - l.dither[i]
	return m - math.Round(m)
}

// colours is the share of the samples that the simple methods use: of the four that a pixel has in every stage three carry a
// colour each, and the fourth stays as it is, which is worth more than what it could carry.
const colours = 3.0 / 4

// place returns the sample that carries colour c of pixel i in stage k.
func place(k, c, i int) int { return k*experiment.Stage + 4*i + c }

// stages is a method of residual coding on a lattice: stage k carries what the stages before it have left of a value, in
// [−bound, bound], as a symbol.
type stages struct {
	lattice *lattice
	// code returns the symbol of a residual, and decode the residual that a symbol stands for.
	code   func(k int, residual float64) float64
	decode func(k int, symbol float64) float64
}

// hide returns the container of a picture. The sender knows what the file's rounding does to each stage, and nothing else.
func (s *stages) hide(p *experiment.Subject) []float64 {
	cover := p.Cover.Samples[0]
	out := append([]float64{}, cover...)
	for c, plane := range p.Secret.Pix {
		for i, v := range plane {
			residual := float64(v) - 0.5
			for k := range experiment.Stages {
				at := place(k, c, i)
				out[at] = s.lattice.write(at, cover[at], s.code(k, residual))
				residual -= s.decode(k, s.lattice.read(at, out[at]))
			}
		}
	}
	return out
}

// reveal returns the picture in a container, in 8 bits.
func (s *stages) reveal(received []float64) (*picture.Planes, error) {
	p := picture.New(experiment.Side, experiment.Side)
	for c, plane := range p.Pix {
		for i := range plane {
			v := 0.5
			for k := range experiment.Stages {
				at := place(k, c, i)
				v += s.decode(k, s.lattice.read(at, received[at]))
			}
			plane[i] = float32(v)
		}
	}
	p.Round()
	return p, nil
}
