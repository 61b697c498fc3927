package lattice

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ditas"
	"ditas/audio"
	"ditas/internal/carrier/lattice"
	"ditas/internal/channel"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/metric"
	"ditas/report"
)

// hearing measures what an ear model says of the change.
func (s *study) hearing() (*Table, error) {
	t := &Table{
		Title: "Hearing",
		Text: "What PEAQ (package metric) says of the change at the default strength. ODG is the grade that a panel of listeners would give each recording,\n" +
			"from 0, not heard, to −4, very annoying: the mean and the worst; that of speech and music at 16 kHz is rough, because PEAQ was made for\n" +
			"music with more above 8 kHz. Of its noise-to-mask ratios, of all frames of all recordings, there are the share of frames below 0 dB, the\n" +
			"ratio of the mean energies, the mean of the frames' ratios in dB, and their 95th percentile. Beside it white noise, rounded to 16 bits as well: of the same power over the whole recording; of the same power in every\n" +
			"frame of the carrier (1024 samples); and of the power that the same steps of the lattice make in each if nothing is shaped. Music is\n" +
			"drawn at random places. Of digital silence no sample may change.",
		Columns: []Column{
			{"recordings", "%.0f"}, {"ODG", "%.2f"}, {"worst", "%.2f"}, {"frames", "%.0f"}, {"below 0 dB", "%.2f %%"}, {"NMR", "%.1f dB"}, {"mean of dB", "%.1f dB"}, {"95th percentile", "%.1f dB"},
		},
	}
	type change struct{ cover, stego *audio.Recording }
	var speech, music []change
	for _, p := range s.Subjects {
		speech = append(speech, change{p.Cover, p.Stego})
	}
	if s.music != nil {
		music = make([]change, len(s.Damaged()))
		err := s.Each("music", len(music), func(i int) error {
			cover := piece(s.music, experiment.Samples, s.Source(experiment.ForMusic, i))
			stego, err := s.Hide(cover, s.Subjects[i].Secret, "", ditas.HideOptions{})
			var short *report.TooShortError
			if errors.As(err, &short) || errors.Is(err, ditas.ErrSilent) {
				return nil // a pause in the music
			}
			if err != nil {
				return err
			}
			music[i] = change{cover, stego}
			return nil
		})
		if err != nil {
			return nil, err
		}
		music = slices.DeleteFunc(music, func(r change) bool { return r.cover == nil })
	}
	for _, c := range []struct {
		name       string
		recordings []change
	}{{"speech", speech}, {"music", music}} {
		if len(c.recordings) == 0 {
			continue
		}
		results, grades := make([][4][]float64, len(c.recordings)), make([][4]float64, len(c.recordings))
		err := s.Each("hearing", len(c.recordings), func(i int) error {
			r := c.recordings[i]
			power := spread(r.cover, r.stego, r.stego.Frames())
			near := spread(r.cover, r.stego, lattice.FrameLength)
			strengths, err := s.planned(r.cover)
			if err != nil {
				return err
			}
			steps := make([]float64, len(power))
			for k := range steps {
				if frame := k / lattice.FrameLength; frame < len(strengths) {
					steps[k] = math.Sqrt(strengths[frame].MSE)
				}
			}
			stegos := []*audio.Recording{r.stego}
			for k, deviations := range [][]float64{power, near, steps} {
				stegos = append(stegos, whitened(r.cover, deviations, s.Source(experiment.ForHearing, 3*i+k)))
			}
			for k, stego := range stegos {
				if results[i][k], err = toMask(r.cover, stego); err != nil {
					return err
				}
				if grades[i][k], err = grade(r.cover, stego); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		rows := make([]Row, 4)
		var all [4]ears
		for k, name := range []string{"", ", white noise of the same power", ", white noise of the same power in each frame", ", white noise at the same steps"} {
			e := collect(results, k)
			mean, worst := 0.0, 0.0
			for _, g := range grades {
				mean, worst = mean+g[k]/float64(len(grades)), min(worst, g[k])
			}
			rows[k] = Row{Name: c.name + name, Values: []float64{
				float64(len(results)), mean, worst, float64(len(e.frames)), 100 * e.below(), e.mean(), e.middle(), e.percentile(95),
			}}
			all[k] = e
		}
		mean, worst := rows[0].Values[1], rows[0].Values[2]
		rows[0].aim("ODG ≥ −0.2, at worst −0.5", mean >= -0.2 && worst >= -0.5)
		better := func(k int, of func(e ears) float64, target float64) {
			d := of(all[k]) - of(all[0])
			rows[k].aim(fmt.Sprintf("≥ %.0f dB above (%.1f)", target, d), d >= target)
		}
		better(1, ears.mean, 6)
		better(3, ears.mean, 2)
		t.Rows = append(t.Rows, rows...)
	}
	silence, err := s.silence()
	if err != nil {
		return nil, err
	}
	t.Text += "\n\n" + silence
	return t, nil
}

// piece returns n samples from a random place.
func piece(from *dataset.Speech, n int, source rand.Source) *audio.Recording {
	x := make([]float32, n)
	from.Clip(rand.New(source), x)
	return experiment.Recording(x)
}

// ears are noise-to-mask ratios of frames, as ratios of energies.
type ears struct{ frames []float64 }

func collect(all [][4][]float64, k int) (e ears) {
	for _, r := range all {
		e.frames = append(e.frames, r[k]...)
	}
	slices.Sort(e.frames)
	return e
}

// below returns the share of frames in which nothing is heard.
func (e ears) below() float64 {
	n, _ := slices.BinarySearch(e.frames, 1)
	return float64(n) / float64(len(e.frames))
}

// mean returns the ratio of the mean energies in dB.
func (e ears) mean() float64 {
	sum := 0.0
	for _, v := range e.frames {
		sum += v / float64(len(e.frames))
	}
	return quiet(sum)
}

// middle returns the mean of the ratios in dB, each counted as -60 at least.
func (e ears) middle() float64 {
	sum := 0.0
	for _, v := range e.frames {
		sum += max(-60, quiet(v)) / float64(len(e.frames))
	}
	return sum
}

// percentile returns the ratio in dB that a percentage of the frames does not exceed.
func (e ears) percentile(p int) float64 { return quiet(e.frames[(len(e.frames)-1)*p/100]) }

// quiet returns a ratio in dB, -200 at least, which a table can hold.
func quiet(ratio float64) float64 { return max(-200, 10*math.Log10(ratio)) }

// grade returns the ODG of a change.
func grade(cover, stego *audio.Recording) (float64, error) {
	c, err := metric.NewComparisonWithPEAQ(cover.Format.Rate, cover.Format.Channels)
	if err != nil {
		return 0, err
	}
	if err := c.Add(cover.Samples, stego.Samples); err != nil {
		return 0, err
	}
	p := c.Figures().PEAQ
	if p == nil {
		return 0, fmt.Errorf("no grade of a recording at %d Hz", cover.Format.Rate)
	}
	return p.ODG, nil
}

// toMask returns the noise-to-mask ratios of all frames.
func toMask(cover, stego *audio.Recording) ([]float64, error) {
	m, err := metric.NewMasking(cover.Format.Rate)
	if err != nil {
		return nil, err
	}
	ratios, err := m.NoiseToMask(cover.Samples[0], stego.Samples[0])
	all := make([]float64, len(ratios))
	for i, r := range ratios {
		all[i] = math.Pow(10, r.Mean/10)
	}
	return all, err
}

// spread returns, for every sample, the standard deviation of the error over the stretch of samples that it lies in.
func spread(cover, stego *audio.Recording, length int) []float64 {
	x, y := cover.Samples[0], stego.Samples[0]
	out := make([]float64, len(x))
	for from := 0; from < len(x); from += length {
		to := min(from+length, len(x))
		sum := 0.0
		for i := from; i < to; i++ {
			sum += (y[i] - x[i]) * (y[i] - x[i])
		}
		for i := from; i < to; i++ {
			out[i] = math.Sqrt(sum / float64(to-from))
		}
	}
	return out
}

// whitened returns a cover with white noise of the given standard deviations in a 16-bit file. The file's rounding adds its own.
func whitened(cover *audio.Recording, deviations []float64, source rand.Source) *audio.Recording {
	rng := rand.New(source)
	step := cover.Format.Step()
	out := &audio.Recording{Format: cover.Format, Samples: audio.NewBlock(1, cover.Frames())}
	for i, v := range cover.Samples[0] {
		d := math.Sqrt(max(0, deviations[i]*deviations[i]-step*step/12))
		out.Samples[0][i] = cover.Format.Quantize(v + d*rng.NormFloat64())
	}
	return out
}

// silence hides in recordings with a gap of digital silence, and says what became of it.
func (s *study) silence() (string, error) {
	const from, n = 16500, 9000
	subjects := s.few()
	changed := make([]int, len(subjects))
	outcomes := make([]experiment.Outcome, len(subjects))
	err := s.Each("silence", len(subjects), func(i int) error {
		p := subjects[i]
		stego, err := s.Hide(channel.Zero(p.Cover, from, n), p.Secret, "", ditas.HideOptions{})
		if err != nil {
			return failed(&outcomes[i], p, err)
		}
		for _, v := range stego.Samples[0][from:][:n] {
			if v != 0 {
				changed[i]++
			}
		}
		outcomes[i], err = s.Revealed(p.Secret, stego)
		return err
	})
	total := 0
	for _, c := range changed {
		total += c
	}
	m := summarise(outcomes)
	return fmt.Sprintf("In %d clips with %d samples of digital silence in their middle, %d of these samples changed (target: 0); %.0f %% of the pictures are\nbit-exact.",
		len(subjects), n, total, 100*m.exact), err
}

// planned returns how strong the change is that each frame of a cover is given at default strength.
func (s *study) planned(cover *audio.Recording) ([]lattice.Strength, error) {
	f, err := experiment.File(cover)
	if err != nil {
		return nil, err
	}
	survey, err := lattice.NewSurvey(s.Context(), f, lattice.DefaultShaping, 1, nil)
	if err != nil {
		return nil, err
	}
	plan := survey.Unheard(lattice.Robust, survey.MSE(ditas.DefaultSNR), math.Inf(-1))
	all := make([]lattice.Strength, survey.Frames())
	for k := range all {
		all[k] = plan.Strength(0, k)
	}
	return all, nil
}
