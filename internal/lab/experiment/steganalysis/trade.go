package steganalysis

import (
	"context"
	"fmt"
	"io"

	"gonum.org/v1/plot/plotter"

	"ditas"
	"ditas/internal/channel"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/drawing"
	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/picture"
	"ditas/report"
)

// Trade is what the lattice pays in noise tolerance for being hard to find, where its change follows the recording's spectrum.
type Trade struct {
	Covers int          `json:"covers"`
	Groups int          `json:"groups"`
	Noises []float64    `json:"noises"` // signal-to-noise ratios in dB
	Points []TradePoint `json:"points"`
}

// TradePoint is a distance between the spectra of recording and change.
type TradePoint struct {
	Below float64 `json:"below"` // dB; 0 stands for the default, which follows what can be heard
	MethodReport
	Pictures int       `json:"pictures"` // that were hidden to measure PSNR, and not refused
	PSNR     []float64 `json:"psnr"`     // dB, the mean of pictures of 32×32 pixels after white noise at each of the ratios, at most [experiment.Best]
}

// TradeName is the name of the method that the trade is measured with.
const TradeName = "trade"

// FigureTrade is the name of the file that the page expects the trade's figure in, in a folder "figures" beside it.
const FigureTrade = "steganalysis-trade.png"

var (
	distances = []float64{0, 60, 50, 45, 40, 35, 30, 25, 20}
	noises    = []float64{70, 60, 50, 40, 30, 20}
)

const (
	tradeSide     = 32
	tradePictures = 48 // that are to be hidden at each distance, at most
)

// trade measures the trade on the covers of a scene.
func (s *attack) trade(ctx context.Context, key ditas.Key) (*Trade, error) {
	r := &Trade{Covers: len(s.covers), Groups: s.groups(), Noises: noises}
	for _, below := range distances {
		strength := ditas.Matched(below)
		if below == 0 {
			strength = ditas.Strength{}
		}
		t := s.matched(fmt.Sprintf("%s, %g dB", TradeName, below), strength, key)
		d, err := s.describe(t, true, false)
		if err != nil {
			return nil, err
		}
		m, tried := s.report(t, d)
		if tried {
			if m.Features.Disjoint, err = s.discriminate(ctx, d, trial.Disjoint); err != nil {
				return nil, err
			}
		}
		p := TradePoint{Below: below, MethodReport: *m, PSNR: make([]float64, len(noises))}
		if p.Pictures, err = s.tolerate(p.PSNR, strength); err != nil {
			return nil, err
		}
		r.Points = append(r.Points, p)
	}
	return r, nil
}

// tolerate writes to psnr what is left of pictures that were hidden at a strength, after noise, and returns how many were not refused.
func (s *attack) tolerate(psnr []float64, strength ditas.Strength) (pictures int, err error) {
	n := len(s.Subjects)
	count := min(n, tradePictures)
	outcomes := make([][]float64, count)
	err = s.Each(fmt.Sprintf("%s, noise", TradeName), count, func(k int) error {
		i := k * n / count
		p := s.Subjects[i]
		secret := picture.New(tradeSide, tradeSide)
		s.pictures.Thumbnail(p.Pair.Picture, secret)
		stego, err := s.Hide(p.Cover, secret, "", ditas.HideOptions{Method: ditas.Lattice, Strength: strength})
		if refusal(err) {
			return nil
		}
		if err != nil {
			return err
		}
		var revealed *picture.Planes
		for j, ratio := range noises {
			if j == 0 || revealed != nil { // what is lost in less noise is lost in more
				noisy := channel.NoiseBelow(stego, ratio, s.Source(experiment.ForSteganalysis, i*len(noises)+j))
				if revealed, err = s.Reveal(noisy, "", ditas.RevealOptions{}); err != nil {
					return err
				}
			}
			o, err := experiment.Judge(secret, revealed)
			if err != nil {
				return err
			}
			outcomes[k] = append(outcomes[k], o.PSNR)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, o := range outcomes {
		if o == nil {
			continue
		}
		pictures++
		for j, v := range o {
			psnr[j] += v
		}
	}
	for j := range psnr {
		psnr[j] /= float64(max(1, pictures))
	}
	return pictures, nil
}

// matched hides next to nothing by the method lattice, whose change is the same whatever is hidden. The rate is what there would be room for.
func (s *attack) matched(name string, strength ditas.Strength, key ditas.Key) suspect {
	o := ditas.HideOptions{Method: ditas.Lattice, Strength: strength, File: &ditas.File{Name: "f", Data: []byte{1}}}
	return s.told(name, func(i int, p *experiment.Subject) ([]float64, float64, error) {
		c, err := s.Capacity(p.Cover, o)
		if err != nil {
			return nil, 0, err
		}
		stego, _, err := s.HideFor(p.Cover, nil, key, o)
		if err != nil {
			return nil, 0, err
		}
		return stego.Samples[0], float64(max(0, c.Bytes-report.FileBytes(0, 0, 0))), nil
	})
}

// markdown writes the trade as a section of a page.
func (t *Trade) markdown(w io.Writer) {
	fmt.Fprintf(w, `
## What noise tolerance costs

The lattice's change follows the recording's spectrum so many dB below it, on %d excerpts of %d speakers and tracks of the training and validation sets. PSNR is the mean
of pictures of %d×%d pixels in excerpts that are not too quiet, after white noise so many dB below the recording; %g dB is exact. The first row is the default, which follows what
can be heard.

![P_E against the noise that pictures survive](figures/%s)

| below the spectrum | room, bits a sample | SNR | NMR | refused | P_E, disjoint |`, t.Covers, t.Groups, tradeSide, tradeSide, float64(experiment.Best), FigureTrade)
	for _, n := range t.Noises {
		fmt.Fprintf(w, " PSNR, noise at %g dB |", n)
	}
	fmt.Fprint(w, "\n|--:|--:|--:|--:|--:|--:|")
	for range t.Noises {
		fmt.Fprint(w, "--:|")
	}
	fmt.Fprintln(w)
	for _, p := range t.Points {
		name := "default"
		if p.Below > 0 {
			name = fmt.Sprintf("%g dB", p.Below)
		}
		if p.Features.Disjoint == nil {
			fmt.Fprintf(w, "| %s | – | – | – | %d | – |", name, p.Refused)
		} else {
			fmt.Fprintf(w, "| %s | %.2f | %.1f dB | %.1f dB | %d | %s |", name, p.Rate, p.SNR, p.NMR, p.Refused, p.Features.Disjoint.Error.Percent())
		}
		for _, v := range p.PSNR {
			if p.Pictures == 0 {
				fmt.Fprint(w, " – |")
				continue
			}
			fmt.Fprintf(w, " %.1f dB |", v)
		}
		fmt.Fprintln(w)
	}
}

// enough is the PSNR in dB down to which a picture counts as surviving noise in the figure.
const enough = 25

// survived returns the lowest signal-to-noise ratio of noise that pictures survive, between two of those that were measured by the line that joins them, and whether
// there is one.
func (p *TradePoint) survived(noises []float64) (dB float64, ok bool) {
	for j := len(noises) - 1; j >= 0; j-- {
		if p.PSNR[j] < enough {
			continue
		}
		if j+1 == len(noises) {
			return noises[j], true
		}
		share := (p.PSNR[j] - enough) / (p.PSNR[j] - p.PSNR[j+1])
		return noises[j] + share*(noises[j+1]-noises[j]), true
	}
	return 0, false
}

// figure draws P_E against the noise that pictures survive.
func (t *Trade) figure() *drawing.Figure {
	p := drawing.Chart("what noise tolerance costs", fmt.Sprintf("white noise after which pictures have %d dB: signal-to-noise ratio (dB)", enough), "P_E (%)")
	var curve, usual plotter.XYs
	for _, at := range t.Points {
		x, ok := at.survived(t.Noises)
		if !ok || at.Features.Disjoint == nil {
			continue
		}
		xy := plotter.XY{X: x, Y: 100 * at.Features.Disjoint.Error.Value}
		if at.Below == 0 {
			usual = append(usual, xy)
			continue
		}
		curve = append(curve, xy)
	}
	drawing.Trace(p, "20 to 60 dB below the spectrum", drawing.Looks[0], curve, true)
	drawing.Trace(p, "default", drawing.Looks[1], usual, true)
	p.X.Tick.Marker, p.Y.Tick.Marker = drawing.Every(5), drawing.Every(10)
	p.Y.Min, p.Y.Max = 0, 55
	p.Legend.Top = false
	const width, height = 400, 280
	return &drawing.Figure{Width: width, Height: height, Paint: func(s *drawing.Sheet) { s.Chart(p, 8, 8, width-16, height-16) }}
}
