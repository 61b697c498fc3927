package ditas

import (
	"context"
	"errors"
	"fmt"

	"ditas/internal/codestream"
	"ditas/picture"
	"ditas/picture/quality"
)

// Estimator tells how well a picture comes back from a recording with so much room, before it is hidden. Of a picture of more than
// half a million pixels it looks at samples. It may be used by several goroutines at once.
type Estimator struct {
	sample *picture.Planes
	stream []byte  // all of the sample
	scale  float64 // pixels of the picture to one of the sample
}

// A sample has at most sampleCount stretches of sampleLength pixels in each direction.
const (
	sampleCount  = 3
	sampleLength = 256
)

// NewEstimator returns the Estimator of a picture. The error wraps [ErrTooLarge] if no recording takes the picture.
func NewEstimator(p *picture.Planes) (*Estimator, error) {
	if p.Width > MaxSide || p.Height > MaxSide {
		return nil, fmt.Errorf("%w: %d×%d pixels, at most %d a side", ErrTooLarge, p.Width, p.Height, MaxSide)
	}
	s := sample(p)
	stream, _, err := codestream.Encode(context.Background(), s, codestream.EncodeOptions{})
	if err != nil {
		return nil, err
	}
	return &Estimator{s, stream, float64(p.Width) * float64(p.Height) / (float64(s.Width) * float64(s.Height))}, nil
}

// sample returns a picture that stands for p: stretches of it, evenly spread, in each direction in which it is large.
func sample(p *picture.Planes) *picture.Planes {
	columns, rows := stretches(p.Width), stretches(p.Height)
	s := picture.New(len(columns), len(rows))
	for c := range s.Pix {
		for y, from := range rows {
			for x, at := range columns {
				s.Pix[c][y*s.Width+x] = p.Pix[c][from*p.Width+at]
			}
		}
	}
	return s
}

// stretches returns which of n columns or rows a sample has.
func stretches(n int) []int {
	size := min(n, sampleCount*sampleLength)
	all := make([]int, size)
	for i := range all {
		all[i] = i
		if n > size {
			all[i] = i/sampleLength*(n-sampleLength)/(sampleCount-1) + i%sampleLength
		}
	}
	return all
}

// Bytes returns how many bytes the picture takes to come back exactly, about so many if it is a large one.
func (e *Estimator) Bytes() int { return int(e.scale * float64(len(e.stream))) }

// PSNR returns that in dB, at most 100, of the picture that comes back from a recording that has room for so many bytes of it, before
// the network restores what it can, which adds up to about one. 100 means exact, 0 that there is hardly any room at all.
func (e *Estimator) PSNR(bytes int) (float64, error) {
	if bytes >= e.Bytes() {
		return 100, nil
	}
	p, _, err := codestream.Decode(context.Background(), e.stream[:min(len(e.stream), int(float64(bytes)/e.scale))], codestream.DecodeOptions{})
	switch {
	case errors.Is(err, codestream.ErrShort):
		return 0, nil
	case err != nil:
		return 0, err
	}
	psnr, err := quality.PSNR(e.sample, p)
	return min(psnr, 100), err
}
