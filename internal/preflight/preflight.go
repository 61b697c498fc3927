// Package preflight tells, before anything is hidden in a recording, whether it is a poor one to hide in, and what to do.
//
// [Listen] reads a recording once, a block at a time, and reports what it is like; [Report.Warnings] says what is wrong with it:
//
//	report, err := preflight.Listen(ctx, cover, nil)
//	for _, w := range report.Warnings() {
//		fmt.Printf("%s: %s\n", w.Text, w.Advice)
//	}
//
// What is hidden is noise, weak but nearly white. Where there is nothing else it can be seen, if not heard: above the end of a
// narrow band, on the flat tops of clipped waves, in what a lossy codec left out. Silence takes nothing at all.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/dsp"
)

// Report is what a recording is like.
type Report struct {
	Silent  float64 `json:"silent"`  // share of the samples that are digital silence: in runs of 16 equal ones or longer
	Clipped float64 `json:"clipped"` // share of the samples that stay at full scale, for 4 or longer
	// Band is the frequency in Hz above which there is nothing but what rounding leaves, half the rate if there is no such
	// frequency. It is found only where the spectrum ends as if cut off, as what was sampled at a lower rate or went through a
	// lossy codec does, and not where it fades.
	Band  float64 `json:"band"`
	Rate  int     `json:"rate"`
	Lossy bool    `json:"lossy"` // it is a file of a lossy kind
}

// Kind is what a warning is about.
type Kind string

// The kinds of warnings.
const (
	Silent     Kind = "silent"
	Clipped    Kind = "clipped"
	Narrow     Kind = "narrow"
	Compressed Kind = "compressed"
)

// Warning says what is wrong with a recording and what to do.
type Warning struct {
	Kind   Kind   `json:"kind"`
	Text   string `json:"text"` // a sentence without the recording's name, as in "is mostly digital silence"
	Advice string `json:"advice"`
}

const (
	silentRun  = 16 // samples; package lattice leaves these alone
	clippedRun = 4  // samples
	// From these shares on there is a warning.
	tooSilent  = 0.5
	tooClipped = 0.0005
	// Where a codec cuts, in Hz: below there is a lower sampling rate behind it.
	codecLowest = 10000
)

// Warnings returns what is wrong with the recording, nil if nothing is.
func (r *Report) Warnings() []Warning {
	var list []Warning
	if r.Silent > tooSilent {
		list = append(list, Warning{Silent, fmt.Sprintf("is digital silence for %.0f %% of its length, where nothing can be hidden", 100*r.Silent),
			"take a recording that goes on throughout"})
	}
	if r.Clipped > tooClipped {
		digits := 2
		if r.Clipped >= 0.995 {
			digits = 3 // two would make it 1e+02
		}
		list = append(list, Warning{Clipped, fmt.Sprintf("is clipped: %.*g %% of its samples stay at full scale, and flat tops that are no longer flat give it away", digits, 100*r.Clipped),
			"take a recording that was made at a lower level"})
	}
	cut := r.Band < float64(r.Rate)/2
	switch {
	case r.Lossy:
		list = append(list, Warning{Compressed, "was compressed with loss, so the hidden noise is easier to tell from its own",
			"take a recording that was never compressed"})
	case cut && r.Band >= codecLowest:
		list = append(list, Warning{Compressed, fmt.Sprintf("ends at %.1f kHz, as what was compressed with loss does, and noise above that gives it away", r.Band/1000),
			"take a recording that was never compressed"})
	case cut && rateFor(r.Band) < r.Rate:
		list = append(list, Warning{Narrow, fmt.Sprintf("has nothing above %.1f kHz, and noise there gives it away", r.Band/1000),
			fmt.Sprintf("convert it to a rate of %d Hz first, or take a recording that was made at its own rate", rateFor(r.Band))})
	}
	return list
}

// rateFor returns the lowest usual sampling rate in Hz for a band that ends at some Hz.
func rateFor(band float64) int {
	for _, rate := range []int{8000, 11025, 12000, 16000, 22050} {
		// Filters are not steep, and the end is known to within a few percent.
		if band < 0.52*float64(rate) {
			return rate
		}
	}
	return 24000
}

// Listen reads a whole recording, f as codec.Open returned it if it is to know a lossy one. progress, if set, is called now and then
// where the number of frames is known. The error is an *audio.TruncatedError if the file is cut off.
func Listen(ctx context.Context, f audio.File, progress func(done, total int)) (*Report, error) {
	format := f.Format()
	l, err := newListener(format)
	if err != nil {
		return nil, err
	}
	r, block := f.Reader(), audio.NewBlock(format.Channels, blockFrames)
	for done, total := 0, int(f.Frames()); ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := r.Read(block)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for c, x := range block {
			l.channels[c].add(x[:n])
			l.spectrum(x[:n])
		}
		if done += n; progress != nil && total > 0 {
			progress(done, total)
		}
	}
	report := &Report{Rate: format.Rate, Band: float64(format.Rate) / 2, Lossy: codec.Lossy(f)}
	var samples, silent, clipped int64
	for i := range l.channels {
		c := &l.channels[i]
		c.end()
		samples, silent, clipped = samples+c.samples, silent+c.silent, clipped+c.clipped
	}
	if samples > 0 {
		report.Silent, report.Clipped = float64(silent)/float64(samples), float64(clipped)/float64(samples)
	}
	if band := l.band(); band > 0 {
		report.Band = band
	}
	return report, nil
}

const (
	blockFrames = 16384
	points      = 2048 // of the spectrum's transform, at any rate
	bands       = 64   // in which levels are compared, from 0 to half the rate
)

// listener gathers what a report says.
type listener struct {
	channels []runs
	rate     float64
	step     float64
	fft      *dsp.FFT[float64]
	window   []float64
	re, im   []float64
	power    [points/2 + 1]float64
	frames   int
}

func newListener(f audio.Format) (*listener, error) {
	fft, err := dsp.NewFFT[float64](points)
	if err != nil {
		return nil, err
	}
	l := &listener{channels: make([]runs, f.Channels), rate: float64(f.Rate), step: f.Step(), fft: fft, re: make([]float64, points), im: make([]float64, points)}
	full := 1 - l.step
	if f.Encoding.IsFloat() {
		full = 1
	}
	for i := range l.channels {
		l.channels[i].full = full
	}
	// Of Blackman and Harris, whose side lobes are 92 dB down: what leaks from low frequencies must not fill the end of the band.
	energy := 0.0
	for i := range points {
		cos := func(k float64) float64 { return math.Cos(2 * math.Pi * k * float64(i) / points) }
		w := 0.35875 - 0.48829*cos(1) + 0.14128*cos(2) - 0.01168*cos(3)
		l.window = append(l.window, w)
		energy += w * w
	}
	for i := range l.window {
		l.window[i] /= math.Sqrt(energy)
	}
	return l, nil
}

// spectrum adds the power of a block, in which white noise has its variance in every bin. Silence counts for nothing.
func (l *listener) spectrum(x []float64) {
	for ; len(x) >= 2*points; x = x[2*points:] {
		a, b := x[:points], x[points:2*points]
		for i, w := range l.window {
			l.re[i], l.im[i] = w*a[i], w*b[i]
		}
		l.fft.Forward(l.re, l.im)
		// The mean of the powers of the two real signals.
		sum := 0.0
		for k := range l.power {
			mirror := (points - k) % points
			p := (l.re[k]*l.re[k] + l.im[k]*l.im[k] + l.re[mirror]*l.re[mirror] + l.im[mirror]*l.im[mirror]) / 4
			l.power[k] += p
			sum += p
		}
		if sum > 0 {
			l.frames++
		}
	}
}

const (
	lowestBand  = 4
	highestBand = 58   // filters before sampling end above this one
	cliff       = 12.0 // dB by which the level falls from two bands to all from the next but one on
	nothing     = 8.0  // dB above rounding, to 16 bits at most
)

// band returns where the spectrum is cut off, in Hz, or 0 if it is not.
func (l *listener) band() float64 {
	if l.frames == 0 {
		return 0
	}
	const bins = points / 2 / bands
	var level [bands]float64
	for b := range level {
		for _, p := range l.power[b*bins : (b+1)*bins] {
			level[b] += p / bins
		}
		level[b] = 10 * math.Log10(max(level[b]/float64(l.frames), 1e-20))
	}
	step := max(l.step, 1.0/32768)
	floor := 10*math.Log10(step*step/12) + nothing
	above := math.Inf(-1)
	for b := bands - 1; b >= lowestBand; b-- {
		if b+2 < bands {
			above = max(above, level[b+2])
		}
		if above > floor {
			return 0
		}
		if b <= highestBand && min(level[b], level[b-1])-above > cliff {
			return float64(b+1) / bands * l.rate / 2
		}
	}
	return 0
}

// runs counts, in one channel, the samples in runs of equal ones.
type runs struct {
	full                     float64
	last                     float64
	length                   int64
	samples, silent, clipped int64
}

func (r *runs) add(x []float64) {
	for _, v := range x {
		if v == r.last && r.length > 0 {
			r.length++
			continue
		}
		r.end()
		r.last, r.length = v, 1
	}
	r.samples += int64(len(x))
}

// end ends a run.
func (r *runs) end() {
	if r.length >= silentRun {
		r.silent += r.length
	}
	if r.length >= clippedRun && (r.last >= r.full || r.last <= -r.full) {
		r.clipped += r.length
	}
	r.length = 0
}
