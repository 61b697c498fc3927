package stream

import (
	"context"
	"errors"

	"ditas/internal/codestream"
	"ditas/picture"
	"ditas/picture/quality"
)

// Estimator tells, before a picture is hidden, how well it comes back from a recording with a given room. Of a picture of more than
// half a million pixels it looks at samples. It may be used by several goroutines at once.
type Estimator struct {
	width, height int
	loses         bool // the picture is not all that is in its file
	sample        *picture.Planes
	stream        []byte  // all of the sample
	exact         int     // bytes of the picture, about
	scale         float64 // pixels of the picture to one of the sample
}

// A sample has at most sampleCount stretches of sampleLength pixels in each direction.
const (
	sampleCount  = 3
	sampleLength = 256
)

// NewEstimator returns the Estimator of a picture.
func NewEstimator(ctx context.Context, p *picture.Planes) (*Estimator, error) {
	s := sample(p)
	stream, _, err := codestream.Encode(ctx, s, codestream.EncodeOptions{})
	if err != nil {
		return nil, err
	}
	scale := float64(p.Width) * float64(p.Height) / (float64(s.Width) * float64(s.Height))
	return &Estimator{
		width: p.Width, height: p.Height, loses: len(p.Losses) > 0, sample: s, stream: stream, exact: int(scale * float64(len(stream))), scale: scale,
	}, nil
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

// Bytes returns how many bytes the picture takes to come back exactly, approximately if it is a large one.
func (e *Estimator) Bytes() int { return e.exact }

// PSNR estimates the revealed picture's PSNR in dB (capped at 100, which means exact) when the given number of bytes of its stream fit. A
// network that restores the picture may add about 1 dB. The estimate is 0 where there is hardly any room at all.
func (e *Estimator) PSNR(ctx context.Context, bytes int) (float64, error) {
	if bytes >= e.Bytes() {
		return 100, nil
	}
	p, _, err := codestream.Decode(ctx, e.stream[:min(len(e.stream), int(float64(bytes)/e.scale))], codestream.DecodeOptions{})
	switch {
	case errors.Is(err, codestream.ErrShort):
		return 0, nil
	case err != nil:
		return 0, err
	}
	psnr, err := quality.PSNR(e.sample, p)
	return min(psnr, 100), err
}
