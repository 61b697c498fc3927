package channel

import (
	"fmt"
	"math"
	"math/rand/v2"

	"ditas/audio"
	"ditas/internal/dsp"
)

// longestReverb bounds the length of a response, in seconds.
const longestReverb = 10

// Reverb adds a room: Gaussian noise that decays by 60 dB within some seconds, up to 10, drawn for each channel from source, through which
// the recording is heard at a number of dB below itself. (Polack's model: a room's late response is noise under an exponential.)
func Reverb(r *audio.Recording, seconds, dB float64, source rand.Source) (*audio.Recording, error) {
	n := int(seconds * float64(r.Format.Rate))
	if n < 1 || seconds > longestReverb {
		return nil, fmt.Errorf("a reverb of %g s at %d Hz: want one sample to %d s", seconds, r.Format.Rate, longestReverb)
	}
	rng := rand.New(source)
	c := each(r, func(v float64) float64 { return v })
	for _, x := range c.Samples {
		response := make([]float64, n)
		for i := range response {
			response[i] = rng.NormFloat64() * math.Pow(10, -3*float64(i)/float64(n))
		}
		wet, err := convolve(x, response)
		if err != nil {
			return nil, err
		}
		var dry, added float64
		for i, v := range x {
			dry += v * v
			added += wet[i] * wet[i]
		}
		if added == 0 {
			continue
		}
		gain := math.Sqrt(dry / added * math.Pow(10, -dB/10))
		for i := range x {
			x[i] += gain * wet[i]
		}
	}
	return c, nil
}

// convolve returns as many samples of x * h as x has, block by block: two blocks are the real and the imaginary part of one transform.
func convolve(x, h []float64) ([]float64, error) {
	points := 1 << 10
	for points < 4*len(h) {
		points *= 2
	}
	f, err := dsp.NewFFT[float64](points)
	if err != nil {
		return nil, err
	}
	hRe, hIm := make([]float64, points), make([]float64, points)
	copy(hRe, h)
	f.Forward(hRe, hIm)
	block := points - len(h) + 1
	out := make([]float64, len(x))
	re, im := make([]float64, points), make([]float64, points)
	for at := 0; at < len(x); at += 2 * block {
		clear(re)
		clear(im)
		copy(re[:block], x[at:])
		second := min(at+block, len(x))
		copy(im[:block], x[second:])
		f.Forward(re, im)
		for k := range re {
			re[k], im[k] = re[k]*hRe[k]-im[k]*hIm[k], re[k]*hIm[k]+im[k]*hRe[k]
		}
		f.Forward(im, re) // exchanged, it is the inverse times the number of points
		for i := range points {
			if at+i < len(out) {
				out[at+i] += re[i] / float64(points)
			}
			if second+i < len(out) {
				out[second+i] += im[i] / float64(points)
			}
		}
	}
	return out, nil
}
