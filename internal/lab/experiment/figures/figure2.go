package figures

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/contender"
	"ditas/internal/lab/experiment/drawing"
	"ditas/internal/lab/experiment/residual"
	"ditas/internal/spectrogram"
	"ditas/picture"
)

// errorGain is how many times as large as they are errors of pictures are shown in Figure 2.
const errorGain = 8

// Figure 2 has panels of these sizes, in points.
const (
	panelWidth, panelHeight = 128.0, 96.0
	pictureSide             = 96.0
	gutter                  = 16.0
	apart                   = 38.0 // what is the same for all from the methods
	perBlock                = 4    // methods beside one another
)

// figure2 draws the containers and the revealed pictures of all methods, in blocks that begin with cover and secret.
func (r *Report) figure2() (*drawing.Figure, error) {
	const (
		margin = 58.0
		block  = 30 + 2*panelHeight + 8 + 36 + 2*pictureSide + 22 + 20
	)
	cover := r.exhibit.Subject.Cover.Samples[0]
	original, err := spectrogram.Image(cover, panelWidth*drawing.DotsPerPoint, panelHeight*drawing.DotsPerPoint)
	if err != nil {
		return nil, err
	}
	type panels struct{ container, difference image.Image }
	images := make([]panels, len(r.Methods))
	for i, m := range r.Methods {
		d := make([]float64, len(m.stego))
		for k, v := range m.stego {
			d[k] = v - cover[k]
		}
		dots := panelWidth * drawing.DotsPerPoint * len(d) / experiment.Samples
		if images[i].container, err = spectrogram.Image(m.stego, dots, panelHeight*drawing.DotsPerPoint); err != nil {
			return nil, err
		}
		if images[i].difference, err = spectrogram.Image(d, dots, panelHeight*drawing.DotsPerPoint); err != nil {
			return nil, err
		}
	}
	blocks := (len(r.Methods) + perBlock - 1) / perBlock
	secret := r.exhibit.Subject.Secret
	return &drawing.Figure{
		Width: margin + (perBlock+1)*panelWidth + perBlock*gutter + apart + 10, Height: float64(blocks)*block + 6,
		Paint: func(s *drawing.Sheet) {
			for b := range blocks {
				top := float64(b)*block + 30
				second, pictures := top+panelHeight+8, top+2*panelHeight+8+36
				errors := pictures + pictureSide + 22
				s.Bold(margin+panelWidth/2, top-18, 10, drawing.Centred, "cover and secret")
				s.Text(margin+panelWidth/2, top-7, 8, drawing.Centred, "the same for all")
				spectrogramIn(s, margin, top, original)
				axes(s, margin, top, true, true)
				s.Upward(margin-44, top+panelHeight/2, 9, "cover")
				scale(s, margin, second+22)
				s.Framed(margin+(panelWidth-pictureSide)/2, pictures, drawing.Pixels(secret, 3))
				s.Upward(margin-44, pictures+pictureSide/2, 9, "secret")
				for _, row := range []struct {
					y, height float64
					name      string
				}{
					{top, panelHeight, "container"}, {second, panelHeight, "difference"}, {pictures, pictureSide, "revealed"},
					{errors, pictureSide, fmt.Sprintf("error × %d", errorGain)},
				} {
					s.Upward(margin+panelWidth+apart-16, row.y+row.height/2, 9, row.name)
				}
				for i, m := range r.Methods[b*perBlock : min((b+1)*perBlock, len(r.Methods))] {
					x := margin + apart + float64(i+1)*(panelWidth+gutter)
					middle := x + panelWidth/2
					image := images[b*perBlock+i]
					s.Bold(middle, top-18, 10, drawing.Centred, contender.Title(m.System))
					s.Text(middle, top-7, 8, drawing.Centred, fmt.Sprintf("MSE %.1e, SNR ", m.Figures.ContainerMSE)+minus(fmt.Sprintf("%.1f dB", m.Figures.SNR)))
					spectrogramIn(s, x, top, image.container)
					axes(s, x, top, false, false)
					spectrogramIn(s, x, second, image.difference)
					axes(s, x, second, false, true)
					picture := x + (panelWidth-pictureSide)/2
					s.Framed(picture, pictures, drawing.Pixels(m.revealed, 3))
					psnr := fmt.Sprintf("PSNR %.1f dB", m.Figures.PSNR)
					if m.Figures.PSNR == experiment.Best {
						psnr = "exact"
					}
					s.Text(middle, pictures+pictureSide+10, 8.5, drawing.Centred, psnr)
					s.Framed(picture, errors, drawing.Pixels(around(residual.Difference(secret, m.revealed), errorGain), 3))
				}
			}
		},
	}, nil
}

// spectrogramIn draws one in a panel; of time that it does not cover the panel is hatched.
func spectrogramIn(s *drawing.Sheet, x, y float64, m image.Image) {
	w, h := s.Image(x, y, m)
	if w < panelWidth {
		s.Hatch(x+w, y, panelWidth-w, h)
		s.Line(drawing.Thin, x+w, y, x+w, y+h)
		s.Rectangle(x+w+(panelWidth-w)/2-24, y+h/2-7, 48, 14, color.White, nil)
		s.Text(x+w+(panelWidth-w)/2, y+h/2, 8, drawing.Centred, "not used")
	}
	s.Rectangle(x, y, panelWidth, h, nil, &drawing.Thin)
}

// axes draws the ticks of a spectrogram's panel, and what they mean where asked for.
func axes(s *drawing.Sheet, x, y float64, frequencies, times bool) {
	bottom := y + panelHeight
	for _, kHz := range []float64{0, 2, 4, 6, 8} {
		at := bottom - panelHeight*kHz*1000/(dataset.Rate/2)
		s.Line(drawing.Thin, x-3, at, x, at)
		if frequencies {
			s.Text(x-5, min(max(at, y+3), bottom-3), 8, drawing.Right, fmt.Sprint(kHz))
		}
	}
	for t := range 4 {
		at := x + panelWidth*float64(t)/seconds(experiment.Samples)
		s.Line(drawing.Thin, at, bottom, at, bottom+3)
		if times {
			s.Text(at, bottom+9, 8, drawing.Centred, fmt.Sprint(t))
		}
	}
	if frequencies {
		s.Upward(x-22, y+panelHeight/2, 8, "frequency (kHz)")
	}
	if times {
		s.Text(x+panelWidth/2, bottom+20, 8, drawing.Centred, "time (s)")
	}
}

// scale draws which grey is which level.
func scale(s *drawing.Sheet, x, y float64) {
	const height = 12
	m := image.NewGray(image.Rect(0, 0, panelWidth*drawing.DotsPerPoint, height*drawing.DotsPerPoint))
	for i := range m.Rect.Max.X {
		for j := range m.Rect.Max.Y {
			m.SetGray(i, j, color.Gray{uint8(255 - 255*i/(m.Rect.Max.X-1))})
		}
	}
	y += 22
	s.Framed(x, y, m)
	for level := spectrogram.LowestLevel; level <= spectrogram.HighestLevel; level += 20 {
		at := x + panelWidth*float64(level-spectrogram.LowestLevel)/(spectrogram.HighestLevel-spectrogram.LowestLevel)
		s.Line(drawing.Thin, at, y+height, at, y+height+3)
		s.Text(at, y+height+9, 8, drawing.Centred, minus(fmt.Sprint(level)))
	}
	s.Text(x+panelWidth/2, y+height+21, 8, drawing.Centred, "level (dB re full-scale sine)")
}

// minus writes a number with a minus sign in place of a hyphen.
func minus(number string) string { return strings.Replace(number, "-", "−", 1) }

// seconds is the length of a number of samples.
func seconds(n int) float64 { return float64(n) / dataset.Rate }

// around returns values around 0, planar RGB, as a picture around mid-grey, multiplied by a factor.
func around(values []float64, gain float64) *picture.Planes {
	p := picture.New(experiment.Side, experiment.Side)
	for c, plane := range p.Pix {
		for i := range plane {
			plane[i] = float32(max(0, min(1, 0.5+gain*values[c*len(plane)+i])))
		}
	}
	return p
}
