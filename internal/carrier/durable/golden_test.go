package durable

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"os"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/racetest"
)

var update = flag.Bool("update", false, "write the golden recording anew")

// The recording in testdata was written once, and stays readable.
func TestGolden(t *testing.T) {
	racetest.Skip(t)
	const name = "testdata/golden.wav"
	payload := []byte("what was hidden once is found for ever")
	if *update {
		cover := song(audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, 4, 21)
		s, err := Carrier{Share}.Survey(context.Background(), file(t, cover), carrier.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		var dst bytes.Buffer
		if _, err := s.Embed(context.Background(), &dst, carrier.Strength{}, payload, key, seeded(4), carrier.Options{Workers: 1}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, dst.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	stego, err := audio.ReadAll(opened(t, b))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, stego, payload, allStages)
}

// What FORMAT.md says of keys and streams, by value.
func TestGoldenHeader(t *testing.T) {
	h := header{nonce: nonce{1, 2, 3, 4, 5, 6, 7, 8}, aim: Share, level: 9, scale: 3, blocks: 29, payload: 2791}
	b := h.marshal(key)
	p := newPilots(key)
	got := hex.EncodeToString(b[:])
	const want = "0102030405060708204740ae62446957e77290fd12"
	if got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	if p.signs != [bands]uint8{2, 0, 3, 1, 3, 0, 2} || p.phase[0][0] != 0.11836134 || p.phase[511][6] != 0.009907131 {
		t.Errorf("pilots %v %v %v", p.signs, p.phase[0][0], p.phase[511][6])
	}
}
