package steganalysis

import (
	"errors"
	"math"
	"math/rand/v2"

	"ditas"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/report"
)

// study is a study of recordings.
type study struct{ *experiment.Study }

// suspect is a method that detectors are to find out.
type suspect struct {
	name string
	// worker returns a function that makes a pair of recordings of subject i. Every goroutine has a function of its own.
	worker func() (func(i int, p *experiment.Subject) (cover, stego []float64, err error), error)
	// after names the method whose network this one's goes on from, where there is one.
	after string
}

// hiding makes a suspect of a contender.
func hiding(c *contender.Contender) suspect {
	return suspect{name: c.Name, after: faintest, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
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
	return suspect{name: name, after: faintest, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		return func(i int, p *experiment.Subject) ([]float64, []float64, error) {
			return p.Cover.Samples[0], change(i, p), nil
		}, nil
	}}
}

// Names of methods.
const (
	Loud      = "white noise, loud" // that every detector has to find
	Weak      = "LSB matching, 0.5 bit"
	untouched = "nothing hidden"
	// strongest and faintest are those whose networks others go on from: a network of strong changes first, then one of weak ones, and from there all others.
	strongest = "LSB matching, 1 bit"
	faintest  = Weak
)

// from makes a suspect's network go on from another method's, or from nowhere.
func (t suspect) from(name string) suspect {
	t.after = name
	return t
}

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
	return suspect{name: untouched, after: faintest, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		return func(i int, p *experiment.Subject) ([]float64, []float64, error) {
			x, half := p.Cover.Samples[0], len(p.Cover.Samples[0])/2
			if rand.New(s.Source(experiment.ForSteganalysis, 4*i+3)).IntN(2) == 0 {
				return x[:half], x[half:], nil
			}
			return x[half:], x[:half], nil
		}, nil
	}}
}

// blatant is the container MSE of [Loud] noise.
const blatant = 1e-4

// all returns the methods that are tried, in the order in which networks learn. One key does for all recordings, since each has a nonce of its own. Trained systems
// and what is compared with them change a recording as much as the lattice does at 50 dB. One more method is one more line.
func (s *attack) all(key ditas.Key, systems []*contender.Contender) []suspect {
	lattice := func(name string, strength ditas.Strength) suspect {
		return hiding(s.keyed(name, key, ditas.HideOptions{Method: ditas.Lattice, Strength: strength}))
	}
	all := []suspect{
		s.noisy(Loud, blatant).from(""), s.noisy("white noise, 50 dB", 0).from(Loud), s.matching(strongest, 1).from(Loud), s.matching(faintest, 0.5).from(strongest),
		s.matching("LSB matching, 0.1 bit", 0.1),
		lattice("lattice, 50 dB", ditas.Audible(50)), lattice(Usual, ditas.Strength{}), lattice("lattice, faint", ditas.Faint()),
		s.covert("covert, 0.1 bit", key, 0.1), s.covert("covert, 0.3 bit", key, 0.3), s.covert("covert, 0.5 bit", key, 0.5), s.covert(Filled, key, 0),
		s.dithered("covert in dither, 0.5 bit", key, 0.5), s.dithered("dither", key, 0), s.control(),
	}
	if systems != nil {
		all = append(all, hiding(contender.Linear(s.Study)), hiding(contender.Digits(s.Study, contender.DigitLevels)))
	}
	for _, system := range systems {
		all = append(all, hiding(system))
	}
	return all
}

const (
	// Usual is the name of the lattice as it is without any options.
	Usual = "lattice, as is usual"
	// Filled is the name of the method covert where as much is hidden as it allows.
	Filled = "covert, all that is allowed"
)

// errDithered says that a recording becomes another one, which is to be compared with others of its kind.
var errDithered = errors.New("the recording would be dithered")

// covert hides a file of random bytes by the method covert, so many bits to a sample or, at a rate of 0, as many as are allowed, in recordings that are left
// as they are otherwise.
func (s *attack) covert(name string, key ditas.Key, rate float64) suspect {
	return s.told(name, func(i int, p *experiment.Subject) ([]float64, float64, error) {
		c, err := s.Capacity(p.Cover, ditas.HideOptions{For: ditas.Secret})
		if err != nil {
			return nil, 0, err
		}
		if c.Dithered {
			return nil, 0, errDithered
		}
		size := s.size(rate)
		if rate == 0 {
			size = max(1, c.Bytes-report.FileBytes(0, 0, 0))
		}
		stego, r, err := s.HideFor(p.Cover, nil, key, s.secretFile(i, size))
		if err != nil {
			return nil, 0, err
		}
		return stego.Samples[0], float64(r.Stages[0].Bytes), nil
	})
}

// told makes a suspect of a method that says how many bytes a recording tells, or could tell.
func (s *attack) told(name string, hide func(i int, p *experiment.Subject) (samples []float64, bytes float64, err error)) suspect {
	return hiding(contender.Stateless(name, func(i int, p *experiment.Subject) (*contender.Sent, error) {
		samples, bytes, err := hide(i, p)
		if err != nil {
			return nil, err
		}
		s.rates[i] = 8 * bytes / float64(len(samples))
		return &contender.Sent{Samples: samples}, nil
	}))
}

// dithered hides a file of random bytes by the method covert, so many bits to a sample, in recordings that are more precise, and compares them with recordings
// that have been dithered alone. Nothing is hidden at a rate of 0.
func (s *attack) dithered(name string, key ditas.Key, rate float64) suspect {
	return suspect{name: name, after: faintest, worker: func() (func(int, *experiment.Subject) ([]float64, []float64, error), error) {
		return func(i int, _ *experiment.Subject) ([]float64, []float64, error) {
			precise := s.covers[i].precise
			innocent, err := s.Dither(precise, 0)
			if err != nil {
				return nil, nil, err
			}
			if rate == 0 {
				other, err := s.Dither(precise, 1)
				if err != nil {
					return nil, nil, err
				}
				return innocent.Samples[0], other.Samples[0], nil
			}
			stego, r, err := s.HideFor(precise, nil, key, s.secretFile(i, s.size(rate)))
			if err != nil {
				return nil, nil, err
			}
			s.rates[i] = 8 * float64(r.Stages[0].Bytes) / float64(len(stego.Samples[0]))
			return innocent.Samples[0], stego.Samples[0], nil
		}, nil
	}}
}

// size returns the size of a file that takes so many bits to a sample, in bytes.
func (s *attack) size(rate float64) int {
	return int(rate*float64(len(s.Subjects[0].Cover.Samples[0]))/8) - beside
}

// secretFile says to hide a file of random bytes in recording i.
func (s *attack) secretFile(i, size int) ditas.HideOptions {
	data := make([]byte, size)
	rng := rand.New(s.Source(experiment.ForSteganalysis, i))
	for k := range data {
		data[k] = byte(rng.Uint32())
	}
	return ditas.HideOptions{For: ditas.Secret, File: &ditas.File{Name: "f", Data: data}}
}

// beside is how many bytes covert hides beside those of a file: name, size and checks.
const beside = 30

// keyed hides by a method with a key.
func (s *attack) keyed(name string, key ditas.Key, o ditas.HideOptions) *contender.Contender {
	return contender.Stateless(name, func(_ int, p *experiment.Subject) (*contender.Sent, error) {
		stego, _, err := s.HideFor(p.Cover, p.Secret, key, o)
		if err != nil {
			return nil, err
		}
		return &contender.Sent{Samples: stego.Samples[0]}, nil
	})
}
