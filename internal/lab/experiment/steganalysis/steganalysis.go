// Package steganalysis measures how well small networks find out that something is hidden in a recording, one for every method, and writes
// docs/STEGANALYSIS.md. The networks are in package detector.
//
//	report, err := steganalysis.Measure(ctx, steganalysis.Data{Learn: learn, Validation: validation, Test: test, Runs: runs}, steganalysis.Options{})
//	err = report.Markdown(w)
//	err = report.Figure(w)
package steganalysis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"ditas"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/steganalysis/detector"
)

// Data is what detectors are made and tried with: pictures hidden in speech, and trained systems. Test's digest counts.
type Data struct {
	Learn, Validation, Test experiment.Data
	Runs                    fs.FS // has folders of some of [contender.Systems], as ditas train makes them
}

// Options say how much is measured. Pairs limits the pairs of the test set.
type Options struct {
	experiment.Options
	// Learn and Validation are the numbers of pairs that a detector learns from and that its state and threshold are chosen with; 0 means
	// LearnPairs and ValidationPairs.
	Learn, Validation int
	// Fainter lists the strengths at which methods are compared, in dB of SNR above the lattice's default; nil means that and 10. After the
	// first, DITAS-M-ED stands for the trained systems, which take long to hide.
	Fainter []float64
	// Only limits the methods to some of those that are compared, by name; nil means all.
	Only     []string
	Detector detector.Config // the zero value means detector.Default
	// Group, if set, is called with what there is of the report when the methods of a strength are finished.
	Group func(r *Report) error
}

// Numbers of pairs for a detector.
const (
	LearnPairs      = 80
	ValidationPairs = 24
)

// Report is how well small networks tell recordings in which something is hidden.
type Report struct {
	Sets []Set  `json:"sets"` // to learn from, to validate with, and to test with
	Data string `json:"data"` // of the test
	experiment.Origin
	Detector   detector.Config `json:"detector"`
	Parameters int             `json:"parameters"`
	FLOPs      int             `json:"flops"` // for a window
	// Untrained are systems without weights.
	Untrained []string `json:"untrained,omitempty"`
	Groups    []Group  `json:"groups"`
}

// Set is one of the sets of recordings.
type Set struct {
	Name     string `json:"name"`
	Pictures int    `json:"pictures"`
	Clips    int    `json:"clips"`
	Pairs    int    `json:"pairs"` // that were used
}

// Group are methods of one strength.
type Group struct {
	Name string `json:"name"`
	// Fainter is how far the lattice's SNR is above its default in dB, whose container MSE all have; nil where each has its own.
	Fainter *float64 `json:"fainter,omitempty"`
	Methods []Method `json:"methods"`
}

// Method is how well a method is found out by a detector of its own.
type Method struct {
	Name string  `json:"name"`
	MSE  float64 `json:"mse"` // of the test's containers, the mean; 0 where nothing is hidden
	SNR  float64 `json:"snr"` // dB, of the mean powers; 0 where nothing is hidden
	// AUC is the area under the ROC, EqualError the error rate where both kinds of errors are equally frequent, and Error that at the
	// threshold that the validation pairs chose.
	AUC        Estimate           `json:"auc"`
	EqualError Estimate           `json:"equalError"`
	Error      Estimate           `json:"error"`
	ROC        []detector.Point   `json:"roc"`
	Training   *detector.Training `json:"training"`
}

// Estimate is a figure with the bounds of its 95 % confidence interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// study is the study of one of the sets.
type study struct{ *experiment.Study }

// suspect is a method that detectors are to find out.
type suspect struct {
	name string
	// worker returns a function that makes a pair of recordings of subject i. Every goroutine has a function of its own.
	worker func() (func(i int, p *experiment.Subject) (cover, stego []float64, err error), error)
	// after names the method of the group before whose detector this one's goes on from.
	after string
}

// hiding makes a suspect of a contender.
func hiding(c *contender.Contender) suspect {
	return suspect{name: c.Name, after: c.Name, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		hide, err := c.Worker()
		return func(i int, p *experiment.Subject) ([]float64, []float64, error) {
			m, err := hide(i, p)
			if err != nil {
				return nil, nil, err
			}
			return p.Cover.Samples[0][:len(m.Samples)], m.Samples, nil
		}, err
	}}
}

// changing makes a suspect of a change of recordings.
func changing(name string, change func(i int, p *experiment.Subject) []float64) suspect {
	return suspect{name: name, after: name, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		return func(i int, p *experiment.Subject) ([]float64, []float64, error) {
			return p.Cover.Samples[0], change(i, p), nil
		}, nil
	}}
}

var errNoMethod = errors.New("there is no method of that name to measure")

// Names of methods that carry no picture.
const (
	whiteNoise = "white noise, no picture"
	untouched  = "nothing hidden"
)

// noisy adds white noise of an MSE, or of the subject's MSE if it is 0.
func (s *study) noisy(name string, mse float64) suspect {
	return changing(name, func(i int, p *experiment.Subject) []float64 {
		variance := mse
		if variance == 0 {
			variance = p.Target
		}
		return channel.Noise(p.Cover, math.Sqrt(variance), s.Source(experiment.ForSteganalysis, 4*i)).Samples[0]
	})
}

// replacing puts a random bit in place of the lowest one of every sample. It has every value of a pair (2k, 2k + 1) become the other.
func (s *study) replacing() suspect {
	return changing("LSB replacement", func(i int, p *experiment.Subject) []float64 {
		rng := rand.New(s.Source(experiment.ForSteganalysis, 4*i+1))
		return eachCode(p, func(code int) int { return code&^1 | rng.IntN(2) })
	})
}

// matching moves samples whose lowest bit is not the random one that it is to be by one step up or down. It uses a share of the samples, each by
// chance.
func (s *study) matching(name string, share float64) suspect {
	return changing(name, func(i int, p *experiment.Subject) []float64 {
		rng := rand.New(s.Source(experiment.ForSteganalysis, 4*i+2))
		return eachCode(p, func(code int) int {
			bit, step := rng.IntN(2), 2*rng.IntN(2)-1
			switch {
			case share < 1 && rng.Float64() >= share, code&1 == bit:
				return code
			case code+step > math.MaxInt16 || code+step < math.MinInt16:
				return code - step
			}
			return code + step
		})
	})
}

// eachCode changes the samples of a cover as a 16-bit file has them.
func eachCode(p *experiment.Subject, change func(code int) int) []float64 {
	out := make([]float64, len(p.Cover.Samples[0]))
	for i, v := range p.Cover.Samples[0] {
		out[i] = float64(change(int(math.RoundToEven(v/experiment.Step)))) * experiment.Step
	}
	return out
}

// control is a method that hides nothing: one half of a recording is the cover, and the other the stego. Chance says which.
func (s *study) control() suspect {
	return suspect{name: untouched, after: whiteNoise, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		return func(i int, p *experiment.Subject) ([]float64, []float64, error) {
			x, half := p.Cover.Samples[0], len(p.Cover.Samples[0])/2
			if rand.New(s.Source(experiment.ForSteganalysis, 4*i+3)).IntN(2) == 0 {
				return x[:half], x[half:], nil
			}
			return x[half:], x[:half], nil
		}, nil
	}}
}

// blatant is the container MSE of noise that every detector has to find.
const blatant = 1e-4

// strengths returns the methods at the MSE of the lattice when it is the given number of dB fainter than its default.
func (s *study) strengths(fainter float64, systems []*contender.Contender) []suspect {
	all := []suspect{hiding(contender.Lattice(s.Study, ditas.Methods()[0].Name, ditas.HideOptions{})), hiding(s.secret(fainter)), hiding(contender.Linear(s.Study)), hiding(contender.Digits(s.Study, contender.DigitLevels))}
	for _, t := range systems {
		all = append(all, hiding(t))
	}
	return append(all, s.noisy(whiteNoise, 0))
}

// own returns the methods whose strength cannot be chosen, and what shows that detectors do what they should.
func (s *study) own() []suspect {
	from := func(after string, p suspect) suspect {
		p.after = after
		return p
	}
	return []suspect{
		from(ditas.Methods()[0].Name, hiding(contender.Lattice(s.Study, "lattice, faint", ditas.HideOptions{Strength: ditas.Faint()}))), from(whiteNoise, hiding(contender.LowestBits(2))),
		from(whiteNoise, s.replacing()), from(whiteNoise, s.matching("LSB matching", 1)),
		from("", s.noisy("white noise, loud", blatant)), s.control(),
	}
}

// secret is the lattice with a passphrase, another for every recording.
func (s *study) secret(fainter float64) *contender.Contender {
	return contender.Stateless("lattice, passphrase", func(i int, p *experiment.Subject) (*contender.Sent, error) {
		stego, err := s.Hide(p.Cover, p.Secret, fmt.Sprintf("recording %d of %d", i, s.Options.Seed), ditas.HideOptions{Strength: ditas.SNR(ditas.DefaultSNR + fainter)})
		if err != nil {
			return nil, err
		}
		return &contender.Sent{Samples: stego.Samples[0]}, nil
	})
}

// Measure trains a detector for every method and tries it on recordings and pictures that it has not seen.
func Measure(ctx context.Context, data Data, o Options) (*Report, error) {
	if o.Fainter == nil {
		o.Fainter = []float64{0, 10}
	}
	if o.Detector == (detector.Config{}) {
		o.Detector = detector.Default()
	}
	o.Detector.Seed = o.Seed
	a := &analysis{options: o, begin: time.Now(), detectors: map[string]*detector.Detector{}}
	r := &Report{Data: data.Test.Digest, Detector: o.Detector}
	var err error
	if r.Parameters, r.FLOPs, err = o.Detector.Size(); err != nil {
		return nil, err
	}
	for i, set := range []struct {
		name  string
		data  experiment.Data
		pairs int
	}{
		{"training", data.Learn, cmp.Or(o.Learn, LearnPairs)}, {"validation", data.Validation, cmp.Or(o.Validation, ValidationPairs)},
		{"test", data.Test, o.Pairs},
	} {
		// What is random has to differ from set to set, or else detectors could learn it by heart.
		options := o.Options
		options.Seed, options.Pairs = 3*o.Seed+uint64(i), set.pairs
		s := &study{experiment.New(ctx, set.data, options)}
		a.sets = append(a.sets, s)
		r.Sets = append(r.Sets, Set{set.name, set.data.Pictures.Len(), set.data.Speech.Len(), len(s.Subjects)})
	}
	systems, untrained, err := contender.Trained(data.Runs)
	if err != nil {
		return nil, err
	}
	r.Untrained = untrained
	for k, fainter := range o.Fainter {
		if k == 1 {
			systems = slices.DeleteFunc(systems, func(t *contender.Contender) bool { return t.Name != "ditas-m-ed" })
		}
		for _, s := range a.sets {
			if err := s.aim(fainter); err != nil {
				return nil, err
			}
		}
		name := "The lattice's default strength"
		if fainter != 0 {
			name = fmt.Sprintf("%g dB fainter", fainter)
		}
		g, err := a.group(name, func(s *study) []suspect { return s.strengths(fainter, systems) })
		if err != nil {
			return nil, err
		}
		g.Fainter = &fainter
		if err := a.add(r, g); err != nil {
			return nil, err
		}
	}
	for _, s := range a.sets {
		for _, p := range s.Subjects {
			p.Target = 0
		}
	}
	g, err := a.group("Strengths of their own", (*study).own)
	if err != nil {
		return nil, err
	}
	if err := a.add(r, g); err != nil {
		return nil, err
	}
	if r.Groups == nil {
		return nil, errNoMethod
	}
	return r, nil
}

// add takes a group into a report, if it has methods.
func (a *analysis) add(r *Report, g *Group) error {
	if g.Methods == nil {
		return nil
	}
	r.Groups = append(r.Groups, *g)
	r.Origin = a.sets[0].Origin(a.begin)
	r.Seed = a.options.Seed
	if a.options.Group == nil {
		return nil
	}
	return a.options.Group(r)
}

// aim hides the pictures a number of dB fainter than by default, and gives all methods the resulting container MSE.
func (s *study) aim(fainter float64) error {
	return s.Each("hiding", len(s.Subjects), func(i int) (err error) {
		p := s.Subjects[i]
		if p.Stego, err = s.Hide(p.Cover, p.Secret, "", ditas.HideOptions{Strength: ditas.SNR(ditas.DefaultSNR + fainter)}); err != nil {
			return err
		}
		p.Target, err = p.MSE(p.Stego.Samples[0])
		return err
	})
}

// analysis is the making and trying of detectors.
type analysis struct {
	options   Options
	begin     time.Time
	sets      []*study                      // to learn from, to validate with, to test with
	detectors map[string]*detector.Detector // of the methods of the group before
}

// group makes and tries the detectors of a group.
func (a *analysis) group(name string, suspects func(s *study) []suspect) (*Group, error) {
	g := &Group{Name: name}
	var all [][]suspect // by set
	for _, s := range a.sets {
		all = append(all, suspects(s))
	}
	made := map[string]*detector.Detector{}
	for k, t := range all[0] {
		if a.options.Only != nil && !slices.Contains(a.options.Only, t.name) {
			continue
		}
		var pairs [][]detector.Pair
		m := Method{Name: t.name}
		for i, s := range a.sets {
			p, mse, signal, err := s.pairs(all[i][k])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			pairs = append(pairs, p)
			if t.name != untouched { // the figures of the last set, the test
				m.MSE, m.SNR = mse, 10*math.Log10(signal/mse)
			}
		}
		d, err := a.detect(&m, pairs, a.detectors[t.after])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		made[t.name] = d
		g.Methods = append(g.Methods, m)
	}
	a.detectors = made
	return g, nil
}

// pairs makes the pairs of a suspect, with their mean MSE and the mean power of the covers. They are read from 16-bit WAV files.
func (s *study) pairs(t suspect) (pairs []detector.Pair, mse, signal float64, err error) {
	workers := make(chan func(int, *experiment.Subject) ([]float64, []float64, error), s.Options.Workers)
	for range s.Options.Workers {
		w, err := t.worker()
		if err != nil {
			return nil, 0, 0, err
		}
		workers <- w
	}
	pairs = make([]detector.Pair, len(s.Subjects))
	figures := make([][2]float64, len(pairs))
	err = s.Each(t.name, len(pairs), func(i int) error {
		w := <-workers
		defer func() { workers <- w }()
		cover, stego, err := w(i, s.Subjects[i])
		if err == nil {
			stego, err = experiment.Through(stego)
		}
		if err != nil {
			return err
		}
		p := detector.Pair{Cover: make([]float32, len(cover)), Stego: make([]float32, len(stego))}
		for j, v := range cover {
			p.Cover[j], p.Stego[j] = float32(v), float32(stego[j])
			figures[i][0] += (v - stego[j]) * (v - stego[j]) / float64(len(cover))
		}
		pairs[i], figures[i][1] = p, experiment.Power(cover)
		return nil
	})
	for _, f := range figures {
		mse += f[0] / float64(len(figures))
		signal += f[1] / float64(len(figures))
	}
	return pairs, mse, signal, err
}

// detect trains a detector for a method and tries it.
func (a *analysis) detect(m *Method, pairs [][]detector.Pair, start *detector.Detector) (*detector.Detector, error) {
	s := a.sets[0]
	o := detector.Options{Seed: a.options.Seed, Workers: s.Options.Workers, Start: start}
	if s.Options.Progress != nil {
		o.Progress = func(done, total int) { s.Options.Progress(m.Name, done, total) }
	}
	d, training, err := detector.Train(s.Context(), a.options.Detector, pairs[0], pairs[1], o)
	if err != nil {
		return nil, err
	}
	known, err := d.Scores(pairs[1], s.Options.Workers)
	if err != nil {
		return nil, err
	}
	scores, err := d.Scores(pairs[2], s.Options.Workers)
	if err != nil {
		return nil, err
	}
	threshold := known.Threshold()
	estimate := func(figure func(detector.Scores) float64) Estimate {
		low, high := scores.Interval(a.options.Seed, figure)
		return Estimate{figure(scores), low, high}
	}
	m.Training, m.ROC = training, scores.ROC()
	m.AUC, m.EqualError = estimate(detector.Scores.AUC), estimate(detector.Scores.EqualError)
	m.Error = estimate(func(s detector.Scores) float64 { return s.Error(threshold) })
	return d, nil
}
