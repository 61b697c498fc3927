package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/audio/codec"
	"ditas/audio/wav"
	"ditas/internal/replace"
	"ditas/metric"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// Where they come from is in demo/ATTRIBUTION.md.
var (
	//go:embed demo/photo.png
	demoPhoto []byte
	//go:embed demo/speech.wav
	demoSpeech []byte
)

const demoHelp = `Hide a photograph in a recording of speech (ditas comes with both), reveal it from the
file, and measure how recording and photograph changed. Then cut a hole into the
recording, add noise to the rest, and reveal what remains.

Compare demo-secret.png with demo-revealed.png, and demo-cover.wav with demo-stego.wav.
demo-damaged.png is what remains in demo-damaged.wav. The photograph is by Ryan Hagerty
(public domain), the speech by Carlo Flora (CC-BY-3.0,
http://www.segreterietelefoniche.it).`

const demoExample = `  ditas demo
  ditas demo --out-dir /tmp/ditas --snr 60`

type demoFlags struct {
	terminal
	dir     string
	snr     float64
	workers int
}

func demoCommand() *cobra.Command {
	var o demoFlags
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Hide and reveal a photograph that comes with ditas",
		Long:    demoHelp,
		Example: demoExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.dir, "out-dir", "o", ".", "the `FOLDER` to write to; it is made if needed")
	m := ditas.Methods()[0]
	f.Float64Var(&o.snr, "snr", m.DefaultSNR, fmt.Sprintf("signal-to-noise ratio in `dB`, %g to %g", m.MinSNR, m.MaxSNR))
	f.IntVar(&o.workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

// demonstration is the result of ditas demo, measured on the files that it wrote.
type demonstration struct {
	Secret        string  `json:"secret"`
	Cover         string  `json:"cover"`
	Stego         string  `json:"stego"`
	Revealed      string  `json:"revealed"`
	Method        string  `json:"method"`
	Width         int     `json:"width"`
	Height        int     `json:"height"`
	Seconds       float64 `json:"seconds"` // the recording lasts
	MSE           float64 `json:"mse"`
	SNR           float64 `json:"snr"`
	MaxDeviation  float64 `json:"maxDeviation"`
	Masked        float64 `json:"masked"` // share of the moments in which the change is below what the ear masks
	Exact         bool    `json:"exact"`
	PSNR          float64 `json:"psnr"`
	SSIM          float64 `json:"ssim"`
	MSSSIM        float64 `json:"msssim"`
	HideSeconds   float64 `json:"hideSeconds"`
	RevealSeconds float64 `json:"revealSeconds"`
	Damaged       damaged `json:"damaged"`
}

// damaged is what a damaged recording still gives.
type damaged struct {
	Stego    string  `json:"stego"`
	Revealed string  `json:"revealed"`
	Removed  float64 `json:"removed"` // share of the recording
	Noise    float64 `json:"noise"`   // dB below the recording
	PSNR     float64 `json:"psnr"`
	Stages   int     `json:"stages"` // that arrived whole
	Of       int     `json:"of"`
}

func (o *demoFlags) run(ctx context.Context) error {
	if m := ditas.Methods()[0]; !(o.snr >= m.MinSNR && o.snr <= m.MaxSNR) {
		return usagef("--snr %g: want %g to %g dB", o.snr, m.MinSNR, m.MaxSNR)
	}
	if err := checkWorkers(o.workers); err != nil {
		return err
	}
	if err := makeFolder(o.dir); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(o.dir, name) }
	d := demonstration{
		Secret: at("demo-secret.png"), Cover: at("demo-cover.wav"), Stego: at("demo-stego.wav"), Revealed: at("demo-revealed.png"),
		Damaged: damaged{Stego: at("demo-damaged.wav"), Revealed: at("demo-damaged.png"), Removed: 1.0 / 3, Noise: 65},
	}
	for name, data := range map[string][]byte{d.Secret: demoPhoto, d.Cover: demoSpeech} {
		if err := replace.File(name, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		}); err != nil {
			return err
		}
	}
	if err := o.hide(ctx, &d); err != nil {
		return err
	}
	begin := time.Now()
	r, err := o.reveal(ctx, d.Stego, d.Revealed)
	if err != nil {
		return err
	}
	d.Exact, d.RevealSeconds = r.Exact, time.Since(begin).Seconds()
	if err := d.Damaged.make(d.Stego); err != nil {
		return err
	}
	if r, err = o.reveal(ctx, d.Damaged.Stego, d.Damaged.Revealed); err != nil {
		return err
	}
	for _, s := range r.Stages {
		d.Damaged.Of++
		if s.Arrived == s.Blocks {
			d.Damaged.Stages++
		}
	}
	if err := d.measure(ctx); err != nil {
		return err
	}
	o.printf("A photograph of %d×%d pixels is hidden in %.1f s of speech with %s, and revealed again from the file.\n\n", d.Width, d.Height, d.Seconds, d.Method)
	o.printf("  before  %s  %s\n  after   %s  %s\n\n", d.Cover, d.Secret, d.Stego, d.Revealed)
	o.printf("  recording  container MSE %.3g   SNR %.1f dB   largest change %.4f of full scale\n", d.MSE, d.SNR, d.MaxDeviation)
	o.printf("             below what the ear masks in %.1f %% of all moments\n", 100*d.Masked)
	if d.Exact {
		o.printf("  picture    exact: not one value differs\n")
	} else {
		o.printf("  picture    PSNR %.2f dB   SSIM %.4f   MS-SSIM %.4f\n", d.PSNR, d.SSIM, d.MSSSIM)
	}
	o.printf("  time       hidden in %.2f s, revealed in %.2f s\n\n", d.HideSeconds, d.RevealSeconds)
	o.printf("Now %.0f %% of the recording is cut out, and noise added to the rest, %.0f dB below it. What is revealed then:\n\n", 100*d.Damaged.Removed, d.Damaged.Noise)
	o.printf("  damaged  %s  %s\n\n", d.Damaged.Stego, d.Damaged.Revealed)
	o.printf("  picture    PSNR %.2f dB   %d of %d stages arrived\n", d.Damaged.PSNR, d.Damaged.Stages, d.Damaged.Of)
	return o.result(d)
}

func (o *demoFlags) hide(ctx context.Context, d *demonstration) error {
	cover, err := codec.Open(bytes.NewReader(demoSpeech), int64(len(demoSpeech)))
	if err != nil {
		return err
	}
	secret, err := picture.Decode(bytes.NewReader(demoPhoto))
	if err != nil {
		return err
	}
	progress, end := o.phases()
	defer end()
	begin := time.Now()
	err = replace.File(d.Stego, func(w io.Writer) error {
		r, err := ditas.Hide(ctx, w, cover, secret, ditas.Public(), ditas.HideOptions{
			Strength: ditas.SNR(o.snr), Workers: o.workers, Progress: progress,
		})
		if err == nil {
			d.Method = r.Method
		}
		return err
	})
	d.HideSeconds = time.Since(begin).Seconds()
	return err
}

func (o *demoFlags) reveal(ctx context.Context, name, out string) (*report.Reveal, error) {
	stego, err := openRecording(ctx, name)
	if err != nil {
		return nil, err
	}
	defer stego.Close()
	progress, end := o.phases()
	defer end()
	p, r, err := ditas.Reveal(ctx, stego, ditas.Public(), ditas.RevealOptions{Workers: o.workers, Progress: progress})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, replace.File(out, func(w io.Writer) error { return p.Encode(w, picture.PNG) })
}

// make writes the damaged recording: a hole cut out of its middle, noise added to what is left.
func (d *damaged) make(stego string) error {
	rec, err := codec.ReadFile(stego)
	if err != nil {
		return err
	}
	x := rec.Samples[0]
	hole := int(d.Removed * float64(len(x)))
	x = slices.Delete(x, (len(x)-hole)/2, (len(x)+hole)/2)
	var power float64
	for _, v := range x {
		power += v * v / float64(len(x))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range x {
		x[i] = rec.Format.Quantize(x[i] + math.Sqrt(power)*math.Pow(10, -d.Noise/20)*rng.NormFloat64())
	}
	rec.Samples[0] = x
	return replace.File(d.Stego, func(w io.Writer) error { return wav.Encode(w, rec) })
}

// measure compares the files.
func (d *demonstration) measure(ctx context.Context) error {
	cover, err := codec.ReadFile(d.Cover)
	if err != nil {
		return err
	}
	stego, err := codec.ReadFile(d.Stego)
	if err != nil {
		return err
	}
	secret, err := readPicture(ctx, d.Secret)
	if err != nil {
		return err
	}
	revealed, err := readPicture(ctx, d.Revealed)
	if err != nil {
		return err
	}
	remains, err := readPicture(ctx, d.Damaged.Revealed)
	if err != nil {
		return err
	}
	d.Width, d.Height = revealed.Width, revealed.Height
	d.Seconds = cover.Format.Duration(int64(cover.Frames())).Seconds()
	c, err := metric.NewComparison(cover.Format.Rate, cover.Format.Channels)
	if err != nil {
		return err
	}
	if err := c.Add(cover.Samples, stego.Samples); err != nil {
		return err
	}
	f := c.Figures()
	d.MSE, d.SNR, d.MaxDeviation, d.Masked = f.MSE, f.SNR, f.MaxDeviation, f.Masked
	for _, m := range []struct {
		value   *float64
		measure func() (float64, error)
	}{
		{&d.PSNR, func() (float64, error) { return quality.PSNR(secret, revealed) }},
		{&d.SSIM, func() (float64, error) { return quality.SSIM(secret, revealed) }},
		{&d.Damaged.PSNR, func() (float64, error) { return quality.PSNR(secret, remains) }},
		{&d.MSSSIM, func() (float64, error) { return quality.MSSSIM(secret, revealed) }},
	} {
		if *m.value, err = m.measure(); err != nil {
			return err
		}
	}
	d.PSNR, d.Damaged.PSNR = min(d.PSNR, 100), min(d.Damaged.PSNR, 100) // an exact copy has no finite one
	return nil
}
