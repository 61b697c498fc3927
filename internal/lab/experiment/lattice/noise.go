package lattice

import (
	"fmt"
	"math"

	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/metric"
)

// noise measures what is left under white noise.
func (s *study) noise() (*Table, error) {
	t := &Table{
		Title: "White noise",
		Text: "White Gaussian noise is added after the sender, which does not know it. D/N is the ratio of the measured container MSE of each pair\n" +
			"to the variance of the noise. At −6 dB the picture should be recognisable, for which the PSNR has to speak.",
		Columns: pictureColumns,
	}
	var err error
	t.Rows, err = s.try("noise", s.Damaged(), s.noises())
	return t, err
}

// noises are the noises that are tried.
func (s *study) noises() (trials []trial) {
	for k, c := range []struct {
		ratio float64
		want  want
	}{{27, exactly}, {17, atLeast(47)}, {7, atLeast(32)}, {0, atLeast(24)}, {-6, nothing}} {
		trials = append(trials, trial{fmt.Sprintf("D/N %g dB", c.ratio), func(i int, p *experiment.Subject) (*audio.Recording, error) {
			mse, err := metric.MSE(p.Cover.Samples[0], p.Stego.Samples[0])
			if err != nil {
				return nil, err
			}
			deviation := math.Sqrt(mse * math.Pow(10, -c.ratio/10))
			return float(channel.Noise(p.Stego, deviation, s.Source(experiment.ForNoise, 100*i+k))), nil
		}, c.want})
	}
	return trials
}

// float returns a recording for a file of 32-bit floating point.
func float(r *audio.Recording) *audio.Recording { return channel.Convert(r, audio.Float32) }
