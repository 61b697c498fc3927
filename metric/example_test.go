package metric_test

import (
	"fmt"
	"math"

	"ditas/metric"
)

func Example() {
	// A second of a 440 Hz tone at 16 kHz, and the same rounded to 8 bits.
	cover, stego := make([]float64, 16000), make([]float64, 16000)
	for i := range cover {
		cover[i] = 0.99 * math.Sin(2*math.Pi*440*float64(i)/16000)
		stego[i] = math.Round(cover[i]*128) / 128
	}
	mse, err := metric.MSE(cover, stego)
	if err != nil {
		fmt.Println(err)
		return
	}
	snr, err := metric.SNR(cover, stego)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("MSE %.1e, SNR %.0f dB\n", mse, snr)
	// Output: MSE 4.6e-06, SNR 50 dB
}
