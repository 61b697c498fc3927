//go:build !race

package flac

import (
	"fmt"
	"math"
	"testing"

	"ditas/audio"
)

func TestReaderDoesNotAllocate(t *testing.T) {
	f := open(t, encode(t, sound(audio.Format{Rate: 44100, Channels: 2, Encoding: audio.Int16}, 100_000)))
	r, block := f.Reader(), audio.NewBlock(2, 4096)
	if n := testing.AllocsPerRun(10, func() {
		if err := r.SeekFrame(0); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := r.Read(block); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEncoderDoesNotAllocate(t *testing.T) {
	for _, format := range []audio.Format{
		{Rate: 44100, Channels: 2, Encoding: audio.Int16},
		{Rate: 12345, Channels: 3, Encoding: audio.Int32, ValidBits: 27},
	} {
		rec := sound(format, 4096)
		for level := MinLevel; level <= MaxLevel; level++ {
			t.Run(fmt.Sprintf("%d channels, level %d", format.Channels, level), func(t *testing.T) {
				info := streamInfo{rate: format.Rate, channels: format.Channels, bits: format.Bits()}
				e := encoder{info: &info, effort: &efforts[level]}
				long, short := make([][]int64, format.Channels), make([][]int64, format.Channels)
				for c, x := range rec.Samples {
					for _, v := range x {
						long[c] = append(long[c], int64(math.Ldexp(v, info.bits-1)))
					}
					short[c] = long[c][1000:2999]
				}
				if n := testing.AllocsPerRun(20, func() {
					e.encode(header{samples: len(long[0])}, long)
					e.encode(header{samples: len(short[0])}, short)
				}); n > 0 {
					t.Errorf("%v allocations", n)
				}
			})
		}
	}
}
