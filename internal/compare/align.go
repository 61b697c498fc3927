package compare

import (
	"context"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/dsp"
)

const (
	// A piece of one recording, at most this number of frames, is looked for in the other.
	pieceFrames = dsp.MaxPoints / 2
	// leastCorrelation is the least correlation of the piece with what is found: a copy with as much noise as it has power has 0.7.
	leastCorrelation = 0.5
)

// align returns how many frames of a stand before the beginning of b, negative if b begins earlier: the loudest piece of the
// shorter recording is found where its correlation with the longer one, the mean over their channels, is largest.
func align(ctx context.Context, a, b audio.File, n, m int64) (int64, error) {
	long, short, sign := a, b, int64(1)
	if n < m {
		long, short, sign = b, a, -1
	}
	piece, at, err := loudest(ctx, short)
	if err != nil {
		return 0, err
	}
	found, correlation, err := search(ctx, long, piece)
	if err != nil {
		return 0, err
	}
	if !(correlation >= leastCorrelation) {
		return 0, fmt.Errorf("%w: their correlation is %.2f at most", ErrUnrelated, max(0, correlation))
	}
	return sign * (found - at), nil
}

// mono writes the mean over the channels of a block to dst.
func mono(dst []float64, block [][]float64) []float64 {
	dst = dst[:len(block[0])]
	clear(dst)
	for _, x := range block {
		for i, v := range x {
			dst[i] += v / float64(len(block))
		}
	}
	return dst
}

// loudest returns the block with the most energy, and where it begins.
func loudest(ctx context.Context, f audio.File) (piece []float64, at int64, err error) {
	most, from := -1.0, int64(0)
	x := make([]float64, blockFrames)
	err = each(ctx, f, 0, func(block [][]float64) error {
		m := mono(x, block)
		energy := 0.0
		for _, v := range m {
			energy += v * v
		}
		if energy > most {
			most, at = energy, from
			piece = append(piece[:0], m[:min(len(m), pieceFrames)]...)
		}
		from += int64(len(m))
		return nil
	})
	return piece, at, err
}

// search returns where a recording correlates most with a piece, and their correlation there. It transforms stretches of twice
// pieceFrames, half of which is the next one's; where a recording ends it goes on with silence.
func search(ctx context.Context, f audio.File, piece []float64) (at int64, correlation float64, err error) {
	fft, err := dsp.NewFFT[float64](dsp.MaxPoints)
	if err != nil {
		return 0, 0, err
	}
	pr, pi := make([]float64, dsp.MaxPoints), make([]float64, dsp.MaxPoints)
	copy(pr, piece)
	energy := 0.0
	for _, v := range piece {
		energy += v * v
	}
	fft.Forward(pr, pi)
	correlation = math.Inf(-1)
	re, im := make([]float64, dsp.MaxPoints), make([]float64, dsp.MaxPoints)
	// stretch looks for the piece at the first half of the places in x.
	stretch := func(x []float64, from int64) {
		copy(re, x)
		clear(im)
		fft.Forward(re, im)
		for k := range re {
			re[k], im[k] = re[k]*pr[k]+im[k]*pi[k], im[k]*pr[k]-re[k]*pi[k]
		}
		fft.Forward(im, re) // inverse
		window := 0.0
		for _, v := range x[:len(piece)] {
			window += v * v
		}
		for lag := range pieceFrames {
			if c := re[lag] / dsp.MaxPoints / math.Sqrt(max(energy*window, 1e-20)); c > correlation {
				correlation, at = c, from+int64(lag)
			}
			out, in := x[lag], x[lag+len(piece)]
			window = max(0, window+in*in-out*out)
		}
	}
	var x []float64
	from := int64(0)
	scratch := make([]float64, blockFrames)
	err = each(ctx, f, 0, func(block [][]float64) error {
		for x = append(x, mono(scratch, block)...); len(x) >= dsp.MaxPoints; from += pieceFrames {
			stretch(x[:dsp.MaxPoints], from)
			x = x[:copy(x, x[pieceFrames:])]
		}
		return nil
	})
	for err == nil && len(x) > 0 {
		padded := make([]float64, dsp.MaxPoints)
		copy(padded, x)
		stretch(padded, from)
		x, from = x[min(len(x), pieceFrames):], from+pieceFrames
	}
	return at, correlation, err
}
