package channel

import (
	"math"

	"ditas/audio"
)

// Time constants of [Compress], in seconds: those of a compressor's usual setting.
const (
	attack  = 0.005
	release = 0.05
)

// Compress lowers what is louder than a threshold in dB below full scale: of every dB above it 1/ratio remains. A ratio of +Inf makes it a
// limiter. Loudness is the peak of all channels, which rises within 5 ms and falls within 50 ms, and all channels are lowered alike.
// Nothing is made louder.
func Compress(r *audio.Recording, threshold, ratio float64) *audio.Recording {
	c := each(r, func(v float64) float64 { return v })
	rate := float64(r.Format.Rate)
	up, down := math.Exp(-1/(attack*rate)), math.Exp(-1/(release*rate))
	limit, slope := math.Pow(10, threshold/20), 1-1/ratio
	var level float64
	for i := range r.Frames() {
		var peak float64
		for _, x := range r.Samples {
			peak = max(peak, math.Abs(x[i]))
		}
		if peak > level {
			level = peak + up*(level-peak)
		} else {
			level = peak + down*(level-peak)
		}
		if level <= limit {
			continue
		}
		gain := math.Pow(limit/level, slope)
		for _, x := range c.Samples {
			x[i] *= gain
		}
	}
	return c
}
