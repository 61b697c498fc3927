package model_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"ditas/internal/model"
	"ditas/internal/nn"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
)

// goldenStep is what testdata/golden.py says about the step it computed.
type goldenStep struct {
	Thresholds      []float64
	Step            float64
	Keep            []float64
	StageWeights    []float64
	ContainerWeight float64
	LossyWeight     float64
	Adam            struct {
		Rate, Clip float64
		Betas      [2]float64
		Factors    [][2]float32
		Norms      []float64
	}
}

// golden is testdata/golden.safetensors: a system, and what PyTorch computes with it.
type golden struct {
	file   []byte
	step   goldenStep
	values map[string][]float32
}

func readGolden(t *testing.T) golden {
	t.Helper()
	file, err := os.ReadFile("testdata/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	tensors, meta, err := safetensors.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	g := golden{file: file, values: map[string][]float32{}}
	if err := json.Unmarshal([]byte(meta["step"]), &g.step); err != nil {
		t.Fatal(err)
	}
	for _, x := range tensors {
		if g.values[x.Name], err = x.Float32s(); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// load makes the system of the file with a set of kernels.
func (g golden) load(t *testing.T, k kernel.Set[float32]) *model.System {
	t.Helper()
	s, _, err := model.LoadWith(bytes.NewReader(g.file), int64(len(g.file)), k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g golden) covers() (covers [][]float32) {
	for i := range g.step.Thresholds {
		covers = append(covers, g.values[fmt.Sprint("cover", i)])
	}
	return covers
}

// eachKernelSet runs f with every set that this processor runs.
func eachKernelSet(t *testing.T, f func(t *testing.T, k kernel.Set[float32])) {
	for _, name := range []string{"portable", "avx2", "avx512"} {
		t.Run(name, func(t *testing.T) {
			k, err := kernel.For(name)
			if err != nil {
				t.Skip(err)
			}
			f(t, k)
		})
	}
}

// distance is the largest difference between two arrays as a share of the largest value wanted.
func distance(got, want []float32) float64 {
	var difference, scale float64
	for i, w := range want {
		difference = max(difference, math.Abs(float64(got[i])-float64(w)))
		scale = max(scale, math.Abs(float64(w)))
	}
	return difference / scale
}

// TestStepMatchesPyTorch compares every activation that leaves a stage, every loss and every gradient of a training step of
// a small DITAS-M-ED with PyTorch's in float64. PyTorch's own float32 is off by up to 8e-6.
func TestStepMatchesPyTorch(t *testing.T) {
	const tolerance = 2e-5
	g := readGolden(t)
	eachKernelSet(t, func(t *testing.T, k kernel.Set[float32]) {
		s := g.load(t, k)
		p, err := s.NewPipeline(true, true)
		if err != nil {
			t.Fatal(err)
		}
		stages := len(g.step.Thresholds)
		for i, tau := range g.step.Thresholds {
			if err := p.SetThreshold(i, tau); err != nil {
				t.Fatal(err)
			}
		}
		p.Step = g.step.Step
		copy(p.Keep, g.step.Keep)
		p.Load(g.values["picture"], g.covers(), make([]float32, len(g.values["picture"])))
		p.Graph.Forward()

		var worst float64
		var where string
		compare := func(name string, got []float32) {
			t.Helper()
			want, ok := g.values[name]
			if !ok || len(want) != len(got) {
				t.Fatalf("the fixture holds %d values of %s, want %d", len(want), name, len(got))
			}
			d := distance(got, want)
			if !(d <= tolerance) {
				t.Errorf("%s is off by %.1e of its largest value", name, d)
			}
			if d > worst {
				worst, where = d, name
			}
		}
		// The logarithm in the objective is PyTorch's to differentiate; here its derivative is the weight of a term.
		var terms []nn.Term
		logarithm := func(l *nn.Loss, weight float64) {
			terms = append(terms, nn.Term{Loss: l, Weight: weight / (l.Value + 1e-9)})
		}
		var containerLoss, revealLoss []float32
		for i := range stages {
			container := make([]float32, p.Containers[i].Shape().Len())
			p.Containers[i].Store(container)
			compare(fmt.Sprint("container", i), container)
			revealed := make([]float32, p.Revealed[i].Shape().Len())
			p.Revealed[i].Store(revealed)
			compare(fmt.Sprint("revealed", i), revealed)
			containerLoss = append(containerLoss, float32(p.ContainerLoss[i].Value))
			revealLoss = append(revealLoss, float32(p.RevealLoss[i].Value))
			logarithm(p.RevealLoss[i], g.step.StageWeights[i])
			tau := g.step.Thresholds[i]
			terms = append(terms, nn.Term{Loss: p.ContainerLoss[i], Weight: g.step.ContainerWeight / (tau * tau)})
		}
		compare("containerLoss", containerLoss)
		compare("revealLoss", revealLoss)
		compare("lossyLoss", []float32{float32(p.LossyLoss.Value)})
		logarithm(p.LossyLoss, g.step.LossyWeight)

		grads := nn.NewGrads(s.Weights)
		p.Graph.Backward(grads, terms...)
		for _, param := range s.Weights.Params() {
			compare("grad."+param.Name, grads.Of(param))
		}
		t.Logf("worst: %s, off by %.1e of its largest value", where, worst)
	})
}

// TestAdamMatchesPyTorch takes steps with given gradients, some beyond the limit of the norm.
func TestAdamMatchesPyTorch(t *testing.T) {
	g := readGolden(t)
	eachKernelSet(t, func(t *testing.T, k kernel.Set[float32]) {
		s := g.load(t, k)
		a := g.step.Adam
		opt := nn.NewAdam(s.Weights, a.Betas[0], a.Betas[1])
		batch := []*nn.Grads[float32]{nn.NewGrads(s.Weights), nn.NewGrads(s.Weights)}
		for i, factors := range a.Factors {
			for j, grads := range batch {
				for _, p := range s.Weights.Params() {
					for n, v := range g.values["grad."+p.Name] {
						grads.Of(p)[n] = v * factors[j]
					}
				}
			}
			norm, err := opt.Step(batch, a.Rate, a.Clip)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(norm/a.Norms[i]-1) > 1e-6 {
				t.Errorf("step %d: norm %v, want %v", i+1, norm, a.Norms[i])
			}
		}
		var worst float64
		for _, p := range s.Weights.Params() {
			for n, want := range g.values["adam."+p.Name] {
				d := math.Abs(float64(p.Data[n] - want))
				worst = max(worst, d)
			}
		}
		t.Logf("worst: off by %.1e", worst)
		if moved := a.Rate * float64(len(a.Factors)); worst > 1e-4*moved {
			t.Errorf("a parameter is off by %.1e", worst)
		}
	})
}
