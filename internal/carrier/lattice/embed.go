package lattice

import (
	"math"

	"ditas/internal/carrier"
)

// embedder embeds frames in one channel.
type embedder struct {
	shape   *shape
	grid    carrier.Grid
	shaper  *shaper
	symbols [FrameLength]symbol
}

// symbol is what a sample has to carry: the places of its coarse and of its fine symbol, in steps, dither included.
type symbol struct {
	step, coarse float64 // step is in fine ones, 0 where there is no coarse symbol
	grain, fine  float64 // grain is the step of the fine symbol, in those of the frame: 1 but in pilots of synchronisation
}

// roundingIndex returns the noise index that rounding to a grid is taken for.
func roundingIndex(g carrier.Grid) int {
	if g.Step == 0 {
		return 0
	}
	return max(0, int(math.Round(4*math.Log2(8*g.Step/unit/math.Sqrt(12)))))
}

// place sets the symbols of a frame. header returns the bits of the header that the frame carries.
func (e *embedder) place(f *frame, level int, b *bits[byte], header func(i int) byte) {
	n := fineBits(level)
	medium, fine := 0, 0
	for i := range e.symbols {
		s := &e.symbols[i]
		*s = symbol{step: e.shape.medium, coarse: f.coarse[i], grain: 1, fine: f.fine[i]}
		if f.use[i] == useSync {
			continue
		}
		if f.use[i] == useStrong {
			s.step = e.shape.strong
		} else if s.step > 0 {
			s.coarse += coarseSymbol(b.medium[medium])
			medium++
		}
		if f.use[i] != useHeader {
			s.fine += fineSymbol(label(b.fine[fine:], n), n)
			fine += maxFineBits
		}
	}
	h := octave(level)
	grain := math.Exp2(float64(h)) * unit / fineStep(level)
	for _, p := range f.sync {
		rise := e.shape.rise
		e.symbols[p.at] = symbol{grain * math.Exp2(float64(rise)), p.dither(h + rise), grain, p.dither(h)}
	}
	for i, p := range f.data {
		e.symbols[p.at].coarse += coarseSymbol(b.strong[i])
	}
	for i, p := range f.strong[:e.shape.header] {
		e.symbols[p.at].coarse += coarseSymbol(header(i))
	}
	for i, p := range f.marks.fine {
		var part [maxFineBits]byte
		for j := range part {
			part[j] = header(headerStrong + maxFineBits*i + j)
		}
		e.symbols[p.at].fine += fineSymbol(label(part[:], n), n)
	}
}

// label returns the first n bits as a number.
func label(b []byte, n int) (l uint) {
	for _, bit := range b[:n] {
		l = l<<1 | uint(bit)
	}
	return l
}

// run embeds the symbols of samples from and up to to of a frame whose step is given in units of full scale.
func (e *embedder) run(dst, x []float64, quiet []bool, step float64, from, to int) {
	highest := 1 - e.grid.Step
	for i := from; i < to; i++ {
		t := x[i]
		if quiet[i] || t-t != 0 {
			dst[i] = t
			e.shaper.push(0)
			continue
		}
		u := t + e.shaper.predict()
		s := &e.symbols[i]
		v := u
		if s.step > 0 {
			coarse := s.step * step
			q := carrier.Nearest(u, coarse, s.coarse)
			if q > highest && t <= highest {
				q -= coarse
			} else if q < -1 && t >= -1 {
				q += coarse
			}
			// Half way, and where full scale has made the way longer, no farther from the symbol than it ever is.
			v = max(q-coarse/4, min(q+coarse/4, (u+q)/2))
		}
		fine := s.grain * step
		y := carrier.Nearest(v, fine, s.fine)
		z := e.grid.Round(y)
		// A recording that keeps to full scale is kept there.
		switch {
		case z > highest && t <= highest:
			z = e.grid.Round(y - fine*math.Ceil((y-highest)/fine))
		case z < -1 && t >= -1:
			z = e.grid.Round(y + fine*math.Ceil((-1-y)/fine))
		}
		dst[i] = z
		// Only full scale pushes a sample farther than lattices ask for, and the filter is not to spread that.
		e.shaper.push(u - t + max(-4*step, min(4*step, z-u)))
	}
}
