package durable

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/racetest"
)

// damaged does to a recording what the bytes of ops say, four of them each: what happens, where it begins, how long it lasts, and how much of it.
func damaged(x []float64, ops []byte) []float64 {
	for ; len(ops) >= 4; ops = ops[4:] {
		if len(x) == 0 {
			return x
		}
		at := int(ops[1]) * len(x) / 256
		n := min(len(x)-at, 1+int(ops[2])*len(x)/256)
		amount := float64(ops[3]) / 256
		part := x[at : at+n]
		switch ops[0] % 9 {
		case 0: // lost
			x = append(x[:at:at], x[at+n:]...)
		case 1:
			clear(part)
		case 2: // repeated
			x = append(x[:at+n:at+n], x[at:min(len(x), at+n)]...)
		case 3: // louder or quieter, upside down as well
			for i := range part {
				part[i] *= 4*amount - 2
			}
		case 4: // noise
			r := rand.New(rand.NewPCG(uint64(ops[1]), uint64(ops[2])))
			for i := range part {
				part[i] += amount * amount * r.NormFloat64()
			}
		case 5: // clipped
			for i, v := range part {
				part[i] = max(-amount, min(amount, v))
			}
		case 6: // a frame of another time
			copy(part, x[int(ops[3])*len(x)/256:])
		case 7: // values that no recording has
			part[0], part[len(part)-1] = math.NaN(), math.Inf(1)
			part[len(part)/2] = math.MaxFloat64 * (2*amount - 1)
		case 8: // slower or faster
			rate := 1 + (amount-0.5)*2e-3
			y := make([]float64, max(0, int(float64(len(x)-2*reach)/rate)-1))
			newInterpolator().convert(y, x, reach+amount, rate)
			x = y
		}
	}
	return x
}

// However a recording is damaged, what comes back is the beginning of what was hidden in it, or nothing.
func TestDamage(t *testing.T) {
	racetest.Skip(t)
	b, err := os.ReadFile("testdata/golden.wav")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := audio.ReadAll(opened(t, b))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]byte{
		"faster":                {8, 0, 0, 190},
		"front lost":            {0, 0, 60, 0},
		"many cuts":             {0, 10, 1, 0, 0, 60, 1, 0, 0, 110, 1, 0, 0, 160, 1, 0, 0, 210, 1, 0},
		"middle silent":         {1, 100, 60, 0},
		"next to nothing left":  {0, 1, 254, 0},
		"noise and clipped":     {4, 0, 255, 20, 5, 0, 255, 30},
		"no numbers":            {7, 50, 100, 250, 7, 200, 1, 0},
		"repeated and inverted": {2, 30, 80, 0, 3, 0, 255, 70},
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 23))
		ops := make([]byte, 4*(1+r.IntN(4)))
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		kinds[fmt.Sprintf("drawn from seed %d", seed)] = ops
	}
	for name, ops := range kinds {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("takes seconds")
			}
			x := damaged(append([]float64(nil), golden.Samples[0]...), ops)
			r := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Float64}, Samples: [][]float64{x}}
			m, err := reveal(t, r, key)
			if err != nil && !errors.Is(err, carrier.ErrNotFound) {
				t.Fatal(err)
			}
			if err == nil && !bytes.HasPrefix([]byte("what was hidden once is found for ever"), m.Payload) {
				t.Errorf("%q", m.Payload)
			}
		})
	}
}

// Whatever the offset, the drift, the volume and the third that is lost, the first stages come back.
func TestAnyThirdLost(t *testing.T) {
	racetest.Skip(t)
	cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 20, 31)
	stego, payload := hide(t, cover, Share)
	interpolator := newInterpolator()
	const mostDrift = 100e-6
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 17))
		offset, drift, gain := reach+1+2000*r.Float64(), (2*r.Float64()-1)*mostDrift, 0.3+0.6*r.Float64()
		n := len(stego.Samples[0]) - 3000
		from := r.IntN(n - n/3)
		cut := r.IntN(2) == 0 // or silent
		x := make([]float64, n)
		interpolator.convert(x, stego.Samples[0], offset, 1+drift)
		for i := range x {
			x[i] *= gain
		}
		if clear(x[from:][:n/3]); cut {
			x = append(x[:from], x[from+n/3:]...)
		}
		s := quantized(&audio.Recording{Format: stego.Format, Samples: [][]float64{x}})
		m, err := reveal(t, s, key)
		if err != nil {
			t.Errorf("from sample %.2f, %.1f ppm, × %.2f, a third from %d on (cut: %t): %v", offset, 1e6*drift, gain, from, cut, err)
			continue
		}
		stages := 0
		for _, stage := range m.Stages {
			if stage.Arrived == stage.Blocks {
				stages++
			}
		}
		if stages < 2 || !bytes.HasPrefix(payload, m.Payload) || len(m.Payload) < m.Stages[0].Bytes+m.Stages[1].Bytes {
			t.Errorf("from sample %.2f, %.1f ppm, × %.2f, a third from %d on (cut: %t): %+v", offset, 1e6*drift, gain, from, cut, m.Stages)
		}
	}
}
