package lattice

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"runtime/debug"
	"sync"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/fec/turbo"
)

// FuzzHeader reads headers that somebody who has the key has made, which everybody could with the public one, and what follows
// from them: no panic, no more memory than a header may ask for, and an error or stages that fit together.
func FuzzHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		var fields [headerFields]byte
		copy(fields[:], data)
		b := forged(fields, ours)
		h, ok, err := parseHeader(b, ours)
		if !ok {
			t.Fatal("the tag is wrong")
		}
		if err != nil {
			return
		}
		if h.marshal(ours) != b {
			t.Fatalf("%+v is another header", h)
		}
		at, positions := 0, 0
		for _, s := range h.ladder() {
			if s.first != at || s.size < 0 {
				t.Fatalf("%+v: %d bytes from %d on after %d", h, s.size, s.first, at)
			}
			at += s.size
			if s.size == 0 {
				continue
			}
			if s.bits < turbo.MinK || s.bits > maxBlock || s.length < s.bits || s.length > 5*s.bits+18 {
				t.Fatalf("%+v: blocks of %d bits, sent as %d", h, s.bits, s.length)
			}
			if p := s.begin(h.frames - 1); p < 0 || p >= s.positions() {
				t.Fatalf("%+v: position %d of %d", h, p, s.positions())
			}
			if from, to := s.span(s.blocks - 1); from > to || to != at {
				t.Fatalf("%+v: the last block holds %d to %d of %d", h, from, to, at)
			}
			positions += s.positions()
		}
		if at != h.sealed || positions > 192<<20 {
			t.Fatalf("%+v: %d bytes, %d coded bits", h, at, positions)
		}
		// Whatever a header says, what is taken for it is in proportion to the frames that are there.
		const frames, bits = 100, 5000 // of a frame, in all stages together
		taken := 0
		for _, sums := range newGatherer(h.ladder(), newSlots(ours), frames).sums {
			taken += len(sums)
		}
		if most := int(frames * bits * 5 / leastSeen); taken > most+len(h.ladder())*18 {
			t.Fatalf("%+v: %d coded bits where %d frames are there", h, taken, frames)
		}
	})
}

// hit is a short recording with something in it.
type hit struct {
	rec     *audio.Recording
	header  header
	payload []byte
}

var victim = sync.OnceValue(func() *hit {
	h := &hit{payload: payload(200)}
	try := func() error {
		cover, err := reopen(noise(30, mono(audio.Int16), 8*FrameLength))
		if err != nil {
			return err
		}
		v, err := NewSurvey(context.Background(), cover, DefaultShaping, 1, nil)
		if err != nil {
			return err
		}
		p := v.Plan(Robust, v.MSE(35))
		h.header = *p.fit(len(h.payload))
		h.header.nonce = fixed
		var b bytes.Buffer
		if _, err := hide(context.Background(), &b, cover, p, h.payload, ours, fixed, 1, nil); err != nil {
			return err
		}
		h.rec, err = wav.Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
		return err
	}
	if err := try(); err != nil {
		panic(err)
	}
	return h
})

// ear is a listener that has made its tables.
var ear = sync.OnceValues(func() (*listener, error) {
	f, err := reopen(noise(1, mono(audio.Int16), FrameLength))
	if err != nil {
		return nil, err
	}
	return newListener(host(f), ours, 1)
})

// listen returns a listener to a recording.
func listen(t *testing.T, rec *audio.Recording) *listener {
	t.Helper()
	l, err := ear()
	if err != nil {
		t.Fatal(err)
	}
	f, err := reopen(rec)
	if err != nil {
		t.Fatal(err)
	}
	other := *l
	if other.source, err = carrier.NewHost(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return &other
}

// FuzzDamaged cuts, shifts, scales and overwrites a recording as the input says, and reads it: no panic, and what comes back is the
// beginning of what was hidden. The header is known and a frame said to be at the beginning, since finding both takes a second
// where there is nothing.
//
// The input is a list of commands of six bytes: which, where in units of a 65536th, how much.
func FuzzDamaged(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		v := victim()
		rec, head, hidden := v.rec, v.header, v.payload
		x := append([]float64(nil), rec.Samples[0]...)
		for range 6 {
			if len(data) < 6 || len(x) == 0 {
				break
			}
			op, at, much := data[0], binary.BigEndian.Uint16(data[1:]), binary.BigEndian.Uint16(data[3:])
			from := int(at) * len(x) >> 16
			to := min(len(x), from+int(much)%4096)
			switch op % 8 {
			case 0:
				clear(x[from:to])
			case 1:
				x = append(x[:from:from], x[to:]...)
			case 2:
				x = append(x[:from:from], append(make([]float64, to-from), x[from:]...)...)
			case 3:
				for i := range x[from:to] {
					x[from+i] += float64(int8(data[5])) * unit
				}
			case 4:
				gain := math.Float32frombits(uint32(much)<<16 | uint32(data[5])<<8)
				for i := range x {
					x[i] *= float64(gain)
				}
			case 5:
				x[from] = float64(math.Float32frombits(uint32(much) << 16))
			case 6:
				x = x[from:]
			case 7:
				x = x[:from]
			}
			data = data[6:]
		}
		x = x[:min(len(x), 9*FrameLength)]
		l := listen(t, &audio.Recording{Format: mono(audio.Float32), Samples: [][]float64{x}})
		r := l.newReceiver(&head)
		k := lock{gain: 1, set: fixed.set()}
		if err := r.listen(context.Background(), k); errors.Is(err, carrier.ErrNotFound) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		m, err := r.message(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if m.Size != len(hidden) || !bytes.HasPrefix(hidden, m.Payload) {
			t.Fatalf("%d bytes of %d came back, or others", len(m.Payload), m.Size)
		}
	})
}

// FuzzReader gives the reader below Find any samples and header.
func FuzzReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, frames, payload uint32, scale, profile uint8, samples []byte) {
		defer debug.SetGCPercent(debug.SetGCPercent(20))
		channels := 1 + int(scale)%3
		h := header{
			profile: Profile(profile) % profiles, nonce: fixed, channels: channels, frames: channels * (1 + int(frames)%100000),
			sealed: payloadTag + 1 + int(payload)%50000,
		}
		h.scale = int(scale) % (maxScale + 1)
		for i, n := range shareBits {
			h.shares[i] = int(payload>>(3*i)+uint32(scale)) % (1 << n)
		}
		x := make([]float64, min(len(samples)/2, 4*FrameLength))
		for i := range x {
			x[i] = float64(int16(binary.LittleEndian.Uint16(samples[2*i:]))) * unit
		}
		l := listen(t, &audio.Recording{Format: mono(audio.Int16), Samples: [][]float64{x}})
		r := l.newReceiver(&h)
		if err := r.follow(context.Background(), track{lock: lock{gain: 1, set: h.nonce.set()}, noise: -1}); err != nil {
			t.Fatal(err)
		}
		m, err := r.message(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Payload) > 0 || m.Size != h.payload() || m.Arrived > m.Frames {
			t.Fatalf("%d bytes of %d, %d frames of %d", len(m.Payload), m.Size, m.Arrived, m.Frames)
		}
	})
}
