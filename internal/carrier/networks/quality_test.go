package networks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ditas/internal/racetest"
	"ditas/picture"
)

var update = flag.Bool("update", false, "write the quality baseline and the golden files anew")

// baseline is the quality: what the demo's photograph and recording gave when it was written.
type baseline struct {
	SNR  float64 `json:"snr"` // asked for, in dB
	PSNR float64 `json:"psnr"`
	SSIM float64 `json:"ssim"`
	MSE  float64 `json:"mse"`
}

func demoPicture(t testing.TB) *picture.Planes {
	t.Helper()
	return readPicture(t, filepath.Join("..", "..", "..", "cmd", "ditas", "demo", "photo.png"))
}

func readPicture(t testing.TB, name string) *picture.Planes {
	t.Helper()
	b := readFile(t, name)
	p, err := picture.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestQualityDoesNotFall compares with testdata/quality.json. A change that costs half a decibel of the picture or of the
// recording fails; one that gains is welcome to write the baseline anew with -update.
func TestQualityDoesNotFall(t *testing.T) {
	racetest.Skip(t)
	const tolerance = 0.5 // dB
	name := filepath.Join("testdata", "quality.json")
	speech := readFile(t, filepath.Join("..", "..", "..", "cmd", "ditas", "demo", "speech.wav"))
	var now []baseline
	for _, snr := range []float64{15, 25, 35, 45} {
		_, r := hide(t, speech, demoPicture(t), options(snr, 2))
		now = append(now, baseline{SNR: snr, PSNR: r.PSNR, SSIM: *r.Restored.SSIM, MSE: r.MSE})
	}
	if *update {
		b, err := json.MarshalIndent(now, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, name, append(b, '\n'))
	}
	var want []baseline
	if err := json.Unmarshal(readFile(t, name), &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(now) {
		t.Fatalf("the baseline has %d rows, want %d", len(want), len(now))
	}
	for i, b := range want {
		n := now[i]
		t.Logf("%g dB: PSNR %.2f dB (baseline %.2f), SSIM %.4f, container MSE %.3g (baseline %.3g)", n.SNR, n.PSNR, b.PSNR, n.SSIM, n.MSE, b.MSE)
		if n.PSNR < b.PSNR-tolerance {
			t.Errorf("%g dB: PSNR fell from %.2f to %.2f dB", b.SNR, b.PSNR, n.PSNR)
		}
		if 10*math.Log10(n.MSE/b.MSE) > tolerance {
			t.Errorf("%g dB: container MSE rose from %.3g to %.3g", b.SNR, b.MSE, n.MSE)
		}
	}
}

// TestGoldenRecordings reveals recordings that this version's networks made when they were published, and compares with
// the pictures that came out then: what was once hidden can be revealed.
func TestGoldenRecordings(t *testing.T) {
	racetest.Skip(t)
	formats := map[string]struct {
		from, to int // seconds of the demo's recording
		side     int
	}{
		"small": {0, 4, 64},
		"wide":  {4, 11, 80},
	}
	for name, f := range formats {
		t.Run(name, func(t *testing.T) {
			stego, golden := filepath.Join("testdata", name+".wav"), filepath.Join("testdata", name+".png")
			if *update {
				cover := excerpt(t, f.from, f.to)
				b, _ := hide(t, cover, demoPicture(t).CropSquare().Resize(f.side, 64), options(30, 2))
				writeFile(t, stego, b)
			}
			revealed, report, err := reveal(context.Background(), readFile(t, stego), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !report.Complete {
				t.Errorf("arrived: %+v", report.Stages)
			}
			if *update {
				var b bytes.Buffer
				if err := revealed.Encode(&b, picture.PNG); err != nil {
					t.Fatal(err)
				}
				writeFile(t, golden, b.Bytes())
			}
			// Processors round differently; a level here and there may change, and no more.
			if got := psnr(t, readPicture(t, golden), revealed); got < 60 {
				t.Errorf("the picture differs from the golden one: %.1f dB", got)
			}
		})
	}
}

// excerpt returns some seconds of the demo's recording, 16 kHz mono 16-bit with a plain header, as a file of its own.
func excerpt(t testing.TB, from, to int) []byte {
	t.Helper()
	speech := readFile(t, filepath.Join("..", "..", "..", "cmd", "ditas", "demo", "speech.wav"))
	const header, second = 44, 2 * 16000
	b := append([]byte(nil), speech[:header]...)
	b = append(b, speech[header+from*second:header+to*second]...)
	n := len(b) - header
	for i := range 4 {
		b[4+i] = byte((n + 36) >> (8 * i))
		b[40+i] = byte(n >> (8 * i))
	}
	return b
}
