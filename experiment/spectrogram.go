package experiment

import (
	"image"
	"image/color"
	"math"

	"ditas/dataset"
	"ditas/dsp"
)

const (
	// window is that of spectrograms in samples, 32 ms; frames follow one another by a quarter of it.
	window = 512
	// Spectrograms are white at the lowest level and black at the highest, in dB; 0 dB is a sine at full scale.
	lowestLevel, highestLevel = -110, -10
)

// spectrogram returns the power of frames of samples in bins from 0 to half the sampling rate, a sine at full scale having a power of
// 1: power[frame][bin]. The number of samples is a multiple of half a window.
func spectrogram(x []float64) ([][]float64, error) {
	const bins, hop = window/2 + 1, window / 4
	t, err := dsp.NewSTFT[float64](window, bins)
	if err != nil {
		return nil, err
	}
	n := t.Frames(len(x))
	re, im := make([]float64, n*bins), make([]float64, n*bins)
	power := make([][]float64, 2*n)
	// A sine window sums to 2/π of its length, and a sine has half of its amplitude at positive frequencies.
	full := 2.0 * window / (math.Pi * math.Pi)
	shifted := append(append([]float64{}, x[hop:]...), x[:hop]...)
	for odd, samples := range [][]float64{x, shifted} {
		t.Forward(re, im, samples)
		for f := range n {
			p := make([]float64, bins)
			for k := range p {
				a, b := re[f*bins+k], im[f*bins+k]
				p[k] = (a*a + b*b) / full
			}
			power[2*f+odd] = p
		}
	}
	return power, nil
}

// shade returns the grey of a power.
func shade(power float64) color.Gray {
	level := 10 * math.Log10(max(power, 1e-30))
	t := (level - lowestLevel) / (highestLevel - lowestLevel)
	return color.Gray{uint8(math.Round(255 * (1 - max(0, min(1, t)))))}
}

// spectrogramImage returns a spectrogram of a width and a height in dots, low frequencies at the bottom. A dot has the mean power of what it
// covers.
func spectrogramImage(x []float64, width, height int) (image.Image, error) {
	power, err := spectrogram(x)
	if err != nil {
		return nil, err
	}
	columns := make([][]float64, width)
	for i := range columns {
		columns[i] = make([]float64, len(power[0]))
		covered(len(power), width, i, func(f int, share float64) {
			for k, v := range power[f] {
				columns[i][k] += share * v
			}
		})
	}
	m := image.NewGray(image.Rect(0, 0, width, height))
	for i, c := range columns {
		for j := range height {
			mean := 0.0
			covered(len(c), height, j, func(k int, share float64) { mean += share * c[k] })
			m.SetGray(i, height-1-j, shade(mean))
		}
	}
	return m, nil
}

// covered calls do for those of n cells that cell i of m equally wide ones over the same stretch covers, with their shares of it.
func covered(n, m, i int, do func(cell int, share float64)) {
	from, to := float64(i)*float64(n)/float64(m), float64(i+1)*float64(n)/float64(m)
	for c := int(from); c < n && float64(c) < to; c++ {
		if share := (min(to, float64(c+1)) - max(from, float64(c))) / (to - from); share > 0 {
			do(c, share)
		}
	}
}

// seconds is the length of so many samples.
func seconds(n int) float64 { return float64(n) / dataset.Rate }
