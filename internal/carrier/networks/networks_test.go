package networks_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier/networks"
	"ditas/picture"
	"ditas/picture/quality"
)

// music is a chord that swells and fades over soft noise, in any format, with a foreign chunk behind the samples.
func music(t testing.TB, f audio.Format, seconds float64) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	n := int(seconds * float64(f.Rate))
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(f.Channels, n)}
	for c, x := range rec.Samples {
		for i := range x {
			at := float64(i) / float64(f.Rate)
			var v float64
			for h := 1; h <= 8; h++ {
				v += math.Sin(2*math.Pi*(220+30*float64(c))*float64(h)*at) / float64(h*h)
			}
			v *= 0.3 * (1.2 + math.Sin(2*math.Pi*0.7*at)) / 2
			x[i] = f.Quantize(v + 0.002*rng.NormFloat64())
		}
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), "note\x04\x00\x00\x00abcd"...)
}

func open(t testing.TB, file []byte) *wav.File {
	t.Helper()
	f, err := wav.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// scene is a picture with soft and hard edges.
func scene(width, height int) *picture.Planes {
	p := picture.New(width, height)
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			disc := 0.0
			if math.Hypot(u-0.6, v-0.4) < 0.25 {
				disc = 0.4
			}
			for c := range 3 {
				w := 0.25 + 0.25*math.Sin(4*u+float64(c)) + 0.2*v + disc*float64(c)/2
				p.Pix[c][y*width+x] = float32(w)
			}
		}
	}
	p.Round()
	return p
}

func hide(t testing.TB, cover []byte, p *picture.Planes, o networks.HideOptions) ([]byte, *networks.HideReport) {
	t.Helper()
	var stego bytes.Buffer
	report, err := networks.Hide(context.Background(), &stego, open(t, cover), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return stego.Bytes(), report
}

func psnr(t testing.TB, a, b *picture.Planes) float64 {
	t.Helper()
	v, err := quality.PSNR(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return min(v, 100)
}

func TestEveryFormatCarriesAPicture(t *testing.T) {
	for _, f := range []audio.Format{
		{Rate: 16000, Channels: 1, Encoding: audio.Int16},
		{Rate: 44100, Channels: 2, Encoding: audio.Int16},
		{Rate: 48000, Channels: 2, Encoding: audio.Int24},
		{Rate: 22050, Channels: 1, Encoding: audio.Int32},
		{Rate: 96000, Channels: 3, Encoding: audio.Float32},
		{Rate: 8000, Channels: 1, Encoding: audio.Float64},
		{Rate: 11025, Channels: 1, Encoding: audio.Int8},
	} {
		t.Run(f.String(), func(t *testing.T) {
			cover := music(t, f, 8*16384/float64(f.Rate))
			secret := scene(70, 50) // two tiles, neither of them full
			o := networks.HideOptions{}
			least := 30.0
			if f.Encoding == audio.Int8 {
				o.SNR, least = 15, 20 // eight bits are noise enough by themselves
			}
			stego, report := hide(t, cover, secret, o)
			if len(stego) != len(cover) || !bytes.Equal(stego[len(stego)-12:], cover[len(cover)-12:]) || !bytes.Equal(stego[:44], cover[:44]) {
				t.Error("the file changed in more than its samples")
			}
			revealed, found, err := networks.Reveal(context.Background(), open(t, stego), networks.RevealOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if revealed.Width != 70 || revealed.Height != 50 || !found.Complete() {
				t.Errorf("revealed %d×%d, %+v", revealed.Width, revealed.Height, found)
			}
			got := psnr(t, secret, revealed)
			if got < least {
				t.Errorf("revealed at %.1f dB, want %g", got, least)
			}
			if math.Abs(got-report.PSNR) > 1e-6 {
				t.Errorf("sender expected %.4f dB, the receiver got %.4f dB", report.PSNR, got)
			}
			if report.Tiles != 2 || report.Slots != 2*report.Stages || report.MSE <= 0 || report.MaxDeviation <= 0 {
				t.Errorf("report %+v", report)
			}
		})
	}
}

func TestStrengthIsAKnob(t *testing.T) {
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4)
	secret := scene(64, 64)
	var last float64
	for _, snr := range []float64{40, 30, 20} {
		_, report := hide(t, cover, secret, networks.HideOptions{SNR: snr})
		// More of a change than asked for would be heard; less is fine where more would leave the picture no more room.
		if report.UsedSNR < snr-2.5 {
			t.Errorf("asked for %g dB, got %.1f dB", snr, report.UsedSNR)
		}
		if report.PSNR < last {
			t.Errorf("at %g dB the picture has %.1f dB, less than at a higher ratio", snr, report.PSNR)
		}
		last = report.PSNR
		if snr == 40 && report.UsedSNR > 44 {
			t.Errorf("asked for 40 dB, got %.1f dB", report.UsedSNR)
		}
	}
	for _, snr := range []float64{-1, 5, 61, math.NaN()} {
		if _, err := networks.Hide(context.Background(), &bytes.Buffer{}, open(t, cover), secret, networks.HideOptions{SNR: snr}); err == nil {
			t.Errorf("%g dB was accepted", snr)
		}
	}
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 8)
	one, _ := hide(t, cover, scene(100, 64), networks.HideOptions{Workers: 1})
	three, _ := hide(t, cover, scene(100, 64), networks.HideOptions{Workers: 3})
	if !bytes.Equal(one, three) {
		t.Error("one and three workers make different files")
	}
}

func TestTooShort(t *testing.T) {
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4) // three slots
	_, err := networks.Hide(context.Background(), &bytes.Buffer{}, open(t, cover), scene(256, 128), networks.HideOptions{})
	var short *networks.TooShortError
	if !errors.As(err, &short) {
		t.Fatalf("got %v", err)
	}
	if short.Width != 64 || short.Height != 32 || short.Need != time.Duration(8*3*16384)*time.Second/16000 {
		t.Errorf("%+v", short)
	}
	if want := "it takes 24.6 s of sound, and there are 3.0 s; scaled down to 64×32 the picture would fit"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q lacks %q", err, want)
	}
	stego, report := hide(t, cover, scene(256, 128), networks.HideOptions{Fit: true})
	if report.Width != 64 || report.Height != 32 {
		t.Errorf("fitted to %d×%d", report.Width, report.Height)
	}
	revealed, _, err := networks.Reveal(context.Background(), open(t, stego), networks.RevealOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := psnr(t, scene(256, 128).Fit(64, 32), revealed); got < 30 {
		t.Errorf("revealed at %.1f dB", got)
	}
	tiny := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 1)
	if _, err := networks.Hide(context.Background(), &bytes.Buffer{}, open(t, tiny), scene(8, 8), networks.HideOptions{Fit: true}); !errors.As(err, &short) || short.Width != 0 {
		t.Errorf("a second of sound: %v", err)
	}
}

func TestSilenceIsNotUsed(t *testing.T) {
	f := audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}
	file := music(t, f, 10)
	rec, err := wav.Decode(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	quiet := rec.Samples[0][32768:65536]
	clear(quiet)
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	stego, _ := hide(t, b.Bytes(), scene(64, 64), networks.HideOptions{})
	heard, err := wav.Decode(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range heard.Samples[0][32768:65536] {
		if v != 0 {
			t.Fatalf("sample %d of the silence became %g", i, v)
		}
	}
}

func TestPoorStretchesAreAvoided(t *testing.T) {
	f := audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}
	file := music(t, f, 6*16384.0/16000+0.1)
	rec, err := wav.Decode(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	// The recording fades in: half of its first slot is faint, and there is little room in it.
	for i := range 12000 {
		rec.Samples[0][i] *= 1e-3
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	stego, report := hide(t, b.Bytes(), scene(64, 64), networks.HideOptions{})
	if report.PSNR < 35 {
		t.Errorf("the picture comes back at %.1f dB", report.PSNR)
	}
	heard, err := wav.Decode(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		t.Fatal(err)
	}
	// What is left are the few samples of the header, which move by four steps at most.
	for i := range 8000 {
		if d := heard.Samples[0][i] - rec.Samples[0][i]; math.Abs(d) > 5.0/(1<<15) {
			t.Fatalf("sample %d of the fade changed by %g", i, d)
		}
	}
}

func TestNothingFound(t *testing.T) {
	ctx := context.Background()
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4)
	if _, _, err := networks.Reveal(ctx, open(t, cover), networks.RevealOptions{}); !errors.Is(err, networks.ErrNothingFound) {
		t.Errorf("an innocent recording: %v", err)
	}
	if _, _, err := networks.Reveal(ctx, open(t, music(t, audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int8}, 0.01)), networks.RevealOptions{}); !errors.Is(err, networks.ErrNothingFound) {
		t.Errorf("a very short one: %v", err)
	}
	empty := music(t, audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, 0)
	if _, _, err := networks.Reveal(ctx, open(t, empty), networks.RevealOptions{}); !errors.Is(err, networks.ErrNothingFound) {
		t.Errorf("an empty one: %v", err)
	}
	if _, err := networks.Hide(ctx, &bytes.Buffer{}, open(t, empty), scene(8, 8), networks.HideOptions{}); err == nil {
		t.Error("a picture went into an empty recording")
	}
}

func TestACutRecordingGivesWhatArrived(t *testing.T) {
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 7)
	secret := scene(128, 64)
	stego, whole := hide(t, cover, secret, networks.HideOptions{})
	// The file ends within the slot of the last stage of the second tile.
	cut := stego[:44+2*(5*16384+100)]
	var stages []*picture.Planes
	revealed, found, err := networks.Reveal(context.Background(), open(t, cut), networks.RevealOptions{
		Stage: func(_ int, p *picture.Planes) { stages = append(stages, p) },
	})
	if err != nil {
		t.Fatal(err)
	}
	// The last stage adds to the first tile alone.
	if len(stages) != 3 || psnr(t, stages[2], revealed) < 100 || psnr(t, stages[1], revealed) > 60 {
		t.Errorf("%d stages were shown", len(stages))
	} else if x := stages[2].Tiles(64)[1]; psnr(t, x, stages[1].Tiles(64)[1]) < 100 {
		t.Error("a tile grows by a stage of it that did not arrive")
	}
	// What a beginning with one stage gives is the picture of that stage.
	var first *picture.Planes
	beginning, _, err := networks.Reveal(context.Background(), open(t, stego[:44+2*(2*16384+100)]), networks.RevealOptions{
		Stage: func(i int, p *picture.Planes) {
			if first = p; i != 0 {
				t.Errorf("stage %d was shown, and nothing of it arrived", i)
			}
		},
	})
	if err != nil || psnr(t, beginning, stages[0]) < 100 || psnr(t, beginning, first) < 100 {
		t.Errorf("the beginning gives another picture than the first stage (%v)", err)
	}
	if found.Complete() || found.Arrived[0] != 2 || found.Arrived[1] != 2 || found.Arrived[2] != 1 {
		t.Errorf("arrived %v", found.Arrived)
	}
	if got := psnr(t, secret, revealed); got < 20 || got >= whole.PSNR {
		t.Errorf("%.1f dB with a stage missing, %.1f dB with all", got, whole.PSNR)
	}
	if _, err := networks.Room(context.Background(), open(t, cut)); !errors.As(err, new(*audio.TruncatedError)) {
		t.Errorf("room in a cut file: %v", err)
	}
}

func TestRoom(t *testing.T) {
	cover := music(t, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 30)
	r, err := networks.Room(context.Background(), open(t, cover))
	if err != nil {
		t.Fatal(err)
	}
	if r.Duration != 30*time.Second || r.Slots != 160 || r.Usable != 160 || r.Tiles != 53 || r.Side != 7*64 {
		t.Errorf("%+v", r)
	}
	for _, c := range [][4]int{{64, 64, 64, 64}, {448, 448, 448, 448}, {4000, 3000, 533, 400}, {10, 60000, 1, 3392}, {0, 5, 0, 0}} {
		w, h := r.Fit(c[0], c[1])
		if c[0] > 64 && c[0] != 448 {
			// What is promised is that it fits and that nothing larger does.
			if tiles := ((w + 63) / 64) * ((h + 63) / 64); tiles > r.Tiles {
				t.Errorf("%d×%d fits as %d×%d, which takes %d of %d tiles", c[0], c[1], w, h, tiles, r.Tiles)
			}
			continue
		}
		if w != c[2] || h != c[3] {
			t.Errorf("%d×%d fits as %d×%d, want %d×%d", c[0], c[1], w, h, c[2], c[3])
		}
	}
}

func TestCancelling(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4)
	if _, err := networks.Hide(ctx, &bytes.Buffer{}, open(t, cover), scene(64, 64), networks.HideOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("hide: %v", err)
	}
	if _, _, err := networks.Reveal(ctx, open(t, cover), networks.RevealOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("reveal: %v", err)
	}
}
