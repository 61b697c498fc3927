package durable

import (
	"context"
	"math"

	"ditas/internal/carrier/durable/ear"
	"ditas/internal/dsp"
)

// The search for pilots goes through a piece of a recording of up to a period. For each of the offsets that a frame may begin at, half a
// sample apart, it computes where the pilots of all frames would lie, and correlates this with where the key says that they should, for all
// frame numbers of a period at once.
const (
	offsets  = 2 * hop
	gridStep = 32 // samples, of the spectra between which others are interpolated
	gridSize = hop / gridStep
)

// candidate is where pilots may lie.
type candidate struct {
	line     line // of frame 0 of the piece
	frame    int  // number of that frame, modulo a period
	level    int  // of pilotLevels
	inverted bool
	score    float64 // in standard deviations of what there is by chance
}

// pilotGrid holds what is needed to compute pilots at any offset: for each frame of a piece and each step of the grid, the complex values of the
// two coefficients of every band, turned back to the frame's beginning and divided by what the ear bears there.
type pilotGrid struct {
	frames int
	values [][gridSize][bands][2][2]float32
}

// searcher finds pilots.
type searcher struct {
	low        *lowHost
	pilots     *pilots
	ear        *ear.Ear
	fft        *dsp.FFT[float32]
	correlator *dsp.Correlator
	window     [ear.Window]float64
	turns      [ear.Window][2]float64  // exp(−iπn/512)
	references [searchedBands]spectrum // of the pilots' phases
	mirrored   [searchedBands]spectrum // the same of a recording that is upside down

	samples []float64
	grid    pilotGrid
	masks   [][]float64
	table   phasorTable
	turn    *rotation
	circle  [8 * hop][2]float64

	rotations []*rotation // of all offsets
}

type spectrum struct{ re, im [period]float32 }

func newSearcher(l *lowHost, p *pilots) *searcher {
	s := &searcher{low: l, pilots: p, ear: ear.New()}
	s.fft, _ = dsp.NewFFT[float32](ear.Window)
	s.correlator, _ = dsp.NewCorrelator(period)
	for n := range s.window {
		s.window[n] = math.Sin(math.Pi * (float64(n) + 0.5) / ear.Window)
		sin, cos := math.Sincos(-math.Pi * float64(n) / ear.Window)
		s.turns[n] = [2]float64{cos, sin}
	}
	for b := range s.references {
		r, m := &s.references[b], &s.mirrored[b]
		for t := range period {
			if !isNumber(t, b) {
				sin, cos := math.Sincos(2 * math.Pi * float64(p.phase[t][b]))
				r.re[t], r.im[t] = float32(weights[b]*cos), float32(weights[b]*sin)
				m.re[t], m.im[t] = r.re[t], -r.im[t]
			}
		}
		s.correlator.Forward(r.re[:], r.im[:])
		s.correlator.Forward(m.re[:], m.im[:])
	}
	s.table.fill()
	for i := range s.circle {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(len(s.circle)))
		s.circle[i] = [2]float64{cos, sin}
	}
	return s
}

// phasorTable holds cos and sin of phases in steps.
type phasorTable [1024][2]float32

func (p *phasorTable) fill() {
	for i := range p {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.5) / float64(len(p)))
		p[i] = [2]float32{float32(cos), float32(sin)}
	}
}

// most is the largest phase that is looked at. A coefficient so far above what the ear bears says nothing.
const most = 64

// at returns the phasor of a phase of at most 2·most.
func (p *phasorTable) at(phase float32) *[2]float32 { return &p[int32(phase*1024+2*most*1024)&1023] }

// load computes the grid of a piece of so many frames, of which the first one begins at sample from or up to a hop behind it.
func (s *searcher) load(ctx context.Context, from int64, frames int) error {
	steps := (frames + 1) * gridSize // of the grid; one frame more, to interpolate
	count := steps*gridStep + ear.Window + 2*hop
	s.samples = grow(s.samples, count)
	if err := s.low.read(ctx, s.samples, from-hop); err != nil {
		return err
	}
	s.listen(steps/2 + 9)
	if len(s.grid.values) < frames+1 {
		s.grid.values = make([][gridSize][bands][2][2]float32, frames+1)
	}
	s.grid.frames = frames
	var re, im [ear.Window]float32
	var sigma [2]float64
	for i := range steps {
		if i&511 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		x := s.samples[hop+i*gridStep:][:ear.Window]
		for n, v := range x {
			w := v * s.window[n]
			re[n], im[n] = float32(w*s.turns[n][0]), float32(w*s.turns[n][1])
		}
		s.fft.Forward(re[:], im[:])
		to := &s.grid.values[i/gridSize][i%gridSize]
		m := i/2 + 4 // masks lie two steps apart, and the first one a hop before the first frame
		for b := range to {
			k := firstCoefficient + pilotAt(b)
			s.ear.Sigma(sigma[:], k, s.masks[m-4], s.masks[m], s.masks[m+4])
			for j := range 2 {
				// exp(−iω·p) turns the spectrum at p back to the beginning of the recording's piece.
				to[b][j] = s.turned(re[k+j], im[k+j], k+j, i*gridStep, sigma[j], s.pilots.signs[b]>>j&1 != 0)
			}
		}
	}
	return nil
}

// turned is the value of coefficient k, whose frequency is π(k+½)/256, at a place counted from the piece's beginning.
func (s *searcher) turned(re, im float32, k, place int, sigma float64, negative bool) [2]float32 {
	// The phase of the transform's cosine at the beginning of the frame, ½+M/2 samples, and the one that the place adds, in units of π/1024.
	w := &s.circle[(2*k+1)*(1+hop+2*place)&(len(s.circle)-1)]
	scale := math.Sqrt(2.0/hop) / sigma / math.Sqrt2 // of the transform, and of a symbol of two coefficients
	if negative {
		scale = -scale
	}
	r, m := float64(re), float64(im)
	return [2]float32{float32(scale * (r*w[0] + m*w[1])), float32(scale * (m*w[0] - r*w[1]))}
}

// listen computes the masks of every second step of the grid.
func (s *searcher) listen(n int) {
	for len(s.masks) < n {
		s.masks = append(s.masks, make([]float64, ear.Bands))
	}
	for i := range n {
		if at := 2 * i * gridStep; at+ear.Window <= len(s.samples) {
			s.ear.Mask(s.masks[i], s.samples[at:][:ear.Window])
		}
	}
}

// weights are those of bands in the search: what codecs leave lies low.
var weights = [bands]float64{1, 0.6, 0.35, 0.25, 0.2, 0.2, 0.15}

// squaredWeights is the sum of their squares.
var squaredWeights = func() (sum float64) {
	for _, w := range weights {
		sum += w * w
	}
	return sum
}()

// searchedBands is how many bands are searched. What the others add where codecs leave something of them is not missed.
const searchedBands = 5

// evidence is what pieces say about each place of the pilots: for both polarities, each level, each offset and each number of the first frame.
type evidence struct {
	sums  [][period]float32
	count float64 // of pilots, each with the square of its weight
}

func newEvidence() *evidence {
	return &evidence{sums: make([][period]float32, 2*len(pilotLevels)*offsets)}
}

// at returns the sums of a polarity, a level and an offset.
func (e *evidence) at(polarity, level, offset int) *[period]float32 {
	return &e.sums[(polarity*len(pilotLevels)+level)*offsets+offset]
}

// add adds the evidence of another piece, whose first frame is a whole number of periods away.
func (e *evidence) add(d *evidence) {
	for i := range e.sums {
		to := &e.sums[i]
		for j, v := range &d.sums[i] {
			to[j] += v
		}
	}
	e.count += d.count
}

// best returns the strongest candidate. from is the sample at which the piece begins.
func (e *evidence) best(from int64) candidate {
	var largest float32
	place, number := 0, 0
	for i := range e.sums {
		for j, v := range &e.sums[i] {
			if v > largest {
				largest, place, number = v, i, j
			}
		}
	}
	offset, level := place%offsets, place/offsets%len(pilotLevels)
	return candidate{
		line: line{float64(from) + float64(offset)/2, 1}, frame: number, level: level, inverted: place/offsets >= len(pilotLevels),
		score: float64(largest) / math.Sqrt(max(1, e.count/2)),
	}
}

// rotation holds, for frame numbers modulo 4, what the values of a grid have to be multiplied by.
type rotation [4][bands][2][2]float32

// rotationAt returns the rotation of frames that begin at a place of the piece, and whole numbers of hops behind it.
func rotationAt(place float64) *rotation {
	r := new(rotation)
	for t := range r {
		for b := range r[t] {
			for j := range 2 {
				k := firstCoefficient + pilotAt(b) + j
				phase := math.Pi / hop * (float64(k) + 0.5) * (place + float64(t*hop))
				sin, cos := math.Sincos(phase)
				r[t][b][j] = [2]float32{float32(cos), float32(sin)}
			}
		}
	}
	return r
}

// read returns the pilots of a frame at step and fraction of the grid.
func (g *pilotGrid) read(dst *[bands]float32, t, step int, fraction float32, turn *[bands][2][2]float32) {
	a := &g.values[t][step]
	next := t
	if step++; step == gridSize {
		next, step = t+1, 0
	}
	b := &g.values[next][step]
	for i := range dst {
		var u float32
		for j := range 2 {
			p, q, w := &a[i][j], &b[i][j], &turn[i][j]
			re := p[0] + fraction*(q[0]-p[0])
			im := p[1] + fraction*(q[1]-p[1])
			u += re*w[0] - im*w[1]
		}
		dst[i] = u
	}
}

// scan gathers evidence of the loaded piece for all offsets.
func (s *searcher) scan(ctx context.Context, e *evidence) error {
	var u [period][bands]float32
	e.count = 0
	for o := range offsets {
		if o&15 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		place := float64(o) / 2
		turn, step := rotationAt(place), o/(2*gridStep)
		fraction := float32(o%(2*gridStep)) / (2 * gridStep)
		for t := range s.grid.frames {
			s.grid.read(&u[t], t, step, fraction, &turn[t&3])
		}
		s.correlate(e, o, u[:s.grid.frames])
	}
	return nil
}

// scanLine gathers evidence of the first frames of the loaded piece, if they follow each other by a drift farther apart than they were written.
func (s *searcher) scanLine(ctx context.Context, e *evidence, frames int, drift float64) error {
	var u [period][bands]float32
	e.count = 0
	for o := range offsets {
		if o&15 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		// Frames that begin less than a step of the grid apart have a turn in common, as far as half a sample is enough.
		for t, at := 0, -1.0; t < frames; t++ {
			place := float64(o)/2 + math.Round(2*drift*float64(t*hop))/2
			shift := int(math.Floor(place / hop))
			place -= float64(shift * hop)
			if place != at {
				s.turn, at = rotationAt(place), place
			}
			step := int(place / gridStep)
			s.grid.read(&u[t], max(0, t+shift), step, float32(place/gridStep-float64(step)), &s.turn[(t+shift)&3])
		}
		s.correlate(e, o, u[:frames])
	}
	return nil
}

// correlate computes the evidence of one offset.
func (s *searcher) correlate(e *evidence, offset int, u [][bands]float32) {
	var z spectrum
	for level := range pilotLevels {
		steps := float32(1 / pilotStep(level))
		var sums [2]spectrum
		count := 0.0
		for b := range searchedBands {
			for t := range u {
				z.re[t], z.im[t] = 0, 0
				if v := u[t][b] * steps; v != 0 && v > -most && v < most {
					w := s.table.at(v)
					z.re[t], z.im[t] = w[0], w[1]
					count += weights[b] * weights[b]
				}
			}
			clear(z.re[len(u):])
			clear(z.im[len(u):])
			s.correlator.Forward(z.re[:], z.im[:])
			r := &s.references[b]
			multiply(&sums[0], &z, r)
			multiply(&sums[1], &z, &s.mirrored[b])
		}
		for polarity := range sums {
			sum := &sums[polarity]
			s.correlator.Inverse(sum.re[:], sum.im[:])
			to := e.at(polarity, level, offset)
			for i, v := range &sum.re {
				to[i] = v / period
			}
		}
		if offset == 0 && level == 0 {
			e.count = 0.75 * count
		}
	}
}

// multiply adds to a spectrum the product of the conjugate of z and r.
func multiply(sum, z, r *spectrum) {
	for i := range &sum.re {
		sum.re[i] += z.re[i]*r.re[i] + z.im[i]*r.im[i]
		sum.im[i] += z.re[i]*r.im[i] - z.im[i]*r.re[i]
	}
}

// coherence returns the sum over the pilots of some frames of the loaded piece, whose first sample is from, of the cosine of their phase, and
// the sum of the squares of their weights, for frames along a line.
func (s *searcher) coherence(c *candidate, from int64, first, end int) (sum, count float64) {
	var u [bands]float32
	steps := float32(1 / pilotStep(c.level))
	for t := first; t < end; t++ {
		place := c.line.frameAt(t) - float64(from)
		grid := int(math.Floor(place / gridStep))
		if grid < 0 || grid/gridSize >= s.grid.frames {
			continue
		}
		turn := turnAt(place)
		s.grid.read(&u, grid/gridSize, grid%gridSize, float32(place/gridStep-float64(grid)), turn)
		number := (c.frame + t) % period
		for b, v := range u {
			if v *= steps; isNumber(number, b) || v == 0 || v < -most || v > most {
				continue
			}
			if c.inverted {
				v = -v
			}
			sum += weights[b] * float64(s.table.at(v - s.pilots.phase[number][b])[0])
			count += weights[b] * weights[b]
		}
	}
	return sum, count
}

// turnAt returns the rotation of one frame.
func turnAt(place float64) *[bands][2][2]float32 {
	var r [bands][2][2]float32
	for b := range r {
		k := firstCoefficient + pilotAt(b)
		phase := math.Pi / hop * (float64(k) + 0.5) * place
		sin, cos := math.Sincos(phase)
		r[b][0] = [2]float32{float32(cos), float32(sin)}
		sin, cos = math.Sincos(phase + math.Pi/hop*place)
		r[b][1] = [2]float32{float32(cos), float32(sin)}
	}
	return &r
}

// straighten finds out whether frames that were found on a line of rate 1 lie on another one, which they meet somewhere in the loaded piece:
// on one through the offsets at which two quarters of the piece agree best. Then it refines the candidate.
func (s *searcher) straighten(c *candidate, from int64) {
	const (
		reach  = 8.0 // samples, by which a drift of mostDrift moves the ends of a period
		margin = 1.0 // by which another line has to be better, as there are more of them
	)
	straight := *c
	s.refine(c, from, 0.5, 12e-6)
	quarter := s.grid.frames / 4
	if quarter < blockFrames {
		return
	}
	var offsets [4]float64
	for q := range offsets {
		most := 0.0
		for offset := -reach; offset <= reach; offset += 0.5 {
			d := straight
			d.line.at += offset
			if sum, _ := s.coherence(&d, from, q*quarter, (q+1)*quarter); sum > most {
				offsets[q], most = offset, sum
			}
		}
	}
	least := c.score + margin
	for q := range offsets {
		for p := range q {
			d := straight
			slope := (offsets[q] - offsets[p]) / float64((q-p)*quarter*hop)
			if slope == 0 || math.Abs(slope) > mostDrift+driftStep {
				continue
			}
			d.line.rate += slope
			d.line.at += offsets[p] - slope*(float64(p)+0.5)*float64(quarter*hop)
			if s.refine(&d, from, 0.5, 12e-6); d.score > least {
				*c, least = d, d.score
			}
		}
	}
}

// refine moves a candidate in the loaded piece, which begins at sample from, to where its pilots agree best.
func (s *searcher) refine(c *candidate, from int64, samples, drift float64) {
	middle := float64(s.grid.frames) / 2
	try := func(offset, slope float64) candidate {
		d := *c
		d.line.rate += slope
		d.line.at += offset - slope*middle*hop
		sum, count := s.coherence(&d, from, 0, s.grid.frames)
		d.score = sum / math.Sqrt(max(1, count/2))
		return d
	}
	best := try(0, 0)
	for offset := -samples; offset <= samples; offset += 0.25 {
		if d := try(offset, 0); d.score > best.score {
			best = d
		}
	}
	// Half a sample at the ends of the piece is a step of the slope. Another slope is taken only if there is something to it.
	const slopeMargin = 0.5
	slope := 0.25 / (max(1, middle) * hop)
	steps := math.Ceil(drift / slope)
	margin := slopeMargin
	for i := -steps; i <= steps; i++ {
		for offset := -samples; offset <= samples && i != 0; offset += 0.25 {
			if d := try(offset, i*slope); d.score > best.score+margin {
				best, margin = d, 0
			}
		}
	}
	*c = best
	best = try(0, 0)
	margin = slopeMargin
	for _, i := range []float64{0, -0.5, 0.5} {
		for _, offset := range []float64{-0.125, 0, 0.125} {
			if d := try(offset, i*slope); d.score > best.score && i == 0 || d.score > best.score+margin {
				best = d
			}
		}
	}
	*c = best
}
