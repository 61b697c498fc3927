package experiment

import (
	"ditas"
	"ditas/audio"
	"ditas/picture"
)

// contender is a method that takes part in a comparison.
type contender struct {
	name       string
	parameters int
	flops      int // of hiding and revealing one picture
	training   *Training
	// scaled tells that the system was trained to one strength, so that where a container MSE is asked for, its change of the cover
	// is scaled.
	scaled bool
	// synchronises tells that the receiver finds out by itself where the recording begins; the others are told.
	synchronises bool
	// worker returns a hider, of which every goroutine has to have its own. It is nil for a system of which there are no weights.
	worker func() (hider, error)
}

// hider hides the picture of subject i in its recording, at the subject's target if it has one.
type hider func(i int, p *subject) (*sent, error)

// sent is a container and what its receiver does: nil if it finds nothing.
type sent struct {
	samples []float64
	reveal  func(received []float64) (*picture.Planes, error)
}

// hiders returns as many hiders as there are goroutines. Whoever takes one gives it back.
func (c *contender) hiders(n int) (chan hider, error) {
	hiders := make(chan hider, n)
	for range n {
		hide, err := c.worker()
		if err != nil {
			return nil, err
		}
		hiders <- hide
	}
	return hiders, nil
}

// stateless returns a contender whose workers are all the same.
func stateless(name string, hide hider) *contender {
	return &contender{name: name, worker: func() (hider, error) { return hide, nil }}
}

// arithmetic are those that were not trained on recordings: ours, at the default and at the faint setting, the linear map, and a JPEG
// file in the lowest bits.
func arithmetic(s *study) []*contender {
	return []*contender{
		latticeContender(s, "lattice", ditas.HideOptions{}), latticeContender(s, "lattice, faint", ditas.HideOptions{Faint: true}), linearMap(s), lowestBits(2),
	}
}

// latticeContender is ours. Hearing limits its strength, so no container MSE can be asked of it: where subjects have one it is that of
// their stego, which is what it sends.
func latticeContender(s *study, name string, o ditas.HideOptions) *contender {
	c := stateless(name, func(_ int, p *subject) (*sent, error) {
		stego := p.stego
		if p.target == 0 {
			var err error
			if stego, err = s.hide(p.cover, p.secret, o); err != nil {
				return nil, err
			}
		}
		return &sent{stego.Samples[0], func(received []float64) (*picture.Planes, error) {
			return s.reveal(&audio.Recording{Format: stego.Format, Samples: [][]float64{received}}, ditas.RevealOptions{})
		}}, nil
	})
	c.synchronises = true
	return c
}

// titles are the names of systems as the paper writes them.
var titles = map[string]string{
	"deep-steg": "Deep-Steg", "kreuk": "Kreuk's model", "ditas-s": "DITAS-S", "ditas-m": "DITAS-M", "ditas-m-e": "DITAS-M-E",
	"ditas-m-d": "DITAS-M-D", "ditas-m-ed": "DITAS-M-ED",
}

// title returns the name of a system as the paper writes it, and that of any other method as it is.
func title(system string) string {
	if t, ok := titles[system]; ok {
		return t
	}
	return system
}
