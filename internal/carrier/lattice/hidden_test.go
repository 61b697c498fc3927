package lattice

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/dsp"
	"ditas/internal/keystream"
)

// hollow returns noise at 16 kHz. Its last quarter has next to nothing above 4 kHz: a little more than 16 bits have.
func hollow(seconds int) *audio.Recording {
	r := rand.New(rand.NewPCG(3, 4))
	const taps = 129
	var filter [taps]float64
	for i := range filter {
		t := float64(i - taps/2)
		window := 0.42 + 0.5*math.Cos(2*math.Pi*t/taps) + 0.08*math.Cos(4*math.Pi*t/taps)
		filter[i] = window / 2
		if t != 0 {
			filter[i] = window * math.Sin(math.Pi*t/2) / (math.Pi * t)
		}
	}
	white := make([]float64, seconds*16000+taps)
	for i := range white {
		white[i] = 0.1 * r.NormFloat64()
	}
	format := audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}
	rec := &audio.Recording{Format: format, Samples: audio.NewBlock(1, seconds*16000)}
	for i := range rec.Samples[0] {
		if i < len(rec.Samples[0])*3/4 {
			rec.Samples[0][i] = format.Quantize(0.1 * r.NormFloat64())
			continue
		}
		for j, f := range filter {
			rec.Samples[0][i] += f * white[i+j]
		}
		rec.Samples[0][i] = format.Quantize(rec.Samples[0][i] + 5e-5*r.NormFloat64())
	}
	return rec
}

// above returns the mean power of a signal above 5 kHz, over frames.
func above(t *testing.T, x []float64) (sum float64) {
	t.Helper()
	const size = 512
	p, err := dsp.NewPower(size)
	if err != nil {
		t.Fatal(err)
	}
	spectrum := make([]float64, size/2+1)
	for ; len(x) >= size; x = x[size:] {
		for i := range size / 2 {
			w := func(n int) float64 { return math.Pow(math.Sin(math.Pi*(float64(n)+0.5)/size), 2) }
			p.Set(i, x[2*i]*w(2*i), x[2*i+1]*w(2*i+1))
		}
		p.Compute(spectrum)
		for _, v := range spectrum[5*size/16 : size/2] {
			sum += v
		}
	}
	return sum
}

// Where a recording has next to nothing, a change of the usual strength has less. One that was asked for may be as strong as it.
func TestUsualStaysBelow(t *testing.T) {
	rec := hollow(4)
	var file bytes.Buffer
	if err := wav.Encode(&file, rec); err != nil {
		t.Fatal(err)
	}
	ratio := func(s carrier.Strength) float64 {
		f, err := wav.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		survey, err := Carrier{}.Survey(context.Background(), f, carrier.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var dst bytes.Buffer
		if _, err := survey.Embed(context.Background(), &dst, s, make([]byte, 500), keystream.Public(), rand.NewChaCha8([32]byte{}), carrier.Options{}); err != nil {
			t.Fatal(err)
		}
		stego, err := wav.Decode(bytes.NewReader(dst.Bytes()), int64(dst.Len()))
		if err != nil {
			t.Fatal(err)
		}
		change := stego.Samples[0]
		for i := range change {
			change[i] -= rec.Samples[0][i]
		}
		last := len(change)*3/4 + 1024
		return 10 * math.Log10(above(t, change[last:])/above(t, rec.Samples[0][last:]))
	}
	usual, asked := ratio(carrier.Strength{SNR: 50}), ratio(carrier.Strength{SNR: 50, Asked: true})
	t.Logf("above 5 kHz: %.1f dB, and %.1f dB where it was asked for", usual, asked)
	if usual > -2 {
		t.Errorf("above 5 kHz the change has %.1f dB of the recording", usual)
	}
	if asked < usual+10 {
		t.Errorf("and %.1f dB where it was asked for, so that nothing is shown", asked)
	}
}
