// Package quality measures how close a picture is to the original: [MSE], [PSNR], [SSIM] and [MSSSIM].
//
// Pictures are planes of values in [0, 1]; the first argument is the original. Every measure sums in one fixed order in float64,
// so that equal inputs give equal bits, and each comment names the source of its formula. To judge a file, measure what you
// read back from it, after rounding to 8 bits ([picture.Planes.Round]).
package quality

import (
	"errors"
	"fmt"
	"math"

	"ditas/picture"
)

// ErrSize is what measures wrap if pictures differ in size, or are too small.
var ErrSize = errors.New("sizes of pictures cannot be compared")

// MSE returns the mean squared error between two pictures of one size over all pixels and the three channels.
func MSE(original, revealed *picture.Planes) (float64, error) {
	if err := sameSize(original, revealed, 1); err != nil {
		return 0, err
	}
	var sum float64
	for c, x := range original.Pix {
		y := revealed.Pix[c]
		for i, v := range x {
			d := float64(v) - float64(y[i])
			sum += d * d
		}
	}
	return sum / float64(3*original.Width*original.Height), nil
}

// PSNR returns the peak signal-to-noise ratio −10·log10(MSE) in dB between two pictures of one size; the peak is 1.
// Equal pictures give +Inf; tables that average over pictures cap it at 100 dB.
func PSNR(original, revealed *picture.Planes) (float64, error) {
	mse, err := MSE(original, revealed)
	if err != nil {
		return 0, err
	}
	if mse == 0 {
		return math.Inf(1), nil
	}
	return -10 * math.Log10(mse), nil
}

// SSIM returns the structural similarity of two pictures of one size, at most 1, which means equal: per channel the mean over
// all positions at which the window lies inside the picture, then the mean over the three channels. The window is a
// Gaussian of 11×11 pixels with σ = 1.5; K₁ = 0.01, K₂ = 0.03, L = 1 (Wang, Bovik, Sheikh and Simoncelli, Image quality
// assessment: from error visibility to structural similarity, IEEE Trans. Image Processing 13, 2004, equation 13 and section
// III-C). Pictures are not scaled down first. They must have 11×11 pixels at least.
func SSIM(original, revealed *picture.Planes) (float64, error) {
	if err := sameSize(original, revealed, window); err != nil {
		return 0, err
	}
	s := newSimilarity(original.Width)
	var sum float64
	for c := range original.Pix {
		ssim, _ := s.compare(original.Pix[c], revealed.Pix[c], original.Width, original.Height)
		sum += ssim
	}
	return sum / 3, nil
}

// scaleWeights are the exponents of the five scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2).
var scaleWeights = []float64{0.0448, 0.2856, 0.3001, 0.2363, 0.1333}

// MSSSIM returns the multi-scale structural similarity of two pictures of one size, in [0, 1]: the product over scales of the
// mean contrast-structure term (at the coarsest scale, the whole SSIM), each to the power of its weight; then the mean over the
// three channels (Wang, Simoncelli and Bovik, Multiscale structural similarity for image quality assessment, Asilomar
// 2003, equation 7, as in the authors' code). From scale to scale 2×2 pixels are averaged; an odd last row or column is dropped.
//
// Five scales take 176 pixels in each direction. Smaller pictures use only the scales at which the 11×11 window fits, three
// at 64×64, with the weights of these scales divided by their sum. A negative mean term, which anticorrelated pictures have and
// which has no real power, counts as 0.
func MSSSIM(original, revealed *picture.Planes) (float64, error) {
	if err := sameSize(original, revealed, window); err != nil {
		return 0, err
	}
	scales := 1
	for scales < len(scaleWeights) && min(original.Width, original.Height)>>scales >= window {
		scales++
	}
	var total float64
	for _, w := range scaleWeights[:scales] {
		total += w
	}
	s := newSimilarity(original.Width)
	quarter := (original.Width / 2) * (original.Height / 2)
	halfX, halfY := make([]float32, quarter), make([]float32, quarter)
	var sum float64
	for c := range original.Pix {
		x, y := original.Pix[c], revealed.Pix[c]
		width, height := original.Width, original.Height
		product := 1.0
		for scale, w := range scaleWeights[:scales] {
			ssim, cs := s.compare(x, y, width, height)
			term := cs
			if scale == scales-1 {
				term = ssim
			}
			product *= math.Pow(max(term, 0), w/total)
			if scale < scales-1 {
				halve(halfX, x, width, height)
				halve(halfY, y, width, height)
				x, y, width, height = halfX, halfY, width/2, height/2
			}
		}
		sum += product
	}
	return sum / 3, nil
}

// halve writes to dst, which may be src itself, the averages of src's squares of 2×2 pixels.
func halve(dst, src []float32, width, height int) {
	for y := range height / 2 {
		upper, lower := src[2*y*width:][:width], src[(2*y+1)*width:][:width]
		for x := range width / 2 {
			dst[y*(width/2)+x] = (upper[2*x] + upper[2*x+1] + lower[2*x] + lower[2*x+1]) / 4
		}
	}
}

const (
	window = 11 // side of the window, in pixels
	c1     = 0.01 * 0.01
	c2     = 0.03 * 0.03
)

// gauss is the window along one axis: a Gaussian of σ = 1.5 that sums to 1.
var gauss = func() (g [window]float64) {
	var sum float64
	for i := range g {
		d := float64(i - window/2)
		g[i] = math.Exp(-d * d / (2 * 1.5 * 1.5))
		sum += g[i]
	}
	for i := range g {
		g[i] /= sum
	}
	return g
}()

// similarity is the storage for comparing two planes: means along each of the last rows under the window, one row of the values
// that they are means of, and one row of means over the whole window.
type similarity struct {
	rows          [window][]moments
	points, whole []moments
}

// moments are what SSIM is made of at one place of planes x and y: x, y, x²+y² and x·y, or means of them.
type moments struct{ x, y, squares, product float64 }

// newSimilarity returns the storage for planes of at most the given width.
func newSimilarity(width int) *similarity {
	s := &similarity{points: make([]moments, width), whole: make([]moments, width-window+1)}
	for i := range s.rows {
		s.rows[i] = make([]moments, width-window+1)
	}
	return s
}

// compare returns the means, over all positions of the window inside planes x and y, of SSIM and of its contrast-structure
// factor alone.
func (s *similarity) compare(x, y []float32, width, height int) (ssim, cs float64) {
	positions := width - window + 1
	for row := range height {
		points := s.points[:width]
		other := y[row*width:][:width]
		for i, v := range x[row*width:][:width] {
			a, b := float64(v), float64(other[i])
			points[i] = moments{a, b, a*a + b*b, a * b}
		}
		along := s.rows[row%window][:positions]
		clear(along)
		for i, g := range gauss {
			addTimes(along, g, points[i:])
		}
		if row < window-1 {
			continue
		}
		whole := s.whole[:positions]
		clear(whole)
		for i, g := range gauss {
			addTimes(whole, g, s.rows[(row+1+i)%window])
		}
		for _, m := range whole {
			// Variances and covariance are means of products less products of means.
			xy, xx := m.x*m.y, m.x*m.x+m.y*m.y
			structure := (2*(m.product-xy) + c2) / (m.squares - xx + c2)
			cs += structure
			ssim += structure * (2*xy + c1) / (xx + c1)
		}
	}
	n := float64(positions * (height - window + 1))
	return ssim / n, cs / n
}

// addTimes adds g times src to dst.
func addTimes(dst []moments, g float64, src []moments) {
	src = src[:len(dst)]
	for i := range dst {
		d, m := &dst[i], &src[i]
		d.x += g * m.x
		d.y += g * m.y
		d.squares += g * m.squares
		d.product += g * m.product
	}
}

// sameSize checks that two pictures have one size, of least pixels in each direction or more.
func sameSize(a, b *picture.Planes, least int) error {
	if a.Width != b.Width || a.Height != b.Height {
		return fmt.Errorf("pictures of %d×%d and %d×%d pixels: %w", a.Width, a.Height, b.Width, b.Height, ErrSize)
	}
	if a.Width < least || a.Height < least {
		return fmt.Errorf("pictures of %d×%d pixels, where %d×%d are needed at least: %w", a.Width, a.Height, least, least, ErrSize)
	}
	return nil
}
