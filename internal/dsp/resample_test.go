package dsp

import (
	"math"
	"slices"
	"testing"
)

func sine(n int, rate, frequency, phase float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(2*math.Pi*frequency*float64(i)/rate + phase)
	}
	return x
}

// level is the RMS of a-b relative to a sine of full scale, in dB.
func level(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return 10 * math.Log10(2*sum/float64(len(a))+1e-300)
}

func TestSinePassesUnchanged(t *testing.T) {
	for _, rates := range [][2]int{
		{44100, 16000}, {48000, 16000}, {22050, 16000}, {11025, 16000}, {8000, 16000}, {16000, 44100}, {44100, 48000},
		{96000, 44100}, {192000, 8000}, {44056, 16000}, {16000, 15999}, {192001, 176401},
	} {
		from, to := float64(rates[0]), float64(rates[1])
		c, err := NewResampler(rates[0], rates[1])
		if err != nil {
			t.Fatal(err)
		}
		edge := 2*c.half + 10
		n := 2*edge + int(400*max(1, from/to))
		margin := int(float64(edge)*to/from) + 1
		for _, part := range []float64{0, 0.1, 0.5, 0.919} { // of the lower Nyquist frequency
			frequency := part * min(from, to) / 2
			y := c.Convert(sine(n, from, frequency, 1))
			want := sine(len(y), to, frequency, 1)
			if e := level(y[margin:len(y)-margin], want[margin:]); e > -95 {
				t.Errorf("%v to %v Hz: a sine of %.0f Hz has an error of %.1f dB", from, to, frequency, e)
			}
		}
	}
}

func TestNothingIsFoldedDown(t *testing.T) {
	for _, rates := range [][2]int{{44100, 16000}, {48000, 8000}, {16000, 15999}} {
		from, to := float64(rates[0]), float64(rates[1])
		c, err := NewResampler(rates[0], rates[1])
		if err != nil {
			t.Fatal(err)
		}
		edge := 2*c.half + 10
		margin := int(float64(edge)*to/from) + 1
		for _, frequency := range []float64{to / 2, (to + from) / 4, from/2 - 1} {
			y := c.Convert(sine(2*edge+2000, from, frequency, 1))
			y = y[margin : len(y)-margin]
			if e := level(y, make([]float64, len(y))); e > -98 {
				t.Errorf("%v to %v Hz: a sine of %.0f Hz is left with %.1f dB", from, to, frequency, e)
			}
		}
	}
}

// The table and the computation on the fly are the same filter.
func TestWithoutTable(t *testing.T) {
	c, err := NewResampler(44100, 16000)
	if err != nil {
		t.Fatal(err)
	}
	x := sine(3000, 44100, 1000, 0)
	want := c.Convert(x)
	c.table = nil
	if e := level(c.Convert(x), want); e > -280 {
		t.Errorf("differs by %.1f dB", e)
	}
}

// However a signal is cut into blocks, it becomes what it becomes as a whole.
func TestResamplerStream(t *testing.T) {
	for _, rates := range [][2]int{{44100, 48000}, {16000, 48000}, {96000, 48000}, {48000, 48000}, {7, 48000}, {16000, 15999}} {
		r, err := NewResampler(rates[0], rates[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 2, 99, 3001} {
			if rates[0] == 7 {
				n = min(n, 2)
			}
			x := sine(n, 1, 0.1, 1)
			want := r.Convert(x)
			for _, block := range []int{1, 7, 160, 5000} {
				s := r.Stream()
				var got []float64
				for from := 0; from < n; from += block {
					got = s.Add(got, x[from:min(from+block, n)])
				}
				if got = s.End(got); !slices.Equal(got, want) {
					t.Errorf("%v Hz, %d samples in blocks of %d: %d samples, want %d, or others", rates, n, block, len(got), len(want))
				}
			}
		}
	}
}

// The wide filter lets pass what the other stops just below the Nyquist frequency, and nothing that is farther
// above it.
func TestWideResampler(t *testing.T) {
	narrow, err := NewResampler(44100, 48000)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := NewWideResampler(44100, 48000)
	if err != nil {
		t.Fatal(err)
	}
	power := func(r *Resampler, frequency float64) float64 {
		edge := 4*r.half + 20
		y := r.Convert(sine(2*edge+4000, 44100, frequency, 1))
		return level(y[edge:len(y)-edge], make([]float64, len(y)-2*edge))
	}
	for _, test := range []struct {
		frequency                                    float64
		leastWide, mostWide, leastNarrow, mostNarrow float64 // dB
	}{{1000, -0.01, 0.01, -0.01, 0.01}, {20200, -0.01, 0.01, -0.01, 0.01}, {21600, -5, 0, -60, -15}, {22040, -7, -2, -120, -80}} {
		if p := power(wide, test.frequency); p < test.leastWide || p > test.mostWide {
			t.Errorf("%g Hz pass the wide filter with %.2f dB", test.frequency, p)
		}
		if p := power(narrow, test.frequency); p < test.leastNarrow || p > test.mostNarrow {
			t.Errorf("%g Hz pass the other filter with %.2f dB", test.frequency, p)
		}
	}
	down, err := NewWideResampler(96000, 48000)
	if err != nil {
		t.Fatal(err)
	}
	y := down.Convert(sine(20000, 96000, 26000, 1))
	if e := level(y[1000:9000], make([]float64, 8000)); e > -98 {
		t.Errorf("26 kHz are folded down with %.1f dB", e)
	}
}

func TestResamplerRefusesRates(t *testing.T) {
	beyond := math.MaxInt32
	beyond++ // negative where an int has 32 bits
	for _, rates := range [][2]int{{0, 1}, {1, 0}, {-1, 1}, {beyond, 1}} {
		if _, err := NewResampler(rates[0], rates[1]); err == nil {
			t.Errorf("%v were accepted", rates)
		}
	}
}
