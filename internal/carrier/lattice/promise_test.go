package lattice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/racetest"
)

// drawCover draws a recording as it may come: of any kind, strength, format and length.
func drawCover(rng *rand.Rand) (name string, rec *audio.Recording) {
	f := []audio.Format{
		{Rate: 8000, Channels: 1, Encoding: audio.Int8},
		{Rate: 16000, Channels: 1, Encoding: audio.Int16},
		{Rate: 22050, Channels: 2, Encoding: audio.Int16},
		{Rate: 44100, Channels: 1, Encoding: audio.Int16},
		{Rate: 44100, Channels: 1, Encoding: audio.Int24},
		{Rate: 32000, Channels: 1, Encoding: audio.Float32},
	}[rng.IntN(6)]
	n := int((3 + 7*rng.Float64()*rng.Float64()) * float64(f.Rate))
	rec = &audio.Recording{Format: f, Samples: audio.NewBlock(f.Channels, n)}
	loud := math.Pow(10, -rng.Float64()*3.5)
	tonal := rng.IntN(3) // noise, tones, tones over noise
	floor := math.Pow(10, -1-4*rng.Float64())
	gated := rng.IntN(3) == 0
	fading := rng.IntN(3) == 0
	clip := []float64{1, 1, 0.9, 0.3}[rng.IntN(4)]
	drive := 1.0
	if clip < 1 || rng.IntN(4) == 0 {
		drive = 1 + 8*rng.Float64()
	}
	name = fmt.Sprintf("%v/%.1fs/loud%.4f/tonal%d/gated%v/fading%v/clip%.1f/drive%.1f", f, float64(n)/float64(f.Rate), loud, tonal, gated, fading, clip, drive)
	for _, x := range rec.Samples {
		if tonal > 0 {
			for from := 0; from < n; from += f.Rate / 4 {
				root := 80 * math.Exp2(4*rng.Float64())
				for p := 1; p <= 1+rng.IntN(12); p++ {
					w := 2 * math.Pi * root * float64(p) / float64(f.Rate)
					if w > 3 {
						break
					}
					a, fade := 0.3/float64(p), math.Exp(-float64(p)*3*rng.Float64()/float64(f.Rate))
					for i := from; i < min(from+f.Rate/4, n); i++ {
						x[i] += a * math.Sin(w*float64(i-from))
						a *= fade
					}
				}
			}
		}
		if tonal == 0 {
			floor = 0.3
		}
		low := 0.0
		for i := range x {
			low = 0.7*low + 0.5*rng.NormFloat64()
			if tonal != 1 {
				x[i] += floor * low
			}
			v := x[i] * loud * drive
			if fading {
				v *= math.Pow(10, -3*float64(i)/float64(n))
			}
			if gated && i/(f.Rate/3)%3 == 1 {
				v = 0
			}
			x[i] = f.Quantize(max(-clip, min(clip, v)))
		}
	}
	return name, rec
}

// scant reports whether what may carry something lies in frames that are silent in part, or hardly holds the header.
func (v *Survey) scant() bool {
	sparse, all := float32(0), float32(0)
	for _, frames := range v.frames {
		for _, f := range frames {
			all += f.usable
			if f.usable < 0.6 {
				sparse += f.usable
			}
		}
	}
	return sparse > 0.02*all || all < 2*leastFrames
}

// What a plan has room for comes back from the file as it was written. One full room in a hundred may be refused, with nothing written, as
// the sender sees that not all of it would come back; seven eighths of it are then taken.
func TestRoomIsKept(t *testing.T) {
	racetest.Skip(t)
	count := 50
	if testing.Short() {
		count = 12
	}
	tried, refused := 0, map[int]bool{} // by cover: plans of one are much alike
	defer func() {
		if len(refused) > max(1, tried/100) { // one of few says nothing about the share
			t.Errorf("the full rooms of %d covers were refused, of %d rooms in all", len(refused), tried)
		}
	}()
	for seed := range count {
		rng := newRand(uint64(1000 + seed))
		name, rec := drawCover(rng)
		cover := open(t, file(t, rec))
		v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
		if errors.Is(err, carrier.ErrSilent) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		snr := 20 + 50*rng.Float64()
		plans := map[string]*Plan{
			"robust": v.Plan(Robust, v.MSE(snr)), "lean": v.Plan(Lean, v.MSE(snr)), "faint": v.Faint()[0],
			"robust and unheard": v.Unheard(Robust, v.MSE(snr), 0), "lean and unheard": v.Unheard(Lean, v.MSE(snr), math.Inf(-1)),
		}
		for _, kind := range []string{"robust", "lean"} { // which are the same where all may be heard that is asked for
			if plans[kind].digest() == plans[kind+" and unheard"].digest() {
				delete(plans, kind)
			}
		}
		for pn, p := range plans {
			room := p.Room()
			if room == 0 {
				continue
			}
			hidden := payload(room)
			var b bytes.Buffer
			r, err := hide(context.Background(), &b, cover, p, hidden, ours, fixed, 2, nil)
			tried++
			if errors.Is(err, carrier.ErrUnfound) && v.scant() && b.Len() == 0 {
				continue
			}
			if errors.As(err, new(*carrier.LostError)) && b.Len() == 0 {
				t.Logf("%d %s %s at %.0f dB: %v", seed, name, pn, snr, err)
				refused[seed] = true
				hidden = hidden[:room*7/8]
				r, err = hide(context.Background(), &b, cover, p, hidden, ours, fixed, 2, nil)
			}
			if err != nil {
				t.Errorf("%d %s %s at %.0f dB: %v", seed, name, pn, snr, err)
				continue
			}
			if !bytes.Equal(r.Payload, hidden) {
				t.Errorf("%d %s %s at %.0f dB: the sender expects %d of %d bytes, got %.1f dB, certain %.3f", seed, name, pn, snr, len(r.Payload), room, r.SNR, p.room.certain)
				continue
			}
			if r.SNR < snr-3.2 && pn != "faint" {
				t.Errorf("%d %s %s: asked for %.1f dB, got %.1f", seed, name, pn, snr, r.SNR)
			}
			if seed%5 == 0 || v.scant() {
				m, err := Find(context.Background(), host(open(t, b.Bytes())), ours, 2, nil)
				if err != nil {
					t.Errorf("%d %s %s at %.0f dB: %v", seed, name, pn, snr, err)
				} else if !bytes.Equal(m.Payload, hidden) {
					t.Errorf("%d %s %s at %.0f dB: READER %d of %d bytes, got %.1f dB, certain %.3f", seed, name, pn, snr, len(m.Payload), room, r.SNR, p.room.certain)
				}
			}
		}
	}
}

// Covers that are digital silence but for bursts, however short, are refused or give back what was hidden.
func TestMostlySilent(t *testing.T) {
	racetest.Skip(t)
	const seconds, rate = 3, 44100
	refused, kept := 0, 0
	for _, c := range []struct {
		period int
		share  float64 // that is silent
	}{{17, 0.95}, {600, 0.5}, {600, 0.7}, {600, 0.9}, {2000, 0.8}, {4410, 0.7}, {4410, 0.9}, {20000, 0.8}, {20000, 0.95}} {
		rec := noise(5, audio.Format{Rate: rate, Channels: 1, Encoding: audio.Int16}, seconds*rate)
		for i := range rec.Samples[0] {
			if float64(i%c.period) < c.share*float64(c.period) {
				rec.Samples[0][i] = 0
			}
		}
		cover := open(t, file(t, rec))
		v, err := NewSurvey(context.Background(), cover, DefaultShaping, 2, nil)
		if errors.Is(err, carrier.ErrSilent) {
			refused++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*Plan{v.Plan(Robust, v.MSE(40)), v.Plan(Lean, v.MSE(40))} {
			if p.Room() == 0 {
				continue
			}
			hidden := payload(p.Room() / 2)
			var b bytes.Buffer
			_, err := hide(context.Background(), &b, cover, p, hidden, ours, fixed, 2, nil)
			if b.Len() == 0 && (errors.Is(err, carrier.ErrUnfound) || errors.As(err, new(*carrier.LostError))) {
				refused++
				continue
			}
			if err != nil {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			kept++
			m, err := Find(context.Background(), host(open(t, b.Bytes())), ours, 2, nil)
			if err != nil || !bytes.Equal(m.Payload, hidden) {
				t.Errorf("%+v: not all of it comes back: %v", c, err)
			}
		}
	}
	if refused == 0 || kept == 0 {
		t.Errorf("%d covers were refused, %d kept what was hidden", refused, kept)
	}
}
