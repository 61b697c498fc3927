package experiment

import (
	"math"

	"ditas/metric"
	"ditas/picture"
)

// best is the PSNR in dB that counts for pictures without an error.
const best = 100

// outcome is what came of a picture.
type outcome struct {
	psnr         float64 // dB, at most best
	found, exact bool
}

// judge compares a revealed picture with the one that was hidden. No picture is as good as a grey one.
func judge(secret, revealed *picture.Planes) (outcome, error) {
	found := revealed != nil
	if !found {
		revealed = grey(secret.Width, secret.Height)
	}
	psnr, err := metric.PSNR(secret, revealed)
	return outcome{psnr: min(psnr, best), found: found, exact: math.IsInf(psnr, 1)}, err
}

// grey returns the picture that one has who has none.
func grey(width, height int) *picture.Planes {
	p := picture.New(width, height)
	for _, plane := range p.Pix {
		for i := range plane {
			plane[i] = 0.5
		}
	}
	return p
}
