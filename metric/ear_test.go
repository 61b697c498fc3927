package metric

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// falling returns samples of noise whose spectrum falls.
func falling(n int, rms float64) []float64 {
	x := white(n, 1)
	power := 0.0
	for i := range x {
		if i > 0 {
			x[i] = 0.9*x[i-1] + x[i]
		}
		power += x[i] * x[i]
	}
	for i := range x {
		x[i] *= rms / math.Sqrt(power/float64(n))
	}
	return x
}

// behind returns what a filter 1/den makes of white noise of a variance.
func behind(den []float64, n int, variance float64) []float64 {
	e := white(2*n, math.Sqrt(variance))[n:] // other noise than that of covers
	for i := range e {
		for j := 1; j < len(den) && j <= i; j++ {
			e[i] -= den[j] * e[i-j]
		}
	}
	return e
}

// tolerance returns the variance that white noise may have before a filter 1/den so that its noise-to-mask ratio is 1.
func tolerance(weights, den []float64) float64 {
	sum := 0.0
	for k, w := range weights {
		var a complex128
		for i, d := range den {
			a += complex(d, 0) * cmplx.Exp(complex(0, -math.Pi*float64(k*i)/(EarPoints-1)))
		}
		sum += w / (real(a)*real(a) + imag(a)*imag(a))
	}
	return 1 / sum
}

// tolerances returns the tolerance of every frame of x.
func tolerances(m *Masking, x, den []float64) (all []float64) {
	e := m.NewEar()
	for at := 0; at+m.Window() <= len(x); at += m.Hop() {
		all = append(all, tolerance(e.Listen(x[at:][:m.Window()]), den))
	}
	return all
}

// tolerates returns what a frame tolerates of white noise.
func (e *Ear) tolerates(x []float64) float64 { return tolerance(e.Listen(x), []float64{1}) }

// An error of the variance that is tolerated has a noise-to-mask ratio of 1, which is what Masking says of it, with whatever filter
// and at whatever rate and level.
func TestEarIsMaskingAskedTheOtherWayRound(t *testing.T) {
	for _, rate := range []int{2000, 8000, 16000, 44100} {
		m := newMasking(t, rate)
		for _, rms := range []float64{0.2, 0.001} {
			x := falling(5*rate, rms)
			for name, den := range map[string][]float64{"none": {1}, "low pass": {1, -0.8}, "resonance": {1, -1.2, 0.7}} {
				sum, count := 0.0, 0
				for _, v := range tolerances(m, x, den) {
					sum += 1 / v
					count++
				}
				variance := float64(count) / sum // of which the mean ratio is 1
				_, total := noiseToMask(t, m, x, plus(x, behind(den, len(x), variance), 1))
				if math.Abs(total) > 1 {
					t.Errorf("%d Hz, level %g, filter %s: %.2f dB above the mask, want 0", rate, rms, name, total)
				}
			}
		}
	}
}

// Silence tolerates what cannot be heard in quiet, and the louder a recording, the more it tolerates.
func TestToleranceGrowsWithTheRecording(t *testing.T) {
	m := newMasking(t, 16000)
	x := falling(m.Window(), 1)
	last := 0.0
	for _, rms := range []float64{0, 1e-5, 1e-3, 0.01, 0.1, 1} {
		y := plus(make([]float64, len(x)), x, rms)
		got := m.NewEar().tolerates(y)
		if !(got > last) || math.IsInf(got, 0) {
			t.Errorf("level %g tolerates %g, the one below %g", rms, got, last)
		}
		last = got
	}
	if quiet := m.NewEar().tolerates(make([]float64, m.Window())); quiet < 1e-12 || quiet > 1e-7 {
		t.Errorf("silence tolerates a variance of %g", quiet)
	}
}

// What was loud masks what follows, for a while. A frame that is too short is filled up with zeros.
func TestEarRemembers(t *testing.T) {
	m := newMasking(t, 16000)
	loud, quiet := falling(m.Window(), 0.3), falling(m.Window(), 1e-4)
	alone := m.NewEar().tolerates(quiet)
	after := m.NewEar()
	after.Listen(loud)
	if got := after.tolerates(quiet); got <= alone {
		t.Errorf("after a loud frame a quiet one tolerates %g, alone %g", got, alone)
	}
	for range 40 {
		after.Listen(quiet)
	}
	if got := after.tolerates(quiet); math.Abs(got/alone-1) > 1e-3 {
		t.Errorf("long after it, a quiet frame tolerates %g, alone %g", got, alone)
	}
	after.Listen(loud)
	after.Reset()
	if got := after.tolerates(quiet); got != alone {
		t.Errorf("after a loud frame that is forgotten a quiet one tolerates %g, alone %g", got, alone)
	}
	half := loud[:m.Window()/2]
	filled := append(append([]float64(nil), half...), make([]float64, m.Window()-len(half))...)
	if a, b := m.NewEar().tolerates(half), m.NewEar().tolerates(filled); a != b {
		t.Errorf("a short frame tolerates %g, filled up %g", a, b)
	}
	if m.Window() != 2*m.Hop() || math.Abs(float64(m.Window())/16000-0.0427) > 1e-4 {
		t.Errorf("frames of %d samples every %d", m.Window(), m.Hop())
	}
}

// The ear's spreading is the model's.
func TestEarSpreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, rate := range []int{MinMaskingRate, 8000, 44100, MaxMaskingRate} {
		m, err := NewMasking(rate)
		if err != nil {
			t.Fatal(err)
		}
		e := m.NewEar()
		want, scratch := make([]float64, len(m.bands)), make([]float64, len(m.bands))
		for range 50 {
			for i := range e.pattern {
				e.pattern[i] = math.Pow(10, 14*rng.Float64()-1)
			}
			m.spread(want, e.pattern, scratch)
			e.spread()
			for i, v := range e.smeared {
				if math.Abs(v/want[i]-1) > 1e-6 {
					t.Fatalf("%d Hz: band %d has %g, want %g", rate, i, v, want[i])
				}
			}
		}
	}
	for range 1000 {
		x := math.Pow(10, 40*rng.Float64()-20)
		if got := log2(x); math.Abs(got-math.Log2(x)) > 1e-9 {
			t.Fatalf("log2 of %g is %g", x, got)
		}
		y := 200*rng.Float64() - 100
		if got := exp2(y); math.Abs(got/math.Exp2(y)-1) > 1e-8 {
			t.Fatalf("2 to the power of %g is %g", y, got)
		}
	}
}

func BenchmarkEar(b *testing.B) {
	m, err := NewMasking(44100)
	if err != nil {
		b.Fatal(err)
	}
	e, x := m.NewEar(), make([]float64, m.Window())
	for i := range x {
		x[i] = math.Sin(float64(i*i) / 1000)
	}
	for b.Loop() {
		e.Listen(x)
	}
}

// White noise has its variance for a density everywhere, a sine has all of its power where it is.
func TestDensities(t *testing.T) {
	for _, rate := range []int{1000, 8000, 16000, 44100, 192000} {
		m, err := NewMasking(rate)
		if err != nil {
			t.Fatal(err)
		}
		e := m.NewEar()
		const frames, variance = 400, 0.01
		x, mean := white(frames*m.Window(), math.Sqrt(variance)), [EarPoints]float64{}
		for at := 0; at < len(x); at += m.Window() {
			e.Listen(x[at:][:m.Window()])
			for k, d := range e.Densities() {
				mean[k] += d / (frames * variance)
			}
		}
		for k, d := range mean[1 : EarPoints-1] {
			if math.Abs(d-1) > 0.25 {
				t.Errorf("%d Hz: white noise of variance %g has a density of %g of it at %d", rate, variance, d, k+1)
			}
		}
		for i := range m.Window() {
			x[i] = math.Sin(math.Pi * 80 / (EarPoints - 1) * float64(i))
		}
		e.Listen(x[:m.Window()])
		loudest := 0
		for k, d := range e.Densities() {
			if d > e.densities[loudest] {
				loudest = k
			}
		}
		if loudest < 79 || loudest > 81 {
			t.Errorf("%d Hz: a sine at 80 is found at %d", rate, loudest)
		}
	}
}
