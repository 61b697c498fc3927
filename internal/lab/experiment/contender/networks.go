package contender

import (
	"math"
	"slices"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/residual"
	"ditas/internal/model"
	"ditas/picture"
)

// Networks are one of the DITAS systems. They must not be used by two goroutines at once.
type Networks struct {
	hider    *model.Hider
	revealer *model.Revealer
	covers   [][]float32
	heard    [][]float32
	pixels   []float32
}

// NewNetworks returns the networks of a system.
func NewNetworks(sys *model.System) (*Networks, error) {
	n := &Networks{pixels: make([]float32, 3*experiment.Side*experiment.Side)}
	for range sys.Config.Stages {
		n.covers = append(n.covers, make([]float32, sys.Config.Samples()))
		n.heard = append(n.heard, make([]float32, sys.Config.Samples()))
	}
	var err error
	if n.hider, err = sys.NewHider(); err != nil {
		return nil, err
	}
	n.revealer, err = sys.NewRevealer()
	return n, err
}

// hideAt returns the container of a strength. A system with fewer stages than the unit experiment leaves the end of the cover
// alone, and its container ends before.
func (n *Networks) hideAt(p *experiment.Subject, threshold float64) ([]float64, error) {
	split(n.covers, p.Cover.Samples[0])
	flatten(n.pixels, p.Secret)
	if err := n.hider.SetThresholds(threshold); err != nil {
		return nil, err
	}
	n.hider.Hide(n.heard, n.pixels, n.covers, experiment.Step)
	container := make([]float64, 0, experiment.Samples)
	for _, part := range n.heard {
		for _, v := range part {
			container = append(container, float64(v))
		}
	}
	return container, nil
}

// hide returns the container of at most the given mean squared error, and the threshold that makes it.
func (n *Networks) hide(p *experiment.Subject, mse float64) (container []float64, threshold float64, err error) {
	low, high := -90.0, -20.0
	at := func(decibels float64) float64 { return math.Pow(10, decibels/20) }
	for range 10 {
		middle := (low + high) / 2
		if container, err = n.hideAt(p, at(middle)); err != nil {
			return nil, 0, err
		}
		d, err := p.MSE(container)
		if err != nil {
			return nil, 0, err
		}
		if d > mse {
			high = middle
		} else {
			low = middle
		}
	}
	container, err = n.hideAt(p, at(low))
	return container, at(low), err
}

// Reveal returns the picture in a container of a threshold, in 8 bits. Subsequences that are lost, counted from 0, the receiver knows
// to be so.
func (n *Networks) Reveal(received []float64, threshold float64, lost ...int) (*picture.Planes, error) {
	if err := n.revealer.SetThresholds(threshold); err != nil {
		return nil, err
	}
	split(n.heard, received)
	arrived := slices.Clone(n.heard)
	for _, i := range lost {
		arrived[i] = nil
	}
	n.revealer.Reveal(n.pixels, arrived)
	return inEightBits(n.pixels), nil
}

// flatten writes a picture's planes one after the other.
func flatten(dst []float32, p *picture.Planes) {
	for c, plane := range p.Pix {
		copy(dst[c*len(plane):], plane)
	}
}

// inEightBits returns the picture whose planes are one after the other, rounded to 8 bits.
func inEightBits(pixels []float32) *picture.Planes {
	p := picture.New(experiment.Side, experiment.Side)
	for c, plane := range p.Pix {
		copy(plane, pixels[c*len(plane):])
	}
	p.Round()
	return p
}

// split writes samples to subsequences.
func split(dst [][]float32, x []float64) {
	for i := range dst {
		for j := range dst[i] {
			dst[i][j] = float32(x[i*experiment.Stage+j])
		}
	}
}

// Send hides a subject, and returns what the file holds after revealing it.
func (n *Networks) Send(p *experiment.Subject, threshold float64) ([]float64, error) {
	x, err := n.hideAt(p, threshold)
	if err != nil {
		return nil, err
	}
	if x, err = experiment.Through(x); err != nil {
		return nil, err
	}
	_, err = n.Reveal(x, threshold)
	return x, err
}

// Stages returns what is missing of a secret before the first and after each stage, S_1 to S_{N+1}, planar RGB, and the pictures in
// 8 bits that the first stages make, as the last call of reveal found them.
func (n *Networks) Stages(secret *picture.Planes) (residuals [][]float64, sums []*picture.Planes) {
	sum := experiment.Grey(experiment.Side, experiment.Side)
	missing := residual.Difference(sum, secret)
	residuals = append(residuals, missing)
	for i := range n.heard {
		n.revealer.RevealStage(n.pixels, i)
		left, limited := make([]float64, len(missing)), picture.New(experiment.Side, experiment.Side)
		for c, plane := range sum.Pix {
			for k := range plane {
				v := n.pixels[c*len(plane)+k]
				left[c*len(plane)+k] = missing[c*len(plane)+k] - float64(v)
				plane[k] += v
				limited.Pix[c][k] = max(0, min(1, plane[k]))
			}
		}
		limited.Round()
		residuals, sums = append(residuals, left), append(sums, limited)
		missing = left
	}
	return residuals, sums
}
