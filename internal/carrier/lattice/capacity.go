package lattice

import (
	"math"
	"sync"

	"ditas/internal/carrier"
)

// information is the mutual information in bits between what symbols of a profile carry and what is read of them, by the ratio of
// noise to fine step: of coarse symbols, and of each bit of a fine symbol with so many bits (less 1).
type information struct {
	strong, medium [ratios]float64
	fine           [maxFineBits][ratios][maxFineBits]float64
}

// informations returns that of each profile.
var informations = [profiles]func() *information{
	Robust: sync.OnceValue(func() *information { return newInformation(Robust) }),
	Lean:   sync.OnceValue(func() *information { return newInformation(Lean) }),
}

// tells returns what a log-likelihood tells of a bit: l of one that is 1 tells log2 of 2/(1+e^−l) (Caire, Taricco and Biglieri,
// "Bit-interleaved coded modulation", IEEE Trans. Information Theory 44, 1998).
func tells(l float32, one bool) float64 {
	if !one {
		l = -l
	}
	return 1 - math.Log2(1+math.Exp(-float64(l)))
}

func newInformation(p Profile) *information {
	v, s := new(information), &shapes[p]
	coarse := func(sigma, step float64) (sum float64) {
		d := density(sigma/step, 0.5, 1/step)
		var l [phases]float32
		antipodal(&l, d)
		for q := range d {
			sum += d[(q-phases/4)&(phases-1)] * tells(l[q], true) / phases
		}
		return max(0, sum)
	}
	for r := range ratios {
		sigma := quarters(r+quietest) / 16
		v.strong[r] = coarse(sigma, s.strong)
		if s.medium > 0 {
			v.medium[r] = coarse(sigma, s.medium)
		}
		d := density(sigma)
		for n := 1; n <= maxFineBits; n++ {
			var l [phases][maxFineBits]float32
			labelled(&l, d, n)
			points := 1 << n
			for q := range phases {
				for i := range points {
					weight := d[(q-i*phases/points)&(phases-1)] / float64(phases*points)
					for b := range n {
						v.fine[n-1][r][b] += weight * tells(l[q][b], (i^i>>1)>>(n-1-b)&1 == 1)
					}
				}
			}
		}
	}
	return v
}

// capacity is how much symbols carry on average over all frames, in bits.
type capacity struct {
	strong, medium float64
	fine           [maxFineBits]float64
}

// at returns what the symbols of a frame at a level carry under a noise index.
func (v *information) at(level, noise int) (c capacity) {
	r := ratioIndex(noise, level)
	if r >= ratios {
		return c
	}
	return capacity{v.strong[r], v.medium[r], v.fine[fineBits(level)-1][r]}
}

// add adds a share of another capacity.
func (c *capacity) add(other capacity, share float64) {
	c.strong += share * other.strong
	c.medium += share * other.medium
	for b, f := range other.fine {
		c.fine[b] += share * f
	}
}

// of returns how many bits a frame has for a rung.
func (c *capacity) of(r *rung) float64 {
	sum := c.strong*float64(r.strong) + c.medium*float64(r.medium)
	for b, n := range r.fine {
		sum += c.fine[b] * float64(n)
	}
	return sum
}

// capacities are those of a plan under every noise index, and where there is nothing but the rounding of the file.
type capacities struct {
	noisy [noiseIndices]capacity
	clean capacity
	level [Levels]capacity   // of a frame at each level, clean
	kept  [maxStages]float64 // bits of a frame that each rung has of clean on average when the worst share that it should bear is lost
	// certain is the share of each rung's symbols that are there and read for sure where nothing happens.
	certain [maxStages]float64
	mse     float64
	grid    carrier.Grid
}

// uncertain is what a bit of a fine symbol has to tell to be counted on where rounding is coarse.
const uncertain = 0.5

// under returns how many bits a frame has for a rung under white noise that is a ratio in dB below the whole change.
func (c *capacities) under(r *rung, ratio float64) float64 {
	if math.IsInf(ratio, 1) {
		return c.clean.of(r)
	}
	variance := c.mse*math.Pow(10, -ratio/10) + c.grid.Step*c.grid.Step/12
	index := max(0, min(noiseIndices-1, 4*math.Log2(8*math.Sqrt(variance)/unit)))
	n := min(int(index), noiseIndices-2)
	part := index - float64(n)
	return min(c.clean.of(r), (1-part)*c.noisy[n].of(r)+part*c.noisy[n+1].of(r))
}

// measure finds out how much the plan's frames carry.
func (p *Plan) measure() {
	changes := p.survey.changes(p.profile)
	v := p.survey
	info := informations[p.profile]()
	c := &p.room
	*c = capacities{grid: carrier.GridOf(v.format)}
	var shares [Levels]float64 // of all samples, by the level of their frames
	all := float64(v.Frames())
	for lane, frames := range v.frames {
		for k := range frames {
			if level := p.levels[lane][k]; level != silent {
				f := &frames[k]
				shares[level] += float64(f.usable) / all
				c.mse += changes[level] * p.gain(f) * float64(f.usable) / all
			}
		}
	}
	rungs := ladders[p.profile]
	for level, u := range shares {
		if u == 0 {
			continue
		}
		for n := range c.noisy {
			c.noisy[n].add(info.at(level, n), u)
		}
		clean, whole := p.clean(level)
		c.level[level] = clean
		c.clean.add(clean, u)
		for i := range rungs {
			c.certain[i] += u * rungs[i].certain(whole)
		}
	}
	for i := range rungs {
		r := &rungs[i]
		c.kept[i] = c.clean.of(r) - p.worst(r, int(math.Ceil(r.lost*float64(len(v.frames[0]))))+1)
	}
}

// clean returns what a frame at a level carries where there is nothing but the rounding of the file, and how many bits of its fine
// symbols are read for sure.
func (p *Plan) clean(level int) (c capacity, whole int) {
	grid := carrier.GridOf(p.survey.format)
	c = informations[p.profile]().at(level, roundingIndex(grid))
	n := fineBits(level)
	spacing := fineStep(level) / math.Exp2(float64(n))
	// Of 16 bits and more is known how rounding is distributed: points that are a step of the file apart are told for sure.
	if spacing >= grid.Step*0.99 && (grid.Step <= unit || spacing >= 2*grid.Step) {
		for b := range n {
			c.fine[b] = 1
		}
		return c, n
	}
	c.fine = rounded(level, grid)
	for b, f := range c.fine {
		if f < uncertain {
			c.fine[b] = 0
		}
	}
	return c, 0
}

// rounded returns what each bit of a fine symbol at a level tells of it when it is rounded to a coarse grid, which is uniform
// noise, and read as if that were Gaussian noise.
func rounded(level int, grid carrier.Grid) (fine [maxFineBits]float64) {
	n, points := fineBits(level), 1<<fineBits(level)
	width := grid.Step / fineStep(level)
	truth := density(width/50, width)
	var l [phases][maxFineBits]float32
	r := min(ratioIndex(roundingIndex(grid), level), ratios-1)
	labelled(&l, density(quarters(r+quietest)/16), n)
	for q := range phases {
		for i := range points {
			weight := truth[(q-i*phases/points)&(phases-1)] / float64(phases*points)
			for b := range n {
				fine[b] += weight * tells(l[q][b], (i^i>>1)>>(n-1-b)&1 == 1)
			}
		}
	}
	return fine
}

// certain returns the share of a rung's symbols that are read for sure where so many bits of fine symbols are: coarse ones never are.
func (r *rung) certain(bits int) float64 {
	sure := 0
	for _, n := range r.fine[:bits] {
		sure += n
	}
	return float64(sure) / float64(r.perFrame())
}

// worst returns how many bits a rung has in the stretch of so many frames of every channel that carries most, divided by the number of
// all frames.
func (p *Plan) worst(r *rung, stretch int) float64 {
	var bits [Levels]float64
	for level := range bits {
		bits[level] = p.room.level[level].of(r)
	}
	has := func(k int) (sum float64) {
		for lane, levels := range p.levels {
			if level := levels[k]; level != silent {
				sum += bits[level] * float64(p.survey.frames[lane][k].usable)
			}
		}
		return sum
	}
	most, sum := 0.0, 0.0
	for k := range p.levels[0] {
		sum += has(k)
		if k >= stretch {
			sum -= has(k - stretch)
		}
		most = max(most, sum)
	}
	return most / float64(p.survey.Frames())
}

// certainty is the share of a rung's symbols that have to be read for sure for a code of next to no redundancy.
const certainty = 0.98

// efficiency is the share of what there is that the code of rung i reaches in blocks of so many bits: less in noise, at its low rates, and
// with coarse symbols, which are never read for sure; still less at high rates where not all of its bits are sent, or read for sure. Where
// all of them are and nothing may be lost, it hardly takes a code.
func (c *capacities) efficiency(r *rung, i, bits int, noisy, intact bool) float64 {
	e := 0.92 - 4/math.Sqrt(float64(bits))
	switch {
	case intact && c.certain[i] > certainty:
		e = 0.99 - 2.5*(1-c.certain[i])
	case noisy || r.strong+r.medium > 0 || c.grid.Step > unit:
		e -= 0.06
	case c.certain[i] <= certainty:
		e -= 0.02
	}
	return e
}

// combined returns what a coded bit tells that is sent so many times, each time in another frame, when one time tells tells on average: what
// has been told already tells nothing when it is told again.
func combined(tells, times float64) float64 {
	n, part := math.Modf(times)
	left := math.Pow(1-min(1, tells), n)
	return 1 - left*(1-part*min(1, tells))
}

// takes returns the largest number of bytes for whose stage, that of rung i, so many bits in all frames suffice. long tells that the
// payload is one whose code has a higher rate.
func (c *capacities) takes(r *rung, i int, room, frames float64, noisy, intact, long bool) int {
	sent := frames * float64(r.perFrame())
	size := min(int(min(room, sent)/8), maxSealed)
	for size > 0 {
		blocks, block := split(size)
		bits := 8 * (block + checkSize)
		need, have := float64(blocks*bits), room
		if !noisy {
			positions := min(sent, float64(blocks*codeLength(bits, long)))
			have = positions * combined(room/sent, sent/positions)
		}
		have = c.efficiency(r, i, bits, noisy, intact) * min(have, sent)
		if need <= have {
			return size
		}
		size = min(size-1, int(float64(size)*max(0, have)/need+1))
	}
	return 0
}
