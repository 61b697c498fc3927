package durable

import "math"

// levels are how far below the mask the payload may lie: the first one loudest dB, each other one levelStep dB more than the one before. Pilots
// and header lie at one of pilotLevels, the next louder one as far as there is one, so that a receiver need not try all.
const (
	loudest   = 5.0
	levelStep = 0.5
	levels    = 32
)

// below returns how far below the mask a level lies, in dB.
func below(level int) float64 { return loudest + levelStep*float64(level) }

var pilotLevels = [...]float64{4, 8, 12, 16}

// pilotLevelOf returns the index of the pilots' level that goes with a level.
func pilotLevelOf(level int) int {
	i := len(pilotLevels) - 1
	for i > 0 && pilotLevels[i] > below(level) {
		i--
	}
	return i
}

// A symbol over several coefficients is moved by a share of the way to the nearest point of its lattice, which makes room for a larger
// step (Eggers et al. 2003): the smaller the share, the more noise the symbol bears, and the more it brings itself.
func usualShare(length int) float64 {
	if length == 1 {
		return 0.65
	}
	return 0.7
}

// pilotShare is that of pilots.
const pilotShare = 0.7

// stepOf returns the step of symbols over so many coefficients that change each by db below the mask on average.
func stepOf(db float64, length int, share float64) float64 {
	return math.Sqrt(12*math.Pow(10, -db/10)*float64(length)) / share
}

// pilotStep returns the step of pilots at one of pilotLevels.
func pilotStep(level int) float64 { return stepOf(pilotLevels[level], 2, pilotShare) }

// symbol says how to read and write one symbol: the coefficients at the given places, with signs from the low bits.
func project(y *frame, at []uint8, signs uint8) float64 {
	var u float64
	for i, p := range at {
		v := float64(y[p])
		if signs>>i&1 != 0 {
			v = -v
		}
		u += v
	}
	return u / math.Sqrt(float64(len(at)))
}

// lattice is where a symbol may stand: at points a step apart from phase, in steps, on. It is moved a share of the way to the nearest one.
type lattice struct{ phase, step, share float64 }

// move adds to a frame of changes what brings a symbol, which is at u, towards a lattice.
func move(change *frame, at []uint8, signs uint8, u float64, l lattice) {
	t := u/l.step - l.phase
	d := l.share * l.step * (math.RoundToEven(t) - t) / math.Sqrt(float64(len(at)))
	for i, p := range at {
		if signs>>i&1 != 0 {
			change[p] -= float32(d)
		} else {
			change[p] += float32(d)
		}
	}
}

// ownNoise is the variance in steps² of symbols that were moved by a share of the way.
func ownNoise(share float64) float64 { return (1 - share) * (1 - share) / 12 }

// likelihoods are the log-likelihood ratios ln P(1)/P(0) of a phase for each variance of it.
type likelihoods struct {
	table [variances][phases]float32
}

const (
	phases       = 256
	variances    = 64
	leastLog     = -12 // log2 of the least variance
	variancesOct = 6   // for each doubling
	floorOf      = 0.002
)

// newLikelihoods computes the table: of a normal deviation, wrapped around the circle of two points half a step apart.
func newLikelihoods() *likelihoods {
	l := new(likelihoods)
	for i := range l.table {
		v := math.Exp2(leastLog + float64(i)/variancesOct)
		reach := 2 + int(4*math.Sqrt(v))
		for j := range l.table[i] {
			phi := (float64(j) + 0.5) / phases
			var zero, one float64
			for n := -reach; n <= reach; n++ {
				a, b := phi-float64(n), phi-float64(n)-0.5
				zero += math.Exp(-a * a / (2 * v))
				one += math.Exp(-b * b / (2 * v))
			}
			sum := zero + one
			zero, one = zero/sum*(1-floorOf)+floorOf/2, one/sum*(1-floorOf)+floorOf/2
			l.table[i][j] = float32(math.Log(one / zero))
		}
	}
	return l
}

// at returns the ratio of a phase in steps, whole steps not counting, and a variance in steps².
func (l *likelihoods) at(phase, variance float64) float32 {
	phase -= math.Floor(phase)
	i := int(math.Log2(variance)*variancesOct - leastLog*variancesOct + 0.5)
	i = max(0, min(i, variances-1))
	return l.table[i][int(phase*phases)&(phases-1)]
}

// varianceOf returns the variance of a phase from the mean of the cosine of it, in steps².
func varianceOf(coherence float64) float64 {
	return -math.Log(max(1e-3, min(coherence, 0.9999))) / (2 * math.Pi * math.Pi)
}
