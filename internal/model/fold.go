package model

import (
	"fmt"

	"ditas/internal/dsp"
	"ditas/internal/nn"
)

// maxSamples is the length of the longest subsequence: a tile of 64×64.
const maxSamples = SamplesPerPixel * 64 * 64

// Fold is the orthonormal map from the samples of a subsequence to the planes that the networks see: an MDCT whose
// coefficients are spread over four planes of a tile by a fixed pseudo-random permutation, another for every stage.
//
// In the transform domain most of a recording's coefficients are so small that they can be replaced, and the permutation
// spreads those that cannot over the whole picture. It has the extent 1×1×samples on one side and 4×tile×tile on the other.
//
// Without a transform, pixel i has samples 4·i to 4·i+3, one in each plane, and a fold of a few rows is a part of the whole.
type Fold struct {
	mdct       *dsp.MDCT[float32] // nil for none
	order      []int32            // order[i] is the coefficient, or the sample, that lies at place i of the planes
	frame      []uint16           // frame[i] is the frame of the transform that it belongs to
	rows, tile int
}

// newPixels returns the map without a transform for a number of rows of a tile.
func newPixels(rows, tile int) *Fold {
	f := &Fold{rows: rows, tile: tile}
	for plane := range SamplesPerPixel {
		for i := range rows * tile {
			f.order = append(f.order, int32(SamplesPerPixel*i+plane))
		}
	}
	return f
}

// NewFold returns the map of stage i, counted from 0, of a system.
func NewFold(c Config, stage int) (*Fold, error) {
	if c.Transform == NoTransform {
		return newPixels(c.Tile, c.Tile), nil
	}
	m, err := dsp.NewMDCT[float32](c.Bands)
	if err != nil {
		return nil, err
	}
	f := &Fold{mdct: m, order: make([]int32, c.Samples()), rows: c.Tile, tile: c.Tile}
	for i := range f.order {
		f.order[i] = int32(i)
	}
	// Fisher and Yates's shuffle, driven by SplitMix64 (Steele, Lea and Flood 2014) so that anyone can make it again.
	state := uint64(stage)
	for i := len(f.order) - 1; i > 0; i-- {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		j := int(z % uint64(i+1))
		f.order[i], f.order[j] = f.order[j], f.order[i]
	}
	for _, j := range f.order {
		f.frame = append(f.frame, uint16(int(j)/c.Bands))
	}
	return f, nil
}

// OutShape is the extent of the planes.
func (f *Fold) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != 1 || in.H != 1 || in.W != len(f.order) {
		return in, fmt.Errorf("want 1×1×%d samples, have %v", len(f.order), in)
	}
	return nn.Shape{N: in.N, C: SamplesPerPixel, H: f.rows, W: f.tile}, nil
}

// Apply maps samples to planes.
func (f *Fold) Apply(dst, src []float32) {
	var buf [maxSamples]float32
	c := src
	if f.mdct != nil {
		c = buf[:len(f.order)]
		f.mdct.Forward(c, src[:len(c)])
	}
	for i, j := range f.order {
		dst[i] = c[j]
	}
}

// Adjoint maps planes to samples. The map being orthonormal, it is the inverse.
func (f *Fold) Adjoint(dst, src []float32) {
	var buf [maxSamples]float32
	c := dst
	if f.mdct != nil {
		c = buf[:len(f.order)]
	}
	for i, j := range f.order {
		c[j] = src[i]
	}
	if f.mdct != nil {
		f.mdct.Inverse(dst, c)
	}
}

// active counts the coefficients of each frame that are strong, not below a limit in magnitude, and reports for each whether
// there are at least that number.
func (f *Fold) active(src []float32, limit float32, least int) (frames [maxSamples / 4]bool) {
	var strong [maxSamples / 4]int
	for i, v := range src[:len(f.frame)] {
		if v >= limit || v <= -limit {
			strong[f.frame[i]]++
		}
	}
	for i, n := range strong[:len(f.order)/f.mdct.Bands()] {
		frames[i] = n >= least
	}
	return frames
}

// free writes to dst 1 where a coefficient holds the message, or is to: where it is weak and its frame is active.
func (f *Fold) free(dst, src []float32, limit float32, least int) {
	frames := f.active(src, limit, least)
	for i, v := range src[:len(f.frame)] {
		dst[i] = 0
		if v < limit && v > -limit && frames[f.frame[i]] {
			dst[i] = 1
		}
	}
}

// kept writes to dst what remains of a cover: the strong coefficients, and the coefficients of frames that are not active. The latter are
// limited to peak, so that the receiver, whose limit lies between, finds no more strong ones there than the sender did.
func (f *Fold) kept(dst, src []float32, limit, peak float32, least int) {
	frames := f.active(src, limit, least)
	for i, v := range src[:len(f.frame)] {
		switch weak := v < limit && v > -limit; {
		case weak && frames[f.frame[i]]:
			dst[i] = 0
		case weak:
			dst[i] = max(-peak, min(peak, v))
		default:
			dst[i] = v
		}
	}
}

// unfold is the inverse of a Fold as a map of its own.
type unfold struct{ *Fold }

func (u unfold) OutShape(in nn.Shape) (nn.Shape, error) {
	if in.C != SamplesPerPixel || in.H != u.rows || in.W != u.tile {
		return in, fmt.Errorf("want 4×%d×%d coefficients, have %v", u.rows, u.tile, in)
	}
	return nn.Shape{N: in.N, C: 1, H: 1, W: len(u.order)}, nil
}

func (u unfold) Apply(dst, src []float32)   { u.Fold.Adjoint(dst, src) }
func (u unfold) Adjoint(dst, src []float32) { u.Fold.Apply(dst, src) }
