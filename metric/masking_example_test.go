package metric_test

import (
	"fmt"
	"math"

	"ditas/metric"
)

func ExampleMasking() {
	// A second of a 440 Hz tone at 16 kHz, rounded to 8 bits and to 16.
	cover := make([]float64, 16000)
	for i := range cover {
		cover[i] = 0.99 * math.Sin(2*math.Pi*440*float64(i)/16000)
	}
	m, err := metric.NewMasking(16000)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, steps := range []float64{1 << 7, 1 << 15} {
		stego := make([]float64, len(cover))
		for i, x := range cover {
			stego[i] = math.Round(x*steps) / steps
		}
		ratios, err := m.NoiseToMask(cover, stego)
		if err != nil {
			fmt.Println(err)
			return
		}
		audible := 0
		for _, r := range ratios {
			if r.Mean >= 0 {
				audible++
			}
		}
		fmt.Printf("%d of %d frames above the mask\n", audible, len(ratios))
	}
	// Output:
	// 46 of 46 frames above the mask
	// 0 of 46 frames above the mask
}
