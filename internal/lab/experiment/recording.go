package experiment

import (
	"bytes"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
)

// Step is the step of a 16-bit file's samples.
const Step = 1.0 / (1 << 15)

// Recording returns samples as what a 16-bit file holds of them.
func Recording(channels ...[]float32) *audio.Recording {
	format := audio.Format{Rate: dataset.Rate, Channels: len(channels), Encoding: audio.Int16}
	r := &audio.Recording{Format: format, Samples: audio.NewBlock(len(channels), len(channels[0]))}
	for c, x := range channels {
		for i, v := range x {
			r.Samples[c][i] = format.Quantize(float64(v))
		}
	}
	return r
}

// File returns a recording as a WAV file in memory.
func File(r *audio.Recording) (*wav.File, error) {
	var b bytes.Buffer
	if err := wav.Encode(&b, r); err != nil {
		return nil, err
	}
	return wav.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// Through returns what a 16-bit WAV file holds of samples.
func Through(x []float64) ([]float64, error) {
	f, err := File(&audio.Recording{Format: audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}, Samples: [][]float64{x}})
	if err != nil {
		return nil, err
	}
	r, err := audio.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return r.Samples[0], nil
}

// Power returns the mean square of samples.
func Power(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(len(x))
}
