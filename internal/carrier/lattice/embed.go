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
	step, inverse float64 // of the coarse symbol, in the frame's fine steps, and 1 over it; both are 0 where there is none
	coarse        float64
	// grain is the step of the fine symbol, in the frame's fine steps, and perGrain 1 over it. Both are 1 but in pilots of synchronisation.
	grain, perGrain float64
	fine            float64
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
	var fineSymbols [1 << maxFineBits]float64
	for l := range 1 << n {
		fineSymbols[l] = fineSymbol(uint(l), n)
	}
	mediumInverse, strongInverse := 0.0, 1/e.shape.strong
	if e.shape.medium > 0 {
		mediumInverse = 1 / e.shape.medium
	}
	medium, fine := 0, b.fine[:]
	for i := range e.symbols {
		s := &e.symbols[i]
		if f.use[i] == useSync {
			continue
		}
		*s = symbol{step: e.shape.medium, inverse: mediumInverse, coarse: f.coarse[i], grain: 1, perGrain: 1, fine: f.fine[i]}
		if f.use[i] == useStrong {
			s.step, s.inverse = e.shape.strong, strongInverse
		} else if s.step > 0 {
			s.coarse += coarseSymbol(b.medium[medium])
			medium++
		}
		if f.use[i] != useHeader {
			bits := (*[maxFineBits]byte)(fine)
			fine = fine[maxFineBits:]
			s.fine += fineSymbols[(bits[0]<<3|bits[1]<<2|bits[2]<<1|bits[3])>>(maxFineBits-n)&15]
		}
	}
	h, rise := octave(level), e.shape.rise
	grain := math.Exp2(float64(h)) * unit / fineStep(level)
	step := grain * math.Exp2(float64(rise))
	for _, p := range f.sync {
		e.symbols[p.at] = symbol{step, 1 / step, p.dither(h + rise), grain, 1 / grain, p.dither(h)}
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

// nearest is [carrier.Nearest] with 1 over the step given.
func nearest(t, step, inverse, symbol float64) float64 {
	return step * (math.RoundToEven(float64(t*inverse)-symbol) + symbol)
}

// run embeds the symbols of samples from and up to to of a frame whose step is given in units of full scale.
func (e *embedder) run(dst, x []float64, quiet []bool, step float64, from, to int) {
	highest, inverse := 1-e.grid.Step, 1/step
	dst, x, quiet = dst[:to], x[:to], quiet[:to]
	// Steps of grids are powers of two, and 1 over them exact.
	grid, perGrid := e.grid.Step, 0.0
	if grid > 0 {
		perGrid = 1 / grid
	}
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
			q := nearest(u, coarse, inverse*s.inverse, s.coarse)
			if q > highest && t <= highest {
				q -= coarse
			} else if q < -1 && t >= -1 {
				q += coarse
			}
			// Half way, and where full scale has made the way longer, no farther from the symbol than it ever is.
			v = (u + q) / 2
			if v > q+coarse/4 {
				v = q + coarse/4
			} else if v < q-coarse/4 {
				v = q - coarse/4
			}
		}
		fine := s.grain * step
		y := nearest(v, fine, inverse*s.perGrain, s.fine)
		z := y
		if grid > 0 {
			z = math.RoundToEven(y*perGrid) * grid
		}
		// A recording that keeps to full scale is kept there.
		switch {
		case z > highest && t <= highest:
			z = e.grid.Round(y - float64(fine*math.Ceil((y-highest)/fine)))
		case z < -1 && t >= -1:
			z = e.grid.Round(y + float64(fine*math.Ceil((-1-y)/fine)))
		}
		dst[i] = z
		// Only full scale pushes a sample farther than lattices ask for, and the filter is not to spread that.
		w := z - u
		if w > 4*step {
			w = 4 * step
		} else if w < -4*step {
			w = -4 * step
		}
		e.shaper.push(u - t + w)
	}
}

// detach moves the samples of a frame that have come to equal the silence beside them on by a step, or a receiver would take them for a
// part of it. x and quiet begin a sample before the frame and end a sample behind it.
func (e *embedder) detach(dst, x []float64, quiet []bool, step float64) {
	highest := 1 - e.grid.Step
	joins := func(i int, z float64) bool { return quiet[i] && z == x[i] || quiet[i+2] && z == x[i+2] }
	for i, z := range dst[:FrameLength] {
		t := x[i+1]
		if quiet[i+1] || !quiet[i] && !quiet[i+2] || t-t != 0 || !joins(i, z) {
			continue
		}
		fine := e.symbols[i].grain * step
		y := nearest(z, fine, 1/fine, e.symbols[i].fine)
		if t < y {
			fine = -fine
		}
		for _, way := range [...]float64{fine, -fine, 2 * fine, -2 * fine} {
			if z := e.grid.Round(y + way); z >= -1 && z <= highest && !joins(i, z) {
				dst[i] = z
				break
			}
		}
	}
}
