package metric

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

func newMasking(t testing.TB, rate int) *Masking {
	t.Helper()
	m, err := NewMasking(rate)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// noiseToMask returns the ratios by frame, and that of the means over all frames: PEAQ's Total NMR.
func noiseToMask(t testing.TB, m *Masking, cover, stego []float64) (ratios []NMR, total float64) {
	t.Helper()
	ratios, err := m.NoiseToMask(cover, stego)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range ratios {
		total += math.Pow(10, r.Mean/10)
	}
	return ratios, 10 * math.Log10(total/float64(len(ratios)))
}

// fading returns the recordings that testdata/masking.py makes: a cover of three tones and some noise that fades by 60 dB, and
// the same with white noise that pauses.
func fading(rate, samples int) (cover, stego []float64) {
	noise := func(state *uint32) float64 {
		*state = *state*1664525 + 1013904223
		return float64(*state)/(1<<31) - 1
	}
	a, b := uint32(1), uint32(2)
	for i := range samples {
		t := 2 * math.Pi * float64(i) / float64(rate)
		x := 0.3*math.Sin(440*t) + 0.2*math.Sin(1370*t) + 0.1*math.Sin(3200*t) + 0.05*noise(&a)
		x *= math.Pow(10, -3*float64(i)/float64(samples))
		d := 0.002 * noise(&b)
		if i >= samples/4 && i < samples/2 {
			d = 0
		}
		cover, stego = append(cover, x), append(stego, x+d)
	}
	return cover, stego
}

// tones returns n samples of sines of one amplitude, with fixed phases, around a frequency in Hz.
func tones(rate, n int, frequency, width, amplitude float64) []float64 {
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, n)
	const count = 9
	for j := range count {
		f := frequency + width*(float64(j)/(count-1)-0.5)
		phase := rng.Float64()
		for i := range x {
			x[i] += amplitude * math.Sin(2*math.Pi*(f*float64(i)/float64(rate)+phase))
		}
	}
	return x
}

func white(n int, rms float64) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, n)
	for i := range x {
		x[i] = rms * rng.NormFloat64()
	}
	return x
}

func plus(x, y []float64, times float64) []float64 {
	z := make([]float64, len(x))
	for i := range z {
		z[i] = x[i] + times*y[i]
	}
	return z
}

// TestMaskingAgainstReference compares with a numpy version of the published formulas: testdata/masking.py.
func TestMaskingAgainstReference(t *testing.T) {
	data, err := os.ReadFile("testdata/masking.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Cases []struct {
			Rate, Samples int
			Frames        []struct{ Mean, Max *float64 } // nil for −Inf
		}
		Resampled struct {
			Rate, Samples int
			Mean          float64
		}
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range want.Cases {
		cover, stego := fading(c.Rate, c.Samples)
		ratios, _ := noiseToMask(t, newMasking(t, c.Rate), cover, stego)
		if len(ratios) != len(c.Frames) {
			t.Errorf("%d samples at %d Hz: %d frames, want %d", c.Samples, c.Rate, len(ratios), len(c.Frames))
			continue
		}
		value := func(v *float64) float64 {
			if v == nil {
				return math.Inf(-1)
			}
			return *v
		}
		for i, frame := range c.Frames {
			what := fmt.Sprintf("frame %d of %d samples at %d Hz", i, c.Samples, c.Rate)
			near(t, what+", mean", ratios[i].Mean, value(frame.Mean), 1e-3)
			near(t, what+", max", ratios[i].Max, value(frame.Max), 1e-3)
		}
	}

	// The same as the standard finds in the recording brought to its rate, 48 kHz.
	cover, stego := fading(want.Resampled.Rate, want.Resampled.Samples)
	_, total := noiseToMask(t, newMasking(t, want.Resampled.Rate), cover, stego)
	near(t, "as at 48 kHz", total, want.Resampled.Mean, 0.3)
}

// A tone near 1 kHz and a tone beside it as the error mask and disturb alike at every rate.
func TestMaskingAtOtherRates(t *testing.T) {
	at := func(rate int) float64 {
		cover := tones(rate, rate, 1000, 0, 0.05)
		_, total := noiseToMask(t, newMasking(t, rate), cover, plus(cover, tones(rate, rate, 1200, 100, 0.001), 1))
		// A mean over more bands is smaller by their number.
		return total + 10*math.Log10(float64(len(newMasking(t, rate).bands)))
	}
	want := at(48000)
	for _, rate := range []int{4000, 8000, 11025, 16000, 22050, 32000, 44100, 96000, 192000} {
		near(t, fmt.Sprintf("%d Hz", rate), at(rate), want, 0.5)
	}
}

func TestMaskingWithoutError(t *testing.T) {
	cover, _ := fading(16000, 8000)
	for _, x := range [][]float64{cover, make([]float64, 8000), cover[:1]} {
		ratios, _ := noiseToMask(t, newMasking(t, 16000), x, x)
		for i, r := range ratios {
			if !math.IsInf(r.Mean, -1) || !math.IsInf(r.Max, -1) {
				t.Errorf("frame %d of equal recordings: %+v", i, r)
			}
		}
	}
}

// What counts is the ratio of error and cover, until the error falls below the threshold in quiet.
func TestMaskingFollowsLevel(t *testing.T) {
	const n = 32000
	m := newMasking(t, 16000)
	noise := white(2*n, 1)
	cover, error := noise[:n], noise[n:]
	at := func(gain float64) float64 {
		x := plus(make([]float64, n), cover, 0.1*gain)
		_, total := noiseToMask(t, m, x, plus(x, error, 0.001*gain))
		return total
	}
	near(t, "6 dB down", at(0.5), at(1), 1)
	near(t, "20 dB down", at(0.1), at(1), 3)
	if quiet := at(1e-4); quiet > at(1)-15 {
		t.Errorf("%.1f dB at full level, %.1f dB far below the threshold of hearing", at(1), quiet)
	}

	// One error stands out of a quiet half more than out of a loud one.
	x := plus(make([]float64, n), cover, 0.1)
	for i := range x[n/2:] {
		x[n/2+i] /= 10
	}
	ratios, _ := noiseToMask(t, m, x, plus(x, error, 0.001))
	for i := range 40 {
		if loud, quiet := ratios[i], ratios[len(ratios)-1-i]; !(quiet.Mean > loud.Mean+12 && quiet.Max > loud.Max+12) {
			t.Errorf("loud frame %+v, quiet frame %+v", loud, quiet)
		}
	}
}

// A loud tone masks around itself, above itself less, and least below.
func TestMaskingSpreadsUpward(t *testing.T) {
	const rate, n = 48000, 24000
	m := newMasking(t, rate)
	cover := tones(rate, n, 1000, 0, 0.05)
	at := func(away float64) float64 {
		_, total := noiseToMask(t, m, cover, plus(cover, tones(rate, n, hertz(bark(1000)+away), 20, 0.0005), 1))
		return total
	}
	same, above, below := at(0), at(1.5), at(-1.5)
	if !(same < 0 && same+3 < above && above+3 < below) {
		t.Errorf("error at the tone %.1f dB, above it %.1f dB, below it %.1f dB", same, above, below)
	}
	// Masking outlasts the masker: the first frame of silence hides more than later ones.
	clear(cover[n/2:])
	ratios, _ := noiseToMask(t, m, cover, plus(cover, tones(rate, n, 1000, 20, 0.0005), 1))
	if after, later := ratios[n/2/m.hop+1].Mean, ratios[len(ratios)-4].Mean; after+0.5 > later {
		t.Errorf("%.1f dB after the tone, %.1f dB later", after, later)
	}
}

func TestMaskingCoversTheWholeRecording(t *testing.T) {
	m := newMasking(t, 16000)
	for _, n := range []int{10, 100, 682, 683, 1000, 1023, 1024, 1025, 5000} {
		cover, stego := make([]float64, n), make([]float64, n)
		stego[n-2] = 1 // the window is 0 at the last sample of a frame
		ratios, _ := noiseToMask(t, m, cover, stego)
		if math.IsInf(ratios[len(ratios)-1].Max, -1) {
			t.Errorf("an error at the end of %d samples is not seen", n)
		}
	}
}

func TestMaskingRefusals(t *testing.T) {
	for _, rate := range []int{math.MinInt, 0, 999, MaxMaskingRate + 1, math.MaxInt} {
		if _, err := NewMasking(rate); err == nil {
			t.Errorf("%d Hz were accepted", rate)
		}
	}
	for _, rate := range []int{MinMaskingRate, MaxMaskingRate} {
		cover, stego := fading(rate, rate/10)
		if _, total := noiseToMask(t, newMasking(t, rate), cover, stego); math.IsNaN(total) || math.IsInf(total, 0) {
			t.Errorf("%d Hz: %v dB", rate, total)
		}
	}
	for _, length := range [][2]int{{3, 4}, {4, 3}, {0, 0}} {
		_, err := newMasking(t, 16000).NoiseToMask(make([]float64, length[0]), make([]float64, length[1]))
		if !errors.Is(err, ErrSize) {
			t.Errorf("%v samples: %v", length, err)
		}
	}
	// Far beyond full scale, upward slopes no longer fall.
	loud := white(4000, 1e6)
	if _, total := noiseToMask(t, newMasking(t, 16000), loud, plus(loud, loud, 0.1)); math.IsNaN(total) {
		t.Error("no ratio far beyond full scale")
	}
}

func BenchmarkNoiseToMask(b *testing.B) {
	for _, rate := range []int{16000, 48000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			m := newMasking(b, rate)
			cover, stego := fading(rate, rate) // a second
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.NoiseToMask(cover, stego); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
