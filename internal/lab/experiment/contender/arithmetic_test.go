package contender

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/picture"
	"ditas/picture/quality"
)

// revealed sends a container through noise of a ratio to its own MSE and returns the PSNR in dB of what is revealed.
func revealed(t *testing.T, p *experiment.Subject, x []float64, ratio float64, reveal func(received []float64) (*picture.Planes, error)) float64 {
	t.Helper()
	mse, err := p.MSE(x)
	if err != nil {
		t.Fatal(err)
	}
	r := &audio.Recording{Format: p.Cover.Format, Samples: [][]float64{x}}
	q, err := reveal(channel.Noise(r, math.Sqrt(mse*math.Pow(10, -ratio/10)), rand.NewPCG(1, 2)).Samples[0])
	if err != nil {
		t.Fatal(err)
	}
	o, err := experiment.Judge(p.Secret, q)
	if err != nil {
		t.Fatal(err)
	}
	return o.PSNR
}

var clean = math.Inf(1)

// The figures that the linear map is known for: exact down to a container MSE of 1e-7, and some 70 dB before 8 bits at 1e-8.
func TestLinearMap(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(1), Cover: experimenttest.Voice(experiment.Samples, 1)}
	for _, mse := range []float64{1e-5, 1e-6, 1e-7, 1e-8} {
		l := newLinear(mse, rand.NewPCG(3, 4))
		x := l.hide(p)
		if got, _ := p.MSE(x); math.Abs(got/mse-1) > 0.02 {
			t.Errorf("container MSE %g, want %g", got, mse)
		}
		if got := revealed(t, p, x, clean, l.reveal); got < experiment.Best {
			t.Errorf("MSE %g: %.1f dB without noise", mse, got)
		}
	}
	// One stage is all that noise leaves: Δm is uniform noise of variance 10^(−ratio/10)/12 in units of the picture's range.
	l := newLinear(1e-5, rand.NewPCG(3, 4))
	want := 27 + 10*math.Log10(12/colours)
	if got := revealed(t, p, l.hide(p), 27, l.reveal); math.Abs(got-want) > 1.5 {
		t.Errorf("%.1f dB at D/N 27 dB, want about %.1f", got, want)
	}
}

// The figures that plain digits are known for: 44 dB at D/N 17 dB with 3 levels, and 73 at 27 dB with 8.
func TestDigits(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(2), Cover: experimenttest.Voice(experiment.Samples, 2)}
	for _, c := range []struct {
		ratio  float64
		levels int
		least  float64
	}{{17, 3, 43}, {27, 8, 70}, {clean, 8, experiment.Best}} {
		d := newDigits(1e-5, c.levels, rand.NewPCG(5, 6))
		if got := revealed(t, p, d.hide(p), c.ratio, d.reveal); got < c.least {
			t.Errorf("%d levels at D/N %g dB: %.1f dB", c.levels, c.ratio, got)
		}
	}
	for ratio, want := range map[float64]int{-6: 2, 17: 3, 27: 11} {
		if got := LevelsFor(1e-5, ratio); got != want {
			t.Errorf("%d levels at D/N %g dB, want %d", got, ratio, want)
		}
	}
}

func TestJPEGInBits(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(3), Cover: experimenttest.Voice(experiment.Samples, 3)}
	for bits := 1; bits <= 2; bits++ {
		x, err := jpegInBits(p, bits)
		if err != nil {
			t.Fatal(err)
		}
		reveal := func(received []float64) (*picture.Planes, error) { return jpegFromBits(received, bits) }
		unit := 1.0 / (1 << 30)
		if got, _ := p.MSE(x); got > 1.6*unit {
			t.Errorf("%d bits: container MSE %g", bits, got)
		}
		if got := revealed(t, p, x, clean, reveal); got < 30 {
			t.Errorf("%d bits: %.1f dB without noise", bits, got)
		}
		grey, err := quality.PSNR(p.Secret, experiment.Grey(experiment.Side, experiment.Side))
		if err != nil {
			t.Fatal(err)
		}
		if got := revealed(t, p, x, 0, reveal); got > grey+1 {
			t.Errorf("%d bits: %.1f dB at D/N 0 dB", bits, got)
		}
	}
	// The nearest value, within full scale.
	for _, c := range []struct {
		code         float64
		ending, want int
	}{{5, 1, 5}, {6, 1, 5}, {7, 1, 9}, {32767, 0, 32764}, {-32768, 3, -32765}} {
		if got := nearestEnding(c.code*experiment.Step, c.ending, 2) / experiment.Step; got != float64(c.want) {
			t.Errorf("%g ending in %d became %g, want %d", c.code, c.ending, got, c.want)
		}
	}
}

func TestScaled(t *testing.T) {
	p := &experiment.Subject{Secret: experimenttest.Scene(1), Cover: experimenttest.Voice(experiment.Samples, 1)}
	p.Target = 1e-4
	p.Cover.Samples[0][7] = 0
	changed := slices.Clone(p.Cover.Samples[0])
	changed[7] = 0.25
	if got, err := scaled(p, changed); err != nil || math.Abs(got[7]-math.Sqrt(1e-4*experiment.Samples)) > 1e-9 || got[8] != changed[8] {
		t.Errorf("a change of 0.25 was scaled to %g, %v", got[7], err)
	}
}
