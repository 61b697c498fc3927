//go:build !race

package wav

import (
	"io"
	"testing"

	"ditas/audio"
)

func TestBlocksAreReadAndWrittenWithoutAllocation(t *testing.T) {
	for _, fixture := range fixtures {
		f := open(t, read(t, fixture.name+".wav"))
		w, err := f.Rewrite(io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		r, block := f.Reader(), audio.NewBlock(f.Format().Channels, 1)
		if err := w.Write(audio.NewBlock(f.Format().Channels, 0)); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(10, func() {
			if n, _ := r.Read(block); n > 0 {
				if err := w.Write(block); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 && fixture.frames > 10 {
			t.Errorf("%s: %v allocations", fixture.name, n)
		}
	}
}
