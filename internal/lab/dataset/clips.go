package dataset

import (
	"math"
	"slices"
)

// Clips are made of the recordings of one speaker: trimmed, brought to one level, and joined with short pauses until they
// are long enough.
const (
	minClip  = 3 * 16384 // the cover of the unit experiment, 3.07 s
	goodClip = 4 * Rate  // where joining stops
	maxClip  = 6 * Rate
	pause    = Rate / 10

	minUtterance = Rate / 4
	trimFrame    = Rate / 50
	trimBelow    = -38.0 // dB, of a silent frame, relative to the loudest
	trimBefore   = 480   // samples kept before the first frame that is not silent
	trimAfter    = 800   // and after the last
	fade         = 160   // samples at both ends of an utterance

	level     = -22.0 // dB, the root mean square of an utterance relative to full scale
	levelPeak = 0.95  // unless a sample would exceed this
)

// utterance trims the silence around a recording and sets its level; nil if too little is left.
func utterance(x []float32) []float32 {
	var frames []float64
	var top float64
	for f := range slices.Chunk(x, trimFrame) {
		if len(f) < trimFrame {
			break
		}
		var sum float64
		for _, v := range f {
			sum += float64(v) * float64(v)
		}
		rms := math.Sqrt(sum / trimFrame)
		frames = append(frames, rms)
		top = max(top, rms)
	}
	if top < 1e-5 { // -100 dB
		return nil
	}
	threshold := top * math.Pow(10, trimBelow/20)
	loud := func(rms float64) bool { return rms >= threshold }
	first := slices.IndexFunc(frames, loud)
	last := len(frames) - 1
	for !loud(frames[last]) {
		last--
	}
	x = x[max(0, first*trimFrame-trimBefore):min(len(x), (last+1)*trimFrame+trimAfter)]
	if len(x) < minUtterance {
		return nil
	}
	var sum, peak float64
	for _, v := range x {
		sum += float64(v) * float64(v)
		peak = max(peak, math.Abs(float64(v)))
	}
	gain := min(math.Pow(10, level/20)/math.Sqrt(sum/float64(len(x))), levelPeak/peak)
	y := make([]float32, len(x))
	for i, v := range x {
		window := min(1, float64(min(i, len(x)-1-i))/fade)
		y[i] = float32(float64(v) * gain * window)
	}
	return y
}

// joiner makes clips of utterances.
type joiner struct {
	limit int // of clips; 0 is none
	emit  func(x []float32, sources []string) error

	made    int
	x       []float32
	sources []origin
}

// origin says where in the joined samples an utterance starts.
type origin struct {
	at   int
	name string
}

func (j *joiner) full() bool { return j.limit > 0 && j.made >= j.limit }

// add joins an utterance to what is left of the ones before and emits what is long enough. An utterance longer than
// maxClip is cut; what is left over after the last stays unused.
func (j *joiner) add(name string, x []float32) error {
	if len(j.x) >= minClip && len(j.x)+pause+len(x) > maxClip {
		if err := j.cut(len(j.x)); err != nil {
			return err
		}
	}
	if len(j.x) > 0 {
		j.x = append(j.x, make([]float32, pause)...)
	}
	j.sources = append(j.sources, origin{len(j.x), name})
	j.x = append(j.x, x...)
	for len(j.x) >= goodClip && !j.full() {
		n := min(len(j.x), maxClip)
		if rest := len(j.x) - n; rest > 0 && rest < minClip {
			n = max(len(j.x)/2, minClip)
		}
		if err := j.cut(n); err != nil {
			return err
		}
		if len(j.x) >= minClip && len(j.x) < goodClip && !j.full() {
			if err := j.cut(len(j.x)); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut emits the first n samples.
func (j *joiner) cut(n int) error {
	var names []string
	var rest []origin
	for i, s := range j.sources {
		end := len(j.x)
		if i+1 < len(j.sources) {
			end = j.sources[i+1].at
		}
		if s.at < n {
			names = append(names, s.name)
		}
		if end > n {
			rest = append(rest, origin{max(0, s.at-n), s.name})
		}
	}
	j.made++
	if err := j.emit(j.x[:n], names); err != nil {
		return err
	}
	j.x, j.sources = slices.Clone(j.x[n:]), rest
	return nil
}
