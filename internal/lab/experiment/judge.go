package experiment

import (
	"math"

	"ditas/picture"
	"ditas/picture/quality"
)

// Best is the PSNR in dB that counts for pictures without an error.
const Best = 100

// Outcome is what came of a picture.
type Outcome struct {
	PSNR         float64 // dB, at most [Best]
	Found, Exact bool
}

// Judge compares a revealed picture with the one that was hidden. No picture is as good as a grey one.
func Judge(secret, revealed *picture.Planes) (Outcome, error) {
	found := revealed != nil
	if !found {
		revealed = Grey(secret.Width, secret.Height)
	}
	psnr, err := quality.PSNR(secret, revealed)
	return Outcome{PSNR: min(psnr, Best), Found: found, Exact: math.IsInf(psnr, 1)}, err
}

// Grey returns the picture that one has who has none.
func Grey(width, height int) *picture.Planes {
	p := picture.New(width, height)
	for _, plane := range p.Pix {
		for i := range plane {
			plane[i] = 0.5
		}
	}
	return p
}
