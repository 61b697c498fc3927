package vorbis

import (
	"bytes"
	"testing"

	"ditas/audio"
	"ditas/audio/internal/ogg/oggtest"
)

var format = oggtest.Format{
	Open:  func(data []byte) (audio.File, error) { return Open(bytes.NewReader(data), int64(len(data))) },
	Heads: heads, Settles: 4096,
}

// heads returns how many pages hold headers.
func heads(data []byte) int {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 2
	}
	return max(2, oggtest.PagesBefore(data, f.index[0].at))
}

func TestMend(t *testing.T) {
	for _, name := range []string{"pages.ogg", "stereo.ogg", "mono.ogg"} {
		data := read(t, name)
		if n := oggtest.PagesBefore(data, int64(len(data))); name == "pages.ogg" && n < 7 {
			t.Fatalf("%s has %d pages", name, n)
		}
		format.Mend(t, name, data)
	}
}

func TestMuchMissing(t *testing.T) { format.MuchMissing(t, read(t, "pages.ogg")) }

func TestChainOfAnotherKind(t *testing.T) { format.ChainOfAnotherKind(t, read(t, "pages.ogg")) }

// What is cut off says so.
func TestCutOff(t *testing.T) { format.CutOff(t, read(t, "pages.ogg")) }

// Packets of a byte that last for 1024 samples are silence, and may not last for hours.
func TestSparse(t *testing.T) { format.Sparse(t, read(t, "pages.ogg"), []byte{0x0e}, 1024) }
