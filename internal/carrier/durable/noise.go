package durable

import "math"

// Codecs add noise that differs from frame to frame and from band to band more than pilots alone can tell. So the noise of a band in a frame
// is taken to be of one of several classes, and every symbol there says how likely each of them is, though its bit is not known: where there
// is little noise, it lies near to one of two points. How frequent classes are in a band is learned from the piece at hand.
const (
	classes    = 13
	leastClass = -8 // log2 of the variance of a coefficient, in units of what the ear bears, in the first class; each has twice as much as the one before
	settlings  = 3  // rounds in which the frequencies of classes are learned
)

// nearby is what the evidence of frames so far away counts, and beside what that of the next bands does.
var nearby = [...]float64{1, 0.7, 0.4, 0.2}

const beside = 0.5

// densities are those of the phase of a symbol in steps, counted from its point for a 0, by rows of its variance in steps² and by phase.
type densities struct {
	known   [rows][phases]float32 // ln of the density where the bit is 0
	unknown [rows][phases]float32 // ln of its mean over both bits
	one     [rows][phases]float32 // probability of the bit 1
}

// Rows are eight of an octave, evenly spaced in it, from a variance of 2^leastRow on.
const (
	leastRow   = -8
	octaves    = 10
	octaveBits = 3
	rows       = octaves << octaveBits
	rowShift   = 23 - octaveBits // of the bits of a number in single precision
	rowOffset  = (127 + leastRow) << octaveBits
)

// row returns the row of a variance, which is positive.
func row(variance float32) int {
	return max(0, min(int(math.Float32bits(variance)>>rowShift)-rowOffset, rows-1))
}

func newDensities() *densities {
	d := new(densities)
	for i := range d.known {
		v := float64(math.Float32frombits(uint32(i+rowOffset)<<rowShift | 1<<(rowShift-1))) // in the middle of the row
		reach := 2 + int(4*math.Sqrt(v))
		var p [phases]float64
		for j := range p {
			phi := (float64(j) + 0.5) / phases
			for n := -reach; n <= reach; n++ {
				a := phi - float64(n)
				p[j] += math.Exp(-a * a / (2 * v))
			}
			p[j] = floorOf + (1-floorOf)*p[j]/math.Sqrt(2*math.Pi*v)
		}
		for j, zero := range p {
			one := p[(j+phases/2)%phases]
			d.known[i][j] = float32(math.Log(zero))
			d.unknown[i][j] = float32(math.Log((zero + one) / 2))
			d.one[i][j] = float32(one / (zero + one))
		}
	}
	return d
}

// byClass holds a number for each class of noise in each band of a frame.
type byClass [bands][classes]float32

// noiseField is what is known of the noise in the frames of a piece.
type noiseField struct {
	evidence []byClass // ln of the likelihood of each class, by the band's own symbols
	weights  []byClass // probability of each class, by all evidence
	sums     [][classes]float64
}

// reset prepares for the evidence of so many frames.
func (f *noiseField) reset(frames int) {
	if cap(f.evidence) < frames {
		f.evidence, f.weights, f.sums = make([]byClass, frames), make([]byClass, frames), make([][classes]float64, frames)
	}
	f.evidence, f.weights, f.sums = f.evidence[:frames], f.weights[:frames], f.sums[:frames]
	clear(f.evidence)
}

// settle computes the weights from the evidence. expected is the variance of noise in each band, as far as pilots tell.
func (f *noiseField) settle(expected *[bands]float64) {
	for b := range bands {
		for t := range f.sums {
			f.sums[t] = f.likelihood(t, b)
		}
		prior := classesAround(expected[b])
		for range settlings {
			var next [classes]float64
			for t := range f.sums {
				addPosterior(&next, &f.sums[t], &prior)
			}
			for k := range prior {
				prior[k] = (next[k] + 0.5) / (float64(len(f.sums)) + 0.5*classes)
			}
		}
		for t := range f.sums {
			var w [classes]float64
			addPosterior(&w, &f.sums[t], &prior)
			for k, v := range w {
				f.weights[t][b][k] = float32(v)
			}
		}
	}
}

// likelihood returns how likely each class is in a band of a frame, by the evidence there and around. The largest is 1.
func (f *noiseField) likelihood(t, band int) (s [classes]float64) {
	add := func(e *[classes]float32, weight float64) {
		for k, v := range e {
			s[k] += weight * float64(v)
		}
	}
	for i := max(0, t-len(nearby)+1); i < min(len(f.evidence), t+len(nearby)); i++ {
		add(&f.evidence[i][band], nearby[max(t-i, i-t)])
	}
	for b := max(0, band-1); b <= min(bands-1, band+1); b++ {
		if b != band {
			add(&f.evidence[t][b], beside)
		}
	}
	most := s[0]
	for _, v := range s {
		most = max(most, v)
	}
	for k, v := range s {
		s[k] = math.Exp(v - most)
	}
	return s
}

// classesAround returns probabilities of classes around a variance.
func classesAround(variance float64) (p [classes]float64) {
	total := 0.0
	for k := range p {
		d := float64(leastClass+k) - math.Log2(max(variance, 1e-3))
		p[k] = math.Exp(-d * d / 8)
		total += p[k]
	}
	for k := range p {
		p[k] /= total
	}
	return p
}

// addPosterior adds the probabilities of classes.
func addPosterior(sum, likelihood, prior *[classes]float64) {
	total := 0.0
	for k, v := range likelihood {
		total += v * prior[k]
	}
	for k, v := range likelihood {
		sum[k] += v * prior[k] / total
	}
}
