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
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
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

// survey measures a cover.
func survey(cover []byte) (carrier.PictureSurvey, error) {
	f, err := wav.Open(bytes.NewReader(cover), int64(len(cover)))
	if err != nil {
		return nil, err
	}
	return networks.Method{}.Survey(context.Background(), f, carrier.Options{Workers: 2})
}

// options are those of hiding at a signal-to-noise ratio.
func options(snr float64, workers int) carrier.HideOptions {
	return carrier.HideOptions{
		Options: carrier.Options{Workers: workers}, Strength: carrier.Strength{SNR: snr}, Key: keystream.Public(), Restored: true,
	}
}

func hide(t testing.TB, cover []byte, p *picture.Planes, o carrier.HideOptions) ([]byte, *report.Hide) {
	t.Helper()
	s, err := survey(cover)
	if err != nil {
		t.Fatal(err)
	}
	var stego bytes.Buffer
	r, err := s.Hide(context.Background(), &stego, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return stego.Bytes(), r
}

func reveal(ctx context.Context, stego []byte, show func(int, *picture.Planes)) (*picture.Planes, *report.Reveal, error) {
	f, err := wav.Open(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		return nil, nil, err
	}
	h, err := carrier.NewHost(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	o := carrier.Options{Workers: 2}
	found, err := networks.Method{}.Find(ctx, h, keystream.Public(), o)
	if err != nil {
		return nil, nil, err
	}
	return found.Reveal(ctx, carrier.RevealOptions{Options: o, Stage: show})
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
			if f.Channels != 2 || f.Encoding != audio.Int16 {
				racetest.Skip(t)
			}
			cover := music(t, f, 8*16384/float64(f.Rate))
			secret := scene(70, 50) // two tiles, neither of them full
			o := options(networks.DefaultSNR, 2)
			least := 30.0
			if f.Encoding == audio.Int8 {
				o.Strength.SNR, least = 15, 20 // eight bits are noise enough by themselves
			}
			stego, report := hide(t, cover, secret, o)
			if len(stego) != len(cover) || !bytes.Equal(stego[len(stego)-12:], cover[len(cover)-12:]) || !bytes.Equal(stego[:44], cover[:44]) {
				t.Error("the file changed in more than its samples")
			}
			revealed, found, err := reveal(context.Background(), stego, nil)
			if err != nil {
				t.Fatal(err)
			}
			if revealed.Width != 70 || revealed.Height != 50 || !found.Complete {
				t.Errorf("revealed %d×%d, %+v", revealed.Width, revealed.Height, found)
			}
			got := psnr(t, secret, revealed)
			if got < least {
				t.Errorf("revealed at %.1f dB, want %g", got, least)
			}
			if math.Abs(got-report.PSNR) > 1e-6 {
				t.Errorf("sender expected %.4f dB, the receiver got %.4f dB", report.PSNR, got)
			}
			if len(report.Stages) != 3 || report.Stages[2].PSNR != report.PSNR || report.MSE <= 0 || report.MaxDeviation <= 0 {
				t.Errorf("report %+v", report)
			}
		})
	}
}

func TestStrengthIsAKnob(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4)
	secret := scene(64, 64)
	var last float64
	for _, snr := range []float64{40, 30, 20} {
		_, report := hide(t, cover, secret, options(snr, 2))
		// More of a change than asked for would be heard; less is fine where more would leave the picture no more room.
		if report.SNR < snr-2.5 {
			t.Errorf("asked for %g dB, got %.1f dB", snr, report.SNR)
		}
		if report.PSNR < min(last, 70) { // beyond it is a level here and there
			t.Errorf("at %g dB the picture has %.1f dB, less than at a higher ratio", snr, report.PSNR)
		}
		last = report.PSNR
		if snr == 40 && report.SNR > 46 {
			t.Errorf("asked for 40 dB, got %.1f dB", report.SNR)
		}
	}
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 8)
	one, _ := hide(t, cover, scene(100, 64), options(networks.DefaultSNR, 1))
	three, _ := hide(t, cover, scene(100, 64), options(networks.DefaultSNR, 3))
	if !bytes.Equal(one, three) {
		t.Error("one and three workers make different files")
	}
}

func TestTooShort(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4) // three slots
	v, err := survey(cover)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Hide(context.Background(), &bytes.Buffer{}, scene(256, 128), options(networks.DefaultSNR, 2))
	var short *report.TooShortError
	if !errors.As(err, &short) {
		t.Fatalf("got %v", err)
	}
	if short.Width != 64 || short.Height != 32 || short.Need != time.Duration(8*3*16384)*time.Second/16000 {
		t.Errorf("%+v", short)
	}
	if want := "it takes 24.6 s of sound, and there are 3.0 s; scaled down to 64×32 the picture would fit"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q lacks %q", err, want)
	}
	stego, _ := hide(t, cover, scene(256, 128).Fit(short.Width, short.Height), options(networks.DefaultSNR, 2))
	revealed, _, err := reveal(context.Background(), stego, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := psnr(t, scene(256, 128).Fit(64, 32), revealed); got < 30 {
		t.Errorf("revealed at %.1f dB", got)
	}
	v, err = survey(music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 1))
	if err != nil {
		t.Fatal(err)
	}
	err = v.Capacity(carrier.Strength{}).Check(8, 8)
	if !errors.As(err, &short) || short.Width != 0 {
		t.Errorf("a second of sound: %v", err)
	}
}

func TestSilenceIsNotUsed(t *testing.T) {
	racetest.Skip(t)
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
	stego, _ := hide(t, b.Bytes(), scene(64, 64), options(networks.DefaultSNR, 2))
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
	racetest.Skip(t)
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
	stego, report := hide(t, b.Bytes(), scene(64, 64), options(networks.DefaultSNR, 2))
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
	racetest.Skip(t)
	ctx := context.Background()
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4)
	if _, _, err := reveal(ctx, cover, nil); !errors.Is(err, carrier.ErrNotFound) {
		t.Errorf("an innocent recording: %v", err)
	}
	if _, _, err := reveal(ctx, music(t, audio.Format{Rate: 8000, Channels: 1, Encoding: audio.Int8}, 0.01), nil); !errors.Is(err, carrier.ErrNotFound) {
		t.Errorf("a very short one: %v", err)
	}
	empty := music(t, audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, 0)
	if _, _, err := reveal(ctx, empty, nil); !errors.Is(err, carrier.ErrNotFound) {
		t.Errorf("an empty one: %v", err)
	}
	if v, err := survey(empty); err != nil || v.Capacity(carrier.Strength{}).Pixels != 0 {
		t.Errorf("room in an empty recording (%v)", err)
	}
}

func TestACutRecordingGivesWhatArrived(t *testing.T) {
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 7)
	secret := scene(128, 64)
	stego, whole := hide(t, cover, secret, options(networks.DefaultSNR, 2))
	// The file ends within the slot of the last stage of the second tile.
	cut := stego[:44+2*(5*16384+100)]
	var stages []*picture.Planes
	revealed, found, err := reveal(context.Background(), cut, func(_ int, p *picture.Planes) { stages = append(stages, p) })
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
	beginning, _, err := reveal(context.Background(), stego[:44+2*(2*16384+100)], func(i int, p *picture.Planes) {
		if first = p; i != 0 {
			t.Errorf("stage %d was shown, and nothing of it arrived", i)
		}
	})
	if err != nil || psnr(t, beginning, stages[0]) < 100 || psnr(t, beginning, first) < 100 {
		t.Errorf("the beginning gives another picture than the first stage (%v)", err)
	}
	if found.Complete || found.Stages[0].Arrived != 2 || found.Stages[1].Arrived != 2 || found.Stages[2].Arrived != 1 {
		t.Errorf("arrived %+v", found.Stages)
	}
	if got := psnr(t, secret, revealed); got < 20 || got >= whole.PSNR {
		t.Errorf("%.1f dB with a stage missing, %.1f dB with all", got, whole.PSNR)
	}
	if _, err := survey(cut); !errors.As(err, new(*audio.TruncatedError)) {
		t.Errorf("room in a cut file: %v", err)
	}
}

func TestCapacity(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 30)
	v, err := survey(cover)
	if err != nil {
		t.Fatal(err)
	}
	r := v.Capacity(carrier.Strength{SNR: 40})
	const tiles = 53 // of three slots each; there are 160
	if r.Duration != 30*time.Second || r.Pixels != tiles*64*64 || r.Side != 7*64 || r.SNR != 40 {
		t.Errorf("%+v", r)
	}
	for _, c := range [][4]int{{64, 64, 64, 64}, {448, 448, 448, 448}, {4000, 3000, 533, 400}, {10, 60000, 1, 3392}, {0, 5, 0, 0}} {
		w, h := r.Fit(c[0], c[1])
		if c[0] > 64 && c[0] != 448 {
			// What is promised is that it fits and that nothing larger does.
			if got := ((w + 63) / 64) * ((h + 63) / 64); got > tiles {
				t.Errorf("%d×%d fits as %d×%d, which takes %d of %d tiles", c[0], c[1], w, h, got, tiles)
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
	v, err := survey(cover)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Hide(ctx, &bytes.Buffer{}, scene(64, 64), options(networks.DefaultSNR, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("hide: %v", err)
	}
	if _, _, err := reveal(ctx, cover, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("reveal: %v", err)
	}
}

// scaled returns the file of music in a format at another volume.
func scaled(t *testing.T, f audio.Format, seconds, factor float64) []byte {
	t.Helper()
	file := music(t, audio.Format{Rate: f.Rate, Channels: f.Channels, Encoding: audio.Float64}, seconds)
	rec, err := wav.Decode(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	rec.Format = f
	for _, x := range rec.Samples {
		for i := range x {
			x[i] = f.Quantize(factor * x[i])
		}
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever the cover and the strength, the strength is not missed by 3 dB, or there is an error that names a strength that can be had, and
// nothing is written. What is offered as room can be used.
func TestTooQuiet(t *testing.T) {
	racetest.Skip(t)
	mono := func(e audio.Encoding) audio.Format { return audio.Format{Rate: 16000, Channels: 1, Encoding: e} }
	refused := 0
	for _, c := range []struct {
		format audio.Format
		factor float64
	}{{mono(audio.Int16), 1}, {mono(audio.Int16), 0.02}, {mono(audio.Int16), 0.003}, {mono(audio.Int8), 1}, {mono(audio.Int24), 1e-3}} {
		v, err := survey(scaled(t, c.format, 5, c.factor))
		if err != nil {
			t.Fatal(err)
		}
		for _, snr := range []float64{55, 40, 25, 12} {
			room := v.Capacity(carrier.Strength{SNR: snr})
			var stego bytes.Buffer
			r, err := v.Hide(t.Context(), &stego, scene(64, 64), options(snr, 2))
			var quiet *report.TooQuietError
			switch {
			case errors.As(err, &quiet):
				refused++
				if room.TooQuiet == nil || stego.Len() > 0 || quiet.Asked != snr || quiet.Reached >= snr {
					t.Errorf("%v × %g at %g dB: %v with room %+v, %d bytes written", c.format, c.factor, snr, err, room, stego.Len())
				}
			case err != nil:
				t.Errorf("%v × %g at %g dB: %v", c.format, c.factor, snr, err)
			case r.SNR <= snr-3 || room.TooQuiet != nil:
				t.Errorf("%v × %g: asked for %g dB, got %.1f dB (room %+v)", c.format, c.factor, snr, r.SNR, room)
			}
		}
	}
	if refused < 5 || refused > 15 {
		t.Errorf("%d of 20 were refused", refused)
	}
}

func TestAudibleChangesAreWarnedOf(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 12)
	_, loud := hide(t, cover, scene(256, 256), options(15, 2))
	if loud.ODG == nil || *loud.ODG > -2 || len(loud.Warnings) != 1 || loud.Warnings[0].Kind != report.Audible {
		t.Fatalf("at 15 dB nothing is said: %+v", loud)
	}
	if text := loud.Warnings[0].Text; !strings.Contains(text, "annoying)") || !strings.Contains(text, "ODG −") {
		t.Errorf("the warning says %q", text)
	}
	_, soft := hide(t, cover, scene(64, 64), options(60, 2))
	if soft.ODG == nil || *soft.ODG < -0.5 || soft.Warnings != nil {
		t.Errorf("at 60 dB: ODG %v, %+v", soft.ODG, soft.Warnings)
	}
}
