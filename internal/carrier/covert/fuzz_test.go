package covert

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/fec/syndrome"
	"ditas/internal/keystream"
)

// withHeader writes a valid header into the samples of a recording, whatever it says.
func withHeader(t testing.TB, rec *audio.Recording, key keystream.Key, h header) {
	s := shapeOf(rec.Format, int64(len(rec.Samples[0])))
	shaped := s.key(key)
	places := s.placesOfHeader(shaped)
	code, err := syndrome.New(height, len(places), headerBits)
	if err != nil {
		t.Fatal(err)
	}
	b, message := h.marshal(h.nonce.key(shaped)), make([]byte, headerBits)
	spread(message, b[:])
	order, word, cost := orderOfHeader(shaped, len(places)), make([]byte, len(places)), make([]float32, len(places))
	sample := func(k int) *float64 {
		at := places[order[k]]
		return &rec.Samples[at%int64(s.channels)][at/int64(s.channels)]
	}
	for k := range word {
		word[k], cost[k] = 1&lowestBits(*sample(k)*s.scale()), 1
	}
	if _, err := syndrome.NewEncoder(code).Embed(context.Background(), word, word, cost, message); err != nil {
		t.Fatal(err)
	}
	for k, bit := range word {
		v := math.RoundToEven(*sample(k) * s.scale())
		if 1&lowestBits(v) != bit {
			if v++; v >= s.scale() {
				v -= 2
			}
		}
		*sample(k) = v / s.scale()
	}
}

// FuzzRead reads recordings of which anyone who has the key can have written the header: nothing but what was sealed comes back, and what a header
// says takes no more memory than the recording has.
func FuzzRead(f *testing.F) {
	f.Add(uint8(1), uint32(5), uint64(7), []byte("a nonce of sixteen bytes and a few samples"))
	f.Add(uint8(2), uint32(math.MaxUint32), uint64(1<<35), []byte{})
	f.Add(uint8(3), uint32(1<<30), uint64(1<<30), bytes.Repeat([]byte{255, 127}, 100))
	f.Add(uint8(1), uint32(0), uint64(0), []byte{1})
	f.Add(uint8(1), uint32(30000/8), uint64(14000), []byte{2})
	f.Fuzz(func(t *testing.T, channels uint8, size uint32, second uint64, data []byte) {
		c := 1 + int(channels%4)
		frames := leastSamples/c + len(data)%2000 + 1
		rec := &audio.Recording{Format: audio.Format{Rate: 8000, Channels: c, Encoding: audio.Int16}, Samples: audio.NewBlock(c, frames)}
		for i := range c * frames {
			if len(data) > 1 {
				at := 2 * i % (len(data) - 1)
				rec.Samples[i%c][i/c] = float64(int16(binary.LittleEndian.Uint16(data[at:]))) / 32768
			}
		}
		key := keystream.Public().Derive("fuzz")
		h := header{size: int(size), second: int64(second & (1<<40 - 1))}
		copy(h.nonce[:], data)
		withHeader(t, rec, key, h)
		host, err := carrier.NewHost(context.Background(), &memory{rec})
		if err != nil {
			t.Fatal(err)
		}
		found, err := Carrier{}.Find(context.Background(), host, key, carrier.Options{Workers: 1})
		if bits := 8 * (int64(size) + tagSize); h.second > bits || max(h.second, bits-h.second) > int64(c*frames) || size == 0 {
			if !errors.Is(err, carrier.ErrNotFound) {
				t.Fatalf("a payload of %d bytes in %d samples: %v", size, c*frames, err)
			}
			return
		}
		if err != nil {
			if errors.Is(err, carrier.ErrNotFound) {
				return // it lacks room for the header beside that
			}
			t.Fatal(err)
		}
		if m, err := found.Read(context.Background(), carrier.Options{Workers: 1}); !errors.Is(err, carrier.ErrNotFound) {
			t.Fatalf("%v, %v", m, err)
		}
	})
}

// memory is a recording in memory as a file.
type memory struct{ rec *audio.Recording }

func (m *memory) Format() audio.Format { return m.rec.Format }
func (m *memory) Frames() int64        { return int64(len(m.rec.Samples[0])) }
func (m *memory) Reader() audio.Reader {
	var s carrier.Spool
	if err := s.Write(m.rec.Samples); err != nil {
		panic(err)
	}
	return s.File(m.rec.Format).Reader()
}
