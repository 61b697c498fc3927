package durable

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"ditas/audio"
	"ditas/internal/carrier/durable/ear"
	"ditas/internal/codestream"
	"ditas/internal/dsp"
	"ditas/internal/lab/experiment"
	"ditas/metric"
	"ditas/picture"
)

// Spread is the contestant that is no method of package ditas: direct-sequence spread spectrum in a lapped transform (I. Cox et al.,
// Secure spread spectrum watermarking for multimedia, IEEE Trans. Image Processing 6(12), 1997, in the transform and with the ear model of the
// durable carrier), so loud that its grade is that of the contestants before it. It is given what no receiver has: it knows where
// the recording begins and how each band fared, and its code is ideal, so its bits are those that the best code could have carried.
const Spread = "spread-spectrum"

// spreadTitle is its title on the page.
const spreadTitle = "spread spectrum"

const (
	// The coefficients that are spread over, as in the durable carrier, and how they are grouped to see how they fared.
	spreadFirst, spreadCount, spreadBand = 4, 224, 32
	spreadLag                            = 4000 // samples at ear.Rate: the most that codecs may delay
)

// spectrum is a recording as spread spectrum sees it: coefficients in units of what the ear bears.
type spectrum struct {
	frames int
	values []float64 // frames × spreadCount
	sigma  []float64
}

// project returns the mean of the channels at the rate of the ear.
func project(r *audio.Recording) ([]float64, error) {
	mono := make([]float64, r.Frames())
	for _, x := range r.Samples {
		for i, v := range x {
			mono[i] += v / float64(len(r.Samples))
		}
	}
	c, err := dsp.NewResampler(r.Format.Rate, ear.Rate)
	if err != nil {
		return nil, err
	}
	return c.Convert(mono), nil
}

// analyse takes samples at the rate of the ear.
func analyse(x []float64) (*spectrum, error) {
	s := &spectrum{frames: len(x)/ear.Hop - 3} // those with a frame on either side
	if s.frames < 1 {
		return nil, fmt.Errorf("%d samples are too short", len(x))
	}
	m, err := dsp.NewMDCT[float64](ear.Hop)
	if err != nil {
		return nil, err
	}
	all := make([]float64, len(x)/ear.Hop*ear.Hop)
	m.Forward(all, x[:len(all)])
	e := ear.New()
	masks := make([][]float64, s.frames+2)
	for i := range masks {
		masks[i] = make([]float64, ear.Bands)
		e.Mask(masks[i], x[i*ear.Hop:][:ear.Window])
	}
	s.values, s.sigma = make([]float64, s.frames*spreadCount), make([]float64, s.frames*spreadCount)
	for i := range s.frames {
		sigma := s.sigma[i*spreadCount:][:spreadCount]
		e.Sigma(sigma, spreadFirst, masks[i], masks[i+1], masks[i+2])
		for k, v := range sigma {
			s.values[i*spreadCount+k] = all[(i+1)*ear.Hop+spreadFirst+k] / v
		}
	}
	return s, nil
}

// chips are ±1.
func chips(n int, source rand.Source) []float64 {
	rng := rand.New(source)
	c := make([]float64, n)
	for i := range c {
		c[i] = float64(2*rng.IntN(2) - 1)
	}
	return c
}

// spreadMark makes the mark of a cover at the threshold of hearing, at the cover's rate.
func spreadMark(cover *audio.Recording, source rand.Source) (mark, chip []float64, err error) {
	x, err := project(cover)
	if err != nil {
		return nil, nil, err
	}
	s, err := analyse(x)
	if err != nil {
		return nil, nil, err
	}
	chip = chips(len(s.values), source)
	all := make([]float64, len(x)/ear.Hop*ear.Hop)
	for i := range s.frames {
		for k := range spreadCount {
			n := i*spreadCount + k
			all[(i+1)*ear.Hop+spreadFirst+k] = chip[n] * s.sigma[n]
		}
	}
	m, err := dsp.NewMDCT[float64](ear.Hop)
	if err != nil {
		return nil, nil, err
	}
	mark = make([]float64, len(all))
	m.Inverse(mark, all)
	c, err := dsp.NewResampler(ear.Rate, cover.Format.Rate)
	if err != nil {
		return nil, nil, err
	}
	return c.Convert(mark), chip, nil
}

// marked returns the cover with the mark in all channels, at a level in dB, as a file of its format holds it.
func marked(cover *audio.Recording, mark []float64, level float64) *audio.Recording {
	gain := math.Pow(10, level/20)
	stego := &audio.Recording{Format: cover.Format, Samples: make([][]float64, len(cover.Samples))}
	for c, x := range cover.Samples {
		y := make([]float64, len(x))
		for i, v := range x {
			if i < len(mark) && v != 0 {
				v += gain * mark[i]
			}
			y[i] = cover.Format.Quantize(v)
		}
		stego.Samples[c] = y
	}
	return stego
}

// equallyHeard returns the cover with the mark so loud that its grade is about the one given.
func equallyHeard(ctx context.Context, cover *audio.Recording, mark []float64, odg float64) (*audio.Recording, error) {
	low, high := -36.0, 0.0
	for high-low > 1 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		mid := (low + high) / 2
		c, err := metric.NewComparisonWithPEAQ(cover.Format.Rate, len(cover.Samples))
		if err == nil {
			err = c.Add(cover.Samples, marked(cover, mark, mid).Samples)
		}
		if err != nil {
			return nil, err
		}
		if c.Figures().PEAQ.ODG < odg {
			high = mid
		} else {
			low = mid
		}
	}
	return marked(cover, mark, low), nil
}

// spreadEndure is endure for spread spectrum. heard is the grade that the other contestant has in this cover.
func (s *study) spreadEndure(cover *audio.Recording, secret *picture.Planes, heard float64, i int) (Hidden, error) {
	mark, chip, err := spreadMark(cover, s.Source(experiment.ForDurable, i))
	if err != nil {
		return Hidden{}, err
	}
	stego, err := equallyHeard(s.Context(), cover, mark, heard)
	if err != nil {
		return Hidden{}, err
	}
	h, err := hear(cover, stego)
	if err != nil {
		return h, err
	}
	grey, err := experiment.Judge(secret, nil)
	if err != nil {
		return h, err
	}
	h.Grey = grey.PSNR
	sent, err := project(stego)
	if err != nil {
		return h, err
	}
	seconds := float64(cover.Frames()) / float64(cover.Format.Rate)
	h.Arrived = make([]*Came, len(s.report.Channels))
	for k, row := range s.report.Channels {
		if row.Lacking != "" || k > 0 && !row.codec {
			continue
		}
		received := stego
		if k > 0 {
			if received, err = s.Options.Channels[k-1].Pass(s.Context(), stego, s.Options.Seed<<32|uint64(i)); err != nil {
				return h, fmt.Errorf("%s: %w", row.Name, err)
			}
		}
		bits, err := despread(received, sent, chip)
		if err != nil {
			return h, fmt.Errorf("%s: %w", row.Name, err)
		}
		came := &Came{PSNR: grey.PSNR, Bits: bits / seconds}
		if size := int(bits / 8); size > 0 {
			if came.PSNR, err = s.worth(secret, size); err != nil {
				return h, err
			}
			came.Found = true
		}
		h.Arrived[k] = came
	}
	return h, nil
}

// worth returns the PSNR of a picture of which so many bytes arrived, in dB.
func (s *study) worth(secret *picture.Planes, size int) (float64, error) {
	prefix, _, err := codestream.Encode(s.Context(), secret, codestream.EncodeOptions{Limit: size})
	if err != nil {
		return 0, err
	}
	p, _, err := codestream.Decode(s.Context(), bytes.Clone(prefix), codestream.DecodeOptions{})
	if err != nil {
		p = nil // too few bytes for a picture
	}
	o, err := experiment.Judge(secret, p)
	return o.PSNR, err
}

// despread returns how many bits an ideal code would have carried in a recording with the chips in it, of which sent is what was sent, at the rate of
// the ear.
func despread(received *audio.Recording, sent, chip []float64) (float64, error) {
	x, err := project(received)
	if err != nil {
		return 0, err
	}
	best := 0.0
	late := delay(sent, x)
	for quarter := -2; quarter < 2; quarter++ {
		s, err := analyse(advance(x, float64(late)+float64(quarter)/4, len(sent)))
		if err != nil {
			return 0, err
		}
		best = max(best, s.bits(chip))
	}
	return best, nil
}

// bits returns the capacity of Gaussian channels, one for each band, as strong and as noisy as the chips came through in it.
func (s *spectrum) bits(chip []float64) (bits float64) {
	n := float64(s.frames * spreadBand)
	for from := 0; from < spreadCount; from += spreadBand {
		var sum, squares float64
		for i := range s.frames {
			for k := from; k < from+spreadBand; k++ {
				v := chip[i*spreadCount+k] * s.values[i*spreadCount+k]
				sum, squares = sum+v, squares+v*v
			}
		}
		mean := sum / n
		variance := squares/n - mean*mean
		if signal := mean*mean - variance/n; mean > 0 && signal > 0 { // less what chance puts into the mean
			bits += n / 2 * math.Log2(1+signal/variance)
		}
	}
	return bits
}

// delay returns by how many samples x is behind the signal that was sent, by correlating the loudest second.
func delay(sent, x []float64) int {
	loudest, most := 0, -1.0
	for at := 0; at+ear.Rate <= len(sent); at += ear.Rate / 2 {
		if p := experiment.Power(sent[at:][:ear.Rate]); p > most {
			loudest, most = at, p
		}
	}
	piece := sent[loudest:min(len(sent), loudest+ear.Rate)]
	best, late := math.Inf(-1), 0
	for lag := -spreadLag; lag <= spreadLag; lag++ {
		from := loudest + lag
		first, end := max(0, -from), min(len(piece), len(x)-from)
		sum := 0.0
		for i := first; i < end; i++ {
			sum += piece[i] * x[from+i]
		}
		if sum = math.Abs(sum); sum > best {
			best, late = sum, lag
		}
	}
	return late
}

// advance returns n samples of x from a place on, which may lie between two samples.
func advance(x []float64, from float64, n int) []float64 {
	whole := math.Floor(from)
	part := from - whole
	const half = 32
	var taps [2 * half]float64
	for k := range taps {
		t := float64(k-half+1) - part
		taps[k] = 1
		if t != 0 {
			taps[k] = math.Sin(math.Pi*t) / (math.Pi * t) * (0.5 + 0.5*math.Cos(math.Pi*t/(half+1)))
		}
	}
	y := make([]float64, n)
	for i := range y {
		at := i + int(whole)
		if part == 0 {
			if at >= 0 && at < len(x) {
				y[i] = x[at]
			}
			continue
		}
		for k, w := range taps {
			if j := at + k - half + 1; j >= 0 && j < len(x) {
				y[i] += w * x[j]
			}
		}
	}
	return y
}
