package contender

import (
	"math/rand/v2"

	"ditas/internal/lab/experiment"
)

// tight leaves a margin so that rounding never carries a symbol across the end of the circle.
const tight = 0.999

// Linear is the linear map; its own container MSE is 1e-7.
func Linear(s *experiment.Study) *Contender {
	return Stateless("linear map, 3 stages", func(i int, p *experiment.Subject) (*Sent, error) {
		mse := 1e-7
		if p.Target > 0 {
			mse = p.Target
		}
		l := newLinear(mse, s.Source(experiment.ForDither, i))
		return &Sent{l.hide(p), l.reveal}, nil
	})
}

// newLinear returns the linear map: a value, or what the stages before have left of it, is stretched to the whole circle. What
// they can have left at most is known, since they know the rounding of the file.
func newLinear(mse float64, source rand.Source) *stages {
	l := newLattice(mse, colours, experiment.Samples, source)
	use := tight * (1 - 2*l.rounding())
	var bounds [experiment.Stages]float64
	bound := 0.5
	for k := range bounds {
		bounds[k] = bound
		bound *= 2 * l.rounding() / use
	}
	return &stages{
		lattice: l,
		code:    func(k int, residual float64) float64 { return use * residual / (2 * bounds[k]) },
		decode:  func(k int, symbol float64) float64 { return symbol / use * 2 * bounds[k] },
	}
}
