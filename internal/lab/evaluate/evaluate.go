// Package evaluate measures systems on test sets, by one protocol:
//
//   - the secret is the middle square of a photograph, averaged down to the tile's size, 8 bits a value;
//   - the cover is the start of a clip, scaled to a peak of 0.99, as many subsequences as the system has stages;
//   - the container goes through a real 16-bit WAV file before anything is measured or revealed;
//   - figures are means over pairs of a photograph and a clip that cover both sets.
//
// [System] gives the figures of one system; [Report.Markdown] the table.
package evaluate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"time"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/lab/dataset"
	"ditas/internal/model"
	"ditas/internal/parallel"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
)

// Options say what is measured.
type Options struct {
	Thresholds []float64 // strengths of hiding
	Pairs      int       // limits the number of pairs; 0 means all
	Workers    int       // goroutines; results do not depend on it
	// Progress, if set, is called after every pair, possibly from several goroutines at once.
	Progress func(done, total int)
}

// Figures are what was measured on one pair, or means over pairs.
type Figures struct {
	ContainerMSE float64 `json:"containerMSE"` // full scale 1
	SNR          float64 `json:"snr"`          // dB; of means: of the mean powers
	SegmentalSNR float64 `json:"segmentalSNR"` // dB, 20 ms
	PSNR         float64 `json:"psnr"`         // dB, at most 100
	SSIM         float64 `json:"ssim"`
	MSSSIM       float64 `json:"msssim"`
	// StagePSNR is the PSNR in dB of the sum of the first stages.
	StagePSNR []float64 `json:"stagePSNR"`
}

// Row is the result at one strength.
type Row struct {
	Threshold float64 `json:"threshold"`
	Mean      Figures `json:"mean"`
	// WorstPSNR is the lowest PSNR in dB of any pair, WorstContainer the largest container MSE.
	WorstPSNR      float64 `json:"worstPSNR"`
	WorstContainer float64 `json:"worstContainer"`
}

// Report is a result with what it takes to get it again.
type Report struct {
	System     string  `json:"system"`
	Weights    string  `json:"weights"` // identity, as hexadecimal digits
	Parameters int     `json:"parameters"`
	Data       string  `json:"data"` // digest of the data's manifest, or how else it is known
	Pictures   int     `json:"pictures"`
	Clips      int     `json:"clips"`
	Pairs      int     `json:"pairs"`
	Machine    string  `json:"machine"`
	Minutes    float64 `json:"minutes"`
	Rows       []Row   `json:"rows"`
}

// System measures a system on test pictures, which must be thumbnails of the tile's size, and speech.
func System(ctx context.Context, sys *model.System, pictures *dataset.Pictures, speech *dataset.Speech, o Options) (*Report, error) {
	if len(o.Thresholds) == 0 {
		return nil, errors.New("no threshold to measure at")
	}
	if sys.Config.Transform == model.NoTransform {
		o.Thresholds = o.Thresholds[:1] // they have no meaning
	}
	begin := time.Now()
	pairs := dataset.Pairs(pictures.Len(), speech.Len())
	if o.Pairs > 0 {
		pairs = pairs[:min(o.Pairs, len(pairs))]
	}
	r := &Report{
		System: sys.Config.Name, Parameters: sys.Weights.Count(), Pictures: pictures.Len(), Clips: speech.Len(), Pairs: len(pairs),
		Machine: fmt.Sprintf("%s/%s, %d threads", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)),
	}
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	probes := make([]*probe, min(workers, len(pairs)))
	for i := range probes {
		p, err := newProbe(sys)
		if err != nil {
			return nil, err
		}
		probes[i] = p
	}
	results := make([]result, len(pairs))
	for t, tau := range o.Thresholds {
		parallel.Each(len(probes), len(pairs), func(w, i int) {
			if results[i].err = ctx.Err(); results[i].err != nil {
				return
			}
			pictures.Thumbnail(pairs[i].Picture, probes[w].secret)
			speech.Cover(pairs[i].Clip, probes[w].cover)
			results[i] = probes[w].measure(tau)
			if o.Progress != nil {
				o.Progress(t*len(pairs)+i+1, len(o.Thresholds)*len(pairs))
			}
		})
		row, err := summarise(results)
		if err != nil {
			return nil, err
		}
		row.Threshold = tau
		r.Rows = append(r.Rows, row)
	}
	r.Minutes = time.Since(begin).Minutes()
	return r, nil
}

type result struct {
	Figures
	signal float64 // mean square of the cover
	err    error
}

func summarise(results []result) (Row, error) {
	row := Row{WorstPSNR: math.Inf(1)}
	var all []Figures
	var signal float64
	for _, r := range results {
		if r.err != nil {
			return row, r.err
		}
		all = append(all, r.Figures)
		signal += r.signal / float64(len(results))
		row.WorstPSNR = min(row.WorstPSNR, r.PSNR)
		row.WorstContainer = max(row.WorstContainer, r.ContainerMSE)
	}
	row.Mean = Mean(all, signal)
	return row, nil
}

// Mean returns the means of figures, signal being the mean power of the covers.
func Mean(all []Figures, signal float64) (m Figures) {
	n := float64(len(all))
	for _, f := range all {
		m.ContainerMSE += f.ContainerMSE / n
		m.SegmentalSNR += f.SegmentalSNR / n
		m.PSNR += f.PSNR / n
		m.SSIM += f.SSIM / n
		m.MSSSIM += f.MSSSIM / n
		if m.StagePSNR == nil {
			m.StagePSNR = make([]float64, len(f.StagePSNR))
		}
		for i, p := range f.StagePSNR {
			m.StagePSNR[i] += p / n
		}
	}
	m.SNR = 10 * math.Log10(signal/m.ContainerMSE)
	return m
}

// probe hides one picture after the other and measures.
type probe struct {
	hider            *model.Hider
	revealer         *model.Revealer
	secret, revealed *picture.Planes
	cover            []float32
	pixels, stage    []float32
	covers, received [][]float32
	samples          int
}

func newProbe(sys *model.System) (*probe, error) {
	c := sys.Config
	p := &probe{
		secret: picture.New(c.Tile, c.Tile), revealed: picture.New(c.Tile, c.Tile), samples: c.Samples(),
		cover: make([]float32, c.Stages*c.Samples()), pixels: make([]float32, 3*c.Tile*c.Tile), stage: make([]float32, 3*c.Tile*c.Tile),
	}
	for i := range c.Stages {
		p.covers = append(p.covers, p.cover[i*c.Samples():][:c.Samples()])
		p.received = append(p.received, make([]float32, c.Samples()))
	}
	var err error
	if p.hider, err = sys.NewHider(); err != nil {
		return nil, err
	}
	p.revealer, err = sys.NewRevealer()
	return p, err
}

// measure hides secret in cover and reveals it from the file.
func (p *probe) measure(tau float64) (r result) {
	if r.err = errors.Join(p.hider.SetThresholds(tau), p.revealer.SetThresholds(tau)); r.err != nil {
		return r
	}
	flatten(p.pixels, p.secret)
	format := audio.Format{Rate: dataset.Rate, Channels: 1, Encoding: audio.Int16}
	p.hider.Hide(p.received, p.pixels, p.covers, format.Step())
	container := &audio.Recording{Format: format, Samples: audio.NewBlock(1, len(p.cover))}
	cover := make([]float64, len(p.cover))
	for i, v := range p.cover {
		cover[i] = float64(v)
		r.signal += cover[i] * cover[i] / float64(len(cover))
		container.Samples[0][i] = float64(p.received[i/p.samples][i%p.samples])
	}
	var file bytes.Buffer
	if r.err = wav.Encode(&file, container); r.err != nil {
		return r
	}
	heard, err := wav.Decode(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		r.err = err
		return r
	}
	stego := heard.Samples[0]
	for i, v := range stego {
		p.received[i/p.samples][i%p.samples] = float32(v)
	}
	p.revealer.Reveal(p.pixels, p.received)
	unflatten(p.revealed, p.pixels)

	if r.Figures, r.err = Compare(p.secret, p.revealed, cover, stego); r.err != nil {
		return r
	}
	sum := make([]float32, len(p.pixels))
	for s := range p.covers {
		p.revealer.RevealStage(p.stage, s)
		for i, v := range p.stage {
			sum[i] += v
			p.pixels[i] = max(0, min(1, sum[i]+model.Middle))
		}
		unflatten(p.revealed, p.pixels)
		v, err := quality.PSNR(p.secret, p.revealed)
		r.err = errors.Join(r.err, err)
		r.StagePSNR = append(r.StagePSNR, min(v, 100))
	}
	return r
}

// Compare measures what became of a picture and of the recording that it was hidden in, 16 kHz samples with full scale 1. It
// leaves StagePSNR alone.
func Compare(secret, revealed *picture.Planes, cover, stego []float64) (f Figures, err error) {
	measure := func(dst *float64, of func() (float64, error)) {
		v, e := of()
		*dst = v
		err = errors.Join(err, e)
	}
	measure(&f.ContainerMSE, func() (float64, error) { return metric.MSE(cover, stego) })
	measure(&f.SNR, func() (float64, error) { return metric.SNR(cover, stego) })
	measure(&f.SegmentalSNR, func() (float64, error) { return metric.SegmentalSNR(cover, stego, dataset.Rate/50) })
	measure(&f.PSNR, func() (float64, error) { return quality.PSNR(secret, revealed) })
	measure(&f.SSIM, func() (float64, error) { return quality.SSIM(secret, revealed) })
	measure(&f.MSSSIM, func() (float64, error) { return quality.MSSSIM(secret, revealed) })
	f.PSNR = min(f.PSNR, 100)
	return f, err
}

func flatten(dst []float32, p *picture.Planes) {
	for i, plane := range p.Pix {
		copy(dst[i*len(plane):], plane)
	}
}

func unflatten(p *picture.Planes, src []float32) {
	for i, plane := range p.Pix {
		copy(plane, src[i*len(plane):])
	}
}

// Markdown writes the report as a table with its circumstances.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	stages := 0
	if len(r.Rows) > 0 {
		stages = len(r.Rows[0].Mean.StagePSNR)
	}
	b.WriteString("| threshold | container MSE | SNR | segmental SNR | PSNR | SSIM | MS-SSIM |")
	for i := range stages {
		fmt.Fprintf(&b, " after stage %d |", i+1)
	}
	b.WriteString(" worst PSNR |\n|" + strings.Repeat("---|", 8+stages) + "\n")
	for _, row := range r.Rows {
		m := row.Mean
		fmt.Fprintf(&b, "| %g | %.2e | %.1f dB | %.1f dB | %.2f dB | %.5f | %.5f |", row.Threshold, m.ContainerMSE, m.SNR, m.SegmentalSNR, m.PSNR, m.SSIM, m.MSSSIM)
		for _, p := range m.StagePSNR {
			fmt.Fprintf(&b, " %.2f dB |", p)
		}
		fmt.Fprintf(&b, " %.2f dB |\n", row.WorstPSNR)
	}
	fmt.Fprintf(&b, "\n%s, %d parameters, weights %s. %d pairs of %d pictures and %d clips (data %s). %s, %.1f minutes.\n",
		r.System, r.Parameters, r.Weights, r.Pairs, r.Pictures, r.Clips, r.Data, r.Machine, r.Minutes)
	_, err := io.WriteString(w, b.String())
	return err
}
