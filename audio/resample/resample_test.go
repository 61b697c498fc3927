package resample

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ditas/audio"
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

func readFloats(t *testing.T, name string) []float64 {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, len(data)/8)
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return x
}

func TestAgreesWithSox(t *testing.T) {
	x := readFloats(t, "44100.f64")
	for _, rate := range []int{16000, 48000} {
		c, err := New(44100, rate)
		if err != nil {
			t.Fatal(err)
		}
		y, want := c.Convert(x), readFloats(t, fmt.Sprintf("%d.f64", rate))
		if d := len(y) - len(want); d < 0 || d > 1 { // sox rounds down where Convert rounds up
			t.Fatalf("to %d Hz: %d samples, sox makes %d", rate, len(y), len(want))
		}
		if e := level(y[:len(want)], want); e > -90 {
			t.Errorf("to %d Hz: differs by %.1f dB from sox", rate, e)
		}
	}
}

func TestLength(t *testing.T) {
	for _, test := range []struct{ from, to, n, want int }{
		{44100, 16000, 44100, 16000}, {44100, 16000, 1, 1}, {44100, 16000, 0, 0}, {16000, 16000, 5, 5},
		{8000, 16000, 7, 14}, {48000, 16000, 7, 3}, {1, math.MaxInt32, 0, 0},
	} {
		c, err := New(test.from, test.to)
		if err != nil {
			t.Fatal(err)
		}
		if y := c.Convert(make([]float64, test.n)); len(y) != test.want || c.Length(test.n) != test.want {
			t.Errorf("%d samples from %d to %d Hz became %d, want %d", test.n, test.from, test.to, len(y), test.want)
		}
	}
}

func TestSameRateIsACopy(t *testing.T) {
	c, err := New(7, 7)
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{1, 2, 3}
	y := c.Convert(x)
	if !slices.Equal(x, y) || &x[0] == &y[0] {
		t.Errorf("got %v", y)
	}
}

func TestRecording(t *testing.T) {
	rec := &audio.Recording{
		Format:  audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16},
		Samples: [][]float64{sine(800, 8000, 100, 0), make([]float64, 800)},
	}
	out, err := Recording(rec, 16000)
	if err != nil {
		t.Fatal(err)
	}
	if out.Format.Rate != 16000 || rec.Format.Rate != 8000 || out.Frames() != 1600 || len(out.Samples) != 2 || out.Samples[1][800] != 0 {
		t.Errorf("%d frames of %v", out.Frames(), out.Format)
	}
	if _, err := Recording(rec, 0); err == nil {
		t.Error("a rate of 0 was accepted")
	}
}

func BenchmarkConvert(b *testing.B) {
	for _, rates := range [][2]int{{44100, 16000}, {16000, 44100}, {192001, 176401}} {
		b.Run(fmt.Sprintf("%dto%d", rates[0], rates[1]), func(b *testing.B) {
			c, err := New(rates[0], rates[1])
			if err != nil {
				b.Fatal(err)
			}
			x := sine(1<<13, 1, 0.1, 0)
			b.SetBytes(int64(8 * len(x)))
			for b.Loop() {
				c.Convert(x)
			}
		})
	}
}
