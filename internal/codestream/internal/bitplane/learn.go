package bitplane

import (
	"context"
	"math"

	"ditas/internal/codestream/internal/entropy"
)

// A prior is learnt in four steps, each over all pictures: [Moments] finds what coefficients amount to that are not known to be
// other than zero, [Regression] the linear predictions, [Tally] the cells, and [Prior.Practise] the weights of mixing.

// Moments collects squares of coefficients.
type Moments struct {
	sum, number [momentCount]float64
}

// Add takes in a picture.
func (g *Moments) Add(l *Layout) {
	r := &run{model: newModel(entropy.NewEncoder(0), Ignorant())}
	r.ended = func(b *band) {
		if b.mark == nil {
			b.begin()
			b.started = false
		}
		for y := range b.height {
			base := b.at(0, y)
			for x, m := range b.mark[base:][:b.width] {
				if m == 0 {
					v := math.Ldexp(float64(b.value[base+x]), -b.open)
					at := b.moment(b.open, b.near[base+x])
					g.sum[at] += v * v
					g.number[at]++
				}
			}
		}
	}
	_, _ = l.run(context.Background(), r, nil) // nothing ends it
}

// Solve writes the mean squares to p.
func (g *Moments) Solve(p *Prior) {
	for i, n := range g.number {
		p.moments[i] = float32((g.sum[i] + 0.1) / (n + 1)) // one coefficient is added to what was seen
	}
}

// Regression collects what the linear predictions of signs are solved from.
type Regression struct {
	sums [classes]normal
}

// normal holds the normal equations of one least-squares problem.
type normal struct {
	a [features][features]float64
	b [features]float64
}

// Add takes in a picture.
func (g *Regression) Add(l *Layout) {
	var x [features]float64
	r := &run{model: newModel(entropy.NewEncoder(0), Ignorant())}
	r.regress = func(class int, around *[features]int32, plane int, sign float64) {
		for i, v := range around {
			x[i] = min(max(math.Ldexp(float64(v), -plane-1), -20), 20)
		}
		s := &g.sums[class]
		for i, v := range x {
			if v == 0 {
				continue
			}
			s.b[i] += v * 1.5 * sign // the middle of the interval
			for j := range i + 1 {
				s.a[i][j] += v * x[j]
			}
		}
	}
	_, _ = l.run(context.Background(), r, nil) // nothing ends it
}

// Solve writes the predictions to p.
func (g *Regression) Solve(p *Prior) {
	// A ridge keeps weights small that little is known about.
	const ridge, share = 30, 0.002
	for c, s := range g.sums {
		for i := range features {
			s.a[i][i] += ridge + share*s.a[i][i]
			for j := range i {
				s.a[j][i] = s.a[i][j]
			}
		}
		for i, v := range s.solve() {
			p.linear[c][i] = int16(math.Round(min(max(v*256, -2000), 2000)))
		}
	}
}

// solve eliminates (Gauss; the matrix is positive definite and needs no pivots).
func (s normal) solve() [features]float64 {
	a, b := &s.a, &s.b
	for i := range features {
		for j := i + 1; j < features; j++ {
			f := a[j][i] / a[i][i]
			for k := i; k < features; k++ {
				a[j][k] -= f * a[i][k]
			}
			b[j] -= f * b[i]
		}
	}
	for i := features - 1; i >= 0; i-- {
		for j := i + 1; j < features; j++ {
			b[i] -= a[i][j] * b[j]
		}
		b[i] /= a[i][i]
	}
	return *b
}

// Tally counts, for every cell, the bits that each picture had for it.
type Tally struct {
	seen  [][]counts
	now   []counts
	prior *Prior
}

type counts struct{ zeros, ones uint32 }

// NewTally returns an empty tally with the linear predictions of p.
func NewTally(p *Prior) *Tally {
	return &Tally{make([][]counts, cellCount), make([]counts, cellCount), p}
}

// Add takes in a picture.
func (t *Tally) Add(l *Layout) {
	var touched []uint16
	r := &run{model: newModel(entropy.NewEncoder(0), t.prior)}
	r.observe = func(bit int, _ uint32, cells ...uint16) {
		for _, c := range cells {
			n := &t.now[c]
			if n.zeros|n.ones == 0 {
				touched = append(touched, c)
			}
			if bit != 0 {
				n.ones++
			} else {
				n.zeros++
			}
		}
	}
	_, _ = l.run(context.Background(), r, nil) // nothing ends it
	for _, c := range touched {
		t.seen[c] = append(t.seen[c], t.now[c])
		t.now[c] = counts{}
	}
}

// Fit writes the cells to p: for each the beta distribution that makes the pictures' counts likeliest, so that a cell starts with
// the mean and weighs as much as pictures are alike.
func (t *Tally) Fit(p *Prior) {
	for c, seen := range t.seen {
		if len(seen) > 0 {
			p.cells[c] = fit(seen)
		}
	}
}

func fit(seen []counts) entropy.Cell {
	best := math.Inf(-1)
	var cell entropy.Cell
	for _, weight := range []float64{0.7, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 250} {
		// Pictures that hold many bits count less than their bits: those are alike.
		var ones, all float64
		for _, s := range seen {
			n := float64(s.zeros) + float64(s.ones)
			w := 1 / (1 + (n-1)/(weight+1))
			ones += w * float64(s.ones)
			all += w * n
		}
		mean := (ones + 0.4) / (all + 0.8)
		var likelihood float64
		for _, s := range seen {
			likelihood += rising(mean*weight, s.ones) + rising((1-mean)*weight, s.zeros) - rising(weight, s.ones+s.zeros)
		}
		if likelihood > best {
			best = likelihood
			p := min(max(math.Round(mean*65536), 8), 65536-8)
			cell = entropy.NewCell(uint32(p), uint32(math.Round(max(weight-0.5, 0))))
		}
	}
	return cell
}

// rising returns the logarithm of the rising factorial a(a+1)…(a+n−1).
func rising(a float64, n uint32) float64 {
	if n < 4 {
		product := 1.0
		for i := range n {
			product *= a + float64(i)
		}
		return math.Log(product)
	}
	x, _ := math.Lgamma(a + float64(n))
	y, _ := math.Lgamma(a)
	return x - y
}

// Practise codes a picture and leaves in p the weights of mixing that it ends with. Rate is how fast they move; the codec's
// is 14. It returns the size of the stream in bits.
func (p *Prior) Practise(l *Layout, rate int) (size float64) {
	r := &run{model: newModel(entropy.NewEncoder(0), p)}
	r.rate = int64(rate)
	r.observe = func(bit int, q uint32, _ ...uint16) {
		if bit == 0 {
			q = 65536 - q
		}
		size -= math.Log2(float64(q) / 65536)
	}
	_, _ = l.run(context.Background(), r, nil) // nothing ends it
	copy(p.weights, r.weights[:])
	return size
}
