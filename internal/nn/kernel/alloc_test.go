//go:build !race

package kernel

import (
	"testing"
)

func TestNoAllocation(t *testing.T) {
	each(t, func(t *testing.T, s Set[float32]) {
		c := shape{rows: 20, planes: 40, height: 3, width: 3, n: 1000, stride: 33}
		src, offs, dst, pitch := c.operands()
		w, bias := make([]float32, c.rows*c.k()), make([]float32, c.rows)
		var p Packed[float32]
		s.Pack(&p, w, c.rows, c.k(), c.k(), 1)
		var sink float64
		if n := testing.AllocsPerRun(3, func() {
			for _, rows := range []int{4, c.rows} {
				s.Pack(&p, w, rows, c.k(), c.k(), 1)
				s.Correlate(dst, pitch, c.n, &p, bias, src, offs, false)
				s.CorrelateGrad(w, dst, pitch, rows, c.n, src, offs)
			}
			for _, f := range binaries {
				f.run(s, dst[:1000], src, w, 1)
			}
			s.Adam(dst[:1000], src, dst[1000:], dst[2000:], AdamStep{C1: 1, C2: 1})
			sink += s.Sum(dst) + s.SumSquares(dst)
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}
