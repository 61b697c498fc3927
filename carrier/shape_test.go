package carrier

import (
	"math"
	"testing"

	"ditas/audio"
)

// shapers returns filters for stretches of speech and of noise, and for what is no sound.
func shapers(t *testing.T, s Shaping) []*shaper {
	t.Helper()
	var all []*shaper
	add := func(x []float64) {
		f := newShaper(s.Zeros, s.Poles)
		f.fit(x)
		all = append(all, f)
	}
	x := speech(t, 8000, 20*shapeReach).Samples[0]
	for at := 0; at+shapeReach <= len(x); at += 1500 {
		add(x[at:])
	}
	add(noise(1, mono(audio.Float64), shapeReach).Samples[0])
	add(make([]float64, shapeReach))
	tone, square, huge, broken := make([]float64, shapeReach), make([]float64, shapeReach), make([]float64, shapeReach), make([]float64, shapeReach)
	for i := range tone {
		tone[i] = 0.9 * math.Sin(float64(i))
		square[i] = 1 - 2*float64(i/8%2)
		huge[i] = 1e300 * tone[i]
		broken[i] = tone[i]
	}
	broken[3], broken[500] = math.NaN(), math.Inf(1)
	for _, x := range [][]float64{tone, square, huge, broken} {
		add(x)
	}
	return all
}

// reflections returns the reflection coefficients of a filter (Levinson's recursion backwards): all are inside ±1 if and only if
// all its zeros are inside the unit circle.
func reflections(a []float64) (k []float64) {
	a = append([]float64(nil), a...)
	for n := len(a) - 1; n > 0; n-- {
		r := a[n]
		k = append(k, r)
		b := make([]float64, n)
		for i := range b {
			b[i] = (a[i] - r*a[n-i]) / (1 - r*r)
		}
		a = b
	}
	return k
}

func TestShaperIsStableAndMinimumPhase(t *testing.T) {
	for _, s := range []Shaping{DefaultShaping, {0.3, 0.95}, {0.9, 0}, {0, 0}} {
		for i, f := range shapers(t, s) {
			for name, a := range map[string][]float64{"zeros": f.num[:], "poles": f.den[:]} {
				if a[0] != 1 {
					t.Errorf("%+v, filter %d: %s begin with %g", s, i, name, a[0])
				}
				for _, k := range reflections(a) {
					if !(math.Abs(k) < 1) {
						t.Errorf("%+v, filter %d: %s with a reflection coefficient of %g", s, i, name, k)
					}
				}
			}
		}
	}
}

// impulse returns the first n values of a filter's response, computed from its difference equation.
func (s *shaper) response(w []float64) []float64 {
	e := make([]float64, len(w))
	for i := range e {
		for j := range s.num {
			if i >= j {
				e[i] += s.num[j] * w[i-j]
				if j > 0 {
					e[i] -= s.den[j] * e[i-j]
				}
			}
		}
	}
	return e
}

func TestGainIsTheEnergyOfTheResponse(t *testing.T) {
	for _, s := range []Shaping{DefaultShaping, {0.3, 0.8}, {0.5, 0}} {
		for i, f := range shapers(t, s) {
			w := make([]float64, 3000)
			w[0] = 1
			want := 0.0
			for _, v := range f.response(w) {
				want += v * v
			}
			if got := f.gain(); math.Abs(got/want-1) > 1e-6 {
				t.Errorf("%+v, filter %d: gain %g, want %g", s, i, got, want)
			}
		}
	}
}

// The prediction and the sample's own noise make what the filter makes of the noise.
func TestPredictIsTheFilter(t *testing.T) {
	rng := newRand(9)
	for i, f := range shapers(t, Shaping{0.4, 0.9}) {
		w := make([]float64, 200)
		for j := range w {
			w[j] = rng.NormFloat64()
		}
		for j, want := range f.response(w) {
			got := f.predict() + w[j]
			if math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("filter %d: error %d is %g, want %g", i, j, got, want)
			}
			f.push(w[j], got)
		}
	}
}

// What embedding makes of a recording is white noise behind the filter: with the filter undone, the error is as large as the
// lattice makes it and has no memory.
func TestErrorIsShaped(t *testing.T) {
	rec := speech(t, 20000, 40*FrameLength)
	x := rec.Samples[0]
	for i := range x {
		x[i] += 1e-9 * float64(i%7) // no digital silence
	}
	e := &embedder{shape: &shapes[Lean], shaper: newShaper(0.3, 0.9)}
	f := newFramer(fixed.key(ours), Lean)
	var b bits[byte]
	var white, power, next float64
	y := make([]float64, FrameLength)
	quiet := make([]bool, FrameLength)
	count := 0
	for k := 1; k < 38; k++ {
		e.place(f.at(0, 0, k), 12, &b, func(int) byte { return 0 })
		at := k * FrameLength
		e.shaper.fit(x[at:])
		before := 0.0
		for i := range FrameLength {
			predicted := e.shaper.predict()
			e.run(y, x[at:], quiet, fineStep(12), i, i+1)
			w := y[i] - x[at+i] - predicted
			white += w * w
			next += w * before
			before = w
			power += (y[i] - x[at+i]) * (y[i] - x[at+i])
			count++
		}
	}
	step := fineStep(12)
	if r := white / float64(count) / (Lean.power() * step * step); math.Abs(r-1) > 0.02 {
		t.Errorf("behind the filter the error has %.3f of its power", r)
	}
	if r := next / white; math.Abs(r) > 0.03 {
		t.Errorf("neighbours are correlated by %.3f", r)
	}
	if power < 1.1*white {
		t.Errorf("the filter raises the power by %.3f only", power/white)
	}
}
