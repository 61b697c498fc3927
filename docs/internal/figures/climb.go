package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"ditas"
	"ditas/audio"
	"ditas/internal/channel"
	"ditas/picture"
	"ditas/picture/quality"
	"ditas/report"
)

// trials is how many times the picture is hidden, each time with another nonce; shares and PSNRs are means.
const trials = 4

// rung is what arrives under one disturbance.
type rung struct {
	at      float64   // dB of change over noise, or share of the recording lost
	arrived []float64 // share of the pieces, by stage
	psnr    float64   // dB, at most 60, of the revealed picture; a grey one counts if there is none
}

const topPSNR = 60.0

// climb measures which stages arrive by how much noise is added and by how much of the recording is lost, in the unit experiment:
// the middle square of the photograph, 64×64 pixels, in the first 49,152 samples.
func climb(ctx context.Context, photo *picture.Planes, speech *audio.Recording, files map[string]func(w io.Writer) error) error {
	secret := photo.Thumbnail(64)
	secret.Round()
	cover := channel.Keep(speech, 0, 3*16384)
	var noisy, lossy []rung
	for dB := 30.0; dB >= -8; dB -= 2 {
		noisy = append(noisy, rung{at: dB})
	}
	for share := 0.0; share < 0.96; share += 0.05 {
		lossy = append(lossy, rung{at: share})
	}
	sizes := make([]int, 6)
	for trial := range trials {
		stego, report, err := hide(ctx, secret, cover, byte(trial))
		if err != nil {
			return err
		}
		for i, s := range report.Stages {
			sizes[i] = s.Bytes
		}
		for i := range noisy {
			r := &noisy[i]
			deviation := math.Sqrt(report.MSE) * math.Pow(10, -r.at/20)
			heard := channel.Convert(channel.Noise(stego, deviation, rand.NewPCG(uint64(trial), uint64(i))), audio.Float32)
			if err := r.measure(ctx, secret, heard, report); err != nil {
				return err
			}
		}
		for i := range lossy {
			r := &lossy[i]
			n := int(r.at * float64(stego.Frames()))
			if err := r.measure(ctx, secret, channel.Zero(stego, (stego.Frames()-n)/2, n), report); err != nil {
				return err
			}
		}
	}
	files["ladder.svg"] = func(w io.Writer) error {
		return draw(w, 800, 416, "Which stages arrive, and how good the picture is, by noise and by loss", func(s sheet) {
			s.stages(96, "White noise", "change over noise, dB", noisy, sizes, func(at float64) string { return fmt.Sprintf("%g", at) }, []float64{30, 20, 10, 0})
			s.stages(470, "Loss, nothing else", "part of the recording lost, its middle, %", lossy, nil, func(at float64) string { return fmt.Sprintf("%g", 100*at) }, []float64{0, 0.25, 0.5, 0.75})
			s.Text(16, 410, fmt.Sprintf("Dark: all pieces of the stage arrived; light: none. Means of %d recordings of one picture; 64×64 pixels in 3.07 s of speech, 50 dB.", trials), class("small"))
		})
	}
	return nil
}

func (r *rung) measure(ctx context.Context, secret *picture.Planes, heard *audio.Recording, hidden *report.Hide) error {
	if r.arrived == nil {
		r.arrived = make([]float64, len(hidden.Stages))
	}
	p, found, err := reveal(ctx, heard)
	if errors.Is(err, ditas.ErrNothingFound) {
		p = picture.New(secret.Width, secret.Height)
		for _, plane := range p.Pix {
			for i := range plane {
				plane[i] = 0.5
			}
		}
	} else if err != nil {
		return err
	}
	if found != nil {
		for i, s := range found.Stages {
			r.arrived[i] += float64(s.Arrived) / float64(max(1, s.Blocks)) / trials
		}
	}
	psnr, err := quality.PSNR(secret, p)
	if err != nil {
		return err
	}
	r.psnr += min(topPSNR, psnr) / trials
	return nil
}

// stages draws a row of cells for each stage, the last one on top, and the picture's PSNR below.
func (s sheet) stages(x float64, title, axis string, rungs []rung, sizes []int, label func(float64) string, ticks []float64) {
	const width, row, top, chart, high = 314.0, 26.0, 38.0, 222.0, 130.0
	cell := width / float64(len(rungs))
	s.Text(x, 22, title, class("bold"))
	n := len(rungs[0].arrived)
	for i := range n {
		y := top + float64(n-1-i)*row
		if sizes != nil {
			s.Text(x-8, y+12, fmt.Sprintf("stage %d", i+1), class("end"))
			s.Text(x-8, y+23, fmt.Sprintf("%d bytes", sizes[i]), class("small end"))
		}
		for j, r := range rungs {
			s.Rect(x+float64(j)*cell, y, cell+0.3, row-2, class(fmt.Sprintf("s%d", int(math.Round(6*r.arrived[i])))))
		}
	}
	at := func(psnr float64) float64 { return chart + high - (psnr-10)/(topPSNR-10)*high }
	for v := 10.0; v <= topPSNR; v += 10 {
		s.Line(x, at(v), x+width, at(v), class("faint"))
		name := fmt.Sprintf("%g dB", v)
		if v == topPSNR {
			name = "exact"
		}
		s.Text(x-8, at(v)+4, name, class("small end"))
	}
	var xs, ys []float64
	for j, r := range rungs {
		xs, ys = append(xs, x+(float64(j)+0.5)*cell), append(ys, at(r.psnr))
	}
	s.Polyline(xs, ys, class("mark"))
	for _, t := range ticks {
		for j, r := range rungs {
			if math.Abs(r.at-t) < 1e-9 {
				middle := x + (float64(j)+0.5)*cell
				s.Line(middle, chart+high, middle, chart+high+4, class("line"))
				s.Text(middle, chart+high+17, label(t), class("small middle"))
			}
		}
	}
	s.Text(x+width/2, chart+high+34, axis, class("small middle"))
}
