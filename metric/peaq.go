package metric

import (
	"fmt"
	"math"
	"slices"

	"ditas/internal/dsp"
)

// PEAQ grades how audible a change is, as a panel of listeners would: the basic version of ITU-R BS.1387-1, Method
// for objective measurements of perceived audio quality, in the reading of Kabal, An examination and interpretation
// of ITU-R BS.1387, version 2, McGill University 2003. Recordings are read block by block, whatever their length:
//
//	p, err := metric.NewPEAQ(rate, channels)
//	for … {
//		err = p.Add(cover, stego) // the next samples of both
//	}
//	result := p.Result()
//
// The two recordings have to be aligned. The ear model and its calibration are as in [Masking] at 48 kHz.
//
// Where the standard is open, or its authors and readers differ, PEAQ uses these readings:
//
//   - Frames have 2048 samples and begin every 1024 samples from the first one on. Only full frames count, except that
//     a recording shorter than a frame is filled up with zeros.
//   - What comes before the first and after the last five successive samples whose magnitudes, in units of 16 bits,
//     add up to 200 in any channel of either recording is heard but not judged. Pauses between them are judged.
//   - The modulation differences and the noise loudness leave out the first 0.5 s of the recording; the noise
//     loudness also all until 50 ms after the loudness of both recordings has exceeded 0.1 sone in a channel.
//   - A frame counts for the error harmonic structure if the energy of the second half of it reaches 8000, in units
//     of 16 bits, in one of the recordings, channel by channel. The mean of the correlation is removed before the
//     window is applied.
//   - Variables are means over channels, except the ones of detection, where each band counts in the channel in
//     which it is heard best. Channels without a difference are left out, unless there are no others: in decibels, a
//     silent channel would make up for anything in another. No variable is limited to the range that the net was
//     trained on.
//   - A frame in which the cover is digitally silent has no bandwidth. Where the stego recording alone is, it is 921.
//   - The peak of the harmonic structure is the largest value that exceeds the one before it. Equal frames have none.
//   - Without a frame whose bandwidth counts, both bandwidths are [NoBandwidth]: see [PEAQResult].Marked.
//
// The standard is for 48 kHz only, so recordings of other rates are resampled. They then have nothing above half
// their own rate, so what is above 21.6 kHz no longer tells how loud their noise is, and noise would count as
// bandwidth. For them, only what exceeds at least the noise of rounding to 16 bits counts as bandwidth.
type PEAQ struct {
	model    *peaqModel
	channels []peaqChannel
	frame    int // the next one's number
	loud     int // the first in which both recordings were loud in a channel, −1 before
	judged   bool
	narrow   bool      // no frequency of the recordings' has a bin that counts as bandwidth
	joint    detection // over all channels
	kept     []channelTally
	keptOf   detection
	result   *PEAQResult
}

// peaqChannel is a channel of both recordings.
type peaqChannel struct {
	cover, stego *dsp.ResamplerStream
	x, y         []float64 // samples at 48 kHz that wait for a full frame
	ear          pairEar
	tally        channelTally
}

// PEAQResult is what [PEAQ] says about a pair of recordings. All fields are finite, except ODG and DI if no frame was
// judged.
type PEAQResult struct {
	// ODG is the objective difference grade: 0 imperceptible, −1 perceptible but not annoying, −2 slightly
	// annoying, −3 annoying, −4 very annoying. It lies between −3.98 and 0.22; listeners differ by a few tenths. DI
	// is the distortion index that it is computed from. Both are NaN if no frame was judged.
	ODG float64 `json:"odg"`
	DI  float64 `json:"di"`

	// The eleven model output variables.
	BandwidthRef  float64 `json:"bandwidthRef"`  // of the cover, in bins of 23.4 Hz
	BandwidthTest float64 `json:"bandwidthTest"` // of the stego recording, likewise
	NMRTotal      float64 `json:"nmrTotal"`      // noise-to-mask ratio, dB
	WinModDiff1   float64 `json:"winModDiff1"`   // change of modulation, in windows of 0.1 s
	ADB           float64 `json:"adb"`           // log10 of the steps above the threshold, in an average distorted frame
	EHS           float64 `json:"ehs"`           // harmonic structure of the error, times 1000
	AvgModDiff1   float64 `json:"avgModDiff1"`   // change of modulation
	AvgModDiff2   float64 `json:"avgModDiff2"`   // the same with emphasis on added modulation
	RmsNoiseLoud  float64 `json:"rmsNoiseLoud"`  // loudness of the error where it is partially masked, sone
	MFPD          float64 `json:"mfpd"`          // largest probability of detection, after a low-pass over frames
	RelDistFrames float64 `json:"relDistFrames"` // share of the frames with an error 1.5 dB above the mask in a band

	// Marked tells that ODG is only a rough estimate. Either no frame of the cover had a bandwidth that counts, above
	// bin 346 or 8.1 kHz, as in recordings at 16 kHz, so both bandwidths were set to [NoBandwidth]; or so little of
	// the recording follows its first 0.5 s that the variables that leave these out are 0.
	Marked bool `json:"marked"`
}

const (
	peaqFrame = 2 * standardHop
	// peaqDelay is the number of frames in the first 0.5 s, and loudDelay in 50 ms.
	peaqDelay = 24
	loudDelay = 3
	// A recording begins and ends where its magnitudes add up to this much in this many samples.
	boundarySum     = 200.0 / 32768
	boundarySamples = 5
)

// NewPEAQ returns a PEAQ for recordings of a rate in Hz, from [MinMaskingRate] to [MaxMaskingRate], and at least 1
// channel.
func NewPEAQ(rate, channels int) (*PEAQ, error) {
	if rate < MinMaskingRate || rate > MaxMaskingRate || channels < 1 {
		return nil, fmt.Errorf("PEAQ at %d Hz in %d channels: want a rate from %d to %d Hz and at least 1 channel",
			rate, channels, MinMaskingRate, MaxMaskingRate)
	}
	m, err := NewMasking(standardRate)
	if err != nil {
		return nil, err
	}
	p := &PEAQ{channels: make([]peaqChannel, channels), loud: -1, narrow: rate*standardHop <= leastBandwidth*standardRate}
	if p.model, err = newPEAQModel(m); err != nil {
		return nil, err
	}
	convert := dsp.NewResampler
	if rate > 2*highest {
		convert = dsp.NewWideResampler // which does not reach into the bands
	}
	r, err := convert(rate, standardRate)
	if err != nil {
		return nil, err
	}
	if rate != standardRate {
		p.model.floor = p.model.roundingFloor()
	}
	for i := range p.channels {
		c := &p.channels[i]
		c.cover, c.stego = r.Stream(), r.Stream()
		c.ear = newPairEar(len(m.bands))
	}
	return p, nil
}

// Add hears the next samples of the cover and of the stego recording, full scale 1: one slice for each channel, all
// equally long.
func (p *PEAQ) Add(cover, stego [][]float64) error {
	if err := sameChannels("PEAQ", len(p.channels), cover, stego); err != nil {
		return err
	}
	for i := range p.channels {
		c := &p.channels[i]
		c.x, c.y = c.cover.Add(c.x, cover[i]), c.stego.Add(c.y, stego[i])
	}
	p.hear()
	return nil
}

// hear hears all full frames that wait.
func (p *PEAQ) hear() {
	waiting, from := len(p.channels[0].x), 0
	for ; waiting-from >= peaqFrame; from += standardHop {
		p.hearFrame(from)
	}
	for i := range p.channels {
		c := &p.channels[i]
		c.x, c.y = slices.Delete(c.x, 0, from), slices.Delete(c.y, 0, from)
	}
}

// hearFrame hears the frame that begins at a sample of those that wait.
func (p *PEAQ) hearFrame(from int) {
	loud, data := false, false
	for i := range p.channels {
		c := &p.channels[i]
		x, y := c.x[from:from+peaqFrame], c.y[from:from+peaqFrame]
		data = data || hasData(x) || hasData(y)
		p.model.listen(&c.ear, x, y)
		if p.loud < 0 {
			loud = loud || min(p.model.loudness(c.ear.ref.excitation), p.model.loudness(c.ear.test.excitation)) > 0.1
		}
	}
	if loud {
		p.loud = p.frame
	}
	if p.judged = p.judged || data; p.judged {
		for i := range p.channels {
			c := &p.channels[i]
			p.model.tally(&c.tally, &c.ear)
			if p.frame >= peaqDelay {
				p.model.tallyModulation(&c.tally, &c.ear)
				if p.loud >= 0 && p.frame >= p.loud+loudDelay {
					p.model.tallyNoise(&c.tally, &c.ear)
				}
			}
		}
		p.joint.add(p.model, p.channels)
	}
	if data {
		// Whether this is the end will be known only behind it.
		p.kept = p.kept[:0]
		for i := range p.channels {
			p.kept = append(p.kept, p.channels[i].tally)
		}
		p.keptOf = p.joint
	}
	p.frame++
}

// hasData tells whether a recording may begin or end in x.
func hasData(x []float64) bool {
	var sum float64
	for i, v := range x {
		sum += math.Abs(v)
		if i >= boundarySamples {
			sum -= math.Abs(x[i-boundarySamples])
		}
		if sum >= boundarySum {
			return true
		}
	}
	return false
}

// Result returns what PEAQ says. Nothing can be added afterwards.
func (p *PEAQ) Result() PEAQResult {
	if p.result != nil {
		return *p.result
	}
	for i := range p.channels {
		c := &p.channels[i]
		c.x, c.y = c.cover.End(c.x), c.stego.End(c.y)
		if n := len(c.x); p.frame == 0 && n > 0 && n < peaqFrame {
			c.x, c.y = append(c.x, make([]float64, peaqFrame-n)...), append(c.y, make([]float64, peaqFrame-n)...)
		}
	}
	p.hear()
	r := summary(p.kept, p.keptOf, p.narrow)
	p.result = &r
	return r
}
