package deepsteg

import (
	"slices"
	"testing"

	"ditas/internal/model/unit"
	"ditas/internal/nn"
)

// TestFold checks that each pixel has twelve consecutive samples, one in each plane, and that unfold is the inverse.
func TestFold(t *testing.T) {
	const rows = 3
	samples := make([]float32, rows*unit.RowSamples)
	for i := range samples {
		samples[i] = float32(i)
	}
	planes, back := make([]float32, len(samples)), make([]float32, len(samples))
	shape, err := fold{}.OutShape(nn.Shape{N: 1, C: 1, H: 1, W: len(samples)})
	if want := (nn.Shape{N: 1, C: 12, H: rows, W: 64}); err != nil || shape != want {
		t.Fatalf("folds to %v, error %v", shape, err)
	}
	fold{}.Apply(planes, samples)
	// Sample 7 of the pixel in row 2, column 5.
	if got, want := planes[(7*rows+2)*64+5], float32(2*768+5*12+7); got != want {
		t.Errorf("plane 7 has sample %g in row 2, column 5, want %g", got, want)
	}
	unfold{}.Apply(back, planes)
	if !slices.Equal(back, samples) {
		t.Error("unfold is not the inverse of fold")
	}
	// A permutation's adjoint is its inverse.
	fold{}.Adjoint(back, planes)
	if !slices.Equal(back, samples) {
		t.Error("the adjoint of fold is not its inverse")
	}
	unfold{}.Adjoint(planes, samples)
	fold{}.Apply(back, samples)
	if !slices.Equal(back, planes) {
		t.Error("the adjoint of unfold is not fold")
	}
	if _, err := (fold{}).OutShape(nn.Shape{N: 1, C: 1, H: 1, W: 700}); err == nil {
		t.Error("folds part of a row")
	}
	if _, err := (unfold{}).OutShape(nn.Shape{N: 1, C: 12, H: 3, W: 32}); err == nil {
		t.Error("unfolds rows of 32 pixels")
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{}, {Name: "kreuk", Layers: 5, Filters: 50}, {Name: Name, Filters: 50}, {Name: Name, Layers: 5, Filters: 49}, {Name: Name, Layers: 5}, {Name: Name, Layers: 99, Filters: 50}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestInit checks that fresh networks are linear, and that a pixel of the picture changes no samples but its own.
func TestInit(t *testing.T) {
	s, err := New(Config{Name: Name, Layers: 3, Filters: 4})
	if err != nil {
		t.Fatal(err)
	}
	s.Init(2)
	g := nn.NewGraph(s.Weights(), false)
	secret := g.Input("secret", nn.Shape{N: 1, C: 3, H: 2, W: unit.Side})
	cover := g.Input("cover", nn.Shape{N: 1, C: 1, H: 1, W: 2 * unit.RowSamples})
	container := s.Hide(g, secret, cover).Container
	if err := g.Compile(); err != nil {
		t.Fatal(err)
	}
	picture, samples := make([]float32, secret.Shape().Len()), make([]float32, cover.Shape().Len())
	hide := func() []float32 {
		secret.Load(picture)
		cover.Load(samples)
		g.Forward()
		out := make([]float32, len(samples))
		container.Store(out)
		return out
	}
	const pixel = 70
	picture[pixel] = 0.25
	once := hide()
	picture[pixel] = -0.5
	twice := hide()
	var energy float64
	for i, v := range once {
		if d := twice[i] + 2*v; d > 1e-5 || d < -1e-5 {
			t.Fatalf("sample %d is %g for a value of 0.25, %g for −0.5", i, v, twice[i])
		}
		if v != 0 && i/unit.SamplesPerPixel != pixel {
			t.Fatalf("pixel %d changes sample %d", pixel, i)
		}
		energy += float64(v) * float64(v)
	}
	if energy < 1e-3 {
		t.Errorf("a pixel's samples have an energy of %g: hardly anything arrives", energy)
	}
}
