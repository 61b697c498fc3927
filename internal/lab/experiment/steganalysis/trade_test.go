package steganalysis

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"

	"ditas/internal/lab/experiment/steganalysis/trial"
)

// What noise a picture survives lies between what was measured, and is the least there is where nothing was lost.
func TestSurvived(t *testing.T) {
	all := []float64{60, 50, 40}
	for _, c := range []struct {
		psnr []float64
		want float64 // NaN if there is none
	}{{[]float64{100, 35, 15}, 45}, {[]float64{100, 100, 30}, 40}, {[]float64{24, 20, 10}, math.NaN()}, {[]float64{25, 0, 0}, 60}} {
		p := TradePoint{PSNR: c.psnr}
		if got, ok := p.survived(all); ok == math.IsNaN(c.want) || ok && got != c.want {
			t.Errorf("%v: %g, %t, want %g", c.psnr, got, ok, c.want)
		}
	}
}

// The page has a row for each distance, and the figure can be drawn where a distance was refused.
func TestTradePage(t *testing.T) {
	found := Splits{Disjoint: &Verdict{Verdict: &trial.Verdict{Error: trial.Estimate{Value: 0.475, Low: 0.46, High: 0.49}}}}
	r := &Report{Trade: &Trade{Covers: 7, Groups: 3, Noises: []float64{60, 40}, Points: []TradePoint{
		{MethodReport: MethodReport{Rate: 1.25, SNR: 50.2, NMR: -25.4, Features: found}, Pictures: 5, PSNR: []float64{100, 60}},
		{Below: 60, MethodReport: MethodReport{Refused: 7}, PSNR: []float64{0, 0}},
		{Below: 30, MethodReport: MethodReport{Rate: 0.75, SNR: 36.5, NMR: -30.1, Refused: 2, Features: found}, Pictures: 3, PSNR: []float64{100, 20}},
	}}}
	var page, figure bytes.Buffer
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| default | 1.25 | 50.2 dB | -25.4 dB | 0 | 47.5 (46.0–49.0) | 100.0 dB | 60.0 dB |", "| 60 dB | – | – | – | 7 | – | – | – |",
		"| 30 dB | 0.75 | 36.5 dB | -30.1 dB | 2 | 47.5 (46.0–49.0) | 100.0 dB | 20.0 dB |", "7 excerpts of 3 speakers", "figures/" + FigureTrade,
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
	if err := r.Figure(&figure); err != nil {
		t.Fatal(err)
	}
	if m, err := png.Decode(&figure); err != nil || m.Bounds().Dx() != 800 {
		t.Errorf("%v, %v", m.Bounds(), err)
	}
}
