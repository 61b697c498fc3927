package covert_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/keystream"
)

// Half a minute of stereo at 44.1 kHz: what it takes to survey it, to hide in it at two rates, with dither too, and to find that nothing is hidden.
func Benchmark30Seconds(b *testing.B) {
	rec := loud(2, 30*44100, 60, 1)
	rec.Format.Rate = 44100
	cover := file(b, rec)
	o := carrier.Options{Workers: 1}
	b.Run("survey", func(b *testing.B) {
		for b.Loop() {
			survey(b, cover)
		}
	})
	s := survey(b, cover)
	for _, size := range []int{2000, 40000} {
		b.Run(fmt.Sprintf("embed/bytes=%d", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Embed(context.Background(), io.Discard, carrier.Strength{}, random(size, 1), key, source(1), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	fine := precise(2, 30*44100, 60)
	fine.Format.Rate = 44100
	converted, err := audio.Convert(file(b, fine), audio.Int16, wav.NewWriter)
	if err != nil {
		b.Fatal(err)
	}
	dithered := survey(b, converted)
	b.Run("embed/dithered", func(b *testing.B) {
		for b.Loop() {
			if _, err := dithered.Embed(context.Background(), io.Discard, carrier.Strength{}, random(40000, 1), key, source(1), o); err != nil {
				b.Fatal(err)
			}
		}
	})
	stego := hidden(b, cover, random(40000, 1), 1, o)
	for name, k := range map[string]int{"found": 0, "innocent": 1} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := read(b, stego, []keystream.Key{key, another}[k]); (err == nil) != (k == 0) {
					b.Fatal(err)
				}
			}
		})
	}
}
