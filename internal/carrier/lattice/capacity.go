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

func newInformation(p Profile) *information {
	v, s := new(information), &shapes[p]
	// A log-likelihood l of a bit that is 1 tells log2 of 2/(1+e^−l) (Caire, Taricco and Biglieri, "Bit-interleaved coded
	// modulation", IEEE Trans. Information Theory 44, 1998).
	tells := func(l float32, one bool) float64 {
		if !one {
			l = -l
		}
		return 1 - math.Log2(1+math.Exp(-float64(l)))
	}
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
	kept  [maxStages]float64 // bits of a frame that each rung has of clean on average when the worst share that it should bear is lost
	// whole is the share of symbols that are there and are read for sure where nothing happens.
	whole float64
	mse   float64
	grid  carrier.Grid
}

// uncertain is what a bit of a fine symbol has to tell to be counted on where rounding is coarse, for that is not distributed as
// tables take it to be.
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
				c.mse += v.change(p.profile, f, int(level)) / all
			}
		}
	}
	whole := 0.0
	for level, u := range shares {
		if u == 0 {
			continue
		}
		for n := range c.noisy {
			c.noisy[n].add(info.at(level, n), u)
		}
		clean, sure := p.clean(level)
		c.clean.add(clean, u)
		if sure {
			whole += u
		}
	}
	c.whole = whole
	for i := range ladders[p.profile] {
		r := &ladders[p.profile][i]
		c.kept[i] = c.clean.of(r) - p.worst(r, int(math.Ceil(r.lost*float64(len(v.frames[0]))))+1)
	}
}

// clean returns what a frame at a level carries where there is nothing but the rounding of the file, and whether all of its symbols are
// whole and read for sure.
func (p *Plan) clean(level int) (c capacity, sure bool) {
	grid := carrier.GridOf(p.survey.format)
	c = informations[p.profile]().at(level, roundingIndex(grid))
	n := fineBits(level)
	spacing := fineStep(level) / math.Exp2(float64(n))
	// Of 16 bits and more is known how rounding is distributed: points that are a step of the file apart are told for sure.
	if spacing >= grid.Step*0.99 && (grid.Step <= unit || spacing >= 2*grid.Step) {
		for b := range n {
			c.fine[b] = 1
		}
		return c, n == maxFineBits || p.profile == Lean && n >= 2
	}
	for b, f := range c.fine {
		if f < uncertain {
			c.fine[b] = 0
		}
	}
	return c, false
}

// worst returns how many bits a rung has in the stretch of so many frames of every channel that carries most, divided by the number of
// all frames.
func (p *Plan) worst(r *rung, stretch int) float64 {
	var bits [Levels]float64
	for level := range bits {
		c, _ := p.clean(level)
		bits[level] = c.of(r)
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

// sure reports whether nearly all symbols are read for sure where nothing happens.
func (c *capacities) sure() bool { return c.whole > 0.98 }

// efficiency is the share of what there is that the code of a rung reaches in blocks of so many bits: less in noise, at its low rates, and
// with coarse symbols, which are never read for sure; still less at high rates where not all of its bits are sent, or read for sure. Where
// all of them are and nothing may be lost, it hardly takes a code.
func (c *capacities) efficiency(r *rung, bits int, noisy, intact bool) float64 {
	e := 0.92 - 4/math.Sqrt(float64(bits))
	switch {
	case intact && c.sure() && r.strong+r.medium == 0:
		e = 0.99 - 2.5*(1-c.whole)
	case noisy || r.strong+r.medium > 0:
		e -= 0.06
	case !c.sure():
		e -= 0.02
	}
	return e
}

// takes returns the largest number of bytes for whose stage so many bits in all frames, and positions for them, suffice.
func (c *capacities) takes(r *rung, room, positions float64, noisy, intact bool) int {
	room = min(room, positions)
	size := min(int(room/8), MaxPayload)
	for size > 0 {
		blocks, block := split(size)
		bits := 8 * (block + checkSize)
		need, have := float64(blocks*bits), c.efficiency(r, bits, noisy, intact)*room
		if need <= have {
			return size
		}
		size = min(size-1, int(float64(size)*max(0, have)/need+1))
	}
	return 0
}
