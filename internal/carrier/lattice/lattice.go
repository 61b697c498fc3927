package lattice

import "math"

// A recording is cut, channel by channel, into frames of FrameLength samples. A frame is the unit of strength, of
// synchronisation and of loss: whoever has one can tell which it is and read it.
const FrameLength = 1024

// unit is the step of a 16-bit file, in which steps of lattices are counted whatever the file's own format is, so
// that a change of format changes nothing.
const unit = 1.0 / (1 << 15)

// Levels is the number of levels of strength of a frame. The fine step of level l is 2·2^(l/4) units: a quarter of
// an octave, or 1.5 dB, from level to level, from 2 units to a fifth of full scale.
const Levels = 48

// fineStep returns the step of the fine lattice at a level.
func fineStep(level int) float64 { return fineSteps[level] }

var fineSteps = func() (of [Levels]float64) {
	for level := range of {
		of[level] = quarters(level) * 2 * unit
	}
	return of
}()

// quarters returns 2^(n/4).
func quarters(n int) float64 { return math.Exp2(float64(n) / 4) }

// fineBits returns how many bits a symbol of the fine lattice carries at a level: its 2, 4, 8 or 16 points lie at
// least a unit apart, so that 16 bits hold them.
func fineBits(level int) int { return min(level/4+1, maxFineBits) }

const maxFineBits = 4

// Profile is how the change that may be made is divided between the lattices.
//
// Every sample carries two symbols at once. The fine lattice carries up to four bits, of which nothing is lost
// unless there is noise. The coarse lattice carries one bit, by which of the fine lattice's points is taken: the
// embedder moves half of the way to the coarse point first (Costa's scheme with α = ½; Eggers, Bäuml, Tzschoppe and
// Girod, "Scalar Costa scheme for information embedding", IEEE Trans. Signal Processing 51, 2003). So the one does
// not take room from the other, and what is sent for bad times costs in good ones only the share of the distortion
// that it takes.
type Profile uint8

const (
	// Robust is for recordings that may meet noise: more than four fifths of the distortion go into coarse symbols.
	Robust Profile = iota
	// Lean gives nearly all of it to the fine lattice: more room, or less distortion, where nothing is lost on the way.
	Lean
	profiles
)

// shape holds a profile's numbers.
type shape struct {
	strong, medium float64 // steps of the strong and the medium coarse symbols, in fine steps; no medium ones if 0
	rise           int     // octaves by which the strong step of a pilot of synchronisation exceeds its fine one
	sync           float64 // twelve times the mean squared error of such a pilot, in units of its squared fine step
	header         int     // strong symbols in a frame that carry the header
	data           int     // strong symbols in a frame that carry the payload
	// reserve is the share of what the last two stages can take that they get before those in front of them have
	// all that they can.
	reserve float64
}

// maxData is the largest number of strong symbols in a frame that carry the payload.
const maxData = 88

var shapes = [profiles]shape{
	Robust: {strong: 8, medium: 3, rise: 3, sync: 16, header: headerStrong, data: maxData, reserve: 1.0 / 8},
	Lean:   {strong: 2 * math.Sqrt2, rise: 1, sync: 4, header: 24, reserve: 1},
}

// octave returns the binary logarithm of the fine step of a level's pilots of synchronisation, in units: the one
// nearest to that of the frame.
func octave(level int) int { return 1 + (level+2)/4 }

// power returns the mean squared error of a sample in units of the squared fine step, on average over levels.
func (p Profile) power() float64 {
	sum := 0.0
	for level := range 4 {
		sum += p.powerAt(level) / 4
	}
	return sum
}

// powerAt returns it at one level.
func (p Profile) powerAt(level int) float64 {
	s := &shapes[p]
	grain := math.Exp2(float64(octave(level))) * unit / fineStep(level)
	const sync = syncPilots / float64(FrameLength)
	strong := float64(levelPilots+s.header+s.data) / FrameLength
	return (sync*s.sync*grain*grain + (1 - sync) + strong*s.strong*s.strong/4 + (1-sync-strong)*s.medium*s.medium/4) / 12
}

// Symbols of the coarse lattice: a quarter of a step on either side of the dither. Pilots stand on it.
func coarseSymbol(bit byte) float64 { return 0.5*float64(bit) - 0.25 }

// fineSymbol returns where a fine symbol of so many bits stands, in steps: bits label neighbouring points by a Gray
// code, the first of them being the most robust.
func fineSymbol(label uint, bits int) float64 {
	label ^= label >> 1
	label ^= label >> 2
	return float64(label) / float64(int(1)<<bits)
}

// phase returns the fraction of a step by which t/step exceeds the dither, as one of phases bins.
func phase(t, dither float64) int {
	r := t - dither
	return int((r-math.Floor(r))*phases) & (phases - 1)
}

const phases = 256

// Noise is measured in quarters of an octave: index n stands for a standard deviation of 2^(n/4)/8 units, so that
// its ratio to a step of the same scale depends on a difference of indices only. The last index stands for noise
// that drowns everything.
const (
	noiseIndices = 64
	// quietest and loudest bound the ratio of noise to fine step that tables are made for, as differences of indices.
	quietest, loudest = -12, 24
	ratios            = loudest - quietest + 1
)

// ratioIndex returns the table to use for a level under a noise index.
func ratioIndex(noise, level int) int { return max(noise-level, quietest) - quietest }

// tables turn phases into log-likelihoods.
type tables struct {
	// fine[bits−1][r][p][b] is ln P(1)/P(0) of bit b.
	fine [maxFineBits][ratios][phases][maxFineBits]float32
	// rounded[l][p][b] is the same for level l where there is no noise but rounding to 16 bits, which is uniform.
	rounded [roundedLevels][phases][maxFineBits]float32
	// strong and medium are the same for coarse symbols. The medium ones are zero in a profile without.
	strong, medium [ratios][phases]float32
	// knownFine and knownStrong are log-densities, relative to the uniform one, of the phase of a symbol that is
	// known, standing at 0. pilots are the same for pilots of synchronisation on their strong lattice, whose points
	// are known to be among those of the fine one.
	knownFine, knownStrong, pilots [phases][ratios]float32
	// mostStrong are the largest values of knownStrong.
	mostStrong [ratios]float32
}

func newTables(p Profile) *tables {
	t := new(tables)
	s := &shapes[p]
	for r := range ratios {
		sigma := quarters(r+quietest) / 16 // in fine steps
		fine := density(sigma)
		strong := density(sigma/s.strong, 0.5, 1/s.strong)
		pilots := pilotDensity(sigma/math.Exp2(float64(s.rise)), s.rise)
		for p := range phases {
			t.knownFine[p][r] = float32(max(-4, math.Log(fine[p])))
			t.knownStrong[p][r] = float32(max(-4, math.Log(strong[p])))
			t.mostStrong[r] = max(t.mostStrong[r], t.knownStrong[p][r])
			t.pilots[p][r] = float32(max(-4, math.Log(pilots[p])))
		}
		antipodal(&t.strong[r], strong)
		if s.medium > 0 {
			antipodal(&t.medium[r], density(sigma/s.medium, 0.5, 1/s.medium))
		}
		for bits := 1; bits <= maxFineBits; bits++ {
			labelled(&t.fine[bits-1][r], fine, bits)
		}
	}
	for level := range roundedLevels {
		width := unit / fineStep(level)
		labelled(&t.rounded[level], density(width/20, width), fineBits(level))
	}
	return t
}

// roundedLevels is the number of levels whose fine points lie so close that it matters how rounding is distributed, and
// roundingNoise the noise index that rounding to 16 bits is taken for.
const roundedLevels, roundingNoise = 16, 5

// labelled sets the log-likelihoods of the bits of fine symbols for a density of noise.
func labelled(dst *[phases][maxFineBits]float32, d *[phases]float64, bits int) {
	points := 1 << bits
	for p := range phases {
		for b := range bits {
			var sum [2]float64
			for i := range points {
				sum[(i^i>>1)>>(bits-1-b)&1] += d[(p-i*phases/points)&(phases-1)]
			}
			dst[p][b] = clampLog(sum[1] / sum[0])
		}
	}
}

// fineTable returns the table for a level under a noise index below loudest.
func (t *tables) fineTable(level, noise int) *[phases][maxFineBits]float32 {
	if noise <= roundingNoise && level < roundedLevels {
		return &t.rounded[level]
	}
	return &t.fine[fineBits(level)-1][ratioIndex(noise, level)]
}

// maxLog bounds log-likelihoods: no single reading is surer than that, since something may have gone wrong that no
// model knows.
const maxLog = 12

func clampLog(ratio float64) float32 { return float32(max(-maxLog, min(maxLog, math.Log(ratio)))) }

func antipodal(dst *[phases]float32, d *[phases]float64) {
	for p := range dst {
		dst[p] = clampLog(d[(p-phases/4)&(phases-1)] / d[(p+phases/4)&(phases-1)])
	}
}

// density returns the density, over phases of one step and relative to the uniform one, of the sum of Gaussian
// noise of the given standard deviation and of uniform ones of the given widths, all in steps.
func density(sigma float64, widths ...float64) *[phases]float64 {
	return series(sigma, func(k float64) float64 {
		c := 1.0
		for _, w := range widths {
			c *= sinc(k * w)
		}
		return c
	})
}

// pilotDensity is the same for a pilot of synchronisation whose strong step is 2^rise fine ones: it stands at the
// fine point nearest to half of the way from wherever the sample was.
func pilotDensity(sigma float64, rise int) *[phases]float64 {
	points := 1 << rise
	// Sample x, in fine steps from the strong point, goes to the point nearest to x/2.
	weights := make([]float64, points)
	const parts = 64
	for i := range parts * points {
		x := (float64(i)+0.5)/parts - float64(points)/2
		weights[(int(math.Round(x/2))+points)%points] += 1 / float64(parts*points)
	}
	return series(sigma, func(k float64) (c float64) {
		for i, w := range weights {
			c += w * math.Cos(2*math.Pi*k*float64(i)/float64(points))
		}
		return c
	})
}

// series returns the density of the sum of Gaussian noise and of something symmetrical of the given characteristic
// function, from its Fourier series. A little of the uniform density is mixed in, so that nothing is impossible.
func series(sigma float64, characteristic func(k float64) float64) *[phases]float64 {
	const harmonics = 200
	var d [phases]float64
	for k := 1; k <= harmonics; k++ {
		f := float64(k)
		gauss := math.Exp(-2 * math.Pi * math.Pi * sigma * sigma * f * f)
		if gauss < 1e-9 {
			break
		}
		// A bin is itself a uniform width.
		c := gauss * sinc(f/phases) * characteristic(f)
		if math.Abs(c) < 1e-9 {
			continue
		}
		for p := range d {
			d[p] += 2 * c * halfPhases[k*(2*p+1)&(2*phases-1)]
		}
	}
	const mixed = 1e-4
	for p := range d {
		d[p] = mixed + (1-mixed)*max(0, 1+d[p])
	}
	return &d
}

// halfPhases are cosines of multiples of half the width of a phase.
var halfPhases = func() (of [2 * phases]float64) {
	for i := range of {
		of[i] = math.Cos(math.Pi * float64(i) / phases)
	}
	return of
}()

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
