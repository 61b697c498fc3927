package lattice

import (
	"fmt"
	"math"

	"ditas"
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/model/weights"
	"ditas/picture"
)

// Curve is how a method stands noise.
type Curve struct {
	Method string `json:"method"`
	// Ratio is container MSE over the variance of the noise in dB, and PSNR the mean over pairs in dB.
	Ratio []float64 `json:"ratio"`
	PSNR  []float64 `json:"psnr"`
	Pairs int       `json:"pairs"`
	// MSE is the mean squared error of the containers, the mean over pairs.
	MSE float64 `json:"mse"`
}

// Ratios of the curves in dB, from lowestRatio on, ratioCount of them.
const (
	lowestRatio = -10
	ratioStep   = 3
	ratioCount  = 18
)

// sender returns the container for a ratio of its MSE to the noise in dB. Only where a comment says so does it depend on that.
type sender func(ratio float64) (*contender.Sent, error)

// method is a way to hide subject i.
type method struct {
	name string
	send func(i int, p *experiment.Subject) (sender, error)
}

// always sends what a contender makes, whatever the noise will be.
func always(c *contender.Contender) func(i int, p *experiment.Subject) (sender, error) {
	return func(i int, p *experiment.Subject) (sender, error) {
		hide, err := c.Worker()
		if err != nil {
			return nil, err
		}
		m, err := hide(i, p)
		return func(float64) (*contender.Sent, error) { return m, nil }, err
	}
}

// methods returns what is compared. All that have a knob make the container MSE that the lattice makes of the same subject.
func (s *study) methods() ([]method, error) {
	equal := func(send func(i int, p *experiment.Subject) (sender, error)) func(i int, p *experiment.Subject) (sender, error) {
		return func(i int, p *experiment.Subject) (sender, error) {
			aimed := *p
			var err error
			if aimed.Target, err = p.MSE(p.Stego.Samples[0]); err != nil {
				return nil, err
			}
			return send(i, &aimed)
		}
	}
	// Ways to reveal what was hidden alike.
	lattice := func(o ditas.RevealOptions) func(i int, p *experiment.Subject) (sender, error) {
		return always(contender.Stateless("lattice", func(_ int, p *experiment.Subject) (*contender.Sent, error) {
			return &contender.Sent{Samples: p.Stego.Samples[0], Reveal: func(received []float64) (*picture.Planes, error) {
				return s.Reveal(&audio.Recording{Format: float(p.Cover).Format, Samples: [][]float64{received}}, "", o)
			}}, nil
		}))
	}
	sys, _, err := weights.Load(weights.Default)
	if err != nil {
		return nil, err
	}
	networks, err := contender.OfSystem(weights.Default, sys)
	if err != nil {
		return nil, err
	}
	return []method{
		{"lattice", lattice(ditas.RevealOptions{})},
		{"lattice, nothing restored", lattice(ditas.RevealOptions{Plain: true})},
		{"digits, levels chosen for the noise", equal(func(i int, p *experiment.Subject) (sender, error) {
			// The sender knows how much noise there will be, which is more than the others know.
			return func(ratio float64) (*contender.Sent, error) {
				send, err := always(contender.Digits(s.Study, contender.LevelsFor(p.Target, ratio)))(i, p)
				if err != nil {
					return nil, err
				}
				return send(ratio)
			}, nil
		})},
		{"linear map, 3 stages", equal(always(contender.Linear(s.Study)))},
		{"networks DITAS-M-ED", equal(always(networks))},
		{"JPEG in the 2 lowest bits", always(contender.LowestBits(2))},
		{"JPEG in the lowest bit", always(contender.LowestBits(1))},
	}, nil
}

// compare measures all methods under noise.
func (s *study) compare() (*Table, error) {
	methods, err := s.methods()
	if err != nil {
		return nil, err
	}
	subjects := s.few()
	type point struct{ psnr, mse float64 }
	points := make([][ratioCount]point, len(methods)*len(subjects))
	err = s.Each("curves", len(points), func(task int) error {
		m, i := methods[task/len(subjects)], task%len(subjects)
		p := subjects[i]
		send, err := m.send(i, p)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for k := range ratioCount {
			if err := s.Context().Err(); err != nil {
				return err
			}
			ratio := float64(lowestRatio + ratioStep*k)
			c, err := send(ratio)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			mse, err := p.MSE(c.Samples)
			if err != nil {
				return err
			}
			r := &audio.Recording{Format: p.Cover.Format, Samples: [][]float64{c.Samples}}
			r = float(channel.Noise(r, math.Sqrt(mse*math.Pow(10, -ratio/10)), s.Source(experiment.ForCurves, ratioCount*i+k)))
			revealed, err := c.Reveal(r.Samples[0])
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			o, err := experiment.Judge(p.Secret, revealed)
			if err != nil {
				return err
			}
			points[task][k] = point{o.PSNR, mse}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for m := range methods {
		c := Curve{Method: methods[m].name, Pairs: len(subjects), Ratio: make([]float64, ratioCount), PSNR: make([]float64, ratioCount)}
		n := float64(len(subjects))
		for _, all := range points[m*len(subjects):][:len(subjects)] {
			for k, p := range all {
				c.Ratio[k] = float64(lowestRatio + ratioStep*k)
				c.PSNR[k] += p.psnr / n
				c.MSE += p.mse / n / ratioCount
			}
		}
		s.curves = append(s.curves, c)
	}
	return curveTable(s.curves), nil
}

// curveTable returns the curves as a table.
func curveTable(curves []Curve) *Table {
	t := &Table{
		Title: "White noise, beside other methods",
		Text: fmt.Sprintf("Mean PSNR of %d pairs by D/N. All containers have the MSE that the lattice makes of the same clip, but for those of the JPEG files,\n"+
			"which have no such knob; noise goes by each container's own MSE. The linear map and the digits use no code and no network; they, the\n"+
			"networks and the JPEG files are told where the recording begins and how strong it is, while the lattice has to find out. The digits\n"+
			"are also told the noise beforehand: the number of their levels suits it. They, the linear map and the networks\n"+
			"cannot tell when nothing is left, and then give noise, which is worse than a grey picture.\n\n"+
			"![Mean PSNR over the ratio of container MSE to noise](figures/%s)\n\nContainer MSE, means over the pairs:", curves[0].Pairs, FigureName),
	}
	for i, c := range curves {
		t.Columns = append(t.Columns, Column{c.Method, "%.1f dB"})
		end := ";"
		if i == len(curves)-1 {
			end = "."
		}
		t.Text += fmt.Sprintf(" %s %.2e%s", c.Method, c.MSE, end)
	}
	for k := range curves[0].Ratio {
		r := Row{Name: fmt.Sprintf("D/N %g dB", curves[0].Ratio[k])}
		for _, c := range curves {
			r.Values = append(r.Values, c.PSNR[k])
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}
