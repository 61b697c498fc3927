package lattice

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/channel"
	"ditas/internal/racetest"
)

// half returns a recording with half as much in it as it has room for, so that something may be lost.
func half(t *testing.T, rec *audio.Recording, snr float64) (stego *audio.Recording, hidden []byte) {
	t.Helper()
	v, cover := survey(t, rec)
	p := v.Plan(Robust, v.MSE(snr))
	hidden = payload(p.Room() / 2)
	return decode(t, write(t, cover, p, hidden)), hidden
}

// arrives fails unless the payload comes back, of which at least so many bytes; what comes is its beginning in any case.
func arrives(t *testing.T, rec *audio.Recording, hidden []byte, least int) *carrier.Message {
	t.Helper()
	m := find(t, rec)
	if m.Size != len(hidden) || !bytes.HasPrefix(hidden, m.Payload) {
		t.Fatalf("%d bytes of %d came back, or others", len(m.Payload), m.Size)
	}
	if len(m.Payload) < least {
		t.Errorf("%d of %d bytes came back, want %d; %d of %d frames", len(m.Payload), len(hidden), least, m.Arrived, m.Frames)
	}
	return m
}

func clone(rec *audio.Recording) *audio.Recording {
	c := &audio.Recording{Format: rec.Format}
	for _, x := range rec.Samples {
		c.Samples = append(c.Samples, slices.Clone(x))
	}
	return c
}

// A piece that is cut off or out, wherever, costs as much as it is long.
func TestCuts(t *testing.T) {
	racetest.Skip(t)
	stego, hidden := half(t, noise(11, mono(audio.Int16), 40*FrameLength), 40)
	x := stego.Samples[0]
	for name, cut := range map[string]func(x []float64) []float64{
		"head":       func(x []float64) []float64 { return x[3333:] },
		"tail":       func(x []float64) []float64 { return x[:len(x)-5555] },
		"the middle": func(x []float64) []float64 { return slices.Delete(x, 15000, 15000+4444) },
		"noise before it": func(x []float64) []float64 {
			return append(slices.Clone(noise(13, mono(audio.Int16), 2222).Samples[0]), x...)
		},
		"something in the middle": func(x []float64) []float64 { return slices.Insert(x, 20000, make([]float64, 2345)...) },
	} {
		t.Run(name, func(t *testing.T) {
			rec := &audio.Recording{Format: stego.Format, Samples: [][]float64{cut(slices.Clone(x))}}
			m := arrives(t, rec, hidden, len(hidden))
			lost := max(0, len(x)-len(rec.Samples[0]))/FrameLength + 3
			if m.Arrived < m.Frames-lost || m.Frames != 40 || len(m.Map) != 1 || len(m.Map[0]) != 40 {
				t.Errorf("%d of %d frames were found, want all but %d", m.Arrived, m.Frames, lost)
			}
			if m.Gain != 1 || m.Offset != 0 {
				t.Errorf("gain %g, offset %g", m.Gain, m.Offset)
			}
		})
	}
	// Less than half of it is too little for all, but not for the beginning.
	rec := &audio.Recording{Format: stego.Format, Samples: [][]float64{slices.Clone(x[22*FrameLength+300 : 36*FrameLength])}}
	arrives(t, rec, hidden, 30)
}

// Stretches that are muted or written over are lost, and nothing else.
func TestStretchesThatAreGone(t *testing.T) {
	racetest.Skip(t)
	stego, hidden := half(t, noise(14, mono(audio.Int16), 48*FrameLength), 40)
	rng := newRand(15)
	for range 4 {
		rec := clone(stego)
		x := rec.Samples[0]
		for range 3 {
			from := rng.IntN(len(x) - 6000)
			clear(x[from : from+1+rng.IntN(4000)])
		}
		arrives(t, rec, hidden, len(hidden))
	}
	rec := clone(stego)
	copy(rec.Samples[0][20000:], noise(16, stego.Format, 6000).Samples[0])
	arrives(t, rec, hidden, len(hidden))
	// Of the frames that are gone the map tells.
	rec = clone(stego)
	clear(rec.Samples[0][10*FrameLength : 14*FrameLength])
	m := arrives(t, rec, hidden, len(hidden))
	for k, there := range m.Map[0] {
		if there != (k < 10 || k >= 14) {
			t.Errorf("the map says %t of frame %d", there, k)
		}
	}
	if m.Arrived != 44 {
		t.Errorf("%d frames were found", m.Arrived)
	}
}

// What becomes of channels does not matter as long as one of them is there.
func TestChannels(t *testing.T) {
	racetest.Skip(t)
	stego, hidden := half(t, noise(17, audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 30*FrameLength), 40)
	a, b := stego.Samples[0], stego.Samples[1]
	silence := make([]float64, len(a))
	as := func(channels ...[]float64) *audio.Recording {
		f := stego.Format
		f.Channels = len(channels)
		return &audio.Recording{Format: f, Samples: channels}
	}
	for name, c := range map[string]struct {
		rec   *audio.Recording
		least int
		found [2]bool
	}{
		"swapped":         {as(b, a), len(hidden), [2]bool{true, true}},
		"the left alone":  {as(a), 100, [2]bool{true, false}},
		"the right alone": {as(b), 100, [2]bool{false, true}},
		"left twice":      {as(a, a), 100, [2]bool{true, false}},
		"right is silent": {as(a, silence), 100, [2]bool{true, false}},
		"left is silent":  {as(silence, b), 100, [2]bool{false, true}},
		"a third one":     {as(noise(18, mono(audio.Int16), len(a)).Samples[0], a, b), len(hidden), [2]bool{true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			m := arrives(t, c.rec, hidden, c.least)
			for lane, want := range c.found {
				count := 0
				for _, there := range m.Map[lane] {
					if there {
						count++
					}
				}
				if want && count != 30 || !want && count != 0 {
					t.Errorf("%d frames of channel %d were found", count, lane)
				}
			}
		})
	}
}

// Louder, fainter, upside down and off zero: what is known of the lattices tells by how much.
func TestGainAndOffset(t *testing.T) {
	stego, hidden := half(t, speech(t, 20000, 24*FrameLength), 45)
	for _, c := range []struct{ gain, offset float64 }{{0.7, 0}, {1, 0.01}, {-1.3, -0.004}} {
		if testing.Short() && c.gain != 0.7 {
			continue
		}
		rec := clone(stego)
		x := rec.Samples[0]
		for i := range x {
			x[i] = rec.Format.Quantize(max(-1, min(1, c.gain*x[i]+c.offset)))
		}
		m := arrives(t, rec, hidden, len(hidden)/8)
		if !(math.Abs(m.Gain/c.gain-1) < 1e-3) || math.Abs(m.Offset-c.offset) > 2e-4 {
			t.Errorf("gain %g and offset %g are told to be %g and %g", c.gain, c.offset, m.Gain, m.Offset)
		}
	}
}

// A large offset that steps of several strengths nearly fit into is not taken for one where there is none.
func TestFarOffset(t *testing.T) {
	racetest.Skip(t)
	rec := speech(t, 0, 40000)
	for _, x := range rec.Samples {
		for i, v := range x {
			x[i] = rec.Format.Quantize(v / 4)
		}
	}
	data, _ := stego(t, rec, Robust, 50)
	louder := channel.Convert(channel.Gain(decode(t, data), 12), audio.Int16)
	l, err := newListener(host(open(t, file(t, louder))), ours, 2)
	if err != nil {
		t.Fatal(err)
	}
	h, k, err := l.find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	k.offset = 1078.0 / 32768
	f, err := l.amplitude(context.Background(), h, k)
	if err != nil {
		t.Fatal(err)
	}
	want := math.Pow(10, 12.0/20)
	if math.Abs(f.gain/want-1) > 1e-3 || math.Abs(f.offset) > 2e-5 {
		t.Errorf("gain %g, offset %g: want %g and none", f.gain, f.offset, want)
	}
}

// The file may become one of another format on the way.
func TestOtherFormats(t *testing.T) {
	racetest.Skip(t)
	stego, hidden := half(t, noise(19, mono(audio.Int16), 30*FrameLength), 40)
	for _, e := range []audio.Encoding{audio.Int24, audio.Int32, audio.Float32, audio.Float64} {
		rec := clone(stego)
		rec.Format.Encoding = e
		if m := arrives(t, rec, hidden, len(hidden)); m.Gain != 1 {
			t.Errorf("%v: gain %g", e, m.Gain)
		}
	}
	fine, hidden := half(t, noise(20, mono(audio.Float32), 30*FrameLength), 40)
	fine.Format.Encoding = audio.Int16
	for i, v := range fine.Samples[0] {
		fine.Samples[0][i] = fine.Format.Quantize(v)
	}
	arrives(t, fine, hidden, len(hidden)/2)
}

// Noise costs stages from the last one on. The receiver tells how much of it there is.
func TestNoise(t *testing.T) {
	racetest.Skip(t)
	cover := noise(21, mono(audio.Int16), 40*FrameLength)
	stego, hidden := half(t, cover, 35)
	change := 0.0
	for i, v := range stego.Samples[0] {
		d := v - cover.Samples[0][i]
		change += d * d
	}
	change = math.Sqrt(change / float64(len(stego.Samples[0])))
	rng := newRand(22)
	last := len(hidden) + 1
	for i, db := range []float64{40, 15, 6, 0} {
		rec := clone(stego)
		sigma := change * math.Pow(10, -db/20)
		for j, v := range rec.Samples[0] {
			rec.Samples[0][j] = rec.Format.Quantize(v + sigma*rng.NormFloat64())
		}
		m := arrives(t, rec, hidden, []int{len(hidden), len(hidden) / 20, 20, 1}[i])
		if len(m.Payload) > last {
			t.Errorf("with more noise, at %g dB, more arrives", db)
		}
		last = len(m.Payload)
		if sigma = math.Hypot(sigma, unit/math.Sqrt(12)); m.Noise < 0.8*sigma || m.Noise > 1.25*sigma {
			t.Errorf("at %g dB there is noise of %g, want %g", db, m.Noise, sigma)
		}
	}
}

// A file that ends too early is a shorter recording, and the message says so.
func TestTruncated(t *testing.T) {
	racetest.Skip(t)
	rec := noise(23, mono(audio.Int16), 40*FrameLength)
	stego, hidden := half(t, rec, 40)
	data := file(t, stego)
	m, err := Find(context.Background(), host(open(t, data[:len(data)*3/4+1])), ours, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var cut *audio.TruncatedError
	if !errors.As(m.Cut, &cut) {
		t.Errorf("that the file is cut off is told as %v", m.Cut)
	}
	if !bytes.Equal(m.Payload, hidden) {
		t.Errorf("%d of %d bytes came back", len(m.Payload), len(hidden))
	}
}

// A recording that was hidden in twice holds what came last, and one key's message does not stand in the way of another's.
func TestHiddenTwice(t *testing.T) {
	racetest.Skip(t)
	stego, _ := half(t, noise(24, mono(audio.Int16), 30*FrameLength), 40)
	v, cover := survey(t, stego)
	p := v.Plan(Robust, v.MSE(40))
	second := payload(p.Room())
	var b bytes.Buffer
	if _, err := hide(context.Background(), &b, cover, p, second, ours, nonce{9}, 2, nil); err != nil {
		t.Fatal(err)
	}
	if m := findIn(t, b.Bytes()); !bytes.Equal(m.Payload, second) {
		t.Errorf("%d of %d bytes came back", len(m.Payload), len(second))
	}
}

// The number of bits that a fine symbol carries tells the level of weak frames, and so a gain that strong symbols leave open.
func TestWeakFramesTellTheGain(t *testing.T) {
	racetest.Skip(t)
	rec := speech(t, 20000, 48*FrameLength)
	// They come late.
	for i := range rec.Samples[0][24*FrameLength:] {
		s := &rec.Samples[0][24*FrameLength+i]
		*s = rec.Format.Quantize(*s * 0.03)
	}
	v, cover := survey(t, rec)
	p := v.Plan(Robust, v.MSE(45))
	hidden := payload(p.Room() / 2)
	y := decode(t, write(t, cover, p, hidden))
	for _, gain := range []float64{0.2512, 0.5012, -0.9} {
		z := clone(y)
		z.Format.Encoding = audio.Float32
		for i := range z.Samples[0] {
			z.Samples[0][i] *= gain
		}
		m := findIn(t, file(t, z))
		if !bytes.Equal(m.Payload, hidden) || math.Abs(m.Gain/gain-1) > 1e-4 {
			t.Errorf("gain %g was taken for %g, %d of %d bytes came back", gain, m.Gain, len(m.Payload), len(hidden))
		}
	}
}
