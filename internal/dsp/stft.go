package dsp

import (
	"fmt"
	"math"
)

// MaxWindow is the longest window of an [STFT].
const MaxWindow = 4096

// STFT is the short-time Fourier transform with a sine window of N samples and a hop of N/2 on a circular signal: frame f
// sees the N samples from f·N/2 on, wrapping round at the end,
//
//	X[f][k] = c_k Σ_n sin(π(n+½)/N) x[f·N/2+n] exp(−2πi·kn/N),  0 ≤ n < N,
//
// with c_k = √(2/N), but √(1/N) for k = 0 and k = N/2. Of the N/2+1 bins it keeps the lowest.
//
// With all bins it is a tight frame: it keeps energy, Σ|X|² = Σx², so that its adjoint inverts it, and applied to values that
// are nobody's transform the adjoint gives the signal whose transform is nearest, Griffin and Lim's inverse (1984). An STFT
// has no state and may be shared between goroutines.
type STFT[T float32 | float64] struct {
	window []T
	scale  []T // c_k of the bins kept
	fft    *FFT[T]
}

// NewSTFT returns the transform that keeps a number of bins, with a window of a power of two from 4 to [MaxWindow] samples.
func NewSTFT[T float32 | float64](window, bins int) (*STFT[T], error) {
	if window < 4 || window > MaxWindow || window&(window-1) != 0 {
		return nil, fmt.Errorf("stft with a window of %d samples: want a power of two from 4 to %d", window, MaxWindow)
	}
	if bins < 1 || bins > window/2+1 {
		return nil, fmt.Errorf("stft with a window of %d samples and %d bins: want 1 to %d", window, bins, window/2+1)
	}
	fft, err := NewFFT[T](window)
	if err != nil {
		return nil, err
	}
	s := &STFT[T]{fft: fft}
	for n := range window {
		s.window = append(s.window, T(math.Sin(math.Pi*(float64(n)+0.5)/float64(window))))
	}
	for k := range bins {
		power := 2 / float64(window)
		if k == 0 || k == window/2 {
			power /= 2
		}
		s.scale = append(s.scale, T(math.Sqrt(power)))
	}
	return s, nil
}

// Bins returns the number of bins kept.
func (s *STFT[T]) Bins() int { return len(s.scale) }

// Frames returns the number of frames of a signal: one for each hop of N/2 samples. It panics if the signal is not a whole
// number of hops, and not empty.
func (s *STFT[T]) Frames(samples int) int {
	hop := len(s.window) / 2
	if samples == 0 || samples%hop != 0 {
		panic(fmt.Sprintf("dsp: signal of %d samples is not a whole number of hops of %d", samples, hop))
	}
	return samples / hop
}

// Forward computes the frames of src, one after the other, real parts into re and imaginary parts into im. It panics like
// Frames, or if re or im is too short.
func (s *STFT[T]) Forward(re, im, src []T) {
	var reals, imaginaries [MaxWindow]T
	r, i := reals[:len(s.window)], imaginaries[:len(s.window)]
	bins, hop := len(s.scale), len(s.window)/2
	for f := range s.Frames(len(src)) {
		at := f * hop
		for n, w := range s.window {
			r[n] = w * src[at]
			if at++; at == len(src) {
				at = 0
			}
		}
		clear(i)
		s.fft.Forward(r, i)
		dr, di := re[f*bins:][:bins], im[f*bins:][:bins]
		for k, c := range s.scale {
			dr[k], di[k] = c*r[k], c*i[k]
		}
	}
}

// Adjoint computes the adjoint of Forward into dst. It panics like Frames, or if re or im is too short.
func (s *STFT[T]) Adjoint(dst, re, im []T) {
	var reals, imaginaries [MaxWindow]T
	r, i := reals[:len(s.window)], imaginaries[:len(s.window)]
	bins, hop := len(s.scale), len(s.window)/2
	frames := s.Frames(len(dst))
	clear(dst)
	for f := range frames {
		sr, si := re[f*bins:][:bins], im[f*bins:][:bins]
		for k, c := range s.scale {
			r[k], i[k] = c*sr[k], c*si[k]
		}
		clear(r[bins:])
		clear(i[bins:])
		s.fft.Forward(i, r) // exchanged: exp(+2πi·kn/N)
		at := f * hop
		for n, w := range s.window {
			dst[at] += w * r[n]
			if at++; at == len(dst) {
				at = 0
			}
		}
	}
}
