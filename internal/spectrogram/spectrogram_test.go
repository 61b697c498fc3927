package spectrogram

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// tone returns a sine at the frequency of a bin.
func tone(bin int, amplitude float64) []float64 {
	x := make([]float64, 8*Window)
	for i := range x {
		x[i] = amplitude * math.Sin(2*math.Pi*float64(bin*i)/Window)
	}
	return x
}

func TestSpectrogram(t *testing.T) {
	power, err := Power(tone(40, 0.5))
	if err != nil {
		t.Fatal(err)
	}
	if len(power) != 32 {
		t.Errorf("%d frames, want 32", len(power))
	}
	for f, p := range power {
		level := 10 * math.Log10(p[40])
		if math.Abs(level+6.02) > 0.05 {
			t.Fatalf("frame %d: %.2f dB, want −6.02", f, level)
		}
		if far := 10 * math.Log10(max(p[80], 1e-30)); far > -70 {
			t.Errorf("frame %d: %.1f dB forty bins off", f, far)
		}
	}
	m, err := Image(tone(40, 1), 16, 257)
	if err != nil {
		t.Fatal(err)
	}
	g := m.(*image.Gray)
	if dark, light := g.GrayAt(5, 256-40).Y, g.GrayAt(5, 256-200).Y; dark != 0 || light < 230 {
		t.Errorf("the tone has shade %d, silence %d", dark, light)
	}
}

func TestSpectrogramKeepsPower(t *testing.T) {
	// However cells are shared out, what they hold stays.
	for _, c := range [][2]int{{10, 3}, {3, 10}, {257, 192}, {5, 5}} {
		held := make([]float64, c[0])
		for i := range c[1] {
			sum := 0.0
			covered(c[0], c[1], i, func(cell int, share float64) {
				held[cell] += share * float64(c[0]) / float64(c[1])
				sum += share
			})
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("%v: the shares of cell %d sum to %g", c, i, sum)
			}
		}
		for i, v := range held {
			if math.Abs(v-1) > 1e-9 {
				t.Errorf("%v: cell %d is counted %g times", c, i, v)
			}
		}
	}
}

// A recording that comes block by block gives the picture that it gives as a whole, but at its end, where the whole one wraps.
func TestBlocksMakeTheWhole(t *testing.T) {
	const columns = 200
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 4*columns*hop)
	for i := range x {
		x[i] = 0.1*rng.NormFloat64()*float64(i)/float64(len(x)) + 0.5*math.Sin(float64(i)*float64(i)/40000)
	}
	want, err := Image(x, columns, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1000, 32768, len(x)} {
		s := New(columns, int64(len(x)))
		c := s.Channel()
		for block := range slices.Chunk(x, size) {
			if err := c.Add(block); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		got := s.Image(100)
		if got.Bounds() != want.Bounds() {
			t.Fatalf("%v, want %v", got.Bounds(), want.Bounds())
		}
		for i := range columns - 1 {
			for j := range 100 {
				if g, w := int(got.(*image.Gray).GrayAt(i, j).Y), int(want.(*image.Gray).GrayAt(i, j).Y); max(g-w, w-g) > 1 {
					t.Fatalf("in blocks of %d: dot %d, %d has shade %d, want %d", size, i, j, g, w)
				}
			}
		}
	}
}

// A recording of a moment has a spectrogram too, and two channels have that of their mean power.
func TestShortAndManyChannels(t *testing.T) {
	for _, n := range []int{1, hop, hop + 1, Window, 3000} {
		s := New(500, int64(n))
		for range 2 {
			c := s.Channel()
			if err := c.Add(tone(40, 1)[:n]); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		m := s.Image(257).(*image.Gray)
		if m.Bounds().Dx() != (n+hop-1)/hop {
			t.Errorf("%d samples make %d columns", n, m.Bounds().Dx())
		}
		if n >= Window && m.GrayAt(0, 256-40).Y != 0 {
			t.Errorf("the tone has shade %d", m.GrayAt(0, 256-40).Y)
		}
	}
}
