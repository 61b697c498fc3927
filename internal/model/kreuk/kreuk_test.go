package kreuk

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/internal/model/unit"
	"ditas/internal/nn"
)

func random(n int) []float32 {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func dot(a, b []float32) float64 {
	var sum float64
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// TestMaps checks extents and that 〈Ax, y〉 = 〈x, A*y〉 for every map.
func TestMaps(t *testing.T) {
	s, err := New(Default())
	if err != nil {
		t.Fatal(err)
	}
	const rows = 2
	for name, c := range map[string]struct {
		m       nn.Map[float32]
		in, out nn.Shape
	}{
		"stft":   {s.stft, nn.Shape{N: 1, C: 1, H: 1, W: rows * 768}, nn.Shape{N: 1, C: 2, H: rows * 6, W: 128}},
		"istft":  {inverse{s.stft}, nn.Shape{N: 1, C: 2, H: rows * 6, W: 128}, nn.Shape{N: 1, C: 1, H: 1, W: rows * 768}},
		"spread": {spread{}, nn.Shape{N: 1, C: 3, H: rows, W: 64}, nn.Shape{N: 1, C: 1, H: rows * 6, W: 128}},
		"fold":   {fold{}, nn.Shape{N: 1, C: 1, H: rows * 6, W: 128}, nn.Shape{N: 1, C: 12, H: rows, W: 64}},
		"unfold": {unfold{}, nn.Shape{N: 1, C: 12, H: rows, W: 64}, nn.Shape{N: 1, C: 1, H: rows * 6, W: 128}},
		"pool":   {pool{}, nn.Shape{N: 1, C: 1, H: rows * 6, W: 128}, nn.Shape{N: 1, C: 3, H: rows, W: 64}},
	} {
		out, err := c.m.OutShape(c.in)
		if err != nil || out != c.out {
			t.Fatalf("%s: %v becomes %v, error %v, want %v", name, c.in, out, err, c.out)
		}
		x, y := random(c.in.Len()), random(c.out.Len() + 1)[:c.out.Len()]
		there, back := random(len(y)), random(len(x)) // maps assign
		c.m.Apply(there, x)
		c.m.Adjoint(back, y)
		if a, b := dot(there, y), dot(x, back); math.Abs(a-b) > 1e-3 {
			t.Errorf("%s: 〈Ax, y〉 is %g, 〈x, A*y〉 %g", name, a, b)
		}
		if _, err := c.m.OutShape(nn.Shape{N: 1, C: 1, H: 1, W: 700}); err == nil {
			t.Errorf("%s takes 700 samples", name)
		}
	}
}

// TestCells checks where a colour of a pixel goes: two frames by two bins, rows running in time.
func TestCells(t *testing.T) {
	picture := make([]float32, 3*2*64)
	const colour, row, column = 2, 1, 5
	picture[(colour*2+row)*64+column] = 1
	grid := make([]float32, 12*128)
	spread{}.Apply(grid, picture)
	for i, v := range grid {
		frame, bin := i/128, i%128
		inside := (frame == 10 || frame == 11) && (bin == 10 || bin == 11)
		if inside != (v == 1) || !inside && v != 0 {
			t.Fatalf("frame %d, bin %d is %g", frame, bin, v)
		}
	}
	back := make([]float32, len(picture))
	pool{}.Apply(back, grid)
	for i, v := range back {
		if math.Abs(float64(v-picture[i])) > 1e-6 {
			t.Fatalf("value %d comes back as %g, want %g", i, v, picture[i])
		}
	}
}

// TestFold checks where a cell goes: each pixel's are its channels, frame by frame.
func TestFold(t *testing.T) {
	grid, planes, back := random(12*128), make([]float32, 12*128), make([]float32, 12*128)
	fold{}.Apply(planes, grid)
	for i, v := range grid {
		frame, bin := i/128, i%128
		if got := planes[((frame%6*2+bin%2)*2+frame/6)*64+bin/2]; got != v {
			t.Fatalf("frame %d, bin %d is %g, want %g", frame, bin, got, v)
		}
	}
	unfold{}.Apply(back, planes)
	if !slices.Equal(back, grid) {
		t.Error("unfold is not the inverse of fold")
	}
}

func TestPhase(t *testing.T) {
	dst := make([]float32, 6)
	phase(dst, []float32{3, 0, 0, -4, 0, -2}) // 3−4i, 0, −2i
	for i, want := range []float32{0.6, 1, 0, -0.8, 0, -1} {
		if dst[i] != want {
			t.Fatalf("phases are %v", dst)
		}
	}
}

// TestDistortion checks, on what untrained networks do to a cover, that the error of the samples is no larger than that of
// the magnitudes, and that it is not much smaller either.
func TestDistortion(t *testing.T) {
	s, err := New(Config{Name: Name, Width: 4, Encode: 2, Decode: 2, Reveal: 2})
	if err != nil {
		t.Fatal(err)
	}
	s.Init(5)
	p, err := unit.NewPipeline(s, 4)
	if err != nil {
		t.Fatal(err)
	}
	cover := random(4 * unit.RowSamples)
	for i := range cover {
		cover[i] *= 0.1
	}
	p.Load(make([]float32, 3*4*64), cover)
	p.Graph.Forward()
	if m, d := p.ContainerLoss.Value/(unit.Loudness*unit.Loudness), p.Distortion.Value; d > m || d < m/4 {
		t.Errorf("mean squared error of samples %g, of magnitudes %g", d, m)
	}
}

func TestConfig(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.Name = "deep-steg" }, func(c *Config) { c.Width = 0 }, func(c *Config) { c.Encode = 0 },
		func(c *Config) { c.Decode = 1 }, func(c *Config) { c.Reveal = 99 },
	} {
		c := Default()
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
