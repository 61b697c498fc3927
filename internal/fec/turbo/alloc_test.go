//go:build !race

package turbo

import (
	"testing"
)

func TestNoAllocation(t *testing.T) {
	c := newCode(t, 500)
	d := NewDecoder(c)
	info, word, llr := make([]byte, 500), make([]byte, c.Len()), make([]float32, c.Len())
	if n := testing.AllocsPerRun(5, func() {
		c.Encode(word, info)
		d.Reset(c)
		d.Decode(info, llr, 2, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
