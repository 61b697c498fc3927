package model

import (
	"fmt"

	"ditas/internal/nn"
)

// Hider hides one picture after the other. It must not be used by two goroutines at once.
type Hider struct {
	p       *Pipeline
	scratch []float32
}

// NewHider returns a hider for the system's present weights.
func (s *System) NewHider() (*Hider, error) {
	return s.newHider(purpose{})
}

func (s *System) newHider(o purpose) (*Hider, error) {
	p, err := s.newPipeline(o)
	if err != nil {
		return nil, err
	}
	return &Hider{p: p, scratch: make([]float32, p.Secret.Shape().Len())}, nil
}

// Sender is a Hider that knows what else will change in the file, and what the receiver will see.
type Sender struct{ *Hider }

// NewSender returns a sender for the system's present weights. Hide calls written with what it has made of the subsequence of each stage,
// which written may change as the file will; later stages then make good what that costs.
func (s *System) NewSender(written func(stage int, samples []float32)) (*Sender, error) {
	h, err := s.newHider(purpose{reveals: true, written: written})
	return &Sender{h}, err
}

// Reveal writes to picture what [Revealer.Reveal] makes of what the last Hide made, if all of it arrives.
func (s *Sender) Reveal(picture []float32) {
	s.p.Sum(picture, s.scratch)
}

// RevealStage writes what stage i alone reveals of it, as [Revealer.RevealStage] does.
func (s *Sender) RevealStage(dst []float32, i int) { s.p.Revealed[i].Store(dst) }

// SetThreshold sets the strength of hiding in the subsequence of one stage, as [Revealer.SetThreshold] does.
func (h *Hider) SetThreshold(stage int, tau float64) error { return h.p.SetThreshold(stage, tau) }

// SetActivity leaves pauses alone, as [Revealer.SetActivity] does.
func (h *Hider) SetActivity(least int) { h.p.SetActivity(least) }

// SetThresholds sets the same strength for all stages.
func (h *Hider) SetThresholds(tau float64) error { return h.p.SetThresholds(tau) }

// Hide writes to containers the subsequences that hide the picture, one per stage, as a file with samples in steps of step
// will hold them (0: no rounding). It panics if a slice is too short or a stage has no threshold yet.
func (h *Hider) Hide(containers [][]float32, picture []float32, covers [][]float32, step float64) {
	h.p.ready()
	h.p.Step = step
	h.p.Load(picture, covers, h.scratch)
	h.p.Graph.Forward()
	for i, t := range h.p.Containers {
		t.Store(containers[i])
	}
}

// Revealer reveals pictures. It must not be used by two goroutines at once.
type Revealer struct {
	strengths
	graph    *nn.Graph[float32]
	received []*nn.Tensor[float32]
	revealed []*nn.Tensor[float32]
	scratch  []float32
	silence  []float32
}

// NewRevealer returns a revealer for the system's present weights.
func (s *System) NewRevealer() (*Revealer, error) {
	c := s.Config
	r := &Revealer{graph: nn.NewGraph(s.Weights, false), strengths: newStrengths(c), scratch: make([]float32, 3*c.Tile*c.Tile), silence: make([]float32, c.Samples())}
	var features []*nn.Tensor[float32]
	for i, st := range s.stages {
		r.graph.Scope(fmt.Sprintf("reveal%d", i))
		samples := r.graph.Input(fmt.Sprintf("received%d", i), nn.Shape{N: 1, C: 1, H: 1, W: c.Samples()})
		var revealed *nn.Tensor[float32]
		revealed, features = st.revealStage(r.graph, &r.strengths, i, r.graph.Map("fold", st.fold, samples), features)
		r.received = append(r.received, samples)
		r.revealed = append(r.revealed, r.graph.Output(revealed))
	}
	if err := r.graph.Compile(); err != nil {
		return nil, fmt.Errorf("system %s: %w", c.Name, err)
	}
	return r, nil
}

// Reveal writes to picture the sum of what the received subsequences reveal, limited to [0, 1]. A nil subsequence did not
// arrive; its stage adds nothing. It panics if a slice is too short or a stage has no threshold yet.
func (r *Revealer) Reveal(picture []float32, received [][]float32) {
	r.ready()
	for i, t := range r.received {
		if received[i] == nil {
			t.Load(r.silence)
			continue
		}
		t.Load(received[i])
	}
	r.graph.Forward()
	sum(picture, r.scratch, r.revealed, func(i int) bool { return received[i] != nil })
}

// sum writes to picture the sum of what the stages that arrived reveal, limited to [0, 1].
func sum(picture, scratch []float32, revealed []*nn.Tensor[float32], arrived func(stage int) bool) {
	n := revealed[0].Shape().Len()
	for i := range picture[:n] {
		picture[i] = Middle
	}
	for i, t := range revealed {
		if !arrived(i) {
			continue
		}
		t.Store(scratch)
		for j, v := range scratch[:n] {
			picture[j] += v
		}
	}
	for i, v := range picture[:n] {
		picture[i] = max(0, min(1, v))
	}
}

// RevealStage writes what stage i alone revealed in the last Reveal, S~_i, 3×tile×tile values around 0.
func (r *Revealer) RevealStage(dst []float32, i int) { r.revealed[i].Store(dst) }
