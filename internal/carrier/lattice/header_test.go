package lattice

import (
	"errors"
	mathbits "math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
	"ditas/internal/racetest"
)

func randomHeader(rng *rand.Rand) header {
	h := header{profile: Profile(rng.IntN(int(profiles))), channels: 1 + rng.IntN(MaxChannels), sealed: payloadTag + 1 + rng.IntN(MaxPayload), division: randomDivision(rng)}
	h.frames = h.channels * (1 + rng.IntN(maxFrames/h.channels))
	for i := range h.nonce {
		h.nonce[i] = byte(rng.Uint32())
	}
	return h
}

func TestHeaderRoundTrip(t *testing.T) {
	rng := newRand(1)
	for range 1000 {
		want := randomHeader(rng)
		b := want.marshal(ours)
		got, ok, err := parseHeader(b, ours)
		if !ok || err != nil || got != want {
			t.Fatalf("%+v came back as %+v, %t, %v", want, got, ok, err)
		}
		if _, ok, _ := parseHeader(b, theirs); ok {
			t.Fatalf("%+v was read with another key", want)
		}
	}
}

// No bit of a header can be changed without its tag's noticing.
func TestHeaderIsNotMalleable(t *testing.T) {
	racetest.Skip(t)
	h := randomHeader(newRand(2))
	b := h.marshal(ours)
	for i := range 8 * headerSize {
		c := b
		c[i/8] ^= 0x80 >> (i % 8)
		if _, ok, _ := parseHeader(c, ours); ok {
			t.Errorf("bit %d can be flipped", i)
		}
		for j := range i {
			d := c
			d[j/8] ^= 0x80 >> (j % 8)
			if _, ok, _ := parseHeader(d, ours); ok {
				t.Errorf("bits %d and %d can be flipped", i, j)
			}
		}
	}
}

// The code repairs a coded bit that arrives wrong, rather than that a wrong header comes out, and what is wrong beyond repair is
// no header.
func TestHeaderCode(t *testing.T) {
	racetest.Skip(t)
	c, err := newHeaderCode()
	if err != nil {
		t.Fatal(err)
	}
	want := randomHeader(newRand(3))
	coded := c.encode(want.marshal(ours))
	clean := make([]float32, len(coded))
	for i, bit := range coded {
		clean[i] = 8*float32(bit) - 4
	}
	for i := range coded {
		l := slices.Clone(clean)
		l[i] = -l[i]
		if got, ok, err := c.decode(l, ours); !ok || err != nil || got != want {
			t.Fatalf("with bit %d wrong: %+v, %t, %v", i, got, ok, err)
		}
	}
	rng := newRand(4)
	for range 20 {
		l := slices.Clone(clean)
		for i := range l {
			if rng.IntN(2) == 0 {
				l[i] = -l[i]
			}
		}
		if got, ok, _ := c.decode(l, ours); ok {
			t.Fatalf("noise gives %+v", got)
		}
	}
	if _, ok, _ := c.decode(clean, theirs); ok {
		t.Error("read with another key")
	}
	if _, ok, _ := c.decode(make([]float32, len(clean)), ours); ok {
		t.Error("read from nothing")
	}
	// What two of every three frames say may be missing, and a twelfth of the rest wrong.
	l := make([]float32, len(coded))
	for w := 0; w < headerParts; w += 3 {
		for i := range headerBits {
			p := c.position(0, w, i)
			l[p] = clean[p]
			if rng.IntN(12) == 0 {
				l[p] = -l[p]
			}
		}
	}
	if got, ok, err := c.decode(l, ours); !ok || err != nil || got != want {
		t.Errorf("from six frames: %+v, %t, %v", got, ok, err)
	}
}

// Every bit of the code is carried, about equally often.
func TestHeaderPositions(t *testing.T) {
	c, err := newHeaderCode()
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, c.code.Len())
	for w := range headerParts {
		seen := make(map[int]bool)
		for i := range headerBits {
			p := c.position(0, w, i)
			if seen[p] {
				t.Fatalf("word %d carries bit %d twice", w, p)
			}
			seen[p] = true
			counts[p]++
		}
	}
	if least, most := slices.Min(counts), slices.Max(counts); least < 2 || most > 3 {
		t.Errorf("bits are carried %d to %d times", least, most)
	}
}

// Two headers that say the same differ in half of their bits: recordings of one key look unrelated.
func TestHeadersOfTwoRecordingsAreIndependent(t *testing.T) {
	rng := newRand(5)
	differing, total := 0, 0
	for range 400 {
		h := randomHeader(rng)
		a := h.marshal(ours)
		for i := range h.nonce {
			h.nonce[i] = byte(rng.Uint32())
		}
		b := h.marshal(ours)
		for i := range a {
			differing += mathbits.OnesCount8(a[i] ^ b[i])
			total += 8
		}
	}
	if share := float64(differing) / float64(total); share < 0.49 || share > 0.51 {
		t.Errorf("%.3f of the bits differ", share)
	}
}

// forged returns a header with any fields, as somebody who has the key could make it.
func forged(fields [headerFields]byte, key keystream.Key) (b [headerSize]byte) {
	copy(b[:], fields[:])
	tag := key.MAC("header tag", b[:headerFields])
	copy(b[headerFields:], tag[:])
	nonce(b[1:7]).mask(&b, key)
	return b
}

func TestHeadersThatContradictThemselves(t *testing.T) {
	// One less than two channels, 100 frames, 256 bytes with the tag, scale 24, shares 1, 2, 3, 4 and 5.
	valid := [headerFields]byte{headerVersion << 4, 1, 2, 3, 4, 5, 6}
	put := func(at, bits, v int) (f [headerFields]byte) {
		f = valid
		for i := range bits {
			p := at + i
			f[p/8] &^= 0x80 >> (p % 8)
			f[p/8] |= byte(v>>(bits-1-i)&1) << (7 - p%8)
		}
		return f
	}
	for _, field := range [][3]int{{56, 6, 1}, {62, 24, 100}, {86, 21, 256}, {107, 5, 24}, {112, 4, 1}, {116, 4, 2}, {120, 4, 3}, {124, 5, 4}, {129, 5, 5}, {134, 2, 0}} { // the highest bits of the size are 0
		valid = put(field[0], field[1], field[2])
	}
	if h, ok, err := parseHeader(forged(valid, ours), ours); !ok || err != nil || h.channels != 2 || h.frames != 100 || h.payload() != 240 ||
		h.division != (division{24, [maxStages - 1]int{1, 2, 3, 4, 5}}) {
		t.Fatalf("%+v, %t, %v", h, ok, err)
	}
	for _, c := range []struct {
		name            string
		at, bits, value int
		want            error // nil for any
	}{
		{"version 0", 0, 4, 0, carrier.ErrVersion},
		{"version 2", 0, 4, 2, carrier.ErrVersion},
		{"version 4", 0, 4, 4, carrier.ErrVersion},
		{"profile 2", 4, 4, 2, carrier.ErrVersion},
		{"profile 15", 4, 4, 15, carrier.ErrVersion},
		{"frames that channels do not divide", 62, 24, 101, nil},
		{"no frames", 62, 24, 0, nil},
		{"no payload", 86, 21, 0, nil},
		{"nothing but a tag", 86, 21, payloadTag, nil},
	} {
		_, ok, err := parseHeader(forged(put(c.at, c.bits, c.value), ours), ours)
		if !ok || err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %t, %v", c.name, ok, err)
		}
		if c.want == nil && errors.Is(err, carrier.ErrVersion) {
			t.Errorf("%s passes for a later version", c.name)
		}
	}
}

// A header says how much memory its receiver takes; whoever has the key, and everybody has the public one, may write any. What a
// receiver takes for the largest ones stays below a bound.
func TestHostileHeadersTakeBoundedMemory(t *testing.T) {
	racetest.Skip(t)
	const bound = 256 << 20
	l, err := newListener(host(open(t, file(t, noise(1, mono(audio.Int16), 3*FrameLength)))), ours, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []header{
		{channels: 1, frames: maxFrames, sealed: maxSealed, division: division{maxScale, [maxStages - 1]int{15, 15, 15, 31, 31}}},
		{channels: 1, frames: maxFrames, sealed: maxSealed, division: division{middleScale, [maxStages - 1]int{0, 0, 0, 1, 1}}},
		{channels: 1, frames: maxFrames, sealed: longPayload},
		{channels: 1, frames: 1, sealed: maxSealed, division: division{maxScale, [maxStages - 1]int{15, 15}}, profile: Lean},
		{channels: MaxChannels, frames: maxFrames / MaxChannels * MaxChannels, sealed: maxSealed, profile: Lean},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := l.newReceiver(&h)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > bound {
			t.Errorf("%+v takes %d MiB", h, taken>>20)
		}
		runtime.KeepAlive(r)
	}
}
