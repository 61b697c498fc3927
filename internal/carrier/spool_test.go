package carrier_test

import (
	"context"
	"slices"
	"testing"

	"ditas/audio"
	"ditas/internal/carrier"
)

// A spool is read like the recording that was written to it, from anywhere.
func TestSpool(t *testing.T) {
	var s carrier.Spool
	var want [2][]float64
	for i, n := range []int{5, 1, 7, 5} {
		block := audio.NewBlock(2, n)
		for c := range block {
			for j := range block[c] {
				block[c][j] = float64(100*c+10*i+j) / 256
			}
			want[c] = append(want[c], block[c]...)
		}
		if err := s.Write(block); err != nil {
			t.Fatal(err)
		}
		clear(block[0]) // it is theirs
	}
	format := audio.Format{Rate: 8000, Channels: 2, Encoding: audio.Int16}
	h, err := carrier.NewHost(context.Background(), s.File(format))
	if err != nil || h.Frames() != int64(len(want[0])) || h.Format() != format {
		t.Fatalf("%d frames of %v: %v", h.Frames(), h.Format(), err)
	}
	for _, from := range []int{0, 4, 5, 6, 12, 17, 3} {
		part := audio.NewBlock(2, 4)
		if err := h.Read(part, int64(from)); err != nil {
			t.Fatal(err)
		}
		for c := range part {
			wanted := make([]float64, 4)
			copy(wanted, want[c][from:])
			if !slices.Equal(part[c], wanted) {
				t.Errorf("channel %d from frame %d on: %v, want %v", c, from, part[c], wanted)
			}
		}
	}
	if err := h.Finish(); err != nil || h.Cut() != nil {
		t.Errorf("the end: %v, %v", err, h.Cut())
	}
	if err := s.File(format).Reader().SeekFrame(19); err == nil {
		t.Error("a frame behind the end is found")
	}
}
