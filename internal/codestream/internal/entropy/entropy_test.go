package entropy

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// decisions returns random bits with their probabilities, from nearly certain to even.
func decisions(seed uint64, n int) (bits []int, p []uint32) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for range n {
		q := 1 / (1 + math.Exp(12*rng.Float64()-6))
		p = append(p, uint32(min(max(q*65536, 1), 65535)))
		bit := 0
		if rng.Float64() < q {
			bit = 1
		}
		bits = append(bits, bit)
	}
	return bits, p
}

func encoded(bits []int, p []uint32, limit int) ([]byte, bool) {
	c := NewEncoder(limit)
	for i, bit := range bits {
		c.Code(bit, p[i])
	}
	return c.Finish()
}

func TestCoder(t *testing.T) {
	for seed := range uint64(200) {
		bits, p := decisions(seed, int(seed*seed/20))
		stream, complete := encoded(bits, p, 0)
		if !complete {
			t.Fatal("not complete without a limit")
		}
		var cost float64
		for i, bit := range bits {
			q := float64(p[i]) / 65536
			if bit == 0 {
				q = 1 - q
			}
			cost -= math.Log2(q)
		}
		if got := float64(8 * len(stream)); got > 1.001*cost+16 {
			t.Errorf("%d decisions take %g bits, and hold %.1f", len(bits), got, cost)
		}
		for _, tail := range [][]byte{nil, {0, 0, 0, 0}, {255, 255, 255, 255}} {
			c := NewDecoder(append(stream[:len(stream):len(stream)], tail...))
			for i, bit := range bits {
				if got := c.Code(1-bit, p[i]); got != bit || c.Done {
					t.Fatalf("decision %d of %d is %d, want %d; done is %t", i, len(bits), got, bit, c.Done)
				}
			}
		}
	}
}

// TestPrefix checks that a decoder stops in time, and not before: one byte more at the most would tell no more than what it told.
func TestPrefix(t *testing.T) {
	bits, p := decisions(1, 3000)
	stream, _ := encoded(bits, p, 0)
	last := 0
	for n := range stream {
		c := NewDecoder(stream[:n])
		i := 0
		for ; i < len(bits); i++ {
			got := c.Code(0, p[i])
			if c.Done {
				break
			}
			if got != bits[i] {
				t.Fatalf("%d bytes: decision %d is wrong", n, i)
			}
		}
		if i < last {
			t.Errorf("%d bytes tell %d decisions, fewer told %d", n, i, last)
		}
		last = i
		if c.Code(1, 1<<15) != 0 || !c.Done {
			t.Errorf("%d bytes: goes on after the end", n)
		}
	}
	if last < len(bits)-40 {
		t.Errorf("all bytes but one tell %d of %d decisions", last, len(bits))
	}
}

func TestLimit(t *testing.T) {
	bits, p := decisions(2, 500)
	all, _ := encoded(bits, p, 0)
	for limit := 1; limit < len(all)+3; limit++ {
		got, complete := encoded(bits, p, limit)
		if !bytes.Equal(got, all[:min(limit, len(all))]) || complete != (limit >= len(all)) {
			t.Errorf("limit %d of %d: %d bytes, complete is %t", limit, len(all), len(got), complete)
		}
	}
}

func TestSquash(t *testing.T) {
	for x := int64(-2047); x <= 2047; x++ {
		want := 65536 / (1 + math.Exp(-float64(x)/256))
		if got := float64(Squash(x)); math.Abs(got-want) > 0.012*min(want, 65536-want)+250 {
			t.Errorf("squash of %d is %g, want %.1f", x, got, want)
		}
		if x > -2047 && Squash(x) < Squash(x-1) {
			t.Errorf("squash falls at %d", x)
		}
	}
	if Squash(-1e9) != Squash(-2047) || Squash(1e9) != Squash(2047) {
		t.Error("squash is not limited")
	}
	for p := uint32(16); p < 65536; p += 16 {
		if x := NewCell(p, 0).Odds(); x > -2000 && x < 2000 {
			if got := Squash(x); math.Abs(float64(got)-float64(p)) > 90 {
				t.Errorf("squash of the odds of %d is %d", p, got)
			}
		}
	}
}

func TestCell(t *testing.T) {
	// Starting from nothing, a cell estimates as Krichevsky and Trofimov do, up to rounding.
	c := NewCell(1<<15, 0)
	ones := 0
	for i, bit := range []int{1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1} {
		c.Update(bit)
		ones += bit
		want := 65536 * (float64(ones) + 0.25) / (float64(i) + 1.5)
		if got := float64(c.P()); math.Abs(got-want) > 0.02*65536 || int(c.Count()) != i+1 {
			t.Errorf("after %d bits: %g with count %d, want about %.0f", i+1, got, c.Count(), want)
		}
	}
	for bit := range 2 {
		c := NewCell(1<<15, 0)
		for range 100000 {
			c.Update(bit)
		}
		if c.Count() != Memory || bit == 0 && c.P() > 40 || bit == 1 && c.P() < 65536-40 {
			t.Errorf("100000 times %d: %d with count %d", bit, c.P(), c.Count())
		}
	}
}

func BenchmarkCode(b *testing.B) {
	bits, p := decisions(3, 1<<16)
	c := NewEncoder(1)
	i := 0
	for b.Loop() {
		c.Code(bits[i&0xffff], p[i&0xffff])
		i++
	}
}
