package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ditas"
	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/mp3"
	"ditas/audio/wav"
	"ditas/internal/racetest"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// music is a chord that swells and fades over soft noise, in any format, with a foreign chunk behind the samples.
func music(t testing.TB, f audio.Format, seconds float64) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	rec := &audio.Recording{Format: f, Samples: audio.NewBlock(f.Channels, int(seconds*float64(f.Rate)))}
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

var mono = audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}

func open(t testing.TB, file []byte) *wav.File {
	t.Helper()
	f, err := wav.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// scene is a picture with soft and hard edges and a little noise.
func scene(width, height int) *picture.Planes {
	rng := rand.New(rand.NewPCG(2, 2))
	p := picture.New(width, height)
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			disc := 0.0
			if math.Hypot(u-0.6, v-0.4) < 0.25 {
				disc = 0.4
			}
			for c := range 3 {
				w := 0.25 + 0.25*math.Sin(4*u+float64(c)) + 0.2*v + disc*float64(c)/2 + 0.01*rng.NormFloat64()
				p.Pix[c][y*width+x] = float32(max(0, min(1, w)))
			}
		}
	}
	p.Round()
	return p
}

func grey(p *picture.Planes) *picture.Planes {
	g := picture.New(p.Width, p.Height)
	for c := range g.Pix {
		copy(g.Pix[c], p.Pix[1])
	}
	return g
}

// passphrases are keys that were made, each of which takes as long as a whole test.
var passphrases sync.Map

func passphrase(t testing.TB, text string) ditas.Key {
	t.Helper()
	if k, ok := passphrases.Load(text); ok {
		return k.(ditas.Key)
	}
	k, err := ditas.Passphrase(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	passphrases.Store(text, k)
	return k
}

func survey(t testing.TB, cover []byte) *ditas.Survey {
	t.Helper()
	s, err := ditas.NewSurvey(context.Background(), open(t, cover), ditas.SurveyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hide(t testing.TB, cover []byte, p *picture.Planes, key ditas.Key, o ditas.HideOptions) ([]byte, *report.Hide) {
	t.Helper()
	var stego bytes.Buffer
	report, err := ditas.Hide(context.Background(), &stego, open(t, cover), p, key, o)
	if err != nil {
		t.Fatal(err)
	}
	return stego.Bytes(), report
}

func reveal(t testing.TB, stego []byte, key ditas.Key, o ditas.RevealOptions) (*picture.Planes, *report.Reveal) {
	t.Helper()
	p, report, err := ditas.Reveal(context.Background(), anyFile(t, stego), key, o)
	if err != nil {
		t.Fatal(err)
	}
	return p, report
}

// inspected fails unless Inspect tells what Reveal told.
func inspected(t testing.TB, stego []byte, key ditas.Key, o ditas.RevealOptions, revealed *report.Reveal) {
	t.Helper()
	report, err := ditas.Inspect(context.Background(), open(t, stego), key, o)
	if err != nil {
		t.Fatal(err)
	}
	want := *revealed
	want.Restored = false
	if !reflect.DeepEqual(report, &want) {
		t.Errorf("inspected %+v, revealed %+v", report, want)
	}
}

func psnr(t testing.TB, a, b *picture.Planes) float64 {
	t.Helper()
	v, err := quality.PSNR(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return min(v, 100)
}

// What the report says is true of the file, and Reveal gives what it promises.
func TestEveryFormatCarriesAPicture(t *testing.T) {
	racetest.Skip(t)
	for _, f := range []audio.Format{
		mono,
		{Rate: 44100, Channels: 2, Encoding: audio.Int16},
		{Rate: 48000, Channels: 2, Encoding: audio.Int24},
		{Rate: 22050, Channels: 1, Encoding: audio.Int32},
		{Rate: 96000, Channels: 3, Encoding: audio.Float32},
		{Rate: 8000, Channels: 1, Encoding: audio.Float64},
		{Rate: 11025, Channels: 1, Encoding: audio.Int8},
	} {
		t.Run(f.String(), func(t *testing.T) {
			cover := music(t, f, 100000/float64(f.Rate*f.Channels))
			secret := scene(70, 50)
			o := ditas.HideOptions{Strength: ditas.Audible(40), Restored: true}
			if f.Encoding == audio.Int8 {
				o.Strength = ditas.Audible(15) // its rounding is noise of 25 dB by itself
			}
			stego, report := hide(t, cover, secret, ditas.Public(), o)
			if len(stego) != len(cover) || !bytes.Equal(stego[len(stego)-12:], cover[len(cover)-12:]) || !bytes.Equal(stego[:44], cover[:44]) {
				t.Error("the file changed in more than its samples")
			}
			revealed, found := reveal(t, stego, ditas.Public(), ditas.RevealOptions{})
			got := psnr(t, secret, revealed)
			if math.Abs(got-report.Restored.PSNR) > 1e-9 || found.Exact != report.Exact || report.Exact != (got == 100) {
				t.Errorf("promised %.3f dB, exact %t; got %.3f dB, exact %t", report.PSNR, report.Exact, got, found.Exact)
			}
			if f.Encoding != audio.Int8 && !report.Exact {
				t.Errorf("revealed at %.2f dB only", got)
			}
			if !found.Complete || found.Arrived != found.Frames || found.Gain != 0 || found.Inverted || found.Offset != 0 || found.Method != ditas.Lattice || report.Method != ditas.Lattice {
				t.Errorf("hidden %+v, found %+v", report, found)
			}
			if ssim, err := quality.SSIM(secret, revealed); err != nil || report.Restored.SSIM == nil || math.Abs(*report.Restored.SSIM-ssim) > 1e-9 {
				t.Errorf("SSIM %v, %v", ssim, err)
			}
			last := 0.0
			for i, s := range report.Stages {
				if s.PSNR < last || s.Loss == nil || *s.Loss < 0 || *s.Loss >= 1 || s.Bytes != found.Stages[i].Bytes || found.Stages[i].Arrived != found.Stages[i].Blocks {
					t.Errorf("stage %d: hidden %+v, found %+v", i, s, found.Stages[i])
				}
				last = s.PSNR
			}
			a, err := wav.Decode(bytes.NewReader(cover), int64(len(cover)))
			if err != nil {
				t.Fatal(err)
			}
			b, err := wav.Decode(bytes.NewReader(stego), int64(len(stego)))
			if err != nil {
				t.Fatal(err)
			}
			var signal, change, most float64
			for c := range a.Samples {
				for i, v := range a.Samples[c] {
					d := b.Samples[c][i] - v
					signal += v * v
					change += d * d
					most = max(most, math.Abs(d))
				}
			}
			n := float64(a.Frames() * f.Channels)
			if math.Abs(report.MSE/(change/n)-1) > 1e-4 || math.Abs(report.SNR-10*math.Log10(signal/change)) > 1e-3 || math.Abs(report.MaxDeviation/most-1) > 1e-4 {
				t.Errorf("reported a change of %g, %.2f dB, at most %g; it is %g, %.2f dB, %g", report.MSE, report.SNR, report.MaxDeviation, change/n, 10*math.Log10(signal/change), most)
			}
		})
	}
}

func TestPassphrase(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 1)
	secret := scene(20, 20)
	revealed := func(stego []byte, text string) error {
		key := ditas.Public()
		if text != "" {
			key = passphrase(t, text)
		}
		o := ditas.RevealOptions{Method: ditas.Lattice}
		p, _, err := ditas.Reveal(context.Background(), open(t, stego), key, o)
		if err == nil && psnr(t, secret, p) < 100 {
			t.Errorf("revealed with %q, but not exactly", text)
		}
		if testing.Short() {
			return err
		}
		if _, other := ditas.Inspect(context.Background(), open(t, stego), key, o); other != err {
			t.Errorf("%q: Reveal ends with %v, Inspect with %v", text, err, other)
		}
		return err
	}
	locked, _ := hide(t, cover, secret, passphrase(t, "correct horse"), ditas.HideOptions{Strength: ditas.SNR(40)})
	if err := revealed(locked, "correct horse"); err != nil {
		t.Error(err)
	}
	free, _ := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{Strength: ditas.SNR(40)})
	if err := revealed(free, ""); err != nil {
		t.Error(err)
	}
	// Whatever is wrong, the message is the same.
	for name, try := range map[string]func() error{
		"another passphrase":                  func() error { return revealed(locked, "Correct horse") },
		"no passphrase":                       func() error { return revealed(locked, "") },
		"a passphrase where there is none":    func() error { return revealed(free, "correct horse") },
		"a passphrase where there is nothing": func() error { return revealed(cover, "correct horse") },
	} {
		if testing.Short() && name != "another passphrase" {
			continue
		}
		err := try()
		if !errors.Is(err, ditas.ErrNothingFound) || err.Error() != ditas.ErrNothingFound.Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again, _ := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{Strength: ditas.SNR(40)}); bytes.Equal(free, again) {
		t.Error("the same picture in the same recording is hidden in the same way twice")
	}
}

// The same random bytes make the same recording, whatever the number of workers; others another one, and so do the system's.
func TestRandom(t *testing.T) {
	racetest.Skip(t)
	cover, secret := music(t, mono, 3), scene(40, 30)
	with := func(random io.Reader, workers int) []byte {
		stego, _ := hide(t, cover, secret, passphrase(t, "the same"), ditas.HideOptions{Random: random, Workers: workers})
		return stego
	}
	first := with(strings.NewReader("sixteen bytes, or more"), 1)
	if !bytes.Equal(first, with(strings.NewReader("sixteen bytes, or more"), 3)) {
		t.Error("the same random bytes made two recordings")
	}
	for _, random := range []io.Reader{strings.NewReader("others, and of these sixteen too"), nil} {
		if bytes.Equal(first, with(random, 1)) {
			t.Errorf("%v made the same recording", random)
		}
	}
	f := open(t, cover)
	if _, err := ditas.Hide(t.Context(), io.Discard, f, secret, ditas.Public(), ditas.HideOptions{Random: strings.NewReader("fifteen of them")}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with too few random bytes: error %v", err)
	}
}

// The strength is what was asked for, or less where more would be heard, unless that does not matter; more of a change leaves more room.
func TestStrengthIsAKnob(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 6)
	for name, strength := range map[string]func(float64) ditas.Strength{"audible": ditas.Audible, "unheard": ditas.SNR} {
		last := 0
		for _, snr := range []float64{70, 60, 50, 40, 30} {
			room, err := survey(t, cover).Capacity(strength(snr))
			if err != nil {
				t.Fatal(err)
			}
			if room.Bytes < last || room.Robust > room.Bytes || room.SNR < snr-1 {
				t.Errorf("%s, at %g dB: %+v, %d bytes at a higher one", name, snr, room, last)
			}
			last = room.Bytes
			_, report := hide(t, cover, scene(32, 32), ditas.Public(), ditas.HideOptions{Strength: strength(snr)})
			if report.SNR < snr-1 {
				t.Errorf("%s: asked for %g dB, got %.2f dB", name, snr, report.SNR)
			}
			if name == "audible" && snr >= 50 && snr < 70 && report.SNR > snr+4 {
				t.Errorf("asked for %g dB, got %.2f dB: there was room for more of a change", snr, report.SNR)
			}
		}
	}
	for _, snr := range []float64{-1, 5, 91, math.NaN(), math.Inf(1)} {
		if _, err := ditas.Hide(context.Background(), io.Discard, open(t, cover), scene(8, 8), ditas.Public(), ditas.HideOptions{Strength: ditas.SNR(snr)}); err == nil {
			t.Errorf("%g dB was accepted", snr)
		}
	}
}

// A faint change follows the recording: in every band and at every moment it lies far below it, in the empty ones too, which white noise of the same power would fill.
func TestFaint(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 6)
	secret := scene(40, 40)
	stego, report := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{Strength: ditas.Faint()})
	revealed, found := reveal(t, stego, ditas.Public(), ditas.RevealOptions{})
	if !found.Exact || psnr(t, secret, revealed) < 100 || !report.Exact {
		t.Errorf("hidden %+v, found %+v", report, found)
	}
	white, _ := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{Strength: ditas.Audible(report.SNR)})
	faint, usual := masked(t, cover, stego), masked(t, cover, white)
	if faint > -40 || faint > usual-6 {
		t.Errorf("an NMR of %.1f dB at an SNR of %.1f, and %.1f by default", faint, report.SNR, usual)
	}
}

// masked returns the total noise-to-mask ratio of a change in dB.
func masked(t *testing.T, cover, stego []byte) float64 {
	t.Helper()
	x, err := audio.ReadAll(open(t, cover))
	if err != nil {
		t.Fatal(err)
	}
	y, err := audio.ReadAll(open(t, stego))
	if err != nil {
		t.Fatal(err)
	}
	c, err := metric.NewComparison(x.Format.Rate, x.Format.Channels)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add(x.Samples, y.Samples); err != nil {
		t.Fatal(err)
	}
	return c.Figures().NMR
}

// Capacity agrees with Hide: a picture of just as many pixels fits, one of more does not, and the error says what would.
func TestCapacityAndFit(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 1.5)
	room, err := survey(t, cover).Capacity(ditas.Strength{})
	if err != nil {
		t.Fatal(err)
	}
	if room.Duration != 1500*time.Millisecond || room.Pixels != int(report.MostPixels(8*float64(room.Bytes))) || room.Side != int(math.Sqrt(float64(room.Pixels))) {
		t.Errorf("%+v", room)
	}
	if _, report := hide(t, cover, scene(room.Side, room.Side), ditas.Public(), ditas.HideOptions{}); report.Width != room.Side || report.PSNR < 20 {
		t.Errorf("the largest square: %+v", report)
	}
	large := scene(2*room.Side, room.Side)
	_, err = ditas.Hide(context.Background(), io.Discard, open(t, cover), large, ditas.Public(), ditas.HideOptions{})
	var short *report.TooShortError
	if !errors.As(err, &short) {
		t.Fatalf("a picture that is too large: %v", err)
	}
	w, h := room.Fit(large.Width, large.Height)
	if short.Have != room.Duration || short.Need != room.Need(large.Width, large.Height) || short.Width != w || short.Height != h {
		t.Errorf("%+v, want %d×%d", short, w, h)
	}
	if need := float64(short.Need) / float64(room.Duration); math.Abs(need/math.Pow(2, 0.75)-1) > 0.05 {
		t.Errorf("twice the pixels take %.2f times the time", need)
	}
	if w*h > room.Pixels || float64(w*h) < 0.95*float64(room.Pixels) || math.Abs(float64(w)/float64(h)-2) > 0.05 {
		t.Errorf("scaled down to %d×%d, with room for %d pixels", w, h, room.Pixels)
	}
	for _, want := range []string{"it takes 2.", "there are 1.5 s", "the picture would fit"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	stego, report := hide(t, cover, large, ditas.Public(), ditas.HideOptions{Fit: true})
	if report.Width != w || report.Height != h {
		t.Errorf("fitted to %d×%d, want %d×%d", report.Width, report.Height, w, h)
	}
	revealed, _ := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Plain: true})
	if got := psnr(t, rounded(large.Resize(w, h)), revealed); math.Abs(got-report.PSNR) > 1e-9 {
		t.Errorf("revealed at %.2f dB, promised %.2f dB", got, report.PSNR)
	}
	for _, c := range []struct{ w, h, wantW, wantH int }{{0, 5, 0, 0}, {5, -1, 0, 0}, {1, 1, 1, 1}, {1 << 30, 1, room.Pixels, 1}, {1, 1 << 30, 1, room.Pixels}} {
		if w, h := room.Fit(c.w, c.h); w != c.wantW || h != c.wantH {
			t.Errorf("Fit(%d, %d) = %d, %d, want %d, %d", c.w, c.h, w, h, c.wantW, c.wantH)
		}
	}
}

func TestWhatCannotBeHidden(t *testing.T) {
	cover := music(t, mono, 2)
	var short *report.TooShortError
	for name, c := range map[string]struct {
		cover  []byte
		secret *picture.Planes
		o      ditas.HideOptions
		right  func(err error) bool
	}{
		"a moment":         {music(t, mono, 0.05), scene(8, 8), ditas.HideOptions{Fit: true}, func(err error) bool { return errors.As(err, &short) && short.Width == 0 }},
		"nothing":          {music(t, mono, 0), scene(8, 8), ditas.HideOptions{}, func(err error) bool { return errors.As(err, &short) }},
		"an empty picture": {cover, picture.New(0, 0), ditas.HideOptions{}, func(err error) bool { return err != nil }},
		"too wide":         {cover, picture.New(ditas.MaxSide+1, 1), ditas.HideOptions{Fit: true}, func(err error) bool { return errors.Is(err, ditas.ErrTooLarge) }},
		"a method that is none": {cover, scene(8, 8), ditas.HideOptions{Method: "magic"}, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), `"magic"`)
		}},
	} {
		if _, err := ditas.Hide(context.Background(), io.Discard, open(t, c.cover), c.secret, ditas.Public(), c.o); !c.right(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	silence := &audio.Recording{Format: mono, Samples: audio.NewBlock(1, 30000)}
	var b bytes.Buffer
	if err := wav.Encode(&b, silence); err != nil {
		t.Fatal(err)
	}
	if _, err := ditas.Hide(context.Background(), io.Discard, open(t, b.Bytes()), scene(8, 8), ditas.Public(), ditas.HideOptions{}); !errors.Is(err, ditas.ErrSilent) {
		t.Errorf("silence: %v", err)
	}
	if _, _, err := ditas.Reveal(context.Background(), open(t, cover), ditas.Public(), ditas.RevealOptions{Method: "magic"}); err == nil {
		t.Error("revealed by magic")
	}
}

// A picture without colour takes less room, so more of it fits.
func TestGreyTakesLessRoom(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 1.5)
	colour := scene(90, 90)
	_, a := hide(t, cover, colour, ditas.Public(), ditas.HideOptions{})
	_, b := hide(t, cover, grey(colour), ditas.Public(), ditas.HideOptions{})
	size := func(r *report.Hide) (n int) {
		for _, s := range r.Stages {
			n += s.Bytes
		}
		return n
	}
	if a.Exact || b.PSNR < a.PSNR+0.5 && size(b) >= size(a) {
		t.Errorf("in colour %.2f dB in %d bytes, in grey %.2f dB in %d", a.PSNR, size(a), b.PSNR, size(b))
	}
}

// A recording that has lost its beginning, and some of the rest, has the picture still.
func TestWhatIsLeftIsEnough(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 4)
	secret := scene(28, 28)
	stego, report := hide(t, cover, secret, passphrase(t, "x"), ditas.HideOptions{Strength: ditas.SNR(40)})
	if !report.Robust || *report.Stages[0].Loss < 0.3 {
		t.Fatalf("%+v", report)
	}
	rec, err := wav.Decode(bytes.NewReader(stego), int64(len(stego)))
	if err != nil {
		t.Fatal(err)
	}
	x := rec.Samples[0][10001:]
	clear(x[25000:30000])
	rec.Samples[0] = x
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	revealed, found := reveal(t, b.Bytes(), passphrase(t, "x"), ditas.RevealOptions{})
	if got := psnr(t, secret, revealed); got < 25 || found.Arrived >= found.Frames || found.Arrived < found.Frames/2 {
		t.Errorf("revealed at %.1f dB from %d of %d frames", got, found.Arrived, found.Frames)
	}
	inspected(t, b.Bytes(), passphrase(t, "x"), ditas.RevealOptions{}, found)
	size := 0
	for _, s := range found.Stages {
		size += s.Bytes
	}
	if found.Bytes != size || found.Complete != (found.Read == found.Bytes) || found.Read < 100 || !found.Robust {
		t.Errorf("%+v", found)
	}
	count := 0
	for _, lane := range found.Map {
		for _, there := range lane {
			if there {
				count++
			}
		}
	}
	if count != found.Arrived {
		t.Errorf("the map has %d frames, the report %d", count, found.Arrived)
	}
}

// Workers do not change what is revealed; progress goes forward up to its total; who gives up gets an error.
func TestProgressAndCancel(t *testing.T) {
	cover := music(t, mono, 6)
	secret := scene(40, 40)
	var (
		phases     []report.Phase
		last, end  int
		concurrent atomic.Int32
	)
	forward := func(phase report.Phase, done, total int) {
		if concurrent.Add(1) > 1 {
			t.Error("progress is reported by two goroutines at once")
		}
		defer concurrent.Add(-1)
		if len(phases) == 0 || phases[len(phases)-1] != phase {
			if slices.Contains(phases, phase) {
				t.Errorf("phase %s comes again after %v", phase, phases)
			}
			phases, last = append(phases, phase), 0
		}
		if done < last || done > total {
			t.Errorf("%s went from %d to %d of %d", phase, last, done, total)
		}
		last, end = done, total
	}
	stego, _ := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{Progress: forward, Workers: 2})
	if last != end || len(phases) < 3 {
		t.Errorf("hiding ended at %d of %d in %v", last, end, phases)
	}
	phases, last, end = nil, 0, 0
	revealed, _ := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Progress: forward, Workers: 1})
	if last != end || len(phases) < 1 {
		t.Errorf("revealing ended at %d of %d in %v", last, end, phases)
	}
	again, _ := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Workers: 3})
	if psnr(t, revealed, again) < 100 {
		t.Error("one and three workers reveal different pictures")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ditas.Hide(ctx, io.Discard, open(t, cover), secret, ditas.Public(), ditas.HideOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Hide: %v", err)
	}
	if _, _, err := ditas.Reveal(ctx, open(t, stego), ditas.Public(), ditas.RevealOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Reveal: %v", err)
	}
	if _, err := ditas.NewSurvey(ctx, open(t, cover), ditas.SurveyOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("NewSurvey: %v", err)
	}
}

// What networks hid is found without being told, and they say what they cannot do.
func TestNetworks(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 3.3)
	secret := scene(64, 64)
	const method = "ditas-m-ed"
	stego, report := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{Method: method})
	if !strings.HasPrefix(report.Method, "ditas") || report.PSNR < 25 {
		t.Errorf("%+v", report)
	}
	for _, o := range []ditas.RevealOptions{{}, {Method: report.Method}} {
		if testing.Short() && o.Method == "" {
			continue // this tries other methods first
		}
		var stages []*picture.Planes
		o.Stage = func(i int, p *picture.Planes) {
			if i != len(stages) {
				t.Errorf("stage %d comes after %d", i, len(stages))
			}
			stages = append(stages, p)
		}
		revealed, found := reveal(t, stego, ditas.Public(), o)
		// The picture grows from stage to stage.
		last := 0.0
		for i, p := range stages {
			got := psnr(t, secret, p)
			if got <= last {
				t.Errorf("stage %d has %.1f dB, and the one before it %.1f dB", i, got, last)
			}
			last = got
		}
		if len(stages) != len(found.Stages) || last != psnr(t, secret, revealed) {
			t.Errorf("%d stages were shown of %d, up to %.2f dB", len(stages), len(found.Stages), last)
		}
		if got := psnr(t, secret, revealed); math.Abs(got-report.PSNR) > 1e-6 || found.Method != report.Method || !found.Complete {
			t.Errorf("%+v: revealed at %.2f dB, promised %.2f dB, %+v", o, got, report.PSNR, found)
		}
		inspected(t, stego, ditas.Public(), o, found)
	}
	for name, c := range map[string]struct {
		key ditas.Key
		o   ditas.HideOptions
	}{
		"passphrase": {passphrase(t, "x"), ditas.HideOptions{Method: method}},
		"faint":      {ditas.Public(), ditas.HideOptions{Method: method, Strength: ditas.Faint()}},
		"60":         {ditas.Public(), ditas.HideOptions{Method: method, Strength: ditas.SNR(61)}},
	} {
		if _, err := ditas.Hide(t.Context(), io.Discard, open(t, cover), secret, c.key, c.o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key has to be given, and an empty passphrase is none.
func TestKey(t *testing.T) {
	racetest.Skip(t)
	cover := open(t, music(t, mono, 1))
	if _, err := ditas.Hide(t.Context(), io.Discard, cover, scene(8, 8), ditas.Key{}, ditas.HideOptions{}); !errors.Is(err, ditas.ErrNoKey) {
		t.Errorf("hiding without a key: %v", err)
	}
	if _, _, err := ditas.Reveal(t.Context(), cover, ditas.Key{}, ditas.RevealOptions{}); !errors.Is(err, ditas.ErrNoKey) {
		t.Errorf("revealing without a key: %v", err)
	}
	if _, err := ditas.Passphrase("", nil); !errors.Is(err, ditas.ErrNoPassphrase) {
		t.Errorf("an empty passphrase: %v", err)
	}
	salt, err := ditas.Salt("ours", nil)
	if err != nil {
		t.Fatal(err)
	}
	salted, err := ditas.Passphrase("x", salt)
	if err != nil || salted == passphrase(t, "x") || !salted.Secret() || ditas.Public().Secret() {
		t.Errorf("a salt changes nothing (%v)", err)
	}
}

// Every method hides, tells its capacity, fits a picture into it, inspects and reveals.
func TestMethods(t *testing.T) {
	for _, m := range ditas.Methods() {
		t.Run(m.Name, func(t *testing.T) {
			seconds, least := 4, 64*64
			if m.Name == ditas.Durable {
				seconds, least = 12, 56*56 // what codecs leave is little
			}
			if testing.Short() {
				seconds, least = min(seconds, 5), 1
			}
			cover := music(t, mono, float64(seconds))
			if m.Summary == "" || m.Costs == "" || len(m.Survives) == 0 || len(m.Loses) == 0 {
				t.Errorf("%+v", m)
			}
			s, err := ditas.NewSurvey(t.Context(), open(t, cover), ditas.SurveyOptions{Method: m.Name})
			if err != nil {
				t.Fatal(err)
			}
			room, err := s.Capacity(ditas.Strength{})
			if err != nil || room.Method != m.Name || m.MaxSNR > 0 && room.SNR < m.DefaultSNR-1 || room.Pixels < least ||
				room.Duration != time.Duration(seconds)*time.Second {
				t.Fatalf("%+v, %v", room, err)
			}
			var stego bytes.Buffer
			secret := scene(2*room.Side, room.Side)
			key, stages := ditas.Public(), 2
			if m.SecretOnly {
				if _, err := s.Hide(t.Context(), io.Discard, secret, key, ditas.HideOptions{Fit: true}); err == nil {
					t.Error("hides without a passphrase")
				}
				key, stages = passphrase(t, "x"), 1
			}
			hidden, err := s.Hide(t.Context(), &stego, secret, key, ditas.HideOptions{Fit: true})
			w, h := room.Fit(secret.Width, secret.Height)
			if err != nil || hidden.Width != w || hidden.Height != h || hidden.Method != m.Name || len(hidden.Stages) < stages {
				t.Fatalf("%+v, %v, want %d×%d", hidden, err, w, h)
			}
			o := ditas.RevealOptions{Plain: true}
			if testing.Short() {
				o.Method = m.Name
			}
			p, found := reveal(t, stego.Bytes(), key, o)
			if got := psnr(t, rounded(secret.Resize(w, h)), p); math.Abs(got-hidden.PSNR) > 1e-6 || found.Method != m.Name || !found.Complete {
				t.Errorf("revealed at %.2f dB, promised %.2f dB: %+v", got, hidden.PSNR, found)
			}
		})
	}
}

// Purposes choose how to hide, and contradictions are refused.
func TestPurposes(t *testing.T) {
	racetest.Skip(t)
	if p := ditas.Purposes(); len(p) < 3 || p[0].Name != ditas.Keep || p[0].Method != ditas.Methods()[0].Name {
		t.Errorf("purposes %+v", p)
	}
	cover := music(t, mono, 9)
	for _, p := range ditas.Purposes() {
		s, err := ditas.NewSurvey(t.Context(), open(t, cover), ditas.SurveyOptions{For: p.Name})
		if err != nil || s.Method() != p.Method {
			t.Fatalf("for %s: %v", p.Name, err)
		}
		room, err := s.Capacity(ditas.Strength{})
		if err != nil || room.Bytes < 100 || (p.Method == ditas.Durable) != (len(room.Stages) > 0) {
			t.Errorf("for %s: %+v, %v", p.Name, room, err)
		}
		if _, err := s.Capacity(ditas.SNR(50)); (err == nil) != (p.Name == ditas.Keep) {
			t.Errorf("for %s at 50 dB: %v", p.Name, err)
		}
	}
	for _, o := range []ditas.HideOptions{
		{For: "nothing"}, {For: ditas.Share, Method: ditas.Lattice}, {For: ditas.Keep, Method: ditas.Durable},
		{For: ditas.Share, Strength: ditas.SNR(40)}, {For: ditas.Voice, Strength: ditas.Faint()},
	} {
		if _, err := ditas.Hide(t.Context(), io.Discard, open(t, cover), scene(8, 8), ditas.Public(), o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// A cover that ditas cannot write becomes a FLAC file.
func TestCoverOfAnotherKind(t *testing.T) {
	racetest.Skip(t)
	data, err := os.ReadFile("audio/mp3/testdata/joint.mp3")
	if err != nil {
		t.Fatal(err)
	}
	cover, err := mp3.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ditas.NewSurvey(t.Context(), cover, ditas.SurveyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if w := s.Warnings(); len(w) != 1 || w[0].Kind != report.Compressed {
		t.Errorf("warnings %+v", w)
	}
	var stego bytes.Buffer
	if _, err := s.Hide(t.Context(), &stego, scene(16, 16), ditas.Public(), ditas.HideOptions{}); err != nil {
		t.Fatal(err)
	}
	written, err := flac.Open(bytes.NewReader(stego.Bytes()), int64(stego.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if p, _, err := ditas.Reveal(t.Context(), written, ditas.Public(), ditas.RevealOptions{}); err != nil || psnr(t, scene(16, 16), p) < 100 {
		t.Errorf("the picture does not come back: %v", err)
	}
}

// rounded rounds a picture as files do.
func rounded(p *picture.Planes) *picture.Planes {
	p.Round()
	return p
}

// What capacity says fits is hidden and comes back, in recordings with pauses of digital silence too.
func TestPausesKeepTheirPromise(t *testing.T) {
	racetest.Skip(t)
	file := music(t, mono, 5)
	rec, err := wav.Decode(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for name, silent := range map[string]func(at float64) bool{
		"a long pause": func(at float64) bool { return at > 1 && at < 4 },
		"short pauses": func(at float64) bool { return math.Mod(at, 1) > 0.4 },
	} {
		t.Run(name, func(t *testing.T) {
			gated := audio.Recording{Format: rec.Format, Samples: audio.NewBlock(1, rec.Frames())}
			for i, v := range rec.Samples[0] {
				if !silent(float64(i) / 16000) {
					gated.Samples[0][i] = v
				}
			}
			var b bytes.Buffer
			if err := wav.Encode(&b, &gated); err != nil {
				t.Fatal(err)
			}
			secret := scene(150, 140)
			stego, hidden := hide(t, b.Bytes(), secret, ditas.Public(), ditas.HideOptions{Fit: true})
			p, found := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Plain: true})
			if p.Width != hidden.Width || !found.Complete || hidden.PSNR < 20 {
				t.Errorf("hidden %+v, found %+v", hidden, found)
			}
			if p.Width == secret.Width {
				if got := psnr(t, secret, p); math.Abs(got-hidden.PSNR) > 1e-9 {
					t.Errorf("revealed at %.2f dB, promised %.2f dB", got, hidden.PSNR)
				}
			}
		})
	}
}

// The largest picture that a recording takes comes back at its full size, also where it has more than a million pixels.
func TestLargestPicture(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 3)
	room, err := survey(t, cover).Capacity(ditas.Strength{})
	if err != nil {
		t.Fatal(err)
	}
	if room.Pixels < 1<<20 {
		t.Fatalf("room for %d pixels", room.Pixels)
	}
	stego, _ := hide(t, cover, scene(room.Side, room.Side), ditas.Public(), ditas.HideOptions{})
	p, _ := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Plain: true})
	if p.Width != room.Side || p.Height != room.Side {
		t.Errorf("a picture of %d×%d pixels came back as one of %d×%d", room.Side, room.Side, p.Width, p.Height)
	}
}
