package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"

	"ditas/audio"
	"ditas/internal/channel"
	"ditas/picture"
	"ditas/picture/quality"
)

// show adds the recordings and pictures that ditas demo makes: as they were, with the picture, and damaged.
func show(ctx context.Context, secret *picture.Planes, cover *audio.Recording, files map[string]func(w io.Writer) error) error {
	stego, report, err := hide(ctx, secret, cover, 0)
	if err != nil {
		return err
	}
	revealed, found, err := reveal(ctx, stego)
	if err != nil {
		return err
	}
	hole := stego.Frames() / 3
	from := (stego.Frames() - hole) / 2
	var power float64
	for _, v := range stego.Samples[0] {
		power += v * v / float64(stego.Frames())
	}
	damaged := channel.Convert(channel.Noise(channel.Cut(stego, from, hole), math.Sqrt(power)*math.Pow(10, -65.0/20), rand.NewPCG(1, 1)), stego.Format.Encoding)
	remains, partly, err := reveal(ctx, damaged)
	if err != nil {
		return err
	}
	psnr, err := quality.PSNR(secret, remains)
	if err != nil {
		return err
	}
	log.Printf("SNR %.1f dB, exact %t; damaged: PSNR %.2f dB, %d of %d frames", report.SNR, found.Exact, psnr, partly.Arrived, partly.Frames)
	change := make([]float64, stego.Frames())
	for i, v := range stego.Samples[0] {
		change[i] = v - cover.Samples[0][i]
	}
	seconds := float64(cover.Frames()) / float64(cover.Format.Rate)
	var peak float64
	for _, v := range cover.Samples[0] {
		peak = max(peak, math.Abs(v))
	}
	files["cover.svg"] = func(w io.Writer) error {
		return draw(w, waveWidth, waveHeight, fmt.Sprintf("A recording of %.0f s of speech", seconds), func(s sheet) {
			s.envelope(cover.Samples[0], waveMiddle, peak, "wave")
		})
	}
	files["stego.svg"] = func(w io.Writer) error {
		return draw(w, waveWidth, waveHeight, "The recording with the picture in it, and the change alone at the same scale", func(s sheet) {
			s.envelope(stego.Samples[0], waveMiddle, peak, "wave")
			s.envelope(change, waveHeight-6, peak, "marked")
			s.Text(waveWidth, waveHeight-13, "the change alone, at the same scale", class("small end"))
		})
	}
	files["damaged.svg"] = func(w io.Writer) error {
		return draw(w, waveWidth, waveHeight, "A third cut out of the middle, and noise added to the rest", func(s sheet) {
			s.envelope(damaged.Samples[0], waveMiddle, peak, "wave")
			at := float64(from) / waveSamples * waveWidth
			s.Line(at, 2, at, waveHeight-16, class("bolder dashed"))
			s.Text(at, waveHeight-4, "a third is missing here, and there is noise on the rest", class("small middle"))
		})
	}
	files["revealed.png"] = func(w io.Writer) error { return revealed.Encode(w, picture.PNG) }
	files["remains.png"] = func(w io.Writer) error { return remains.Encode(w, picture.PNG) }
	return nil
}

// Waveforms are drawn at one scale of time and level.
const (
	waveWidth, waveHeight    = 560.0, 128.0
	waveMiddle, waveHalf     = 50.0, 48.0
	waveSamples, waveColumns = 321_600.0, 560
)

// envelope draws the extremes of samples, a line's width apart at least. The peak is as high as there is room for.
func (s sheet) envelope(x []float64, middle, peak float64, shade string) {
	const per = waveSamples / waveColumns
	var top, bottom, along []float64
	for i := range waveColumns {
		from, to := int(float64(i)*per), min(int(float64(i+1)*per), len(x))
		if from >= to {
			break
		}
		low, high := x[from], x[from]
		for _, v := range x[from:to] {
			low, high = min(low, v), max(high, v)
		}
		along = append(along, float64(i)*waveWidth/waveColumns)
		top = append(top, middle-max(high/peak*waveHalf, 0.5))
		bottom = append(bottom, middle-min(low/peak*waveHalf, -0.5))
	}
	for i := len(bottom) - 1; i >= 0; i-- {
		along, top = append(along, along[i]), append(top, bottom[i])
	}
	s.Polygon(along, top, class(shade))
}
