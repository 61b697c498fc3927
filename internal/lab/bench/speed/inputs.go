package main

import (
	"bytes"
	"math"
	"math/cmplx"
	"math/rand/v2"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/picture"
)

const (
	rate     = 44100
	channels = 2
)

// music synthesises seconds of 16-bit stereo: a chord of four voices with decaying harmonics that changes twice a second, a
// bass, and bursts of noise on every beat. Quiet and loud bars alternate.
func music(seconds int, seed uint64) *audio.Recording {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := &audio.Recording{
		Format:  audio.Format{Rate: rate, Channels: channels, Encoding: audio.Int16},
		Samples: audio.NewBlock(channels, seconds*rate),
	}
	const beat = rate / 2
	for at := 0; at < seconds*rate; at += beat {
		loudness := .03 + .07*rng.Float64()
		if at/beat%16 < 4 {
			loudness /= 4
		}
		root := 110 * math.Exp2(float64(rng.IntN(12))/12)
		for _, interval := range []float64{.5, 1, 1.25, 1.5, 2} {
			note(r, at, 2*beat, root*interval, loudness, rng)
		}
		for i := range min(beat/3, seconds*rate-at) {
			decay := loudness * math.Exp(-float64(i)/2000)
			common := rng.NormFloat64()
			for c := range r.Samples {
				r.Samples[c][at+i] += decay * (common + .5*rng.NormFloat64()) / 2
			}
		}
	}
	for _, x := range r.Samples {
		for i := range x {
			x[i] = r.Format.Quantize(math.Tanh(x[i] + .0005*rng.NormFloat64()))
		}
	}
	return r
}

// note adds a tone with harmonics up to 10 kHz, somewhere between the channels.
func note(r *audio.Recording, at, length int, frequency, loudness float64, rng *rand.Rand) {
	pan := rng.Float64()
	for h := 1; h <= 12 && float64(h)*frequency < 10000; h++ {
		turn := cmplx.Rect(1, 2*math.Pi*frequency*float64(h)/rate)
		z := cmplx.Rect(loudness/float64(h*h), 2*math.Pi*rng.Float64())
		turn *= complex(math.Exp(-float64(h)/rate), 0) // higher harmonics decay faster
		for i := at; i < min(at+length, r.Frames()); i++ {
			attack := min(1, float64(i-at)/500, float64(at+length-i)/500)
			r.Samples[0][i] += attack * pan * real(z)
			r.Samples[1][i] += attack * (1 - pan) * real(z)
			z *= turn
		}
	}
}

// file writes a recording to a WAV file in memory.
func file(r *audio.Recording) (*wav.File, error) {
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		return nil, err
	}
	return wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// photo synthesises a picture with what photographs have: detail at all scales, its amplitude growing with its size, edges of objects in
// front of it, and a sensor's grain.
func photo(width, height int, seed uint64) *picture.Planes {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := picture.New(width, height)
	tint := [3]float32{.9, 1, 1.1}
	for cells, weight := 2, float32(.35); cells < max(width, height); cells, weight = 2*cells, weight*.55 {
		octave(p, cells, weight, tint, rng)
	}
	for range 24 {
		disc(p, rng)
	}
	for _, plane := range p.Pix {
		for i := range plane {
			plane[i] = min(max(.5+plane[i]+float32(.006*rng.NormFloat64()), 0), 1)
		}
	}
	p.Round()
	return p
}

// octave adds values at the crossings of a grid of cells×cells, interpolated linearly between them.
func octave(p *picture.Planes, cells int, weight float32, tint [3]float32, rng *rand.Rand) {
	grid := make([]float32, (cells+1)*(cells+1))
	for i := range grid {
		grid[i] = weight * float32(rng.NormFloat64()) / 2
	}
	for y := range p.Height {
		fy := float32(y) * float32(cells) / float32(p.Height)
		row, v := int(fy), fy-float32(int(fy))
		for x := range p.Width {
			fx := float32(x) * float32(cells) / float32(p.Width)
			column, u := int(fx), fx-float32(int(fx))
			g := grid[row*(cells+1)+column:]
			above, below := g[0]+u*(g[1]-g[0]), g[cells+1]+u*(g[cells+2]-g[cells+1])
			for c := range p.Pix {
				p.Pix[c][y*p.Width+x] += tint[c] * (above + v*(below-above))
			}
		}
	}
}

// disc adds an object of one colour.
func disc(p *picture.Planes, rng *rand.Rand) {
	size := float64(min(p.Width, p.Height))
	radius := size * (.02 + .15*rng.Float64())
	cx, cy := float64(p.Width)*rng.Float64(), float64(p.Height)*rng.Float64()
	var colour [3]float32
	for c := range colour {
		colour[c] = float32(.5 * (rng.Float64() - .5))
	}
	for y := max(0, int(cy-radius)); y < min(p.Height, int(cy+radius)); y++ {
		for x := max(0, int(cx-radius)); x < min(p.Width, int(cx+radius)); x++ {
			if math.Hypot(float64(x)-cx, float64(y)-cy) < radius {
				for c := range p.Pix {
					p.Pix[c][y*p.Width+x] += colour[c]
				}
			}
		}
	}
}
