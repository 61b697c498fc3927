package durable

import (
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/lab/experiment/experimenttest"
	"ditas/internal/racetest"
)

// The bits are the capacity of a Gaussian channel, and there are none where there is no mark.
func TestSpreadBits(t *testing.T) {
	const frames = 2000
	chip := chips(frames*spreadCount, rand.NewPCG(1, 2))
	s := &spectrum{frames: frames, values: make([]float64, len(chip))}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, amplitude := range []float64{0, 0.1, 0.3} {
		for i, c := range chip {
			s.values[i] = amplitude*c + rng.NormFloat64()
		}
		got, want := s.bits(chip), float64(len(chip))/2*math.Log2(1+amplitude*amplitude)
		if math.Abs(got-want) > 30+0.05*want {
			t.Errorf("amplitude %g: %.0f bits, want %.0f", amplitude, got, want)
		}
	}
	for i := range s.values {
		s.values[i] = -0.3*chip[i] + rng.NormFloat64()
	}
	if got := s.bits(chip); got != 0 {
		t.Errorf("chips of the wrong sign carry %.0f bits", got)
	}
}

func TestDelay(t *testing.T) {
	racetest.Skip(t)
	x := experimenttest.Voice(48000, 1).Samples[0]
	for _, late := range []int{0, 17, -400, 1105} {
		if got := delay(x, advance(x, -float64(late), len(x))); got != late {
			t.Errorf("a delay of %d is taken for %d", late, got)
		}
	}
	tone := make([]float64, 4000)
	for i := range tone {
		tone[i] = math.Sin(0.7 * float64(i))
	}
	for i, v := range advance(tone, 10.25, 3000)[100:] {
		if want := math.Sin(0.7 * (float64(i+100) + 10.25)); math.Abs(v-want) > 0.01 {
			t.Fatalf("sample %d is %.4f, want %.4f", i+100, v, want)
		}
	}
}

// What is written to the recording comes out of it, late or not, and as loud as the grade asks.
func TestSpreadComesThrough(t *testing.T) {
	racetest.Skip(t)
	cover := experimenttest.Voice(16000*6, 5)
	mark, chip, err := spreadMark(cover, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	loud, err := equallyHeard(t.Context(), cover, mark, -2)
	if err != nil {
		t.Fatal(err)
	}
	soft, err := equallyHeard(t.Context(), cover, mark, -0.3)
	if err != nil {
		t.Fatal(err)
	}
	var bits []float64
	for _, r := range []*audio.Recording{cover, soft, loud} {
		sent, err := project(r)
		if err != nil {
			t.Fatal(err)
		}
		late := &audio.Recording{Format: r.Format, Samples: [][]float64{advance(r.Samples[0], -321.5, r.Frames())}}
		b, err := despread(late, sent, chip)
		if err != nil {
			t.Fatal(err)
		}
		bits = append(bits, b)
	}
	if seconds := float64(cover.Frames()) / ear.Rate; bits[0] > 5*seconds || bits[1] < 3*bits[0] || bits[2] < 1.3*bits[1] {
		t.Errorf("bits without a mark, with a soft and with a loud one: %.0f", bits)
	}
}
