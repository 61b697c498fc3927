package channel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ditas/audio"
)

func stereo(frames int) *audio.Recording {
	r := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 2, Encoding: audio.Int16}, Samples: audio.NewBlock(2, frames)}
	for c, x := range r.Samples {
		for i := range x {
			x[i] = float64(i+1) / 64 * float64(1-2*c)
		}
	}
	return r
}

func TestDamage(t *testing.T) {
	r := stereo(5) // 1 … 5 and −1 … −5, in 64ths
	for _, c := range []struct {
		name        string
		got         *audio.Recording
		left, right []float64
	}{
		{"zero", Zero(r, 1, 2), []float64{1, 0, 0, 4, 5}, []float64{-1, 0, 0, -4, -5}},
		{"zero beyond the end", Zero(r, 3, 9), []float64{1, 2, 3, 0, 0}, []float64{-1, -2, -3, 0, 0}},
		{"zero nothing", Zero(r, 7, 2), []float64{1, 2, 3, 4, 5}, []float64{-1, -2, -3, -4, -5}},
		{"cut", Cut(r, 1, 3), []float64{1, 5}, []float64{-1, -5}},
		{"cut all", Cut(r, -1, 9), nil, nil},
		{"keep", Keep(r, 1, 3), []float64{2, 3, 4}, []float64{-2, -3, -4}},
		{"gain", Gain(r, 20*math.Log10(2)), []float64{2, 4, 6, 8, 10}, []float64{-2, -4, -6, -8, -10}},
		{"invert", Invert(r), []float64{-1, -2, -3, -4, -5}, []float64{1, 2, 3, 4, 5}},
		{"offset", Offset(r, 1.0/64), []float64{2, 3, 4, 5, 6}, []float64{0, -1, -2, -3, -4}},
		{"mute", Mute(r, 0), []float64{0, 0, 0, 0, 0}, []float64{-1, -2, -3, -4, -5}},
		{"swap", Pick(r, 1, 0), []float64{-1, -2, -3, -4, -5}, []float64{1, 2, 3, 4, 5}},
	} {
		for i, want := range [][]float64{c.left, c.right} {
			if !slices.EqualFunc(c.got.Samples[i], want, func(a, b float64) bool { return math.Abs(64*a-b) < 1e-12 }) {
				t.Errorf("%s: channel %d is %v, want %v 64ths", c.name, i, c.got.Samples[i], want)
			}
		}
	}
	if !slices.EqualFunc(r.Samples, stereo(5).Samples, slices.Equal) {
		t.Error("the argument has changed")
	}
	if one := Pick(r, 1); one.Format.Channels != 1 || len(one.Samples) != 1 || one.Samples[0][4] != -5.0/64 {
		t.Errorf("one channel: %+v", one)
	}
}

func TestNoise(t *testing.T) {
	r := stereo(1 << 15)
	a, b := Noise(r, 0.25, rand.NewPCG(1, 2)), Noise(r, 0.25, rand.NewPCG(1, 2))
	if !slices.EqualFunc(a.Samples, b.Samples, slices.Equal) {
		t.Error("one seed gives two noises")
	}
	var sum, squares, product float64
	for i := range r.Frames() {
		left, right := a.Samples[0][i]-r.Samples[0][i], a.Samples[1][i]-r.Samples[1][i]
		sum += left + right
		squares += left*left + right*right
		product += left * right
	}
	n := float64(2 * r.Frames())
	if math.Abs(sum/n) > 0.005 || math.Abs(squares/n-0.0625) > 0.002 || math.Abs(product/n) > 0.002 {
		t.Errorf("mean %g, variance %g, covariance %g", sum/n, squares/n, 2*product/n)
	}
}

func TestConvert(t *testing.T) {
	r := stereo(10)
	fine := Gain(r, 1)
	back := Convert(Convert(Convert(r, audio.Int24), audio.Float32), audio.Int16)
	if back.Format != r.Format || !slices.EqualFunc(back.Samples, r.Samples, slices.Equal) {
		t.Error("16 bits do not survive 24 bits and floating point")
	}
	if c := Convert(fine, audio.Int8); c.Format.Encoding != audio.Int8 || c.Samples[0][0]*128 != math.Round(c.Samples[0][0]*128) {
		t.Errorf("8 bits: %+v", c)
	}
}
