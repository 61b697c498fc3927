package dataset

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"

	"ditas/picture"
)

// Pictures is a set of pictures in memory, three bytes a pixel. It may be used by several goroutines at once.
type Pictures struct {
	photos  []item[photo]
	skipped []Skipped
}

// photo is a picture in 8 bits: pix[(c*height+y)*width+x].
type photo struct {
	width, height int
	pix           []uint8
}

// smallestCrop is the side of the smallest square that Crop cuts out, in pixels.
const smallestCrop = 64

// OpenPictures loads all pictures below dir that package picture reads, told apart by content, for training. Larger ones are
// scaled down to o.Side. Files of other kinds are passed over. Pictures are numbered in the order of their paths.
func OpenPictures(ctx context.Context, dir string, o LoadOptions) (*Pictures, error) {
	side := o.Side
	if side == 0 {
		side = defaultSide
	}
	return open(ctx, dir, o, func(p *picture.Planes) *picture.Planes { return p.Fit(side, side) })
}

// OpenThumbnails is OpenPictures for evaluation: of every picture it keeps the middle square, reduced to size×size pixels from
// the full resolution of the file and then rounded to 8 bits. o.Side has no effect.
func OpenThumbnails(ctx context.Context, dir string, size int, o LoadOptions) (*Pictures, error) {
	return open(ctx, dir, o, func(p *picture.Planes) *picture.Planes { return p.Thumbnail(size) })
}

func open(ctx context.Context, dir string, o LoadOptions, reduce func(*picture.Planes) *picture.Planes) (*Pictures, error) {
	photos, skipped, err := load(ctx, dir, "pictures", o, func(f *os.File) (photo, int64, error) {
		p, err := picture.Decode(f)
		if errors.Is(err, picture.ErrFormat) {
			return photo{}, 0, errForeign
		}
		if err != nil {
			return photo{}, 0, err
		}
		p = reduce(p)
		img := p.Image() // rounds
		q := photo{p.Width, p.Height, make([]uint8, 3*p.Width*p.Height)}
		for c := range 3 {
			plane := q.plane(c)
			for i := range plane {
				plane[i] = img.Pix[4*i+c]
			}
		}
		return q, int64(len(q.pix)), nil
	})
	if err != nil {
		return nil, err
	}
	return &Pictures{photos, skipped}, nil
}

// Len returns the number of pictures.
func (p *Pictures) Len() int { return len(p.photos) }

// Name returns the path of picture i below the folder, with slashes.
func (p *Pictures) Name(i int) string { return p.photos[i].name }

// Skipped returns the pictures that could not be read, where [LoadOptions] allow that.
func (p *Pictures) Skipped() []Skipped { return p.skipped }

// Crop fills dst, a square, with a random square of a random picture, as a training sample: its side is any from 64 pixels to
// that of the whole picture, every size and place is as likely as any other, and half of them are mirrored. A square is
// averaged over the area of each new pixel. Values are in [0, 1].
func (p *Pictures) Crop(rng *rand.Rand, dst *picture.Planes) {
	q := p.photos[rng.IntN(len(p.photos))].value
	whole := min(q.width, q.height)
	side := whole
	if whole > smallestCrop {
		side = smallestCrop + rng.IntN(whole-smallestCrop+1)
	}
	left, top := rng.IntN(q.width-side+1), rng.IntN(q.height-side+1)
	q.average(dst, left, top, side, rng.IntN(2) == 1)
}

// Thumbnail fills dst, a square, with the middle square of picture i, averaged over the area of each new pixel. With pictures of
// OpenThumbnails and a dst of the same size that is an exact copy. Values are in [0, 1].
func (p *Pictures) Thumbnail(i int, dst *picture.Planes) {
	q := p.photos[i].value
	side := min(q.width, q.height)
	q.average(dst, (q.width-side)/2, (q.height-side)/2, side, false)
}

func (q photo) plane(c int) []uint8 {
	n := q.width * q.height
	return q.pix[c*n : (c+1)*n]
}

// average scales a square to the size of dst. Along each side, dst pixel i covers the stretch from i·side to (i+1)·side in
// units of 1/size old pixels, so all sums are integers and the result is exact but for one rounding.
func (q photo) average(dst *picture.Planes, left, top, side int, mirror bool) {
	size := dst.Width
	norm := 1 / (255 * float64(side) * float64(side))
	for c, out := range dst.Pix {
		plane := q.plane(c)[top*q.width+left:]
		for y := range size {
			upper, lower := stretch(y, side, size)
			for x := range size {
				first, last := stretch(x, side, size)
				var sum int
				for j := upper.at; j <= lower.at; j++ {
					row := plane[j*q.width+first.at : j*q.width+last.at+1]
					s := first.weight * int(row[0])
					if n := len(row) - 1; n > 0 {
						s += last.weight * int(row[n])
						inner := 0
						for _, v := range row[1:n] {
							inner += int(v)
						}
						s += size * inner
					}
					switch j {
					case upper.at:
						s *= upper.weight
					case lower.at:
						s *= lower.weight
					default:
						s *= size
					}
					sum += s
				}
				at := x
				if mirror {
					at = size - 1 - x
				}
				out[y*size+at] = float32(float64(sum) * norm)
			}
		}
	}
}

// edge is the first or the last old pixel of a stretch, and how much of it counts.
type edge struct{ at, weight int }

// stretch returns the ends of what new pixel i covers. Where both fall into one pixel, the first has the weight.
func stretch(i, side, size int) (first, last edge) {
	low, high := i*side, (i+1)*side
	first, last = edge{at: low / size}, edge{at: (high - 1) / size}
	first.weight = min(high, (first.at+1)*size) - low
	last.weight = high - last.at*size
	return first, last
}
