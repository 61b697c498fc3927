package metric

import (
	"fmt"
	"math"
)

// MSE returns the mean squared error Σ(x−y)²/n between a cover x and its stego recording y, both n ≥ 1 samples long.
func MSE(cover, stego []float64) (float64, error) {
	if err := sameLength(cover, stego); err != nil {
		return 0, err
	}
	_, noise := energies(cover, stego)
	return noise / float64(len(cover)), nil
}

// SNR returns the signal-to-noise ratio 10·log10(Σx²/Σ(x−y)²) in dB of a cover x and its stego recording y: +Inf for equal
// recordings, silent ones included, and −Inf for a silent cover with anything in it.
func SNR(cover, stego []float64) (float64, error) {
	if err := sameLength(cover, stego); err != nil {
		return 0, err
	}
	signal, noise := energies(cover, stego)
	return ratio(signal, noise), nil
}

// SegmentalSNR returns the mean over frames of each frame's SNR in dB, limited to [−10, 35] (Hansen and Pellom, An effective
// quality evaluation protocol for speech enhancement algorithms, ICSLP 1998). Frames of the given number of samples, usually
// 20 ms, follow each other without overlap or window; the last may be shorter.
//
// A frame that is silent in both recordings says nothing and is left out: counting it as 35 dB would reward padding. A frame
// that is silent in the cover alone counts −10 dB. Recordings that are silent throughout give 35 dB.
func SegmentalSNR(cover, stego []float64, frame int) (float64, error) {
	if err := sameLength(cover, stego); err != nil {
		return 0, err
	}
	if frame < 1 {
		return 0, fmt.Errorf("segmental SNR: a frame of %d samples: %w", frame, ErrSize)
	}
	var s segments
	for len(cover) > 0 {
		n := min(frame, len(cover))
		s.add(energies(cover[:n], stego[:n]))
		cover, stego = cover[n:], stego[n:]
	}
	return s.mean(), nil
}

// segments gathers a segmental signal-to-noise ratio.
type segments struct {
	sum    float64
	frames int
}

const lowestSegment, highestSegment = -10, 35

// add adds a frame with these energies.
func (s *segments) add(signal, noise float64) {
	if signal == 0 && noise == 0 {
		return
	}
	s.sum += min(max(ratio(signal, noise), lowestSegment), highestSegment)
	s.frames++
}

func (s *segments) mean() float64 {
	if s.frames == 0 {
		return highestSegment
	}
	return s.sum / float64(s.frames)
}

// MaxDeviation returns the largest |x−y| between a cover x and its stego recording y.
func MaxDeviation(cover, stego []float64) (float64, error) {
	if err := sameLength(cover, stego); err != nil {
		return 0, err
	}
	var most float64
	for i, x := range cover {
		most = max(most, math.Abs(x-stego[i]))
	}
	return most, nil
}

func sameLength(cover, stego []float64) error {
	if len(cover) != len(stego) {
		return fmt.Errorf("cover of %d samples, stego recording of %d: %w", len(cover), len(stego), ErrSize)
	}
	if len(cover) == 0 {
		return fmt.Errorf("recordings without samples: %w", ErrSize)
	}
	return nil
}

// energies returns Σx² and Σ(x−y)².
func energies(x, y []float64) (signal, noise float64) {
	for i, v := range x {
		d := v - y[i]
		signal += v * v
		noise += d * d
	}
	return signal, noise
}

// ratio returns signal/noise in dB, and +Inf where there is no noise.
func ratio(signal, noise float64) float64 {
	if noise == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(signal/noise)
}
