package ditas_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/flac"
	"ditas/audio/wav"
	"ditas/internal/racetest"
	"ditas/report"
)

// strange returns a recording of ten seconds of floats.
func strange(t *testing.T, channels int, f func(rng *rand.Rand, i int) float64) *wav.File {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: channels, Encoding: audio.Float32}}
	rec.Samples = audio.NewBlock(channels, 160000)
	for i := range rec.Samples[0] {
		v := f(rng, i)
		for _, x := range rec.Samples {
			x[i] = float64(float32(v))
		}
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	file, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestStrangeCovers checks that what is no sound is refused for what it is, by every method: what is hidden is also revealed.
func TestStrangeCovers(t *testing.T) {
	racetest.Skip(t)
	for name, c := range map[string]struct {
		f    func(rng *rand.Rand, i int) float64
		want error
	}{
		"constant":       {func(*rand.Rand, int) float64 { return 0.3 }, ditas.ErrSilent},
		"square wave":    {func(_ *rand.Rand, i int) float64 { return 0.3 - 0.6*float64(i/40%2) }, ditas.ErrSilent},
		"no numbers":     {func(*rand.Rand, int) float64 { return math.NaN() }, ditas.ErrSilent},
		"infinite":       {func(*rand.Rand, int) float64 { return math.Inf(1) }, ditas.ErrSilent},
		"a million":      {func(rng *rand.Rand, _ int) float64 { return 1e6 * rng.NormFloat64() }, ditas.ErrTooLoud},
		"10^30":          {func(rng *rand.Rand, _ int) float64 { return 1e30 * rng.NormFloat64() }, ditas.ErrTooLoud},
		"16-bit integer": {func(rng *rand.Rand, _ int) float64 { return 5000 * rng.NormFloat64() }, ditas.ErrTooLoud},
		"numbers and holes": {func(rng *rand.Rand, i int) float64 {
			if i%5 > 0 {
				return math.NaN()
			}
			return 0.1 * rng.NormFloat64()
		}, ditas.ErrTooLoud},
		"stretches of holes": {func(rng *rand.Rand, i int) float64 {
			if i%1200 > 200 {
				return math.NaN()
			}
			return 0.1 * rng.NormFloat64()
		}, ditas.ErrTooLoud},
		"a few holes": {func(rng *rand.Rand, i int) float64 {
			if i%50 == 0 {
				return math.NaN()
			}
			return 0.1 * rng.NormFloat64()
		}, nil},
		"loud": {func(rng *rand.Rand, _ int) float64 { return 10 * rng.NormFloat64() }, nil},
		"some beyond": {func(rng *rand.Rand, i int) float64 {
			if i%1000 == 0 {
				return 1e30
			}
			return 0.1 * rng.NormFloat64()
		}, nil},
	} {
		for _, m := range ditas.Methods() {
			s, err := ditas.NewSurvey(t.Context(), strange(t, 1, c.f), ditas.SurveyOptions{Method: m.Name})
			if !errors.Is(err, c.want) {
				t.Errorf("%s by %s: error %v, want %v", name, m.Name, err, c.want)
			}
			if err != nil || c.want != nil || m.Name == "ditas-m-ed" {
				continue
			}
			var b bytes.Buffer
			if _, err := s.Hide(t.Context(), &b, scene(32, 32), ditas.Public(), ditas.HideOptions{Fit: true}); err != nil {
				if m.Name == "lattice" {
					t.Errorf("%s: %v", name, err)
				}
				continue // other methods may have too little room in ten seconds of noise, and say so
			}
			stego, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ditas.Inspect(t.Context(), stego, ditas.Public(), ditas.RevealOptions{Method: m.Name}); err != nil {
				t.Errorf("%s by %s: hidden and not found: %v", name, m.Name, err)
			}
		}
	}
}

// TestManyChannels checks that a file of a few bytes that claims 65535 channels is refused at once.
func TestManyChannels(t *testing.T) {
	racetest.Skip(t)
	rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 65535, Encoding: audio.Int8}, Samples: audio.NewBlock(65535, 2)}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	file, err := wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ditas.Inspect(t.Context(), file, ditas.Public(), ditas.RevealOptions{}); !errors.Is(err, ditas.ErrNothingFound) {
		t.Errorf("error %v", err)
	}
	for _, m := range ditas.Methods() {
		if _, err := ditas.NewSurvey(t.Context(), file, ditas.SurveyOptions{Method: m.Name}); err == nil {
			t.Errorf("surveyed by %s", m.Name)
		}
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 200 {
		t.Errorf("takes %d MiB", took)
	}
}

// TestChannelsThatAreAlike checks that hiding in two channels that are the same is warned of.
func TestChannelsThatAreAlike(t *testing.T) {
	racetest.Skip(t)
	noise := func(rng *rand.Rand, _ int) float64 { return 0.1 * rng.NormFloat64() }
	for channels, want := range map[int]bool{1: false, 2: true} {
		s, err := ditas.NewSurvey(t.Context(), strange(t, channels, noise), ditas.SurveyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		for _, w := range s.Warnings() {
			warned = warned || w.Kind == "alike"
		}
		if warned != want {
			t.Errorf("%d channels: warned %t", channels, warned)
		}
	}
}

// TestDamagedFLAC reveals a picture from a FLAC file of which a bit has changed, and says how much is damaged.
func TestDamagedFLAC(t *testing.T) {
	racetest.Skip(t)
	stego, _ := hide(t, music(t, mono, 8), scene(16, 16), ditas.Public(), ditas.HideOptions{})
	rec, err := audio.ReadAll(open(t, stego))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := flac.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	data[len(data)/2] ^= 1
	file, err := flac.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	p, r, err := ditas.Reveal(t.Context(), file, ditas.Public(), ditas.RevealOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if psnr(t, scene(16, 16), p) < 100 || r.Damaged < 0.1 || r.Damaged > 1 {
		t.Errorf("%.1f dB, %.2f s are said to be damaged", psnr(t, scene(16, 16), p), r.Damaged)
	}
	// A package's own file serves as a cover as well.
	s, err := ditas.NewSurvey(t.Context(), file, ditas.SurveyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if _, err := s.Hide(t.Context(), &again, scene(16, 16), ditas.Public(), ditas.HideOptions{}); err != nil {
		t.Fatal(err)
	}
	if w := s.Warnings(); !slices.ContainsFunc(w, func(w report.Warning) bool { return w.Kind == report.Damaged }) {
		t.Errorf("surveyed, it is not said to be damaged: %v", w)
	}
	if whole, err := flac.Decode(bytes.NewReader(again.Bytes()), int64(again.Len())); err != nil || whole.Frames() != rec.Frames() {
		t.Errorf("hidden in, it has %d of %d frames, %v", whole.Frames(), rec.Frames(), err)
	}
}

// TestHolds checks that a recording is known to hold a picture, by the key that it takes.
func TestHolds(t *testing.T) {
	racetest.Skip(t)
	secret, err := ditas.Passphrase("open sesame", nil)
	if err != nil {
		t.Fatal(err)
	}
	cover := music(t, mono, 6)
	public, _ := hide(t, cover, scene(32, 32), ditas.Public(), ditas.HideOptions{})
	private, _ := hide(t, cover, scene(32, 32), secret, ditas.HideOptions{})
	shared, _ := hide(t, music(t, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 20), scene(32, 32), secret, ditas.HideOptions{For: ditas.Share})
	voice, _ := hide(t, music(t, mono, 20), scene(32, 32), ditas.Public(), ditas.HideOptions{For: ditas.Voice})
	networks, _ := hide(t, music(t, mono, 8), scene(64, 64), ditas.Public(), ditas.HideOptions{Method: "ditas-m-ed"})
	for name, c := range map[string]struct {
		data []byte
		keys []ditas.Key
		want bool
	}{
		"nothing":           {cover, []ditas.Key{ditas.Public(), secret}, false},
		"a public one":      {public, []ditas.Key{ditas.Public(), secret}, true},
		"a secret one":      {private, []ditas.Key{ditas.Public(), secret}, true},
		"one of other keys": {private, []ditas.Key{ditas.Public()}, false},
		"made for sharing":  {shared, []ditas.Key{ditas.Public(), secret}, true},
		"and of other keys": {shared, []ditas.Key{ditas.Public()}, false},
		"made for voices":   {voice, []ditas.Key{ditas.Public()}, true},
		"of the networks":   {networks, []ditas.Key{ditas.Public()}, true},
	} {
		if got, err := ditas.Holds(t.Context(), open(t, c.data), c.keys...); err != nil || (got != nil) != c.want {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
	}
}
