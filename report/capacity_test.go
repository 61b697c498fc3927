package report_test

import (
	"errors"
	"testing"
	"time"

	"ditas/report"
)

// Where what fits grows with the square root of the length, twice as many bytes take a recording four times as long, and it says why if nothing fits.
func TestNeed(t *testing.T) {
	c := report.Capacity{Bytes: 200, Pixels: 1600, Tile: 1, Usable: time.Second}
	if got := c.Need(40, 80); got != 2*time.Second {
		t.Errorf("in proportion: %v", got)
	}
	c.Sublinear = true
	if got := c.Need(40, 80); got != 4*time.Second {
		t.Errorf("by the square root: %v", got)
	}
	if got := c.Need(65535, 65535); got <= 0 {
		t.Errorf("of the largest picture: %v", got)
	}
	c = report.Capacity{Exposed: &report.ExposedError{Bits: 8}}
	if err := c.Check(1, 1); !errors.As(err, new(*report.ExposedError)) || c.Refusal() != err {
		t.Errorf("where a change would be found: %v", err)
	}
	if err := (&report.Capacity{}).Refusal(); err != nil {
		t.Errorf("of nothing known: %v", err)
	}
}
