package lattice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"ditas"
	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/carrier/durable"
	"ditas/internal/carrier/lattice"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/codestream"
	"ditas/internal/cputime"
	"ditas/internal/keystream"
	"ditas/internal/model/weights"
	"ditas/picture"
)

const seconds = 20

// cover returns what all files of the benchmark are made of.
func cover() *audio.Recording {
	rng := rand.New(rand.NewPCG(7, 7))
	rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, seconds*16000)}
	low := 0.0
	for i := range rec.Samples[0] {
		low = 0.9*low + rng.NormFloat64()
		rec.Samples[0][i] = rec.Format.Quantize(0.04 * low)
	}
	return rec
}

func file(t testing.TB, rec *audio.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, data []byte) *wav.File {
	t.Helper()
	f, err := wav.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func pieces(t testing.TB, data []byte, frames int) []byte {
	t.Helper()
	if frames == 0 {
		return data
	}
	rec, err := audio.ReadAll(open(t, data))
	if err != nil {
		t.Fatal(err)
	}
	lattice.Interrupt(rec, frames)
	return file(t, rec)
}

// honest returns fifty files as ditas makes them, of all methods, with small pictures and such as fill the room, whole and in pieces, and two in
// which there is nothing.
func honest(b *testing.B) map[string][]byte {
	noise := func(side int) *picture.Planes {
		rng := rand.New(rand.NewPCG(3, 3))
		p := picture.New(side, side)
		for c := range p.Pix {
			for i := range p.Pix[c] {
				p.Pix[c][i] = rng.Float32()
			}
		}
		p.Round()
		return p
	}
	files := map[string][]byte{"nothing": file(b, cover()), "nothing, in pieces": pieces(b, file(b, cover()), 24)}
	add := func(name string, o ditas.HideOptions, side int, lost ...int) {
		o.Fit = true
		s, err := ditas.NewSurvey(b.Context(), open(b, file(b, cover())), ditas.SurveyOptions{Method: o.Method, For: o.For})
		if err != nil {
			b.Fatal(name, err)
		}
		var out bytes.Buffer
		if _, err := s.Hide(b.Context(), &out, noise(side), ditas.Public(), o); err != nil {
			b.Fatal(name, err)
		}
		for _, n := range lost {
			files[fmt.Sprintf("%s, %d pixels wide, pieces of %d frames", name, side, n)] = pieces(b, out.Bytes(), n)
		}
	}
	for name, strength := range map[string]ditas.Strength{
		"lattice": {}, "lattice, audible": ditas.Audible(20), "lattice, faint": ditas.Faint(),
	} {
		for _, side := range []int{16, 96, 1000} {
			add(name, ditas.HideOptions{Method: ditas.Lattice, Strength: strength}, side, 0, 24, 64)
		}
	}
	for _, purpose := range []string{ditas.Share, ditas.Voice, "share-mp3-128"} {
		for _, side := range []int{16, 200} {
			add(purpose, ditas.HideOptions{For: purpose}, side, 0, 64)
		}
	}
	for _, side := range []int{64, 128, 400} {
		add("networks", ditas.HideOptions{Method: ditas.Networks}, side, 0, 24, 64)
	}
	if len(files) != 50 {
		b.Fatalf("%d honest files", len(files))
	}
	return files
}

// bombs are the beginnings of streams that claim pictures as wide and high as the key says.
var bombs = map[int]string{1000: "\x93U\x90", 4000: "\x8f\x96D", 10000: "\x8d6\x01", 65535: "\x88\x00\x00"}

// hostile returns files of that size as anybody can make them, whose headers are valid and lie.
func hostile(b *testing.B) map[string][]byte {
	files := map[string][]byte{}
	for _, claim := range []string{"frames", "payload", "both", "channels"} {
		for _, lost := range []int{0, 24, 64} {
			stego := lattice.Forge(b, cover(), make([]byte, 300), claim)
			files[fmt.Sprintf("lattice, %s, pieces of %d frames", claim, lost)] = pieces(b, file(b, stego), lost)
		}
	}
	for name, c := range map[string]struct {
		carrier.Carrier
		carrier.Strength
	}{
		"lattice": {lattice.Carrier{}, carrier.Strength{SNR: 20, Audible: true}},
		"durable": {durable.Carrier{}, carrier.Strength{}},
	} {
		s, err := c.Survey(b.Context(), open(b, file(b, cover())), carrier.Options{Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		room := s.Room(c.Strength).Bytes
		for side, head := range bombs {
			for _, size := range []int{len(head), room / 8, room} {
				payload := []byte(head)
				for rng := rand.New(rand.NewPCG(1, uint64(side))); len(payload) < size; {
					payload = append(payload, byte(rng.Uint32()))
				}
				var out bytes.Buffer
				random := rand.NewChaCha8([32]byte{1})
				var lost *carrier.LostError
				_, err := s.Embed(b.Context(), &out, c.Strength, payload, keystream.Public(), random, carrier.Options{Workers: 1})
				if errors.As(err, &lost) && !lost.Written {
					continue // the smaller ones do
				}
				if err != nil {
					b.Fatal(name, side, size, err)
				}
				files[fmt.Sprintf("%s, a picture of %d×%d in %d bytes", name, side, side, size)] = out.Bytes()
			}
		}
	}
	for _, side := range []int{10, 30, 50} {
		files[fmt.Sprintf("networks, %d×%d tiles", side, side)] = tiles(b, side)
	}
	return files
}

// tiles returns a recording with a valid header of the networks that claims side×side tiles.
func tiles(b *testing.B, side int) []byte {
	rec := cover()
	sys, id, err := weights.Load(weights.Default)
	if err != nil {
		b.Fatal(err)
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
		b.Fatal(err)
	}
	if err := slots.Write(slots.Planar[float64](rec.Samples), carrier.GridOf(rec.Format), keystream.Public(), body); err != nil {
		b.Fatal(err)
	}
	return file(b, rec)
}

// TestBombs checks that the streams of the benchmark claim what they are said to.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nothing side by side")
	}
	for side, head := range bombs {
		_, info, err := codestream.Decode(t.Context(), []byte(head+"\x00\x00\x00\x00\x00\x00"), codestream.DecodeOptions{MaxPixels: math.MaxInt})
		if err != nil || info.Width != side || info.Height != side {
			t.Errorf("%d: %d×%d, %v", side, info.Width, info.Height, err)
		}
	}
}

// BenchmarkHostileReveal reveals and inspects recordings that anyone could write, and fails where one takes more than four times the time, or
// more than twice the memory and 100 MB, of the dearest of fifty honest ones of its size.
func BenchmarkHostileReveal(b *testing.B) {
	cost := func(do func() error) cputime.Cost {
		return cputime.Of(func() {
			if err := do(); err != nil && !errors.Is(err, ditas.ErrNothingFound) && !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Log(err)
			}
		})
	}
	work := map[string]func(data []byte) error{
		"reveal": func(data []byte) error {
			_, _, err := ditas.Reveal(context.Background(), open(b, data), ditas.Public(), ditas.RevealOptions{Workers: 1})
			return err
		},
		"inspect": func(data []byte) error {
			_, err := ditas.Inspect(context.Background(), open(b, data), ditas.Public(), ditas.RevealOptions{Workers: 1})
			return err
		},
	}
	honest, hostile := honest(b), hostile(b)
	for name, do := range work {
		b.Run(name, func(b *testing.B) {
			var dearest cputime.Cost
			for _, data := range honest {
				dearest = dearest.Max(cost(func() error { return do(data) }))
			}
			var worst string
			worstTime := 0.0
			for of, data := range hostile {
				if len(data) != len(honest["nothing"]) {
					b.Fatalf("%s has %d bytes", of, len(data))
				}
				c := cost(func() error { return do(data) })
				if c.Seconds > worstTime {
					worst, worstTime = of, c.Seconds
				}
				if c.Exceeds(dearest) {
					b.Errorf("%s costs too much: %.2f s, %.0f MB, honest ones at most %.2f s, %.0f MB", of, c.Seconds, c.Megabytes, dearest.Seconds, dearest.Megabytes)
				}
			}
			b.Logf("honest ones take at most %.2f s, %.0f MB; the dearest other one, %s, %.2f s", dearest.Seconds, dearest.Megabytes, worst, worstTime)
		})
	}
}
