package metric

import (
	"math"

	"ditas/internal/dsp"
)

// peaqModel is what PEAQ's basic version has beyond the ear of Masking. Sections are Kabal's.
type peaqModel struct {
	*Masking
	slow      []float64 // decay of levels and modulations from frame to frame
	threshold []float64 // excitation at the threshold in quiet, with its index and the scale of loudness
	index     []float64
	loudScale []float64
	noiseRoot []float64 // internal noise to the power of 0.3, times 100
	noiseLoud []float64 // internal noise to the power of 0.23
	harmonics *harmonics
	floor     float64 // energy of a bin that the threshold of bandwidths is at least

	re, im              []float64
	refPower, testPower []float64 // up to half the rate
	noise               []float64 // squared differences of magnitudes, up to the last band
	pattern, scratch    []float64
	refRatio, testRatio []float64
}

// pairEar is what one channel of both recordings is to the ear.
type pairEar struct {
	ref, test    hearing
	noise        []float64 // energy of the error in each band
	across, self []float64 // Σ of the products of both levels, and of the reference's with itself
	differ       bool      // whether the frame is not the same in both
	bandwidth    [2]int
	harmonics    float64 // peak of the error's harmonic structure, −1 where the frame is too quiet for one
}

// hearing is what a recording is to the ear, band by band.
type hearing struct {
	unsmeared  []float64 // energy spread over bands
	smeared    []float64 // the same after a low-pass over frames
	excitation []float64 // the larger of both
	root       []float64 // unsmeared to the power of 0.3
	mean       []float64 // low-pass of root
	change     []float64 // low-pass of its changes
	modulation []float64
	level      []float64 // low-pass of excitation
	correction []float64 // low-pass of what adapts the pattern
	adapted    []float64 // excitation after adaptation of level and pattern
}

func newHearing(bands int) hearing {
	list := func() []float64 { return make([]float64, bands) }
	return hearing{list(), list(), list(), list(), list(), list(), list(), list(), list(), list()}
}

func newPairEar(bands int) pairEar {
	return pairEar{
		ref: newHearing(bands), test: newHearing(bands), noise: make([]float64, bands),
		across: make([]float64, bands), self: make([]float64, bands),
	}
}

func newPEAQModel(m *Masking) (*peaqModel, error) {
	p := &peaqModel{Masking: m, noise: make([]float64, m.bins)}
	for _, list := range []*[]float64{&p.re, &p.im} {
		*list = make([]float64, peaqFrame)
	}
	for _, list := range []*[]float64{&p.refPower, &p.testPower} {
		*list = make([]float64, standardHop)
	}
	for _, list := range []*[]float64{&p.pattern, &p.scratch, &p.refRatio, &p.testRatio} {
		*list = make([]float64, len(m.bands))
	}
	var err error
	if p.harmonics, err = newHarmonics(); err != nil {
		return nil, err
	}
	first, last := bark(lowest), bark(highest)
	for i := range m.bands {
		from := first + float64(i)*resolution
		centre := hertz((from + min(from+resolution, last)) / 2)
		// Sections 3.1 and 3.2: 50 ms at 100 Hz, 8 ms at high frequencies.
		p.slow = append(p.slow, math.Exp(-float64(standardHop)/(standardRate*(0.008+100/centre*(0.050-0.008)))))
		// Section 3.3.
		threshold := math.Pow(10, 0.364*math.Pow(centre/1000, -0.8))
		s := math.Pow(10, (-2-2.05*math.Atan(centre/4000)-0.75*math.Atan(centre*centre/(1600*1600)))/10)
		p.loudScale = append(p.loudScale, 1.07664*math.Pow(threshold/(s*1e4), 0.23))
		p.index, p.threshold = append(p.index, s), append(p.threshold, threshold)
		p.noiseRoot = append(p.noiseRoot, 100*math.Pow(m.bands[i].internal, 0.3))
		p.noiseLoud = append(p.noiseLoud, math.Pow(m.bands[i].internal, 0.23))
	}
	return p, nil
}

// leastEnergy is the least that a band holds (section 2.6).
const leastEnergy = 1e-12

// listen hears the next frame, x of the cover and y of the stego recording.
func (p *peaqModel) listen(e *pairEar, x, y []float64) {
	// The transform of x + i·(y−x) has both spectra.
	silent := true
	e.differ = false
	for i, v := range x {
		p.re[i], p.im[i] = p.window[i]*v, p.window[i]*(y[i]-v)
		e.differ, silent = e.differ || y[i] != v, silent && y[i] == 0
	}
	p.fft.Forward(p.re, p.im)
	p.separate()
	// Rounding must not make something out of nothing.
	if !e.differ {
		copy(p.testPower, p.refPower)
		clear(p.noise)
	}
	if silent {
		clear(p.testPower)
	}
	for i := range p.bands {
		e.noise[i] = max(p.bands[i].energy(p.noise), leastEnergy)
	}
	for _, h := range []struct {
		*hearing
		power []float64
	}{{&e.ref, p.refPower}, {&e.test, p.testPower}} {
		for i := range p.bands {
			p.pattern[i] = max(p.bands[i].energy(h.power), leastEnergy) + p.bands[i].internal
		}
		p.spread(h.unsmeared, p.pattern, p.scratch)
		for i, v := range h.unsmeared {
			decay := p.bands[i].decay
			h.smeared[i] = decay*h.smeared[i] + (1-decay)*v
			h.excitation[i] = max(h.smeared[i], v)
		}
		p.modulate(h.hearing)
	}
	p.adapt(e)
	e.bandwidth[0], e.bandwidth[1] = bandwidths(p.refPower, p.testPower, p.floor)
	e.harmonics = -1
	if max(energy(x[standardHop:]), energy(y[standardHop:])) >= energyThreshold {
		e.harmonics = p.harmonics.peak(p.refPower, p.testPower)
	}
}

func energy(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// separate writes the squared magnitudes of both spectra and the squared differences between magnitudes. These come
// out of (|Y|² − |X|²)/(|Y| + |X|), which is exact for any small Y − X.
func (p *peaqModel) separate() {
	const last = peaqFrame - 1
	for k := range p.refPower {
		mirror := (peaqFrame - k) & last
		xr, xi := (p.re[k]+p.re[mirror])/2, (p.im[k]-p.im[mirror])/2
		dr, di := (p.im[k]+p.im[mirror])/2, (p.re[mirror]-p.re[k])/2
		power, growth := xr*xr+xi*xi, 2*(xr*dr+xi*di)+dr*dr+di*di
		other := (xr+dr)*(xr+dr) + (xi+di)*(xi+di)
		p.refPower[k], p.testPower[k] = power, other
		if k >= len(p.noise) {
			continue
		}
		p.noise[k] = 0
		if sum := math.Sqrt(other) + math.Sqrt(power); sum > 0 {
			p.noise[k] = growth / sum * (growth / sum)
		}
	}
}

// modulate measures how envelopes change (section 3.2).
func (p *peaqModel) modulate(h *hearing) {
	const exponent = 0.3
	for i, v := range h.unsmeared {
		root, decay := power(v, exponent), p.slow[i]
		h.change[i] = decay*h.change[i] + (1-decay)*standardRate/standardHop*math.Abs(root-h.root[i])
		h.mean[i] = decay*h.mean[i] + (1-decay)*root
		h.root[i] = root
		h.modulation[i] = h.change[i] / (1 + h.mean[i]/exponent)
	}
}

// power returns x to the power of e for x > 0, faster than math.Pow.
func power(x, e float64) float64 { return math.Exp(e * math.Log(x)) }

// loudness returns the loudness of an excitation in sone (section 3.3).
func (p *peaqModel) loudness(excitation []float64) float64 {
	var sum float64
	for i, e := range excitation {
		s := p.index[i]
		sum += max(0, p.loudScale[i]*(power(1-s+s*e/p.threshold[i], 0.23)-1))
	}
	return 24 / float64(len(excitation)) * sum
}

// adapt takes out of both excitations by what they differ in level and, slowly changing, in spectrum (section 3.1).
func (p *peaqModel) adapt(e *pairEar) {
	var both, test float64
	for i, decay := range p.slow {
		e.ref.level[i] = decay*e.ref.level[i] + (1-decay)*e.ref.excitation[i]
		e.test.level[i] = decay*e.test.level[i] + (1-decay)*e.test.excitation[i]
		both += math.Sqrt(e.ref.level[i] * e.test.level[i])
		test += e.test.level[i]
	}
	refGain, testGain := 1.0, both/test*(both/test)
	if testGain > 1 {
		refGain, testGain = 1/testGain, 1
	}
	for i, decay := range p.slow {
		r, t := refGain*e.ref.excitation[i], testGain*e.test.excitation[i]
		e.ref.adapted[i], e.test.adapted[i] = r, t
		e.across[i] = decay*e.across[i] + r*t
		e.self[i] = decay*e.self[i] + r*r
		// Internal noise keeps both above 0.
		p.refRatio[i], p.testRatio[i] = 1, 1
		if ratio := e.across[i] / e.self[i]; ratio >= 1 {
			p.testRatio[i] = 1 / ratio
		} else {
			p.refRatio[i] = ratio
		}
	}
	for _, h := range []struct {
		*hearing
		ratio []float64
	}{{&e.ref, p.refRatio}, {&e.test, p.testRatio}} {
		for i, decay := range p.slow {
			// The mean over three bands below and four above.
			from, to := max(0, i-3), min(len(h.ratio), i+5)
			var sum float64
			for _, v := range h.ratio[from:to] {
				sum += v
			}
			h.correction[i] = decay*h.correction[i] + (1-decay)*sum/float64(to-from)
			h.adapted[i] *= h.correction[i]
		}
	}
}

// roundingFloor returns the most that rounding to 16 bits leaves in a bin above 21.6 kHz: of 103 bins of white
// noise, which have exponential distributions, the largest is expected to have 1 + 1/2 + … + 1/103 times the mean.
func (p *peaqModel) roundingFloor() float64 {
	var most, mean float64
	for k := range standardHop - silentBin {
		most += 1 / float64(k+1)
	}
	for _, w := range p.window {
		mean += w * w / (12 * 32768 * 32768)
	}
	return most * mean
}

// silentBin is the first of those that the standard takes to hold nothing but noise.
const silentBin = 921

// bandwidths returns up to which bin both spectra stand out of what the test signal has above 21.6 kHz, or out of a
// floor (section 4.4): 0 where they do not.
func bandwidths(ref, test []float64, floor float64) (int, int) {
	for _, v := range test[silentBin:] {
		floor = max(floor, v)
	}
	r := silentBin
	for r > 0 && ref[r-1] <= 10*floor {
		r--
	}
	t := r
	for t > 0 && test[t-1] < math.Sqrt(10)*floor {
		t--
	}
	return r, t
}

// harmonics looks for a harmonic structure in the error (section 4.8).
type harmonics struct {
	long, short *dsp.FFT[float64]
	window      [lags]float64
	ratio       [2 * lags]float64
	re, im      [2 * lags]float64
	cRe, cIm    [lags]float64
}

// lags is the number of lags, and of bins, of the correlation: those up to 6 kHz, and twice that with the lag.
const lags = 256

func newHarmonics() (*harmonics, error) {
	h := &harmonics{}
	var err error
	if h.long, err = dsp.NewFFT[float64](2 * lags); err != nil {
		return nil, err
	}
	if h.short, err = dsp.NewFFT[float64](lags); err != nil {
		return nil, err
	}
	for i := range h.window {
		h.window[i] = math.Sqrt(8.0/3) / lags * 0.5 * (1 - math.Cos(2*math.Pi*float64(i)/(lags-1)))
	}
	return h, nil
}

// peak returns the largest peak in the spectrum of the correlation of the logarithmic spectrum of the error with
// itself.
func (h *harmonics) peak(ref, test []float64) float64 {
	for k := range h.ratio {
		h.ratio[k] = math.Log(max(test[k], leastEnergy) / max(ref[k], leastEnergy))
	}
	h.correlate()
	var mean float64
	own, moved := h.cRe[0], h.cRe[0]
	for l := range h.cRe {
		if l > 0 {
			moved += h.ratio[l+lags-1]*h.ratio[l+lags-1] - h.ratio[l-1]*h.ratio[l-1]
		}
		if d := own * moved; d > 0 {
			h.cRe[l] /= math.Sqrt(d)
		} else {
			h.cRe[l] = 1
		}
		mean += h.cRe[l] / lags
	}
	for l := range h.cRe {
		h.cRe[l] = (h.cRe[l] - mean) * h.window[l]
		h.cIm[l] = 0
	}
	h.short.Forward(h.cRe[:], h.cIm[:])
	var most float64
	before := h.cRe[0]*h.cRe[0] + h.cIm[0]*h.cIm[0]
	for k := 1; k <= lags/2; k++ {
		v := h.cRe[k]*h.cRe[k] + h.cIm[k]*h.cIm[k]
		if v > before {
			most = max(most, v)
		}
		before = v
	}
	return most
}

// correlate writes Σ ratio[k]·ratio[k+l], 0 ≤ k < lags, to cRe[l].
func (h *harmonics) correlate() {
	// One transform of all bins, and of the first half of them as imaginary parts; then the inverse of one's
	// spectrum times the other's conjugate, real and imaginary parts exchanged.
	copy(h.re[:], h.ratio[:])
	copy(h.im[:lags], h.ratio[:])
	clear(h.im[lags:])
	h.long.Forward(h.re[:], h.im[:])
	const last = 2*lags - 1
	for k := range lags + 1 {
		mirror := (2*lags - k) & last
		ar, ai := (h.re[k]+h.re[mirror])/2, (h.im[k]-h.im[mirror])/2
		br, bi := (h.im[k]+h.im[mirror])/2, (h.re[mirror]-h.re[k])/2
		re, im := (ar*br+ai*bi)/(2*lags), (ai*br-ar*bi)/(2*lags)
		h.re[k], h.im[k] = re, im
		h.re[mirror], h.im[mirror] = re, -im
	}
	h.long.Forward(h.im[:], h.re[:])
	copy(h.cRe[:], h.re[:])
}
