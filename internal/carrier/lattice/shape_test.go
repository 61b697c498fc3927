package lattice

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/racetest"
	"ditas/metric"
)

// listened returns what an ear hears of stretches of speech and of noise, and of what is no sound.
func listened(t *testing.T) (all [][]float64) {
	t.Helper()
	masking, err := metric.NewMasking(16000)
	if err != nil {
		t.Fatal(err)
	}
	n := masking.Window()
	add := func(x []float64) {
		all = append(all, slices.Clone(masking.NewEar().Listen(x[:n])))
	}
	x := speech(t, 8000, 20*1024).Samples[0]
	for at := 0; at+n <= len(x); at += 1500 {
		add(x[at:])
	}
	add(noise(1, mono(audio.Float64), n).Samples[0])
	add(make([]float64, n))
	tone, square, huge, broken := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
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

// shapers returns filters for all of it.
func shapers(t *testing.T, s Shaping) (all []*shaper) {
	t.Helper()
	for _, weights := range listened(t) {
		f := newShaper(s, 0)
		f.fit(weights, nil)
		all = append(all, f)
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

// shapings go from none beyond what is of use.
var shapings = []Shaping{0, 0.1, DefaultShaping, 10}

// The filter's poles are inside the unit circle.
func TestShaperIsStable(t *testing.T) {
	racetest.Skip(t)
	for _, shaping := range shapings {
		for i, f := range shapers(t, shaping) {
			if f.den[0] != 1 {
				t.Errorf("shaping %g, filter %d begins with %g", shaping, i, f.den[0])
			}
			for _, k := range reflections(f.den[:]) {
				if !(math.Abs(k) < 1) {
					t.Errorf("shaping %g, filter %d has a reflection coefficient of %g", shaping, i, k)
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
	racetest.Skip(t)
	for _, shaping := range shapings {
		shaped := 0
		for i, f := range shapers(t, shaping) {
			w := make([]float64, 3000)
			w[0] = 1
			want := 0.0
			for _, v := range f.filter(w) {
				want += v * v
			}
			if math.Abs(f.gain/want-1) > 0.01 {
				t.Errorf("shaping %g, filter %d: gain %g, want %g", shaping, i, f.gain, want)
			}
			if f.gain > 1 {
				shaped++
			}
		}
		if (shaped > 0) != (shaping > 0) {
			t.Errorf("shaping %g: %d filters shape", shaping, shaped)
		}
	}
}

// heard returns the mean noise-to-mask ratio of white noise of variance 1 behind a filter, worked out from its response.
func (s *shaper) heard(weights []float64) (sum float64) {
	w := make([]float64, 4000)
	w[0] = 1
	response := s.filter(w)
	for k, weight := range weights {
		var re, im float64
		for i, v := range response {
			sin, cos := math.Sincos(math.Pi * float64(k*i%(2*(len(weights)-1))) / float64(len(weights)-1))
			re += v * cos
			im -= v * sin
		}
		sum += weight * (re*re + im*im)
	}
	return sum
}

// Of noise behind the filter less is heard than of white noise at the same steps, the less the more is shaped, and it is as much as fit
// says. Nothing is known of what is beyond all bounds.
func TestShapingIsHeardLess(t *testing.T) {
	racetest.Skip(t)
	for i, weights := range listened(t) {
		last := math.Inf(1)
		for _, shaping := range []Shaping{0, 0.5, DefaultShaping, 5} {
			f := newShaper(shaping, 0)
			tolerance, _ := f.fit(weights, nil)
			if weights[20] == 0 {
				if !math.IsInf(tolerance, 1) || f.gain != 1 {
					t.Errorf("stretch %d, beyond all bounds, tolerates %g with a gain of %g", i, tolerance, f.gain)
				}
				continue
			}
			got := f.heard(weights)
			if math.Abs(got*tolerance-1) > 0.01 {
				t.Errorf("stretch %d, shaping %g: %g is heard, and %g tolerated", i, shaping, got, tolerance)
			}
			if got > last {
				t.Errorf("stretch %d, shaping %g: %g is heard, with less shaping %g", i, shaping, got, last)
			}
			last = got
		}
	}
}

// The prediction and the sample's own noise make what the filter makes of the noise.
func TestPredictIsTheFilter(t *testing.T) {
	racetest.Skip(t)
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
	racetest.Skip(t)
	rec := speech(t, 20000, 40*FrameLength)
	x := rec.Samples[0]
	for i := range x {
		x[i] += 1e-9 * float64(i%7) // no digital silence
	}
	masking, err := metric.NewMasking(rec.Format.Rate)
	if err != nil {
		t.Fatal(err)
	}
	e := &embedder{shape: &shapes[Lean], shaper: newShaper(3, 0)}
	f := newFramer(recordingKey(fixed, ours), Lean)
	var b bits[byte]
	var white, power, next float64
	y := make([]float64, FrameLength)
	quiet := make([]bool, FrameLength)
	count := 0
	for k := 1; k < 38; k++ {
		e.place(f.at(0, k), 12, &b, func(int) byte { return 0 })
		at := k * FrameLength
		e.shaper.fit(masking.NewEar().Listen(x[at:][:masking.Window()]), nil)
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
	if r := white / float64(count) / (Lean.powerAt(12) * step * step); math.Abs(r-1) > 0.02 {
		t.Errorf("behind the filter the error has %.3f of its power", r)
	}
	if r := next / white; math.Abs(r) > 0.03 {
		t.Errorf("neighbours are correlated by %.3f", r)
	}
	if power < 1.1*white {
		t.Errorf("the filter raises the power by %.3f only", power/white)
	}
}

// Where a lossy codec left nothing but the rounding of samples, nothing to speak of is hidden, and what is hidden elsewhere comes back.
func TestEmptyBandIsSpared(t *testing.T) {
	racetest.Skip(t)
	for _, format := range []audio.Format{
		{Rate: 44100, Channels: 1, Encoding: audio.Int16},
		{Rate: 44100, Channels: 1, Encoding: audio.Int24}, // of samples that once had 16 bits
		{Rate: 16000, Channels: 1, Encoding: audio.Float32},
	} {
		rec := noise(5, format, 40*FrameLength)
		x := rec.Samples[0]
		const points = 64
		low := make([]float64, len(x))
		for i := range x { // a filter that ends at three quarters of the band, of a window by Blackman
			for j := -points; j <= points && i-j < len(x); j++ {
				if i < j {
					break
				}
				h := 0.75
				if j != 0 {
					h = math.Sin(0.75*math.Pi*float64(j)) / (math.Pi * float64(j))
				}
				low[i] += x[i-j] * h * (0.42 + 0.5*math.Cos(math.Pi*float64(j)/points) + 0.08*math.Cos(2*math.Pi*float64(j)/points))
			}
		}
		for i, v := range low {
			x[i] = math.RoundToEven(v*2*(1<<15)) / (1 << 15)
		}
		v, cover := survey(t, rec)
		p := v.Plan(Robust, v.MSE(50))
		hidden := payload(p.Room())
		made := decode(t, write(t, cover, p, hidden))
		if m := find(t, made); !bytes.Equal(m.Payload, hidden) {
			t.Errorf("%v: %d of %d bytes came back", format, len(m.Payload), len(hidden))
		}
		// The change itself, above seven eighths and below a half.
		masking, err := metric.NewMasking(format.Rate)
		if err != nil {
			t.Fatal(err)
		}
		ear := masking.NewEar()
		var above, below float64
		for at := 0; at+masking.Window() <= len(x); at += masking.Window() {
			change := make([]float64, masking.Window())
			for i := range change {
				change[i] = made.Samples[0][at+i] - x[at+i]
			}
			ear.Listen(change)
			for k, d := range ear.Densities() {
				switch {
				case k > 112:
					above += d / 16
				case k > 0 && k < 65:
					below += d / 64
				}
			}
		}
		if r := 10 * math.Log10(above/below); r > -15 {
			t.Errorf("%v: the change is %.1f dB there above what it is elsewhere", format, r)
		}
	}
}

// A filter that follows noise of a known spectrum has that spectrum, and the variance is that of the noise before it; what is no sound makes it flat.
func TestMatch(t *testing.T) {
	masking, err := metric.NewMasking(16000)
	if err != nil {
		t.Fatal(err)
	}
	ear, f := masking.NewEar(), newShaper(0, 0)
	const pole, variance = 0.9, 1e-4
	x, rng := make([]float64, 64*masking.Window()), newRand(3)
	last := 0.0
	for i := range x {
		last = pole*last + rng.NormFloat64()*math.Sqrt(variance)
		x[i] = last
	}
	var mean, gain, first float64
	n := len(x) / masking.Window()
	for k := range n {
		ear.Listen(x[k*masking.Window():][:masking.Window()])
		mean += f.match(ear.Densities()) / float64(n)
		gain += f.gain / float64(n)
		first += float64(f.contour[0]) / reflectionUnit / float64(n)
	}
	if math.Abs(mean/variance-1) > 0.1 || math.Abs(gain*(1-pole*pole)-1) > 0.3 || math.Abs(first+pole) > 0.02 {
		t.Errorf("variance %.3g, want %.3g; gain %.2f, want %.2f; the first reflection %.3f, want %.3f", mean, variance, gain, 1/(1-pole*pole), first, -pole)
	}
	for name, v := range map[string]float64{"silence": 0, "no numbers": math.NaN(), "samples beyond all bounds": math.Inf(1)} {
		densities := make([]float64, metric.EarPoints)
		densities[3] = v
		if got := f.match(densities); got != 0 || f.contour != (contour{}) || f.gain != 1 {
			t.Errorf("%s: variance %g, gain %g", name, got, f.gain)
		}
	}
}
