// Package contender has the methods that experiments compare: the lattice of this repository, the systems of the paper's Table 1 as ditas
// train makes them, and, to tell what they are worth, arithmetic without code or network: the linear map, digits, and a JPEG file in the
// lowest bits.
//
//	c, err := contender.Load(runs, "ditas-m")
//	hide, err := c.Worker()
//	sent, err := hide(0, s.Subjects[0])
//	received, err := experiment.Through(sent.Samples)
//	picture, err := sent.Reveal(received)
//
// Every contender hides at its own strength, or, where a subject has a target, at that container MSE if it can choose.
package contender

import (
	"ditas"
	"ditas/audio"
	"ditas/internal/lab/experiment"
	"ditas/picture"
)

// Contender is a method that takes part in a comparison.
type Contender struct {
	Name       string
	Parameters int
	FLOPs      int // of hiding and revealing one picture
	Training   *Training
	// Scaled tells that the system was trained to one strength, so that where a container MSE is asked for, its change of the cover
	// is scaled.
	Scaled bool
	// Synchronises tells that the receiver finds out by itself where the recording begins; the others are told.
	Synchronises bool
	// Worker returns a hider; every goroutine needs its own. It is nil for a system without weights.
	Worker func() (Hider, error)
}

// Hider hides the picture of subject i in its recording, at the subject's target if it has one.
type Hider func(i int, p *experiment.Subject) (*Sent, error)

// Sent is a container and what its receiver does: nil if it finds nothing.
type Sent struct {
	Samples []float64
	Reveal  func(received []float64) (*picture.Planes, error)
}

// Hiders returns n hiders, one for every goroutine. Whoever takes one gives it back.
func (c *Contender) Hiders(n int) (chan Hider, error) {
	hiders := make(chan Hider, n)
	for range n {
		hide, err := c.Worker()
		if err != nil {
			return nil, err
		}
		hiders <- hide
	}
	return hiders, nil
}

// Stateless returns a contender whose hiders are all the same one, which goroutines may share.
func Stateless(name string, hide Hider) *Contender {
	return &Contender{Name: name, Worker: func() (Hider, error) { return hide, nil }}
}

// Lattice is ours. Hearing limits its strength, so no container MSE can be asked of it: where subjects have one it is that of
// their stego, which is what it sends.
func Lattice(s *experiment.Study, name string, o ditas.HideOptions) *Contender {
	c := Stateless(name, func(_ int, p *experiment.Subject) (*Sent, error) {
		stego := p.Stego
		if p.Target == 0 {
			var err error
			if stego, err = s.Hide(p.Cover, p.Secret, "", o); err != nil {
				return nil, err
			}
		}
		return &Sent{stego.Samples[0], func(received []float64) (*picture.Planes, error) {
			return s.Reveal(&audio.Recording{Format: stego.Format, Samples: [][]float64{received}}, "", ditas.RevealOptions{})
		}}, nil
	})
	c.Synchronises = true
	return c
}

// titles are the names of systems as the paper writes them.
var titles = map[string]string{
	"deep-steg": "Deep-Steg", "kreuk": "Kreuk's model", "ditas-s": "DITAS-S", "ditas-m": "DITAS-M", "ditas-m-e": "DITAS-M-E",
	"ditas-m-d": "DITAS-M-D", "ditas-m-ed": "DITAS-M-ED",
}

// Title returns the name of a system as the paper writes it, and the name of any other method as it is.
func Title(system string) string {
	if t, ok := titles[system]; ok {
		return t
	}
	return system
}
