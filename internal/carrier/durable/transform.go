package durable

import (
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/dsp"
)

// transform turns samples at 16 kHz into frames. It keeps scratch memory and is not safe for concurrent use.
type transform struct {
	mdct     *dsp.MDCT[float64]
	ear      *ear.Ear
	spectrum []float64
	masks    [][]float64
	sigma    [coefficients]float64
}

func newTransform() *transform {
	m, err := dsp.NewMDCT[float64](hop)
	if err != nil {
		panic(err) // a number of bands that there is a transform for
	}
	return &transform{mdct: m, ear: ear.New()}
}

// spectra computes the coefficients of n frames, x holding (n+1)·hop samples: frame i is [i·hop:][:hop].
func (t *transform) spectra(x []float64, n int) []float64 {
	t.spectrum = grow(t.spectrum, (n+1)*hop)
	t.mdct.Forward(t.spectrum, x[:(n+1)*hop])
	return t.spectrum
}

func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n, n+n/4)
	}
	return s[:n]
}

// listen computes the masks of n frames, x holding (n+1)·hop samples.
func (t *transform) listen(x []float64, n int) [][]float64 {
	for len(t.masks) < n {
		t.masks = append(t.masks, make([]float64, ear.Bands))
	}
	for i := range n {
		t.ear.Mask(t.masks[i], x[i*hop:][:ear.Window])
	}
	return t.masks[:n]
}

// contextFrames is how many frames on either side of some have to be heard to know what the ear bears in these.
const contextFrames = 1

// normalise computes frames in units of what the ear bears. x begins contextFrames before the first one, and has
// len(dst)+2·contextFrames+1 times hop samples.
func (t *transform) normalise(dst []frame, x []float64) {
	masks := t.listen(x, len(dst)+2*contextFrames)
	spectrum := t.spectra(x[contextFrames*hop:], len(dst))
	for i := range dst {
		t.ear.Sigma(t.sigma[:], firstCoefficient, masks[i], masks[i+1], masks[i+2])
		for k, s := range t.sigma {
			dst[i][k] = float32(spectrum[i*hop+firstCoefficient+k] / s)
		}
	}
}
