// Package preflight tells, while a recording is surveyed, whether it is a poor one to hide in, and what to do.
//
// A [Tap] hears what others read of a recording, so that it need not be read once more; [Report.Warnings] says what is wrong with it:
//
//	tap := preflight.NewTap(cover, codec.Lossy(cover))
//	… // read tap from beginning to end
//	for _, w := range tap.Report().Warnings() {
//		fmt.Printf("%s: %s\n", w.Text, w.Advice)
//	}
//
// What is hidden is noise, weak but nearly white. Where there is nothing else it can be seen, if not heard: above the end of a
// narrow band, on the flat tops of clipped waves, in what a lossy codec left out. Silence takes nothing at all.
package preflight

import (
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/carrier"
	"ditas/internal/dsp"
	"ditas/report"
)

// Report is what a recording is like.
type Report struct {
	Silent  float64 `json:"silent"`  // share of the samples that nothing is hidden in: in runs of 16 equal ones or longer, or no numbers
	Flat    float64 `json:"flat"`    // share of the samples that are so at full scale
	Empty   int     `json:"empty"`   // channels that are silent throughout
	Of      int     `json:"of"`      // channels there are
	Loud    float64 `json:"loud"`    // share of the samples beyond 1024 times full scale
	Holes   float64 `json:"holes"`   // share of the samples that are no numbers
	Alike   bool    `json:"alike"`   // there are two channels, and they are the same
	Clipped float64 `json:"clipped"` // share of the samples that stay at full scale, for 4 or longer
	// Band is the frequency in Hz above which there is nothing but what rounding leaves, half the rate if there is no such
	// frequency. It is found only where the spectrum ends as if cut off, as what was sampled at a lower rate or went through a
	// lossy codec does, and not where it fades.
	Band float64 `json:"band"`
	// Fades is the frequency in Hz from which on the spectrum has faded to what rounding leaves, half the rate if it does not, or is cut off, or
	// is so weak in all that what is hidden is no stronger than that.
	Fades float64 `json:"fades"`
	Rate  int     `json:"rate"`
	Lossy bool    `json:"lossy"` // it is a file of a lossy kind
}

const (
	clippedRun = 4 // samples
	// From these shares on there is a warning.
	tooSilent  = 0.5
	tooClipped = 0.0005
	tooLoud    = 0.01
	tooHoled   = 0.6
	// loud is the multiple of full scale beyond which samples are no sound, but numbers of another range.
	loud = 1 << 10
	// Where a codec cuts, in Hz: below there is a lower sampling rate behind it.
	codecLowest = 10000
)

// TooLoud returns an error that wraps carrier.ErrTooLoud if the samples are in another range than −1 to 1, or no numbers, where nothing that is hidden would be found again.
func (r *Report) TooLoud() error {
	switch {
	case r.Holes > tooHoled && r.Silent < 1:
		return fmt.Errorf("%w (%.0f %% of them are no numbers)", carrier.ErrTooLoud, 100*r.Holes)
	case r.Loud <= tooLoud:
		return nil
	}
	return fmt.Errorf("%w (%.0f %% of them exceed full scale a thousand times)", carrier.ErrTooLoud, 100*r.Loud)
}

// Warnings returns what is wrong with the recording, nil if nothing is.
func (r *Report) Warnings() []report.Warning {
	var list []report.Warning
	warn := func(kind report.WarningKind, advice, text string, args ...any) {
		list = append(list, report.Warning{Kind: kind, Text: fmt.Sprintf(text, args...), Advice: advice})
	}
	sounding := 1.0 // share of the channels
	if r.Empty > 0 && r.Empty < r.Of {
		sounding -= float64(r.Empty) / float64(r.Of)
		warn(report.Silent, "the others are used; take a recording that sounds in all of them for more room",
			"is silent in %d of its %d channels, where nothing can be hidden", r.Empty, r.Of)
	}
	switch still := 1 - (1-r.Silent)/sounding; {
	case still <= tooSilent:
	case r.Flat/sounding > still/2:
		warn(report.Silent, "take a recording that was made at a lower level",
			"stays at full scale for %.0f %% of its length, clipped, where nothing can be hidden", 100*still)
	default:
		warn(report.Silent, "take a recording that goes on throughout",
			"is digital silence for %.0f %% of its length, where nothing can be hidden", 100*still)
	}
	if r.Clipped > tooClipped {
		digits := 2
		if r.Clipped >= 0.995 {
			digits = 3 // two would make it 1e+02
		}
		warn(report.Clipped, "take a recording that was made at a lower level",
			"is clipped: %.*g %% of its samples stay at full scale, and flat tops that are no longer flat give it away", digits, 100*r.Clipped)
	}
	if r.Alike {
		warn(report.Alike, "make it mono first", "has two channels that are the same, and no longer will be: that gives the change away")
	}
	const uncompressed = "take a recording that was never compressed"
	cut := r.Band < float64(r.Rate)/2
	switch {
	case r.Lossy && cut:
		warn(report.Compressed, uncompressed, "was compressed with loss and has nothing above %.1f kHz, where a spectrogram will show the hidden noise", r.Band/1000)
	case r.Lossy:
		warn(report.Compressed, uncompressed, "was compressed with loss, so the hidden noise is easier to tell from its own")
	case cut && r.Band >= codecLowest:
		warn(report.Compressed, uncompressed,
			"ends at %.1f kHz, as what was compressed with loss does, and noise above that gives it away", r.Band/1000)
	case cut && rateFor(r.Band) < r.Rate:
		warn(report.Narrow, fmt.Sprintf("convert it to a rate of %d Hz first, or take a recording that was made at its own rate", rateFor(r.Band)),
			"has nothing above %.1f kHz, and noise there gives it away", r.Band/1000)
	case r.Fades < float64(r.Rate)/2:
		warn(report.Narrow, "take a recording with more treble, or one that was made at a lower rate",
			"has next to nothing above %.1f kHz, and noise there gives it away", r.Fades/1000)
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

const (
	points = 2048 // of the spectrum's transform, at any rate
	bands  = 64   // in which levels are compared, from 0 to half the rate
)

// listener gathers what a report says.
type listener struct {
	channels []heard
	rate     float64
	step     float64
	fft      *dsp.FFT[float64]
	window   []float64
	re, im   []float64
	power    [points/2 + 1]float64
	frames   int
	differ   bool // two channels
}

// heard is what is kept of a channel.
type heard struct {
	runs
	pending []float64 // samples of a stretch for the spectrum
	count   int       // stretches so far, those that were passed over included
	skip    int       // samples to pass over
}

const (
	// stretch is how many samples go into the spectrum at once.
	stretch = 2 * points
	// From the stretch number wholeStretches on only one in sparse is taken: by then the spectrum is known well.
	wholeStretches, sparse = 64, 8
)

func newListener(f audio.Format) *listener {
	fft, _ := dsp.NewFFT[float64](points) // fails for no power of two
	l := &listener{
		channels: make([]heard, f.Channels), rate: float64(f.Rate), step: f.Step(), fft: fft,
		re: make([]float64, points), im: make([]float64, points),
	}
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
	return l
}

// compare hears whether two channels are the same.
func (l *listener) compare(a, b []float64) {
	for i := 0; i < len(a) && !l.differ; i++ {
		l.differ = a[i] != b[i]
	}
}

// add hears the next samples of a channel.
func (l *listener) add(c int, x []float64) {
	h := &l.channels[c]
	h.add(x)
	for len(x) > 0 {
		if n := min(h.skip, len(x)); n > 0 {
			h.skip, x = h.skip-n, x[n:]
			continue
		}
		if h.pending == nil {
			h.pending = make([]float64, 0, stretch)
		}
		n := min(stretch-len(h.pending), len(x))
		h.pending, x = append(h.pending, x[:n]...), x[n:]
		if len(h.pending) == stretch {
			l.spectrum(h.pending)
			h.pending = h.pending[:0]
			if h.count++; h.count > wholeStretches {
				h.skip = (sparse - 1) * stretch
			}
		}
	}
}

// report tells what was heard.
func (l *listener) report(lossy bool) *Report {
	r := &Report{Rate: int(l.rate), Lossy: lossy, Alike: len(l.channels) == 2 && !l.differ && l.channels[0].samples > 0}
	r.Of = len(l.channels)
	var samples, silent, flat, clipped, loud, holes int64
	for i := range l.channels {
		c := &l.channels[i]
		c.end()
		samples, silent, clipped, loud = samples+c.samples, silent+c.silent, clipped+c.clipped, loud+c.loud
		flat, holes = flat+c.flat, holes+c.holes
		if c.silent == c.samples && c.flat == 0 && c.holes == 0 && c.samples > 0 {
			r.Empty++
		}
	}
	if samples > 0 {
		n := float64(samples)
		if silent > 0 && samples-silent < carrier.SilenceRun*int64(len(l.channels)) {
			silent = samples // a last run that the end cut short
		}
		r.Flat = float64(flat) / n
		r.Silent, r.Clipped, r.Loud, r.Holes = float64(silent)/n, float64(clipped)/n, float64(loud)/n, float64(holes)/n
	}
	r.Band, r.Fades = l.ends()
	return r
}

// spectrum adds the power of a stretch, in which white noise has its variance in every bin. Silence counts for nothing.
func (l *listener) spectrum(x []float64) {
	a, b := x[:points], x[points:stretch]
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

const (
	lowestBand  = 4
	highestBand = 58   // filters before sampling end above this one
	cliff       = 12.0 // dB by which the level falls from two bands to all from the next but one on
	nothing     = 8.0  // dB above rounding, to 16 bits at most
	// highestFade is the last band that a spectrum may fade in: most do above it.
	highestFade = 52
	below       = 50.0 // dB by which what is hidden is below the recording, unless something else is asked for
)

// ends returns where the spectrum is cut off, and where it has faded away, in Hz: half the rate where it is, or has, not.
func (l *listener) ends() (band, fades float64) {
	whole := l.rate / 2
	if l.frames == 0 {
		return whole, whole
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
	hertz := func(bandsBelow int) float64 { return float64(bandsBelow) / bands * whole }
	above, faded := math.Inf(-1), bands
	for b := bands - 1; b >= lowestBand; b-- {
		if b+2 < bands {
			above = max(above, level[b+2])
		}
		if above > floor {
			break
		}
		faded = min(bands, b+2)
		if b <= highestBand && min(level[b], level[b-1])-above > cliff {
			return hertz(b + 1), whole
		}
	}
	power := 0.0
	for _, v := range level {
		power += math.Pow(10, v/10) / bands
	}
	if faded > highestFade || 10*math.Log10(power)-below < floor {
		return whole, whole
	}
	return whole, hertz(faded)
}

// runs counts, in one channel, the samples in runs of equal ones.
type runs struct {
	full                     float64
	last                     float64
	length                   int64
	samples, silent, clipped int64
	flat                     int64 // silent ones at full scale
	loud                     int64
	holes                    int64 // samples that are no numbers
}

func (r *runs) add(x []float64) {
	for _, v := range x {
		switch {
		case v-v != 0: // not finite
			r.end()
			r.silent++
			r.holes++
			continue
		case v > loud || v < -loud:
			r.loud++
		}
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
	full := r.last >= r.full || r.last <= -r.full
	if r.length >= carrier.SilenceRun {
		r.silent += r.length
		if full {
			r.flat += r.length
		}
	}
	if r.length >= clippedRun && full {
		r.clipped += r.length
	}
	r.length = 0
}
