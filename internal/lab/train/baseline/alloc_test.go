//go:build !race

package baseline

import (
	"testing"
)

func TestStepDoesNotAllocate(t *testing.T) {
	data := material(t)
	for _, cfg := range small(t) {
		r, err := New(cfg, data, 2)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(5, func() {
			if _, err := r.advance(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: a step allocates %v times", SystemOf(marshalled(t, cfg)), n)
		}
	}
}
