package figures

import (
	"fmt"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/drawing"
	"ditas/internal/lab/experiment/residual"
)

// figure3 draws what the stages of a system do with the picture.
func (r *Report) figure3() *drawing.Figure {
	const (
		margin, side, gap = 62.0, 128.0, 14.0
		top, row          = 58.0, side + 40
	)
	columns := []struct{ symbol, name string }{
		{"S_i", "missing before the stage"}, {"S~_i", "revealed by the stage"}, {"S~_1 + … + S~_i + ½", "sum so far"},
		{"S_i+1 = S_i − S~_i", "still missing, as it is"}, {"S_i+1", "still missing, amplified"},
	}
	return &drawing.Figure{
		Width: margin + float64(len(columns))*(side+gap), Height: top + float64(len(r.Stages))*row,
		Paint: func(s *drawing.Sheet) {
			for i, c := range columns {
				middle := margin + float64(i)*(side+gap) + side/2
				s.Formula(middle, 20, 14, drawing.Centred, c.symbol)
				s.Text(middle, 42, 10, drawing.Centred, c.name)
			}
			for i, step := range r.Stages {
				y := top + float64(i)*row
				s.Upward(24, y+side/2, 12, fmt.Sprintf("stage %d", i+1))
				before, after := residual.Amplification(step.missing), residual.Amplification(step.left)
				scaled := func(column int, values []float64, gain float64, text string) {
					x := margin + float64(column)*(side+gap)
					s.Framed(x, y, drawing.Pixels(around(values, gain), 4))
					s.Text(x+side/2, y+side+13, 10, drawing.Centred, text)
				}
				times := func(gain float64) string { return fmt.Sprintf("× %g", gain) }
				scaled(0, step.missing, before, times(before))
				scaled(1, step.revealed, before, times(before))
				x := margin + 2*(side+gap)
				s.Framed(x, y, drawing.Pixels(step.sum, 4))
				psnr := fmt.Sprintf("PSNR %.1f dB", step.PSNR)
				if step.PSNR == experiment.Best {
					psnr = "exact in 8 bits"
				}
				s.Text(x+side/2, y+side+13, 10, drawing.Centred, psnr)
				scaled(3, step.left, 1, fmt.Sprintf("× 1, RMS %.1e", step.RMS))
				scaled(4, step.left, after, times(after))
			}
		},
	}
}
