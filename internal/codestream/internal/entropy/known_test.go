package entropy

import (
	"math/rand/v2"
	"testing"
)

// TestKnown compares how many decisions prefixes are said to tell with how many a decoder takes from them.
func TestKnown(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const decisions = 200_000
	p, bit := make([]uint32, decisions), make([]int, decisions)
	c := NewEncoder(0)
	for i := range p {
		p[i] = 22 + rng.Uint32N(65536-44)
		if rng.IntN(3) > 0 {
			p[i] = 22 + rng.Uint32N(3000)
		}
		if rng.Uint32N(65536) < p[i] {
			bit[i] = 1
		}
		c.Code(bit[i], p[i])
	}
	stream, _ := c.Finish()
	for n := 1; n < len(stream)-4; n += 1 + rng.IntN(40) {
		d, taken := NewDecoder(stream[:n]), 0
		for d.Code(0, p[taken]); !d.Done; d.Code(0, p[taken]) {
			taken++
		}
		if got := c.Known(n); got != taken {
			t.Errorf("%d bytes: %d decisions, a decoder takes %d", n, got, taken)
		}
	}
}
