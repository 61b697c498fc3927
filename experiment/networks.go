package experiment

import (
	"math"

	"ditas/model"
	"ditas/model/weights"
	"ditas/picture"
)

// networks are the faithful DITAS-M-ED. They must not be used by two goroutines at once.
type networks struct {
	hider    *model.Hider
	revealer *model.Revealer
	covers   [][]float32
	heard    [][]float32
	pixels   []float32
}

func newNetworks() (*networks, error) {
	sys, _, err := weights.Load(weights.Default)
	if err != nil {
		return nil, err
	}
	n := &networks{pixels: make([]float32, 3*Side*Side)}
	for range sys.Config.Stages {
		n.covers = append(n.covers, make([]float32, sys.Config.Samples()))
		n.heard = append(n.heard, make([]float32, sys.Config.Samples()))
	}
	if n.hider, err = sys.NewHider(); err != nil {
		return nil, err
	}
	n.revealer, err = sys.NewRevealer()
	return n, err
}

// hide returns a container of at most the given mean squared error, and the threshold that makes it.
func (n *networks) hide(p *subject, mse float64) (container []float64, threshold float64, err error) {
	split(n.covers, p.cover.Samples[0])
	container = make([]float64, samples)
	at := func(decibels float64) (float64, error) {
		threshold = math.Pow(10, decibels/20)
		for c, plane := range p.secret.Pix {
			copy(n.pixels[c*len(plane):], plane)
		}
		if err := n.hider.SetThresholds(threshold); err != nil {
			return 0, err
		}
		n.hider.Hide(n.heard, n.pixels, n.covers, grid.Step())
		for i := range container {
			container[i] = float64(n.heard[i/stage][i%stage])
		}
		return p.mse(container)
	}
	low, high := -90.0, -20.0
	for range 10 {
		middle := (low + high) / 2
		d, err := at(middle)
		if err != nil {
			return nil, 0, err
		}
		if d > mse {
			high = middle
		} else {
			low = middle
		}
	}
	_, err = at(low)
	return container, threshold, err
}

// reveal returns the picture in a container of a threshold, in 8 bits.
func (n *networks) reveal(received []float64, threshold float64) (*picture.Planes, error) {
	if err := n.revealer.SetThresholds(threshold); err != nil {
		return nil, err
	}
	split(n.heard, received)
	n.revealer.Reveal(n.pixels, n.heard)
	p := picture.New(Side, Side)
	for c, plane := range p.Pix {
		copy(plane, n.pixels[c*len(plane):])
	}
	p.Round()
	return p, nil
}

// split writes samples to subsequences.
func split(dst [][]float32, x []float64) {
	for i := range dst {
		for j := range dst[i] {
			dst[i][j] = float32(x[i*stage+j])
		}
	}
}
