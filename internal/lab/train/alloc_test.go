//go:build !race

package train_test

import (
	"testing"

	"ditas/internal/lab/train/traintest"
)

func TestStepDoesNotAllocate(t *testing.T) {
	f := traintest.Folders(t)
	for name, cfg := range quick(t) {
		r := traintest.New(t, cfg, f, 2)
		if n := testing.AllocsPerRun(5, func() {
			if _, err := r.Advance(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: a step allocates %v times", name, n)
		}
	}
}
