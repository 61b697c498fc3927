package channel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/audio"
)

// sine is a tone of constant amplitude at 16 kHz in two channels, the second at half of it.
func sine(hertz, amplitude float64, frames int) *audio.Recording {
	r := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Float64}, Samples: audio.NewBlock(2, frames)}
	for i := range frames {
		v := amplitude * math.Sin(2*math.Pi*hertz/16000*float64(i)+1)
		r.Samples[0][i], r.Samples[1][i] = v, v/2
	}
	return r
}

func power(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(len(x))
}

// settled returns the gain of a channel in dB after a tone's first quarter.
func settled(before, after *audio.Recording, channel int) float64 {
	from := before.Frames() / 4
	return 10 * math.Log10(power(after.Samples[channel][from:])/power(before.Samples[channel][from:]))
}

// The analogue filters' magnitudes, at the frequencies that the bilinear transform maps to.
func TestSoftFilters(t *testing.T) {
	for _, cutoff := range []float64{300, 3500, 6000} {
		for _, f := range []float64{100, 300, 1000, 3500, 6000, 7500} {
			r := sine(f, 0.5, 16000)
			x := math.Tan(math.Pi*f/16000) / math.Tan(math.Pi*cutoff/16000)
			low, high := -10*math.Log10(1+x*x*x*x), -10*math.Log10(1+1/(x*x*x*x))
			if got := settled(r, SoftLowPass(r, cutoff), 0); math.Abs(got-low) > 0.05 {
				t.Errorf("low-pass at %g Hz: %g Hz comes with %.2f dB, want %.2f", cutoff, f, got, low)
			}
			if got := settled(r, SoftHighPass(r, cutoff), 1); math.Abs(got-high) > 0.05 {
				t.Errorf("high-pass at %g Hz: %g Hz comes with %.2f dB, want %.2f", cutoff, f, got, high)
			}
		}
	}
	r := sine(1000, 0.5, 100)
	if same := SoftLowPass(r, 9000); !slices.Equal(same.Samples[0], r.Samples[0]) {
		t.Error("a low-pass above the band changes it")
	}
}

func TestEqualize(t *testing.T) {
	for _, band := range []int{2, 8, 16, 20} {
		var nepers [24]float64
		nepers[band] = -0.75
		for other, f := range BarkBands[:21] {
			r := sine(f, 0.5, 16000)
			got := settled(r, Equalize(r, nepers), 0)
			switch want := -0.75 * 20 / math.Ln10; {
			case other == band && math.Abs(got-want) > 0.05:
				t.Errorf("band %d: %.2f dB in its middle, want %.2f", band, got, want)
			case math.Abs(float64(other-band)) > 3 && math.Abs(got) > 1:
				t.Errorf("band %d: %.2f dB in the middle of band %d", band, got, other)
			}
		}
	}
}

func TestCompress(t *testing.T) {
	r := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Float64}, Samples: audio.NewBlock(2, 32000)}
	for i := range 32000 {
		amplitude := math.Pow(10, -24.0/20)
		if i >= 16000 {
			amplitude = math.Pow(10, -6.0/20)
		}
		r.Samples[0][i], r.Samples[1][i] = amplitude, -amplitude/4
	}
	for _, c := range []struct{ threshold, ratio, quiet, loud float64 }{
		{-18, 4, -24, -15}, {-18, math.Inf(1), -24, -18}, {-30, 2, -27, -18},
	} {
		got := Compress(r, c.threshold, c.ratio)
		for _, p := range []struct {
			frame int
			dB    float64
		}{{15999, c.quiet}, {31999, c.loud}} {
			for channel, scale := range []float64{1, -0.25} {
				if dB := 20 * math.Log10(got.Samples[channel][p.frame]/scale); math.Abs(dB-p.dB) > 0.05 {
					t.Errorf("%g dB, %g : 1: frame %d of channel %d is at %.2f dB, want %g", c.threshold, c.ratio, p.frame, channel, dB, p.dB)
				}
			}
		}
		// After 5 ms the level has covered 63 % of the way.
		level := math.Pow(10, -6.0/20) + (math.Pow(10, -24.0/20)-math.Pow(10, -6.0/20))/math.E
		want := math.Pow(10, -6.0/20) * math.Pow(math.Pow(10, c.threshold/20)/level, 1-1/c.ratio)
		if v := got.Samples[0][16000+79]; math.Abs(v-want) > 0.01 {
			t.Errorf("%g dB, %g : 1: %.3f after 5 ms, want %.3f", c.threshold, c.ratio, v, want)
		}
	}
}

func TestReverb(t *testing.T) {
	r := sine(700, 0.3, 40000)
	for i := range r.Frames() {
		if i != 1000 {
			r.Samples[0][i] = 0
		}
	}
	got, err := Reverb(r, 0.5, 3, rand.NewPCG(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	wet := slices.Clone(got.Samples[0])
	wet[1000] -= r.Samples[0][1000]
	if slices.ContainsFunc(wet[:1000], func(v float64) bool { return math.Abs(v) > 1e-12 }) {
		t.Error("the room is heard before the sound")
	}
	if got, want := 10*math.Log10(power(r.Samples[0])/power(wet)), 3.0; math.Abs(got-want) > 1e-6 {
		t.Errorf("the room is %.2f dB below, want %g", got, want)
	}
	// 60 dB in half a second are 12 dB in a tenth.
	for _, at := range []int{1000, 2600, 4200} {
		if fall := 10 * math.Log10(power(wet[at:at+1600])/power(wet[at+1600:at+3200])); math.Abs(fall-12) > 1 {
			t.Errorf("the room decays by %.1f dB from %d on, want 12", fall, at)
		}
	}
	if left := power(wet[9001:]); left > 1e-24 {
		t.Errorf("%g is left after half a second", left)
	}
	for _, seconds := range []float64{0, -1, 11, math.NaN()} {
		if _, err := Reverb(r, seconds, 3, rand.NewPCG(1, 1)); err == nil {
			t.Errorf("a room of %g s", seconds)
		}
	}
}

func TestConvolve(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 900, 1025, 5000} {
		x, h := make([]float64, n), make([]float64, 300)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		for i := range h {
			h[i] = rng.NormFloat64()
		}
		got, err := convolve(x, h)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x {
			var want float64
			for k := range min(i+1, len(h)) {
				want += h[k] * x[i-k]
			}
			if math.Abs(got[i]-want) > 1e-9 {
				t.Fatalf("%d samples: sample %d is %g, want %g", n, i, got[i], want)
			}
		}
	}
}

// A tone that is played faster is a higher one, and what is cut at a fraction of a sample is a tone that began then.
func TestSpeedAndCutFront(t *testing.T) {
	inner := func(got []float64, want func(i int) float64) float64 {
		var difference, sum float64
		for i := 100; i < len(got)-100; i++ {
			difference += (got[i] - want(i)) * (got[i] - want(i))
			sum += want(i) * want(i)
		}
		return 10 * math.Log10(difference/sum)
	}
	const frames = 20000
	for _, hertz := range []float64{200, 3000, 6500} {
		r := sine(hertz, 0.5, frames)
		phase := func(place float64) float64 { return 0.5 * math.Sin(2*math.Pi*hertz/16000*place+1) }
		for _, factor := range []float64{1.0001, 0.9999, 1.01, 0.95, 1.05} {
			got, err := Speed(r, factor)
			if err != nil {
				t.Fatal(err)
			}
			if want := int(frames / factor); got.Frames() != want {
				t.Errorf("speed %g: %d frames, want %d", factor, got.Frames(), want)
			}
			if e := inner(got.Samples[0], func(i int) float64 { return phase(float64(i) * factor) }); e > -65 {
				t.Errorf("speed %g: %g Hz with an error of %.1f dB", factor, hertz, e)
			}
		}
		for _, cut := range []float64{0.25, 123.5, 1000} {
			got := CutFront(r, cut)
			if want := int(frames - cut); got.Frames() != want {
				t.Errorf("%g cut: %d frames, want %d", cut, got.Frames(), want)
			}
			if e := inner(got.Samples[1], func(i int) float64 { return phase(float64(i)+cut) / 2 }); e > -65 {
				t.Errorf("%g cut: %g Hz with an error of %.1f dB", cut, hertz, e)
			}
		}
	}
	if n := CutFront(sine(100, 1, 10), 11).Frames(); n != 0 {
		t.Errorf("%d frames are left of none", n)
	}
	for _, factor := range []float64{0, -1, 0.4, 2.1, math.NaN()} {
		if _, err := Speed(sine(100, 1, 10), factor); err == nil {
			t.Errorf("speed %g", factor)
		}
		if _, err := Stretch(sine(100, 1, 10), factor); err == nil {
			t.Errorf("stretch by %g", factor)
		}
	}
}

// A stretched tone keeps its pitch and its level, and its pieces fit.
func TestStretch(t *testing.T) {
	const frames = 32000
	for _, factor := range []float64{0.75, 0.95, 1.05, 1.25} {
		r := sine(440, 0.5, frames)
		got, err := Stretch(r, factor)
		if err != nil {
			t.Fatal(err)
		}
		if want := int(frames / factor); got.Frames() != want {
			t.Errorf("%g: %d frames, want %d", factor, got.Frames(), want)
		}
		x := got.Samples[0][1000 : len(got.Samples[0])-2000]
		if dB := 10 * math.Log10(power(x)/0.125); math.Abs(dB) > 0.3 {
			t.Errorf("%g: %.2f dB louder", factor, dB)
		}
		crossings := 0
		for i := 1; i < len(x); i++ {
			if x[i-1] < 0 && x[i] >= 0 {
				crossings++
			}
		}
		if hertz := float64(crossings) * 16000 / float64(len(x)); math.Abs(hertz-440) > 2 {
			t.Errorf("%g: a tone of %.1f Hz", factor, hertz)
		}
		if !slices.EqualFunc(got.Samples[0], got.Samples[1], func(a, b float64) bool { return math.Abs(a-2*b) < 1e-12 }) {
			t.Errorf("%g: channels are cut at different places", factor)
		}
	}
}

func TestNoiseBelow(t *testing.T) {
	r := sine(500, 0.5, 50000)
	got := NoiseBelow(r, 20, rand.NewPCG(1, 2))
	var noise, all float64
	for c, x := range r.Samples {
		for i, v := range x {
			noise += (got.Samples[c][i] - v) * (got.Samples[c][i] - v)
			all += v * v
		}
	}
	if dB := 10 * math.Log10(all/noise); math.Abs(dB-20) > 0.1 {
		t.Errorf("noise %.2f dB below, want 20", dB)
	}
}
