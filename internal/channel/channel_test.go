package channel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/audio"
)

func stereo(frames int) *audio.Recording {
	r := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, Samples: audio.NewBlock(2, frames)}
	for c, x := range r.Samples {
		for i := range x {
			x[i] = float64(i+1) / 64 * float64(1-2*c)
		}
	}
	return r
}

func TestDamage(t *testing.T) {
	r := stereo(5) // 1 … 5 and −1 … −5, in 64ths
	for _, c := range []struct {
		name        string
		got         *audio.Recording
		left, right []float64
	}{
		{"zero", Zero(r, 1, 2), []float64{1, 0, 0, 4, 5}, []float64{-1, 0, 0, -4, -5}},
		{"zero beyond the end", Zero(r, 3, 9), []float64{1, 2, 3, 0, 0}, []float64{-1, -2, -3, 0, 0}},
		{"zero nothing", Zero(r, 7, 2), []float64{1, 2, 3, 4, 5}, []float64{-1, -2, -3, -4, -5}},
		{"cut", Cut(r, 1, 3), []float64{1, 5}, []float64{-1, -5}},
		{"cut all", Cut(r, -1, 9), nil, nil},
		{"keep", Keep(r, 1, 3), []float64{2, 3, 4}, []float64{-2, -3, -4}},
		{"gain", Gain(r, 20*math.Log10(2)), []float64{2, 4, 6, 8, 10}, []float64{-2, -4, -6, -8, -10}},
		{"invert", Invert(r), []float64{-1, -2, -3, -4, -5}, []float64{1, 2, 3, 4, 5}},
		{"offset", Offset(r, 1.0/64), []float64{2, 3, 4, 5, 6}, []float64{0, -1, -2, -3, -4}},
		{"mute", Mute(r, 0), []float64{0, 0, 0, 0, 0}, []float64{-1, -2, -3, -4, -5}},
		{"swap", Pick(r, 1, 0), []float64{-1, -2, -3, -4, -5}, []float64{1, 2, 3, 4, 5}},
	} {
		for i, want := range [][]float64{c.left, c.right} {
			if !slices.EqualFunc(c.got.Samples[i], want, func(a, b float64) bool { return math.Abs(64*a-b) < 1e-12 }) {
				t.Errorf("%s: channel %d is %v, want %v 64ths", c.name, i, c.got.Samples[i], want)
			}
		}
	}
	if !slices.EqualFunc(r.Samples, stereo(5).Samples, slices.Equal) {
		t.Error("the argument has changed")
	}
	if one := Pick(r, 1); one.Format.Channels != 1 || len(one.Samples) != 1 || one.Samples[0][4] != -5.0/64 {
		t.Errorf("one channel: %+v", one)
	}
}

func TestNoise(t *testing.T) {
	r := stereo(1 << 15)
	a, b := Noise(r, 0.25, rand.NewPCG(1, 2)), Noise(r, 0.25, rand.NewPCG(1, 2))
	if !slices.EqualFunc(a.Samples, b.Samples, slices.Equal) {
		t.Error("one seed gives two noises")
	}
	var sum, squares, product float64
	for i := range r.Frames() {
		left, right := a.Samples[0][i]-r.Samples[0][i], a.Samples[1][i]-r.Samples[1][i]
		sum += left + right
		squares += left*left + right*right
		product += left * right
	}
	n := float64(2 * r.Frames())
	if math.Abs(sum/n) > 0.005 || math.Abs(squares/n-0.0625) > 0.002 || math.Abs(product/n) > 0.002 {
		t.Errorf("mean %g, variance %g, covariance %g", sum/n, squares/n, 2*product/n)
	}
}

func TestConvert(t *testing.T) {
	r := stereo(10)
	fine := Gain(r, 1)
	back := Convert(Convert(Convert(r, audio.Int24), audio.Float32), audio.Int16)
	if back.Format != r.Format || !slices.EqualFunc(back.Samples, r.Samples, slices.Equal) {
		t.Error("16 bits do not survive 24 bits and floating point")
	}
	if c := Convert(fine, audio.Int8); c.Format.Encoding != audio.Int8 || c.Samples[0][0]*128 != math.Round(c.Samples[0][0]*128) {
		t.Errorf("8 bits: %+v", c)
	}
}

func TestRound(t *testing.T) {
	r := stereo(10)
	if same := Round(r, 7); same.Format != r.Format || !slices.EqualFunc(same.Samples, r.Samples, slices.Equal) {
		t.Errorf("64ths do not survive 7 bits: %+v", same)
	}
	for i, v := range Round(r, 5).Samples[0] { // 16ths, halves to even
		if want := math.RoundToEven(float64(i+1)/4) / 16; v != want {
			t.Errorf("%d/64 in 5 bits is %g, want %g", i+1, v, want)
		}
	}
	loud := Round(Gain(r, 40), 12)
	if loud.Samples[0][0] != 1-1.0/2048 || loud.Samples[1][0] != -1 {
		t.Errorf("beyond full scale: %g and %g", loud.Samples[0][0], loud.Samples[1][0])
	}
}

// tone returns a tone of a frequency in Hz that begins and ends softly, at 16 kHz.
func tone(frequency float64, frames int) *audio.Recording {
	r := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Float64}, Samples: audio.NewBlock(1, frames)}
	for i := range frames {
		window := math.Sin(math.Pi * (float64(i) + 0.5) / float64(frames))
		r.Samples[0][i] = 0.5 * window * window * math.Sin(2*math.Pi*frequency/16000*float64(i)+1)
	}
	return r
}

// gap returns the error of a recording's first channel as against another's, relative to the latter, in dB.
func gap(got, want *audio.Recording) float64 {
	var difference, power float64
	for i, v := range want.Samples[0] {
		difference += (got.Samples[0][i] - v) * (got.Samples[0][i] - v)
		power += v * v
	}
	return 10 * math.Log10(difference/power)
}

// Tones come through as they are, neither weaker nor later, or not at all.
func TestFilters(t *testing.T) {
	lowPass := func(frequency int) func(r *audio.Recording) (*audio.Recording, error) {
		return func(r *audio.Recording) (*audio.Recording, error) { return LowPass(r, frequency) }
	}
	resample := func(rate int) func(r *audio.Recording) (*audio.Recording, error) {
		return func(r *audio.Recording) (*audio.Recording, error) { return Resample(r, rate) }
	}
	for _, c := range []struct {
		name       string
		filter     func(r *audio.Recording) (*audio.Recording, error)
		pass, stop float64 // Hz; 0: none is stopped
	}{
		{"low-pass at 4 kHz", lowPass(4000), 3600, 4100},
		{"low-pass at 7 kHz", lowPass(7000), 6300, 7100},
		{"low-pass at 3.4 kHz", lowPass(3400), 3000, 3500},
		{"low-pass at 9 kHz", lowPass(9000), 7900, 0},
		{"44.1 kHz", resample(44100), 7200, 0},
		{"11,025 Hz", resample(11025), 5000, 5650},
	} {
		for _, frequency := range []float64{100, c.pass / 3, c.pass} {
			r := tone(frequency, 5001)
			got, err := c.filter(r)
			if err != nil {
				t.Fatal(err)
			}
			if got.Frames() != r.Frames() || got.Format != r.Format {
				t.Fatalf("%s: %d frames of %v", c.name, got.Frames(), got.Format)
			}
			if g := gap(got, r); g > -70 {
				t.Errorf("%s: a tone of %g Hz comes through with an error of %.1f dB", c.name, frequency, g)
			}
		}
		if c.stop == 0 {
			continue
		}
		got, err := c.filter(tone(c.stop, 5001))
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, v := range got.Samples[0] {
			sum += v * v
		}
		if level := 10 * math.Log10(sum/5001); level > -90 {
			t.Errorf("%s: of a tone of %g Hz %.1f dB are left", c.name, c.stop, level)
		}
	}
	if _, err := LowPass(tone(100, 10), 0); err == nil {
		t.Error("a low-pass at 0 Hz")
	}
}

// The low-pass against its definition: a convolution with the sinc of the same cutoff, all of the recording long.
func TestLowPassAgainstSinc(t *testing.T) {
	x, other := tone(1000, 3000), tone(6500, 3000)
	for i, v := range other.Samples[0] {
		x.Samples[0][i] += v
	}
	got, err := LowPass(x, 5000)
	if err != nil {
		t.Fatal(err)
	}
	want := &audio.Recording{Format: x.Format, Samples: audio.NewBlock(1, 3000)}
	const cutoff = 5000.0 / 16000 // in cycles a sample
	for i := range want.Samples[0] {
		for j, v := range x.Samples[0] {
			if i == j {
				want.Samples[0][i] += 2 * cutoff * v
				continue
			}
			d := math.Pi * float64(i-j)
			want.Samples[0][i] += math.Sin(2*cutoff*d) / d * v
		}
	}
	if g := gap(got, want); g > -70 {
		t.Errorf("an error of %.1f dB", g)
	}
}

// What is written at the other rate is rounded as the recording is.
func TestResampleRounds(t *testing.T) {
	r := tone(440, 4000)
	r.Format.Encoding = audio.Int8
	got, err := Resample(r, 44100)
	if err != nil {
		t.Fatal(err)
	}
	if g := gap(got, r); g > -30 || g < -60 {
		t.Errorf("8 bits in between leave an error of %.1f dB", g)
	}
}
