package metric

import (
	"fmt"
	"math"

	"ditas/internal/dsp"
)

// Masking tells how far an error in a recording stands out of what the recording masks. It is the ear model of PEAQ's basic
// version up to the mask, and its noise-to-mask ratio: ITU-R BS.1387, Method for objective measurements of perceived audio
// quality, annex 2, section 2.1 and equation 70, in the reading of Kabal, An examination and interpretation of ITU-R BS.1387,
// version 2, McGill University 2003, whose sections the code cites. Band edges are computed, not taken from the standard's
// table, which has misprints.
//
// Calibration is the standard's: a full-scale sine near 1 kHz plays at 92 dB SPL. A file has no listening level, and
// quiet frames are judged by their distance from the threshold of hearing: anyone who turns up the volume hears more.
//
// The standard is for 48 kHz only, where frames have 2048 samples. At another rate frames are equally long, 42.7 ms, with zeros
// appended for the transform; gains refer to the frame without the zeros; and bands end at half the rate, 18 kHz at most. At
// 16 kHz that leaves 87 of the 109 bands. So a band has the same ratio, within a fraction of a decibel, at every rate that can
// hold it, but a mean over bands covers only the bands that exist.
//
// A Masking has no state and may be shared between goroutines.
type Masking struct {
	hop    int       // samples from frame to frame: half a frame
	window []float64 // of a frame, in units of 0 dB SPL
	fft    *dsp.FFT[float64]
	bins   int // values of the spectrum in use
	bands  []band
}

// band is a quarter of a critical band.
type band struct {
	bin      int       // the first that lies in it
	weights  []float64 // from squared magnitudes of that bin and the next ones to energy behind the middle ear
	internal float64   // noise, as energy
	upward   float64   // spread to the next band above, for an energy of 1
	downward float64   // sum of what an energy of 1 spreads to this band and all below
	norm     float64   // by which spread energy is multiplied
	decay    float64   // of excitation from frame to frame
	offset   float64   // of the mask: factor to the excitation
}

// NMR is the noise-to-mask ratio of a frame in dB: the error's energy behind the middle ear over the energy that would go
// unheard. Both fields are −Inf where there is no error.
//
// Below 0 dB the model hears nothing. In Mean, which PEAQ averages to its Total NMR, bands in which the error is far
// below the mask make up for a band in which it is above. In Max they do not: PEAQ calls a frame disturbed where it exceeds 1.5 dB.
type NMR struct {
	Mean float64 // mean over the bands of noise over mask, as a ratio of energies, in dB
	Max  float64 // the ratio in the band in which it is largest
}

const (
	standardRate = 48000
	standardHop  = 1024
	lowest       = 80.0  // Hz, where the first band begins
	highest      = 18000 // Hz, where the last band ends
	resolution   = 0.25  // width of a band in Bark
	fullScale    = 92    // dB SPL of a full-scale sine
	compression  = 0.4   // power of the energies that add up where slopes meet
)

// The lowest and the highest rate, in Hz, that [Masking] takes.
const (
	MinMaskingRate = 1000
	MaxMaskingRate = 768000
)

// NewMasking returns the model for recordings of the given rate in Hz, from [MinMaskingRate] to [MaxMaskingRate].
func NewMasking(rate int) (*Masking, error) {
	if rate < MinMaskingRate || rate > MaxMaskingRate {
		return nil, fmt.Errorf("masking at %d Hz: want a rate from %d to %d Hz", rate, MinMaskingRate, MaxMaskingRate)
	}
	m := &Masking{hop: (rate*standardHop + standardRate/2) / standardRate}
	length := 2 * m.hop
	points := 1
	for points < length {
		points *= 2
	}
	var err error
	if m.fft, err = dsp.NewFFT[float64](points); err != nil {
		return nil, err
	}

	// Sections 2.2 to 2.4. The sine of the calibration, 1019.5 Hz, lies between two of the standard's bins, and it is the larger
	// of these two, not the peak between them, that has 92 dB. Zeros multiply the number of bins that share a peak's energy.
	const spacing = float64(standardRate) / (2 * standardHop)
	_, off := math.Modf(1019.5 / spacing)
	off = min(off, 1-off) * (2*standardHop - 1) / (2 * standardHop)
	largest := math.Sin(math.Pi*off) / (math.Pi * off * (1 - off*off))
	peak := largest * float64(length-1) / 4
	gain := math.Pow(10, fullScale/20.0) / peak * math.Sqrt(float64(length)/float64(points))
	for n := range length {
		m.window = append(m.window, gain*0.5*(1-math.Cos(2*math.Pi*float64(n)/float64(length-1))))
	}

	first, last := bark(lowest), bark(min(highest, float64(rate)/2))
	spread := math.Pow(10, -2.7*resolution) // downward, to the next band
	for i := range int(math.Ceil((last - first) / resolution)) {
		from := first + float64(i)*resolution
		to := min(from+resolution, last)
		b := m.newBand(hertz(from), hertz(to), float64(rate)/float64(points))
		centre := hertz((from + to) / 2)
		b.internal = math.Pow(10, 0.1456*math.Pow(centre/1000, -0.8)) // section 2.7
		// Section 2.8: 27 dB a Bark downward, 24 + 230 Hz/f − 0.2·level upward.
		b.upward = math.Pow(10, (-2.4-23/centre)*resolution)
		b.downward = (1 - math.Pow(spread, float64(i+1))) / (1 - spread)
		// Section 2.9: excitation fades within 30 ms at 100 Hz and 8 ms at high frequencies.
		fade := 0.008 + 100/centre*(0.030-0.008)
		b.decay = math.Exp(-float64(m.hop) / (float64(rate) * fade))
		// Equation 25 of the standard: 3 dB up to 12 Bark above the first band, then a quarter of a dB per Bark.
		b.offset = math.Pow(10, -max(3, 0.25*resolution*float64(i))/10)
		b.norm = 1
		m.bands = append(m.bands, b)
		m.bins = b.bin + len(b.weights)
	}

	// What spreads from equal energies of 1 is again 1.
	unit, flat := make([]float64, len(m.bands)), make([]float64, len(m.bands))
	for i := range unit {
		unit[i] = 1
	}
	m.spread(flat, unit, make([]float64, len(m.bands)))
	for i := range m.bands {
		m.bands[i].norm = 1 / flat[i]
	}
	return m, nil
}

// newBand returns the band between two frequencies in Hz where bins are spacing Hz wide. Bins that reach beyond it count by
// the part inside (section 2.6), all by the response of outer and middle ear (section 2.5).
func (m *Masking) newBand(from, to, spacing float64) band {
	b := band{bin: int(from/spacing + 0.5)}
	for k := b.bin; k <= m.fft.Points()/2; k++ {
		f := float64(k) * spacing
		part := min(to, f+spacing/2) - max(from, f-spacing/2)
		if part <= 0 {
			break
		}
		b.weights = append(b.weights, part/spacing*math.Pow(10, response(f/1000)/10))
	}
	return b
}

// bark returns the place of a frequency in Hz on PEAQ's scale, which is Schroeder's (section 2.6), and hertz is its inverse.
func bark(f float64) float64  { return 7 * math.Asinh(f/650) }
func hertz(z float64) float64 { return 650 * math.Sinh(z/7) }

// response returns by how much outer and middle ear amplify a frequency in kHz, in dB (section 2.5): Terhardt's threshold in
// quiet, without the part that the internal noise makes.
func response(f float64) float64 {
	return -2.184*math.Pow(f, -0.8) + 6.5*math.Exp(-0.6*(f-3.3)*(f-3.3)) - 0.001*math.Pow(f, 3.6)
}

// NoiseToMask returns the noise-to-mask ratio, frame by frame, of a cover and its stego recording at the model's rate, full
// scale 1. Frames overlap by half; the first begins with the recordings, and the last, filled up with zeros, ends with or
// after them. None is left out, not even silence.
//
// The mask comes from the cover. As in the standard, the noise is the difference between the magnitudes of the two spectra, not
// the spectrum of the difference: of a small error that is independent of the cover it has half the energy, and the other half
// changes phases.
func (m *Masking) NoiseToMask(cover, stego []float64) ([]NMR, error) {
	if err := sameLength(cover, stego); err != nil {
		return nil, err
	}
	ratios := make([]NMR, max(1, (len(cover)-1)/m.hop))
	l := m.newListener()
	for f := range ratios {
		x := cover[f*m.hop:]
		x = x[:min(len(x), len(m.window))]
		ratios[f] = l.next(x, stego[f*m.hop:][:len(x)])
	}
	return ratios, nil
}

// listener hears frame after frame.
type listener struct {
	*Masking
	re, im                   []float64
	power, noise             []float64
	pattern, spread, scratch []float64
	excitation               []float64
}

func (m *Masking) newListener() *listener {
	points, bands := func() []float64 { return make([]float64, m.fft.Points()) }, func() []float64 { return make([]float64, len(m.bands)) }
	return &listener{
		Masking: m, re: points(), im: points(), power: make([]float64, m.bins), noise: make([]float64, m.bins),
		pattern: bands(), spread: bands(), scratch: bands(), excitation: bands(),
	}
}

// next returns the ratio of the next frame, x of the cover and y of the stego recording; a shorter one is filled up with zeros.
func (l *listener) next(x, y []float64) NMR {
	differ := false
	for i, v := range x {
		l.re[i] = l.window[i] * v
		l.im[i] = l.window[i] * (y[i] - v)
		differ = differ || l.im[i] != 0
	}
	clear(l.re[len(x):])
	clear(l.im[len(x):])
	l.fft.Forward(l.re, l.im)
	l.split(l.power, l.noise, l.re, l.im)
	for i := range l.bands {
		l.pattern[i] = l.bands[i].energy(l.power) + l.bands[i].internal
	}
	l.Masking.spread(l.spread, l.pattern, l.scratch)
	var sum, most float64
	for i := range l.bands {
		b := &l.bands[i]
		l.excitation[i] = b.decay*l.excitation[i] + (1-b.decay)*l.spread[i]
		if differ {
			ratio := b.energy(l.noise) / (b.offset * max(l.excitation[i], l.spread[i]))
			sum += ratio
			most = max(most, ratio)
		}
	}
	return NMR{Mean: 10 * math.Log10(sum/float64(len(l.bands))), Max: 10 * math.Log10(most)}
}

// split takes the transform of x + i·d and writes the squared magnitudes of x's spectrum X, and the squared differences
// between the magnitudes of X and of X + D. These come out of (|X+D|² − |X|²)/(|X+D| + |X|), which is exact for any small D.
func (m *Masking) split(power, noise, re, im []float64) {
	last := len(re) - 1
	for k := range power {
		mirror := (last + 1 - k) & last
		xr, xi := (re[k]+re[mirror])/2, (im[k]-im[mirror])/2
		dr, di := (im[k]+im[mirror])/2, (re[mirror]-re[k])/2
		power[k] = xr*xr + xi*xi
		difference := 0.0
		if sum := math.Hypot(xr+dr, xi+di) + math.Sqrt(power[k]); sum > 0 {
			difference = (2*(xr*dr+xi*di) + dr*dr + di*di) / sum
		}
		noise[k] = difference * difference
	}
}

// energy returns what a spectrum of squared magnitudes has in the band.
func (b *band) energy(spectrum []float64) float64 {
	var sum float64
	spectrum = spectrum[b.bin:][:len(b.weights)]
	for i, w := range b.weights {
		sum += w * spectrum[i]
	}
	return sum
}

// spread spreads the energies of the bands over each other (section 2.8): every band keeps its energy, as slopes on both of its
// sides that depend on its place and level; slopes add up by a power law. The three slices have an element for each band.
func (m *Masking) spread(dst, energy, scratch []float64) {
	clear(dst)
	for i, e := range energy {
		b := &m.bands[i]
		upward := b.upward * math.Pow(e, 0.2*resolution)
		total := b.downward
		slope := 1.0
		for range dst[i+1:] {
			slope *= upward
			total += slope
		}
		level := math.Pow(e/total, compression)
		scratch[i] = level
		upward = math.Pow(upward, compression)
		for j := range dst[i:] {
			dst[i+j] += level
			level *= upward
		}
	}
	downward := math.Pow(10, -2.7*resolution*compression)
	var above float64
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = m.bands[i].norm * math.Pow(dst[i]+above, 1/compression)
		above = downward * (above + scratch[i])
	}
}
