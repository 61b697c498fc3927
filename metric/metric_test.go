package metric

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ditas/picture"
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

func load(t testing.TB, name string) *picture.Planes {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p, err := picture.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAgainstReference compares with scikit-image, and for MS-SSIM with a direct numpy version: testdata/make.py.
func TestAgainstReference(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Pictures []struct {
			Name                    string
			MSE, PSNR, SSIM, MSSSIM float64
		}
		Recordings []struct {
			Cover, Stego                   []float64
			Frame                          int
			MSE, SNR, Segmental, Deviation float64
		}
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	value := must(t)
	for _, want := range expected.Pictures {
		a, b := load(t, want.Name+"-a"), load(t, want.Name+"-b")
		near(t, want.Name+" MSE", value(PictureMSE(a, b)), want.MSE, 1e-7)
		near(t, want.Name+" PSNR", value(PSNR(a, b)), want.PSNR, 1e-5)
		near(t, want.Name+" SSIM", value(SSIM(a, b)), want.SSIM, 1e-6)
		near(t, want.Name+" MS-SSIM", value(MSSSIM(a, b)), want.MSSSIM, 1e-6)
		// All of them are symmetric.
		near(t, want.Name+" SSIM the other way", value(SSIM(b, a)), want.SSIM, 1e-6)
		near(t, want.Name+" MS-SSIM the other way", value(MSSSIM(b, a)), want.MSSSIM, 1e-6)
	}
	for _, want := range expected.Recordings {
		near(t, "MSE", value(MSE(want.Cover, want.Stego)), want.MSE, 1e-12)
		near(t, "SNR", value(SNR(want.Cover, want.Stego)), want.SNR, 1e-9)
		near(t, "segmental SNR", value(SegmentalSNR(want.Cover, want.Stego, want.Frame)), want.Segmental, 1e-9)
		near(t, "deviation", value(MaxDeviation(want.Cover, want.Stego)), want.Deviation, 1e-12)
	}
}

func TestEqualPictures(t *testing.T) {
	a := load(t, "noise-b")
	value := must(t)
	near(t, "MSE", value(PictureMSE(a, a)), 0, 0)
	near(t, "PSNR", value(PSNR(a, a)), math.Inf(1), 0)
	near(t, "SSIM", value(SSIM(a, a)), 1, 1e-12)
	near(t, "MS-SSIM", value(MSSSIM(a, a)), 1, 1e-12)
}

// Flat pictures have no contrast: SSIM is the luminance term (2·x·y + C₁)/(x² + y² + C₁) alone, and at one scale so is MS-SSIM.
func TestFlatPictures(t *testing.T) {
	a, b := picture.New(15, 12), picture.New(15, 12)
	for c := range a.Pix {
		for i := range a.Pix[c] {
			a.Pix[c][i], b.Pix[c][i] = 0.5, 0.75
		}
	}
	value := must(t)
	want := (2*0.5*0.75 + 1e-4) / (0.25 + 0.5625 + 1e-4)
	near(t, "SSIM", value(SSIM(a, b)), want, 1e-9)
	near(t, "MS-SSIM", value(MSSSIM(a, b)), want, 1e-9)
	near(t, "MSE", value(PictureMSE(a, b)), 0.0625, 1e-12)
	near(t, "PSNR", value(PSNR(a, b)), 12.041199826559248, 1e-9) // 10·log10 16
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
	pictures := map[string]func(a, b *picture.Planes) (float64, error){
		"PictureMSE": PictureMSE, "PSNR": PSNR, "SSIM": SSIM, "MSSSIM": MSSSIM}
	for name, measure := range pictures {
		for _, size := range [][4]int{{64, 64, 64, 32}, {64, 64, 32, 64}, {0, 0, 0, 0}} {
			if _, err := measure(picture.New(size[0], size[1]), picture.New(size[2], size[3])); !errors.Is(err, ErrSize) {
				t.Errorf("%s of %v: %v", name, size, err)
			}
		}
		small := name == "SSIM" || name == "MSSSIM"
		if _, err := measure(picture.New(100, 10), picture.New(100, 10)); errors.Is(err, ErrSize) != small {
			t.Errorf("%s of 100×10 pixels: %v", name, err)
		}
	}
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

func BenchmarkSSIM(b *testing.B)   { benchmark(b, SSIM) }
func BenchmarkMSSSIM(b *testing.B) { benchmark(b, MSSSIM) }

func benchmark(b *testing.B, measure func(a, b *picture.Planes) (float64, error)) {
	for name, pair := range map[string]string{"64x64": "noise", "181x177": "large"} {
		x, y := load(b, pair+"-a"), load(b, pair+"-b")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := measure(x, y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
