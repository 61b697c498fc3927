package contender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"math"

	"ditas/internal/lab/experiment"
	"ditas/picture"
)

// LowestBits is a JPEG file in the given number of lowest bits. No container MSE can be asked of it.
func LowestBits(bits int) *Contender {
	return Stateless(fmt.Sprintf("JPEG in the %d lowest bits", bits), func(_ int, p *experiment.Subject) (*Sent, error) {
		x, err := jpegInBits(p, bits)
		return &Sent{x, func(received []float64) (*picture.Planes, error) { return jpegFromBits(received, bits) }}, err
	})
}

// jpegInBits hides the picture's JPEG file, of the best quality that finds room, in the lowest bits of the samples: each becomes
// the nearest value that ends in the right ones.
func jpegInBits(p *experiment.Subject, bits int) ([]float64, error) {
	cover := p.Cover.Samples[0]
	data, err := jpegOf(p.Secret, len(cover)*bits/8)
	if err != nil {
		return nil, err
	}
	out := append([]float64{}, cover...)
	for i := range 8 * len(data) / bits {
		out[i] = nearestEnding(cover[i], chunk(data, i, bits), bits)
	}
	return out, nil
}

// jpegOf returns a picture as the best JPEG that takes at most the given number of bytes.
func jpegOf(p *picture.Planes, limit int) ([]byte, error) {
	for quality := 100; quality > 0; quality-- {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, p.Image(), &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		if b.Len() <= limit {
			return b.Bytes(), nil
		}
	}
	return nil, errors.New("no JPEG is small enough")
}

// chunk returns piece i of a size in bits, 1, 2, 4 or 8, the highest first.
func chunk(data []byte, i, bits int) int {
	at := i * bits
	return int(data[at/8]) >> (8 - bits - at%8) & (1<<bits - 1)
}

// nearestEnding returns the sample of a 16-bit file nearest to v whose lowest bits are the given ones.
func nearestEnding(v float64, ending, bits int) float64 {
	period := float64(int(1) << bits)
	code := period*math.RoundToEven((v/experiment.Step-float64(ending))/period) + float64(ending)
	switch {
	case code > math.MaxInt16:
		code -= period
	case code < math.MinInt16:
		code += period
	}
	return code * experiment.Step
}

// jpegFromBits returns the picture whose JPEG stands in the lowest bits, nil if what stands there is none.
func jpegFromBits(received []float64, bits int) (*picture.Planes, error) {
	data := make([]byte, len(received)*bits/8)
	for i, v := range received[:8*len(data)/bits] {
		ending := int(math.RoundToEven(v/experiment.Step)) & (1<<bits - 1)
		at := i * bits
		data[at/8] |= byte(ending << (8 - bits - at%8))
	}
	p, err := picture.DecodeContext(context.Background(), bytes.NewReader(data), experiment.Side*experiment.Side)
	if err != nil || p.Width != experiment.Side || p.Height != experiment.Side {
		return nil, nil // it was a JPEG before the noise
	}
	return p, nil
}
