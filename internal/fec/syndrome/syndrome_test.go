package syndrome_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"ditas/internal/fec/syndrome"
)

// random returns n random bits.
func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32()) & 1
	}
	return b
}

// linear returns n costs that are spread evenly from 0 to 1.
func linear(r *rand.Rand, n int) []float32 {
	c := make([]float32, n)
	for i := range c {
		c[i] = r.Float32()
	}
	return c
}

// What is embedded is extracted, at every height, whatever the lengths and with bits that must not change; and these do not.
func TestEmbedExtract(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for height := syndrome.MinHeight; height <= syndrome.MaxHeight; height++ {
		for _, size := range [][2]int{{1, 1}, {17, 1}, {40, 40}, {999, 500}, {1000, 333}, {2500, 61}, {4096, 100}, {9000, 3}} {
			code, err := syndrome.New(height, size[0], size[1])
			if err != nil {
				t.Fatal(err)
			}
			cover, message, costs := random(r, size[0]), random(r, size[1]), linear(r, size[0])
			if size[0] >= 3*size[1] {
				for i := range costs {
					if r.IntN(4) == 0 {
						costs[i] = syndrome.Wet
					}
				}
			}
			stego := make([]byte, size[0])
			cost, err := syndrome.NewEncoder(code).Embed(context.Background(), stego, cover, costs, message)
			if err != nil {
				t.Fatalf("height %d, %d bits in %d: %v", height, size[1], size[0], err)
			}
			got, sum := make([]byte, size[1]), 0.0
			code.Extract(got, stego)
			if !bytes.Equal(got, message) {
				t.Errorf("height %d, %d bits in %d: another message comes back", height, size[1], size[0])
			}
			for i := range stego {
				if stego[i] != cover[i] {
					sum += float64(costs[i])
				}
			}
			if math.Abs(sum-cost) > 1e-3*float64(size[0]) {
				t.Errorf("height %d, %d bits in %d: a cost of %g, but %g was told", height, size[1], size[0], sum, cost)
			}
		}
	}
}

// Of all words that tell a message, the one that is found costs least.
func TestLeastCost(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for trial := range 60 {
		n := 6 + r.IntN(9)
		m := 1 + r.IntN(n)
		code, err := syndrome.New(syndrome.MinHeight+trial%6, n, m)
		if err != nil {
			t.Fatal(err)
		}
		cover, message, costs := random(r, n), random(r, m), make([]float32, n)
		for i := range costs {
			costs[i] = float32(r.IntN(4096)) / 1024
		}
		least, word, told := math.Inf(1), make([]byte, n), make([]byte, m)
		for v := range uint32(1) << n {
			sum := 0.0
			for i := range word {
				if word[i] = byte(v>>i) & 1; word[i] != cover[i] {
					sum += float64(costs[i])
				}
			}
			if code.Extract(told, word); bytes.Equal(told, message) {
				least = min(least, sum)
			}
		}
		got, err := syndrome.NewEncoder(code).Embed(context.Background(), word, cover, costs, message)
		if math.IsInf(least, 1) {
			t.Fatalf("%d bits in %d: no word tells the message", m, n)
		}
		if err != nil || math.Abs(got-least) > 1e-9 {
			t.Errorf("%d bits in %d: cost %g, the least is %g: %v", m, n, got, least, err)
		}
	}
}

// bound returns the least mean cost at which rate bits a bit can be told where costs are spread evenly from 0 to 1: bits flip with the
// probability 1/(1+exp(λρ)), of which the entropy is the rate (Filler, Judas and Fridrich 2011, (9) and (10)).
func bound(rate float64) float64 {
	const steps = 4000
	at := func(lambda float64) (entropy, cost float64) {
		for i := range steps {
			rho := (float64(i) + 0.5) / steps
			p := 1 / (1 + math.Exp(lambda*rho))
			entropy -= (p*math.Log2(p) + (1-p)*math.Log2(1-p)) / steps
			cost += p * rho / steps
		}
		return entropy, cost
	}
	low, high := 0.0, 600.0
	for range 60 {
		mid := (low + high) / 2
		if h, _ := at(mid); h > rate {
			low = mid
		} else {
			high = mid
		}
	}
	_, cost := at(low)
	return cost
}

// Costs are near what the rate-distortion bound allows, the nearer the higher the code, at widths with searched submatrices and without.
func TestNearTheBound(t *testing.T) {
	const n = 20000
	for _, width := range []float64{2, 2.5, 4, 10, 20, 40} {
		for _, height := range []int{7, 10, 12} {
			if height == 12 && (testing.Short() || width > 4) {
				continue
			}
			r := rand.New(rand.NewPCG(5, 6))
			code, err := syndrome.New(height, n, int(n/width))
			if err != nil {
				t.Fatal(err)
			}
			word := make([]byte, n)
			cost, err := syndrome.NewEncoder(code).Embed(context.Background(), word, random(r, n), linear(r, n), random(r, code.Message()))
			if err != nil {
				t.Fatal(err)
			}
			share := bound(1/width) / (cost / n)
			t.Logf("height %d, width %g: %.1f %% of what is possible", height, width, 100*share)
			if least := map[int]float64{7: 0.74, 10: 0.81, 12: 0.9}[height]; share < least || share > 1.01 {
				t.Errorf("height %d, width %g: %.1f %% of what is possible, want %.0f", height, width, 100*share, 100*least)
			}
		}
	}
}

// Messages that cannot be told without wet bits are an error, and so are lengths without a code; a run that is cancelled ends.
func TestErrors(t *testing.T) {
	for _, c := range [][3]int{{6, 10, 5}, {13, 10, 5}, {10, 4, 5}, {10, 5, 0}, {10, 5, -1}, {10, 1 << 20, 1}} {
		if _, err := syndrome.New(c[0], c[1], c[2]); err == nil {
			t.Errorf("height %d, %d bits for %d: no error", c[0], c[1], c[2])
		}
	}
	code, err := syndrome.New(10, 400, 200)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	costs, word := linear(r, 400), make([]byte, 400)
	for i := 100; i < 400; i++ {
		costs[i] = syndrome.Wet
	}
	e := syndrome.NewEncoder(code)
	if _, err := e.Embed(context.Background(), word, random(r, 400), costs, random(r, 200)); !errors.Is(err, syndrome.ErrWet) {
		t.Errorf("too many wet bits: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Embed(ctx, word, random(r, 400), linear(r, 400), random(r, 200)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// An encoder that is used again gives what a new one gives, and allocates nothing.
func TestReset(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	long, err := syndrome.New(8, 3000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	short, err := syndrome.New(8, 2000, 900)
	if err != nil {
		t.Fatal(err)
	}
	e := syndrome.NewEncoder(long)
	cover, message, costs := random(r, 2000), random(r, 900), linear(r, 2000)
	again, fresh := make([]byte, 2000), make([]byte, 2000)
	e.Reset(short)
	if _, err := e.Embed(context.Background(), again, cover, costs, message); err != nil {
		t.Fatal(err)
	}
	if _, err := syndrome.NewEncoder(short).Embed(context.Background(), fresh, cover, costs, message); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, fresh) {
		t.Error("an encoder that was used before gives another word")
	}
	if n := testing.AllocsPerRun(3, func() { _, _ = e.Embed(context.Background(), again, cover, costs, message) }); n > 0 {
		t.Errorf("embedding allocates %g times", n)
	}
}

func BenchmarkEmbed(b *testing.B) {
	for _, height := range []int{7, 10, 12} {
		for _, width := range []int{2, 4, 10} {
			b.Run(fmt.Sprintf("height=%d/width=%d", height, width), func(b *testing.B) {
				const n = 1 << 15
				r := rand.New(rand.NewPCG(1, uint64(bits.Len(uint(width)))))
				code, err := syndrome.New(height, n, n/width)
				if err != nil {
					b.Fatal(err)
				}
				e, word, cover, costs, message := syndrome.NewEncoder(code), make([]byte, n), random(r, n), linear(r, n), random(r, n/width)
				for b.Loop() {
					if _, err := e.Embed(context.Background(), word, cover, costs, message); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
			})
		}
	}
}
