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
		f := newShaper(s)
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

// limits of the power that shaping adds: none, the default one, and more.
var limits = []Shaping{0, 1, DefaultShaping, 2, 100}

// A(z/γ) has its zeros inside the unit circle, so that the filter, which divides by it, is stable.
func TestShaperIsStable(t *testing.T) {
	for _, limit := range limits {
		for i, f := range shapers(t, limit) {
			if f.den[0] != 1 {
				t.Errorf("limit %g, filter %d begins with %g", limit, i, f.den[0])
			}
			for _, k := range reflections(f.den[:]) {
				if !(math.Abs(k) < 1) {
					t.Errorf("limit %g, filter %d has a reflection coefficient of %g", limit, i, k)
				}
			}
		}
	}
}

// filter returns what the filter makes of w, from its difference equation.
func (s *shaper) filter(w []float64) []float64 {
	e := make([]float64, len(w))
	for i := range e {
		e[i] = w[i]
		for j := 1; j <= min(i, shapeOrder); j++ {
			e[i] -= s.den[j] * e[i-j]
		}
	}
	return e
}

func TestGainIsTheEnergyOfTheResponse(t *testing.T) {
	for _, limit := range limits {
		shaped := 0
		for i, f := range shapers(t, limit) {
			w := make([]float64, 3000)
			w[0] = 1
			want := 0.0
			for _, v := range f.filter(w) {
				want += v * v
			}
			if math.Abs(f.gain/want-1) > 1e-3 {
				t.Errorf("limit %g, filter %d: gain %g, want %g", limit, i, f.gain, want)
			}
			if f.gain > max(1, float64(limit)) {
				t.Errorf("limit %g, filter %d has a gain of %g", limit, i, f.gain)
			}
			if f.gain > 1 {
				shaped++
			}
		}
		if limit > 1 && shaped == 0 {
			t.Errorf("limit %g: nothing is shaped", limit)
		}
	}
}

// The prediction and the sample's own noise make what the filter makes of the noise.
func TestPredictIsTheFilter(t *testing.T) {
	rng := newRand(9)
	for i, f := range shapers(t, 10) {
		w := make([]float64, 200)
		for j := range w {
			w[j] = rng.NormFloat64()
		}
		for j, want := range f.filter(w) {
			got := f.predict() + w[j]
			if math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("filter %d: error %d is %g, want %g", i, j, got, want)
			}
			f.push(got)
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
	e := &embedder{shape: &shapes[Lean], shaper: newShaper(3)}
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
