package lattice

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"testing"

	"ditas/audio"
)

// song returns seconds of a stereo recording at 44.1 kHz in 16 bits that is a little like music: chords of decaying partials
// over faint noise.
func song(seconds int) *audio.Recording {
	rng := newRand(77)
	const rate = 44100
	rec := &audio.Recording{Format: audio.Format{Rate: rate, Channels: 2, Encoding: audio.Int16}, Samples: audio.NewBlock(2, seconds*rate)}
	const partials, note = 12, rate / 3
	for c, x := range rec.Samples {
		for from := 0; from < len(x); from += note {
			root := 110 * math.Exp2(float64(rng.IntN(36))/12)
			for p := 1; p <= partials; p++ {
				// A resonator gives a decaying sine without a call for each sample.
				w := 2 * math.Pi * root * float64(p) * (1 + 0.001*float64(c)) / rate
				if w > 3 {
					break
				}
				fade := math.Exp(-float64(p) / rate)
				a, b := 2*fade*math.Cos(w), -fade*fade
				y1, y2 := 0.12/float64(p)*math.Sin(w), 0.0
				for i := from; i < min(from+note, len(x)); i++ {
					x[i] += y1
					y1, y2 = a*y1+b*y2, y1
				}
			}
		}
		for i := range x {
			x[i] = rec.Format.Quantize(max(-1, min(1, x[i]+0.002*rng.NormFloat64())))
		}
	}
	return rec
}

// BenchmarkHide surveys a recording and hides payloads in it, as long as the streams of pictures of 256×192 and of 1024×768 pixels.
func BenchmarkHide(b *testing.B) {
	data := file(b, song(180))
	for _, size := range []int{85, 700} {
		b.Run(fmt.Sprintf("3min-stereo/%dkB", size), func(b *testing.B) {
			hidden := payload(size * 1000)
			b.ReportAllocs()
			for b.Loop() {
				cover := open(b, data)
				v, err := NewSurvey(context.Background(), cover, DefaultShaping, 1, nil)
				if err != nil {
					b.Fatal(err)
				}
				p := v.Plan(Robust, v.MSE(50))
				if len(hidden) > p.Room() {
					p = v.Plan(Lean, v.MSE(50))
				}
				if _, err := hide(context.Background(), io.Discard, cover, p, hidden, ours, fixed, 1, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSurvey is the first half of hiding.
func BenchmarkSurvey(b *testing.B) {
	data := file(b, song(180))
	for b.Loop() {
		if _, err := NewSurvey(context.Background(), open(b, data), DefaultShaping, 1, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadClean reads a recording to which nothing has happened.
func BenchmarkReadClean(b *testing.B) {
	v, cover := survey(b, song(180))
	for _, size := range []int{85, 700} {
		hidden := payload(size * 1000)
		p := v.Plan(Robust, v.MSE(50))
		if len(hidden) > p.Room() {
			p = v.Plan(Lean, v.MSE(50))
		}
		var out bytes.Buffer
		if _, err := hide(context.Background(), &out, cover, p, hidden, ours, fixed, 2, nil); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("3min-stereo/%dkB", size), func(b *testing.B) {
			for b.Loop() {
				m, err := Find(context.Background(), host(open(b, out.Bytes())), ours, 1, nil)
				if err != nil || !bytes.Equal(m.Payload, hidden) {
					b.Fatal("not all came back: ", err)
				}
			}
		})
	}
}
