package lattice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/cputime"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

// forge hides a payload in a recording as somebody does who has the key and writes what he likes into the header.
func forge(t testing.TB, rec *audio.Recording, profile Profile, payload []byte, change func(h *header)) *audio.Recording {
	t.Helper()
	return forgeSealed(t, rec, ours, profile, payload, change, nil)
}

// Forge is forge for all who know the public key, with one of claims.
func Forge(t testing.TB, rec *audio.Recording, payload []byte, claim string) *audio.Recording {
	t.Helper()
	return forgeSealed(t, rec, keystream.Public(), Robust, payload, claims[claim], nil)
}

// Interrupt is interrupt.
func Interrupt(rec *audio.Recording, frames int) { interrupt(rec, frames) }

// forgedPayload hides a payload whose blocks have their checks, but which was changed after it had got its tag.
func forgedPayload(t testing.TB, rec *audio.Recording, tamper func(sealed []byte)) *audio.Recording {
	t.Helper()
	return forgeSealed(t, rec, ours, Robust, payload(300), func(*header) {}, tamper)
}

func forgeSealed(
	t testing.TB, rec *audio.Recording, key keystream.Key, profile Profile, payload []byte, change func(h *header), tamper func(sealed []byte),
) *audio.Recording {
	t.Helper()
	v, cover := survey(t, rec)
	plan := v.Plan(profile, v.MSE(35))
	h, err := newHider(context.Background(), cover, &task{plan: plan, payload: payload, key: key, workers: 1}, fixed)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(h.header)
		h.stages, h.key = h.header.ladder(), h.header.key(key)
		claimed := make([]byte, h.header.payload())
		copy(claimed, payload)
		sealed := seal(h.key, claimed)
		if tamper != nil {
			tamper(sealed)
		}
		if h.coded, err = encodePayload(context.Background(), h.stages, sealed, h.key, 1); err != nil {
			t.Fatal(err)
		}
		for c := range h.lanes {
			h.lanes[c].framer.key = h.key
		}
		h.bits = h.code.encode(h.header.marshal(key))
		dealt := newSlots(h.key)
		h.shares, h.gatherer = dealt.deal(h.stages), newGatherer(h.stages, dealt, math.MaxInt)
	}
	var b bytes.Buffer
	w, err := cover.Rewrite(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(h.run(context.Background(), w, func(int, int) {}), w.Close()); err != nil {
		t.Fatal(err)
	}
	stego, err := wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return stego
}

// interrupt replaces every other block of some frames by noise, so that a receiver loses its track again and again.
func interrupt(rec *audio.Recording, frames int) {
	rng := newRand(99)
	for _, x := range rec.Samples {
		for i := range x {
			if i/FrameLength/frames%2 == 1 {
				x[i] = rec.Format.Quantize(0.02 * rng.NormFloat64())
			}
		}
	}
}

// claims are headers that promise more than there is.
var claims = map[string]func(h *header){
	"frames":   func(h *header) { h.frames = mostLost * h.frames / h.channels * h.channels },
	"payload":  func(h *header) { h.sealed = maxSealed },
	"both":     func(h *header) { h.frames, h.sealed = mostLost*h.frames/h.channels*h.channels, maxSealed },
	"channels": func(h *header) { h.channels, h.frames = MaxChannels, mostLost*h.frames/MaxChannels*MaxChannels },
}

// searcher returns a listener of its own to a recording.
func searcher(t *testing.T, rec *audio.Recording) *listener {
	t.Helper()
	l, err := newListener(host(open(t, file(t, rec))), ours, 2)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSearchesHaveABudget checks that a header that claims 256 times the frames, in a recording that comes and goes, does not make its
// receiver search without end, and that an honest recording that comes and goes is still read.
func TestSearchesHaveABudget(t *testing.T) {
	racetest.Skip(t)
	for channels, names := range map[int][]string{1: {"both"}, 3: {"both", "channels"}} {
		format := audio.Format{Rate: 16000, Channels: channels, Encoding: audio.Int16}
		for _, name := range names {
			change := claims[name]
			stego := forge(t, noise(1, format, 150*FrameLength), Robust, payload(300), change)
			interrupt(stego, 24)
			l := searcher(t, stego)
			h, k, err := l.search(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := l.newReceiver(h)
			if err := r.listen(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			// One search may exceed it.
			if most := int64(sureSearches + mostSearches*stego.Frames()*channels + 16*mostPoints*10); r.spent > most {
				t.Errorf("%s, %d channels: searches spend %d, more than %d", name, channels, r.spent, most)
			}
		}
		stego := forge(t, noise(1, format, 150*FrameLength), Robust, payload(300), nil)
		interrupt(stego, 24)
		l := searcher(t, stego)
		h, k, err := l.search(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m, err := l.read(t.Context(), h, k); err != nil || m.Arrived < m.Frames*2/5 {
			t.Errorf("%d channels: %d of %d frames were heard of an honest recording, error %v", channels, m.Arrived, m.Frames, err)
		}
	}
}

// BenchmarkHostile compares what recordings cost to read that anyone could write with the dearest of honest ones, whole and damaged. It fails
// where one costs more than four times as much time, or more than twice the memory and 100 MB.
func BenchmarkHostile(b *testing.B) {
	read := func(rec *audio.Recording) cputime.Cost {
		return cputime.Of(func() {
			f, err := reopen(rec)
			if err != nil {
				b.Fatal(err)
			}
			_, err = Find(context.Background(), host(f), ours, 1, nil)
			if err != nil && !errors.Is(err, carrier.ErrNotFound) {
				b.Fatal(err)
			}
		})
	}
	for _, channels := range []int{1, 2, 8} {
		b.Run(fmt.Sprintf("%d channels", channels), func(b *testing.B) {
			format := audio.Format{Rate: 16000, Channels: channels, Encoding: audio.Int16}
			cover := func() *audio.Recording { return noise(1, format, 20*16000) }
			full := func(p Profile) []byte {
				v, _ := survey(b, cover())
				return payload(v.Plan(p, v.MSE(35)).Room())
			}
			var dearest cputime.Cost
			for _, p := range []Profile{Robust, Lean} {
				for _, size := range []int{300, len(full(p))} {
					for _, pieces := range []int{0, 16, 24, 64} {
						stego := forge(b, cover(), p, payload(size), nil)
						if pieces > 0 {
							interrupt(stego, pieces)
						}
						dearest = dearest.Max(read(stego))
					}
				}
			}
			for name, change := range claims {
				for _, pieces := range []int{0, 16, 24, 64} {
					stego := forge(b, cover(), Robust, payload(300), change)
					if pieces > 0 {
						interrupt(stego, pieces)
					}
					c := read(stego)
					b.Logf("%s in pieces of %d frames: %.2f s, %.0f MB; the dearest honest one %.2f s, %.0f MB", name, pieces, c.Seconds, c.Megabytes,
						dearest.Seconds, dearest.Megabytes)
					if c.Exceeds(dearest) {
						b.Errorf("%s in pieces of %d frames costs too much", name, pieces)
					}
				}
			}
		})
	}
}
