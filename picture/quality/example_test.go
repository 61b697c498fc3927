package quality_test

import (
	"fmt"

	"ditas/picture"
	"ditas/picture/quality"
)

func ExamplePSNR() {
	original, revealed := picture.New(64, 64), picture.New(64, 64)
	for i := range revealed.Pix[0] {
		revealed.Pix[0][i] = 3.0 / 255 // a tinge of red
	}
	psnr, err := quality.PSNR(original, revealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f dB\n", psnr)
	// Output: 43.36 dB
}
