// Package features tells recordings in which something is hidden from recordings as they were by some 2,000 statistics that were made by hand
// and a linear discriminant, and measures how well. It knows no method, and takes each as it finds it in its training.
//
//	e := features.NewExtractor()
//	x := make([]float64, len(features.Names()))
//	err := e.Extract(x, samples)
//	d, err := features.Train(ctx, set, workers) // of such features of covers and stegos
//	found := d.Score(x) >= 0
//	verdict, err := features.Try(ctx, set, labels, trial.Disjoint, 1, workers)
//
// Most of what is hidden is fainter than the recording around it, so that the statistics are those of residuals, of the quietest places, and of
// the holes between a recording's partials, before its bands and in its pauses, where a 16-bit file has nothing but the noise of its own
// rounding, 1/12 LSB².
//
// Co-occurrences of truncated residuals are those of Pevný, Bas and Fridrich, Steganalysis by Subtractive Pixel Adjacency Matrix (IEEE TIFS
// 2010), and of Fridrich and Kodovský, Rich Models for Steganalysis of Digital Images (IEEE TIFS 2012), here of one dimension. Pairs of
// values are those of Westfeld and Pfitzmann, Attacks on Steganographic Systems (IH 1999), and of Dumitrescu, Wu and Wang, Detection of LSB
// Steganography via Sample Pair Analysis (IEEE TSP 2003), and centres of mass of the histogram's spectrum Ker's, Steganalysis of LSB Matching in
// Grayscale Images (IEEE SPL 2005).
package features

import (
	"fmt"
	"math"
	"slices"

	"ditas/internal/dsp"
)

// Sizes of frames, in samples.
const (
	frame = 1024
	hop   = frame / 2
	bins  = frame/2 + 1
	order = 32 // of the prediction
	block = 32 // of which each is a quiet place or a loud one
)

// Shortest is the number of samples that a recording has to have.
const Shortest = 8 * frame

// Extractor computes the features of recordings. It keeps scratch memory, and is not safe for concurrent use.
type Extractor struct {
	power    *dsp.Power
	window   []float64
	spectrum []float64   // the periodogram of a frame, in LSB²
	frames   [][]float64 // those of all frames
	smooth   [][]float64 // the same, smoothed over bins
	still    [][]float64 // and over three frames
	logs     [][]float64 // the logarithms of frames, in dB
	residual [residuals][]float64
	quiet    []bool // by block
	sorted   []float64
	codes    []int8
	counts   []float64
	windowed []float64
	values   []int32 // histogram of the samples
	out      []float64
}

// The residuals, each as long as the recording but for the samples that it lacks at its beginning.
const (
	first     = iota // difference
	second           // difference
	predicted        // what linear prediction of order 32 leaves
	residuals
)

var residualNames = [residuals]string{"first", "second", "predicted"}

// NewExtractor returns an extractor.
func NewExtractor() *Extractor {
	power, err := dsp.NewPower(frame)
	if err != nil {
		panic(err) // a power of two
	}
	e := &Extractor{power: power, window: make([]float64, frame), spectrum: make([]float64, bins), windowed: make([]float64, frame), values: make([]int32, 1<<16)}
	for i := range e.window {
		e.window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/frame)
	}
	return e
}

// part is a kind of features.
type part struct {
	names   func() []string
	compute func(e *Extractor, x []int16)
}

var parts = []part{
	{cooccurrenceNames, (*Extractor).cooccurrences},
	{histogramNames, (*Extractor).histograms},
	{floorNames, (*Extractor).floors},
	{cepstrumNames, (*Extractor).cepstra},
	{pairNames, (*Extractor).pairs},
	{holeNames, (*Extractor).holes},
	{depthNames, (*Extractor).depths},
}

// Names returns the names of all features, in their order. What comes before the first space of a name is the kind.
func Names() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.names()...)
	}
	return names
}

// Extract writes to dst, of which there are as many as [Names], the features of a recording of one channel: samples of a 16-bit file at any
// rate, at least [Shortest] of them.
func (e *Extractor) Extract(dst []float64, x []int16) error {
	if len(x) < Shortest {
		return fmt.Errorf("recording of %d samples: want at least %d", len(x), Shortest)
	}
	e.transform(x)
	e.predict(x)
	e.place()
	e.out = dst[:0]
	for _, p := range parts {
		p.compute(e, x)
	}
	if len(e.out) != len(dst) {
		return fmt.Errorf("room for %d features: want %d", len(dst), len(e.out))
	}
	return nil
}

func (e *Extractor) add(v ...float64) { e.out = append(e.out, v...) }

// transform computes the periodograms, in which white noise has the value of its variance on average.
func (e *Extractor) transform(x []int16) {
	n := (len(x)-frame)/hop + 1
	e.frames, e.smooth = rows(e.frames, n), rows(e.smooth, n)
	const norm = 8.0 / 3 / frame // of the squares of the window
	for t := range n {
		f := x[t*hop:][:frame]
		for i := range frame / 2 {
			e.power.Set(i, float64(f[2*i])*e.window[2*i], float64(f[2*i+1])*e.window[2*i+1])
		}
		p := e.frames[t]
		e.power.Compute(p)
		for k := range p {
			p[k] *= norm
		}
		smoothed(e.smooth[t], p)
	}
}

// rows returns n rows of bins, reusing those that there are.
func rows(r [][]float64, n int) [][]float64 {
	for len(r) < n {
		r = append(r, make([]float64, bins))
	}
	return r[:n]
}

// around is the number of bins on either side over which periodograms are smoothed.
const around = 4

// smoothed writes to dst the means over 2·around + 1 values, or as many as there are.
func smoothed(dst, src []float64) {
	for k := range dst {
		from, to := max(0, k-around), min(len(src), k+around+1)
		sum := 0.0
		for _, v := range src[from:to] {
			sum += v
		}
		dst[k] = sum / float64(to-from)
	}
}

// predict computes the residuals. Those of the prediction are of filters that each fit a frame with a Hann window and are used for the hop amid it.
func (e *Extractor) predict(x []int16) {
	for i := range e.residual {
		e.residual[i] = slices.Grow(e.residual[i][:0], len(x))[:len(x)]
		clear(e.residual[i])
	}
	for i := 1; i < len(x); i++ {
		e.residual[first][i] = float64(x[i]) - float64(x[i-1])
	}
	for i := 2; i < len(x); i++ {
		e.residual[second][i] = float64(x[i]) - 2*float64(x[i-1]) + float64(x[i-2])
	}
	var a, r [order + 1]float64
	n := len(e.frames)
	for t := range n {
		for i, v := range x[t*hop:][:frame] {
			e.windowed[i] = float64(v) * e.window[i]
		}
		for k := range r {
			r[k] = dsp.Dot(e.windowed[k:], e.windowed[:frame-k])
		}
		r[0] *= 1 + 1e-10
		dsp.LPC(a[:], r[:])
		from, to := t*hop+hop/2, t*hop+hop/2+hop
		if t == 0 {
			from = order
		}
		if t == n-1 {
			to = len(x)
		}
		out := e.residual[predicted]
		for i := from; i < to; i++ {
			sum := 0.0
			for k, c := range a {
				sum += c * float64(x[i-k])
			}
			out[i] = sum
		}
	}
}

// place finds the quiet blocks: those of the least energy of the prediction's residual, one in four.
func (e *Extractor) place() {
	r := e.residual[predicted]
	n := len(r) / block
	e.quiet = slices.Grow(e.quiet[:0], n)[:n]
	e.sorted = e.sorted[:0]
	for b := range n {
		e.sorted = append(e.sorted, energy(r[b*block:][:block]))
	}
	slices.Sort(e.sorted)
	limit := e.sorted[n/4]
	for b := range n {
		e.quiet[b] = energy(r[b*block:][:block]) <= limit
	}
}

func energy(x []float64) float64 { return dsp.Dot(x, x) }

// decibels of a variance in LSB², bounded below at a thousandth.
func decibels(v float64) float64 { return 10 * math.Log10(v+1e-3) }

// quantile is that of sorted values, between two of them by their distance.
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
