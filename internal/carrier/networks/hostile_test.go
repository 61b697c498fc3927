package networks_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/keystream"
	"ditas/internal/model/weights"
	"ditas/internal/racetest"
)

// claiming returns a recording with a valid header that claims a picture of side×side tiles, the first slots of which are there.
func claiming(t *testing.T, seconds float64, side int) []byte {
	t.Helper()
	cover := music(t, audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, seconds)
	rec, err := wav.Decode(bytes.NewReader(cover), int64(len(cover)))
	if err != nil {
		t.Fatal(err)
	}
	sys, id, err := weights.Load(weights.Default)
	if err != nil {
		t.Fatal(err)
	}
	c := sys.Config
	l := &slots.Layout{
		Method: 1, Weights: id, Width: side * c.Tile, Height: side * c.Tile, Stages: c.Stages, Tile: c.Tile, Planes: 3,
		SlotLength: c.Samples(), Channels: 1, Frames: side * side * c.Stages * c.Samples(),
	}
	for i := range side * side * c.Stages {
		l.Slots = append(l.Slots, slots.Slot{Index: i, Strength: 40})
	}
	body, err := l.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := slots.Write(slots.Planar[float64](rec.Samples), carrier.GridOf(rec.Format), keystream.Public(), body); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTilesThatAreNotThere checks that what a header claims takes memory and time for what is there alone.
func TestTilesThatAreNotThere(t *testing.T) {
	racetest.Skip(t)
	const seconds, there = 16, 15 // tiles, each with the first stage
	for _, side := range []int{10, 50} {
		stego := claiming(t, seconds, side)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, found, err := reveal(context.Background(), stego, nil)
		runtime.ReadMemStats(&after)
		took := int64(after.TotalAlloc-before.TotalAlloc) >> 20
		if took > 200 {
			t.Errorf("%d×%d tiles of which %d are there take %d MiB", side, side, there, took)
		}
		switch {
		case side == 50 && (err == nil || found == nil || errors.Is(err, carrier.ErrNotFound)):
			t.Errorf("a picture of %d tiles of which %d are there: error %v", side*side, there, err)
		case side == 10 && (err != nil || found.Arrived != there || p.Width != 640):
			t.Errorf("a picture of %d tiles of which %d are there: %+v, error %v", side*side, there, found, err)
		case side == 10:
			// Grey but for the first ones.
			for i, v := range p.Pix[0][2*64*640:] {
				if v != p.Pix[0][2*64*640] {
					t.Fatalf("pixel %d of a tile that is not there is not grey", i)
				}
			}
		}
	}
}
