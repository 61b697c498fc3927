package opus

import (
	"bytes"
	"testing"

	"ditas/audio"
	"ditas/audio/internal/ogg/oggtest"
)

var format = oggtest.Format{
	Open:  func(data []byte) (audio.File, error) { return Open(bytes.NewReader(data), int64(len(data))) },
	Heads: func([]byte) int { return 2 }, Settles: Rate * 150 / 1000,
}

func TestMend(t *testing.T) {
	for _, name := range []string{"pages.opus", "celt.opus", "mono.opus"} {
		data := read(t, name)
		if n := oggtest.PagesBefore(data, int64(len(data))); name == "pages.opus" && n < 7 {
			t.Fatalf("%s has %d pages", name, n)
		}
		format.Mend(t, name, data)
	}
}

func TestMuchMissing(t *testing.T) { format.MuchMissing(t, read(t, "pages.opus")) }

func TestChainOfAnotherKind(t *testing.T) { format.ChainOfAnotherKind(t, read(t, "pages.opus")) }

// What is cut off says so.
func TestCutOff(t *testing.T) { format.CutOff(t, read(t, "pages.opus")) }

// Packets of two bytes that last for 120 ms are silence, and may not last for hours.
func TestSparse(t *testing.T) { format.Sparse(t, read(t, "pages.opus"), []byte{1<<3 | 3, 6}, 5760) }
