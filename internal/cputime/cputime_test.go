package cputime

import (
	"testing"
	"time"
)

var kept []byte

func TestOf(t *testing.T) {
	c := Of(func() {
		kept = make([]byte, 30<<20)
		for end := Now() + 50*time.Millisecond; Now() < end; {
			kept[0]++
		}
	})
	if c.Seconds < 0.05 || c.Megabytes < 30 || c.Megabytes > 40 {
		t.Errorf("30 MB and 0.05 s are measured as %+v", c)
	}
}

func TestExceeds(t *testing.T) {
	honest := Cost{1, 50}.Max(Cost{0.5, 100})
	for c, want := range map[Cost]bool{{3.9, 299}: false, {4.1, 1}: true, {0.1, 301}: true} {
		if got := c.Exceeds(honest); got != want {
			t.Errorf("%+v beside %+v: %t", c, honest, got)
		}
	}
}
