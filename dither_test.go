package ditas_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/picture"
	"ditas/report"
)

// dithered returns a recording as Dither writes it.
func dithered(t *testing.T, recording audio.File, seed uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := ditas.Dither(t.Context(), &b, recording, ditas.DitherOptions{Random: rand.NewChaCha8([32]byte{byte(seed)}), Workers: 2}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is dithered has 16 bits, and an error that is weak, of mean 0 and a quarter of a square step; the same random numbers make the same file.
func TestDither(t *testing.T) {
	fine := mono
	fine.Encoding = audio.Int24
	for _, f := range []audio.Format{mono, fine} {
		recording := music(t, f, 2)
		file := dithered(t, open(t, recording), 1)
		if !bytes.Equal(file, dithered(t, open(t, recording), 1)) || bytes.Equal(file, dithered(t, open(t, recording), 2)) {
			t.Errorf("%v: the same random numbers make other files, or others the same", f)
		}
		before, err := wav.Decode(bytes.NewReader(recording), int64(len(recording)))
		if err != nil {
			t.Fatal(err)
		}
		after, err := wav.Decode(bytes.NewReader(file), int64(len(file)))
		if err != nil || after.Format != mono || after.Frames() != before.Frames() {
			t.Fatalf("%v became %v (%v)", f, after.Format, err)
		}
		sum, squares, most := 0.0, 0.0, 0.0
		for i, v := range after.Samples[0] {
			d := 32768 * (v - before.Samples[0][i])
			sum, squares, most = sum+d, squares+d*d, max(most, math.Abs(d))
		}
		n := float64(after.Frames())
		if math.Abs(sum/n) > 0.015 || math.Abs(squares/n-0.25) > 0.01 || most > 1.5 {
			t.Errorf("%v: the error has a mean of %.3f, a variance of %.3f and up to %.2f steps", f, sum/n, squares/n, most)
		}
		if f == mono && !bytes.HasSuffix(file, []byte("note\x04\x00\x00\x00abcd")) {
			t.Error("what else the file held is lost")
		}
	}
	cut := music(t, mono, 2)
	cut = cut[:len(cut)-5000]
	if err := ditas.Dither(t.Context(), new(bytes.Buffer), open(t, cut), ditas.DitherOptions{}); !errors.As(err, new(*audio.TruncatedError)) {
		t.Errorf("of a file that is cut off: %v", err)
	}
}

// untouched is a recording that nobody may read.
type untouched struct {
	audio.File
	t *testing.T
}

func (u untouched) Reader() audio.Reader {
	u.t.Error("the recording is read")
	return u.File.Reader()
}

// What is hidden in secret needs a passphrase, and is not warned of bands that it does not fill.
func TestSecrecy(t *testing.T) {
	cover := open(t, music(t, mono, 2))
	var b bytes.Buffer
	if _, err := ditas.Hide(t.Context(), &b, untouched{cover, t}, picture.New(8, 8), ditas.Public(), ditas.HideOptions{For: ditas.Secret}); err == nil || b.Len() > 0 {
		t.Errorf("without a passphrase: %v", err)
	}
	rec := &audio.Recording{Format: mono, Samples: audio.NewBlock(1, 60000)}
	rng, smooth := rand.New(rand.NewPCG(3, 3)), rec.Samples[0]
	for i := range smooth {
		smooth[i] = 0.3 * rng.NormFloat64()
	}
	for range 40 { // until there is next to nothing at the upper end of the band
		for i := len(smooth) - 1; i > 0; i-- {
			smooth[i] = (smooth[i] + smooth[i-1]) / 2
		}
	}
	for i, v := range smooth {
		smooth[i] = mono.Quantize(v)
	}
	var narrow bytes.Buffer
	if err := wav.Encode(&narrow, rec); err != nil {
		t.Fatal(err)
	}
	for purpose, warned := range map[string]bool{ditas.Keep: true, ditas.Secret: false} {
		s, err := ditas.NewSurvey(context.Background(), open(t, narrow.Bytes()), ditas.SurveyOptions{For: purpose})
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[report.WarningKind]bool{}
		for _, w := range s.Warnings() {
			kinds[w.Kind] = true
		}
		if kinds[report.Narrow] != warned {
			t.Errorf("for %s: warned of %v", purpose, s.Warnings())
		}
	}
}
