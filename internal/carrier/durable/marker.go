package durable

import (
	"ditas/internal/carrier/durable/ear"
)

// projection says of which combination of the channels the mark is part of.
type projection uint8

const (
	sum        projection = iota // the mean of all channels
	difference                   // half the difference of two, where the mean has next to nothing
	projections
)

// sign returns the weight of a channel in a projection, times the number of channels.
func (p projection) sign(channel int) float64 {
	if p == difference && channel == 1 {
		return -1
	}
	return 1
}

const (
	chunkFrames = blockFrames
	aheadFrames = 4 // that are marked only in order to know what they mask
	rounds      = 3 // in which mark and mask are brought together
)

// marker makes the mark of a recording that is given to it block by block, at 16 kHz.
type marker struct {
	modulator  *modulator
	projection projection
	top        int // coefficients that the recording's rate has room for

	transform *transform
	ears      []*ear.Ear  // of channels
	samples   [][]float64 // of each channel, from frame done−history on
	mono      []float64
	done      int // frames
	frames    int // that are marked at most; −1 as long as the end is not known

	marks  []frame     // of the last two frames done, and those that are worked on, as coefficients
	tails  [][]float64 // what the last frame adds to the next samples of each channel
	masked [][][]float64
	bounds []frame // on the marks of the frames that are worked on

	sharp   *ear.Ear
	careful [][]float64 // masks that it hears

	marked, spectrum, time []float64
}

// history is how many frames before the first one of a chunk are kept.
const history = 2

func newMarker(m *modulator, p projection, channels, rate int) *marker {
	k := &marker{modulator: m, projection: p, top: coefficients, transform: newTransform(), frames: -1, sharp: ear.NewSharp()}
	if rate < ear.Rate {
		k.top = max(0, min(coefficients, int(0.45*float64(rate)/(float64(ear.Rate)/ear.Window))-firstCoefficient))
	}
	for range channels {
		k.ears = append(k.ears, ear.New())
		k.samples = append(k.samples, make([]float64, history*hop))
		k.tails = append(k.tails, make([]float64, hop))
		var masked [][]float64
		for range chunkFrames + 2 {
			masked = append(masked, make([]float64, ear.Bands))
		}
		k.masked = append(k.masked, masked)
	}
	k.marks = make([]frame, history)
	return k
}

// add takes samples of all channels and appends to each channel's dst what is known of its mark. dst and x have a slice for each channel.
func (k *marker) add(dst, x [][]float64) {
	for c := range x {
		k.samples[c] = append(k.samples[c], x[c]...)
	}
	for len(k.samples[0]) >= (history+chunkFrames+aheadFrames+2)*hop {
		k.chunk(dst, chunkFrames)
	}
}

// end appends the rest: n is the number of samples of a channel.
func (k *marker) end(dst [][]float64, n int) {
	k.frames = max(0, n/hop-1)
	for k.done*hop < n+hop {
		for c := range k.samples {
			missing := (history+chunkFrames+aheadFrames+2)*hop - len(k.samples[c])
			if missing > 0 {
				k.samples[c] = append(k.samples[c], make([]float64, missing)...)
			}
		}
		k.chunk(dst, chunkFrames)
	}
}

// chunk makes the mark of n frames.
func (k *marker) chunk(dst [][]float64, n int) {
	all := n + aheadFrames
	length := (history + all + 2) * hop
	k.mono = grow(k.mono, length)
	for i := range k.mono {
		var v float64
		for c := range k.samples {
			v += k.projection.sign(c) * k.samples[c][i]
		}
		k.mono[i] = v / float64(len(k.samples))
	}
	k.mark(all)
	k.divide(dst, n)
	for c := range k.samples {
		k.samples[c] = k.samples[c][:copy(k.samples[c], k.samples[c][n*hop:])]
	}
	copy(k.marks, k.marks[n:][:history])
	k.done += n
}

// mark computes the marks of the next n frames: each round marks the recording, and hears what the marked one masks.
func (k *marker) mark(n int) {
	if len(k.marks) < history+n {
		k.marks = append(k.marks, make([]frame, history+n-len(k.marks))...)
	}
	clear(k.marks[history:])
	spectrum := append(k.spectrum[:0], k.transform.spectra(k.mono[history*hop:], n)...)
	k.spectrum = spectrum
	var y, change frame
	var sigma [coefficients]float64
	k.bound(n)
	for range rounds {
		k.remark(n)
		// The mask of the frame before the first one and of the one behind the last one are wanted, too.
		masks := k.transform.listen(k.marked[(history-1)*hop:], n+2)
		for i := range n {
			t := k.done + i
			if k.frames >= 0 && t >= k.frames {
				break
			}
			k.transform.ear.Sigma(sigma[:], firstCoefficient, masks[i], masks[i+1], masks[i+2])
			for j, s := range sigma {
				y[j] = float32(spectrum[i*hop+firstCoefficient+j] / s)
			}
			k.modulator.change(&change, &y, t)
			m := &k.marks[history+i]
			for j, s := range sigma[:k.top] {
				m[j] = change[j] * min(float32(s), k.bounds[i][j])
			}
		}
	}
}

// bearable is how many times what a sharp ear bears is written at most.
const bearable = 1.2

// bound finds what may be written at most to the coefficients of n frames. It is less than the receiver takes the ear to bear before sudden
// sounds, where this reaches two frames back, and beside loud tones.
func (k *marker) bound(n int) {
	for len(k.bounds) < n {
		k.bounds = append(k.bounds, frame{})
	}
	for len(k.careful) < n+history+1 {
		k.careful = append(k.careful, make([]float64, ear.Bands))
	}
	for i := range n + history + 1 {
		k.sharp.Mask(k.careful[i], k.mono[i*hop:][:ear.Window])
	}
	var sigma [coefficients]float64
	for i := range n {
		near := k.careful[i:]
		for b, v := range near[1] {
			near[0][b] = min(near[0][b], v) // which no other frame needs any more
		}
		k.sharp.Sigma(sigma[:], firstCoefficient, near[0], near[2], near[3])
		for j, s := range sigma {
			k.bounds[i][j] = float32(bearable * s)
		}
	}
}

// remark adds the marks to the samples of the mean.
func (k *marker) remark(n int) {
	length := (history + n + 1) * hop
	k.marked = append(k.marked[:0], k.mono...)
	k.time, k.transform.spectrum = grow(k.time, length), grow(k.transform.spectrum, length)
	clear(k.transform.spectrum)
	for i := range history + n {
		for j, v := range k.marks[i] {
			k.transform.spectrum[i*hop+firstCoefficient+j] = float64(v)
		}
	}
	k.transform.mdct.Inverse(k.time, k.transform.spectrum)
	for i, v := range k.time {
		k.marked[i] += v
	}
}

// divide gives each channel its part of the marks of n frames: in proportion to the variance that its ear bears, which makes the sum of what is
// heard least. The mean of the parts, in the projection, is the mark.
func (k *marker) divide(dst [][]float64, n int) {
	channels := len(k.samples)
	if channels == 1 {
		k.render(dst, 0, n, nil)
		return
	}
	for c, x := range k.samples {
		for i := range n + 2 {
			k.ears[c].Mask(k.masked[c][i], x[(history-1+i)*hop:][:ear.Window])
		}
	}
	weights := make([][]frame, channels)
	for c := range weights {
		weights[c] = make([]frame, n)
	}
	var sigma [coefficients]float64
	for i := range n {
		var total [coefficients]float64
		for c := range weights {
			m := k.masked[c]
			k.ears[c].Sigma(sigma[:], firstCoefficient, m[i], m[i+1], m[i+2])
			for j, s := range sigma {
				v := s * s
				weights[c][i][j] = float32(v)
				total[j] += v
			}
		}
		for c := range weights {
			for j := range total {
				weights[c][i][j] *= float32(k.projection.sign(c) * float64(channels) / total[j])
			}
		}
	}
	for c := range weights {
		k.render(dst, c, n, weights[c])
	}
}

// render appends the samples of a channel's mark, n frames of it.
func (k *marker) render(dst [][]float64, c, n int, weights []frame) {
	length := (n + 1) * hop
	k.time, k.transform.spectrum = grow(k.time, length), grow(k.transform.spectrum, length)
	clear(k.transform.spectrum)
	for i := range n {
		for j, v := range k.marks[history+i] {
			if weights != nil {
				v *= weights[i][j]
			}
			k.transform.spectrum[i*hop+firstCoefficient+j] = float64(v)
		}
	}
	k.transform.mdct.Inverse(k.time, k.transform.spectrum)
	for i, v := range k.tails[c] {
		k.time[i] += v
	}
	dst[c] = append(dst[c], k.time[:n*hop]...)
	copy(k.tails[c], k.time[n*hop:])
}
