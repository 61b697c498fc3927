package model_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"ditas/internal/model"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/nntest"
)

// plain is a system without a transform, with everything that the large ones have.
var plain = model.Config{
	Name: "plain", Stages: 3, CrossHide: true, CrossReveal: true, Transform: model.NoTransform,
	Tile: 16, Bands: 64, Width: 8, Depth: 4, Amplitude: 0.1,
}

// TestPlainReceiverAgreesWithSender checks the recursion where there is no transform, that no threshold is needed, and that the file of
// a system is the system.
func TestPlainReceiverAgreesWithSender(t *testing.T) {
	eachKernelSet(t, func(t *testing.T, k kernel.Set[float32]) {
		s := newSystem(t, plain, k)
		p, err := s.NewPipeline(true, true)
		if err != nil {
			t.Fatal(err)
		}
		p.Step = step
		picture, covers := scene(plain)
		p.Load(picture, covers, make([]float32, len(picture)))
		p.Graph.Forward()

		var file bytes.Buffer
		if err := s.Save(&file, false, nil); err != nil {
			t.Fatal(err)
		}
		loaded, _, err := model.LoadWith(bytes.NewReader(file.Bytes()), int64(file.Len()), k)
		if err != nil {
			t.Fatal(err)
		}
		h, err := loaded.NewHider()
		if err != nil {
			t.Fatal(err)
		}
		r, err := loaded.NewRevealer()
		if err != nil {
			t.Fatal(err)
		}
		containers := [][]float32{make([]float32, plain.Samples()), make([]float32, plain.Samples()), make([]float32, plain.Samples())}
		h.Hide(containers, picture, covers, step)
		revealed, stages := reveal(r, plain, containers)
		var sender [][]float32
		for i, want := range p.Revealed {
			own, sent := make([]float32, len(picture)), make([]float32, plain.Samples())
			want.Store(own)
			p.Containers[i].Store(sent)
			if !slices.Equal(sent, containers[i]) || !slices.Equal(own, stages[i]) {
				t.Errorf("stage %d: sender and receiver differ", i)
			}
			if slices.Equal(containers[i], covers[i]) {
				t.Errorf("stage %d hides nothing", i)
			}
			sender = append(sender, own)
		}
		if !slices.Equal(revealed, sum(len(picture), sender...)) {
			t.Error("the revealed picture is not the sum of the stages")
		}
	})
}

// TestPixels checks that pixel i has samples 4·i to 4·i+3, one in each plane, and that the map is its adjoint's inverse.
func TestPixels(t *testing.T) {
	f, err := model.NewFold(plain, 2)
	if err != nil {
		t.Fatal(err)
	}
	n := plain.Samples()
	samples, planes, back := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range samples {
		samples[i] = float32(i)
	}
	f.Apply(planes, samples)
	for i, v := range planes {
		plane, pixel := i/256, i%256
		if want := float32(4*pixel + plane); v != want {
			t.Fatalf("plane %d has sample %g at pixel %d, want %g", plane, v, pixel, want)
		}
	}
	f.Adjoint(back, planes)
	if !slices.Equal(back, samples) {
		t.Error("the adjoint is not the inverse")
	}
}

// TestStripes checks that a stripe of all rows is the picture, that a stripe is like the middle of a picture where its networks do not see
// edges, and that there are none with a transform.
func TestStripes(t *testing.T) {
	c := plain
	c.Stages, c.CrossHide, c.CrossReveal, c.Depth = 1, false, false, 3 // each network sees three rows to either side
	s := newSystem(t, c, kernel.Best())
	picture, covers := scene(c)
	// container hides rows of the scene from the first-th on.
	container := func(first, rows int) []float32 {
		p, err := s.NewStripe(rows, false)
		if err != nil {
			t.Fatal(err)
		}
		var part []float32
		for channel := range 3 {
			part = append(part, picture[(channel*c.Tile+first)*c.Tile:][:rows*c.Tile]...)
		}
		out := make([]float32, model.SamplesPerPixel*rows*c.Tile)
		p.Load(part, [][]float32{covers[0][model.SamplesPerPixel*first*c.Tile:]}, make([]float32, len(part)))
		p.Graph.Forward()
		p.Containers[0].Store(out)
		return out
	}
	row := model.SamplesPerPixel * c.Tile
	whole, stripe := container(0, c.Tile), container(4, 8)
	for i, v := range stripe[3*row : 5*row] {
		if want := whole[7*row+i]; math.Abs(float64(v-want)) > 1e-6 {
			t.Fatalf("sample %d in the middle of a stripe is %g, of the picture %g", i, v, want)
		}
	}
	h, err := s.NewHider()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float32{make([]float32, c.Samples())}
	h.Hide(want, picture, covers, 0)
	if !slices.Equal(whole, want[0]) {
		t.Error("a stripe of all rows is not the picture")
	}
	for _, rows := range []int{0, -1, 17} {
		if _, err := s.NewStripe(rows, false); err == nil {
			t.Errorf("a stripe of %d rows is taken", rows)
		}
	}
	if _, err := newSystem(t, tiny, kernel.Best()).NewStripe(8, false); err == nil {
		t.Error("a system with a transform takes stripes")
	}
}

// TestPlainGradients compares the gradient of each loss with differences of the loss.
func TestPlainGradients(t *testing.T) {
	c := plain
	c.Width = 3
	s := newSystem(t, c, kernel.Portable[float32]())
	p, err := s.NewStripe(2, true)
	if err != nil {
		t.Fatal(err)
	}
	picture, covers := scene(c)
	p.Load(picture, covers, make([]float32, 3*2*c.Tile))
	losses := append(append(slices.Clone(p.RevealLoss), p.ContainerLoss...), p.LossyLoss)
	for n, loss := range losses {
		nntest.Gradient(t, fmt.Sprint("loss ", n), s.Weights, p.Graph, loss, 4, 0.05)
	}
}
