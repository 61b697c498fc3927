package metric

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) && got != want { // equal infinities have no difference
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// must returns the value of a measure that cannot fail here.
func must(t testing.TB) func(float64, error) float64 {
	return func(v float64, err error) float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestAgainstReference compares with numpy: testdata/make.py.
func TestAgainstReference(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected []struct {
		Cover, Stego                   []float64
		Frame                          int
		MSE, SNR, Segmental, Deviation float64
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	value := must(t)
	for _, want := range expected {
		near(t, "MSE", value(MSE(want.Cover, want.Stego)), want.MSE, 1e-12)
		near(t, "SNR", value(SNR(want.Cover, want.Stego)), want.SNR, 1e-9)
		near(t, "segmental SNR", value(SegmentalSNR(want.Cover, want.Stego, want.Frame)), want.Segmental, 1e-9)
		near(t, "deviation", value(MaxDeviation(want.Cover, want.Stego)), want.Deviation, 1e-12)
	}
}

func TestRecordingsByHand(t *testing.T) {
	value := must(t)
	inf := math.Inf(1)
	x := []float64{0.5, -0.5, 0.5, -0.5}
	y := []float64{0.55, -0.45, 0.45, -0.55} // a tenth of the amplitude: 20 dB
	silence := make([]float64, 4)
	near(t, "MSE", value(MSE(x, y)), 0.0025, 1e-15)
	near(t, "SNR", value(SNR(x, y)), 20, 1e-9)
	near(t, "deviation", value(MaxDeviation(x, y)), 0.05, 1e-15)
	near(t, "SNR of equal recordings", value(SNR(x, x)), inf, 0)
	near(t, "SNR of silence", value(SNR(silence, silence)), inf, 0)
	near(t, "SNR of a silent cover", value(SNR(silence, y)), -inf, 0)

	join := func(parts ...[]float64) (all []float64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, test := range []struct {
		name         string
		cover, stego []float64
		want         float64
	}{
		{"one frame", x, y, 20},
		{"a frame without error counts 35", join(x, x), join(x, y), 27.5},
		{"noise in silence counts −10", join(silence, x), join(y, y), 5},
		{"silence left alone does not count", join(silence, x, silence), join(silence, y, silence), 20},
		{"silence throughout", silence, silence, 35},
		{"a short last frame counts", join(x, x[:2]), join(y, x[:2]), 27.5},
		{"less than a frame", x[:3], y[:3], 20},
	} {
		near(t, test.name, value(SegmentalSNR(test.cover, test.stego, 4)), test.want, 1e-9)
	}
}

func TestSizesMustAgree(t *testing.T) {
	segmental := func(x, y []float64) (float64, error) { return SegmentalSNR(x, y, 320) }
	recordings := map[string]func(x, y []float64) (float64, error){
		"MSE": MSE, "SNR": SNR, "SegmentalSNR": segmental, "MaxDeviation": MaxDeviation}
	for name, measure := range recordings {
		for _, length := range [][2]int{{3, 4}, {4, 3}, {0, 0}} {
			if _, err := measure(make([]float64, length[0]), make([]float64, length[1])); !errors.Is(err, ErrSize) {
				t.Errorf("%s of %v samples: %v", name, length, err)
			}
		}
	}
	if _, err := SegmentalSNR([]float64{1}, []float64{1}, 0); !errors.Is(err, ErrSize) {
		t.Errorf("a frame of no samples: %v", err)
	}
}
