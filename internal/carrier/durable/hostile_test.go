package durable

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/racetest"
)

// claimed returns a cover with the marks of a part of a recording of a plan that says what it likes, as anyone can make it who has the key.
func claimed(t *testing.T, cover *audio.Recording, p plan, payload int) *audio.Recording {
	t.Helper()
	r, err := newRates(cover.Format.Rate)
	if err != nil {
		t.Fatal(err)
	}
	j := &job{key: key, payload: bytesOf(payload), plan: p}
	marks, err := j.modulator()
	if err != nil {
		t.Fatal(err)
	}
	x := newMixer(cover.Format, marks, sum, r)
	_, first := x.add(cover.Samples)
	stego := append([]float64(nil), first[0]...)
	_, rest := x.end()
	return &audio.Recording{Format: cover.Format, Samples: [][]float64{append(stego, rest[0]...)}}
}

// Headers whose tag is right may say anything. What they cost, in passes over the recording and in memory, is what the recording holds.
func TestClaimsAreCheap(t *testing.T) {
	racetest.Skip(t)
	cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4.3, 15)
	const honest = 40
	cost := func(p plan, payload int) (allocated uint64, passes float64, m *carrier.Message) {
		stego := claimed(t, cover, p, payload)
		h, err := carrier.NewHost(t.Context(), file(t, stego))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := Carrier{}.Find(t.Context(), h, key, carrier.Options{Workers: 1})
		if err == nil {
			m, err = f.Read(t.Context(), carrier.Options{Workers: 1})
		}
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, h.Passes(), m
	}
	memory, passes, m := cost(plan{aim: Share, level: 6, scale: 0, blocks: 3}, honest)
	if !bytes.Equal(m.Payload, bytesOf(honest)) {
		t.Fatalf("the honest one gives %d bytes", len(m.Payload))
	}
	for _, c := range []struct {
		plan
		payload int
	}{
		{plan{aim: Share, level: 6, scale: scales - 1, blocks: maxBlocks}, MaxPayload}, // more than anyone has
		{plan{aim: Voice, level: 6, scale: 0, blocks: maxBlocks}, 1},                   // a byte in 36 hours
		{plan{aim: Voice, level: 6, scale: scales - 1, blocks: 2944}, 300_000},         // an hour, of which this is the beginning
	} {
		t.Run(fmt.Sprintf("%v, %d blocks, %d bytes", c.aim, c.blocks, c.payload), func(t *testing.T) {
			a, n, m := cost(c.plan, c.payload)
			if m.Size != c.payload || c.payload > 1 && len(m.Payload) > 0 {
				t.Errorf("%d of %d bytes came back", len(m.Payload), m.Size)
			}
			// Each block that the first one may be is tried, which takes a kilobyte for a moment.
			if a > memory+8<<20+1200*uint64(c.blocks) || n > passes+1 {
				t.Errorf("%.1f MiB in %.1f passes, honest recordings take %.1f in %.1f",
					float64(a)/(1<<20), n, float64(memory)/(1<<20), passes)
			}
		})
	}
}
