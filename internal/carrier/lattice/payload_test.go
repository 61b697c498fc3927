package lattice

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/fec/turbo"
	"ditas/internal/keystream"
	"ditas/internal/parallel"
	"ditas/internal/racetest"
)

// message is a sealed payload in its code.
type message struct {
	header header
	key    keystream.Key
	stages []stage
	slots  *slots
	sealed []byte
	coded  [][]byte
}

// newMessage draws a header whose stages take at most a share of the room, and a payload, and codes it.
func newMessage(t *testing.T, seed uint64, share float64) *message {
	t.Helper()
	m := new(message)
search:
	for {
		m.header = smallHeader(seed)
		seed += 1000
		m.stages = m.header.ladder()
		for _, s := range m.stages {
			if float64(s.blocks*s.bits) > share*float64(m.header.frames*s.perFrame()) {
				continue search
			}
		}
		break
	}
	m.key = m.header.key(ours)
	m.slots = newSlots(m.key)
	m.sealed = payload(m.header.sealed)
	var err error
	if m.coded, err = encodePayload(context.Background(), m.stages, m.sealed, m.key, 2); err != nil {
		t.Fatal(err)
	}
	return m
}

// send gives a gatherer what frames carry, as sure as read makes it.
func (m *message) send(g *gatherer, f int, sure float32) {
	var sent bits[byte]
	fill(&sent, m.slots.deal(m.stages), m.stages, m.coded, f)
	var got bits[float32]
	for _, part := range []struct {
		to   []float32
		from []byte
	}{{got.strong[:], sent.strong[:]}, {got.medium[:], sent.medium[:]}, {got.fine[:], sent.fine[:]}} {
		for i, b := range part.from {
			part.to[i] = sure * (2*float32(b) - 1)
		}
	}
	g.add(&got, f)
}

func (m *message) decode(t *testing.T, g *gatherer, key keystream.Key) (payload []byte, arrived []int) {
	t.Helper()
	total := 0
	payload, arrived, err := g.decode(context.Background(), key, 2, func(done, of int) { total++ })
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, s := range m.stages {
		blocks += s.blocks
	}
	if total != blocks {
		t.Errorf("progress was reported %d times for %d blocks", total, blocks)
	}
	return payload, arrived
}

func TestPayloadRoundTrip(t *testing.T) {
	racetest.Skip(t)
	for seed := range uint64(40) {
		m := newMessage(t, seed, 0.95)
		g := newGatherer(m.stages, m.slots, math.MaxInt)
		for f := range m.header.frames {
			m.send(g, f, 4)
		}
		got, arrived := m.decode(t, g, m.key)
		if !bytes.Equal(got, m.sealed) {
			t.Fatalf("%+v: %d bytes came back, or others", m.header, len(got))
		}
		for i, n := range arrived {
			if n != m.stages[i].blocks {
				t.Errorf("%+v: %d of %d blocks of stage %d arrived", m.header, n, m.stages[i].blocks, i)
			}
		}
	}
}

// What is lost at random is made up for, as far as the code's rate allows.
func TestPayloadWithErasures(t *testing.T) {
	racetest.Skip(t)
	for seed := range uint64(20) {
		m := newMessage(t, 100+seed, 0.4)
		rng := newRand(seed)
		g := newGatherer(m.stages, m.slots, math.MaxInt)
		lost := 0
		for f := range m.header.frames {
			if rng.IntN(3) == 0 && 5*(lost+1) < 2*m.header.frames {
				lost++
				continue
			}
			m.send(g, f, 4)
		}
		if got, _ := m.decode(t, g, m.key); !bytes.Equal(got, m.sealed) {
			t.Errorf("%+v, %d frames lost: %d bytes came back, or others", m.header, lost, len(got))
		}
	}
}

// A block that is lost, or that arrives wrong, ends the payload before it, and no other.
func TestALostBlockEndsThePayload(t *testing.T) {
	racetest.Skip(t)
	for seed := range uint64(30) {
		m := newMessage(t, 200+seed, 0.8)
		rng := newRand(seed)
		i := rng.IntN(len(m.stages))
		for m.stages[i].size == 0 {
			i = rng.IntN(len(m.stages))
		}
		s := &m.stages[i]
		b := rng.IntN(s.blocks)
		g := newGatherer(m.stages, m.slots, math.MaxInt)
		for f := range m.header.frames {
			m.send(g, f, 4)
		}
		for j := range s.length {
			v := &g.sums[i][j*s.blocks+b]
			switch {
			case seed%2 == 0:
				*v = 0
			case rng.IntN(2) == 0:
				*v = -*v
			}
		}
		got, arrived := m.decode(t, g, m.key)
		from, to := s.span(b)
		if from == to {
			from = len(m.sealed) // nothing was in it
		}
		if !bytes.Equal(got, m.sealed[:from]) {
			t.Errorf("%+v: without block %d of stage %d, %d bytes came back, want %d", m.header, b, i, len(got), from)
		}
		if arrived[i] != s.blocks-1 {
			t.Errorf("%+v: %d of %d blocks of stage %d arrived, want one less", m.header, arrived[i], s.blocks, i)
		}
	}
}

func TestNothingComesOfAnotherKey(t *testing.T) {
	m := newMessage(t, 300, 0.8)
	g := newGatherer(m.stages, m.slots, math.MaxInt)
	for f := range m.header.frames {
		m.send(g, f, 4)
	}
	if got, arrived := m.decode(t, g, m.header.key(theirs)); len(got) > 0 || slices.Max(arrived) > 0 {
		t.Errorf("%d bytes in %d blocks", len(got), arrived)
	}
	if got, _ := m.decode(t, newGatherer(m.stages, m.slots, math.MaxInt), m.key); len(got) > 0 {
		t.Errorf("%d bytes out of nothing", len(got))
	}
}

// However often and surely a bit is read, its sum does not wrap around.
func TestSumsSaturate(t *testing.T) {
	racetest.Skip(t)
	m := newMessage(t, 400, 0.8)
	g := newGatherer(m.stages, m.slots, math.MaxInt)
	for range 300 {
		m.send(g, 0, maxLog)
	}
	for i := range m.stages {
		for p, v := range g.sums[i] {
			if v != 0 && (v > 0) != (m.coded[i][p] == 1) {
				t.Fatalf("coded bit %d of stage %d is %d, its sum %d", p, i, m.coded[i][p], v)
			}
		}
	}
}

// A check says of which block it is, and of what.
func TestCheckDependsOnEverything(t *testing.T) {
	want := check(ours, 1, 2, []byte("abc"))
	if check(ours, 1, 2, []byte("abc")) != want {
		t.Error("a check is another one the second time")
	}
	for i, got := range [][checkSize]byte{
		check(theirs, 1, 2, []byte("abc")), check(ours, 2, 2, []byte("abc")), check(ours, 1, 3, []byte("abc")),
		check(ours, 1, 2, []byte("abd")), check(ours, 1, 2, []byte("ab")), check(ours, 2, 1, []byte("abc")),
	} {
		if got == want {
			t.Errorf("case %d has the same check", i)
		}
	}
}

func TestPack(t *testing.T) {
	for n := range 20 {
		want := payload(n)
		info := turbo.Unpack(want, 8*n)
		got := make([]byte, n)
		if turbo.Pack(got, info); !bytes.Equal(got, want) {
			t.Errorf("%x came back as %x", want, got)
		}
	}
	if got := turbo.Unpack([]byte{0xa0}, 10); !slices.Equal(got, []byte{1, 0, 1, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("unpacked %d", got)
	}
}

func TestParallel(t *testing.T) {
	for _, workers := range []int{-1, 0, 1, 3, 100} {
		var counts [50]atomic.Int32
		parallel.Each(workers, len(counts), func(w, i int) {
			if w < 0 || w >= max(1, workers) {
				t.Errorf("%d workers: one has number %d", workers, w)
			}
			counts[i].Add(1)
		})
		for i := range counts {
			if n := counts[i].Load(); n != 1 {
				t.Errorf("%d workers: %d was done %d times", workers, i, n)
			}
		}
	}
	parallel.Each(3, 0, func(int, int) { t.Error("there is nothing to do") })
}

func TestPayloadCancelled(t *testing.T) {
	m := newMessage(t, 500, 0.8)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := encodePayload(ctx, m.stages, m.sealed, m.key, 1); err == nil {
		t.Error("coded in spite of it")
	}
	if _, _, err := newGatherer(m.stages, m.slots, math.MaxInt).decode(ctx, m.key, 1, nil); err == nil {
		t.Error("decoded in spite of it")
	}
}

// All of a payload is given out only with its tag, and nothing of it where that is another one.
func TestUnseal(t *testing.T) {
	want := payload(100)
	sealed := seal(ours, want)
	if len(sealed) != len(want)+payloadTag {
		t.Fatalf("%d bytes are sealed as %d", len(want), len(sealed))
	}
	for n := range sealed {
		got, err := unseal(ours, sealed[:n], len(sealed))
		if err != nil || !bytes.Equal(got, want[:min(n, len(want)-1)]) {
			t.Fatalf("%d of %d bytes give %d of the payload, error %v", n, len(sealed), len(got), err)
		}
	}
	if got, err := unseal(ours, sealed, len(sealed)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	if got, err := unseal(theirs, sealed, len(sealed)); !errors.Is(err, carrier.ErrNotFound) || got != nil {
		t.Errorf("with another key %d bytes, error %v", len(got), err)
	}
	for i := range sealed {
		forged := slices.Clone(sealed)
		forged[i] ^= 1
		if got, err := unseal(ours, forged, len(sealed)); !errors.Is(err, carrier.ErrNotFound) || got != nil {
			t.Errorf("with byte %d changed %d bytes, error %v", i, len(got), err)
		}
	}
}

// A recording whose blocks all pass their checks, but whose tag is of another payload, gives nothing.
func TestAPayloadThatWasPutTogetherIsRefused(t *testing.T) {
	racetest.Skip(t)
	stego := forgedPayload(t, noise(71, mono(audio.Int16), 24*FrameLength), func(sealed []byte) { sealed[3] ^= 1 })
	if m, err := Find(t.Context(), host(open(t, file(t, stego))), ours, 2, nil); !errors.Is(err, carrier.ErrNotFound) {
		t.Errorf("%+v, error %v", m, err)
	}
	stego = forgedPayload(t, noise(71, mono(audio.Int16), 24*FrameLength), func([]byte) {})
	if m, err := Find(t.Context(), host(open(t, file(t, stego))), ours, 2, nil); err != nil || len(m.Payload) != m.Size {
		t.Errorf("%+v, error %v", m, err)
	}
}
