package experiment

import "fmt"

// figure3 draws what the stages of a system do with the picture.
func (r *FiguresReport) figure3() *drawing {
	const (
		margin, side, gap = 62.0, 128.0, 14.0
		top, row          = 58.0, side + 40
	)
	columns := []struct{ symbol, name string }{
		{"S_i", "missing before the stage"}, {"S~_i", "revealed by the stage"}, {"S~_1 + … + S~_i + ½", "sum so far"},
		{"S_i+1 = S_i − S~_i", "still missing, as it is"}, {"S_i+1", "still missing, amplified"},
	}
	return &drawing{
		width: margin + float64(len(columns))*(side+gap), height: top + float64(len(r.Stages))*row,
		paint: func(s *sheet) {
			for i, c := range columns {
				middle := margin + float64(i)*(side+gap) + side/2
				s.formula(middle, 20, 14, centred, c.symbol)
				s.text(middle, 42, 10, centred, c.name)
			}
			for i, step := range r.Stages {
				y := top + float64(i)*row
				s.upward(24, y+side/2, 12, fmt.Sprintf("stage %d", i+1))
				before, after := amplification(step.missing), amplification(step.left)
				scaled := func(column int, values []float64, gain float64, text string) {
					x := margin + float64(column)*(side+gap)
					s.framed(x, y, pixels(around(values, gain), 4))
					s.text(x+side/2, y+side+13, 10, centred, text)
				}
				times := func(gain float64) string { return fmt.Sprintf("× %g", gain) }
				scaled(0, step.missing, before, times(before))
				scaled(1, step.revealed, before, times(before))
				x := margin + 2*(side+gap)
				s.framed(x, y, pixels(step.sum, 4))
				psnr := fmt.Sprintf("PSNR %.1f dB", step.PSNR)
				if step.PSNR == best {
					psnr = "exact in 8 bits"
				}
				s.text(x+side/2, y+side+13, 10, centred, psnr)
				scaled(3, step.left, 1, fmt.Sprintf("× 1, RMS %.1e", step.RMS))
				scaled(4, step.left, after, times(after))
			}
		},
	}
}
