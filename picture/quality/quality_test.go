package quality

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
	var expected []struct {
		Name                    string
		MSE, PSNR, SSIM, MSSSIM float64
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	value := must(t)
	for _, want := range expected {
		a, b := load(t, want.Name+"-a"), load(t, want.Name+"-b")
		near(t, want.Name+" MSE", value(MSE(a, b)), want.MSE, 1e-7)
		near(t, want.Name+" PSNR", value(PSNR(a, b)), want.PSNR, 1e-5)
		near(t, want.Name+" SSIM", value(SSIM(a, b)), want.SSIM, 1e-6)
		near(t, want.Name+" MS-SSIM", value(MSSSIM(a, b)), want.MSSSIM, 1e-6)
		// All of them are symmetric.
		near(t, want.Name+" SSIM the other way", value(SSIM(b, a)), want.SSIM, 1e-6)
		near(t, want.Name+" MS-SSIM the other way", value(MSSSIM(b, a)), want.MSSSIM, 1e-6)
	}
}

func TestEqualPictures(t *testing.T) {
	a := load(t, "noise-b")
	value := must(t)
	near(t, "MSE", value(MSE(a, a)), 0, 0)
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
	near(t, "MSE", value(MSE(a, b)), 0.0625, 1e-12)
	near(t, "PSNR", value(PSNR(a, b)), 12.041199826559248, 1e-9) // 10·log10 16
}

func TestSizesMustAgree(t *testing.T) {
	pictures := map[string]func(a, b *picture.Planes) (float64, error){
		"MSE": MSE, "PSNR": PSNR, "SSIM": SSIM, "MSSSIM": MSSSIM}
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
