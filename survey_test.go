package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"testing"

	"ditas"
	"ditas/audio/wav"
	"ditas/internal/racetest"
	"ditas/picture"
	"ditas/report"
)

// A recording without room says what it takes, and takes that.
func TestLeastLength(t *testing.T) {
	listen := func(seconds float64) error {
		_, err := ditas.NewSurvey(context.Background(), open(t, music(t, mono, seconds)), ditas.SurveyOptions{})
		return err
	}
	var short *report.TooShortError
	least := report.TooShortError{}
	for _, length := range []float64{0.1, 0.45} {
		if err := listen(length); !errors.As(err, &short) || math.Abs(short.Have.Seconds()-length) > 1e-3 {
			t.Fatalf("%g s: %v", length, err)
		}
		least = *short
	}
	if err := listen(least.Need.Seconds() + 1e-4); err != nil {
		t.Errorf("of the length that it takes, %v: %v", least.Need, err)
	}
	if err := listen(least.Need.Seconds() - 1e-3); !errors.As(err, &short) {
		t.Errorf("shorter than it takes, %v: %v", least.Need, err)
	}
}

// What the estimator says of a small picture is what Hide makes of it, but for what the network restores.
func TestEstimateIsWhatComesBack(t *testing.T) {
	racetest.Skip(t)
	cover := music(t, mono, 2)
	s := survey(t, cover)
	for _, side := range []int{32, 64, 160} {
		secret := scene(side, side)
		e, err := ditas.NewEstimator(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		room, err := s.Capacity(ditas.Strength{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.PSNR(t.Context(), room.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		_, report := hide(t, cover, secret, ditas.Public(), ditas.HideOptions{})
		if report.Exact != (got == 100) || report.Exact != (e.Bytes() <= room.Bytes) || math.Abs(report.PSNR-got) > 1 {
			t.Errorf("%d pixels a side: %.1f dB expected, %.1f dB come back", side, got, report.PSNR)
		}
	}
}

// A large picture is judged by samples of all of it.
func TestEstimateOfLargePicture(t *testing.T) {
	racetest.Skip(t)
	small := scene(1024, 300)
	e, err := ditas.NewEstimator(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	large := picture.New(2048, 1200)
	for c := range large.Pix {
		for i := range large.Pix[c] {
			large.Pix[c][i] = small.Pix[c][(i/2048)%300*1024+i%1024]
		}
	}
	f, err := ditas.NewEstimator(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := float64(f.Bytes()) / (8 * float64(e.Bytes())); math.Abs(ratio-1) > 0.1 {
		t.Errorf("a picture repeated eight times takes %.2f times eight times as much", ratio)
	}
	small1, err1 := e.PSNR(t.Context(), e.Bytes()/3)
	large1, err2 := f.PSNR(t.Context(), f.Bytes()/3)
	if err1 != nil || err2 != nil || math.Abs(small1-large1) > 1 {
		t.Errorf("%.1f dB and %.1f dB with a third of the bytes (%v, %v)", small1, large1, err1, err2)
	}
}

// Reveal shows the picture grow, stage by stage, as the one who hid it was told.
func TestRevealShowsStages(t *testing.T) {
	racetest.Skip(t)
	secret := scene(64, 64)
	stego, report := hide(t, music(t, mono, 6), secret, ditas.Public(), ditas.HideOptions{})
	var seen []int
	revealed, _ := reveal(t, stego, ditas.Public(), ditas.RevealOptions{Stage: func(i int, p *picture.Planes) {
		seen = append(seen, i)
		if got, want := min(psnr(t, secret, p), 100), report.Stages[i].PSNR; math.Abs(got-want) > 1e-9 {
			t.Errorf("stage %d has %.2f dB, and %.2f dB were promised", i, got, want)
		}
	}})
	if len(seen) < 3 || seen[len(seen)-1] != len(report.Stages)-1 || psnr(t, secret, revealed) < 100 {
		t.Errorf("stages %v were shown of %d", seen, len(report.Stages))
	}
}

// The ratio that a survey tells is what comes out, for recordings that have no room for a ratio as for others, and a ratio that is too high for
// a recording is refused with one that is not.
func TestRatioIsWhatComesOut(t *testing.T) {
	racetest.Skip(t)
	for _, loudness := range []float64{1, 0.1, 0.02, 0.005} {
		loud := music(t, mono, 3)
		rec, err := wav.Decode(bytes.NewReader(loud), int64(len(loud)))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range rec.Samples[0] {
			rec.Samples[0][i] = rec.Format.Quantize(loudness * v)
		}
		var cover bytes.Buffer
		if err := wav.Encode(&cover, rec); err != nil {
			t.Fatal(err)
		}
		s := survey(t, cover.Bytes())
		takes := func(name string, strength ditas.Strength) *report.TooQuietError {
			t.Helper()
			room, err := s.Capacity(strength)
			if err != nil {
				t.Fatal(err)
			}
			if room.TooQuiet != nil {
				return room.TooQuiet
			}
			r, err := s.Hide(t.Context(), io.Discard, scene(40, 30), ditas.Public(), ditas.HideOptions{Strength: strength, Fit: true})
			if errors.Is(err, ditas.ErrUnfound) {
				return nil
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.SNR < room.SNR-1 || r.SNR > room.SNR+5 {
				t.Errorf("%s, %g times as loud: an SNR of %.1f dB came out, and the survey told %.1f dB", name, loudness, r.SNR, room.SNR)
			}
			return nil
		}
		usual, audible := takes("as is usual", ditas.Strength{}), takes("audibly", ditas.Audible(0))
		if usual == nil && audible != nil {
			t.Errorf("%g times as loud: what is taken is refused if it may be heard: %v", loudness, audible)
		}
		takes("faintly", ditas.Faint())
		for _, snr := range []float64{37, 44, 50, 60} {
			quiet := takes("at a ratio", ditas.SNR(snr))
			if quiet == nil {
				room, _ := s.Capacity(ditas.SNR(snr))
				if room.SNR < snr-3 {
					t.Errorf("%g times as loud: %.1f dB where %g dB were asked for", loudness, room.SNR, snr)
				}
				continue
			}
			if quiet.Heard || quiet.Reached > snr {
				continue
			}
			if most := math.Floor(quiet.Reached); takes("at the most there is", ditas.SNR(most)) != nil {
				t.Errorf("%g times as loud: %g dB is refused, too, where %.1f dB is said to be the most", loudness, most, quiet.Reached)
			}
			if room, _ := s.Capacity(ditas.SNR(math.Floor(quiet.Reached))); room.SNR > quiet.Reached+1 {
				t.Errorf("%g times as loud: %.1f dB is said to be the most, and %.1f dB comes out", loudness, quiet.Reached, room.SNR)
			}
		}
	}
}
