package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/metric"
	"ditas/picture"
)

// Where they come from is in demo/ATTRIBUTION.md.
var (
	//go:embed demo/photo.png
	demoPhoto []byte
	//go:embed demo/speech.wav
	demoSpeech []byte
)

const demoHelp = `Hide a photograph in a recording of speech, both of which come with ditas, reveal
it again from the file, and measure the two.

The files to compare are demo-secret.png with demo-revealed.png, and demo-cover.wav
with demo-stego.wav. The photograph is by Ryan Hagerty (public domain), the speech
by Carlo Flora (CC-BY-3.0, http://www.segreterietelefoniche.it). Neither was in the
material that the networks learned from.`

const demoExample = `  ditas demo
  ditas demo --out-dir /tmp/ditas --snr 45`

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
	f.Float64Var(&o.snr, "snr", ditas.DefaultSNR, fmt.Sprintf("signal-to-noise ratio in `dB`, %d to %d", ditas.MinSNR, ditas.MaxSNR))
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
	PSNR          float64 `json:"psnr"`
	SSIM          float64 `json:"ssim"`
	MSSSIM        float64 `json:"msssim"`
	HideSeconds   float64 `json:"hideSeconds"`
	RevealSeconds float64 `json:"revealSeconds"`
}

func (o *demoFlags) run(ctx context.Context) error {
	if !(o.snr >= ditas.MinSNR && o.snr <= ditas.MaxSNR) {
		return usagef("--snr %g: want %d to %d dB", o.snr, ditas.MinSNR, ditas.MaxSNR)
	}
	if err := checkWorkers(o.workers); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(o.dir, name) }
	d := demonstration{
		Secret: at("demo-secret.png"), Cover: at("demo-cover.wav"), Stego: at("demo-stego.wav"), Revealed: at("demo-revealed.png"),
	}
	for name, data := range map[string][]byte{d.Secret: demoPhoto, d.Cover: demoSpeech} {
		if err := writeFile(name, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		}); err != nil {
			return err
		}
	}
	if err := o.hide(ctx, &d); err != nil {
		return err
	}
	if err := o.reveal(ctx, &d); err != nil {
		return err
	}
	if err := d.measure(); err != nil {
		return err
	}
	o.printf("A photograph of %d×%d pixels is hidden in %.1f s of speech with %s, and revealed again from the file.\n\n", d.Width, d.Height, d.Seconds, d.Method)
	o.printf("  before  %s  %s\n  after   %s  %s\n\n", d.Cover, d.Secret, d.Stego, d.Revealed)
	o.printf("  recording  container MSE %.3g   SNR %.1f dB   largest change %.4f of full scale\n", d.MSE, d.SNR, d.MaxDeviation)
	o.printf("             below what the ear masks in %.1f %% of all moments\n", 100*d.Masked)
	o.printf("  picture    PSNR %.2f dB   SSIM %.4f   MS-SSIM %.4f\n", d.PSNR, d.SSIM, d.MSSSIM)
	o.printf("  time       hidden in %.2f s, revealed in %.2f s\n", d.HideSeconds, d.RevealSeconds)
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
	progress, end := o.progress("hiding")
	defer end()
	begin := time.Now()
	err = writeFile(d.Stego, func(w io.Writer) error {
		report, err := ditas.Hide(ctx, w, cover.(audio.Rewriter), secret, ditas.HideOptions{SNR: o.snr, Workers: o.workers, Progress: progress})
		if err == nil {
			d.Method = report.Method
		}
		return err
	})
	d.HideSeconds = time.Since(begin).Seconds()
	return err
}

func (o *demoFlags) reveal(ctx context.Context, d *demonstration) error {
	stego, err := openRecording(d.Stego)
	if err != nil {
		return err
	}
	defer stego.Close()
	progress, end := o.progress("revealing")
	defer end()
	begin := time.Now()
	p, _, err := ditas.Reveal(ctx, stego, ditas.RevealOptions{Workers: o.workers, Progress: progress})
	if err != nil {
		return fmt.Errorf("%s: %w", d.Stego, err)
	}
	d.RevealSeconds = time.Since(begin).Seconds()
	return writeFile(d.Revealed, func(w io.Writer) error { return p.Encode(w, picture.PNG) })
}

// measure compares the files.
func (d *demonstration) measure() error {
	cover, err := codec.ReadFile(d.Cover)
	if err != nil {
		return err
	}
	stego, err := codec.ReadFile(d.Stego)
	if err != nil {
		return err
	}
	secret, err := readPicture(d.Secret)
	if err != nil {
		return err
	}
	revealed, err := readPicture(d.Revealed)
	if err != nil {
		return err
	}
	d.Width, d.Height = revealed.Width, revealed.Height
	d.Seconds = cover.Format.Duration(int64(cover.Frames())).Seconds()
	x, y := cover.Samples[0], stego.Samples[0]
	for _, m := range []struct {
		value   *float64
		measure func() (float64, error)
	}{
		{&d.MSE, func() (float64, error) { return metric.MSE(x, y) }},
		{&d.SNR, func() (float64, error) { return metric.SNR(x, y) }},
		{&d.MaxDeviation, func() (float64, error) { return metric.MaxDeviation(x, y) }},
		{&d.PSNR, func() (float64, error) { return metric.PSNR(secret, revealed) }},
		{&d.SSIM, func() (float64, error) { return metric.SSIM(secret, revealed) }},
		{&d.MSSSIM, func() (float64, error) { return metric.MSSSIM(secret, revealed) }},
	} {
		if *m.value, err = m.measure(); err != nil {
			return err
		}
	}
	d.PSNR = min(d.PSNR, 100) // an exact copy has no finite one
	masking, err := metric.NewMasking(cover.Format.Rate)
	if err != nil {
		return err
	}
	moments, err := masking.NoiseToMask(x, y)
	if err != nil {
		return err
	}
	for _, m := range moments {
		if m.Mean < 0 {
			d.Masked += 1 / float64(len(moments))
		}
	}
	return nil
}
