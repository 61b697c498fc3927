package metric_test

import (
	"fmt"
	"math"

	"ditas/metric"
	"ditas/picture"
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

func ExamplePSNR() {
	original, revealed := picture.New(64, 64), picture.New(64, 64)
	for i := range revealed.Pix[0] {
		revealed.Pix[0][i] = 3.0 / 255 // a tinge of red
	}
	psnr, err := metric.PSNR(original, revealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f dB\n", psnr)
	// Output: 43.36 dB
}
